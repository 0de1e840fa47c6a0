"""What a value means, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from ebcd.catalogue import has, text
from ebcd.clock import beijing_text
from ebcd.decode.tree import Value
from protocols.code_faults import Fault, faults_of
from protocols.codes import EbmId, InvalidCode, ResourceCode
from protocols.rds.group_types import CODE_MAX, group_name, use_of
from protocols.rds.station import AF_CODE_MAX, AF_FIRST_KHZ, AF_MAX, AF_NONE, AF_STEP_KHZ
from protocols.uecp.control import HALF_HOURS_MAX, OFFSET_UNCHANGED, OFFSET_WEST

_MJD_EPOCH = date(1858, 11, 17)
UTC_FROM = 1_420_070_400
"""2015: smaller values of a signature's time count signatures (signature.md 3)."""


def label(name: str, language: str) -> str:
    """What a field is, or "" where its name says it all."""
    key = f"field.{name}"
    return text(key, language) if has(key) else ""


def meaning(kind: str, value: Value, language: str) -> str:
    """What a value means, or "" where there is nothing to add."""
    if not kind or value is None or not isinstance(value, int | str):
        return ""
    if (explain := _EXPLAINED.get(kind)) is not None:
        return explain(value, language)
    key = f"value.{kind}.{value}"
    return text(key, language) if has(key) else ""


def parts(kind: str, value: Value, language: str) -> tuple[tuple[str, str, str], ...]:
    """What an id is put together of: name, digits and meaning of each part; none for other values."""
    if not isinstance(value, str) or not _DIGITS.fullmatch(value):
        return ()
    found, at = [], 0
    for name, size, part_kind in _PARTS.get((kind, len(value)), ()):
        part = value[at : at + size]
        found.append((text(f"part.{name}", language), part, meaning(part_kind, part, language)))
        at += size
    return tuple(found)


def explained(error: str, language: str) -> str:
    """What an error's slug means, or "" where nobody has said it."""
    slug = _SLUG.match(error)
    key = f"decode.error.{slug[1]}" if slug else ""
    return text(key, language) if key and has(key) else ""


def _time(value: int | str, _language: str) -> str:
    return beijing_text(value) if isinstance(value, int) and value else ""


def _signature_time(value: int | str, language: str) -> str:
    if isinstance(value, int) and value >= UTC_FROM:
        return beijing_text(value)
    return text("decode.counter", language)


def _volume(value: int | str, language: str) -> str:
    key = f"value.volume.{value}"
    return text(key, language) if has(key) else f"{value} %"


def _code(value: int | str, language: str) -> str:
    try:
        code = ResourceCode(str(value))
    except InvalidCode:
        return ""
    faults = _faults(faults_of(code, address=True), language)
    serial = text("decode.all_of_them", language) if code.subtype_serial == "00" else code.subtype_serial
    shown = text(
        "decode.code",
        language,
        level=_word("code_level", str(code.level), language),
        area=code.area,
        type=f"{_word('code_type', code.type, language)} {code.type_serial}",
        subtype=f"{_word('code_subtype', code.subtype, language)} {serial}",
    )
    return f"{shown}{faults}"


def _faults(faults: tuple[Fault, ...], language: str) -> str:
    """A remark on digits that cannot be; the bytes are a peer's, so it is no error."""
    return "".join(
        "; " + text(f"config.code_{f.what}", language, place=f.place, value=f.value, allowed=f.allowed) for f in faults
    )


def _ebm_id(value: int | str, language: str) -> str:
    try:
        ebm_id = EbmId(str(value))
    except InvalidCode:
        return ""
    if ebm_id == EbmId.EVERYTHING:
        return text("decode.everything", language)
    force = text("decode.forced" if ebm_id.forced else "decode.not_forced", language)
    shown = text("decode.ebm_id", language, platform=ebm_id.platform, date=ebm_id.date, force=force)
    return f"{shown}{_faults(faults_of(ebm_id), language)}"


def _serial(value: int | str, language: str) -> str:
    return text("decode.not_forced" if value == "0000" else "decode.forced", language)


def _agt(value: int | str, _language: str) -> str:
    return group_name(value) if isinstance(value, int) and 0 <= value <= CODE_MAX else ""


def _application_group(value: int | str, language: str) -> str:
    """A group type as the carrier of an application (EN 50067 clause 3.1.5.4, table 6)."""
    if not isinstance(value, int) or not 0 <= value <= CODE_MAX:
        return ""
    key = f"value.application_group.{value}"
    return text(key, language) if has(key) else f"{group_name(value)}, {_word('group_use', use_of(value), language)}"


def _af(value: int | str, language: str) -> str:
    """An alternative frequency code (EN 50067 clause 3.2.1.6, table 10)."""
    if not isinstance(value, int):
        return ""
    if 1 <= value <= AF_CODE_MAX:
        return f"{(AF_FIRST_KHZ + AF_STEP_KHZ * (value - 1)) / 1000:.1f} MHz"
    if AF_NONE < value <= AF_NONE + AF_MAX:
        return text("decode.frequencies_follow", language, count=value - AF_NONE)
    return _word("af", str(value), language) if has(f"value.af.{value}") else ""


def _mjd(value: int | str, _language: str) -> str:
    return (_MJD_EPOCH + timedelta(days=value)).isoformat() if isinstance(value, int) and value else ""


def _clock_offset(value: int | str, language: str) -> str:
    """The offset of element 0D: bit 5 west, half hours below (rds-uecp.md B.2)."""
    if not isinstance(value, int):
        return ""
    if value == OFFSET_UNCHANGED:
        return text("decode.offset_unchanged", language)
    hours, half = divmod(value & HALF_HOURS_MAX, 2)
    return f"UTC{'-' if value & OFFSET_WEST else '+'}{hours:02d}:{30 * half:02d}"


def _physical_address(value: int | str, language: str) -> str:
    """How the bytes of a type 1 packet can be read beside raw: the text leaves their coding open (fm-rds.md 12)."""
    found = []
    if isinstance(value, str) and _BCD.fullmatch(value):
        found.append(text("decode.address_bcd", language, value=value.removesuffix("F")))
    if isinstance(value, str) and _VISIBLE.fullmatch(value):
        found.append(text("decode.address_ascii", language, value=bytes.fromhex(value).decode("ascii")))
    return ", ".join(found)


def _word(table: str, value: str, language: str) -> str:
    key = f"value.{table}.{value}"
    return text(key, language) if has(key) else value


_SLUG = re.compile(r"(?:[\w.-]+\.xml: |EBDS: )?([a-z][a-z0-9_-]*)(?: at byte \d+)?: ")
_BCD = re.compile(r"[0-9]+F?")
_VISIBLE = re.compile(r"(?:[2-6][0-9A-F]|7[0-9A-E])+")
_DIGITS = re.compile(r"[0-9]+")
_SERIAL = (("date", 8, ""), ("serial", 4, "serial"))
_PARTS: dict[tuple[str, int], tuple[tuple[str, int, str], ...]] = {
    ("ebm_id", 35): (("platform", 23, "code"), *_SERIAL),
    ("ebm_id", 30): (("platform", 18, ""), *_SERIAL),
    ("ebd_id", 41): (("ebd_kind", 2, "ebd_kind"), ("sender", 23, "code"), ("sequence", 16, "")),
    ("ebd_id", 36): (("ebd_kind", 2, "ebd_kind"), ("sender", 18, ""), ("sequence", 16, "")),
    ("info_id", 40): (("platform", 23, "code"), ("event_type", 5, "event_type"), *_SERIAL),
}
"""Kind and length -> its parts with their digits (GD/J 080, 082; the shorter ids are the 2016 draft's)."""

_EXPLAINED: dict[str, Callable[[int | str, str], str]] = {
    "time": _time,
    "signature_time": _signature_time,
    "volume": _volume,
    "code": _code,
    "ebm_id": _ebm_id,
    "serial": _serial,
    "agt": _agt,
    "application_group": _application_group,
    "af": _af,
    "mjd": _mjd,
    "clock_offset": _clock_offset,
    "physical_address": _physical_address,
    "kilohertz": lambda value, _language: f"{value} kHz",
    "seconds": lambda value, _language: f"{value} s",
    "unopened": lambda _value, language: text("decode.unopened", language),
}
