"""Letters that must arrive: on disk first, then to the gateway's client, in the order in which they were written.

One clerk does it, so that nothing overtakes: letters are written down together, then offered; what finds no room waits
on the disk and is fetched, oldest first, as soon as there is room. A letter is forgotten when its receipt is here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import structlog

from ebcd.gateway import GatewayClient, GatewayOutboxFull, Letter, Peer, Worth, lane_of, worth_of
from ebcd.store import Outgoing, Store
from ebcd.store.errors import StoreError
from ebcd.store.events import NewEvent
from protocols.errors import RemoteProtocolError

UNWRITTEN_MAX = 10_000
"""Letters that may wait for a disk that refuses; each of them is a state of an alert."""
WRITTEN_AT_ONCE_MAX = 200
ROWS_AT_ONCE_MAX = 512
DISK_AGAIN_S = 1.0

log = structlog.get_logger("ebcd.mailroom")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One letter on its way to the disk, with the facts that stand and fall with it."""

    peer: str
    letter: Letter
    related: str
    lane: str
    worth: Worth
    events: Sequence[NewEvent]


class LetterBook:
    """The letters of one platform to all its peers."""

    def __init__(
        self,
        store: Store,
        client: GatewayClient,
        peers: Mapping[str, Peer],
        wall: Callable[[], float],
        bound_acted: Callable[[str], None],
    ) -> None:
        self._store = store
        self._client = client
        self._peers = peers
        self._wall = wall
        self._bound_acted = bound_acted
        self._unwritten: deque[_Entry] = deque()
        self._answered: list[str] = []
        self._held: set[str] = set()  # numbers that the client has
        self._on_disk: set[str] = set(peers)  # peers for whom letters may wait on the disk only
        self._wake = asyncio.Event()

    def put(self, peer: str, letter: Letter, related: str, lane: str, worth: Worth, events: Sequence[NewEvent]) -> None:
        """Keep a letter and send it; never waits, also before `run` and while the disk refuses."""
        if len(self._unwritten) >= UNWRITTEN_MAX:
            log.error("letter.refused", ebd=letter.ebd_id, peer=peer, reason=f"{UNWRITTEN_MAX} wait for the disk")
            self._bound_acted("letters_unwritten")
            return
        self._unwritten.append(_Entry(peer, letter, related, lane, worth, events))
        self._wake.set()

    def answered(self, ebd_id: str) -> None:
        """Its receipt is here; it is forgotten."""
        self._held.discard(ebd_id)
        self._answered.append(ebd_id)
        self._wake.set()

    def pushed_out(self, peer: str, ebd_id: str) -> None:
        """It lost its place in the client and waits on the disk."""
        self._held.discard(ebd_id)
        self._on_disk.add(peer)

    def holds(self, ebd_id: str) -> bool:
        """Whether a number is one of the letters given to the client."""
        return ebd_id in self._held

    async def run(self) -> None:
        """Write, offer, forget, until cancelled; what an earlier life left goes first."""
        self._on_disk = set(self._peers)
        while True:
            self._wake.clear()
            try:
                await self._forget()
                await self._fetch()
                await self._write()
            except StoreError as error:
                log.warning("letters.wait_for_disk", reason=str(error), letters=len(self._unwritten))
                await asyncio.sleep(DISK_AGAIN_S)
                continue
            if not (self._unwritten or self._answered):
                await self._wake.wait()

    async def _write(self) -> None:
        batch = [self._unwritten[at] for at in range(min(len(self._unwritten), WRITTEN_AT_ONCE_MAX))]
        puts = [self._store.outbox_put(self._outgoing(entry), entry.events) for entry in batch]
        for outcome in await asyncio.gather(*puts, return_exceptions=True):
            entry = self._unwritten[0]
            if isinstance(outcome, StoreError) and outcome.reason == "refused":
                log.error("letter.refused", ebd=entry.letter.ebd_id, peer=entry.peer, reason=str(outcome))
                self._bound_acted("letters_on_disk")
            elif isinstance(outcome, BaseException):
                raise outcome  # those behind it are written again, which changes nothing
            elif entry.peer not in self._on_disk and not self._offer(entry.peer, entry.letter, entry.lane, entry.worth):
                self._on_disk.add(entry.peer)
            self._unwritten.popleft()

    def _outgoing(self, entry: _Entry) -> Outgoing:
        return Outgoing(entry.letter.ebd_id, entry.peer, entry.related, entry.letter.xml, self._wall())

    def _offer(self, peer: str, letter: Letter, lane: str, worth: Worth) -> bool:
        """False where the client has no room, so that it waits on the disk."""
        try:
            self._client.offer(peer, letter, lane=lane, worth=worth)
        except GatewayOutboxFull:
            self._bound_acted("gateway_outbox")
            return False
        self._held.add(letter.ebd_id)
        return True

    async def _fetch(self) -> None:
        """Letters that wait on the disk only, for peers with room."""
        for peer in [peer for peer in self._on_disk if self._client.room(peer)]:
            rows = await self._store.outbox_waiting(peer, ROWS_AT_ONCE_MAX)
            if self._offer_rows(peer, rows) and len(rows) < ROWS_AT_ONCE_MAX:
                self._on_disk.discard(peer)

    def _offer_rows(self, peer: str, rows: Collection[Outgoing]) -> bool:
        """Whether all of them are with the client now."""
        for row in rows:
            if row.ebd_id in self._held or row.ebd_id in self._answered:
                continue
            try:
                detail = self._peers[peer].read(row.document).detail
            except RemoteProtocolError as error:
                log.error("letter.lost", ebd=row.ebd_id, reason=str(error))
                self._answered.append(row.ebd_id)
                continue
            letter = Letter(row.ebd_id, row.document, True, {})
            if not self._client.room(peer) or not self._offer(
                peer, letter, lane_of(detail, row.ebd_id), worth_of(detail)
            ):
                return False
        return True

    async def _forget(self) -> None:
        done, self._answered = self._answered, []
        try:
            await asyncio.gather(*[self._store.outbox_done(ebd_id) for ebd_id in done])
        except StoreError:
            self._answered += done
            raise
