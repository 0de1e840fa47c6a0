"""Pieces of layouts that several protocols share, as construct declarations over frozen values.

A message is a frozen dataclass whose field names are the names of its layout; `record` joins the two. Failures leave
by two doors only: `parse` raises RemoteProtocolError, `build` LocalProtocolError.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from construct import (
    Bytes,
    ConstructError,
    ExprAdapter,
    GreedyBytes,
    GreedyRange,
    If,
    Int8ub,
    Prefixed,
    PrefixedArray,
    Struct,
)

from protocols.codes import ebm_id_of, resource_code_of
from protocols.errors import LocalProtocolError, RemoteProtocolError

Layout = Any
"""A construct declaration; construct has no type hints of its own."""


class Named(ExprAdapter):  # type: ignore[misc]
    """A layout of named members that knows whose they are: `owner` is the name of a record's class."""

    def __init__(self, owner: str, members: Layout, take: Callable[..., Any], give: Callable[..., Any]) -> None:
        super().__init__(members, take, give)
        self.owner = owner


class Counted(ExprAdapter):  # type: ignore[misc]
    """A count and as many items, as a tuple."""

    def __init__(self, count: Layout, item: Layout) -> None:
        super().__init__(PrefixedArray(count, item), lambda items, _: tuple(items), lambda items, _: list(items))
        self.count = count
        self.item = item


def record(cls: type, *members: Layout) -> Layout:
    """A layout whose value is `cls`: its dataclass fields are the members of the same name."""
    names = tuple(field.name for field in fields(cls))
    return Named(
        cls.__name__,
        Struct(*members),
        lambda container, _: cls(**{name: container[name] for name in names}),
        lambda value, _: {name: getattr(value, name) for name in names},
    )


def counted(count: Layout, item: Layout) -> Layout:
    """A count and as many items, as a tuple."""
    return Counted(count, item)


def listed(item: Layout) -> Layout:
    """As many items as the bytes hold, as a tuple; what is left of one more stays behind the last field."""
    return ExprAdapter(GreedyRange(item), lambda items, _: tuple(items), lambda items, _: list(items))


def sized(length: Layout) -> Layout:
    """A length and as many bytes."""
    return Prefixed(length, GreedyBytes)


def text(length: Layout, encoding: str = "utf-8") -> Layout:
    """A length in bytes and a text. Foreign bytes survive as lone surrogates; `readable` makes them fit to show."""
    return ExprAdapter(
        sized(length),
        lambda data, _: data.decode(encoding, "surrogateescape"),
        lambda value, _: value.encode(encoding, "surrogateescape"),
    )


def digits(length: Layout) -> Layout:
    """A length in bytes and printable ASCII, refused otherwise: phone numbers."""
    return ExprAdapter(sized(length), lambda data, _: data.decode("ascii"), lambda value, _: value.encode("ascii"))


def hexadecimal(subcon: Layout) -> Layout:
    """Bytes as upper-case hexadecimal text: physical addresses, which are BCD but of the factory's making."""
    return ExprAdapter(subcon, lambda data, _: data.hex().upper(), lambda value, _: bytes.fromhex(value))


def if_there(name: str, subcon: Layout, *, after: str = "") -> Layout:
    """A member at the end of a layout that some peers leave out: None where nothing is left to read.

    `after`: the one before it, which can only be left out together with it.
    """

    def is_there(context: Layout) -> bool:
        if not context._parsing:
            if after and context[after] is None and context[name] is not None:
                raise ValueError(f"{name} cannot stand where {after} is left out")
            return context[name] is not None
        at = context._io.tell()
        is_left = bool(context._io.read(1))
        context._io.seek(at)
        return is_left

    return name / If(is_there, subcon)


def read_part(read: Callable[[bytes], Any], data: bytes, begin: int = 0, end: int | None = None) -> Any:
    """What `read` makes of data[begin:end], the end of which layouts stand at: where it breaks counts from there, below
    zero, until `parse_front` knows where that is."""
    try:
        return read(data[begin:end])
    except RemoteProtocolError as error:
        raise error.moved(begin - len(data)) from error


def readable(value: str | None) -> str:
    """A text that `text` read, safe for JSON and screens; "" for None.

    Bytes that are no UTF-8 are shown as GB 18030, which many boxes write instead, and where they are neither with
    replacement characters.
    """
    data = (value or "").encode("utf-8", "surrogateescape")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("gb18030")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


def in_encoding(value: str, encoding: str) -> str:
    """What to give `text` so that the bytes come out in another encoding than UTF-8, for peers that read no other.

    Raises LocalProtocolError where the encoding lacks a character.
    """
    try:
        return value.encode(encoding).decode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise LocalProtocolError(f"{encoding} lacks {error.object[error.start]!r} of {value!r}") from error


resource_code: Layout = ExprAdapter(
    Bytes(12), lambda b, _: read_part(resource_code_of, b), lambda code, _: code.to_bcd()
)
ebm_id: Layout = ExprAdapter(Bytes(18), lambda b, _: read_part(ebm_id_of, b), lambda code, _: code.to_bcd())
sized_code: Layout = ExprAdapter(
    sized(Int8ub), lambda b, _: read_part(resource_code_of, b), lambda code, _: code.to_bcd()
)
ipv4: Layout = ExprAdapter(
    Bytes(4),
    lambda data, _: ".".join(str(byte) for byte in data),
    lambda value, _: _ipv4_bytes(value),
)
event_type: Layout = ExprAdapter(Bytes(5), lambda data, _: data.decode("ascii"), lambda value, _: value.encode("ascii"))
loose_event_type: Layout = ExprAdapter(
    Bytes(5),
    lambda data, _: data.decode("ascii", "surrogateescape"),
    lambda value, _: value.encode("ascii", "surrogateescape"),
)
"""The same; what is no ASCII in a peer's record is kept as it came."""
frequency_khz: Layout = ExprAdapter(Bytes(3), lambda data, _: _khz(data), lambda khz, _: _khz_bytes(khz))
"""BCD XXXX.XX MHz, three bytes, as kHz (GD/J 089 tables A.28, E.5)."""


def parse(layout: Layout, data: bytes, **params: Any) -> Any:
    """Read all of `data`. Raises RemoteProtocolError("body" | "trailing" | "code" | "value")."""
    value, rest = parse_front(layout, data, **params)
    if rest:
        at = len(data) - len(rest)
        raise RemoteProtocolError("trailing", f"{len(rest)} bytes behind the last field", offset=at)
    return value


def parse_front(layout: Layout, data: bytes, **params: Any) -> tuple[Any, bytes]:
    """Read a value from the front; also returns the bytes behind it. Raises RemoteProtocolError like `parse`, with the
    byte of `data` where it broke or right behind it."""
    stream = io.BytesIO(data)
    try:
        value = layout.parse_stream(stream, **params)
    except ConstructError as error:
        raise RemoteProtocolError("body", _first_line(error), offset=stream.tell()) from error
    except RemoteProtocolError as error:
        at = error.offset
        if at is None or at < 0:
            at = stream.tell() + (at or 0)
        raise RemoteProtocolError(error.reason, error.detail, offset=at) from error
    except ValueError as error:
        raise RemoteProtocolError("value", str(error), offset=stream.tell()) from error
    return value, data[stream.tell() :]


def either(*readings: Callable[[], tuple[Any, bytes]]) -> tuple[Any, bytes]:
    """Several readings of the same bytes: the first that comes out even, else the first that leaves something over.
    Raises what the first raised where none succeeds."""
    found: tuple[Any, bytes] | None = None
    failed: RemoteProtocolError | None = None
    for read in readings:
        try:
            value, rest = read()
        except RemoteProtocolError as error:
            failed = failed or error
            continue
        if not rest:
            return value, rest
        found = found or (value, rest)
    if found is None:
        raise failed or RemoteProtocolError("body", "no reading")
    return found


def build(layout: Layout, value: Any) -> bytes:
    """Write a value. Raises LocalProtocolError where the wire cannot carry it."""
    try:
        return bytes(layout.build(value))
    except (ConstructError, ValueError, OverflowError, AttributeError, TypeError) as error:
        raise LocalProtocolError(f"{type(value).__name__}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    """construct's message without its path dump."""
    lines = [line for line in str(error).splitlines() if line]
    return lines[-1] if lines else type(error).__name__


def _ipv4_bytes(value: str) -> bytes:
    parts = value.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and int(part) < 256 for part in parts):
        raise ValueError(f"{value!r} is no IPv4 address")
    return bytes(int(part) for part in parts)


def _khz(data: bytes) -> int:
    digits_ = data.hex()
    if not digits_.isdigit():
        raise RemoteProtocolError("value", f"frequency {digits_} is no BCD number")
    return int(digits_) * 10


def _khz_bytes(khz: int) -> bytes:
    if khz % 10 or not 0 <= khz < 10_000_000:
        raise ValueError(f"frequency {khz} kHz is no multiple of 10 below 10 GHz")
    return bytes.fromhex(f"{khz // 10:06d}")
