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
    """One language of a message. `code` by ISO 639-2, "zho" for Chinese."""

    code: str
    text: str
    agency: str
    auxiliary: tuple[Auxiliary, ...]
    charset: int = GB2312


def charset_for(*texts: str) -> int:
    """The smallest charset that holds the texts: GB 2312, which every device has, or GB 18030."""
    try:
        "".join(texts).encode("gb2312")
    except UnicodeEncodeError:
        return GB18030
    return GB2312


def fitting(text: str, charset: int, bytes_max: int) -> str:
    """The beginning of `text` that takes at most `bytes_max` bytes in `charset`, cut between characters."""
    encoded = text.encode(_codec(charset))
    if len(encoded) <= bytes_max:
        return text
    return encoded[:bytes_max].decode(_codec(charset), "ignore")


auxiliary16: Layout = record(Auxiliary, "type" / Int8ub, "data" / sized(Int16ub))
"""Annex D: two bytes of length."""
_auxiliary32: Layout = record(Auxiliary, "type" / Int8ub, "data" / sized(Int32ub))
"""Annex A: four bytes of length."""


def _codec(charset: int) -> str:
    if (name := CHARSETS.get(charset)) is None:
        raise ValueError(f"charset {charset} is unknown; 0 to 4 are defined")
    return name


def _language_from(block: Layout) -> Language:
    try:
        codec = _codec(block.charset)
        text, agency = block.text.decode(codec), block.agency.decode(codec)
    except ValueError as error:
        raise RemoteProtocolError("charset", str(error)) from error
    return Language(block.code.decode("ascii"), text, agency, block.auxiliary, block.charset)


def _language_to(value: Language) -> dict[str, object]:
    try:
        codec = _codec(value.charset)
        text, agency = value.text.encode(codec), value.agency.encode(codec)
    except UnicodeEncodeError as error:
        lacking = error.object[error.start]
        raise LocalProtocolError(f"charset {value.charset} ({codec}) lacks {lacking!r}; use charset_for") from error
    return {
        "code": value.code.encode("ascii"),
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
