"""What an adapter tells a platform: 0x50 frames (GD/J 089 annex A.5, tables A.26-A.35).

Texts are UTF-8 (`wire.readable` shows other bytes); None where the frame ended before the length of the text, as boxes
with nothing to say send it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from protocols.adapter.targets import Codes
from protocols.codes import EbmId, ResourceCode


class Source(IntEnum):
    """Where a task came from (table A.30)."""

    PLATFORM = 1
    INPUT_CHANNEL = 2
    PHONE = 3
    SMS = 4
    OTHER_CHANNEL = 5


class RecordState(IntEnum):
    """How far a task got (table A.30)."""

    UNPROCESSED = 0
    WAITING = 1
    PLAYING = 2
    SUCCESS = 3
    FAILED = 4
    CANCELLED = 5


class AdapterState(IntEnum):
    """State in a heartbeat (table A.35)."""

    IDLE = 1
    WORKING = 2
    FAULT = 3


class ResultCode(IntEnum):
    """Codes of 0x12 and 0x21 (table A.37)."""

    UNKNOWN = -1
    OK = 0
    LENGTH = 1
    VERSION = 2
    CONFLICT = 3
    SIGNATURE = 4


@dataclass(frozen=True, slots=True)
class GeneralAnswer:
    """0x12 (table A.26): how a command fared; 0x04 and the queries have answers of their own."""

    type: ClassVar[int] = 0x12
    code: int = 0
    text: str | None = ""


@dataclass(frozen=True, slots=True)
class FmOutput:
    """One FM frequency of an output. State 1 idle, 2 occupied (then with the message), 3 fault."""

    frequency_khz: int
    state: int
    ebm_id: EbmId | None = None


@dataclass(frozen=True, slots=True)
class ElementaryStream:
    """One stream of a cable or DTMB programme."""

    stream_type: int
    pid: int


@dataclass(frozen=True, slots=True)
class TsOutput:
    """One programme of a cable or DTMB output."""

    network_id: int
    ts_id: int
    program: int
    pcr_pid: int
    streams: tuple[ElementaryStream, ...]
    state: int
    ebm_id: EbmId | None = None


@dataclass(frozen=True, slots=True)
class OutputChannel:
    """One output. Kind 1 FM (`fm`), 2 cable and 3 DTMB (`ts`), 4 IP (neither)."""

    id: int
    kind: int
    fm: tuple[FmOutput, ...] = ()
    ts: tuple[TsOutput, ...] = ()


@dataclass(frozen=True, slots=True)
class Outputs:
    """0x13 (table A.28), the answer to 0x0E."""

    type: ClassVar[int] = 0x13
    front: ResourceCode
    channels: tuple[OutputChannel, ...]


@dataclass(frozen=True, slots=True)
class InputChannel:
    """One input; inputs of one group exclude each other."""

    id: int
    name: str
    group: int
    state: int


@dataclass(frozen=True, slots=True)
class Inputs:
    """0x14 (table A.29), the answer to 0x0F."""

    type: ClassVar[int] = 0x14
    front: ResourceCode
    channels: tuple[InputChannel, ...]


@dataclass(frozen=True, slots=True)
class OutputRef:
    """An output by kind and number."""

    kind: int
    id: int


@dataclass(frozen=True, slots=True)
class Record:
    """One task an adapter ran. `telephone` stands for source phone and SMS only; "" elsewhere means that the peer
    sends an empty field always."""

    ebm_id: EbmId
    state: int
    source: int
    class_: int
    level: int
    event_type: str
    start: int
    end: int
    volume: int
    input_channel: int
    outputs: tuple[OutputRef, ...]
    codes: Codes
    telephone: str | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """0x15 (table A.30), the answer to 0x10."""

    type: ClassVar[int] = 0x15
    front: ResourceCode
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class FaultDetails:
    """0x16 (table A.31), the answer to 0x11. Fault 0 none, 1 supply current low, 2 mean power low, 3 amplifier output
    voltage low, 4 field strength low, 5 monitor data unavailable."""

    type: ClassVar[int] = 0x16
    front: ResourceCode
    fault: int
    text: str | None = ""


@dataclass(frozen=True, slots=True)
class StartAnswer:
    """0x17 (table A.32), the answer to 0x04, start or stop. Result 0 ok, 1 fail; `url` the address the adapter listens
    on, where it was asked to offer one."""

    type: ClassVar[int] = 0x17
    front: ResourceCode
    ebm_id: EbmId
    result: int = 0
    text: str | None = ""
    url: str | None = ""


@dataclass(frozen=True, slots=True)
class TaskBegan:
    """0x18 (table A.33): a task sounds. Answered by 0x22."""

    type: ClassVar[int] = 0x18
    front: ResourceCode
    ebm_id: EbmId
    source: int
    class_: int
    level: int
    event_type: str
    input_channel: int
    outputs: tuple[OutputRef, ...]
    volume: int
    codes: Codes
    telephone: str | None = None


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """0x19 (table A.34). Answered by 0x21."""

    type: ClassVar[int] = 0x19
    front: ResourceCode
    ebm_id: EbmId


@dataclass(frozen=True, slots=True)
class AdapterHeartbeat:
    """0x20 (table A.35). Answered by 0x21."""

    type: ClassVar[int] = 0x20
    front: ResourceCode
    state: int
    time: int


Report = (
    GeneralAnswer | Outputs | Inputs | Records | FaultDetails | StartAnswer | TaskBegan | TaskEnded | AdapterHeartbeat
)
