"""Characters of Chinese texts in frames (GD/J 089 table A.12, GD/J 085 table 16): which byte says which set.

A character that a set lacks is an error before anything is sent, never a question mark on a village's screen.
"""

from __future__ import annotations

from typing import Final

GB2312: Final = 0
GB18030: Final = 1
CHARSETS: Final = {0: "gb2312", 1: "gb18030", 2: "utf-16-be", 3: "utf-16-be", 4: "utf-16-be"}
"""Charset byte: 0 GB 2312-1980, 1 GB/T 18030; 2 GB 13000, 3 GB 21669 and 4 GB 16959 are plains of ISO 10646."""

_TO_GB2312: Final = {0x2014: 0x2015, 0xB7: 0x30FB}
_FROM_GB2312: Final = {there: here for here, there in _TO_GB2312.items()}
"""A1AA and A1A4, the dash and the middle dot of every Chinese text, are U+2014 and U+00B7 since GBK; Python's gb2312
still has the signs that resembled them before, which GB 18030 writes otherwise."""


def codec_of(charset: int) -> str:
    """Python's name of a set. Raises ValueError for a number that is none."""
    if (name := CHARSETS.get(charset)) is None:
        raise ValueError(f"charset {charset} is unknown; 0 to 4 are defined")
    return name


def encoded(text: str, charset: int, errors: str = "strict") -> bytes:
    """The text's bytes. Raises UnicodeEncodeError at a character that the set lacks."""
    if charset != GB2312:
        return text.encode(codec_of(charset), errors)
    for at, character in enumerate(text):
        if ord(character) in _FROM_GB2312:
            raise UnicodeEncodeError("gb2312", text, at, at + 1, "not in GB 2312 as everybody reads it")
    return text.translate(_TO_GB2312).encode("gb2312", errors)


def decoded(data: bytes, charset: int, errors: str = "strict") -> str:
    """The text of some bytes. Raises UnicodeDecodeError where `errors` is strict."""
    text = data.decode(codec_of(charset), errors)
    return text.translate(_FROM_GB2312) if charset == GB2312 else text
