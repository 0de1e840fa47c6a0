"""A public warning as a value, the same for both dialects. Times are UTC seconds, None where the element is absent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Dialect(StrEnum):
    """How a warning is written. What only one of them has must be empty in the other."""

    CAP = "cap"  # OASIS CAP 1.2
    GB = "gb"  # GB/T 35965.1


class Status(StrEnum):
    """Whether it is meant (CAP 1.2 clause 3.2.1)."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class Kind(StrEnum):
    """msgType (CAP 1.2 clause 3.2.1)."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class Severity(IntEnum):
    """With the numbers of EBM Severity (GD/J 082): colours in the Chinese profile, Extreme to Minor in CAP."""

    UNKNOWN = 0
    RED = 1
    ORANGE = 2
    YELLOW = 3
    BLUE = 4


@dataclass(frozen=True, slots=True)
class Reference:
    """An earlier warning. `sender` and `sent` are empty where only the identifier is written."""

    identifier: str
    sender: str = ""
    sent: int | None = None


@dataclass(frozen=True, slots=True)
class NamedValue:
    """An event code or parameter of CAP."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Geocode:
    """A place by code. `name` says which list the code is of; the Chinese profile has one list and no name."""

    value: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Area:
    """A place: its name, its outlines as written, its codes (CAP 1.2 clause 3.2.4)."""

    description: str = ""
    polygons: tuple[str, ...] = ()
    circles: tuple[str, ...] = ()
    geocodes: tuple[Geocode, ...] = ()
    altitude: str = ""
    ceiling: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """A file that belongs to the warning (CAP 1.2 clause 3.2.3). `size` in bytes."""

    description: str = ""
    mime_type: str = ""
    size: int | None = None
    uri: str = ""
    content: str = ""  # Base64
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Info:
    """What is warned of, in one language (CAP 1.2 clause 3.2.2)."""

    language: str = ""
    event: str = ""  # the event in words; in the Chinese profile its code of five characters
    categories: tuple[str, ...] = ()
    response_types: tuple[str, ...] = ()
    urgency: str = ""
    severity: Severity = Severity.UNKNOWN
    certainty: str = ""
    audience: str = ""
    event_codes: tuple[NamedValue, ...] = ()
    effective: int | None = None
    onset: int | None = None
    expires: int | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameters: tuple[NamedValue, ...] = ()
    resources: tuple[Resource, ...] = ()
    areas: tuple[Area, ...] = ()


@dataclass(frozen=True, slots=True)
class PublicWarning:
    """One warning message."""

    identifier: str
    sender: str
    sent: int
    status: Status
    kind: Kind
    dialect: Dialect = Dialect.CAP
    sender_code: str = ""  # Chinese profile only
    source: str = ""
    scope: str = ""
    restriction: str = ""
    addresses: str = ""
    codes: tuple[str, ...] = ()
    classification: str = ""  # Chinese profile only
    note: str = ""
    references: tuple[Reference, ...] = ()
    incidents: str = ""
    infos: tuple[Info, ...] = ()
