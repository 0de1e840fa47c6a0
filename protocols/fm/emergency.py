"""Contents of the emergency packets, types 11 to 15 (GD/J 085 clauses 5.2.11 to 5.2.15)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from construct import BitsInteger, Bitwise, Bytewise, Int8ub

from protocols.charset import GB2312, decoded, encoded
from protocols.codes import EbmId
from protocols.errors import LocalProtocolError
from protocols.fm.fields import Action, Switch, action, enumerated, frequency, ranged, reserved, start_only, switch
from protocols.wire import Layout, ebm_id, event_type, record, sized

LEVEL_MOST_SEVERE: Final = 1
LEVEL_LEAST_SEVERE: Final = 4
TEXT_BYTES_MAX: Final = 255
_FULL_WIDTH: Final = range(0xFF01, 0xFF5F)
HALF_WIDTH: Final = {code: code - 0xFEE0 for code in _FULL_WIDTH} | {0x3000: " ", 0x3001: ",", 0x3002: "."}
"""Full-width symbols -> the half-width ones that ASCII has (GD/J 085 clause 3.3.5); of quotation marks it has none."""


@dataclass(frozen=True, slots=True)
class Emergency:
    """Type 11: start or stop a message. `frequency_khz` counts when `switch` says so and is 0 otherwise.

    There is no volume, no start and no end time: the head-end must send the stop.
    """

    action: Action
    switch: Switch
    level: int  # 1 most severe ... 4
    event_type: str  # five ASCII characters
    ebm_id: EbmId
    frequency_khz: int


@dataclass(frozen=True, slots=True)
class Reset:
    """Type 12: restart, and where `switch_default` says TO_FREQUENCY change the default frequency too.

    The default frequency is position 0 of the scan list: used when no other listed frequency can be locked.
    """

    switch_default: Switch
    frequency_khz: int
    reserved: int = 0xF


@dataclass(frozen=True, slots=True)
class FactoryReset:
    """Type 13: back to the factory's settings."""

    reserved: int = 0x3F


class DrillKind(IntEnum):
    """How deep a drill goes (GD/J 085 table 14)."""

    SYSTEM = 1
    SIMULATED = 2
    REAL = 3


class DrillOperation(IntEnum):
    """What a drill does (GD/J 085 table 14)."""

    PLAY_STORED = 1
    PLAY_FREQUENCY = 2
    RETURN_STATUS = 3
    STOP = 4


@dataclass(frozen=True, slots=True)
class Drill:
    """Type 14. It names no frequency: operation 2 plays the frequency that carried the command."""

    kind: DrillKind
    operation: DrillOperation
    ebm_id: EbmId


class TextKind(IntEnum):
    """What a text is for (GD/J 085 table 15)."""

    EMERGENCY = 1
    DAILY = 2
    TEST = 3


@dataclass(frozen=True, slots=True)
class Text:
    """Type 15: text to show, at most 255 bytes in `charset`."""

    kind: TextKind
    charset: int
    ebm_id: EbmId
    data: bytes

    @classmethod
    def saying(cls, kind: TextKind, ebm_id: EbmId, words: str, charset: int = GB2312) -> Text:
        """The packet's content for `words`, their symbols half-width (clause 3.3.5).

        Raises LocalProtocolError for a character that the set lacks, or more than 255 bytes.
        """
        try:
            data = encoded(words.translate(HALF_WIDTH), charset)
        except UnicodeEncodeError as error:
            lacking = error.object[error.start]
            raise LocalProtocolError(f"character set {charset} of GD/J 085 has no {lacking!r}") from None
        except ValueError as error:
            raise LocalProtocolError(str(error)) from None
        if len(data) > TEXT_BYTES_MAX:
            raise LocalProtocolError(f"a text on the subcarrier has at most {TEXT_BYTES_MAX} bytes, not {len(data)}")
        return cls(kind, charset, ebm_id, data)

    @property
    def text(self) -> str:
        """The words, damaged characters replaced (character sets of GD/J 085 table 16; only 0 must be understood)."""
        return decoded(self.data, self.charset, "replace")


_level: Layout = ranged(BitsInteger(4), LEVEL_MOST_SEVERE, LEVEL_LEAST_SEVERE, "event level")

LAYOUTS: Final[dict[int, tuple[type, Layout]]] = {
    11: (
        Emergency,
        Bitwise(
            record(
                Emergency,
                "action" / action,
                "switch" / switch,
                "level" / _level,
                "event_type" / Bytewise(event_type),
                "ebm_id" / Bytewise(ebm_id),  # its first nibble is the reserved 1111
                "frequency_khz" / frequency,
            )
        ),
    ),
    12: (
        Reset,
        Bitwise(
            record(
                Reset,
                start_only,
                "switch_default" / switch,
                reserved(4),
                "frequency_khz" / frequency,
            )
        ),
    ),
    13: (FactoryReset, Bitwise(record(FactoryReset, start_only, reserved(6)))),
    14: (
        Drill,
        Bitwise(
            record(
                Drill,
                "kind" / enumerated(BitsInteger(4), DrillKind),
                "operation" / enumerated(BitsInteger(4), DrillOperation),
                "ebm_id" / Bytewise(ebm_id),
            )
        ),
    ),
    15: (
        Text,
        Bitwise(
            record(
                Text,
                "kind" / enumerated(BitsInteger(4), TextKind),
                "charset" / ranged(BitsInteger(4), 0, 4, "character set"),
                "ebm_id" / Bytewise(ebm_id),
                "data" / Bytewise(sized(Int8ub)),
            )
        ),
    ),
}
"""Packet type -> class of its content and its layout."""
