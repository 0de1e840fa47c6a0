"""What a person hands over, as bytes: hexadecimal in its many spellings, one message a line, or a file as it is."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

from ebcd.decode.capture import is_capture, messages_in_capture
from ebcd.decode.hexadecimal import from_array, from_dump, from_hex, width_of
from ebcd.decode.recognise import best_claim
from ebcd.decode.recogniser import Claim
from protocols.fm.bits import AIR_BYTES, hear_frame
from protocols.fm.frame import FRAME_BITS

_TEXT = frozenset(range(0x20, 0x7F)) | frozenset(b"\t\r\n")
_BITS = re.compile(r"[01]+")
_RUN = re.compile(r"(?:(?<![0-9A-Za-z])|(?<=0[xX]))[0-9A-Fa-f]{2}(?:[ :,-]?[0-9A-Fa-f]{2}){7,}(?![0-9A-Za-z])")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{12,}={0,2}")
_HEAD_BYTES = 4096
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")  # UTF-16, as PowerShell writes it; no frame of ours begins so
_BLANKS = "\t\r\n\xa0\u3000"
LOG_LINE_MAX = 16_384
RUNS_MAX = 4
PHASE_FRAMES = 8  # so many frames choose the phase of a text of bits
WRAPPED_DIGITS_MAX = 80


def message_of(argument: str) -> bytes | str:
    """The one message of an argument: hexadecimal, a dump, or XML as it stands; the text itself where it is neither."""
    if argument.lstrip().startswith(("<", "{")):
        return argument.encode("utf-8", "surrogateescape")
    dumps = from_dump(_lines_of(argument))
    if len(dumps) == 1:
        return dumps[0]
    for reader in (from_bits, from_hex, from_array, _of_line):
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


def messages_in(content: bytes) -> tuple[bytes | str, ...]:
    """The messages of a file or stream. A text stands for a line that is no hexadecimal.

    Bytes that are no text, and XML, are one message. Hexadecimal is one message a line, unless the lines make one
    message together: then it was only wrapped.
    """
    if is_capture(content):
        return messages_in_capture(content) or (content,)
    if (objects := _objects(content)) is not None:
        return objects
    text = _text_of(content)
    if text is None:
        return (content,)
    lines = _lines_of(text)
    if dumps := from_dump(lines):
        return dumps
    if (bits := from_bits("".join(lines))) is not None:
        each_bits = [from_bits(line) for line in lines]
        return (bits,) if None in each_bits else tuple(line for line in each_bits if line is not None)
    if (array := from_array("\n".join(lines))) is not None:
        return (array,)
    each = [_of_line(line) for line in lines]
    if None in each and (data := _from_base64("".join(lines))) is not None:
        return (data,)
    joined = from_hex("\n".join(lines))
    if joined is not None and (len(each) == 1 or _is_wrapped(joined, each, lines)):
        return (joined,)
    return tuple(line if data is None else data for line, data in zip(lines, each, strict=True)) or (text.strip(),)


def _objects(content: bytes) -> tuple[bytes, ...] | None:
    """JSON: one object a line where each line is one, as a log of payloads has them, else one together."""
    if content.lstrip()[:1] != b"{" or content.lstrip()[1:].lstrip()[:1] not in (b'"', b"}"):
        return None
    lines = [line for line in content.splitlines() if line.strip()]
    is_each = all(line.strip().startswith(b"{") and line.strip().endswith(b"}") for line in lines)
    return tuple(lines) if is_each else (content,)


def _text_of(content: bytes) -> str | None:
    """The content as lines of text, or None where it is one message as it stands."""
    head = content[:_HEAD_BYTES].lstrip()
    if not content or head.startswith((b"<", b"POST ", b"HTTP/1.")) or (head[:2] == b"--" and b"filename" in head):
        return None
    encoding = "utf-16" if content[:2] in _WIDE_MARKS else "utf-8"
    try:
        text = content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError:
        return None
    if _TEXT.issuperset(content):
        return text
    plain = all(character.isprintable() or character in _BLANKS for character in text)
    return text if plain and any(from_hex(line) for line in _lines_of(text)) else None


def _lines_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _of_line(line: str) -> bytes | None:
    """A line's hexadecimal; where a log wrote words around it, the longest run of it that is a message."""
    if (found := from_hex(line)) is not None or len(line) > LOG_LINE_MAX:
        return found
    if (found := _from_base64(line)) is not None:
        return found
    runs = sorted((run[0] for run in _RUN.finditer(line)), key=len, reverse=True)
    for run in runs[:RUNS_MAX]:
        data = from_hex(run)
        if data is not None and best_claim(data) >= Claim.LIKELY:
            return data
    return None


def _from_base64(text: str) -> bytes | None:
    """The bytes of Base64, where they are a message; hexadecimal has been tried before."""
    written = "".join(text.split())
    if len(written) % 4 or not _BASE64.fullmatch(written):
        return None
    data = base64.b64decode(written)
    return data if best_claim(data) >= Claim.LIKELY else None


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
    claims = [best_claim(data) if data else Claim.NONE for data in each]
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
