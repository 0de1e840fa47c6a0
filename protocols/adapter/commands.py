"""What a platform tells an adapter: 0x49 frames (GD/J 089 annex A.4).

Times are seconds since 1970 as they stand in the frame; which time base a peer uses is its link's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from protocols.adapter.daily import DailyCommand
from protocols.adapter.targets import AnyTargets, OtherCodes, ReturnAddress
from protocols.adapter.text import Language
from protocols.codes import AreaCode, EbmId, ResourceCode


@dataclass(frozen=True, slots=True)
class StartBroadcast:
    """0x04, switch 1 (table A.12): begin a message, emergency (class 4), drill (1-3) or daily (5)."""

    type: ClassVar[int] = 0x04
    ebm_id: EbmId
    class_: int
    event_type: str
    level: int
    start: int
    end: int
    volume: int
    targets: AnyTargets
    languages: tuple[Language, ...]
    input_channel: int = 0
    outputs: tuple[int, ...] = ()
    private: bytes | None = b""  # None: the frame ended before it


@dataclass(frozen=True, slots=True)
class StopBroadcast:
    """0x04, switch 2 (table A.12): end a message; id all zeros ends everything. `rest`: fields a peer filled in
    although a stop needs none of them."""

    type: ClassVar[int] = 0x04
    ebm_id: EbmId
    targets: AnyTargets
    rest: StartBroadcast | None = None


@dataclass(frozen=True, slots=True)
class CodeAssignment:
    """The resource code that the device with this physical address shall have."""

    phys: str
    code: ResourceCode


@dataclass(frozen=True, slots=True)
class SetResourceCodes:
    """0x05 (table A.13)."""

    type: ClassVar[int] = 0x05
    assignments: tuple[CodeAssignment, ...]


@dataclass(frozen=True, slots=True)
class SetVolume:
    """0x06 (table A.14). Percent; 255 leaves the device's own."""

    type: ClassVar[int] = 0x06
    volume: int
    targets: AnyTargets


@dataclass(frozen=True, slots=True)
class SetReturnAddress:
    """0x07 (table A.15): where terminals return to."""

    type: ClassVar[int] = 0x07
    address: ReturnAddress
    targets: AnyTargets


@dataclass(frozen=True, slots=True)
class QueryTerminals:
    """0x08 (table A.16): terminals return these parameters (table E.5) by annex E to `address`."""

    type: ClassVar[int] = 0x08
    address: ReturnAddress
    targets: AnyTargets
    parameters: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SetClock:
    """0x09 (table A.17)."""

    type: ClassVar[int] = 0x09
    time: int


@dataclass(frozen=True, slots=True)
class SetNetwork:
    """0x0A (table A.18): address of the one terminal in `target`."""

    type: ClassVar[int] = 0x0A
    ip: str
    mask: str
    gateway: str
    target: AnyTargets


@dataclass(frozen=True, slots=True)
class SetReturnPeriod:
    """0x0B (table A.19)."""

    type: ClassVar[int] = 0x0B
    period_s: int
    targets: AnyTargets


@dataclass(frozen=True, slots=True)
class WhitelistEntry:
    """Who may speak by phone (permission 2), SMS (1) or both (3), and where. Operation: 1 add, 2 modify, 3 delete."""

    operation: int
    phone: str
    name: str
    permission: int
    areas: tuple[AreaCode, ...] | OtherCodes


@dataclass(frozen=True, slots=True)
class SetWhitelist:
    """0x0C (table A.5). Names are UTF-8; for an adapter that reads another encoding make them by `wire.in_encoding`."""

    type: ClassVar[int] = 0x0C
    entries: tuple[WhitelistEntry, ...]


@dataclass(frozen=True, slots=True)
class SetAdapterReturn:
    """0x0D (table A.6): the adapter's own heartbeat period and where it reports to."""

    type: ClassVar[int] = 0x0D
    address: ReturnAddress
    period_s: int


@dataclass(frozen=True, slots=True)
class QueryOutputs:
    """0x0E (table A.7). Channel 0: all; state 0 all, 1 idle, 2 occupied, 3 fault."""

    type: ClassVar[int] = 0x0E
    front: ResourceCode
    channel: int = 0
    state: int = 0


@dataclass(frozen=True, slots=True)
class QueryInputs:
    """0x0F (table A.8), as QueryOutputs."""

    type: ClassVar[int] = 0x0F
    front: ResourceCode
    channel: int = 0
    state: int = 0


@dataclass(frozen=True, slots=True)
class QueryRecords:
    """0x10 (table A.9). `ebm_id` None: any. Task 0 all, 1 daily, 2 emergency."""

    type: ClassVar[int] = 0x10
    front: ResourceCode
    ebm_id: EbmId | None
    task: int
    from_time: int
    to_time: int


@dataclass(frozen=True, slots=True)
class QueryFaults:
    """0x11 (table A.10)."""

    type: ClassVar[int] = 0x11
    front: ResourceCode


@dataclass(frozen=True, slots=True)
class SwitchAmplifier:
    """0x3F (table A.20). Option 1 off, 2 on."""

    type: ClassVar[int] = 0x3F
    option: int
    targets: AnyTargets


@dataclass(frozen=True, slots=True)
class UpdateTerminalCertificates:
    """0x40 (table A.21): lists and certificates for the terminals, each as `protocols.signature` reads it."""

    type: ClassVar[int] = 0x40
    lists: tuple[bytes, ...]
    certificates: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class UpdateAdapterCertificates:
    """0x41 (table A.11, clause A.4.1.7): the same for the adapter itself."""

    type: ClassVar[int] = 0x41
    lists: tuple[bytes, ...]
    certificates: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class LockFrequency:
    """Content of 0x01, tag 0 (table A.23): the channel that cable terminals lock to. QAM 0=16, 1=32 ... 4=256."""

    frequency_khz: int
    symbol_rate_kbaud: int
    qam: int
    targets: AnyTargets


@dataclass(frozen=True, slots=True)
class TsSpecial:
    """0x01 (table A.22): tag 0 with a LockFrequency, tag 2 with a daily command; other content as it came."""

    type: ClassVar[int] = 0x01
    tag: int
    content: LockFrequency | DailyCommand | bytes


@dataclass(frozen=True, slots=True)
class RdsSpecial:
    """0x02 (table A.24): an FM packet content for the adapter to send. Command 0 parameter, 1 emergency, 2 daily;
    `send_times` 255 for ever."""

    type: ClassVar[int] = 0x02
    command: int
    packet_type: int
    targets: tuple[ResourceCode, ...]
    data: bytes
    send_times: int = 255
    interval_ms: int = 100


@dataclass(frozen=True, slots=True)
class IpSpecial:
    """0x03 (table A.25): tag 1 with a record query, whose layout the text leaves open; other content as it came."""

    type: ClassVar[int] = 0x03
    tag: int
    content: QueryRecords | bytes


@dataclass(frozen=True, slots=True)
class PlatformReply:
    """0x21 (table A.36): the platform's answer to a heartbeat and to an end. Code 0 ok, -1 unknown, 1 length,
    2 version, 3 conflict, 4 signature. `data` None: the frame ended before its length."""

    type: ClassVar[int] = 0x21
    code: int = 0
    data: bytes | None = b""


@dataclass(frozen=True, slots=True)
class TaskReply:
    """0x22 (table A.38): the answer to a begin. Result 0 ok, 1 fail; the address to copy the audio to, zeros, or None
    where the frame ended before it."""

    type: ClassVar[int] = 0x22
    result: int = 0
    ip: str | None = "0.0.0.0"
    port: int | None = 0


Command = (
    StartBroadcast
    | StopBroadcast
    | SetResourceCodes
    | SetVolume
    | SetReturnAddress
    | QueryTerminals
    | SetClock
    | SetNetwork
    | SetReturnPeriod
    | SetWhitelist
    | SetAdapterReturn
    | QueryOutputs
    | QueryInputs
    | QueryRecords
    | QueryFaults
    | SwitchAmplifier
    | UpdateTerminalCertificates
    | UpdateAdapterCertificates
    | TsSpecial
    | RdsSpecial
    | IpSpecial
    | PlatformReply
    | TaskReply
)
