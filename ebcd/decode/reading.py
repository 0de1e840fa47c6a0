"""What was made of some bytes: the result of every recogniser."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ebcd.decode.tree import NOTHING, Group, Json, to_json


class Crc(StrEnum):
    """Verdict on the checksum; `none` where the message has no checksum of its own."""

    OK = "ok"
    BAD = "bad"
    NONE = "none"


class Signed(StrEnum):
    """Verdict on the signature; `unchecked` without the signer's certificate, `none` where nobody signed."""

    OK = "ok"
    BAD = "bad"
    UNCHECKED = "unchecked"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know that is no error: a key of the texts `decode.note.*` and its values."""

    key: str
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Aside:
    """Something of an input that is no message and could not be read: what to say of it, as in `Reading.errors`."""

    error: str


NO_NOTES: tuple[Note, ...] = ()
UNSIGNED: tuple[Note, ...] = (Note("unsigned"),)
NO_ERRORS: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """One message. `fields` is as much as could be read; `errors` are `reason at byte N: detail`.

    `protocol` is None where nothing was recognised. `clause` is the message's own in its standard; `offset` is where
    the reading broke. `inside`: every whole message where there are several, or where other bytes stand around one;
    the reading itself is then that of the first.
    """

    protocol: str | None
    message: str = ""
    fields: Group = NOTHING
    crc: Crc = Crc.NONE
    signature: Signed = Signed.NONE
    roundtrip: bool = False
    also: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    clause: str = ""
    notes: tuple[Note, ...] = ()
    offset: int | None = None
    inside: tuple[Inside, ...] = ()

    @property
    def is_good(self) -> bool:
        """What the exit status tells: no error, no bad CRC or signature, and the value encodes back."""
        return not self.errors and self.crc is not Crc.BAD and self.signature is not Signed.BAD and self.roundtrip

    def as_json(self) -> dict[str, Json]:
        """The object of `--json`."""
        told: dict[str, Json] = {
            "protocol": self.protocol,
            "message": self.message,
            "fields": to_json(self.fields),
            "crc": str(self.crc),
            "signature": str(self.signature),
            "roundtrip": self.roundtrip,
            "also": list(self.also),
            "errors": list(self.errors),
        }
        if self.inside:
            told["inside"] = [
                {"offset": each.start, "size": each.end - each.start, **each.reading.as_json()} for each in self.inside
            ]
        return told


@dataclass(frozen=True, slots=True)
class Inside:
    """One of several messages: which bytes of the input, and what they say."""

    start: int
    end: int
    reading: Reading
