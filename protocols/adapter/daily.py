"""Daily commands for cable and DTMB terminals: the content of 0x01, tag 2 (GD/J 089 tables A.22, C.1).

The text of annex A points to annex C, whose table gives tag, length and content. A tag outside it, or a content that it
does not explain, stays as it came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from construct import BitsInteger, BitStruct, ExprAdapter, Int8ub, Int16ub, Struct

from protocols.charset import CHARSETS, GB18030, decoded
from protocols.codes import EbmId, ResourceCode
from protocols.errors import RemoteProtocolError
from protocols.wire import Layout, build, counted, ebm_id, parse, record, resource_code, sized

PID_MAX = 0x1FFF
_RESERVED_BITS = 0xE000


@dataclass(frozen=True, slots=True)
class LocalTime:
    """When a daily programme ends, as it stands in the table: numbers that may be no date."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int


@dataclass(frozen=True, slots=True)
class SwitchProgramme:
    """Tag 1: switch to a programme. Stream type 3 is MPEG audio; volume percent or 255."""

    tag: ClassVar[int] = 1
    ebm_id: EbmId
    network_id: int
    ts_id: int
    service_id: int
    pcr_pid: int
    stream_type: int
    audio_pid: int
    priority: int
    volume: int
    end: LocalTime
    codes: tuple[ResourceCode, ...]


@dataclass(frozen=True, slots=True)
class StopProgramme:
    """Tag 2: leave the programme."""

    tag: ClassVar[int] = 2
    ebm_id: EbmId
    network_id: int
    ts_id: int
    service_id: int
    pcr_pid: int
    audio_pid: int
    codes: tuple[ResourceCode, ...]


@dataclass(frozen=True, slots=True)
class DailyAmplifier:
    """Tag 3: option 1 off, 2 on."""

    tag: ClassVar[int] = 3
    option: int
    codes: tuple[ResourceCode, ...]


@dataclass(frozen=True, slots=True)
class DailyText:
    """Tag 4: text kind 1 emergency, 2 daily, 3 test; charset as in table A.12."""

    tag: ClassVar[int] = 4
    kind: int
    charset: int
    ebm_id: EbmId
    codes: tuple[ResourceCode, ...]
    data: bytes

    @property
    def text(self) -> str:
        """The words; replacement characters for what the charset does not explain."""
        return decoded(self.data, self.charset if self.charset in CHARSETS else GB18030, "replace")


DailyCommand = SwitchProgramme | StopProgramme | DailyAmplifier | DailyText


def _pid_from(value: int, _: object) -> int:
    if value & _RESERVED_BITS != _RESERVED_BITS:
        raise ValueError(f"PID field {value:04x} lacks the bits 111 before the PID")
    return value & PID_MAX


def _pid_to(value: int, _: object) -> int:
    if not 0 <= value <= PID_MAX:
        raise ValueError(f"PID {value} has more than 13 bits")
    return value | _RESERVED_BITS


_pid: Layout = ExprAdapter(Int16ub, _pid_from, _pid_to)
_codes: Layout = "codes" / counted(Int8ub, resource_code)
_end: Layout = "end" / record(
    LocalTime,
    "year" / Int16ub,
    "month" / Int8ub,
    "day" / Int8ub,
    "hour" / Int8ub,
    "minute" / Int8ub,
    "second" / Int8ub,
)
_service: tuple[Layout, ...] = (
    "ebm_id" / ebm_id,
    "network_id" / Int16ub,
    "ts_id" / Int16ub,
    "service_id" / Int16ub,
    "pcr_pid" / _pid,
)
_KIND: Layout = BitStruct("kind" / BitsInteger(4), "charset" / BitsInteger(4))
_TEXT: Layout = Struct("head" / _KIND, "ebm_id" / ebm_id, _codes, "data" / sized(Int16ub))

LAYOUTS: dict[int, Layout] = {
    1: record(
        SwitchProgramme,
        *_service,
        "stream_type" / Int8ub,
        "audio_pid" / _pid,
        "priority" / Int8ub,
        "volume" / Int8ub,
        _end,
        _codes,
    ),
    2: record(StopProgramme, *_service, "audio_pid" / _pid, _codes),
    3: record(DailyAmplifier, "option" / Int8ub, _codes),
    4: ExprAdapter(
        _TEXT,
        lambda block, _: DailyText(block.head.kind, block.head.charset, block.ebm_id, block.codes, block.data),
        lambda value, _: {
            "head": {"kind": value.kind, "charset": value.charset},
            "ebm_id": value.ebm_id,
            "codes": value.codes,
            "data": value.data,
        },
    ),
}
"""Tag -> content (table C.1 of GD/J 089 annex C)."""
_COMMAND: Layout = Struct("tag" / Int8ub, "content" / sized(Int16ub))


def daily_from(data: bytes) -> DailyCommand | bytes:
    """The daily command in these bytes, or the bytes where it is none."""
    try:
        block = parse(_COMMAND, data)
        layout = LAYOUTS.get(block.tag)
        if layout is None:
            return data
        command: DailyCommand = parse(layout, block.content)
    except RemoteProtocolError:
        return data
    return command


def daily_to(command: DailyCommand) -> bytes:
    """Tag, length and content. Raises LocalProtocolError."""
    return build(_COMMAND, {"tag": command.tag, "content": build(LAYOUTS[command.tag], command)})
