"""Two errors, by whose fault it is."""

from __future__ import annotations


class ProtocolError(Exception):
    """Base of the two below; never raised itself."""


class LocalProtocolError(ProtocolError):
    """Our call is wrong: a value that the wire cannot carry. A bug or a bad order, never the peer."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the specification.

    `reason` is a stable slug fit for a metric label ("crc", "length", "charset" ...), `offset` the byte where the
    reading stopped, where there is one.
    """

    def __init__(self, reason: str, detail: str, *, offset: int | None = None) -> None:
        where = "" if offset is None else f" at byte {offset}"
        super().__init__(f"{reason}{where}: {detail}")
        self.reason = reason
        self.detail = detail
        self.offset = offset

    def moved(self, by: int) -> RemoteProtocolError:
        """The same, told by who read a part that begins at byte `by` of the whole."""
        at = None if self.offset is None else self.offset + by
        return RemoteProtocolError(self.reason, self.detail, offset=at)
