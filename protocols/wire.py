"""Pieces of layouts that several protocols share, as construct declarations over frozen values.

A message is a frozen dataclass whose field names are the names of its layout; `record` joins the two. Failures leave
by two doors only: `parse` raises RemoteProtocolError, `build` LocalProtocolError.
"""

from __future__ import annotations

import io
from dataclasses import fields
from typing import Any

from construct import Bytes, ConstructError, ExprAdapter, GreedyBytes, Int8ub, Prefixed, PrefixedArray, Struct

from protocols.codes import AreaCode, EbmId, ResourceCode
from protocols.errors import LocalProtocolError, RemoteProtocolError

Layout = Any
"""A construct declaration; construct has no type hints of its own."""


def record(cls: type, *members: Layout) -> Layout:
    """A layout whose value is `cls`: its dataclass fields are the members of the same name."""
    names = tuple(field.name for field in fields(cls))
    return ExprAdapter(
        Struct(*members),
        lambda container, _: cls(**{name: container[name] for name in names}),
        lambda value, _: {name: getattr(value, name) for name in names},
    )


def counted(count: Layout, item: Layout) -> Layout:
    """A count and as many items, as a tuple."""
    return ExprAdapter(PrefixedArray(count, item), lambda items, _: tuple(items), lambda items, _: list(items))


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


def readable(value: str) -> str:
    """The text with what no character set explained replaced, safe for JSON and screens."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


resource_code: Layout = ExprAdapter(Bytes(12), lambda b, _: ResourceCode.from_bcd(b), lambda code, _: code.to_bcd())
ebm_id: Layout = ExprAdapter(Bytes(18), lambda b, _: EbmId.from_bcd(b), lambda code, _: code.to_bcd())
sized_code: Layout = ExprAdapter(sized(Int8ub), lambda b, _: ResourceCode.from_bcd(b), lambda code, _: code.to_bcd())
area_code: Layout = ExprAdapter(Bytes(6), lambda b, _: AreaCode(b.hex()), lambda code, _: bytes.fromhex(code))
"""A region as six bytes of BCD without the nibble F (captured in 0x0C)."""
ipv4: Layout = ExprAdapter(
    Bytes(4),
    lambda data, _: ".".join(str(byte) for byte in data),
    lambda value, _: _ipv4_bytes(value),
)
event_type: Layout = ExprAdapter(Bytes(5), lambda data, _: data.decode("ascii"), lambda value, _: value.encode("ascii"))
frequency_khz: Layout = ExprAdapter(Bytes(3), lambda data, _: _khz(data), lambda khz, _: _khz_bytes(khz))
"""BCD XXXX.XX MHz, three bytes, as kHz (GD/J 089 tables A.28, E.5)."""


def parse(layout: Layout, data: bytes, **params: Any) -> Any:
    """Read all of `data`. Raises RemoteProtocolError("body" | "trailing" | "code" | "value")."""
    stream = io.BytesIO(data)
    try:
        value = layout.parse_stream(stream, **params)
    except ConstructError as error:
        raise RemoteProtocolError("body", _first_line(error), offset=stream.tell()) from error
    except ValueError as error:
        raise RemoteProtocolError("value", str(error), offset=stream.tell()) from error
    if left := len(data) - stream.tell():
        raise RemoteProtocolError("trailing", f"{left} bytes behind the last field", offset=stream.tell())
    return value


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
