"""Signature block, certificate and authorisation list, and exactly which bytes are signed (GD/J 081-2018).

A codec takes a `Sign`: it is given the command without the time, appends its signer's own time, and returns the block.
Layouts are proved on captured frames; where the standards contradict each other the caller names a `Scope`.
"""

from __future__ import annotations

from calendar import timegm
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import Protocol, Self

from construct import Array, Bytes, Int8ub, Int32ub, Rebuild, Struct, this

from protocols.errors import LocalProtocolError, RemoteProtocolError

CertificateNumber = bytes
"""Six opaque bytes; shown as 12 hex digits (GD/J 081 clause 6.1)."""
Sign = Callable[[bytes], "SignatureBlock"]

NUMBER_BYTES = 6
VALUE_BYTES = 64
BLOCK_BYTES = 74
CERTIFICATE_BYTES = 143
LIST_CERTIFICATES_MAX = 255
LIST_BYTES_MAX = 78 + 6 * LIST_CERTIFICATES_MAX
VERSIONS = frozenset({0x00, 0x10})  # this edition, and what a deployed vendor writes (signature.md 4)
RESERVED_NUMBER_MAX = 0xFF  # numbers of the certificate management system
_BEIJING_S = 8 * 3600

_BLOCK = Struct("time" / Int32ub, "certificate" / Bytes(NUMBER_BYTES), "value" / Bytes(VALUE_BYTES))
_CERTIFICATE = Struct(
    "version" / Int8ub,
    "issuer" / Bytes(NUMBER_BYTES),
    "number" / Bytes(NUMBER_BYTES),
    "year" / Int8ub,
    "month" / Int8ub,
    "public_key" / Bytes(64),
    "signature" / Bytes(VALUE_BYTES),
)
_LIST = Struct(
    "receiver" / Bytes(NUMBER_BYTES),
    "serial" / Int8ub,
    "count" / Rebuild(Int8ub, lambda context: len(context.certificates)),
    "certificates" / Array(this.count, Bytes(NUMBER_BYTES)),
    "signer" / Bytes(NUMBER_BYTES),
    "signature" / Bytes(VALUE_BYTES),
)


class Scope(Enum):
    """Which bytes before the signature value are signed."""

    CMD_TIME = "cmd_time"
    """Command ‖ time; the certificate number is added after signing (081 5.4; proved on captures)."""
    ALL_PRECEDING = "all_preceding"
    """Command ‖ time ‖ certificate number (084 and 085 read to the letter)."""
    COMMAND = "command"
    """The command or file alone (platform XML, profile A)."""


def signed_bytes(command: bytes, block: SignatureBlock, scope: Scope = Scope.CMD_TIME) -> bytes:
    """What the signature in `block` is over, for signers and verifiers alike."""
    match scope:
        case Scope.CMD_TIME:
            return command + block.time.to_bytes(4, "big")
        case Scope.ALL_PRECEDING:
            return command + block.time.to_bytes(4, "big") + block.certificate
        case Scope.COMMAND:
            return command


class Verifies(Protocol):
    """A public key."""

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` (r ‖ s) is over `message`."""


@dataclass(frozen=True, slots=True)
class SignedRange:
    """One reading of "what is signed" on a carrier: where the signed bytes begin and what follows them."""

    name: str
    scope: Scope = Scope.CMD_TIME
    begin: Callable[[bytes], int] = lambda _command: 0

    def message(self, command: bytes, block: SignatureBlock) -> bytes:
        """The signed bytes of a command, which is everything before the block (and before its length field)."""
        return signed_bytes(command[self.begin(command) :], block, self.scope)


class FefdScope(StrEnum):
    """`fefd.sign_scope`: what header D signs, in the order a verifier tries (089 D.2 against D.4; 081 5.4)."""

    HEAD_BODY_TIME = "head_body_time"
    BODY_TIME = "body_time"
    HEAD_BODY = "head_body"
    DATA_TIME = "data_time"  # as body_time, where "body" is read as the data alone, without business type and length


class FmScope(StrEnum):
    """`fm.sign_scope`: what packets of 085 and 084 sign, in the order a verifier tries."""

    CMD_TIME = "cmd_time"
    ALL_PRECEDING = "all_preceding"


class TsScope(StrEnum):
    """`ts.sign_scope`: what the sections of 086 and 089 annex C sign, in the order a verifier tries."""

    SECTION_TIME = "section_time"
    BODY_TIME = "body_time"


_FEFD_TARGETS_AT, _CODE_BYTES, _FEFD_BUSINESS_BYTES, _TS_BODY_AT = 24, 12, 3, 8


def _fefd_body(command: bytes) -> int:
    """Where the business type stands in a frame of header D (089 table D.2)."""
    return _FEFD_TARGETS_AT + 2 + _CODE_BYTES * int.from_bytes(command[_FEFD_TARGETS_AT : _FEFD_TARGETS_AT + 2], "big")


def _fefd_data(command: bytes) -> int:
    """Where its data begin."""
    return _fefd_body(command) + _FEFD_BUSINESS_BYTES


FEFD_RANGES = {
    FefdScope.HEAD_BODY_TIME: SignedRange("head_body_time"),
    FefdScope.BODY_TIME: SignedRange("body_time", begin=_fefd_body),
    FefdScope.HEAD_BODY: SignedRange("head_body", Scope.COMMAND),
    FefdScope.DATA_TIME: SignedRange("data_time", begin=_fefd_data),
}
FM_RANGES = {
    FmScope.CMD_TIME: SignedRange("cmd_time"),
    FmScope.ALL_PRECEDING: SignedRange("all_preceding", Scope.ALL_PRECEDING),
}
TS_RANGES = {
    TsScope.SECTION_TIME: SignedRange("section_time"),
    TsScope.BODY_TIME: SignedRange("body_time", begin=lambda _command: _TS_BODY_AT),  # behind last_section_number
}


def range_of(scope: FefdScope | FmScope | TsScope) -> SignedRange:
    """What a `sign_scope` of the configuration means."""
    match scope:
        case FefdScope():
            return FEFD_RANGES[scope]
        case FmScope():
            return FM_RANGES[scope]
        case TsScope():
            return TS_RANGES[scope]


WHOLE = SignedRange("head_body_time")
"""Frames of 089 annex A, for which captures leave no doubt."""


def matching_range(
    command: bytes, block: SignatureBlock, key: Verifies, ranges: Iterable[SignedRange]
) -> SignedRange | None:
    """The first reading under which `block` is `key`'s signature, or None."""
    return next((each for each in ranges if key.verify(each.message(command, block), block.value)), None)


def number_text(number: CertificateNumber) -> str:
    """Twelve hex digits, as people and configuration write a certificate number."""
    return number.hex().upper()


def number_from_text(text: str) -> CertificateNumber:
    """Back from 12 digits, or 16 that start with 0000 (081 annex B). Raises LocalProtocolError."""
    stripped = text.strip()
    if len(stripped) == 16 and stripped.startswith("0000"):
        stripped = stripped[4:]
    try:
        number = bytes.fromhex(stripped)
    except ValueError:
        number = b""
    if len(number) != NUMBER_BYTES or len(stripped) != 2 * NUMBER_BYTES:
        raise LocalProtocolError(f"certificate number {text!r} is not 12 hex digits")
    return number


def _sizes(parts: tuple[tuple[str, bytes, int], ...]) -> None:
    for name, value, size in parts:
        if len(value) != size:
            raise LocalProtocolError(f"{name} has {len(value)} bytes, {size} are needed")


@dataclass(frozen=True, slots=True)
class SignatureBlock:
    """Appended block, 74 bytes (GD/J 081 table 2). `time`: UTC seconds, or the signing box's own counter."""

    time: int
    certificate: CertificateNumber
    value: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.time < 2**32:
            raise LocalProtocolError(f"signature time {self.time} does not fit 32 bits")
        _sizes((("certificate number", self.certificate, NUMBER_BYTES), ("signature", self.value, VALUE_BYTES)))

    def encode(self) -> bytes:
        """74 bytes."""
        return self.time.to_bytes(4, "big") + self.certificate + self.value

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Exactly 74 bytes. Raises RemoteProtocolError("length")."""
        if len(data) != BLOCK_BYTES:
            raise RemoteProtocolError("length", f"a signature block has {BLOCK_BYTES} bytes, here are {len(data)}")
        return cls(int.from_bytes(data[:4], "big"), data[4:10], data[10:])

    @property
    def is_empty(self) -> bool:
        """All zeros: what unsigned answers of adapters carry (captures)."""
        return self.time == 0 and not any(self.certificate) and not any(self.value)


UNSIGNED = SignatureBlock(0, bytes(NUMBER_BYTES), bytes(VALUE_BYTES))
"""The zero block of answers that nobody signs."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Certificate, 143 bytes (GD/J 081 table 1). Valid through the last second of `month`, Beijing time."""

    issuer: CertificateNumber
    number: CertificateNumber
    year: int
    month: int
    public_key: bytes
    signature: bytes = bytes(VALUE_BYTES)
    version: int = 0x00

    def __post_init__(self) -> None:
        if not 2000 <= self.year <= 2255 or not 0 <= self.month <= 255 or not 0 <= self.version <= 255:
            raise LocalProtocolError(f"year {self.year}, month {self.month} or version {self.version} fits no byte")
        _sizes(
            (
                ("issuer number", self.issuer, NUMBER_BYTES),
                ("certificate number", self.number, NUMBER_BYTES),
                ("public key", self.public_key, 64),
                ("signature", self.signature, VALUE_BYTES),
            )
        )

    def encode(self) -> bytes:
        """143 bytes."""
        fields = {name: getattr(self, name) for name in ("version", "issuer", "number", "month", "public_key")}
        return bytes(_CERTIFICATE.build({**fields, "year": self.year - 2000, "signature": self.signature}))

    @classmethod
    def decode(cls, data: bytes, versions: Collection[int] = VERSIONS) -> Self:
        """Exactly 143 bytes; version and month are judged too. Raises RemoteProtocolError("length", "certificate")."""
        if len(data) != CERTIFICATE_BYTES:
            raise RemoteProtocolError("length", f"a certificate has {CERTIFICATE_BYTES} bytes, here are {len(data)}")
        read = _CERTIFICATE.parse(data)
        if read.version not in versions:
            known = ", ".join(f"{each:02X}" for each in sorted(versions))
            raise RemoteProtocolError("certificate", f"version {read.version:02X} is unknown; known: {known}", offset=0)
        if not 1 <= read.month <= 12:
            raise RemoteProtocolError("certificate", f"validity names month {read.month}", offset=14)
        return cls(
            read.issuer, read.number, 2000 + read.year, read.month, read.public_key, read.signature, read.version
        )

    def signed_bytes(self) -> bytes:
        """The 79 bytes that the issuer signs: everything before the signature."""
        return self.encode()[:-VALUE_BYTES]

    def signed_by(self, sign: Callable[[bytes], bytes]) -> Self:
        """The same certificate with the issuer's signature; `sign` turns bytes into r ‖ s."""
        return replace(self, signature=sign(self.signed_bytes()))

    @property
    def valid_until(self) -> int:
        """First UTC second at which it has expired: the month after starts in Beijing."""
        year, month = (self.year + 1, 1) if self.month == 12 else (self.year, self.month + 1)
        return timegm((year, month, 1, 0, 0, 0)) - _BEIJING_S

    def valid_at(self, utc_seconds: float) -> bool:
        """Whether it has not expired; there is no start of validity (081 6.1)."""
        return utc_seconds < self.valid_until

    @property
    def is_reserved(self) -> bool:
        """Whether the number is one of the certificate management system's (081 6.1)."""
        return int.from_bytes(self.number, "big") <= RESERVED_NUMBER_MAX


@dataclass(frozen=True, slots=True)
class AuthorisationList:
    """Which certificates one receiver may trust, 78 + 6n bytes (GD/J 081 table 6)."""

    receiver: CertificateNumber
    serial: int
    certificates: tuple[CertificateNumber, ...]
    signer: CertificateNumber
    signature: bytes = bytes(VALUE_BYTES)

    def __post_init__(self) -> None:
        if not 0 <= self.serial <= 255:
            raise LocalProtocolError(f"list serial {self.serial} fits no byte")
        if len(self.certificates) > LIST_CERTIFICATES_MAX:
            raise LocalProtocolError(f"{len(self.certificates)} certificates; a list holds {LIST_CERTIFICATES_MAX}")
        numbers = tuple(("certificate number", number, NUMBER_BYTES) for number in self.certificates)
        _sizes((("receiver number", self.receiver, NUMBER_BYTES), ("signer number", self.signer, NUMBER_BYTES)))
        _sizes((*numbers, ("signature", self.signature, VALUE_BYTES)))

    def encode(self) -> bytes:
        """78 + 6n bytes."""
        return bytes(
            _LIST.build(
                {
                    "receiver": self.receiver,
                    "serial": self.serial,
                    "certificates": self.certificates,
                    "signer": self.signer,
                    "signature": self.signature,
                }
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The whole of `data` must be one list. Raises RemoteProtocolError("length")."""
        if len(data) < 8 or len(data) != 78 + 6 * data[7]:
            raise RemoteProtocolError("length", f"an authorisation list has 78 + 6n bytes, here are {len(data)}")
        read = _LIST.parse(data)
        return cls(read.receiver, read.serial, tuple(read.certificates), read.signer, read.signature)

    def signed_bytes(self) -> bytes:
        """All fields before the signature."""
        return self.encode()[:-VALUE_BYTES]

    def signed_by(self, sign: Callable[[bytes], bytes]) -> Self:
        """The same list with its signature; `sign` turns bytes into r ‖ s."""
        return replace(self, signature=sign(self.signed_bytes()))

    def follows(self, old_serial: int) -> bool:
        """Whether it may replace the list with `old_serial`: 1 … 127 ahead modulo 256 (081 6.5: "increases")."""
        return 1 <= (self.serial - old_serial) % 256 <= 127
