"""Gateway and store put together: judged packages in, letters out that survive a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from devices.ports import Network
from ebcd.gateway import (
    ClientEvent,
    Delivered,
    Desk,
    GatewayClient,
    GatewayLimits,
    GatewayOutboxFull,
    GatewayServer,
    HttpPoster,
    Judge,
    Letter,
    Peer,
    PeerDown,
    PeerUp,
    Received,
    Rejection,
    Undelivered,
    Worth,
    Writer,
    lane_of,
    worth_of,
)
from ebcd.metrics import Metrics
from ebcd.numbers import EbdNumbers
from ebcd.operator import LinkRow
from ebcd.settings import Settings
from ebcd.settings_sections import PeerSection
from ebcd.signing import FileProfile, FileSigner, SignatureVerifier
from ebcd.store import Outgoing, Store
from ebcd.world import World
from protocols.codes import ResourceCode
from protocols.ebd import Detail, Edition, Naming, ResultCode
from protocols.ebd.short_codes import lengthened
from protocols.errors import RemoteProtocolError
from protocols.signature import number_text

log = structlog.get_logger("ebcd.mailroom")


@dataclass(frozen=True, slots=True)
class Inbox:
    """Who takes judged packages (`ebcd.gateway.Desk`)."""

    accept: Callable[[Received], Awaitable[None]]
    answered: Callable[[str], Awaitable[ResultCode | None]]


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
    ) -> None:
        upstream = settings.upstream
        known = (_peer(peer, settings.platform.code) for peer in upstream.peers)
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
        self._poster = HttpPoster()
        self._client = GatewayClient(
            self.peers.values(),
            self._writer,
            self._poster,
            world.clock,
            world.random,
            self._told,
            heartbeat_s=upstream.heartbeat_s,
        )
        self._group: asyncio.TaskGroup | None = None
        self._inbox: Inbox | None = None
        self._given_up: set[str] = set()

    def serve(self, inbox: Inbox) -> None:
        """Name who takes packages; once, before `run`."""
        self._inbox = inbox

    async def prepare(self) -> None:
        """Have numbers in hand; before anything is posted."""
        await self._numbers.fill()

    async def run(self, network: Network) -> None:
        """Serve and send until cancelled; letters of an earlier life go first."""
        assert self._inbox is not None, "serve() comes before run()"
        desk = Desk(self._inbox.accept, self._inbox.answered, self._client.heard, self._rejected)
        platform = self._settings.platform
        judge = Judge(
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
        async with self._poster, asyncio.TaskGroup() as group:
            self._group = group
            await self._take_up()
            group.create_task(self._numbers.run())
            group.create_task(self._client.run())
            group.create_task(server.run(network, address.host, address.port))

    def post(self, peer: ResourceCode, detail: Detail, related: str) -> str:
        """Send a document as soon as it is durable; its EBDID, "" for a platform that is not configured (any more)."""
        if peer not in self.peers or self._group is None:
            log.warning("letter.unaddressed", peer=peer, type=type(detail).__name__)
            return ""
        letter = self._client.compose(peer, detail, related_ebd_id=related or None)
        lane, worth = lane_of(detail, letter.ebd_id), worth_of(detail)
        self._group.create_task(self._send(peer, letter, related, lane, worth))
        return letter.ebd_id

    async def _send(self, peer: str, letter: Letter, related: str, lane: str, worth: Worth) -> None:
        if worth is not Worth.REPORT:  # the next cycle brings reports again
            await self._store.outbox_put(Outgoing(letter.ebd_id, peer, related, letter.xml, self._world.clock.wall()))
        self._offer(peer, letter, lane, worth)

    def _offer(self, peer: str, letter: Letter, lane: str, worth: Worth) -> None:
        try:
            self._client.offer(peer, letter, lane=lane, worth=worth)
        except GatewayOutboxFull as error:
            log.error("letter.refused", ebd=letter.ebd_id, peer=peer, reason=str(error))
            self._metrics.bound_acted("gateway_outbox")

    async def _take_up(self, only: set[str] | None = None) -> None:
        """Letters of an earlier life, or those that were given up on."""
        for waiting in await self._store.outbox_waiting():
            if only is not None and waiting.ebd_id not in only:
                continue
            if (peer := self.peers.get(waiting.peer)) is None:
                log.warning("letter.unaddressed", peer=waiting.peer, ebd=waiting.ebd_id)
                continue
            try:
                detail = peer.read(waiting.document).detail
            except RemoteProtocolError as error:
                log.error("letter.lost", ebd=waiting.ebd_id, reason=str(error))
                await self._store.outbox_done(waiting.ebd_id)
                continue
            letter = Letter(waiting.ebd_id, waiting.document, True, {})
            self._offer(waiting.peer, letter, lane_of(detail, waiting.ebd_id), worth_of(detail))

    # ---- what the gateway tells --------------------------------------------------------------------------------

    def _told(self, event: ClientEvent) -> None:
        match event:
            case Delivered(peer=peer, ebd_id=ebd_id, code=code, desc=desc):
                if code is not ResultCode.SUCCESS:
                    log.error("letter.refused", ebd=ebd_id, peer=peer.code, code=int(code), desc=desc)
                self._done(ebd_id)
            case Undelivered(peer=peer, ebd_id=ebd_id, reason=reason, tries=tries):
                # It stays in the store's outbox: the peer's return or the next start tries again.
                self._given_up.add(ebd_id)
                log.error("letter.undelivered", ebd=ebd_id, peer=peer.code, reason=reason, tries=tries)
                self._metrics.bound_acted("gateway_tries")
            case PeerUp(peer=peer):
                log.info("peer.up", peer=peer.code)
                if self._group is not None and self._given_up:
                    again, self._given_up = self._given_up, set()
                    self._group.create_task(self._take_up(again))
            case PeerDown(peer=peer, silent_s=silent_s):
                log.error("peer.down", peer=peer.code, silent_s=round(silent_s))

    def _done(self, ebd_id: str) -> None:
        if self._group is not None:
            self._group.create_task(self._forget(ebd_id))

    async def _forget(self, ebd_id: str) -> None:
        await self._store.outbox_done(ebd_id)

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
        """The platforms above, for `ebcd links`."""
        return tuple(
            LinkRow(s.code, "upstream", "upstream", s.up, s.last_failure, int(s.up), s.outbox_depth, 512, s.dropped)
            for s in self._client.statuses()
        )


def _peer(section: PeerSection, own_code: ResourceCode) -> Peer:
    """The codes of the 2016 edition end here: inside, a peer has 23 digits (`protocols.ebd.short_codes`)."""
    short = Edition(section.edition) is Edition.Y2016
    return Peer(
        code=lengthened(section.code) if short else section.code,
        url=section.url,
        edition=Edition(section.edition),
        profile=FileProfile(section.sign_profile),
        certificates=frozenset(bytes.fromhex(number) for number in section.certificates),
        require_signature=section.require_signature,
        naming=Naming(own_code, section.own_code) if short else None,
    )
