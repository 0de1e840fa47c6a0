"""Languages, texts and auxiliary data of a start (GD/J 089 table A.12)."""

from __future__ import annotations

from dataclasses import dataclass

from construct import Bytes, ExprAdapter, Int8ub, Int16ub, Int32ub, Struct

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.wire import Layout, counted, record, sized

GB2312 = 0
GB18030 = 1
CHARSETS = {0: "gb2312", 1: "gb18030", 2: "utf-16-be", 3: "utf-16-be", 4: "utf-16-be"}
"""Charset byte: 0 GB 2312-1980, 1 GB/T 18030; 2 GB 13000, 3 GB 21669 and 4 GB 16959 are plains of ISO 10646."""

_TO_GB2312 = {0x2014: 0x2015, 0xB7: 0x30FB}
_FROM_GB2312 = {there: here for here, there in _TO_GB2312.items()}
"""A1AA and A1A4, the dash and the middle dot of every Chinese text, are U+2014 and U+00B7 since GBK; Python's gb2312
still has the signs that resembled them before, which GB 18030 writes otherwise."""

TEXT_BYTES_MAX = 65_535
AGENCY_BYTES_MAX = 255
"""What the length fields of table A.12 can say; a longer text is cut by `fitting`."""

AUX_MPEG_LAYER_2 = 1
AUX_MP3 = 2
AUX_URL = 61
AUX_PUSH = 62
"""The adapter offers an address to stream to; the table's own reading is 0x62."""
AUX_PUSH_HEX = 0x62


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """Auxiliary data; empty means "as set in the device" (GD/J 082 table G.1)."""

    type: int
    data: bytes

    @classmethod
    def url(cls, url: str) -> Auxiliary:
        """The address of an audio stream or file (type 61)."""
        return cls(AUX_URL, url.encode("utf-8"))


@dataclass(frozen=True, slots=True)
class Language:
    """One language of a message. `code` by ISO 639-2, "zho" for Chinese.

    `read_as`: where the charset byte of a peer does not explain its bytes, what did: utf-8, gb18030, or "bytes" with
    those that nothing explained as lone surrogates. Empty in everything that is sent anew.
    """

    code: str
    text: str
    agency: str
    auxiliary: tuple[Auxiliary, ...]
    charset: int = GB2312
    read_as: str = ""


def charset_for(*texts: str) -> int:
    """The smallest charset that holds the texts: GB 2312, which every device has, or GB 18030."""
    try:
        _encoded("".join(texts), GB2312)
    except UnicodeEncodeError:
        return GB18030
    return GB2312


def fitting(text: str, charset: int, bytes_max: int) -> str:
    """The beginning of `text` that takes at most `bytes_max` bytes in `charset`, cut between characters."""
    encoded = _encoded(text, charset)
    if len(encoded) <= bytes_max:
        return text
    return _decoded(encoded[:bytes_max], charset, "ignore")


auxiliary16: Layout = record(Auxiliary, "type" / Int8ub, "data" / sized(Int16ub))
"""Annex D: two bytes of length."""
_auxiliary32: Layout = record(Auxiliary, "type" / Int8ub, "data" / sized(Int32ub))
"""Annex A: four bytes of length."""


def _codec(charset: int) -> str:
    if (name := CHARSETS.get(charset)) is None:
        raise ValueError(f"charset {charset} is unknown; 0 to 4 are defined")
    return name


def _encoded(text: str, charset: int, read_as: str = "") -> bytes:
    """Raises UnicodeEncodeError at a character that the charset lacks."""
    if read_as and read_as != _BYTES:
        return text.encode(read_as)
    errors = "surrogateescape" if read_as else "strict"
    if charset != GB2312:
        return text.encode(_codec(charset), errors)
    for at, character in enumerate(text):
        if ord(character) in _FROM_GB2312:
            raise UnicodeEncodeError("gb2312", text, at, at + 1, "not in GB 2312 as everybody reads it")
    return text.translate(_TO_GB2312).encode("gb2312", errors)


def _decoded(data: bytes, charset: int, errors: str = "strict") -> str:
    text = data.decode(_codec(charset), errors)
    return text.translate(_FROM_GB2312) if charset == GB2312 else text


_BYTES = "bytes"


def _explained(parts: tuple[bytes, bytes], charset: int) -> tuple[str, str, str]:
    """Text, agency, and what else than the charset they were read as. Only a reading that writes the same bytes again
    counts. Raises RemoteProtocolError("charset")."""
    for read_as in ("", "utf-8", "gb18030", _BYTES):
        try:
            if read_as in ("", _BYTES):
                texts = [_decoded(part, charset, "surrogateescape" if read_as else "strict") for part in parts]
            else:
                texts = [part.decode(read_as) for part in parts]
            if all(_encoded(text, charset, read_as) == part for text, part in zip(texts, parts, strict=True)):
                return texts[0], texts[1], read_as
        except UnicodeError:
            continue
    raise RemoteProtocolError("charset", f"text {parts[0][:40].hex()} is not in charset {charset}")


def _language_from(block: Layout) -> Language:
    try:
        _codec(block.charset)
    except ValueError as error:
        raise RemoteProtocolError("charset", str(error)) from error
    text, agency, read_as = _explained((block.text, block.agency), block.charset)
    code = block.code.decode("ascii", "surrogateescape")
    return Language(code, text, agency, block.auxiliary, block.charset, read_as)


def _language_to(value: Language) -> dict[str, object]:
    try:
        text, agency = (_encoded(each, value.charset, value.read_as) for each in (value.text, value.agency))
    except UnicodeEncodeError as error:
        lacking = error.object[error.start]
        name = value.read_as or _codec(value.charset)
        raise LocalProtocolError(f"charset {value.charset} ({name}) lacks {lacking!r}; use charset_for") from error
    return {
        "code": value.code.encode("ascii", "surrogateescape"),
        "charset": value.charset,
        "text": text,
        "agency": agency,
        "auxiliary": value.auxiliary,
    }


language: Layout = ExprAdapter(
    Struct(
        "code" / Bytes(3),
        "charset" / Int8ub,
        "text" / sized(Int16ub),
        "agency" / sized(Int8ub),
        "auxiliary" / counted(Int8ub, _auxiliary32),
    ),
    lambda block, _: _language_from(block),
    lambda value, _: _language_to(value),
)
