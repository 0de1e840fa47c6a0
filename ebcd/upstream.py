"""The platform above: its messages in, our feedback out (platform digest 6).

The gateway judges packages and moves bytes; here a package becomes durable, then an alert, and what becomes of the
alert goes up in new connections. Nothing that was promised is forgotten by a restart: packages answered for are in the
journal until they are handled, letters are in the store's outbox until their receipt is here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from ebcd.alert import Alert
from ebcd.arrivals import Arrivals
from ebcd.catalogue import text
from ebcd.errors import InvalidAlert
from ebcd.facts import Fact, package_handled, package_received, upstream_told
from ebcd.feedback import state_response
from ebcd.gateway import Received
from ebcd.intake import MSG_TYPE_CANCEL, Intake, Ordered, UnusableSound, cancel_target
from ebcd.ledger import Ledger
from ebcd.lifecycle import AlertState
from ebcd.mailroom import Mailroom
from ebcd.operation_data.requests import Refusal
from ebcd.reporting import BrdState, report_for
from ebcd.sharing import Sharers
from ebcd.state import AlertRecord
from ebcd.store import Duplicate, NewEvent, PackageMeta, SignatureSeen, Store, StoreError
from ebcd.world import World
from protocols.codes import EbdId, EbmId, InvalidCode, ResourceCode
from protocols.ebd import Detail, Ebd, ResultCode, decode, read_envelope, unpack
from protocols.ebd.messages import EbdNotify, EbdResponse, Ebm, EbmStateRequest, OmdRequest
from protocols.errors import RemoteProtocolError
from protocols.signature import number_text
from protocols.sm2 import sm3

HANDLE_TRIES_MAX = 3
"""How often a package whose handling fails by a defect of ours is tried before it is set aside and told upward."""

log = structlog.get_logger("ebcd.upstream")


class TakesAlerts(Protocol):
    """The part of the core that messages from above need."""

    def take_in(self, alert: Alert, t0_s: float, extra: tuple[Fact, ...] = ()) -> AlertRecord: ...

    def cancel(self, record: AlertRecord, actor: str, why: str = "") -> None: ...


class AnswersRequests(Protocol):
    """The part of `ebcd.operation_data` that requests from above need."""

    def take(self, peer: ResourceCode, ebd_id: EbdId, request: OmdRequest) -> Refusal | None: ...


@dataclass(frozen=True, slots=True)
class _Package:
    """What is left to do for a package that was answered with code 1."""

    peer: ResourceCode
    ebd_id: EbdId
    detail: Detail
    files: Mapping[str, bytes]
    arrived_s: float  # monotonic
    arrived_at: float  # UTC seconds
    answers: str | None = None  # the package of ours that it is about


class Upstream:
    """Messages of all platforms above one county, and what they are told."""

    def __init__(
        self,
        platform: ResourceCode,
        language: str,
        world: World,
        store: Store,
        ledger: Ledger,
        mailroom: Mailroom,
        sharers: Sharers,
        intake: Intake,
    ) -> None:
        self._platform = platform
        self._language = language
        self._clock = world.clock
        self._store = store
        self._ledger = ledger
        self._mail = mailroom
        self._sharers = sharers
        self._intake = intake
        self._core: TakesAlerts | None = None
        self._data: AnswersRequests | None = None
        self._arrivals = Arrivals()
        self._accepting: dict[EbdId, asyncio.Event] = {}
        self._taken_up = asyncio.Event()
        self._tries: Counter[EbdId] = Counter()
        self._group: asyncio.TaskGroup | None = None

    def serve(self, core: TakesAlerts, data: AnswersRequests) -> None:
        """Name the core that takes the alerts, and who answers for operation data; once, before `run`."""
        self._core = core
        self._data = data

    # ---- running -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Take up what a restart left, then work until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._taken_up.clear()
            self._arrivals.forget()
            self._tell_again()
            group.create_task(self._take_up())
            await asyncio.get_running_loop().create_future()  # packages that arrive are handled in this group

    def _tell_again(self) -> None:
        """States that an earlier life reached and could not write down as told."""
        for record in list(self._ledger.state.alerts.values()):
            report = report_for(record)
            at_once = report.code == BrdState.WAITING and record.alert.window.start <= self._clock.wall()
            told = record.told[-1:] == [report.code]
            if record.alert.peer in self._mail.peers and not told and not at_once:
                self.tell(record, report.code, report.why)

    async def _take_up(self) -> None:
        """Packages that were answered with code 1 and not yet handled."""
        left = [p for p in self._ledger.state.open_packages.items() if p[0] not in self._accepting]
        for ebd_id, file in left:
            try:
                archive = await self._store.read_package(file)
                package = unpack(archive)
                ebd = self._read(package.xml)
            except (StoreError, RemoteProtocolError) as error:
                log.error("package.lost", ebd=ebd_id, reason=str(error))
                self._ledger.enter(package_handled(ebd_id, None, self._clock.wall(), "unreadable"))
                continue
            log.info("package.taken_up", ebd=ebd_id)
            now = (self._clock.monotonic(), self._clock.wall())
            head = ebd.envelope
            source, answers = ResourceCode(head.source), head.related_ebd_id
            await self._handle(_Package(source, ebd_id, ebd.detail, package.resources, *now, answers))
        self._taken_up.set()

    def _read(self, xml: bytes) -> Ebd:
        """A document of an earlier life, in the codes of the house. Raises RemoteProtocolError."""
        source = read_envelope(xml).source
        sender = next((peer for peer in self._mail.peers.values() if peer.written_code == source), None)
        return decode(xml) if sender is None else sender.read(xml)

    # ---- packages in -------------------------------------------------------------------------------------------

    async def accept(self, received: Received) -> None:
        """Make a judged package durable; the receipt goes out when this returns. Raises StoreError.

        The same package again, while the first is still on its way to the disk, waits for it (I10).
        """
        ebd_id, detail = EbdId(received.ebd.envelope.ebd_id), received.ebd.detail
        while (first := self._accepting.get(ebd_id)) is not None:
            await first.wait()
        if ebd_id in self._ledger.state.open_packages:
            return
        done = self._accepting[ebd_id] = asyncio.Event()
        ticket, handed_on = self._arrivals.begin(_becomes(detail)), False
        try:
            if (package := await self._store_package(received, ebd_id)) is not None:
                if self._group is None:
                    raise RuntimeError("upstream is not running")
                self._group.create_task(self._in_turn(package, ticket))
                handed_on = True
        finally:
            if not handed_on:
                self._arrivals.end(ticket)
            del self._accepting[ebd_id]
            done.set()

    async def _store_package(self, received: Received, ebd_id: EbdId) -> _Package | None:
        """None for a number that was answered before."""
        envelope, detail = received.ebd.envelope, received.ebd.detail
        peer, open_packages = ResourceCode(envelope.source), self._ledger.state.open_packages
        meta = PackageMeta(peer, received.arrived_at, int(ResultCode.SUCCESS))
        file = f"{sm3(received.archive).hex()}.tar"
        event = self._ledger.foretell(package_received(ebd_id, _ebm_id(detail), file, received.arrived_at, peer))
        try:
            answer = await self._store.accept_package(
                ebd_id, received.archive, meta, [event], signature=_signature_of(received)
            )
        except StoreError:
            open_packages.pop(ebd_id, None)
            raise
        if isinstance(answer, Duplicate):
            open_packages.pop(ebd_id, None)
            return None
        log.info("package.received", ebd=ebd_id, type=envelope.ebd_type, alert=_ebm_id(detail), src=peer)
        files, answers = received.package.resources, envelope.related_ebd_id
        return _Package(peer, ebd_id, detail, files, received.arrived_s, received.arrived_at, answers)

    async def _in_turn(self, package: _Package, ticket: int) -> None:
        """A cancel or an update comes after the message it names, if that arrived first."""
        try:
            if (named := _names(package.detail)) is not None:
                await self._taken_up.wait()
                await self._arrivals.settled(named, ticket)
            await self._handle(package)
        finally:
            self._arrivals.end(ticket)

    async def answered(self, ebd_id: str) -> ResultCode | None:
        """Which receipt a number got before, in this life or an earlier one."""
        known = await self._store.accepted_package(ebd_id)
        return ResultCode(known.result_code) if known else None

    async def content(self, ebd_id: str) -> Detail | None:
        """What came under a number that was answered; None where it is not kept or cannot be read."""
        if (known := await self._store.accepted_package(ebd_id)) is None:
            return None
        try:
            return self._read(unpack(await self._store.read_package(known.file)).xml).detail
        except (StoreError, RemoteProtocolError) as error:
            log.error("package.lost", ebd=ebd_id, reason=str(error))
            return None

    async def _handle(self, package: _Package) -> None:
        """What a package asks for. One that brought this part down again and again is set aside, or it would keep every
        later one from being heard."""
        self._tries[package.ebd_id] += 1
        if self._tries[package.ebd_id] > HANDLE_TRIES_MAX:
            log.error("package.set_aside", ebd=package.ebd_id, alert=_ebm_id(package.detail))
            self._ledger.enter(package_handled(package.ebd_id, _ebm_id(package.detail), self._clock.wall(), "defect"))
            self._notify(package, "not_carried_out", ResultCode.OTHER, reason="defect")
            return
        await self._do(package)
        del self._tries[package.ebd_id]

    async def _do(self, package: _Package) -> None:
        match package.detail:
            case Ebm() as ebm:
                await self._ebm(package, ebm)
                return
            case EbmStateRequest(ebm_id=wanted):
                record = self._ledger.state.alerts.get(EbmId(wanted)) if _is_ebm_id(wanted) else None
                if record is None:
                    self._notify(package, "unknown_message", ebm_id=wanted)
                else:
                    report = report_for(record)
                    self._post_state(package.peer, record, report.code, report.why, related=package.ebd_id)
            case OmdRequest() as request:
                assert self._data is not None, "serve() comes before run()"
                refusal = self._data.take(package.peer, package.ebd_id, request)
                if refusal is None:
                    return  # it stays open until it is answered, also over a restart
                self._notify(package, refusal.what, refusal.code, **refusal.values)
            case EbdNotify(code=code, desc=desc) | EbdResponse(code=code, desc=desc):
                about = {"peer": package.peer, "about": package.answers}
                log.warning("package.notice", ebd=package.ebd_id, **about, code=int(code), desc=desc)
            case other:
                log.info("package.noted", ebd=package.ebd_id, type=type(other).__name__)
        self._ledger.enter(package_handled(package.ebd_id, None, self._clock.wall()))

    async def _ebm(self, package: _Package, ebm: Ebm) -> None:
        handled = package_handled(package.ebd_id, _ebm_id(ebm), self._clock.wall())
        assert self._core is not None, "serve() comes before run()"
        try:
            if (target := cancel_target(ebm)) is not None:
                self._cancel(package, ebm, target)
                self._ledger.enter(handled)
                return
            if await self._is_another(ebm):
                raise InvalidAlert(text("notify.other_content", self._language, ebm_id=ebm.ebm_id))
            ordered = Ordered(ebm, package.ebd_id, package.peer, package.arrived_at, package.files)
            alert = await self._intake.alert(ordered, self._clock.wall())
        except (InvalidAlert, UnusableSound, InvalidCode) as error:
            log.error("alert.refused", alert=ebm.ebm_id, ebd=package.ebd_id, reason=str(error))
            self._ledger.enter(handled)
            self._notify(package, "not_carried_out", reason=str(error))
            return
        self._core.take_in(alert, package.arrived_s, (handled,))

    async def _is_another(self, ebm: Ebm) -> bool:
        """Whether a message that is known came with another content. Content never changes under an id, and whoever
        sent it must not hear of the old one's state as if it were this one's."""
        known = self._ledger.state.alerts.get(EbmId(ebm.ebm_id)) if _is_ebm_id(ebm.ebm_id) else None
        if known is None or known.alert.ebd_id is None:
            return False
        first = await self.content(known.alert.ebd_id)
        return isinstance(first, Ebm) and _orders(first) != _orders(ebm)

    def _cancel(self, package: _Package, ebm: Ebm, target: EbmId) -> None:
        record = self._ledger.state.alerts.get(target)
        if record is None:
            self._notify(package, "unknown_message", ebm_id=target)
            return
        assert self._core is not None, "serve() comes before run()"
        if record.live and record.state is not AlertState.CANCELLING:
            self._core.cancel(record, package.peer, "ordered from above")
        else:
            report = report_for(record)
            self._post_state(package.peer, record, report.code, report.why)
        if _is_ebm_id(ebm.ebm_id) and ebm.ebm_id != target:
            # Peers differ in which id they look for; the cancel's own id is told too (platform digest 6.4).
            self._post_state(package.peer, record, BrdState.CANCELLED, "", as_id=EbmId(ebm.ebm_id))

    # ---- feedback out ------------------------------------------------------------------------------------------

    def tell(self, record: AlertRecord, code: int, why: str) -> None:
        """Report a BrdStateCode to the platform that ordered the alert; our own operators' alerts have none."""
        if record.alert.peer is not None:
            self._post_state(record.alert.peer, record, code, why)

    def _post_state(
        self,
        peer: ResourceCode,
        record: AlertRecord,
        code: int,
        why: str,
        *,
        related: str = "",
        as_id: EbmId | None = None,
    ) -> None:
        response = state_response(
            record,
            code,
            why,
            ebm_id=as_id or record.alert.id,
            platform=self._platform,
            sharing=self._sharers.of(record, code),
            at_s=self._clock.wall(),
            language=self._language,
        )

        def told(number: EbdId) -> NewEvent:
            return self._ledger.foretell(upstream_told(record.alert.id, int(code), number, self._clock.wall()))

        self._mail.post(peer, response, related or str(record.alert.ebd_id or ""), told if as_id is None else None)

    def request_answered(self, ebd_id: EbdId) -> None:
        """A request for operation data has its answer."""
        self._ledger.enter(package_handled(ebd_id, None, self._clock.wall()))

    def _notify(
        self, package: _Package, what: str, code: ResultCode = ResultCode.CONTENT_MISSING, **values: object
    ) -> None:
        desc = text(f"notify.{what}", self._language, **values)
        self._mail.post(package.peer, EbdNotify(code, desc), package.ebd_id)


def _signature_of(received: Received) -> SignatureSeen | None:
    """What the replay memory must still know after a restart (I11)."""
    block, verdict = received.signature, received.verdict
    if block is None or verdict is None or not verdict.ok:
        return None
    time = None if verdict.last is None else block.time
    return SignatureSeen(
        number_text(block.certificate), time, verdict.last, verdict.digest, received.arrived_at, verdict.list_serial
    )


def _orders(ebm: Ebm) -> tuple[object, ...]:
    """What a message orders, whenever it was sent and whoever else is named to act."""
    return ebm.basic and replace(ebm.basic, send_time=0), ebm.contents, ebm.related_ebm_id


def _is_ebm_id(text_: str) -> bool:
    try:
        EbmId(text_)
    except InvalidCode:
        return False
    return True


def _ebm_id(detail: Detail) -> EbmId | None:
    return EbmId(detail.ebm_id) if isinstance(detail, Ebm) and _is_ebm_id(detail.ebm_id) else None


def _becomes(detail: Detail) -> EbmId | None:
    """The alert that a document will be, if any."""
    cancels = isinstance(detail, Ebm) and detail.basic is not None and detail.basic.msg_type == MSG_TYPE_CANCEL
    return None if cancels else _ebm_id(detail)


def _names(detail: Detail) -> EbmId | None:
    """The earlier message that a cancel stops or an update replaces."""
    if not isinstance(detail, Ebm) or (_becomes(detail) is not None and not detail.related_ebm_id):
        return None
    named = detail.related_ebm_id or detail.ebm_id
    return EbmId(named) if _is_ebm_id(named) else None
