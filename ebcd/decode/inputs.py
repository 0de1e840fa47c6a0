"""What a person hands over, as bytes: hexadecimal in its many spellings, one message a line, or a file as it is."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from ebcd.decode.capture import is_capture, messages_in_capture
from ebcd.decode.hexadecimal import from_array, from_dump, from_hex, width_of
from ebcd.decode.literals import from_list, from_literal
from ebcd.decode.log_lines import begins_document, from_base64, is_document, of_line
from ebcd.decode.reading import Aside
from ebcd.decode.recognise import best_claim
from ebcd.decode.recogniser import Claim
from protocols.fm.bits import AIR_BYTES, hear_frame
from protocols.fm.frame import FRAME_BITS

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_BITS = re.compile(r"[01]+")
_HEAD_BYTES = 4096
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")  # UTF-16, as PowerShell writes it; no frame of ours begins so
_OBJECT = re.compile(r'\s*\{\s*("[^"\\]*"\s*:|\})')
_GZIP = b"\x1f\x8b"
_BLANKS = re.compile("[\t\r\n\xa0\u3000]+")
UNZIPPED_BYTES_MAX = 268_435_456
PHASE_FRAMES = 8  # so many frames choose the phase of a text of bits
WRAPPED_DIGITS_MAX = 80


def message_of(argument: str) -> bytes | str:
    """The one message of an argument: hexadecimal, a dump, or XML as it stands; the text itself where it is neither."""
    if begins_document(argument.lstrip()) or _is_object(argument):
        return argument.encode("utf-8", "surrogateescape")
    dumps = from_dump(_lines_of(argument))
    if len(dumps) == 1:
        return dumps[0]
    for reader in (from_bits, of_line, from_literal, from_list, from_array):
        if (found := reader(argument)) is not None:
            return found
    return argument


def messages_of(arguments: Sequence[str]) -> tuple[bytes | str, ...]:
    """The messages of arguments that name no file: one together where a shell cut it at blanks, or one each."""
    together = message_of(" ".join(arguments))
    if len(arguments) == 1 or (isinstance(together, bytes) and best_claim(together) is Claim.CERTAIN):
        return (together,)
    each = tuple(message_of(argument) for argument in arguments)
    claims = [best_claim(data) if isinstance(data, bytes) else Claim.NONE for data in each]
    if isinstance(together, str) or min(claims) >= Claim.LIKELY:
        return each
    return (together,)


def messages_in(content: bytes) -> tuple[bytes | str | Aside, ...]:
    """The messages of a file or stream. A text stands for a line that is no hexadecimal.

    Bytes that are no text, and XML, are one message. Hexadecimal is one message a line, unless the lines make one
    message together: then it was only wrapped.
    """
    if content[:2] == _GZIP:
        inner = _unzipped(content)  # a capture or a log; a package must not be compressed
        content = inner if is_capture(inner) or _text_of(inner) is not None else content
    if is_capture(content):
        return messages_in_capture(content)
    if (objects := _objects(content)) is not None:
        return objects
    text = _text_of(content)
    if text is None:
        return (content,)
    found = _messages_in_text(text)
    is_text = text.isascii() and content[:2] not in _WIDE_MARKS
    return found if is_text or any(isinstance(each, bytes) for each in found) else (content,)


def _unzipped(content: bytes) -> bytes:
    """What gzip packed, as far as it is there; the content itself where it is damaged or more than so much."""
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        data = unpacking.decompress(content, UNZIPPED_BYTES_MAX)
    except zlib.error:
        return content
    return content if unpacking.unconsumed_tail else data


def _messages_in_text(text: str) -> tuple[bytes | str, ...]:
    lines = _lines_of(text)
    if dumps := from_dump(lines):
        return dumps
    if (bits := from_bits("".join(lines))) is not None:
        each_bits = [from_bits(line) for line in lines]
        return (bits,) if None in each_bits else tuple(line for line in each_bits if line is not None)
    each = [of_line(line) for line in lines]
    together = "\n".join(lines)
    for reader in (from_literal, from_list, from_array):
        if (found := reader(together)) is not None and best_claim(found) >= max(map(_claim, each)):
            return (found,)
    if None in each and (data := from_base64(together)) is not None:
        return (data,)
    joined = from_hex(together) if len(lines) > 1 else None
    if joined is not None and _is_wrapped(joined, each, lines):
        return (joined,)
    return tuple(line if data is None else data for line, data in zip(lines, each, strict=True)) or (text.strip(),)


def _claim(data: bytes | None) -> Claim:
    return best_claim(data) if data else Claim.NONE


def _is_object(text: str) -> bool:
    """Whether a text begins as a JSON object; the braces of a program's list hold no name and colon."""
    return _OBJECT.match(text) is not None


def _objects(content: bytes) -> tuple[bytes, ...] | None:
    """JSON: one object a line where each line is one, as a log of payloads has them, else one together."""
    if not _is_object(content[:_HEAD_BYTES].decode("utf-8", "replace")):
        return None
    lines = [line for line in content.splitlines() if line.strip()]
    is_each = all(line.strip().startswith(b"{") and line.strip().endswith(b"}") for line in lines)
    return tuple(lines) if is_each else (content,)


def _text_of(content: bytes) -> str | None:
    """The content as lines of text, or None where it is one message as it stands."""
    head = content[:_HEAD_BYTES].lstrip()
    if not content or head.startswith((b"POST ", b"HTTP/1.")) or (head[:2] == b"--" and b"filename" in head):
        return None
    text = next((found for name in _encodings(content) if (found := _decoded(content, name)) is not None), None)
    if text is None or (begins_document(text.lstrip()) and not _is_document_a_line(text)):
        return None
    return text


def _encodings(content: bytes) -> tuple[str, ...]:
    return ("utf-16",) if content[:2] in _WIDE_MARKS else ("utf-8", "gb18030")


def _decoded(content: bytes, encoding: str) -> str | None:
    """The text, without the colours of a terminal; None for what no one could read."""
    try:
        text = content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError:
        return None
    text = _COLOUR.sub("", text)
    return text if _BLANKS.sub("", text).isprintable() else None


def _is_document_a_line(text: str) -> bool:
    """Whether what begins as a document is several, or other messages follow, one a line."""
    lines = _lines_of(text)
    return len(lines) > 1 and is_document(lines[0])


def _lines_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def from_bits(text: str) -> bytes | None:
    """Whole frames in a text of 0 and 1, thirteen bytes each, from the phase that fits best; None for other texts."""
    bits = "".join(text.split())
    if len(bits) < FRAME_BITS or not _BITS.fullmatch(bits):
        return None
    head = bits[: FRAME_BITS * PHASE_FRAMES]
    phase = max(range(FRAME_BITS), key=lambda at: (_whole_blocks(head[at:]), -at))
    count = (len(bits) - phase) // FRAME_BITS
    if not count or _whole_blocks(head[phase:]) < 2:
        return None
    return int(bits[phase : phase + count * FRAME_BITS], 2).to_bytes(count * AIR_BYTES, "big")


def _whole_blocks(bits: str) -> int:
    """How many blocks are whole if frames begin at the first bit."""
    starts = range(0, len(bits) - FRAME_BITS + 1, FRAME_BITS)
    return sum(sum(hear_frame(int(bits[at : at + FRAME_BITS], 2), 0).whole) for at in starts)


def _is_wrapped(joined: bytes, each: Sequence[bytes | None], lines: Sequence[str]) -> bool:
    """Whether lines are one message: they fit together, or were broken evenly and only the first begins like one."""
    together = best_claim(joined)
    claims = [_claim(data) for data in each]
    if together is Claim.CERTAIN:
        return True
    if min(claims) >= Claim.LIKELY or claims[0] is Claim.CERTAIN:
        return False
    begins = claims[0] is not Claim.NONE and not any(claims[1:])
    return together is Claim.LIKELY or (begins and _is_even(lines))


def _is_even(lines: Sequence[str]) -> bool:
    """Lines of one width, the last one at most as long: how editors and dumps break hexadecimal."""
    widths = [width_of(line) for line in lines]
    return widths[0] <= WRAPPED_DIGITS_MAX and set(widths[:-1]) == {widths[0]} and widths[-1] <= widths[0]
