"""The platform above: its messages in, our feedback out (platform digest 6).

The gateway judges packages and moves bytes; here a package becomes durable, then an alert, and what becomes of the
alert goes up in new connections. Nothing that was promised is forgotten by a restart: packages answered for are in the
journal until they are handled, feedback is in the store's outbox until its receipt is here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from ebcd.catalogue import text
from ebcd.core import Core
from ebcd.errors import InvalidAlert
from ebcd.facts import package_handled, package_received, upstream_told
from ebcd.feedback import state_response, terminal_states
from ebcd.gateway import Gateway, Peer, Received, Rejection
from ebcd.health import Change, Condition
from ebcd.intake import Intake, Ordered, UnusableSound, cancel_target
from ebcd.ledger import Ledger
from ebcd.lifecycle import AlertState
from ebcd.operator import LinkRow
from ebcd.reporting import BrdState, report_for
from ebcd.settings import Settings
from ebcd.state import AlertRecord
from ebcd.store import Duplicate, PackageMeta, Store, StoreError
from ebcd.world import World
from protocols.codes import EbdId, EbmId, ResourceCode
from protocols.ebd import Detail, EbdType, Edition, ResultCode, decode, unpack
from protocols.ebd.messages import EbdNotify, Ebm, EbmStateRequest, OmdRequest
from protocols.errors import RemoteProtocolError

TERMINAL_STATES_S = 5.0
"""Changes of terminals gather this long before they go up together (EBRDTState on change)."""

TERMINAL_STATES_MAX = 2000
"""Items of one EBRDTState; more go in the next."""

log = structlog.get_logger("ebcd.upstream")


class Upstream:
    """All platforms above one county."""

    def __init__(
        self,
        settings: Settings,
        world: World,
        store: Store,
        ledger: Ledger,
        core: Core,
        intake: Intake,
        gateway: Gateway,
    ) -> None:
        self._platform = settings.platform
        self._clock = world.clock
        self._store = store
        self._ledger = ledger
        self._core = core
        self._intake = intake
        self._gateway = gateway
        self._changes: dict[ResourceCode, tuple[Condition, str]] = {}
        self._work: deque[Callable[[], object]] = deque()
        self._group: asyncio.TaskGroup | None = None

    # ---- running -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Take up what a restart left, then serve until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self._take_up())
            group.create_task(self._tell_terminals())
            await self._gateway.run()

    async def _take_up(self) -> None:
        """Packages that were answered with code 1 and not yet handled."""
        for ebd_id, file in list(self._ledger.state.open_packages.items()):
            try:
                archive = await self._store.read_package(file)
                package = unpack(archive)
                ebd = decode(package.xml)
            except (StoreError, RemoteProtocolError) as error:
                log.error("package.lost", ebd=ebd_id, reason=str(error))
                self._ledger.enter(package_handled(ebd_id, None, self._clock.wall(), "unreadable"))
                continue
            peer = self._gateway.peer(ebd.envelope.source)
            if peer is not None:
                log.info("package.taken_up", ebd=ebd_id)
                now = (self._clock.monotonic(), self._clock.wall())
                await self._handle(peer, EbdId(ebd.envelope.ebd_id), ebd.detail, package.resources, now)

    # ---- packages in -------------------------------------------------------------------------------------------

    async def accept(self, received: Received) -> None:
        """Make a judged package durable; the receipt goes out when this returns. Raises StoreError."""
        envelope, detail = received.ebd.envelope, received.ebd.detail
        ebd_id = EbdId(envelope.ebd_id)
        meta = PackageMeta(envelope.source, received.arrived_at, int(ResultCode.SUCCESS))
        if ebd_id in self._ledger.state.open_packages:
            return
        fact = package_received(ebd_id, _ebm_id(detail), package_file(received.archive), received.arrived_at, envelope.source)
        event = self._ledger.foretell(fact)
        try:
            answer = await self._store.accept_package(ebd_id, received.archive, meta, [event])
        except StoreError:
            self._ledger.state.open_packages.pop(ebd_id, None)
            raise
        if isinstance(answer, Duplicate):
            self._ledger.state.open_packages.pop(ebd_id, None)
            return
        log.info("package.received", ebd=ebd_id, type=envelope.ebd_type, alert=_ebm_id(detail), src=envelope.source)
        times = (received.arrived_s, received.arrived_at)
        self._spawn(self._handle(received.peer, ebd_id, detail, received.package.resources, times))

    async def answered(self, ebd_id: str) -> ResultCode | None:
        """Which receipt a number got before, in this life or an earlier one."""
        known = await self._store.accepted_package(ebd_id)
        return ResultCode(known.result_code) if known else None

    async def _handle(
        self, peer: Peer, ebd_id: EbdId, detail: Detail, files: dict[str, bytes], times: tuple[float, float]
    ) -> None:
        match detail:
            case Ebm():
                await self._ebm(peer, ebd_id, detail, files, times)
                return
            case EbmStateRequest(ebm_id=wanted):
                record = self._ledger.state.alerts.get(EbmId(wanted)) if len(wanted) == 35 else None
                if record is None:
                    self._notify(peer, ebd_id, "unknown_message", ebm_id=wanted)
                else:
                    report = report_for(record)
                    self._post_state(peer, record, report.code, report.why, related=ebd_id)
            case OmdRequest(omd_type=wanted):
                self._notify(peer, ebd_id, "not_supported", ResultCode.OTHER, type=wanted)
            case _:
                log.info("package.noted", ebd=ebd_id, type=type(detail).__name__)
        self._ledger.enter(package_handled(ebd_id, None, self._clock.wall()))

    async def _ebm(
        self, peer: Peer, ebd_id: EbdId, ebm: Ebm, files: dict[str, bytes], times: tuple[float, float]
    ) -> None:
        arrived_s, arrived_at = times
        handled = package_handled(ebd_id, _ebm_id(ebm), self._clock.wall())
        try:
            if (target := cancel_target(ebm)) is not None:
                self._cancel(peer, ebd_id, ebm, target)
                self._ledger.enter(handled)
                return
            ordered = Ordered(ebm, ebd_id, ResourceCode(peer.code), arrived_at, files)
            alert = await self._intake.alert(ordered, self._clock.wall())
        except (InvalidAlert, UnusableSound) as error:
            log.error("alert.refused", alert=ebm.ebm_id, ebd=ebd_id, reason=str(error))
            self._ledger.enter(handled)
            self._notify(peer, ebd_id, "not_carried_out", reason=str(error))
            return
        self._core.take_in(alert, arrived_s, extra=[handled])

    def _cancel(self, peer: Peer, ebd_id: EbdId, ebm: Ebm, target: EbmId) -> None:
        record = self._ledger.state.alerts.get(target)
        if record is None:
            self._notify(peer, ebd_id, "unknown_message", ebm_id=target)
        elif record.live and record.state is not AlertState.CANCELLING:
            self._core.cancel(record, peer.code, "ordered from above")
        else:
            report = report_for(record)
            self._post_state(peer, record, report.code, report.why)
        if record is not None and ebm.ebm_id != target:
            # Peers differ in which id they look for; the cancel's own id is told too (platform digest 6.4).
            self._post_state(peer, record, BrdState.CANCELLED, "", ebm_id=ebm.ebm_id)

    # ---- feedback out ------------------------------------------------------------------------------------------

    def tell(self, record: AlertRecord, code: int, why: str) -> None:
        """Report a BrdStateCode to the platform that ordered the alert; nobody is told of our own operators' ones."""
        peer = self._gateway.peer(record.alert.peer) if record.alert.peer else None
        if peer is not None:
            self._post_state(peer, record, code, why)

    def _post_state(
        self, peer: Peer, record: AlertRecord, code: int, why: str, *, related: str = "", ebm_id: str = ""
    ) -> None:
        adapters = {a for d in record.deliveries.values() if (a := self._core.places.adapter_of(d.code))}
        response = state_response(
            record,
            code,
            why,
            platform=self._platform.code,
            adapters=len(adapters),
            at_s=self._clock.wall(),
            language=self._platform.language,
        )
        number = self._gateway.post(
            peer, response, related=related or str(record.alert.ebd_id or ""), subject=ebm_id or str(record.alert.id)
        )
        if not ebm_id:
            self._ledger.enter(upstream_told(record.alert.id, int(code), EbdId(number), self._clock.wall()))

    def _notify(
        self, peer: Peer, ebd_id: EbdId, what: str, code: ResultCode = ResultCode.CONTENT_MISSING, **values: object
    ) -> None:
        desc = text(f"notify.{what}", self._platform.language, **values)
        self._gateway.post(peer, EbdNotify(code, desc), related=ebd_id, subject=ebd_id)

    def device_changed(self, change: Change) -> None:
        """A terminal's condition changed; it goes up with the next batch."""
        if change.before is not Condition.UNKNOWN or change.after is not Condition.ONLINE:
            self._changes[change.code] = (change.after, change.why)

    async def _tell_terminals(self) -> None:
        while True:
            await asyncio.sleep(TERMINAL_STATES_S)
            while self._changes:
                codes = list(self._changes)[:TERMINAL_STATES_MAX]
                batch = {code: self._changes.pop(code) for code in codes}
                states = terminal_states(batch, self._clock.wall())
                for peer in self._gateway.peers:
                    self._gateway.post(peer, states, related="", subject="")

    def rows(self) -> tuple[LinkRow, ...]:
        """The platforms above, for `ebcd links`."""
        return self._gateway.rows()

    def _spawn(self, work):  # type: ignore[no-untyped-def]
        if self._group is None:
            raise RuntimeError("upstream is not running")
        self._group.create_task(work)


def _ebm_id(detail: Detail) -> EbmId | None:
    return EbmId(detail.ebm_id) if isinstance(detail, Ebm) and len(detail.ebm_id) == 35 else None


def package_file(archive: bytes) -> str:
    """The name under which the store keeps a package."""
    from protocols.sm2 import sm3

    return f"{sm3(archive).hex()}.tar"


__all__ = ["EbdType", "Edition", "Rejection", "Upstream"]
