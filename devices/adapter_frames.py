"""Link commands as annex A frames, signed once for all adapters, and what adapters' answers mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from devices.adapter_settings import messages_of
from devices.adapter_values import QUESTIONS, adapter_told
from devices.link import Answered, AskState, Command, DeviceState, Event, Fault, SetClock, Start, StateTold, Stop, Verb
from devices.maintenance import AskValues, Authorise, Configure, Configured, HostPort, ValuesTold
from devices.ports import Ports
from devices.terminal_values import return_address
from protocols import adapter
from protocols.codes import EbmId, ResourceCode
from protocols.errors import LocalProtocolError
from protocols.wire import readable

TARGETS_MAX = 255
NO_FAULT = 0
"""Of 0x16 (GD/J 089 table A.31)."""
BEIJING_S = 28_800
SECONDS_32_MAX = 2**32 - 1


class TimeBase(StrEnum):
    """How annex A's "Beijing time, as seconds since 1970" is read: as plain epoch, or as epoch + 8 h."""

    UTC = "utc"
    BEIJING = "beijing"


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the text leaves open and one link decides."""

    time_base: TimeBase
    type_table: adapter.TypeTable
    outputs: tuple[int, ...]
    records_back_s: float
    heartbeat_s: int
    """Between an adapter's heartbeats, told to one whose return parameters are set (table A.6)."""
    returns_to: HostPort | None
    """Where terminals behind adapters return what they were asked for by 0x08; None: they cannot be asked."""
    whitelist_name_encoding: str = "utf-8"
    """Of names in 0x0C: the text says UTF-8 and some boxes read GB 18030."""
    push_type: int | None = None
    """Type of auxiliary data that asks for an address to stream to (table A.32); None: adapters fetch the sound."""

    def pushes(self, start: Start) -> bool:
        """Whether the sound is streamed: it must be ours. Others' streams are named, as to adapters that fetch."""
        return self.push_type is not None and bool(start.audio.file)

    def seconds(self, utc_s: float) -> int:
        """A time as this link's peers write it."""
        shift = BEIJING_S if self.time_base is TimeBase.BEIJING else 0
        return min(int(utc_s) + shift, SECONDS_32_MAX)

    def utc(self, seconds: int) -> int:
        """A time of this link's peers as UTC seconds."""
        return seconds - (BEIJING_S if self.time_base is TimeBase.BEIJING else 0)


class Parcel:
    """The frames of one command, made when the first adapter needs them and again when their signature grows old."""

    def __init__(self, command: Command, dialect: Dialect, ports: Ports, resign_after_s: float) -> None:
        self._command = command
        self._dialect = dialect
        self._ports = ports
        self._resign_after_s = resign_after_s
        self._frames: tuple[bytes, ...] = ()
        self._made_s = 0.0

    def __len__(self) -> int:
        """How many frames the command takes."""
        if isinstance(self._command, Start | Stop):
            return max(1, -(-len(self._command.targets) // TARGETS_MAX))
        if isinstance(self._command, Configure):
            return max(1, len(self._settings(self._command, self._command.members[0])))
        return len(QUESTIONS) if asks_adapters(self._command) else 1

    def frame(self, number: int, code: ResourceCode) -> bytes:
        """Frame `number` for the adapter `code`. Raises LocalProtocolError."""
        if isinstance(self._command, AskState):
            return self._query(code)
        if asks_adapters(self._command):
            return self._encode(QUESTIONS[number](code))  # its front code differs from adapter to adapter
        if isinstance(self._command, Configure) and not self._command.targets:
            return self._encode(self._settings(self._command, code)[number])  # so does its own address
        now_s = self._ports.clock.monotonic()
        if not self._frames or now_s - self._made_s > self._resign_after_s:
            self._frames = tuple(self._encode(message) for message in self._messages())
            self._made_s = now_s
        return self._frames[number]

    def _messages(self) -> list[adapter.Message]:
        match self._command:
            case Start() as start:
                return [self._start(start, targets) for targets in _portions(start.targets)]
            case Stop() as stop:
                return [adapter.StopBroadcast(stop.ebm_id, targets) for targets in _portions(stop.targets)]
            case Configure() as configure:
                return self._settings(configure, configure.members[0])
            case Authorise() as authorise:
                return [_update(authorise)]
            case SetClock():
                return [adapter.SetClock(self._dialect.seconds(self._ports.clock.wall()))]
            case AskValues(ids=ids, targets=targets) if self._dialect.returns_to is not None:
                back = return_address(self._dialect.returns_to)
                return [adapter.QueryTerminals(back, adapter.Targets(targets), ids)]
            case _:
                raise LocalProtocolError("adapters have no such command")

    def _settings(self, configure: Configure, own: ResourceCode) -> list[adapter.Message]:
        dialect = self._dialect
        return messages_of(configure, own, dialect.heartbeat_s, dialect.whitelist_name_encoding)

    def _start(self, start: Start, targets: adapter.Targets) -> adapter.StartBroadcast:
        charset = adapter.charset_for(start.text, start.agency)
        pushed = self._dialect.push_type if self._dialect.pushes(start) else None
        auxiliary = adapter.Auxiliary.url(start.audio.url) if pushed is None else adapter.Auxiliary(pushed, b"")
        return adapter.StartBroadcast(
            ebm_id=start.ebm_id,
            class_=start.class_,
            event_type=start.event_type,
            level=start.level,
            start=self._dialect.seconds(start.start),
            end=self._dialect.seconds(start.end),
            volume=start.volume,
            targets=targets,
            languages=(
                adapter.Language(
                    start.language,
                    adapter.fitting(start.text, charset, adapter.TEXT_BYTES_MAX),
                    adapter.fitting(start.agency, charset, adapter.AGENCY_BYTES_MAX),
                    (auxiliary,),
                    charset,
                ),
            ),
            outputs=self._dialect.outputs,
        )

    def _query(self, code: ResourceCode) -> bytes:
        """Its front code differs from adapter to adapter, so each is signed on its own."""
        now_s = self._ports.clock.wall()
        from_time = self._dialect.seconds(max(0.0, now_s - self._dialect.records_back_s))
        return self._encode(adapter.QueryRecords(code, None, 0, from_time, self._dialect.seconds(now_s)))

    def _encode(self, message: adapter.Message) -> bytes:
        return adapter.encode(message, sign=self._ports.sign, table=self._dialect.type_table)


def asks_adapters(command: Command) -> bool:
    """Whether it asks the adapters themselves for values: several questions, each answer of which counts."""
    return isinstance(command, AskValues) and not command.targets


def _update(command: Authorise) -> adapter.Message:
    """0x40 for terminals behind the adapter, 0x41 for itself (tables A.21, A.11)."""
    if command.targets:
        return adapter.UpdateTerminalCertificates(command.lists, command.certificates)
    return adapter.UpdateAdapterCertificates(command.lists, command.certificates)


def _portions(targets: tuple[ResourceCode, ...]) -> list[adapter.Targets]:
    """One count byte allows 255 codes a frame."""
    return [adapter.Targets(targets[at : at + TARGETS_MAX]) for at in range(0, max(len(targets), 1), TARGETS_MAX)]


def is_answer(command: Command, code: ResourceCode, message: adapter.Message) -> bool:
    """Whether a frame is this adapter's answer to the command: 0x17 for 0x04, 0x15 for 0x10, 0x13, 0x14 and 0x16 for
    the questions about itself, which it may answer under another code than ours; 0x12 for anything."""
    match message:
        case adapter.GeneralAnswer():
            return True
        case adapter.StartAnswer():
            return isinstance(command, Start | Stop) and (message.front, message.ebm_id) == (code, command.ebm_id)
        case adapter.Records():
            return isinstance(command, AskState) and message.front == code
        case adapter.Outputs() | adapter.Inputs() | adapter.FaultDetails():
            return asks_adapters(command)
        case _:
            return False


def asked(command: Command) -> tuple[EbmId, Verb] | None:
    """What an answer is to; None for polls."""
    match command:
        case Start():
            return command.ebm_id, Verb.START
        case Stop():
            return command.ebm_id, Verb.STOP
        case _:
            return None


def result_of(message: adapter.Message) -> tuple[int, str]:
    """Result and text of an answer; 0 is ok. Codes of 0x12 may be negative: -1 is an unknown error."""
    match message:
        case adapter.StartAnswer():
            return message.result, readable(message.text)
        case adapter.GeneralAnswer():
            return message.code, readable(message.text)
        case _:
            return 0, ""


def offered_by(answers: Sequence[adapter.Message]) -> str:
    """The address that an adapter wants its sound streamed to; of several frames' answers the last that names one."""
    urls = [answer.url for answer in answers if isinstance(answer, adapter.StartAnswer) and answer.url]
    return urls[-1] if urls else ""


def event_of(link: str, code: ResourceCode, command: Command, message: adapter.Message) -> Event | None:
    """An adapter's answer as a link event."""
    if isinstance(message, adapter.Records):
        playing = tuple(r.ebm_id for r in message.records if r.state == adapter.RecordState.PLAYING)
        return StateTold(link, code, DeviceState.WORKING if playing else DeviceState.IDLE, playing)
    if isinstance(command, AskValues):
        return None  # its answers are told together
    result, text = result_of(message)
    if isinstance(command, Configure | Authorise):
        return Configured(link, code, command.token, result, text)
    to = asked(command)
    return None if to is None else Answered(link, code, *to, result, text)


def values_of(link: str, code: ResourceCode, answers: Sequence[adapter.Message]) -> list[Event]:
    """What an adapter says of itself, all its answers together. A fault that it names is an event of its own."""
    faults = [a for a in answers if isinstance(a, adapter.FaultDetails)]
    told: list[Event] = [Fault(link, code, a.fault, a.fault == NO_FAULT, readable(a.text or "")) for a in faults]
    return [*told, ValuesTold(link, code, adapter_told(answers))]


def state_of(value: int) -> DeviceState:
    """State byte of 0x20; a value outside the table counts as a fault."""
    match value:
        case adapter.AdapterState.IDLE:
            return DeviceState.IDLE
        case adapter.AdapterState.WORKING:
            return DeviceState.WORKING
        case _:
            return DeviceState.FAULT
