"""Parameters of terminals: what can be asked (table E.5) and what can be set (table D.9), two different lists.

A value that its id does not explain stays a `RawParameter`, so that it can be shown and sent again unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from construct import Bytes, ExprAdapter, GreedyBytes, Int8ub, Int16ub, Int32ub, Struct

from protocols.adapter.targets import DomainReturn, IpReturn, SmsReturn
from protocols.codes import ResourceCode
from protocols.errors import RemoteProtocolError
from protocols.wire import Layout, build, counted, frequency_khz, hexadecimal, ipv4, parse, record, resource_code, sized

VOLUME = 0x01
LOCAL_ADDRESS = 0x02
RETURN_ADDRESS = 0x03
RESOURCE_CODE = 0x04
PHYSICAL_ADDRESS = 0x05
WORK_STATE = 0x06
FAULT_CODE = 0x07
DEVICE_TYPE = 0x08
HARDWARE_VERSION = 0x09
SOFTWARE_VERSION = 0x0A
FM_SIGNAL = 0x0B
CABLE_SIGNAL = 0x0C
DTMB_SIGNAL = 0x0D
CABLE_FREQUENCY = 0x0E
DTMB_FREQUENCY = 0x0F
FM_SCAN_LIST = 0x10
CURRENT_FM = 0x11
FM_MAINTENANCE = 0x12


class ParameterTable(StrEnum):
    """Which list of parameters a terminal answers by."""

    OF_2018 = "2018"
    DRAFT = "draft"
    """An older draft, in which 0B to 0F mean something else; they are shown as bytes."""


SHIFTED_IN_DRAFT = frozenset(range(FM_SIGNAL, DTMB_FREQUENCY + 1))


@dataclass(frozen=True, slots=True)
class RawParameter:
    """An id and bytes, uninterpreted."""

    id: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Number:
    """A parameter that is one unsigned number: volume in percent, state, fault code, kHz, seconds ... by its id."""

    id: int
    value: int


@dataclass(frozen=True, slots=True)
class LocalAddress:
    """02."""

    ip: str
    mask: str
    gateway: str


@dataclass(frozen=True, slots=True)
class ReturnTo:
    """03: where the terminal returns to. The SMS form exists in queries only."""

    address: IpReturn | DomainReturn | SmsReturn


@dataclass(frozen=True, slots=True)
class OwnCode:
    """04 of a query."""

    code: ResourceCode


@dataclass(frozen=True, slots=True)
class PhysicalAddress:
    """05 of a query, upper-case hexadecimal. `inner` is the length byte some peers get wrong: None when left out."""

    phys: str
    inner: int | None

    @classmethod
    def of(cls, phys: str) -> PhysicalAddress:
        """As the table wants it."""
        return cls(phys, len(phys) // 2)


@dataclass(frozen=True, slots=True)
class Identity:
    """08 device type (2 bytes), 09 hardware and 0A software version (4 bytes), of the vendor's making."""

    id: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Signal:
    """0B FM, 0C cable, 0D DTMB: strength and quality."""

    id: int
    strength: int
    quality: int


@dataclass(frozen=True, slots=True)
class CableFrequency:
    """0E. QAM as in the vendor's table."""

    frequency_khz: int
    symbol_rate_kbaud: int
    qam: int


@dataclass(frozen=True, slots=True)
class ScanEntry:
    """One line of 10."""

    number: int
    priority: int
    frequency_khz: int


@dataclass(frozen=True, slots=True)
class FmScanList:
    """10: the frequencies an FM terminal polls."""

    entries: tuple[ScanEntry, ...]


@dataclass(frozen=True, slots=True)
class CurrentFm:
    """11: the frequency with commands and the one with the programme."""

    command_khz: int
    programme_khz: int


@dataclass(frozen=True, slots=True)
class FmMaintenance:
    """12: whether the FM part keeps itself awake, and how often."""

    enabled: int
    period: int


@dataclass(frozen=True, slots=True)
class AssignCode:
    """04 of a set: the resource code, taken only by the terminal with this physical address."""

    phys: str
    code: ResourceCode


Parameter = (
    Number
    | LocalAddress
    | ReturnTo
    | OwnCode
    | PhysicalAddress
    | Identity
    | Signal
    | CableFrequency
    | FmScanList
    | CurrentFm
    | FmMaintenance
    | RawParameter
)
Setting = Number | LocalAddress | ReturnTo | AssignCode | RawParameter

SET_VOLUME = 0x01
SET_AMPLIFIER = 0x05
"""1 off, 2 on."""
SET_CLOCK = 0x06
"""UTC seconds."""
SET_RETURN_PERIOD = 0x07
"""Seconds."""


def _number(id_: int, size: Layout) -> Layout:
    return ExprAdapter(size, lambda value, _: Number(id_, value), lambda parameter, _: parameter.value)


def _identity(id_: int, size: int) -> Layout:
    return ExprAdapter(Bytes(size), lambda value, _: Identity(id_, value), lambda parameter, _: parameter.value)


def _signal(id_: int) -> Layout:
    return ExprAdapter(
        Struct("strength" / Int8ub, "quality" / Int8ub),
        lambda block, _: Signal(id_, block.strength, block.quality),
        lambda value, _: {"strength": value.strength, "quality": value.quality},
    )


def _return_from(data: bytes) -> ReturnTo:
    kind, rest = data[:1], data[1:]
    if kind == b"\x01":
        return ReturnTo(parse(_IP, rest))
    if kind == b"\x02":
        block = parse(_DOMAIN, rest)
        return ReturnTo(DomainReturn(block.domain.decode("ascii"), block.port))
    if kind == b"\x03":
        return ReturnTo(SmsReturn(parse(sized(Int8ub), rest).decode("ascii")))
    raise RemoteProtocolError("value", f"return type {kind.hex() or 'absent'} is reserved")


def _return_to(value: ReturnTo) -> bytes:
    match value.address:
        case IpReturn():
            return b"\x01" + build(_IP, value.address)
        case DomainReturn(domain=domain, port=port):
            return b"\x02" + build(_DOMAIN, {"domain": domain.encode("ascii"), "port": port})
        case SmsReturn(number=number):
            return b"\x03" + build(sized(Int8ub), number.encode("ascii"))


def _phys_from(data: bytes) -> PhysicalAddress:
    """n and n bytes by the table; n may also count itself, or be missing."""
    if data and data[0] in (len(data) - 1, len(data)):
        return PhysicalAddress(data[1:].hex().upper(), data[0])
    return PhysicalAddress(data.hex().upper(), None)


def _phys_to(value: PhysicalAddress) -> bytes:
    data = bytes.fromhex(value.phys)
    return data if value.inner is None else bytes([value.inner]) + data


_IP: Layout = record(IpReturn, "ip" / ipv4, "port" / Int16ub)
_DOMAIN: Layout = Struct("domain" / sized(Int8ub), "port" / Int16ub)
_LOCAL: Layout = record(LocalAddress, "ip" / ipv4, "mask" / ipv4, "gateway" / ipv4)
_RETURN: Layout = ExprAdapter(GreedyBytes, lambda data, _: _return_from(data), lambda value, _: _return_to(value))
_SCAN: Layout = record(ScanEntry, "number" / Int8ub, "priority" / Int8ub, "frequency_khz" / frequency_khz)

ASKED: dict[int, Layout] = {
    VOLUME: _number(VOLUME, Int8ub),
    LOCAL_ADDRESS: _LOCAL,
    RETURN_ADDRESS: _RETURN,
    RESOURCE_CODE: record(OwnCode, "code" / resource_code),
    PHYSICAL_ADDRESS: ExprAdapter(GreedyBytes, lambda data, _: _phys_from(data), lambda value, _: _phys_to(value)),
    WORK_STATE: _number(WORK_STATE, Int8ub),
    FAULT_CODE: _number(FAULT_CODE, Int8ub),
    DEVICE_TYPE: _identity(DEVICE_TYPE, 2),
    HARDWARE_VERSION: _identity(HARDWARE_VERSION, 4),
    SOFTWARE_VERSION: _identity(SOFTWARE_VERSION, 4),
    FM_SIGNAL: _signal(FM_SIGNAL),
    CABLE_SIGNAL: _signal(CABLE_SIGNAL),
    DTMB_SIGNAL: _signal(DTMB_SIGNAL),
    CABLE_FREQUENCY: record(CableFrequency, "frequency_khz" / Int32ub, "symbol_rate_kbaud" / Int32ub, "qam" / Int8ub),
    DTMB_FREQUENCY: _number(DTMB_FREQUENCY, Int32ub),
    FM_SCAN_LIST: record(FmScanList, "entries" / counted(Int8ub, _SCAN)),
    CURRENT_FM: record(CurrentFm, "command_khz" / frequency_khz, "programme_khz" / frequency_khz),
    FM_MAINTENANCE: record(FmMaintenance, "enabled" / Int8ub, "period" / Int16ub),
}


def asked(table: ParameterTable) -> dict[int, Layout]:
    """Query and return ids that are explained."""
    shifted = SHIFTED_IN_DRAFT if table is ParameterTable.DRAFT else frozenset()
    return {id_: layout for id_, layout in ASKED.items() if id_ not in shifted}


SET: dict[int, Layout] = {
    SET_VOLUME: _number(SET_VOLUME, Int8ub),
    LOCAL_ADDRESS: _LOCAL,
    RETURN_ADDRESS: _RETURN,
    RESOURCE_CODE: record(AssignCode, "phys" / hexadecimal(sized(Int8ub)), "code" / resource_code),
    SET_AMPLIFIER: _number(SET_AMPLIFIER, Int8ub),
    SET_CLOCK: _number(SET_CLOCK, Int32ub),
    SET_RETURN_PERIOD: _number(SET_RETURN_PERIOD, Int32ub),
}
_IDS: dict[type, int] = {
    LocalAddress: LOCAL_ADDRESS,
    ReturnTo: RETURN_ADDRESS,
    OwnCode: RESOURCE_CODE,
    AssignCode: RESOURCE_CODE,
    PhysicalAddress: PHYSICAL_ADDRESS,
    CableFrequency: CABLE_FREQUENCY,
    FmScanList: FM_SCAN_LIST,
    CurrentFm: CURRENT_FM,
    FmMaintenance: FM_MAINTENANCE,
}


def parameter_id(parameter: Parameter | Setting) -> int:
    """The id under which a parameter travels."""
    fixed = _IDS.get(type(parameter))
    return fixed if fixed is not None else parameter.id  # type: ignore[union-attr]


def _parameter_from(table: dict[int, Layout], id_: int, data: bytes) -> Any:
    layout = table.get(id_)
    if layout is None:
        return RawParameter(id_, data)
    try:
        return parse(layout, data)
    except RemoteProtocolError:
        return RawParameter(id_, data)


def _parameter_to(table: dict[int, Layout], parameter: Any) -> dict[str, Any]:
    id_ = parameter_id(parameter)
    if isinstance(parameter, RawParameter):
        return {"id": id_, "value": parameter.value}
    if id_ not in table:
        raise ValueError(f"parameter {id_:#04x} is not in this table")
    return {"id": id_, "value": build(table[id_], parameter)}


def parameter_list(table: dict[int, Layout]) -> Layout:
    """Count, then id, length and value of each."""
    return counted(
        Int8ub,
        ExprAdapter(
            Struct("id" / Int8ub, "value" / sized(Int8ub)),
            lambda block, _: _parameter_from(table, block.id, block.value),
            lambda value, _: _parameter_to(table, value),
        ),
    )
