"""Fields that several packet contents share, as construct declarations (GD/J 085 clause 5.2)."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, TypeVar

from construct import BitsInteger, Bytewise, Const, ExprAdapter

from protocols.wire import Layout, frequency_khz

VOLUME_PERCENT_MAX: Final = 100
VOLUME_UNCHANGED: Final = 0xFF

IntEnumT = TypeVar("IntEnumT", bound=IntEnum)


class Action(IntEnum):
    """Start or stop, two bits; 00 and 11 are never valid (GD/J 085 clause 5.2.11)."""

    START = 1
    STOP = 2


class Switch(IntEnum):
    """Change to the frequency named, or stay where the command came from; two bits."""

    TO_FREQUENCY = 1
    STAY = 2


def enumerated(number: Layout, kind: type[IntEnumT]) -> Layout:
    """A number that must be a member of `kind`, both ways."""
    return ExprAdapter(number, lambda value, _: kind(value), lambda value, _: kind(value).value)


def ranged(number: Layout, low: int, high: int, noun: str) -> Layout:
    """A number from `low` to `high`, both ways."""

    def check(value: int, _: object) -> int:
        if not low <= value <= high:
            raise ValueError(f"{noun} is {value}, {low} to {high} are possible")
        return value

    return ExprAdapter(number, check, check)


def volume(number: Layout) -> Layout:
    """0-100 %, or FF for "leave it as it is"; the other values mean nothing (GD/J 085 tables 18, 19)."""

    def check(value: int, _: object) -> int:
        if not (0 <= value <= VOLUME_PERCENT_MAX or value == VOLUME_UNCHANGED):
            raise ValueError(f"volume is {value}, 0-100 % or 255 (unchanged) are possible")
        return value

    return ExprAdapter(number, check, check)


def reserved(bits: int) -> Layout:
    """Bits that are sent as ones and not looked at (GD/J 085 clause 3.3.4); kept, so that a packet comes back as it
    was."""
    return "reserved" / BitsInteger(bits)


action: Layout = enumerated(BitsInteger(2), Action)
switch: Layout = enumerated(BitsInteger(2), Switch)
start_only: Layout = Const(Action.START.value, BitsInteger(2))
"""The action of a reset: 01 and nothing else; a member without a name."""
frequency: Layout = Bytewise(frequency_khz)
"""Six BCD digits of megahertz, two of them decimals, inside a bitwise layout; kilohertz in Python."""
