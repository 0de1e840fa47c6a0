"""The strict judgement of codes: which digit is wrong, what stands there, and what would be possible.

`protocols.codes` takes any digits, so that a peer's odd code can be shown and refused by name. This is for where people
write codes, and for remarks (GD/J 080 clauses 4 and 5, tables 2 to 5 and B.1; GD/J 082 for EBMID and EBDID).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from protocols.codes import AREA_GROUPS, AreaCode, EbdId, EbmId, ResourceCode

_PROVINCE_RUNS: Final = ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 82))
PROVINCES: Final = frozenset(str(number) for first, last in _PROVINCE_RUNS for number in range(first, last + 1))
"""First two digits of GB/T 2260."""
TYPES: Final = frozenset(["0001", *(f"{n:04d}" for n in (*range(101, 105), *range(201, 204), *range(301, 400)))])
"""GD/J 080 table 4; 0315-0398 are kept for central, provincial, city and county use."""
SUBTYPES: Final = frozenset({"01", "02", "03", "04"})
TERMINAL: Final = "04"
_PROVINCES_SHOWN: Final = "11-15 21-23 31-37 41-46 50-54 61-65 71 81 82"
_TYPES_SHOWN: Final = "0001 0101-0104 0201-0203 0301-0399"


@dataclass(frozen=True, slots=True)
class Fault:
    """One part of a code that cannot be. `at`: its first digit, counted from 1. `allowed`: what could stand there."""

    what: str  # level, level_area, province, area_gap, type, type_serial, subtype, subtype_serial, date, kind, sequence
    at: int
    value: str
    allowed: str

    @property
    def place(self) -> str:
        """`4` or `14-17`: the digits, counted from 1."""
        last = self.at + len(self.value) - 1
        return str(self.at) if last == self.at else f"{self.at}-{last}"

    def __str__(self) -> str:
        return f"{self.what}: digit {self.place} is {self.value}, {self.allowed} is possible"


def faults_of(code: AreaCode | ResourceCode | EbmId | EbdId, *, address: bool = False) -> tuple[Fault, ...]:
    """Everything that is wrong with a code, from left to right; empty for a good one.

    `address`: it names whom a command means, where level 0 means any and serial 00 all of them (GD/J 080 table B.1).
    """
    match code:
        case AreaCode():
            return tuple(_area(code))
        case ResourceCode():
            return tuple(_resource(code, address=address))
        case EbmId():
            return () if code == EbmId.EVERYTHING else (*_resource(code.platform, address=False), *_date(code))
        case EbdId():
            return tuple(_ebd_id(code))


def _area(code: AreaCode) -> Iterator[Fault]:
    if code.strip("0") and code[:2] not in PROVINCES:
        yield Fault("province", 1, code[:2], _PROVINCES_SHOWN)
    end = len(code.stem)
    at = 0
    for size in AREA_GROUPS:
        if at + size < end and not code[at : at + size].strip("0") and at:
            yield Fault("area_gap", at + 1, code[at : at + size], f"{'0' * (size - 1)}1-{'9' * size}")
        at += size


def _resource(code: ResourceCode, *, address: bool) -> Iterator[Fault]:
    lowest = 0 if address else 1
    if not lowest <= code.level <= 6:
        yield Fault("level", 1, code[0], f"{lowest}-6")
    elif code.level and code[0] not in (levels := _levels(code, address=address)):
        yield Fault("level_area", 1, code[0], " ".join(levels))
    for fault in _area(code.area):
        yield replace(fault, at=fault.at + 1)
    if code.type not in TYPES:
        yield Fault("type", 14, code.type, _TYPES_SHOWN)
    if not address and code.type_serial == "00":
        yield Fault("type_serial", 18, "00", "01-99")
    if code.subtype not in SUBTYPES:
        yield Fault("subtype", 20, code.subtype, "01-04")
    if not address and code.subtype_serial == "00":
        yield Fault("subtype_serial", 22, "00", "01-99")


def _levels(code: ResourceCode, *, address: bool) -> tuple[str, ...]:
    """The level of the area. Terminals may be level 6 in a wider one, and an address may mean what lies deeper (080
    table B.1: all village terminals of a county)."""
    own = code.area.level
    if address:
        return tuple(str(level) for level in range(own, 7))
    return (str(own), "6") if code.subtype == TERMINAL and own < 6 else (str(own),)


def _date(code: EbmId) -> Iterator[Fault]:
    year, month, day = int(code.date[:4]), int(code.date[4:6]), int(code.date[6:])
    try:
        date(year, month, day)
    except ValueError:
        yield Fault("date", 24, code.date, "YYYYMMDD")


def _ebd_id(code: EbdId) -> Iterator[Fault]:
    if code.kind not in (EbdId.HEARTBEAT, EbdId.MESSAGE):
        yield Fault("kind", 1, code.kind, f"{EbdId.HEARTBEAT} {EbdId.MESSAGE}")
    for fault in _resource(code.sender, address=False):
        yield replace(fault, at=fault.at + 2)
    if code.kind == EbdId.HEARTBEAT and code.sequence:
        yield Fault("sequence", 26, code[25:], "0" * 16)
