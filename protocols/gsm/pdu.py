"""SMS-SUBMIT and SMS-DELIVER as hexadecimal text of AT commands (3GPP TS 23.040 sections 9.2.2.1, 9.2.2.2).

    SUBMIT    00 (SMSC of the card) | 11 or 51 | reference 00 | address | PID 00 | DCS 08 | validity | length | UCS-2
    DELIVER   SMSC | type | address | PID | DCS | time 7 | length | data
    address   number of digits, 91 international or 81 unknown, digits in swapped nibbles, F fills the last

A long text goes out in parts of 67 characters, each behind a header of six bytes: 05 00 03 reference total number.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.gsm.alphabet import decode_septets

SINGLE_UNITS_MAX = 70
"""UCS-2 units of one message."""
PART_UNITS_MAX = 67
PARTS_MAX = 10
NUMBER_DIGITS_MAX = 20
VALIDITY_1_H = 11
"""Relative validity (value + 1) x 5 minutes: an order that is older than an hour is told anew, not delivered late."""
PDU_BYTES_MAX = 200
OPEN_TEXTS_MAX = 100

_SUBMIT, _HEADER, _RELATIVE = 0x01, 0x40, 0x10
_UCS2 = 0x08
_INTERNATIONAL, _UNKNOWN, _ALPHANUMERIC = 0x91, 0x81, 0xD0
_COMPRESSED = 0x20
_CONCATENATED_8, _CONCATENATED_16 = 0x00, 0x08


class _Alphabet(Enum):
    DEFAULT = auto()  # seven bits
    BYTES = auto()
    UCS2 = auto()


@dataclass(frozen=True, slots=True)
class Submission:
    """One part to hand to the modem: `length` is what AT+CMGS is told (bytes without the SMSC)."""

    pdu: str
    length: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """One part that came in. `reference`, `total` and `part` (from 1) where it is a piece of a longer text."""

    number: str
    text: str
    reference: int = 0
    total: int = 1
    part: int = 1


def encode_submit(number: str, text: str, reference: int) -> tuple[Submission, ...]:
    """A text as one or more parts; `reference` (0-255) ties them. Raises LocalProtocolError for a number that is none,
    or a text that is empty or too long."""
    pieces = list(_pieces(text))
    if not pieces or len(pieces) > PARTS_MAX:
        limit = PARTS_MAX * PART_UNITS_MAX
        raise LocalProtocolError(f"a text of {len(text)} characters; 1 to {limit} can be sent")
    address = _address(number)
    parts = []
    for at, piece in enumerate(pieces, 1):
        header = bytes((5, 0, 3, reference & 0xFF, len(pieces), at)) if len(pieces) > 1 else b""
        data = header + piece.encode("utf-16-be")
        first = _SUBMIT | _RELATIVE | (_HEADER if header else 0)
        tpdu = bytes((first, 0)) + address + bytes((0, _UCS2, VALIDITY_1_H, len(data))) + data
        parts.append(Submission(f"00{tpdu.hex().upper()}", len(tpdu)))
    return tuple(parts)


def _pieces(text: str) -> Iterator[str]:
    """The text in parts; a character of two units is never cut."""
    units_max = SINGLE_UNITS_MAX if _units(text) <= SINGLE_UNITS_MAX else PART_UNITS_MAX
    piece, size = "", 0
    for character in text:
        units = _units(character)
        if size + units > units_max:
            yield piece
            piece, size = "", 0
        piece, size = piece + character, size + units
    if piece:
        yield piece


def _units(text: str) -> int:
    return len(text.encode("utf-16-be", "replace")) // 2


def _address(number: str) -> bytes:
    digits = number.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and 3 <= len(digits) <= NUMBER_DIGITS_MAX):
        raise LocalProtocolError(f"{number!r} is no telephone number of 3 to {NUMBER_DIGITS_MAX} digits")
    kind = _INTERNATIONAL if number.startswith("+") else _UNKNOWN
    padded = digits + "F" * (len(digits) % 2)
    swapped = "".join(padded[at + 1] + padded[at] for at in range(0, len(padded), 2))
    return bytes((len(digits), kind)) + bytes.fromhex(swapped)


def decode_deliver(pdu: str) -> Delivered:
    """Read what AT+CMGR or AT+CMGL shows. Raises RemoteProtocolError("pdu")."""
    try:
        data = bytes.fromhex(pdu)
        if len(data) > PDU_BYTES_MAX:
            raise ValueError(f"{len(data)} bytes, {PDU_BYTES_MAX} are possible")
        return _deliver(data)
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise RemoteProtocolError("pdu", f"{pdu[:40]}: {error}") from error


def _deliver(data: bytes) -> Delivered:
    at = 1 + data[0]
    first = data[at]
    if first & 0x03:
        raise ValueError(f"type {first & 0x03} is no delivery")
    number, at = _number(data, at + 1)
    dcs, length = data[at + 1], data[at + 9]
    body, header = data[at + 10 :], b""
    reference, total, part = 0, 1, 1
    if first & _HEADER:
        header = body[: 1 + body[0]]
        reference, total, part = _concatenation(header)
    return Delivered(number, _text(dcs, body, len(header), length), reference, total, part)


def _text(dcs: int, body: bytes, header_bytes: int, length: int) -> str:
    """The words behind the header. `length`: septets of the default alphabet, else bytes, header included."""
    alphabet = _alphabet(dcs)
    if alphabet is _Alphabet.DEFAULT:
        if len(body) < (length * 7 + 7) // 8:
            raise ValueError(f"{length} characters announced, {len(body)} bytes are here")
        septets = (header_bytes * 8 + 6) // 7
        fill = septets * 7 - header_bytes * 8
        return decode_septets(body[header_bytes:], max(0, length - septets), fill)
    if len(body) < length:
        raise ValueError(f"{length} bytes announced, {len(body)} are here")
    words = body[header_bytes:length]
    if alphabet is _Alphabet.BYTES:
        return words.decode("latin-1")
    return words.decode("utf-16-be", "surrogatepass")  # telephones cut between the two halves of a character


def _alphabet(dcs: int) -> _Alphabet:
    """The data coding scheme (TS 23.038 section 4)."""
    if dcs < 0x80:  # general, and the same with deletion by itself
        if dcs & _COMPRESSED:
            raise ValueError(f"coding {dcs:02X} is compressed")
        return (_Alphabet.DEFAULT, _Alphabet.BYTES, _Alphabet.UCS2, _Alphabet.DEFAULT)[dcs >> 2 & 0x03]
    if dcs >= 0xF0:
        return _Alphabet.BYTES if dcs & 0x04 else _Alphabet.DEFAULT
    return _Alphabet.UCS2 if dcs >= 0xE0 else _Alphabet.DEFAULT  # a message waits; reserved ones count as default


def _number(data: bytes, at: int) -> tuple[str, int]:
    digits, kind = data[at], data[at + 1]
    end = at + 2 + (digits + 1) // 2
    raw = data[at + 2 : end]
    if len(raw) != (digits + 1) // 2:
        raise ValueError("the address is cut short")
    if kind & 0xF0 == _ALPHANUMERIC & 0xF0:
        return decode_septets(raw, digits * 4 // 7), end
    swapped = "".join(f"{byte & 15:x}{byte >> 4:x}" for byte in raw)[:digits]
    return ("+" if kind == _INTERNATIONAL else "") + swapped, end


def _concatenation(header: bytes) -> tuple[int, int, int]:
    """Reference, number of parts and part from a user data header; a lone message where it holds something else."""
    at = 1
    while at + 1 < len(header):
        kind, size = header[at], header[at + 1]
        value = header[at + 2 : at + 2 + size]
        if kind == _CONCATENATED_8 and size == 3:
            return value[0], value[1], value[2]
        if kind == _CONCATENATED_16 and size == 4:
            return value[0] << 8 | value[1], value[2], value[3]
        at += 2 + size
    return 0, 1, 1


class Parts:
    """Puts long texts together; of texts whose parts never all come, the oldest are forgotten."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[str, int, int], dict[int, str]] = OrderedDict()

    def add(self, part: Delivered) -> tuple[str, str] | None:
        """Number and whole text, when it is whole."""
        if part.total <= 1:
            return part.number, _joined([part.text])
        if not 1 <= part.part <= part.total:
            raise RemoteProtocolError("pdu", f"part {part.part} of {part.total}")
        key = (part.number, part.reference, part.total)
        texts = self._open.setdefault(key, {})
        texts[part.part] = part.text
        if len(texts) < part.total:
            if len(self._open) > OPEN_TEXTS_MAX:
                self._open.popitem(last=False)
            return None
        del self._open[key]
        return part.number, _joined([texts[at] for at in range(1, part.total + 1)])


def _joined(pieces: list[str]) -> str:
    """One text: halves of a character that two parts carried find each other, a lone half is shown as unreadable."""
    return "".join(pieces).encode("utf-16-be", "surrogatepass").decode("utf-16-be", "replace")
