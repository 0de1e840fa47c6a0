"""What IP terminals, returns and their masters say: FEFD business types (GD/J 089 annexes D and E).

Times are UTC seconds; only those of records (0x16) may be in the time base of annex A.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from protocols.adapter.targets import Codes
from protocols.adapter.text import AUX_URL, Auxiliary
from protocols.codes import Digits, EbmId, ResourceCode
from protocols.terminal.parameters import Parameter, Setting


class Result(IntEnum):
    """Result codes of an answer (table D.12), and 60 of query answers (E.4)."""

    OK = 0
    PROTOCOL = 10
    TIMEOUT = 11
    VERSION = 12
    PARSE = 13
    MISSING_PARAMETER = 14
    CRC = 15
    SYSTEM = 30
    BUSY = 31
    NO_CARD = 32
    READ = 33
    WRITE = 34
    NO_UKEY = 35
    BAD_UKEY = 36
    VERIFICATION = 50
    PASSWORD = 51
    CERTIFICATE = 52
    INPUT_TIMEOUT = 53
    BAD_PARAMETER = 54
    NOT_SUPPORTED = 55
    BAD_SMS = 56
    NUMBER_NOT_CONFIGURED = 57
    BAD_CONTENT = 58
    UNKNOWN_RESOURCE_CODE = 59
    TERMINAL_ERROR = 60
    TERMINAL = 70
    UNKNOWN_TERMINAL = 71
    OFFLINE = 72
    HIGHER_PRIORITY = 73


class WorkState(IntEnum):
    """State of a heartbeat and of parameter 06."""

    IDLE = 1
    WORKING = 2
    FAULT = 3


class Task(IntEnum):
    """What sounds, in 0x14 and 0x16."""

    EMERGENCY = 1
    DAILY = 2
    PHONE = 3
    SMS = 4
    MIXER = 5
    USB = 6
    OTHER_CHANNEL = 7


@dataclass(frozen=True, slots=True)
class Start:
    """0x01 (table D.5): begin a message. `level` 1-4, `volume` percent or 255 for the device's own."""

    type: ClassVar[int] = 0x01
    ebm_id: EbmId
    class_: int
    level: int
    event_type: str
    volume: int
    start: int
    end: int
    auxiliary: tuple[Auxiliary, ...]

    @property
    def url(self) -> str:
        """The first audio address, or ""."""
        found = (aux.data for aux in self.auxiliary if aux.type == AUX_URL)
        return next(found, b"").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Stop:
    """0x02 (table D.6): end a message; id all zeros ends everything."""

    type: ClassVar[int] = 0x02
    ebm_id: EbmId


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """0x10 (table D.7; annex E, type 10): `first` 1 is the first registration after power-on, else 2. `phys` is
    upper-case hexadecimal."""

    type: ClassVar[int] = 0x10
    state: int
    first: int
    phys: str


@dataclass(frozen=True, slots=True)
class StatusQuery:
    """0x11 request (table D.8): parameter ids of `protocols.terminal.parameters`."""

    type: ClassVar[int] = 0x11
    parameters: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """0x11 answer (table E.4)."""

    type: ClassVar[int] = 0x11
    result: int
    text: str
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """0x12 (table D.9)."""

    type: ClassVar[int] = 0x12
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class FaultReport:
    """0x13 (annex E, type 13): flag 1 fault, 2 cleared; fault as in annex A. `text` None: the draft's form without."""

    type: ClassVar[int] = 0x13
    flag: int
    fault: int
    text: str | None
    time: int


@dataclass(frozen=True, slots=True)
class TaskSwitch:
    """0x14 (annex E, type 14): flag 1 begins, 2 ends; `task` as `Task`."""

    type: ClassVar[int] = 0x14
    flag: int
    task: int
    ebm_id: EbmId
    time: int


@dataclass(frozen=True, slots=True)
class TaskResult:
    """0x15 (annex E, type 15): result 1 success, 0 fail: the other way round than everywhere else."""

    type: ClassVar[int] = 0x15
    ebm_id: EbmId
    result: int
    text: str
    start: int
    end: int
    times: int
    time: int


@dataclass(frozen=True, slots=True)
class ReturnRecord:
    """One task of a township or village adapter. `telephone` as in `protocols.adapter.Record`."""

    channel: int
    state: int
    ebm_id: EbmId
    task: int
    class_: int
    level: int
    event_type: str
    start: int
    end: int
    volume: int
    codes: Codes
    telephone: str | None = None


@dataclass(frozen=True, slots=True)
class RecordReport:
    """0x16 (annex E, type 16): sent by township and village adapters each return period."""

    type: ClassVar[int] = 0x16
    front: ResourceCode
    records: tuple[ReturnRecord, ...]


@dataclass(frozen=True, slots=True)
class CertificateUpdate:
    """0x17 (table D.11): authorisation lists and certificates, each as `protocols.signature` reads it."""

    type: ClassVar[int] = 0x17
    lists: tuple[bytes, ...]
    certificates: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The general answer (table D.10) to a request of business type `to`. `text` None: only the result came."""

    to: int
    result: int
    text: str | None = ""

    @property
    def type(self) -> int:
        """The request's business type."""
        return self.to


@dataclass(frozen=True, slots=True)
class Upgrade:
    """0xA1, a vendor's extension: fetch firmware. Mode 0 forced, 1 if newer, 2 only from `old_version`."""

    type: ClassVar[int] = 0xA1
    phys: str
    mode: int
    new_version: bytes
    old_version: bytes
    md5: str
    url: str
    reserved: bytes = bytes(12)


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """0x20, a vendor's extension: what was played of a message between two times."""

    type: ClassVar[int] = 0x20
    code: ResourceCode
    ebm_id: EbmId
    from_time: int
    to_time: int


@dataclass(frozen=True, slots=True)
class RecordAnswer:
    """The answer to it: result 0 fail, 1 ok, 2 playing."""

    type: ClassVar[int] = 0x20
    code: ResourceCode
    ebm_id: EbmId
    result: int
    start: int
    end: int


class OldEbmId(Digits):
    """EBM id of the older draft: platform 18, date 8, sequence 4; fifteen bytes without the nibble F."""

    __slots__ = ()
    length = 30
    noun = "EBM id of the draft"


@dataclass(frozen=True, slots=True)
class OldTaskSwitch:
    """0x14 of the older draft: the same with its EBM id, which names no message of ours."""

    type: ClassVar[int] = 0x14
    flag: int
    task: int
    ebm_id: OldEbmId
    time: int


@dataclass(frozen=True, slots=True)
class Opaque:
    """A business type outside the text; to be answered with 55."""

    type: int
    data: bytes


EXTENSIONS = (RecordQuery, RecordAnswer, Upgrade, OldTaskSwitch, Opaque)
"""Messages outside the text: understood, and sent only where the configuration says so."""

Message = (
    Start
    | Stop
    | Heartbeat
    | StatusQuery
    | StatusAnswer
    | ParameterSet
    | FaultReport
    | TaskSwitch
    | TaskResult
    | RecordReport
    | CertificateUpdate
    | Answer
    | Upgrade
    | RecordQuery
    | RecordAnswer
    | OldTaskSwitch
    | Opaque
)
