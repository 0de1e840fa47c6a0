"""The numbers by which everything is named: resources, areas, messages, packages.

All four are plain strings that cannot be built wrong (GD/J 080 clause 4; GD/J 082 for EBMID and EBDID). Only the
structure is checked: whether a level, a type or a date exists is judged where it matters, so that a peer's odd code can
still be shown and refused by name. Wire form: a nibble F and the digits as BCD (GD/J 089 table A.12).
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar, Self

from protocols.errors import RemoteProtocolError

AREA_GROUPS = (2, 2, 2, 3, 3)  # province, city, county (GB/T 2260), township, village (GB/T 10114)
_AREA_ENDS = (2, 4, 6, 9, 12)


class InvalidCode(ValueError):
    """A text is no such code; the message names the digit or the length that is wrong."""


class Digits(str):
    """A text of a fixed number of ASCII digits."""

    __slots__ = ()
    length: ClassVar[int]
    noun: ClassVar[str]

    def __new__(cls, text: str) -> Self:
        """Check and wrap; what has been checked stays what it is. Raises InvalidCode."""
        if type(text) is cls:
            return text
        if len(text) != cls.length:
            raise InvalidCode(f"{cls.noun} {text!r} has {len(text)} characters, {cls.length} digits are needed")
        if not (text.isascii() and text.isdigit()):
            at = next(i for i, c in enumerate(text) if c not in "0123456789")
            raise InvalidCode(f"{cls.noun} {text!r}: character {at + 1} is {text[at]!r}, a digit is needed")
        return str.__new__(cls, text)


class _Bcd(Digits):
    """Digits that travel as a nibble F and BCD."""

    __slots__ = ()

    @classmethod
    def wire_bytes(cls) -> int:
        """Bytes of the wire form."""
        return (cls.length + 1) // 2

    def to_bcd(self) -> bytes:
        """The wire form: nibble F, then one nibble a digit (GD/J 089 table A.12)."""
        return bytes.fromhex("F" + self)

    @classmethod
    def from_bcd(cls, data: bytes) -> Self:
        """Read the wire form. Raises RemoteProtocolError("code") naming the nibble, since the bytes are a peer's."""
        text = data.hex()
        if len(text) != cls.length + 1:
            raise RemoteProtocolError("code", f"{cls.noun} takes {cls.wire_bytes()} bytes, here are {len(data)}")
        if text[0] != "f":
            raise RemoteProtocolError("code", f"{cls.noun} {text} starts with nibble {text[0]}, F is needed", offset=0)
        digits = text[1:]
        if not digits.isdigit():
            at = next(i for i, c in enumerate(digits) if c not in "0123456789")
            raise RemoteProtocolError(
                "code", f"{cls.noun} {text}: digit {at + 1} is nibble {digits[at]}", offset=(at + 1) // 2
            )
        return str.__new__(cls, digits)


class AreaCode(Digits):
    """Region code 地区编码: 12 digits, trailing zero groups mean the whole upper area (GD/J 080 clause 4)."""

    __slots__ = ()
    length = 12
    noun = "area code"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take what people and peers write: 12 digits, or 6 or 9 that are padded with zeros (invariant I2).

        Raises InvalidCode for any other length.
        """
        stripped = text.strip()
        if len(stripped) not in (6, 9, 12):
            raise InvalidCode(f"area code {text!r} has {len(stripped)} characters, 6, 9 or 12 digits are needed")
        return cls(stripped.ljust(12, "0"))

    @property
    def stem(self) -> str:
        """The digits that say something: trailing zero groups (2-2-2-3-3) removed; empty for all zeros."""
        end = 12
        for size in reversed(AREA_GROUPS):
            if self[end - size : end].strip("0"):
                break
            end -= size
        return str(self)[:end]

    @property
    def level(self) -> int:
        """1 central, 2 province, 3 city, 4 county, 5 township, 6 village: what the trailing zeros leave."""
        return 1 if not (stem := self.stem) else _AREA_ENDS.index(len(stem)) + 2

    @property
    def enclosing(self) -> tuple[AreaCode, ...]:
        """This area and every one around it, the country (all zeros) last."""
        stem = self.stem
        ends = [end for end in (0, *_AREA_ENDS) if end <= len(stem)]
        return tuple(dict.fromkeys(AreaCode(stem[:end].ljust(12, "0")) for end in reversed(ends)))


class ResourceCode(_Bcd):
    """EBRID 资源编码 (GD/J 080 table 2), 23 digits: level 1, area 12, type 4, serial 2, sub-type 2, its serial 2."""

    __slots__ = ()
    length = 23
    noun = "resource code"

    @property
    def level(self) -> int:
        """1 central ... 6 village; 0 is seen in captures and means any (GD/J 080 table 3)."""
        return int(self[0])

    @property
    def area(self) -> AreaCode:
        """Region code."""
        return str.__new__(AreaCode, self[1:13])

    @property
    def type(self) -> str:
        """Resource type, 4 digits: 0101 platform, 0314 loudspeaker system (GD/J 080 table 4, GD/J 082 table C.6)."""
        return self[13:17]

    @property
    def type_serial(self) -> str:
        """Serial of the type, 01-99; 00 means any in an address."""
        return self[17:19]

    @property
    def subtype(self) -> str:
        """01 platform or system itself, 02 adapter, 03 transmitting device, 04 terminal (GD/J 080 table 5)."""
        return self[19:21]

    @property
    def subtype_serial(self) -> str:
        """Serial of the sub-type, 01-99; 00 means all of them (GD/J 080 table B.1)."""
        return self[21:23]

    @classmethod
    def build(
        cls,
        level: int,
        area: str,
        type_: str | int,
        type_serial: str | int,
        subtype: str | int,
        subtype_serial: str | int,
    ) -> Self:
        """Put a code together; numbers are padded with zeros. Raises InvalidCode naming the part."""
        if not 0 <= level <= 6:
            raise InvalidCode(f"resource level is {level}, 0 to 6 are possible")
        parts = [str(level), AreaCode(area)]
        for name, value, size in (
            ("type", type_, 4),
            ("type serial", type_serial, 2),
            ("sub-type", subtype, 2),
            ("sub-type serial", subtype_serial, 2),
        ):
            text = str(value).rjust(size, "0")
            if len(text) != size:
                raise InvalidCode(f"{name} of a resource code is {value!r}, {size} digits are needed")
            parts.append(text)
        return cls("".join(parts))


class EbmId(_Bcd):
    """EBMID, 35 digits: platform 23, date YYYYMMDD 8, sequence 4 (GD/J 082)."""

    __slots__ = ()
    length = 35
    noun = "EBM id"
    EVERYTHING: ClassVar[EbmId]
    """All zeros: in a stop it switches off everything in the area (GD/J 089 table A.12)."""

    @property
    def platform(self) -> ResourceCode:
        """The platform that gave the id."""
        return str.__new__(ResourceCode, self[:23])

    @property
    def date(self) -> str:
        """YYYYMMDD, Beijing date of the message."""
        return self[23:31]

    @property
    def serial(self) -> str:
        """0000 not compulsory (daily), 0001-9999 compulsory."""
        return self[31:35]

    @property
    def forced(self) -> bool:
        """Whether the serial says compulsory (GD/J 082)."""
        return self[31:35] != "0000"

    @classmethod
    def build(cls, platform: str, date: str, serial: int) -> Self:
        """Put an id together from the platform's code, YYYYMMDD and 0-9999. Raises InvalidCode."""
        if not 0 <= serial <= 9999:
            raise InvalidCode(f"EBM serial is {serial}, 0 to 9999 are possible")
        return cls(f"{ResourceCode(platform)}{date}{serial:04d}")

    @classmethod
    def from_bcd(cls, data: bytes) -> EbmId:
        """Read the wire form; 18 zero bytes are read as `EVERYTHING` too. Raises RemoteProtocolError("code")."""
        return BARE_ZEROS if data == _EIGHTEEN_ZEROS else super().from_bcd(data)


class _BareZeros(EbmId):
    """`EbmId.EVERYTHING` as some peers write it, without the nibble F; written again as it came."""

    __slots__ = ()

    def to_bcd(self) -> bytes:
        """18 zero bytes."""
        return _EIGHTEEN_ZEROS


_EIGHTEEN_ZEROS = bytes(18)
EbmId.EVERYTHING = EbmId("0" * 35)
BARE_ZEROS = _BareZeros("0" * 35)

CODES_KEPT_MAX = 32_768
"""Wire forms of codes whose reading is remembered: the same devices speak all day."""
IDS_KEPT_MAX = 1024
"""The same for messages: thousands of devices speak of one."""
resource_code_of = lru_cache(CODES_KEPT_MAX)(ResourceCode.from_bcd)
"""`ResourceCode.from_bcd` with a memory."""
ebm_id_of = lru_cache(IDS_KEPT_MAX)(EbmId.from_bcd)
"""`EbmId.from_bcd` with a memory."""


class EbdId(Digits):
    """EBDID, 41 digits: kind 2, sender 23, sequence 16 (GD/J 082)."""

    __slots__ = ()
    length = 41
    noun = "EBD id"
    HEARTBEAT: ClassVar[str] = "01"
    MESSAGE: ClassVar[str] = "10"

    @property
    def kind(self) -> str:
        """01 heartbeat, 10 everything else."""
        return self[:2]

    @property
    def sender(self) -> ResourceCode:
        """The platform that made the package."""
        return str.__new__(ResourceCode, self[2:25])

    @property
    def sequence(self) -> int:
        """The sender's own counter; some peers write date and counter, so only its uniqueness counts."""
        return int(self[25:])

    @classmethod
    def build(cls, kind: str, sender: str, sequence: int) -> Self:
        """Put an id together; `kind` is 01 (sequence must be 0) or 10. Raises InvalidCode."""
        if kind not in (cls.HEARTBEAT, cls.MESSAGE):
            raise InvalidCode(f"EBD id kind is {kind!r}, 01 (heartbeat) or 10 are possible")
        if not 0 <= sequence < 10**16:
            raise InvalidCode(f"EBD id sequence is {sequence}, 0 to 9999999999999999 are possible")
        if kind == cls.HEARTBEAT and sequence:
            raise InvalidCode(f"a heartbeat's EBD id has sequence 0, not {sequence}")
        return cls(f"{kind}{ResourceCode(sender)}{sequence:016d}")


def covers(outer: AreaCode, inner: AreaCode) -> bool:
    """Whether `outer` is `inner` or encloses it (platform.md 5.11: its stem is a prefix)."""
    return inner.startswith(outer.stem)


def matches(target: ResourceCode, device: ResourceCode) -> bool:
    """Whether an address means this device (GD/J 080 table B.1 and captures).

    Level equal or 0 in the target; region inside the target's; type equal; type serial equal or 00 in the target;
    sub-type equal; sub serial equal or 00 in the target.
    """
    return (
        target[0] in ("0", device[0])
        and target[13:17] == device[13:17]
        and target[19:21] == device[19:21]
        and target[21:23] in ("00", device[21:23])
        and target[17:19] in ("00", device[17:19])
        and device[1:13].startswith(target.area.stem)
    )
