"""Message elements that steer the encoder and answer for it: clock, sequence, addresses, requests (rds-uecp.md B.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final

from construct import BitsInteger, Bytes, Flag, GreedyBytes, Int8ub, Int16sb, Int16ub, Optional, Terminated

from protocols.errors import LocalProtocolError
from protocols.uecp.programme import NUMBERS, bits
from protocols.wire import Layout, record

OFFSET_UNCHANGED: Final = 0xFF
OFFSET_WEST: Final = 0x20
BEIJING_HALF_HOURS: Final = 16
HALF_HOURS_MAX: Final = 31


class Mode(IntEnum):
    """Who speaks when (IEC 62106-10 clause 7): never the encoder, it when asked, it after each frame."""

    ONE_WAY = 0
    REQUESTED = 1
    SPONTANEOUS = 2


class Code(IntEnum):
    """What an encoder says of a frame (SPB 490, element 18; rds-uecp.md B.3)."""

    OK = 0
    CRC = 1
    NOT_RECEIVED = 2
    UNKNOWN_MESSAGE = 3
    DATA_SET = 4
    SERVICE_NUMBER = 5
    OUT_OF_RANGE = 6
    ELEMENT_LENGTH = 7
    FIELD_LENGTH = 8
    NOT_ACCEPTABLE = 9
    END_MISSING = 10
    BUFFER_OVERFLOW = 11
    BAD_STUFFING = 12
    UNEXPECTED_END = 13
    NOT_INTERPRETED = 14


@dataclass(frozen=True, slots=True)
class ClockCorrection:
    """Element 09: the encoder's clock is put forward, or back, by so much."""

    milliseconds: int  # signed


@dataclass(frozen=True, slots=True)
class RdsLevel:
    """Element 0E: the level of the subcarrier.

    `table` is one of the encoder's sets of references; 0 all of them, 7 the current one.
    """

    table: int
    millivolts: int


@dataclass(frozen=True, slots=True)
class ReferenceInput:
    """Element 1D: where the encoder takes its pilot from."""

    number: int


@dataclass(frozen=True, slots=True)
class RdsPhase:
    """Element 22: the phase of the subcarrier against three times the pilot."""

    table: int
    tenths_of_degree: int
    spare: int = 0


@dataclass(frozen=True, slots=True)
class RealTimeClock:
    """Element 0D: the encoder's clock, in UTC. `offset`: bit 5 west, bits 4-0 half hours, FF leaves it as it is."""

    year: int  # of the century
    month: int
    day: int
    hour: int
    minute: int
    second: int
    centisecond: int
    offset: int

    @classmethod
    def at(cls, utc_s: float, offset_half_hours: int | None = BEIJING_HALF_HOURS) -> RealTimeClock:
        """The element for a moment. Positive offsets are east; None leaves the encoder's. Raises LocalProtocolError."""
        offset = OFFSET_UNCHANGED
        if offset_half_hours is not None:
            if abs(offset_half_hours) > HALF_HOURS_MAX:
                raise LocalProtocolError(f"a clock offset has at most {HALF_HOURS_MAX} half hours")
            offset = abs(offset_half_hours) | (OFFSET_WEST if offset_half_hours < 0 else 0)
        centiseconds = round(utc_s * 100)
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=centiseconds * 10)
        date = (moment.year % 100, moment.month, moment.day)
        return cls(*date, moment.hour, moment.minute, moment.second, moment.microsecond // 10_000, offset)


@dataclass(frozen=True, slots=True)
class GroupSequence:
    """Element 16: group type codes sent in turn for ever; 4A, 14B and 15B do not belong here."""

    groups: tuple[int, ...]
    dsn: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """Element 17: ask for the element `wanted`; `parameters` are its DSN, PSN and what else names it."""

    wanted: int
    parameters: bytes = b""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Element 18: what became of a frame; `sqc` names it, usually only when `code` is not 0."""

    code: int
    sqc: int | None = None


@dataclass(frozen=True, slots=True)
class ClockTimeSwitch:
    """Element 19: group 4A on or off."""

    on: bool
    spare: int = 0


@dataclass(frozen=True, slots=True)
class DataSetSelect:
    """Element 1C: which data set is on air, 1-253."""

    data_set: int


@dataclass(frozen=True, slots=True)
class RdsSwitch:
    """Element 1E: the subcarrier on or off."""

    on: bool
    spare: int = 0


@dataclass(frozen=True, slots=True)
class SiteAddress:
    """Element 23: `action` 0 removes, 1 adds a site address, 2 removes all."""

    action: int
    address: int


@dataclass(frozen=True, slots=True)
class EncoderAddress:
    """Element 27: the same for encoder addresses."""

    action: int
    address: int


@dataclass(frozen=True, slots=True)
class CommunicationMode:
    """Element 2C: see `Mode`."""

    mode: int


@dataclass(frozen=True, slots=True)
class ManufacturerCommand:
    """Element 2D: the maker's two letters, then what only the maker knows."""

    maker: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class AccessRight:
    """Element 3A: whether elements of the code `target` may come in by a port of the encoder; FF: all of either."""

    target: int
    port: int
    on: bool
    spare: int = 0


def _switch(cls: type) -> Layout:
    return bits(cls, "spare" / BitsInteger(7), "on" / Flag)


_CLOCK_FIELDS: Final = ("year", "month", "day", "hour", "minute", "second", "centisecond", "offset")

LAYOUTS: Final[dict[int, tuple[type, Layout]]] = {
    0x09: (ClockCorrection, record(ClockCorrection, "milliseconds" / Int16sb)),
    0x0E: (RdsLevel, bits(RdsLevel, "table" / BitsInteger(3), "millivolts" / BitsInteger(13))),
    0x1D: (ReferenceInput, record(ReferenceInput, "number" / Int8ub)),
    0x22: (
        RdsPhase,
        bits(RdsPhase, "table" / BitsInteger(3), "spare" / BitsInteger(1), "tenths_of_degree" / BitsInteger(12)),
    ),
    0x0D: (RealTimeClock, record(RealTimeClock, *(name / Int8ub for name in _CLOCK_FIELDS))),
    0x16: (GroupSequence, record(GroupSequence, "dsn" / Int8ub, "groups" / NUMBERS)),
    0x17: (Request, record(Request, "wanted" / Int8ub, "parameters" / GreedyBytes)),
    0x18: (Acknowledgement, record(Acknowledgement, "code" / Int8ub, "sqc" / Optional(Int8ub), Terminated)),
    0x19: (ClockTimeSwitch, _switch(ClockTimeSwitch)),
    0x1C: (DataSetSelect, record(DataSetSelect, "data_set" / Int8ub)),
    0x1E: (RdsSwitch, _switch(RdsSwitch)),
    0x23: (SiteAddress, record(SiteAddress, "action" / Int8ub, "address" / Int16ub)),
    0x27: (EncoderAddress, record(EncoderAddress, "action" / Int8ub, "address" / Int8ub)),
    0x2C: (CommunicationMode, record(CommunicationMode, "mode" / Int8ub)),
    0x3A: (
        AccessRight,
        bits(AccessRight, "spare" / BitsInteger(7), "on" / Flag, before=("target" / Int8ub, "port" / Int8ub)),
    ),
    0x2D: (ManufacturerCommand, record(ManufacturerCommand, "maker" / Bytes(2), "data" / GreedyBytes)),
}
