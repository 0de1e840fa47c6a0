"""A decoded message as named values: what `--json` prints, and the tree that people read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from ebcd.decode.names import KINDS, ONLY_WHERE_SENT, ORDER, RENAMED
from protocols.adapter.targets import (
    LOGICAL,
    PHYSICAL,
    DomainReturn,
    IpReturn,
    OtherReturn,
    PhysicalTargets,
    SmsReturn,
    Targets,
)
from protocols.adapter.text import AUX_URL, Auxiliary
from protocols.charset import CHARSETS, decoded
from protocols.partial import Partial
from protocols.wire import readable


@dataclass(frozen=True, slots=True)
class Group:
    """Named values in the order of the wire."""

    fields: tuple[Field, ...] = ()

    def __add__(self, other: Group) -> Group:
        return Group(self.fields + other.fields)


NOTHING = Group()


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One value under the name that the specification gives it, in snake_case.

    `kind` names the table of `texts/decode_values.toml` that explains the value, or time, seconds, code, ebm_id.
    `clause` where it differs from the message's own.
    """

    name: str
    value: Value
    kind: str = ""
    clause: str = ""


Scalar: TypeAlias = bool | int | float | str | None
Value: TypeAlias = Scalar | Group | Items
Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None


def to_json(value: Value) -> Json:
    """Plain dictionaries and lists."""
    match value:
        case Group():
            return {field.name: to_json(field.value) for field in value.fields}
        case Items():
            return [to_json(item) for item in value.values]
        case _:
            return value


def group(**values: object) -> Group:
    """A group of plain values."""
    return Group(tuple(Field(name, value_of(value)) for name, value in values.items()))


def value_of(value: object) -> Value:
    """Any value of a codec: frozen records become groups, bytes upper-case hexadecimal."""
    match value:
        case None | bool() | float() | Group() | Items():
            return value
        case int():
            return int(value)
        case str():
            return readable(str(value))
        case bytes():
            return value.hex().upper()
        case tuple() | list() | frozenset():
            return Items(tuple(value_of(item) for item in value))
        case Targets() | PhysicalTargets():
            return _targets(value)
        case Partial():
            return fields_so_far(value)
    if dataclasses.is_dataclass(value):
        return fields_of(value)
    return readable(str(value))


def fields_of(value: object) -> Group:
    """The fields of a frozen record, named as the specification names them."""
    if not dataclasses.is_dataclass(value):
        return Group()
    found: list[Field] = []
    for attribute in attributes_of(value):
        inner = getattr(value, attribute)
        if isinstance(value, Auxiliary) and attribute == "data" and value.type == AUX_URL:
            inner = inner.decode("utf-8", "replace")
        if isinstance(inner, SmsReturn | IpReturn | DomainReturn | OtherReturn):
            found += return_address(inner).fields
            continue
        found.append(named(type(value).__name__, attribute, inner))
    return Group(tuple(found))


def fields_so_far(partial: Partial) -> Group:
    """The same of a record that breaks: what stands before the break."""
    read = dict(partial.members)
    found: list[Field] = []
    for attribute, inner in partial.members:
        if isinstance(inner, SmsReturn | IpReturn | DomainReturn | OtherReturn):
            found += return_address(inner).fields
        elif isinstance(inner, Partial) and inner.owner == "ReturnAddress":
            found += fields_so_far(inner).fields
        elif not (inner is None and _may_lack(partial.owner, attribute)):
            if partial.owner == "Language" and isinstance(inner, bytes):
                inner = _so_far_of_language(inner, read.get("charset"))
            found.append(named(partial.owner, attribute, inner))
    return Group(tuple(found))


def _so_far_of_language(data: bytes, charset: object) -> str:
    """A text before the break of its language; hexadecimal where its charset is unknown."""
    if charset is None:
        return data.decode("ascii", "replace")
    return decoded(data, charset, "replace") if isinstance(charset, int) and charset in CHARSETS else data.hex().upper()


def attributes_of(record: Any) -> Iterator[str]:
    """The attributes of a frozen record that the message has, in the order of the wire."""
    owner = type(record).__name__
    for attribute in ORDER.get(owner) or [field.name for field in dataclasses.fields(record)]:
        if not (_may_lack(owner, attribute) and getattr(record, attribute) is None):
            yield attribute


def _may_lack(owner: str, attribute: str) -> bool:
    return attribute in ONLY_WHERE_SENT or f"{owner}.{attribute}" in ONLY_WHERE_SENT


def named(owner: str, attribute: str, value: object) -> Field:
    """One field of the record `owner` under its name in the specification."""
    qualified = f"{owner}.{attribute}"
    name = RENAMED.get(qualified) or RENAMED.get(attribute) or attribute
    return Field(name, value_of(value), KINDS.get(qualified) or KINDS.get(name, ""))


def return_address(value: SmsReturn | IpReturn | DomainReturn | OtherReturn) -> Group:
    """Type and address; the types of annex A (GD/J 089 table A.15)."""
    match value:
        case SmsReturn(number=number):
            kind, address = 1, number
        case IpReturn(ip=ip, port=port):
            kind, address = 2, f"{ip}:{port}"
        case DomainReturn(domain=domain, port=port):
            kind, address = 3, f"{domain}:{port}"
        case OtherReturn(kind=kind, data=data):
            address = data.hex().upper()
    return Group((Field("ret_type", kind, "ret_type"), Field("addr", readable(address))))


def _targets(value: Targets | PhysicalTargets) -> Group:
    if isinstance(value, Targets):
        addressing, codes = LOGICAL, Field("codes", value_of(value.codes), "code")
    else:
        addressing, codes = PHYSICAL, Field("codes", value_of(value.addresses), "hexadecimal")
    return Group((Field("addressing_type", addressing, "addressing_type"), codes))
