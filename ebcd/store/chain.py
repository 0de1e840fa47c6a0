"""The hash chain of the journal, so that anyone can check it without this program.

    line   = ["stream",seq,at,"kind","alert" or null,"actor",payload]      JSON in UTF-8 without spaces
    digest = SM3(line)
    hash   = SM3(hash of the row before || digest); before row 1 stand 32 zero bytes

An export holds these very lines, so checking needs no JSON reader. The digest stands between, so that a proof about
one alert needs only 32 bytes of each row that concerns others and shows nothing of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator

import orjson

from protocols.sm2 import sm3

from .errors import ChainBroken
from .events import Stored

GENESIS = bytes(32)


def _fastest_sm3() -> Callable[[bytes], bytes]:
    """hashlib's SM3 where it has one: unlike a foreign call it keeps the interpreter lock for such short inputs.

    Two calls for each of 2,224 receipts would otherwise hand the lock to a busy event loop and wait for it back.
    """
    try:
        empty = hashlib.new("sm3", usedforsecurity=False)
    except ValueError:
        return sm3
    fresh = empty.copy

    def digest(data: bytes) -> bytes:
        state = fresh()
        state.update(data)
        return state.digest()

    return digest


_sm3 = _fastest_sm3()


def row_line(stream: str, seq: int, at: float, kind: str, alert: str | None, actor: str, raw: bytes) -> bytes:
    """The canonical bytes of one row; `raw` is its payload as `events.canonical` made it."""
    return orjson.dumps((stream, seq, at, kind, alert, actor, orjson.Fragment(raw)))


def row_digest(line: bytes) -> bytes:
    """SM3 of a row's canonical bytes."""
    return _sm3(line)


def link(prev: bytes, digest: bytes) -> bytes:
    """The hash of a row from the hash before it and the row's own digest."""
    return _sm3(prev + digest)


def line_of(row: Stored) -> bytes:
    """The canonical bytes of a row that is already stored."""
    return row_line(*row[:7])


def walk(rows: Iterable[Stored], *, seq: int = 0, prev: bytes = GENESIS) -> Iterator[Stored]:
    """Hand the rows on while each follows the one before; `seq` and `prev` are those of the row before the first.

    Raises ChainBroken at the first that does not.
    """
    for row in rows:
        seq += 1
        if row.seq != seq:
            raise ChainBroken(row.stream, seq, f"is missing, {row.seq} comes next")
        if row.prev != prev:
            raise ChainBroken(row.stream, seq, "does not name the hash of the row before it")
        if _sm3(prev + _sm3(line_of(row))) != row.hash:
            raise ChainBroken(row.stream, seq, "has a hash that its content does not give")
        prev = row.hash
        yield row
