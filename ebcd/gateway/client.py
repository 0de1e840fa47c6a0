"""Sends our packages to the platforms above: outbox, retries, heartbeats, main and standby line, and who answers.

Everything waits on the running loop's time, so tests run in virtual time; the HTTP client is passed in.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from devices.ports import Clock
from ebcd.gateway.news import (
    PUSHED_OUT,
    REFUSED_AGAIN,
    ClientEvent,
    Delivered,
    Exchanged,
    PeerDown,
    PeerStatus,
    PeerUp,
    RouteSwitched,
    Undelivered,
)
from ebcd.gateway.outbox import GatewayOutbox, Waiting, Worth
from ebcd.gateway.peers import Letter, Peer, Writer
from ebcd.gateway.post import Poster, PostFailed, ReceiptJudge
from ebcd.gateway.route import Route
from protocols.ebd import Detail, Ebd, Package, ResultCode, build_request_body, package_name
from protocols.ebd import messages as m
from protocols.ebd.messages import ConnectionCheck, EbdResponse

LETTERS_MAX = 512
SENDERS_MAX = 4  # exchanges with one peer at a time
LOSS_S = 20.0  # platform.md 6.1: a request that is unanswered for so long makes the other side abnormal
PARKED_AGAIN_S = 600.0  # letters that a peer which is there does not answer are tried anew so often
WATCH_S = 1.0
BEAT_GAP_S = 5.0  # between two heartbeats, however often a peer that does not answer speaks to us
SPEAKS_S = 100.0  # three heartbeats of a peer, and a little
BOUNDARY_DIGITS = 24


@dataclass(slots=True)
class _Line:
    """What is known about one peer."""

    peer: Peer
    outbox: GatewayOutbox
    route: Route
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    beat_now: asyncio.Event = field(default_factory=asyncio.Event)
    heard_s: float | None = None  # its last package or receipt
    unanswered_s: float | None = None  # since when nothing of ours was answered
    revived_s: float = 0.0
    up: bool = False
    told_down: bool = False
    last_failure: str = ""


class GatewayClient:
    """The sending side towards all configured peers."""

    def __init__(
        self,
        peers: Collection[Peer],
        writer: Writer,
        poster: Poster,
        clock: Clock,
        rng: random.Random,
        tell: Callable[[ClientEvent], None],
        *,
        heartbeat_s: float = 30.0,
        letters_max: int = LETTERS_MAX,
        forged: Callable[[Peer, Package], str] = lambda peer, package: "",
    ) -> None:
        """`tell` takes each event at once and does not block. `forged`: why a receipt's signature is wrong, "" where
        it is not."""
        self._writer = writer
        self._poster = poster
        self._clock = clock
        self._rng = rng
        self._tell = tell
        self._heartbeat_s = heartbeat_s
        self._letters_max = letters_max
        self._forged = forged
        self._lines = {peer.code: self._line(peer, letters_max) for peer in peers}

    def _line(self, peer: Peer, letters_max: int) -> _Line:
        def pushed_out(waiting: Waiting) -> None:
            self._tell(Undelivered(peer, waiting.letter.ebd_id, PUSHED_OUT, waiting.tries))

        return _Line(
            peer, GatewayOutbox(letters_max=letters_max, pushed_out=pushed_out), Route(peer.url, peer.standby_url)
        )

    def room(self, peer_code: str) -> int:
        """How many more letters its outbox takes."""
        return self._letters_max - self._lines[peer_code].outbox.depth

    def compose(
        self,
        peer_code: str,
        detail: Detail,
        *,
        related_ebd_id: str | None = None,
        resources: Mapping[str, bytes] | None = None,
    ) -> Letter:
        """One document for a peer under the next number; nothing is queued yet.

        Raises KeyError for a peer that is not configured, LocalProtocolError.
        """
        peer = self._lines[peer_code].peer
        return self._writer.write(
            detail,
            peer.edition,
            destination=peer.code,
            related_ebd_id=related_ebd_id,
            resources=resources,
            naming=peer.naming,
        )

    def offer(self, peer_code: str, letter: Letter, *, lane: str, worth: Worth) -> None:
        """Queue a letter; its number is what `Delivered` or `Undelivered` will name. Raises GatewayOutboxFull.

        Letters of one `lane` (an EBMID, see `lane_of`) leave in this order; `worth` as of `worth_of`.
        """
        line = self._lines[peer_code]
        line.outbox.offer(Waiting(letter, lane, worth, self._clock.monotonic()))
        line.wake.set()

    def send(
        self,
        peer_code: str,
        detail: Detail,
        *,
        related_ebd_id: str | None = None,
        resources: Mapping[str, bytes] | None = None,
    ) -> Letter:
        """`compose` and `offer` in one step, for what need not be durable first."""
        letter = self.compose(peer_code, detail, related_ebd_id=related_ebd_id, resources=resources)
        self.offer(peer_code, letter, lane=lane_of(detail, letter.ebd_id), worth=worth_of(detail))
        return letter

    def heard(self, peer: Peer) -> None:
        """The peer has spoken to us. Where it did not answer before, it is asked at once."""
        line = self._lines[peer.code]
        line.heard_s = self._clock.monotonic()
        if not line.up:
            line.beat_now.set()

    def is_up(self, peer_code: str) -> bool:
        """Whether the peer answers."""
        return self._lines[peer_code].up

    def _answers(self, line: _Line, url: str, *, heeded: bool) -> None:
        """A receipt came over `url`; `heeded`: one that took a document. Over the line that is not in use it is good to
        know, and no more."""
        now_s = line.heard_s = self._clock.monotonic()
        if line.route.answered(url, now_s, beat=not heeded):
            self._switched(line)
        if url != line.route.url:
            return
        line.unanswered_s, line.told_down = None, False
        if not line.up:
            line.up = True
            self._revive(line)
            self._tell(PeerUp(line.peer))

    def _switched(self, line: _Line) -> None:
        line.beat_now.set()
        self._tell(RouteSwitched(line.peer, line.route.url, line.route.on_standby))

    def _revive(self, line: _Line) -> None:
        line.revived_s = self._clock.monotonic()
        line.outbox.revive(line.revived_s)
        line.wake.set()

    def statuses(self) -> tuple[PeerStatus, ...]:
        """One line a peer."""
        now_s = self._clock.monotonic()
        return tuple(
            PeerStatus(
                line.peer.written_code,
                line.up,
                None if line.heard_s is None else now_s - line.heard_s,
                line.outbox.depth,
                line.outbox.dropped,
                line.last_failure,
                line.route.on_standby,
                line.route.switches,
                line.route.spare,
                line.route.spare_failure(now_s),
            )
            for line in self._lines.values()
        )

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for line in self._lines.values():
                line.unanswered_s = None
                line.outbox.rest()
                group.create_task(self._heartbeats(line), name=f"heartbeats to {line.peer.code}")
                group.create_task(self._watch(line), name=f"watch {line.peer.code}")
                for number in range(SENDERS_MAX):
                    group.create_task(self._sender(line), name=f"sender {number} to {line.peer.code}")

    async def _sender(self, line: _Line) -> None:
        while True:
            waiting = line.outbox.take(self._clock.monotonic())
            if waiting is None:
                await self._until_due(line)
                continue
            try:
                receipt = await self._post(line, waiting.letter, waiting.worth)
            except PostFailed as failure:
                self._failed(line, waiting, failure.reason)
            else:
                self._answered(line, waiting, receipt)
            line.wake.set()

    async def _until_due(self, line: _Line) -> None:
        line.wake.clear()
        due_s = line.outbox.next_due_s()
        try:
            async with asyncio.timeout(None if due_s is None else max(due_s - self._clock.monotonic(), 0.0)):
                await line.wake.wait()
        except TimeoutError:
            return

    def _answered(self, line: _Line, waiting: Waiting, receipt: EbdResponse) -> None:
        """Code 5 is the peer's own trouble (busy, disk) and worth other tries; 2-4 would be the same again."""
        now_s = self._clock.monotonic()
        if receipt.code is ResultCode.OTHER:
            if line.outbox.again(waiting, now_s):
                return
            tries = waiting.tries + 1
            if (first := line.outbox.keep(waiting)) is not None:
                if first:
                    self._tell(Undelivered(line.peer, waiting.letter.ebd_id, REFUSED_AGAIN, tries))
                return
        line.outbox.done(waiting)
        self._tell(Delivered(line.peer, waiting.letter.ebd_id, receipt.code, receipt.desc, waiting.tries + 1))

    def _failed(self, line: _Line, waiting: Waiting, reason: str) -> None:
        if line.outbox.again(waiting, self._clock.monotonic()):
            return
        tries = waiting.tries + 1
        if waiting.worth is Worth.REPORT:
            line.outbox.done(waiting)
        elif not line.outbox.park(waiting):
            return
        self._tell(Undelivered(line.peer, waiting.letter.ebd_id, reason, tries))

    async def _post(self, line: _Line, letter: Letter, worth: Worth | None, url: str = "") -> EbdResponse:
        """One exchange over the line in use, or over `url`; `worth` None for a heartbeat. Raises PostFailed."""
        peer, url = line.peer, url or line.route.url
        archive = self._writer.package(letter, peer.edition, peer.profile)
        boundary = f"ebcd{self._rng.randrange(10**BOUNDARY_DIGITS):0{BOUNDARY_DIGITS}d}"
        body = build_request_body(archive, package_name(letter.written_id), boundary)
        begun_s, begun_at = self._clock.monotonic(), self._clock.wall()
        try:
            receipt = await self._poster.post(url, body, self._objects(peer, letter))
        except PostFailed as failure:
            now_s = self._clock.monotonic()
            self._tell(Exchanged(peer, letter.ebd_id, begun_at, now_s - begun_s, None, str(failure)))
            if url == line.route.url:
                line.last_failure = str(failure)
            if line.route.failed(url, now_s, str(failure), beat=worth is None):
                self._switched(line)
            raise
        now_s = self._clock.monotonic()
        self._tell(Exchanged(peer, letter.ebd_id, begun_at, now_s - begun_s, receipt.code, receipt.desc))
        heeded = worth is not None and receipt.code is not ResultCode.OTHER
        self._answers(line, url, heeded=heeded)
        unwell = worth is Worth.MESSAGE and not heeded
        if unwell and line.route.failed(url, now_s, f"{receipt.code}: {receipt.desc}", beat=False):
            self._switched(line)
        return receipt

    def _objects(self, peer: Peer, letter: Letter) -> ReceiptJudge:
        """What speaks against a receipt for this letter: it names another package, or its signature is wrong."""

        def objection(ebd: Ebd, package: Package) -> str:
            related = ebd.envelope.related_ebd_id
            if related and related != letter.written_id:
                return f"the receipt is for {related}"
            return self._forged(peer, package) if letter.signed else ""

        return objection

    async def post_once(self, peer_code: str, letter: Letter) -> EbdResponse:
        """One exchange beside the queue, for the last word of a daemon that ends. Raises PostFailed."""
        return await self._post(self._lines[peer_code], letter, Worth.REPORT)

    async def _heartbeats(self, line: _Line) -> None:
        """Each period one, never retried, never overtaking itself (platform.md 6.8). What goes over the line that is
        not in use is not waited for."""
        await asyncio.sleep(self._rng.uniform(0.0, min(1.0, self._heartbeat_s)))
        beside: asyncio.Task[None] | None = None
        async with asyncio.TaskGroup() as group:
            while True:
                begun_s = self._clock.monotonic()
                if line.unanswered_s is None:
                    line.unanswered_s = begun_s
                line.beat_now.clear()
                url, *others = line.route.beats()
                if others and (beside is None or beside.done()):
                    beside = group.create_task(self._beat(line, others[0]))
                await self._beat(line, url)
                await asyncio.sleep(min(BEAT_GAP_S, self._heartbeat_s / 2))
                took_s = self._clock.monotonic() - begun_s
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._heartbeat_s - took_s % self._heartbeat_s):
                        await line.beat_now.wait()

    async def _beat(self, line: _Line, url: str) -> None:
        letter = self._writer.write(
            ConnectionCheck(int(self._clock.wall())),
            line.peer.edition,
            destination=line.peer.code,
            signed=False,
            ebd_id=self._writer.heartbeat_id(),
            naming=line.peer.naming,
        )
        with contextlib.suppress(PostFailed):
            receipt = await self._post(line, letter, None, url)
            if receipt.code not in (ResultCode.SUCCESS, ResultCode.NOT_PROCESSED):
                line.last_failure = f"heartbeat refused with {receipt.code}: {receipt.desc}"

    async def _watch(self, line: _Line) -> None:
        """Tell when nothing was answered for LOSS_S, also where the peer was never there."""
        while True:
            now_s = self._clock.monotonic()
            if line.up and now_s - line.revived_s >= PARKED_AGAIN_S:
                self._revive(line)
            since_s = line.unanswered_s
            if since_s is None or now_s - since_s < LOSS_S:
                await asyncio.sleep(WATCH_S)
                continue
            if not line.told_down:
                line.up, line.told_down = False, True
                speaks = line.heard_s is not None and now_s - line.heard_s < SPEAKS_S
                self._tell(PeerDown(line.peer, now_s - since_s, speaks))
                if line.route.give_up():
                    self._switched(line)
            await asyncio.sleep(WATCH_S)


def lane_of(detail: Detail, ebd_id: str) -> str:
    """What must stay in order: everything about one EBM; other documents stand alone."""
    if isinstance(detail, m.Ebm | m.EbmStateResponse):
        return detail.ebm_id
    return ebd_id


def worth_of(detail: Detail) -> Worth:
    """How much a document counts when the outbox is full, and whether it is retried."""
    match detail:
        case m.Ebm() | m.EbmStateResponse():
            return Worth.MESSAGE
        case m.EbmStateRequest() | m.OmdRequest() | m.EbdNotify() | m.EbdResponse() | m.ConnectionCheck():
            return Worth.NOTICE
        case _:
            return Worth.REPORT
