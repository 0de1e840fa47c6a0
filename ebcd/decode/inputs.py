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
_HEAD_BYTES = 4096
WRAPPED_DIGITS_MAX = 80


def from_hex(text: str) -> bytes | None:
    """The bytes of hexadecimal with blanks, line breaks, colons, commas or 0x between; None for any other text."""
    digits = _BETWEEN.sub("", _PREFIX.sub("", text))
    return bytes.fromhex(digits) if _HEX.fullmatch(digits) else None


def message_of(argument: str) -> bytes | str:
    """The one message of an argument: hexadecimal, a dump, or XML as it stands; the text itself where it is neither."""
    if argument.lstrip().startswith("<"):
        return argument.encode("utf-8", "surrogateescape")
    dumped = _dump(_lines_of(argument))
    found = from_hex(argument) if dumped is None else dumped
    return argument if found is None else found


def messages_in(content: bytes) -> tuple[bytes | str, ...]:
    """The messages of a file or stream. A text stands for a line that is no hexadecimal.

    Bytes that are no text, and XML, are one message. Hexadecimal is one message a line, unless the lines make one
    message together: then it was only wrapped.
    """
    text = _text_of(content)
    if text is None:
        return (content,)
    lines = _lines_of(text)
    if (dumped := _dump(lines)) is not None:
        return (dumped,)
    each = [from_hex(line) for line in lines]
    joined = from_hex("\n".join(lines))
    if joined is not None and (len(each) == 1 or _is_wrapped(joined, each, lines)):
        return (joined,)
    return tuple(line if data is None else data for line, data in zip(lines, each, strict=True)) or (text.strip(),)


def _text_of(content: bytes) -> str | None:
    """The content as lines of text, or None where it is one message as it stands."""
    head = content[:_HEAD_BYTES].lstrip()
    if not content or head.startswith(b"<") or (head.startswith(b"--") and b"filename" in head):
        return None
    try:
        text = content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        return None
    if _TEXT.issuperset(content):
        return text
    plain = all(character.isprintable() or character in "\t\r\n" for character in text)
    return text if plain and any(from_hex(line) for line in _lines_of(text)) else None


def _lines_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _is_wrapped(joined: bytes, each: Sequence[bytes | None], lines: Sequence[str]) -> bool:
    """Whether lines are one message: they fit together, or were broken evenly and only the first begins like one."""
    together = best_claim(joined)
    claims = [best_claim(data) if data else Claim.NONE for data in each]
    if together is Claim.CERTAIN:
        return True
    if min(claims) >= Claim.LIKELY or claims[0] is Claim.CERTAIN:
        return False
    begins = claims[0] is not Claim.NONE and not any(claims[1:])
    return together is Claim.LIKELY or (begins and _is_even(lines))


def _is_even(lines: Sequence[str]) -> bool:
    """Lines of one width, the last one at most as long: how editors and dumps break hexadecimal."""
    widths = [len(_BETWEEN.sub("", line)) for line in lines]
    return widths[0] <= WRAPPED_DIGITS_MAX and set(widths[:-1]) == {widths[0]} and widths[-1] <= widths[0]


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
