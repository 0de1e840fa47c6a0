"""What people may tell terminals over FM, and the packet's content that says it (GD/J 085 clauses 5.2.3-5.2.19)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from devices.fm_manner import FmManner, phys_bytes
from devices.maintenance import HostPort
from ebcd.archive.keeper import refused
from ebcd.operator import Kind
from protocols.codes import InvalidCode, ResourceCode
from protocols.errors import LocalProtocolError
from protocols.fm.configuration import Maintenance, Query, ReturnAddress, ReturnPeriod, SetCode
from protocols.fm.daily import Amplifier, AmplifierState, DailyVolume
from protocols.fm.emergency import FactoryReset, Reset
from protocols.fm.fields import Switch
from protocols.fm.packet import Content

ValueT = TypeVar("ValueT")


_RETURN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*:\d{1,5}|\d{3,20}")


class What(StrEnum):
    """Which packet."""

    CODE = "code"  # type 1
    MAINTENANCE = "maintenance"  # type 2
    RETURN = "return"  # type 4
    PERIOD = "period"  # type 5
    QUERY = "query"  # type 8
    RESET = "reset"  # type 12
    FACTORY_RESET = "factory-reset"  # type 13
    VOLUME = "volume"  # type 23
    AMPLIFIER = "amplifier"  # type 24


@dataclass(frozen=True, slots=True)
class Wish:
    """One order. `to`: resource codes, areas or names of areas; `again`: the same once more, where that is asked for.
    What a kind has no use for is left as it is here."""

    what: What
    to: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    phys: str = ""
    code: str = ""
    address: str = ""  # host:port, or a telephone number
    seconds: int | None = None
    parameters: tuple[int, ...] = ()
    percent: int | None = None
    on: bool | None = None
    default_khz: int = 0  # 0: the default frequency stays

    def told(self) -> dict[str, str]:
        """What is said, value by value, for people and for the journal."""
        return dict(self._values())

    def _values(self) -> Iterator[tuple[str, str]]:
        for name in ("phys", "code", "address"):
            if value := getattr(self, name):
                yield name, value
        if self.on is not None:
            yield "switch", "on" if self.on else "off"
        if self.seconds is not None:
            yield "seconds", str(self.seconds)
        if self.parameters:
            yield "parameters", " ".join(f"{each:02X}" for each in self.parameters)
        if self.percent is not None:
            yield "percent", str(self.percent)
        if self.default_khz:
            yield "default", f"{self.default_khz / 1000:.2f}"


def content_of(wish: Wish, manner: FmManner) -> Content:
    """The content as a link says it. Raises OperationRefused."""
    match wish.what:
        case What.CODE:
            return SetCode(_phys(wish, manner), terminal_code(wish.code))
        case What.MAINTENANCE:
            on = _given(wish.on, "maintenance")
            return Maintenance(on, (wish.seconds or manner.maintenance_s) if on else 0)
        case What.RETURN:
            return _return(wish.address)
        case What.PERIOD:
            return ReturnPeriod(_given(wish.seconds, "period"))
        case What.QUERY:
            return Query(_given(wish.parameters or None, "query"))
        case What.RESET:
            return Reset(Switch.TO_FREQUENCY if wish.default_khz else Switch.STAY, wish.default_khz)
        case What.FACTORY_RESET:
            return FactoryReset()
        case What.VOLUME:
            return DailyVolume(_given(wish.percent, "volume"))
        case What.AMPLIFIER:
            return Amplifier(AmplifierState.ON if _given(wish.on, "amplifier") else AmplifierState.OFF)


def terminal_code(text: str) -> ResourceCode:
    """A terminal's own resource code: of one device, level 1 to 6. Raises OperationRefused."""
    try:
        code = ResourceCode(text)
    except InvalidCode as error:
        raise refused(Kind.INVALID, "fm_bad_value", "code", text, str(error)) from None
    if not 1 <= code.level <= 6 or code.subtype != "04" or "00" in (code.type_serial, code.subtype_serial):
        raise refused(Kind.INVALID, "fm_no_terminal_code", "code", text)
    return code


def _given(value: ValueT | None, thing: str) -> ValueT:
    if value is None:
        raise refused(Kind.INVALID, "fm_value_missing", thing)
    return value


def _phys(wish: Wish, manner: FmManner) -> bytes:
    try:
        return phys_bytes(wish.phys, manner.phys_encoding)
    except ValueError as error:
        raise refused(Kind.INVALID, "fm_bad_value", "phys", wish.phys, str(error)) from None


def _return(address: str) -> ReturnAddress:
    """A number: by text message; otherwise to an address or a name, and a port."""
    if not _RETURN.fullmatch(address):
        raise refused(Kind.INVALID, "fm_bad_return", "return", address)
    try:
        if ":" not in address:
            return ReturnAddress.sms(address)
        to = HostPort.parse(address)
        is_number = to.host.replace(".", "").isdecimal()
        return ReturnAddress.ip(to.host, to.port) if is_number else ReturnAddress.domain(to.host, to.port)
    except (ValueError, LocalProtocolError) as error:
        raise refused(Kind.INVALID, "fm_bad_value", "return", address, str(error)) from None
