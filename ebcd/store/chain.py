"""The hash chain of the journal, so that anyone can check it without this program.

    row    = len32(stream) stream  seq64  at64  len32(kind) kind  len32(alert) alert  len32(actor) actor  payload
    digest = SM3(row)
    hash   = SM3(hash of the row before || digest); before row 1 stand 32 zero bytes

Numbers are big-endian, `at64` is an IEEE double, texts are UTF-8, an absent alert has length FFFFFFFF and no bytes, the
payload runs to the end. The digest stands between, so that a proof about one alert needs only 32 bytes of each row
that concerns others and shows nothing of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct

from protocols.sm2 import sm3

from .errors import ChainBroken
from .events import Stored

GENESIS = bytes(32)
_ABSENT = b"\xff\xff\xff\xff"
_SEQ_AT = Struct(">Qd")


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(4, "big") + data


def row_digest(stream: str, seq: int, at: float, kind: str, alert: str | None, actor: str, raw: bytes) -> bytes:
    """SM3 of one row's canonical encoding."""
    parts = (
        _text(stream),
        _SEQ_AT.pack(seq, at),
        _text(kind),
        _ABSENT if alert is None else _text(alert),
        _text(actor),
        raw,
    )
    return sm3(b"".join(parts))


def link(prev: bytes, digest: bytes) -> bytes:
    """The hash of a row from the hash before it and the row's own digest."""
    return sm3(prev + digest)


def digest_of(row: Stored) -> bytes:
    """The digest of a row that is already stored."""
    return row_digest(row.stream, row.seq, row.at, row.kind, row.alert, row.actor, row.raw)


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
        if link(prev, digest_of(row)) != row.hash:
            raise ChainBroken(row.stream, seq, "has a hash that its content does not give")
        prev = row.hash
        yield row
