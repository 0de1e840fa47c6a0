"""Journal events before and after they are on disk."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import orjson

PAYLOAD_BYTES_MAX = 1 << 20
"""One event's payload. Packages and sound are files beside the journal, named in it by their SM3."""

SEQ_MAX = (1 << 63) - 1


class NewEvent(NamedTuple):
    """Something that happened, not yet written.

    `stream` is the county (its 12-digit area code): sequences and chains are per stream. `kind` is a dotted slug such
    as "alert.approved", `actor` who did it. `payload` must be JSON as orjson understands it, with string keys; names
    and phone numbers do not belong in it, only their `people` ids. `at` is UTC seconds, None the moment of the call.
    What cannot be written is refused by the call that takes the event. A tuple, because thousands come at once.
    """

    stream: str
    kind: str
    actor: str
    payload: Mapping[str, object]
    alert: str | None = None
    at: float | None = None


class Sealed(NamedTuple):
    """An event with its payload made canonical and its time fixed, so that nothing of it can change or fail later."""

    stream: str
    at: float
    kind: str
    alert: str | None
    actor: str
    raw: bytes


def seal(event: NewEvent, now: float) -> Sealed:
    """Fix an event at the moment of the call. Raises ValueError or TypeError for what no journal can carry."""
    stream, kind, actor, payload, alert, at = event
    if at is None:
        at = now
    elif not math.isfinite(at):
        raise ValueError(f"event at = {at}: give UTC seconds")
    if not (stream and kind and actor) or alert == "":
        raise ValueError(f"{event!r}: stream, kind, actor and alert must not be empty; alert may be None")
    texts = f"{stream}{kind}{actor}{alert}"
    if "\x00" in texts:
        raise ValueError(f"{event!r}: PostgreSQL takes no NUL in a text")
    if not texts.isascii():
        texts.encode()  # a lone surrogate is a ValueError here, not later in the writer
    return Sealed(stream, float(at), kind, alert, actor, canonical(payload))


class Stored(NamedTuple):
    """One journal row, its fields in the order of the table's columns, so that a row is written and read as it is.

    `raw` is the payload as canonical JSON, `prev` and `hash` are its links in the chain.
    """

    stream: str
    seq: int  # 1 is the first of its stream
    at: float
    kind: str
    alert: str | None
    actor: str
    raw: bytes
    prev: bytes
    hash: bytes

    @property
    def payload(self) -> dict[str, Any]:
        """The payload, decoded anew at each call."""
        return cast(dict[str, Any], orjson.loads(self.raw))


def canonical(payload: Mapping[str, object]) -> bytes:
    """The one JSON text of a payload: sorted keys, no spaces, UTF-8.

    Raises TypeError for what JSON cannot carry, ValueError above `PAYLOAD_BYTES_MAX`.
    """
    raw = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
    if len(raw) > PAYLOAD_BYTES_MAX:
        raise ValueError(
            f"event payload of {len(raw)} bytes, {PAYLOAD_BYTES_MAX} are allowed; store a file, name its SM3"
        )
    return raw
