"""A proof that events stand in the journal, checkable without the journal and without this program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from . import chain


@dataclass(frozen=True, slots=True)
class Shown:
    """A row of the alert in question: its canonical bytes."""

    line: bytes


@dataclass(frozen=True, slots=True)
class Hidden:
    """A row that concerns others: only its digest, which tells nothing of it."""

    digest: bytes


class BadProof(ValueError):
    """The proof does not prove what it says."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The rows from an alert's first event to the chain's head, those of other alerts as digests.

    It proves that each shown event is in the journal whose head is `head_hash`, in this order and unaltered. It does
    not prove that no event of the alert is among the hidden ones. Whom the head itself convinces depends on where its
    hash was kept: an export, a printed report, the province.
    """

    stream: str
    alert: str
    before_seq: int  # the row before the first shown one
    before_hash: bytes
    rows: tuple[Shown | Hidden, ...]
    head_hash: bytes

    @property
    def head_seq(self) -> int:
        """Sequence number of the last row."""
        return self.before_seq + len(self.rows)

    def events(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """The shown rows as (sequence number, event). Raises BadProof where a row is not what it is said to be."""
        for seq, row in enumerate(self.rows, start=self.before_seq + 1):
            if isinstance(row, Hidden):
                continue
            try:
                stream, its_seq, at, kind, alert, actor, payload = orjson.loads(row.line)
            except ValueError as error:
                raise BadProof(f"row {seq} is no journal row") from error
            if (stream, its_seq, alert) != (self.stream, seq, self.alert):
                raise BadProof(f"row {seq} says it is row {its_seq} of {stream} about {alert}")
            yield seq, {"at": at, "kind": kind, "actor": actor, "payload": payload}

    def check(self, head_hash: bytes | None = None) -> None:
        """Follow the chain to the head; `head_hash` is the one kept elsewhere. Raises BadProof."""
        link = self.before_hash
        for row in self.rows:
            link = chain.link(link, chain.row_digest(row.line) if isinstance(row, Shown) else row.digest)
        if link != self.head_hash:
            raise BadProof("the rows do not lead to the head named in the proof")
        if head_hash is not None and link != head_hash:
            raise BadProof("the rows lead to another head than the one you hold")
        for _ in self.events():
            pass

    def to_json(self) -> bytes:
        """For a file: shown rows as texts of their canonical bytes, hidden ones as {"digest": hex}."""
        rows: list[str | dict[str, str]] = [
            row.line.decode() if isinstance(row, Shown) else {"digest": row.digest.hex()} for row in self.rows
        ]
        return orjson.dumps(
            {
                "stream": self.stream,
                "alert": self.alert,
                "before": {"seq": self.before_seq, "hash": self.before_hash.hex()},
                "rows": rows,
                "head": {"seq": self.head_seq, "hash": self.head_hash.hex()},
            },
            option=orjson.OPT_INDENT_2,
        )

    @classmethod
    def from_json(cls, text: bytes) -> Proof:
        """Read such a file. Raises BadProof where it is not one."""
        try:
            told = orjson.loads(text)
            rows = [
                Shown(r.encode()) if isinstance(r, str) else Hidden(bytes.fromhex(r["digest"])) for r in told["rows"]
            ]
            before, head = told["before"], told["head"]
            proof = cls(
                str(told["stream"]),
                str(told["alert"]),
                int(before["seq"]),
                bytes.fromhex(before["hash"]),
                tuple(rows),
                bytes.fromhex(head["hash"]),
            )
            if proof.head_seq != head["seq"]:
                raise BadProof(f"{len(rows)} rows behind {proof.before_seq} do not reach row {head['seq']}")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise error if isinstance(error, BadProof) else BadProof(f"this is no journal proof: {error}") from error
        return proof
