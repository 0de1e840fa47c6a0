"""What a person hands over, as bytes: hexadecimal in its many spellings, one message a line, or a file as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ebcd.decode.recognise import best_claim
from ebcd.decode.recogniser import Claim

_PREFIX = re.compile(r"(?<![0-9A-Fa-f])0[xX]|\\x")
_BETWEEN = re.compile(r"[\s:,;_'\"-]+")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_TEXT = frozenset(range(0x20, 0x7F)) | frozenset(b"\t\r\n")
_DUMP = re.compile(r"^(?:0x)?([0-9A-Fa-f]{4,8}):?\s+((?:[0-9A-Fa-f]{2,4}\s){1,16})(?:\s.*|\|.*)?$")
_DUMP_LINES_MIN = 2


def from_hex(text: str) -> bytes | None:
    """The bytes of hexadecimal with blanks, line breaks, colons, commas or 0x between; None for any other text."""
    digits = _BETWEEN.sub("", _PREFIX.sub("", text))
    return bytes.fromhex(digits) if _HEX.fullmatch(digits) else None


def messages_in(content: bytes) -> tuple[bytes | str, ...]:
    """The messages of an input. A text stands for a line that is no hexadecimal.

    Bytes that are no ASCII text, and XML, are one message. Hexadecimal is one message a line, unless the lines make
    one message together: then it was only wrapped.
    """
    if not content or not _TEXT.issuperset(content) or content.lstrip().startswith((b"<", b"--")):
        return (content,)
    text = content.decode("ascii")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if (dumped := _dump(lines)) is not None:
        return (dumped,)
    each = [from_hex(line) for line in lines]
    joined = from_hex("\n".join(lines))
    if joined is not None and (len(each) == 1 or _is_wrapped(joined, each)):
        return (joined,)
    if joined is None and not any(each):
        return (text.strip(),) if len(lines) < _DUMP_LINES_MIN else tuple(lines)
    return tuple(line if data is None else data for line, data in zip(lines, each, strict=True))


def _is_wrapped(joined: bytes, each: Sequence[bytes | None]) -> bool:
    """Whether lines are one message: together they fit, or only the first begins like anything."""
    together = best_claim(joined)
    if together is Claim.CERTAIN or None in each:
        return True
    claims = [best_claim(data) if data else Claim.NONE for data in each]
    if min(claims) >= Claim.LIKELY:
        return False
    return together is Claim.LIKELY or (claims[0] is not Claim.NONE and not any(claims[1:]))


def _dump(lines: Sequence[str]) -> bytes | None:
    """The bytes of a dump by hexdump, xxd or Wireshark: an offset, then at most 16 bytes, then what they spell."""
    found = [_DUMP.match(f"{line} ") for line in lines]
    if len(lines) < _DUMP_LINES_MIN:
        return None
    data = b""
    for match in found:
        if match is None:
            return None
        part = from_hex(match[2])
        if part is None or int(match[1], 16) != len(data):
            return None
        data += part
    return data
