"""The archive's columns of inventory.csv: text -> value, and what is wrong with it.

All are optional. A value that is wrong is left out and told; its device stays, because a horn must not fall silent
over a date.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from ebcd.archive.record import EMPTY, Record, Status
from protocols.codes import AreaCode, InvalidCode

TEXT_CHARACTERS_MAX = 120
DEGREES_MAX = {"longitude": 180, "latitude": 90}
POPULATION_MAX = 10_000_000
TRAFFIC_MB_MAX = 10_000_000
POWER_W_MAX = 10_000_000
YES_OR_NO = {"yes": True, "no": False, "是": True, "否": False}
FREQUENCY_KHZ_MIN, FREQUENCY_KHZ_MAX = 64_000, 108_000
PERSON_PREFIX = "P"
"""Before the id of a person who stands beside the journal, as in P12."""

ICCID_LENGTHS = (19, 20)
CONTACT = "contact"
STATUS = "status"
FREQUENCY = "frequency_mhz"
"""A column that transmitters need; of a terminal it says what it should be tuned to, of an adapter what it should
send on."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """One value that was left out. `what`: a key of the catalogue under `config.archive`; personal data is masked."""

    column: str
    value: str
    what: str
    values: Mapping[str, object] = field(default_factory=dict)


class BadValue(ValueError):
    """A cell that cannot be what its column says."""

    def __init__(self, what: str, **values: object) -> None:
        super().__init__(what)
        self.what = what
        self.values = values


def _text(value: str) -> str:
    if len(value) > TEXT_CHARACTERS_MAX or not value.isprintable():
        raise BadValue("text", limit=TEXT_CHARACTERS_MAX)
    return value


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise BadValue("date") from None


def _whole(high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        value = value.removesuffix(".0")  # as other programs write whole numbers of a column with gaps
        if not (value.isascii() and value.isdigit() and len(value) <= 12 and int(value) <= high):
            raise BadValue("number", low=0, high=high)
        return int(value)

    return read


def _degrees(limit: int) -> Callable[[str], float]:
    def read(value: str) -> float:
        try:
            degrees = float(value)
        except ValueError:
            degrees = math.nan
        if not abs(degrees) <= limit:  # NaN is not
            raise BadValue("number", low=-limit, high=limit)
        return degrees

    return read


def _certificate(value: str) -> str:
    if len(value) != 12 or not set(value) <= set("0123456789abcdefABCDEF"):
        raise BadValue("certificate")
    return value.upper()


def _iccid(value: str) -> str:
    card = value.replace(" ", "").upper()
    if len(card) not in ICCID_LENGTHS or not card.startswith("89") or not (card.isascii() and card.isalnum()):
        raise BadValue("iccid")
    return card


def _yes_or_no(value: str) -> bool:
    try:
        return YES_OR_NO[value.lower()]
    except KeyError:
        raise BadValue("choice", choices="yes, no, 是, 否") from None


def _area(value: str) -> AreaCode:
    try:
        return AreaCode.parse(value)
    except InvalidCode as error:
        raise BadValue("area", detail=str(error)) from None


def _status(value: str) -> Status:
    try:
        return Status(value)
    except ValueError:
        raise BadValue("choice", choices=", ".join(Status)) from None


def _host_port(value: str) -> str:
    host, _, port = value.rpartition(":")
    known = host and all(each.isascii() and (each.isalnum() or each in ".-") for each in host)
    if not known or not (port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65535):
        raise BadValue("host_port")
    return f"{host}:{int(port)}"


def _frequency_khz(value: str) -> int:
    try:
        khz = Decimal(value) * 1000
        fits = FREQUENCY_KHZ_MIN <= khz <= FREQUENCY_KHZ_MAX
    except ArithmeticError:
        fits = False
    if not fits:
        raise BadValue("number", low=FREQUENCY_KHZ_MIN // 1000, high=FREQUENCY_KHZ_MAX // 1000)
    return int(khz)


READERS: dict[str, Callable[[str], Any]] = {
    STATUS: _status,
    "model": _text,
    "hardware_version": _text,
    "software_version": _text,
    "certificate": _certificate,
    "certificate_expiry": _day,
    "longitude": _degrees(DEGREES_MAX["longitude"]),
    "latitude": _degrees(DEGREES_MAX["latitude"]),
    "population": _whole(POPULATION_MAX),
    CONTACT: _text,
    "pole": _text,
    "feeder": _text,
    "sim_iccid": _iccid,
    "sim_expiry": _day,
    "sim_traffic_mb": _whole(TRAFFIC_MB_MAX),
    "sim_batch": _text,
    "installed": _day,
    "guarantee_until": _day,
    "supplier": _text,
    "crew_area": _area,
    "volume": _whole(100),
    "return_to": _host_port,
    "power_w": _whole(POWER_W_MAX),
    "backup": _yes_or_no,
    "auto_switch": _yes_or_no,
    "remote_control": _yes_or_no,
}
"""Every column of the archive, in the order in which they are written."""

COLUMNS = tuple(READERS)
_WANTED = {False: READERS, True: {**READERS, FREQUENCY: _frequency_khz}}
"""By whether the device's frequency is the archive's; a transmitter's is the link's."""


def read_record(cells: Mapping[str, str], *, has_frequency: bool) -> tuple[Record, list[Wrong]]:
    """The archive's share of a row, and the values left out of it."""
    values: dict[str, Any] = {}
    wrong: list[Wrong] = []
    for column, read in _WANTED[has_frequency].items():
        if value := cells.get(column, ""):
            try:
                values["frequency_khz" if column == FREQUENCY else column] = read(value)
            except BadValue as bad:
                shown = "***" if column == CONTACT else value
                wrong.append(Wrong(column, shown, f"archive.{bad.what}", bad.values))
    return (Record(**values) if values else EMPTY), wrong


def person_id(contact: str) -> int | None:
    """The person that a contact refers to; None for words that have not been taken in."""
    digits = contact.removeprefix(PERSON_PREFIX)
    return int(digits) if digits != contact and digits.isascii() and digits.isdigit() and len(digits) <= 12 else None
