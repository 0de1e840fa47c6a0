"""Message elements that put groups of our own on air: free format, EWS, TMC, open data (rds-uecp.md B.2).

`group` is an application group type code (`protocols.rds.group_types.group_code`), `bits` are the five bits of block 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from construct import BitsInteger, Bytes, Flag, GreedyBytes, Int8ub, Int16ub

from protocols.uecp.programme import bits
from protocols.wire import Layout, listed, record

ONCE: Final = 0b00
CYCLIC: Final = 0b10
REMOVE: Final = 0b11
PRIORITY_NORMAL: Final = 0
PRIORITY_URGENT: Final = 1
PRIORITY_IMMEDIATE: Final = 2  # only together with ONCE


@dataclass(frozen=True, slots=True)
class FreeFormatGroup:
    """Element 24: any group. `buffer` is ONCE, CYCLIC or REMOVE."""

    group: int
    buffer: int
    bits: int
    block3: int
    block4: int
    spare: int = 0


@dataclass(frozen=True, slots=True)
class InHouse:
    """Element 25 IH: like 24. `version` 0 is group 6A, 1 is 6B."""

    version: int
    buffer: int
    bits: int
    block3: int
    block4: int
    spare: int = 0


@dataclass(frozen=True, slots=True)
class TransparentData:
    """Element 26 TDC: data of one of the channels of group 5A."""

    channel: int
    data: bytes


@dataclass(frozen=True, slots=True)
class OpenDataAccess:
    """Element 47: who may send the data of an application. What stands behind its number has a known length only."""

    aid: int
    data: bytes


@dataclass(frozen=True, slots=True)
class EarlyWarning:
    """Element 2B EWS: group 9A. That its five bytes are laid out like those of 24 is inferred."""

    bits: int
    block3: int
    block4: int
    spare: int = 0


@dataclass(frozen=True, slots=True)
class TrafficUnit:
    """One group 8A: block 2's five bits, block 3, block 4."""

    bits: int
    block3: int
    block4: int
    spare: int = 0


@dataclass(frozen=True, slots=True)
class TrafficMessage:
    """Element 30 TMC: groups 8A."""

    units: tuple[TrafficUnit, ...]
    urgent: bool = False
    buffer: int = ONCE
    transmissions: int = 0
    spare: int = 0


@dataclass(frozen=True, slots=True)
class OpenDataConfiguration:
    """Element 40: which group carries application `aid`, and its message bits for 3A. `timeout_minutes` 0: none."""

    group: int
    aid: int
    buffer: int
    message: int = 0
    timeout_minutes: int = 0
    spare: int = 0


@dataclass(frozen=True, slots=True)
class OpenDataFreeFormat:
    """Element 42: one group of an application, by group type. `mode` is normal, burst or spinning wheel."""

    group: int
    bits: int
    block3: int
    block4: int
    buffer: int = ONCE
    priority: int = PRIORITY_NORMAL
    mode: int = 0
    spare: int = 0
    spare_bits: int = 0


@dataclass(frozen=True, slots=True)
class OpenData:
    """Element 46: data of application `aid`, whose group the encoder knows from 40.

    `data`: two bytes of message bits for 3A, or block 2's bits with block 3 and 4 (five bytes), or with block 4 alone
    (three bytes, version B).
    """

    aid: int
    data: bytes
    buffer: int = ONCE
    priority: int = PRIORITY_NORMAL
    mode: int = 0
    short_message: bool = False
    spare: int = 0


_BLOCKS: Final = ("block3" / Int16ub, "block4" / Int16ub)
_UNIT: Final = bits(TrafficUnit, "spare" / BitsInteger(3), "bits" / BitsInteger(5), after=_BLOCKS)
_HOW: Final = ("priority" / BitsInteger(2), "mode" / BitsInteger(2), "buffer" / BitsInteger(2))

LAYOUTS: Final[dict[int, tuple[type, Layout]]] = {
    0x24: (
        FreeFormatGroup,
        bits(
            FreeFormatGroup,
            "spare" / BitsInteger(1),
            "buffer" / BitsInteger(2),
            "bits" / BitsInteger(5),
            before=("group" / Int8ub,),
            after=_BLOCKS,
        ),
    ),
    0x47: (OpenDataAccess, record(OpenDataAccess, "aid" / Int16ub, "data" / Bytes(2))),
    0x25: (
        InHouse,
        bits(
            InHouse,
            "spare" / BitsInteger(1),
            "buffer" / BitsInteger(2),
            "bits" / BitsInteger(5),
            before=("version" / Int8ub,),
            after=_BLOCKS,
        ),
    ),
    0x26: (TransparentData, record(TransparentData, "channel" / Int8ub, "data" / GreedyBytes)),
    0x2B: (EarlyWarning, bits(EarlyWarning, "spare" / BitsInteger(3), "bits" / BitsInteger(5), after=_BLOCKS)),
    0x30: (
        TrafficMessage,
        bits(
            TrafficMessage,
            "urgent" / Flag,
            "buffer" / BitsInteger(2),
            "transmissions" / BitsInteger(4),
            "spare" / BitsInteger(1),
            after=("units" / listed(_UNIT),),
        ),
    ),
    0x40: (
        OpenDataConfiguration,
        bits(
            OpenDataConfiguration,
            "spare" / BitsInteger(6),
            "buffer" / BitsInteger(2),
            before=("group" / Int8ub, "aid" / Int16ub),
            after=("message" / Int16ub, "timeout_minutes" / Int8ub),
        ),
    ),
    0x42: (
        OpenDataFreeFormat,
        bits(
            OpenDataFreeFormat,
            "spare" / BitsInteger(2),
            *_HOW,
            "spare_bits" / BitsInteger(3),
            "bits" / BitsInteger(5),
            before=("group" / Int8ub,),
            after=_BLOCKS,
        ),
    ),
    0x46: (
        OpenData,
        bits(
            OpenData,
            "spare" / BitsInteger(1),
            "short_message" / Flag,
            *_HOW,
            before=("aid" / Int16ub,),
            after=("data" / GreedyBytes,),
        ),
    ),
}


def plainer(element: object, group_of: Mapping[int, int]) -> OpenDataFreeFormat | FreeFormatGroup | None:
    """The next simpler element that does the same, for encoders that do not know this one: 46 -> 42 -> 24.

    `group_of` says which group type carries an application. None: there is none simpler.
    """
    match element:
        case OpenData(aid=aid, data=data, short_message=False) if len(data) == 5 and aid in group_of:
            block3, block4 = int.from_bytes(data[1:3], "big"), int.from_bytes(data[3:5], "big")
            return OpenDataFreeFormat(
                group_of[aid], data[0] & 31, block3, block4, element.buffer, element.priority, element.mode
            )
        case OpenDataFreeFormat():
            return FreeFormatGroup(element.group, element.buffer, element.bits, element.block3, element.block4)
    return None
