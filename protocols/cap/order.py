"""What to broadcast of a warning: its content in the words of an EBM (platform.md 10; T/AHMS 0009, QX/T 433).

The daemon gives it an EBM id of its own and keeps the warning's identifier beside it, so that an update or a cancel,
which names the identifier, finds the alert that it means.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from protocols.cap.values import Info, Kind, PublicWarning, Resource, Status
from protocols.codes import AreaCode, InvalidCode
from protocols.errors import RemoteProtocolError

MSG_TYPE_ACTUAL: Final = 1
MSG_TYPE_CANCEL: Final = 2
MSG_TYPE_PLATFORM_DRILL: Final = 3
EVENT_OTHER: Final = "90000"  # "other incident" (GD/J 082 table C.1)
TITLE_CHARACTERS_MAX: Final = 60

FOREIGN_GEOCODES: Final = frozenset({"SAME", "FIPS6", "UGC", "EMMA_ID", "NUTS2", "NUTS3", "WARNCELLID"})
"""Lists of codes of other countries: their numbers mean other places here."""
LANGUAGES: Final = {
    "zh": "zho", "chi": "zho", "en": "eng", "bo": "bod", "ug": "uig", "mn": "mon", "kk": "kaz", "ko": "kor",
    "ii": "iii", "za": "zha",
}  # fmt: skip
"""Language tags of warnings -> GB/T 4880.2 terminological codes; what is not here is passed on."""

NOT_PUBLIC: Final = frozenset({"restricted", "private"})  # CAP 1.2 clause 3.2.1 scope

_EVENT: Final = re.compile(r"[0-9A-Z]{5}", re.ASCII)
_LIST: Final = re.compile(r"[\s,;，；、]+")
_UNIT: Final = re.compile(r"(\d{14})_\d{14}(?:_\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Order:
    """One message to broadcast, in the fields of an EBM (GB/T 35965 Identifier, Sender, Status, MsgType, Severity,
    EventType, Window, Texts, Geocode, Resource). Times are UTC seconds; `end` None: the warning names none.

    `areas` have twelve digits where six or nine were written; others stand as they came, for the daemon to name.
    `related` are identifiers of the warnings that this one replaces or cancels.
    """

    identifier: str
    msg_type: int
    related: tuple[str, ...]
    sender_name: str
    sender_code: str
    send_time: int
    event_type: str
    severity: int
    start: int
    end: int | None
    language: str
    title: str
    text: str
    areas: tuple[str, ...]
    resources: tuple[Resource, ...]
    place: str = ""  # the areas in words: where codes are missing, people must know what was meant


def orders_of(warning: PublicWarning, *, language: str = "zh") -> tuple[Order, ...]:
    """An order for each information block in `language`, or in the first one's where it has none in that.

    A cancel is one order, also without any block. Raises RemoteProtocolError, whose detail is the identifier: draft,
    status (for systems), scope and kind (not for the public), references (a cancel or update that names nothing), info
    (no block).
    """
    if (reason := _not_for_us(warning)) is not None:
        raise RemoteProtocolError(reason, warning.identifier)
    if warning.kind is Kind.CANCEL:
        return (_order(warning, warning.infos[0] if warning.infos else Info()),)
    wanted = three_letters(language)
    first = warning.infos[0].language
    chosen = wanted if any(_speaks(info, wanted) for info in warning.infos) else three_letters(first)
    return tuple(_order(warning, info) for info in warning.infos if _speaks(info, chosen))


def _not_for_us(warning: PublicWarning) -> str | None:
    """Why nothing is to be done about it."""
    if warning.status is Status.DRAFT:
        return "draft"
    if warning.status is Status.SYSTEM:
        return "status"
    if warning.scope.lower() in NOT_PUBLIC:
        return "scope"
    if warning.kind in (Kind.ACK, Kind.ERROR):
        return "kind"
    if warning.kind is not Kind.ALERT and not warning.references:
        return "references"
    return "info" if warning.kind is not Kind.CANCEL and not warning.infos else None


def three_letters(language: str) -> str:
    """`zh-CN` -> `zho` (GB/T 4880.2)."""
    primary = re.split("[-_]", language.strip().lower())[0]
    return LANGUAGES.get(primary, primary)


def _speaks(info: Info, language: str) -> bool:
    """A block that names no language speaks any."""
    return not info.language or three_letters(info.language) == language


def _order(warning: PublicWarning, info: Info) -> Order:
    start = warning.sent if info.effective is None else info.effective
    text = "\n".join(part for part in (info.description, info.instruction) if part)
    return Order(
        identifier=warning.identifier,
        msg_type=_msg_type(warning),
        related=tuple(dict.fromkeys(each.identifier for each in warning.references)),
        sender_name=info.sender_name or warning.sender,
        sender_code=warning.sender_code or _unit(warning.identifier),
        send_time=warning.sent,
        event_type=_event_type(info),
        severity=int(info.severity),
        start=start,
        end=info.expires,
        language=three_letters(info.language) or LANGUAGES["zh"],
        title=info.headline or text[:TITLE_CHARACTERS_MAX],
        text=text or info.headline,
        areas=_areas(info),
        resources=info.resources,
        place=", ".join(dict.fromkeys(area.description for area in info.areas if area.description)),
    )


def _msg_type(warning: PublicWarning) -> int:
    if warning.kind is Kind.CANCEL:
        return MSG_TYPE_CANCEL
    return MSG_TYPE_ACTUAL if warning.status is Status.ACTUAL else MSG_TYPE_PLATFORM_DRILL


def _event_type(info: Info) -> str:
    """The code of five characters, wherever it stands."""
    candidates = (info.event, *(each.value for each in info.event_codes))
    return next((each for each in candidates if _EVENT.fullmatch(each)), EVENT_OTHER)


def _unit(identifier: str) -> str:
    """The issuing unit that Chinese identifiers begin with: area 6, body 3, unit 3, extension 2."""
    found = _UNIT.fullmatch(identifier)
    return found[1] if found else ""


def _areas(info: Info) -> tuple[str, ...]:
    written = [
        code
        for area in info.areas
        for geocode in area.geocodes
        if geocode.name.upper() not in FOREIGN_GEOCODES
        for code in _LIST.split(geocode.value)
        if code
    ]
    return tuple(dict.fromkeys(_padded(code) for code in written))


def _padded(code: str) -> str:
    try:
        return str(AreaCode.parse(code))
    except InvalidCode:
        return code
