"""Gateway and store put together: judged packages in, letters out that survive a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

import structlog

from devices.ports import Network
from ebcd.exchanges import ExchangeLog
from ebcd.gateway import (
    LETTERS_MAX,
    PUSHED_OUT,
    READINGS,
    Answer,
    ClientEvent,
    Delivered,
    Desk,
    Exchanged,
    GatewayClient,
    GatewayLimits,
    GatewayOutboxFull,
    GatewayServer,
    HttpPoster,
    Judge,
    Letter,
    Peer,
    PeerDown,
    PeerStatus,
    PeerUp,
    Posted,
    Poster,
    PostFailed,
    Received,
    Rejection,
    RouteSwitched,
    Undelivered,
    Worth,
    Writer,
    lane_of,
    worth_of,
)
from ebcd.letterbook import LetterBook
from ebcd.metrics import Metrics
from ebcd.numbers import EbdNumbers
from ebcd.operator import LinkRow
from ebcd.settings import Settings
from ebcd.settings.sections import PeerSection
from ebcd.signing import FileProfile, FileSigner, Refusal, SignatureVerifier
from ebcd.store import Store
from ebcd.store.events import NewEvent
from ebcd.world import World
from protocols.codes import EbdId, ResourceCode
from protocols.ebd import Detail, Edition, Naming, Package, ResultCode, decode_signature
from protocols.ebd.short_codes import lengthened
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.signature import SignatureBlock, number_text

log = structlog.get_logger("ebcd.mailroom")


Told = Callable[[EbdId], NewEvent]
"""Makes of a letter's number the fact that it is on its way."""

Say = Callable[[ResourceCode, Detail], Awaitable[ResultCode | None]]
"""Posts a document at once and brings the receipt's code, None where there was none."""

UPSTREAM = "upstream"

FAREWELL_S = 4.0
"""How long the end of the daemon may wait for platforms above; systemd gives it far more."""

Settled = Callable[[ResultCode | None], None]
"""Hears the receipt of a report; None where there was none."""


async def _nothing_to_say(_say: Say) -> None:
    """Of a mailroom that nobody gave a farewell."""


class RunningPoster(Poster, Protocol):
    """A poster that is opened for as long as the mailroom runs."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Inbox:
    """Who takes judged packages (`ebcd.gateway.Desk`)."""

    accept: Callable[[Received], Awaitable[None]]
    answered: Callable[[str], Awaitable[ResultCode | None]]
    content: Callable[[str], Awaitable[Detail | None]]


class Mailroom:
    """All exchange of packages with platforms above."""

    def __init__(
        self,
        settings: Settings,
        world: World,
        store: Store,
        signer: FileSigner,
        verifier: SignatureVerifier,
        metrics: Metrics,
        poster: RunningPoster | None = None,
    ) -> None:
        """`poster` stands in for HTTP in tests."""
        upstream = settings.upstream
        known = (peer_of(peer, settings.platform.code) for peer in upstream.peers)
        self.peers = {peer.code: peer for peer in known}
        self._settings = settings
        self._world = world
        self._store = store
        self._verifier = verifier
        self._metrics = metrics
        self._numbers = EbdNumbers(settings.platform.code, store.next_ebd_number)
        self._writer = Writer(
            code=settings.platform.code,
            url=upstream.own_url,
            next_ebd_id=self._numbers.next,
            signer=signer,
            wall=world.clock.wall,
            issuer=number_text(mine.certificate.issuer) if (mine := verifier.trust.get(signer.certificate)) else "",
        )
        self._poster = poster or HttpPoster()
        self._client = GatewayClient(
            self.peers.values(),
            self._writer,
            self._poster,
            world.clock,
            world.random,
            self._told,
            heartbeat_s=upstream.heartbeat_s,
            forged=self._forged,
        )
        self._letters = LetterBook(store, self._client, self.peers, world.clock.wall, metrics.bound_acted)
        self._settle: dict[str, Settled] = {}
        self.exchanges = ExchangeLog()
        self._inbox: Inbox | None = None
        self.back: Callable[[str], None] = lambda peer: None
        """Called with the code of a peer that answers again."""
        self.farewell: Callable[[Say], Awaitable[None]] = _nothing_to_say
        """Says what platforms above have to hear when the daemon ends."""
        metrics.watch_upstream(self._client.statuses)

    def _forged(self, peer: Peer, package: Package) -> str:
        """Why a receipt is not by whom it says; "" where it is, and where that cannot be told: some peers do not sign
        receipts, or with certificates that nobody has."""
        if package.signature_xml is None:
            return ""
        try:
            block = SignatureBlock.decode(decode_signature(package.signature_xml).block)
        except RemoteProtocolError:
            return ""
        verdict = self._verifier.authentic(
            package.xml, block, self._world.clock.wall(), scopes=READINGS[peer.profile], allowed=peer.certificates
        )
        return verdict.detail if verdict.refusal is Refusal.BAD_SIGNATURE else ""

    def serve(self, inbox: Inbox) -> None:
        """Name who takes packages; once, before `run`."""
        self._inbox = inbox

    async def prepare(self) -> None:
        """Have numbers in hand; before anything is posted."""
        await self._numbers.fill()

    async def run(self, network: Network) -> None:
        """Serve and send until cancelled; letters of an earlier life go first."""
        assert self._inbox is not None, "serve() comes before run()"
        desk = Desk(self._accept, self._inbox.answered, self._inbox.content, self._client.heard, self._rejected)
        platform = self._settings.platform
        judge = _NotingJudge(
            self.exchanges,
            platform.code,
            self.peers.values(),
            self._verifier,
            self._world.clock,
            desk,
            platform.language,
            age_s_max=self._settings.trust.package_age_s,
        )
        address = self._settings.upstream
        limits = GatewayLimits(package_bytes_max=address.package_bytes_max)
        server = GatewayServer(judge, self._writer, self._world.clock, limits)
        async with self._poster:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._letters.run())
                    group.create_task(self._numbers.run())
                    group.create_task(self._client.run())
                    group.create_task(server.run(network, address.host, address.port))
            except asyncio.CancelledError:
                await self._part()
                raise

    async def _part(self) -> None:
        """The daemon ends in good order: the platforms above hear it, if they answer soon."""
        try:
            async with asyncio.timeout(FAREWELL_S):
                await self.farewell(self._say)
        except TimeoutError:
            log.warning("peer.farewell_late", limit_s=FAREWELL_S)

    async def _say(self, peer: ResourceCode, detail: Detail) -> ResultCode | None:
        """One document, once; the receipt's code, None where there was none."""
        if not self._numbers.plenty:
            return None
        try:
            return (await self._client.post_once(peer, self._compose(peer, detail, ""))).code
        except PostFailed:
            return None

    def post(self, peer: ResourceCode, detail: Detail, related: str, told: Told | None = None) -> str:
        """Send a document that must arrive, as soon as it is durable; its EBDID, "" for a platform that is not
        configured (any more). `told` makes of the number the journal event that stands and falls with the letter."""
        if peer not in self.peers:
            log.warning("letter.unaddressed", peer=peer, type=type(detail).__name__)
            return ""
        try:
            letter = self._compose(peer, detail, related)
        except LocalProtocolError as error:  # a bug of ours, but feedback must not end an alert that sounds
            log.error("letter.refused", peer=peer, type=type(detail).__name__, reason=str(error))
            return ""
        events = (told(EbdId(letter.ebd_id)),) if told else ()
        lane, worth = lane_of(detail, letter.ebd_id), worth_of(detail)
        self._letters.put(peer, letter, related, lane, worth, events)
        return letter.ebd_id

    def report(self, peer: ResourceCode, detail: Detail, related: str, settled: Settled) -> None:
        """Send operation data once, in memory only; `settled` hears whether the peer took it (receipt 1), or that it
        was not sent at all, since letters that must arrive come first. Raises KeyError for an unknown peer."""
        if not self._numbers.plenty:
            settled(None)
            return
        letter = self._compose(peer, detail, related)
        try:
            self._client.offer(peer, letter, lane=letter.ebd_id, worth=Worth.REPORT)
        except GatewayOutboxFull:
            self._metrics.bound_acted("gateway_outbox")
            settled(None)
            return
        self._settle[letter.ebd_id] = settled

    def _compose(self, peer: str, detail: Detail, related: str) -> Letter:
        letter = self._client.compose(peer, detail, related_ebd_id=related or None)
        self.exchanges.writing(letter.ebd_id, detail, related)
        return letter

    def is_up(self, peer: str) -> bool:
        """Whether a peer answers."""
        return self._client.is_up(peer)

    async def _accept(self, received: Received) -> None:
        assert self._inbox is not None, "serve() comes before run()"
        self.exchanges.received(received)
        await self._inbox.accept(received)

    # ---- what the gateway tells --------------------------------------------------------------------------------

    def _told(self, event: ClientEvent) -> None:
        match event:
            case Delivered(peer=peer, ebd_id=ebd_id, code=code, desc=desc):
                if code is not ResultCode.SUCCESS:
                    log.error("letter.refused", ebd=ebd_id, peer=peer.code, code=int(code), desc=desc)
                self._settled(ebd_id, code)
            case Undelivered(peer=peer, ebd_id=ebd_id, reason=reason, tries=tries):
                if ebd_id in self._settle:
                    self._settled(ebd_id, None)
                    return
                # It is still in the store's outbox and keeps its place until the peer is back.
                log.error("letter.undelivered", ebd=ebd_id, peer=peer.code, reason=reason, tries=tries)
                self._metrics.bound_acted("gateway_tries")
                if reason == PUSHED_OUT:
                    self._letters.pushed_out(peer.code, ebd_id)
            case PeerUp(peer=peer):
                log.info("peer.up", peer=peer.code)
                self.back(peer.code)
            case PeerDown(peer=peer, unanswered_s=unanswered_s, speaks=speaks):
                log.error("peer.down", peer=peer.code, unanswered_s=round(unanswered_s), speaks=speaks)
            case RouteSwitched(peer=peer, url=url, standby=standby):
                log.warning("peer.route", peer=peer.code, url=url, standby=standby)
            case Exchanged():
                self.exchanges.sent(event)

    def _settled(self, ebd_id: str, code: ResultCode | None) -> None:
        if settled := self._settle.pop(ebd_id, None):
            settled(code)
        else:
            self._letters.answered(ebd_id)

    def _rejected(self, rejection: Rejection) -> None:
        self._metrics.rejected("upstream", rejection.reason)
        log.warning(
            "package.rejected",
            reason=rejection.reason,
            code=int(rejection.code),
            detail=rejection.detail,
            src=rejection.source,
            ebd=rejection.ebd_id,
            remote=rejection.remote,
            error=repr(rejection.error) if rejection.error else None,
        )

    def rows(self) -> tuple[LinkRow, ...]:
        """The platforms above, for `ebcd links`; of one with two lines the one that is not in use, too."""
        rows = []
        for s in self._client.statuses():
            depth = s.outbox_depth
            rows.append(LinkRow(s.code, UPSTREAM, UPSTREAM, s.up, _reason(s), int(s.up), depth, LETTERS_MAX, s.dropped))
            if s.spare:
                up, name = not s.spare_failure, f"{s.code}/{s.spare}"
                rows.append(LinkRow(name, UPSTREAM, UPSTREAM, up, s.spare_failure, int(up), 0, LETTERS_MAX, 0))
        return tuple(rows)


class _NotingJudge(Judge):
    """Writes down every answer."""

    def __init__(self, exchanges: ExchangeLog, *values: Any, **named: Any) -> None:
        super().__init__(*values, **named)
        self._exchanges = exchanges

    async def judge(self, posted: Posted) -> Answer:
        """As `Judge.judge`."""
        answer = await super().judge(posted)
        self._exchanges.answered(posted, answer, self._clock.monotonic() - posted.arrived_s)
        return answer


def _reason(status: PeerStatus) -> str:
    """What an operator should know of a line: that the standby is in use, and what failed last while it is not well."""
    told = "standby" if status.standby else ""
    return told if status.up else f"{told} {status.last_failure}".strip()


def peer_of(section: PeerSection, own_code: ResourceCode) -> Peer:
    """One `[[upstream.peers]]` as the gateway knows it. The codes of the 2016 edition end here: inside, a peer has 23
    digits (`protocols.ebd.short_codes`)."""
    short = Edition(section.edition) is Edition.Y2016
    return Peer(
        code=lengthened(section.code) if short else section.code,
        url=section.url,
        edition=Edition(section.edition),
        profile=FileProfile(section.sign_profile),
        certificates=frozenset(bytes.fromhex(number) for number in section.certificates),
        require_signature=section.require_signature,
        naming=Naming(own_code, section.own_code) if short else None,
        standby_url=section.standby_url,
    )
