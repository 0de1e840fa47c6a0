"""What the store tells when it cannot do its work: the thing, its value, and what to do about it."""

from __future__ import annotations


class StoreError(Exception):
    """The store could not do what was asked, and did none of it.

    `reason` is a stable slug fit for a metric label: full, readonly, locked, io, corrupt, cannot_open, queue, closed,
    broken, schema, chain, missing, refused, restoring, database.
    """

    def __init__(self, reason: str, thing: str, value: str, next_step: str) -> None:
        super().__init__(f"{thing}: {value}; {next_step}")
        self.reason = reason
        self.thing = thing
        self.value = value
        self.next_step = next_step


class ChainBroken(StoreError):
    """A journal row does not follow from the one before it: the file was altered or damaged."""

    def __init__(self, stream: str, seq: int, detail: str) -> None:
        super().__init__(
            "chain",
            f"journal of {stream}",
            f"row {seq} {detail}",
            "restore the last backup whose chain verifies, and keep this file as evidence",
        )
        self.stream = stream
        self.seq = seq
