"""How far bytes that break their layout can be read: the members before the break, for whoever looks at a capture.

Slow and thorough, beside `protocols.wire`: a decoder has already refused the bytes when this is asked.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from construct import Adapter, ConstructError, Container, Renamed, Restreamed, Struct, Transformed
from construct.lib import bytes2bits

from protocols.errors import RemoteProtocolError
from protocols.wire import Counted, Layout, Named

_BITS = 8


@dataclass(frozen=True, slots=True)
class Partial:
    """What could be read of a record: the members before the break with their names, in the order of the wire, and of
    the member that broke its own members. `owner` is the name of the record's class, "" where it has none."""

    owner: str
    members: tuple[tuple[str, Any], ...]


class _Broke(Exception):
    """A value ended early; what there was of it, None for nothing."""

    def __init__(self, found: Partial | tuple[Any, ...] | None) -> None:
        super().__init__("the bytes break their layout")
        self.found = found


def read_as_far(layout: Layout, data: bytes) -> tuple[Any, int]:
    """The value of a record, or a `Partial` of it where `data` breaks, and how many bytes were understood."""
    stream = io.BytesIO(data)
    context = Container(_parsing=True, _building=False, _sizing=False, _io=stream)
    context._params = context
    try:
        return _read(layout, stream, context), stream.tell()
    except _Broke as broke:
        return Partial("", ()) if broke.found is None else broke.found, stream.tell()


def _read(layout: Layout, stream: io.BytesIO, context: Container) -> Any:
    """The whole value, or _Broke with the stream behind the last member that could be read."""
    begin = stream.tell()
    try:
        return layout._parsereport(stream, context, "")
    except (ConstructError, RemoteProtocolError, ValueError):
        stream.seek(begin)
    inner = layout
    owner = ""
    while True:
        owner = inner.owner if isinstance(inner, Named) else owner
        if isinstance(inner, Counted):
            raise _items(inner, stream, context)
        if isinstance(inner, Struct):
            raise _members(owner, inner, stream, context)
        if isinstance(inner, Transformed | Restreamed):
            raise _bits(inner, stream, context)
        if not isinstance(inner, Adapter | Renamed):
            raise _Broke(None)
        inner = inner.subcon


def _members(owner: str, layout: Struct, stream: io.BytesIO, outer: Container) -> _Broke:
    context = Container(
        _=outer, _params=outer._params, _parsing=True, _building=False, _sizing=False, _subcons=layout._subcons
    )
    context._io = stream
    found: list[tuple[str, Any]] = []
    for member in layout.subcons:
        try:
            value = _read(member, stream, context)
        except _Broke as broke:
            if member.name and broke.found is not None:
                found.append((member.name, broke.found))
            break
        if member.name:
            found.append((member.name, value))
            context[member.name] = value
    return _Broke(Partial(owner, tuple(found)) if found else None)


def _items(layout: Counted, stream: io.BytesIO, context: Container) -> _Broke:
    begin = stream.tell()
    try:
        count = layout.count._parsereport(stream, context, "")
    except ConstructError:
        stream.seek(begin)
        return _Broke(None)
    found: list[Any] = []
    for _ in range(count):
        try:
            found.append(_read(layout.item, stream, context))
        except _Broke as broke:
            if broke.found is not None:
                found.append(broke.found)
            break
    return _Broke(tuple(found))


def _bits(layout: Transformed | Restreamed, stream: io.BytesIO, context: Container) -> _Broke:
    """Members inside a byte: what is understood ends with the last whole byte. construct makes the same declaration a
    Transformed where its size is fixed and a Restreamed where it is not, as of a text."""
    decoder = layout.decodefunc if isinstance(layout, Transformed) else layout.decoder
    if decoder is not bytes2bits:
        return _Broke(None)
    begin = stream.tell()
    inner = io.BytesIO(bytes2bits(stream.read()))
    try:
        found = _read(layout.subcon, inner, context)
    except _Broke as broke:
        found = broke.found
    stream.seek(begin + inner.tell() // _BITS)
    return _Broke(found)
