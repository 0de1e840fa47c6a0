"""The FM side of a terminal: what it hears, whom it believes, and when it plays (GD/J 085; fm-rds.md section 10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import Final, Protocol, TypeVar

from protocols.authorisation import Authorisation as Module
from protocols.codes import EbmId, ResourceCode, matches
from protocols.errors import RemoteProtocolError
from protocols.fm.bits import BitReceiver, HeardFrame
from protocols.fm.configuration import Authorisation, Certificates, SetCode
from protocols.fm.daily import Daily
from protocols.fm.emergency import Drill, DrillOperation, Emergency, FactoryReset, Reset, Text
from protocols.fm.fields import VOLUME_UNCHANGED, Action
from protocols.fm.packet import Content, Packet, Unknown
from protocols.fm.reassembly import Complete, Reassembler
from protocols.signature import AuthorisationList, Certificate, CertificateNumber
from simulators.fm_packets import UTC_FROM, PacketVerifier
from simulators.fm_settings import FmSettings
from simulators.terminal_tasks import Change, Order, TaskList, TaskState
from simulators.trust import Trust

SLOTS_MAX: Final = 32
SLOT_TIMEOUT_S: Final = 30.0
COUNTER_SLACK: Final = 16  # signature.md section 3: for packets that overtook one another
HEARD_MAX: Final = 256
DAILY_CLASS: Final = 5
EMERGENCY_CLASS: Final = 4
LEVEL_LOWEST: Final = 4

ValueT = TypeVar("ValueT")
Heard = Callable[[ResourceCode, EbmId], None]
"""Called with the terminal's code and the message that begins or ends there."""


class FmOrders(Protocol):
    """Takes over the orders of a terminal that has other ways in, too, and ranks them itself."""

    def fm_start(self, order: Order) -> None:
        """A valid start; one id comes once until the power goes. FM tells no window: it lasts from now to its stop."""

    def fm_stop(self, ebm_id: EbmId) -> None:
        """A valid stop; `EbmId.EVERYTHING` means all that sounds."""

    def fm_told(self, content: Content | Unknown) -> None:
        """A valid packet that is neither start, stop, certificate nor list."""

    def fm_lapse(self) -> None:
        """Maintenance has run out: what FM alone has started ends (GD/J 085 clause 5.2.4)."""


class FmReceiver:
    """One terminal's tuner, decoder and task logic. It acts only on a complete packet with a trusted signature.

    `trusted` maps certificate numbers (6 bytes) to the certificates this terminal believes; `wall` is its clock in UTC
    seconds. Give all receivers of a process one `verifier`. Without `orders` the receiver is an FM-only terminal: it
    ranks its messages itself and tells `on_begin` and `on_end`. With `orders` those two are never called.
    """

    def __init__(
        self,
        code: ResourceCode,
        trusted: Mapping[bytes, Certificate],
        on_begin: Heard,
        on_end: Heard,
        *,
        wall: Callable[[], float],
        verifier: PacketVerifier | None = None,
        orders: FmOrders | None = None,
        trust: Trust | None = None,
        module: CertificateNumber = bytes(6),
        phys: bytes = b"",
    ) -> None:
        """`trust`: where certificates that come over the air are kept, whose own are `trusted`; without one the
        receiver takes none. `module`: the number of its security module, which its lists name. `phys`:
        its physical address as a packet of type 1 has it."""
        self.settings = FmSettings(code)
        self._phys = phys
        self.trusted = trusted
        self.heard_at_bit: dict[EbmId, int] = {}  # when a message's first valid start was whole here, in bits on air
        self.refused: dict[str, int] = {}  # packets not acted on, by reason
        self._on_begin = on_begin
        self._on_end = on_end
        self._wall = wall
        self._verifier = verifier or PacketVerifier()
        self._orders = orders
        self._trust = trust
        self._module = Module(module)
        self._powered = True
        self._last_counter: dict[bytes, int] = {}
        self._reset()

    def _reset(self) -> None:
        """What a terminal knows right after power-on: nothing but its configuration."""
        self._bits: BitReceiver | None = None
        self.tasks = TaskList()
        self._packets = Reassembler(slots_max=SLOTS_MAX, timeout_s=SLOT_TIMEOUT_S)
        self._ordered: dict[EbmId, bool] = {}  # started, and whether it may sound still
        self._over: dict[EbmId, bool] = {}  # stopped: their texts come too late
        self.settings.powered_on()
        self._renewed_at = 0.0

    @property
    def code(self) -> ResourceCode:
        """The one it answers to now."""
        return self.settings.code

    @property
    def audible(self) -> bool:
        """Whether what it plays comes out of the horn."""
        return self.sounding is not None and self.settings.amplifier_on

    @property
    def powered(self) -> bool:
        """Whether it hears anything at all."""
        return self._powered

    @powered.setter
    def powered(self, on: bool) -> None:
        if on != self._powered:
            self._powered = on
            self._reset()

    @property
    def sounding(self) -> EbmId | None:
        """The message it plays, as an FM-only terminal."""
        task = self.tasks.sounding
        return None if task is None else task.order.ebm_id

    @property
    def aligned(self) -> bool:
        """Whether it knows the block phase and stands at the start of a frame."""
        return self._bits is not None and self._bits.at_frame_start

    def lose_signal(self) -> None:
        """The subcarrier is gone; the phase must be found again."""
        self._bits = None

    def hear_bits(self, bits: int, count: int, at_bit: int, air_s: float) -> None:
        """Decode the low `count` bits by itself. `at_bit` and `air_s`: bits on air and seconds at their end."""
        if self._bits is None:
            self._bits = BitReceiver(first_bit=at_bit - count)
        for event in self._bits.feed(bits, count):
            if isinstance(event, HeardFrame):
                self._frame(event, at_bit, air_s)

    def hear_clean(self, frame: HeardFrame, at_bit: int, air_s: float) -> None:
        """Take one undamaged frame that was decoded once for all `aligned` receivers."""
        if self._bits is not None:
            self._bits.skip_clean(frame)
        self._frame(frame, at_bit, air_s)

    def tick(self) -> None:
        """End what maintenance no longer holds up; call about once a second (GD/J 085 clause 5.2.4). A new start of the
        same message begins it again: the head-end is back."""
        period_s, now = self.settings.maintenance_s, self._wall()
        if period_s is None or now - self._renewed_at <= period_s:
            return
        if self._orders is not None:
            if any(self._ordered.values()):
                self._ordered = {ebm_id: False for ebm_id, live in self._ordered.items() if not live}
                self._orders.fm_lapse()
        elif self.sounding is not None:
            changes = self.tasks.stop(EbmId.EVERYTHING, now)[2]
            self.settings.ended(EbmId.EVERYTHING)
            for change in changes:
                self.tasks.forget(change.task.order.ebm_id)
            self._tell(changes)

    def _frame(self, frame: HeardFrame, at_bit: int, air_s: float) -> None:
        if frame.words[0] == 0:  # filler: level 000
            return
        for event in self._packets.feed(frame, air_s):
            if isinstance(event, Complete):
                try:
                    self._packet(event, at_bit)
                except RemoteProtocolError as error:
                    self.refused[error.reason] = self.refused.get(error.reason, 0) + 1

    def _packet(self, received: Complete, at_bit: int) -> None:
        """Check and act. Raises RemoteProtocolError with the first thing that is wrong."""
        packet = self._verifier.decode(received.packet)
        if isinstance(packet.content, SetCode):  # its codes are skipped (GD/J 085 clause 5.2.3)
            if packet.content.phys != self._phys:
                return
        elif not any(matches(target, self.code) for target in packet.codes):
            return
        now = self._wall()
        signer = self._verifier.check(packet, self.trusted, now)
        if not self._module.permits(signer.number):
            raise RemoteProtocolError("certificate", f"{signer.number.hex()} is not on the list")
        self._check_counter(packet)
        self._module.verified(signer.number)
        if not _is_stop(packet):
            self._renewed_at = now
        match packet.content:
            case Emergency(action=Action.STOP, ebm_id=ebm_id) | Daily(action=Action.STOP, ebm_id=ebm_id):
                self._stop(ebm_id, now)
            case Drill(operation=DrillOperation.STOP, ebm_id=ebm_id):
                self._stop(ebm_id, now)
            case Emergency(ebm_id=ebm_id, level=level):
                self._start(ebm_id, EMERGENCY_CLASS, level, VOLUME_UNCHANGED, now, at_bit)
            case Daily(ebm_id=ebm_id, volume=volume):
                self._start(ebm_id, DAILY_CLASS, LEVEL_LOWEST, volume, now, at_bit)
            case Drill(kind=kind, operation=operation, ebm_id=ebm_id) if operation != DrillOperation.RETURN_STATUS:
                self._start(ebm_id, kind.value, LEVEL_LOWEST, VOLUME_UNCHANGED, now, at_bit)
            case Certificates(items=items):
                self._authorise((), items)
            case Authorisation(data=data) as content:
                if isinstance(content.opened(), AuthorisationList):  # 74 bytes carry no list and change nothing
                    self._authorise((data,), ())
            case Text(ebm_id=ebm_id) if ebm_id in self._over:
                pass
            case content:
                self._obey(content, now)

    def _obey(self, content: Content | Unknown, now: float) -> None:
        """Everything that neither starts nor stops. A terminal that restarts has forgotten what it played."""
        self.settings.obey(content)
        if isinstance(content, Reset | FactoryReset):
            self._tell(self.tasks.stop(EbmId.EVERYTHING, now)[2])
            self._ordered = dict.fromkeys(self._ordered, False)
        if self._orders is not None:
            self._orders.fm_told(content)

    def _authorise(self, lists: tuple[bytes, ...], certificates: tuple[bytes, ...]) -> None:
        """Types 6 and 7 are the security module's (GD/J 085 clause 5.2.8). Raises RemoteProtocolError."""
        if self._trust is None:
            return
        update = self._trust.check(lists, certificates, self._module)
        self._trust.admit(update.certificates)
        if update.newer is not None:
            self._module.apply(update.newer)

    def _check_counter(self, packet: Packet) -> None:
        """Signing boxes write a counter for the time. FM repeats are byte-identical, so UTC needs no such rule."""
        block = packet.signature
        if block.time >= UTC_FROM:
            return
        last = self._last_counter.get(block.certificate, 0)
        if block.time <= last - COUNTER_SLACK:
            raise RemoteProtocolError("time", f"counter {block.time} after {last}")
        self._last_counter[block.certificate] = max(last, block.time)

    def _start(self, ebm_id: EbmId, class_: int, level: int, volume: int, now: float, at_bit: int) -> None:
        if ebm_id not in self.heard_at_bit:
            _remember(self.heard_at_bit, ebm_id, at_bit)
        self.settings.amplifier_on = True  # a start wakes it (fm-rds.md section 10)
        order = Order(ebm_id, class_, level, now, inf, volume, "", "fm")
        if self._orders is not None:
            if ebm_id not in self._ordered:
                _remember(self._ordered, ebm_id, True)
                self._orders.fm_start(order)
        else:
            self._tell(self.tasks.start(order, now, queue_lower=True)[2])

    def _stop(self, ebm_id: EbmId, now: float) -> None:
        self.settings.ended(ebm_id)
        _remember(self._over, ebm_id, True)
        everything = ebm_id == EbmId.EVERYTHING
        self._ordered |= {each: False for each in self._ordered if everything or each == ebm_id}
        if self._orders is not None:
            self._orders.fm_stop(ebm_id)
        else:
            self._tell(self.tasks.stop(ebm_id, now)[2])

    def _tell(self, changes: list[Change]) -> None:
        for change in changes:
            if change.after is TaskState.SOUNDING:
                self._on_begin(self.code, change.task.order.ebm_id)
            elif change.before is TaskState.SOUNDING:
                self._on_end(self.code, change.task.order.ebm_id)


def _remember(known: dict[EbmId, ValueT], ebm_id: EbmId, value: ValueT) -> None:
    if len(known) >= HEARD_MAX:
        del known[next(iter(known))]
    known[ebm_id] = value


def _is_stop(packet: Packet) -> bool:
    match packet.content:
        case Emergency(action=Action.STOP) | Daily(action=Action.STOP) | Drill(operation=DrillOperation.STOP):
            return True
        case _:
            return False
