"""Languages, texts and auxiliary data of a start (GD/J 089 table A.12)."""

from __future__ import annotations

from dataclasses import dataclass

from construct import Bytes, Int8ub, Int16ub, Int32ub, Struct

from protocols.charset import GB2312, GB18030, codec_of, decoded, encoded
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.wire import Layout, Named, counted, record, sized

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
        encoded("".join(texts), GB2312)
    except UnicodeEncodeError:
        return GB18030
    return GB2312


def fitting(text: str, charset: int, bytes_max: int) -> str:
    """The beginning of `text` that takes at most `bytes_max` bytes in `charset`, cut between characters."""
    data = encoded(text, charset)
    if len(data) <= bytes_max:
        return text
    return decoded(data[:bytes_max], charset, "ignore")


auxiliary16: Layout = record(Auxiliary, "type" / Int8ub, "data" / sized(Int16ub))
"""Annex D: two bytes of length."""
_auxiliary32: Layout = record(Auxiliary, "type" / Int8ub, "data" / sized(Int32ub))
"""Annex A: four bytes of length."""


def _encoded(text: str, charset: int, read_as: str = "") -> bytes:
    """Raises UnicodeEncodeError at a character that the charset lacks."""
    if read_as and read_as != _BYTES:
        return text.encode(read_as)
    return encoded(text, charset, "surrogateescape" if read_as else "strict")


_BYTES = "bytes"


def _explained(parts: tuple[bytes, bytes], charset: int) -> tuple[str, str, str]:
    """Text, agency, and what else than the charset they were read as. Only a reading that writes the same bytes again
    counts. Raises RemoteProtocolError("charset")."""
    for read_as in ("", "utf-8", "gb18030", _BYTES):
        try:
            if read_as in ("", _BYTES):
                texts = [decoded(part, charset, "surrogateescape" if read_as else "strict") for part in parts]
            else:
                texts = [part.decode(read_as) for part in parts]
            if all(_encoded(text, charset, read_as) == part for text, part in zip(texts, parts, strict=True)):
                return texts[0], texts[1], read_as
        except UnicodeError:
            continue
    raise RemoteProtocolError("charset", f"text {parts[0][:40].hex()} is not in charset {charset}")


def _language_from(block: Layout) -> Language:
    try:
        codec_of(block.charset)
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
        name = value.read_as or codec_of(value.charset)
        raise LocalProtocolError(f"charset {value.charset} ({name}) lacks {lacking!r}; use charset_for") from error
    return {
        "code": value.code.encode("ascii", "surrogateescape"),
        "charset": value.charset,
        "text": text,
        "agency": agency,
        "auxiliary": value.auxiliary,
    }


language: Layout = Named(
    "Language",
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
