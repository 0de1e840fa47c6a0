"""Settings and values of terminals as FEFD parameters (GD/J 089 tables D.9, E.5)."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import AddressValueError, IPv4Address

from devices.given import AMPLIFIER_OFF, AMPLIFIER_ON
from devices.maintenance import Given, HostPort, Told
from protocols import terminal
from protocols.adapter import DomainReturn, IpReturn, SmsReturn


def return_address(to: HostPort) -> IpReturn | DomainReturn:
    """By number where it is one, else by name."""
    try:
        return IpReturn(str(IPv4Address(to.host)), to.port)
    except AddressValueError:
        return DomainReturn(to.host, to.port)


def settings_of(given: Given) -> tuple[terminal.Setting, ...]:
    """Parameters of a set (0x12, table D.9). The code comes last: a device answers under its old one until then."""
    settings: list[terminal.Setting] = []
    if given.volume is not None:
        settings.append(terminal.Number(terminal.SET_VOLUME, given.volume))
    if given.return_to is not None:
        settings.append(terminal.ReturnTo(return_address(given.return_to)))
    if given.period_s is not None:
        settings.append(terminal.Number(terminal.SET_RETURN_PERIOD, given.period_s))
    if given.amplifier is not None:
        option = AMPLIFIER_ON if given.amplifier else AMPLIFIER_OFF
        settings.append(terminal.Number(terminal.SET_AMPLIFIER, option))
    if given.network is not None:
        network = given.network
        settings.append(terminal.LocalAddress(network.ip, network.mask, network.gateway))
    if given.code is not None:
        settings.append(terminal.AssignCode(given.phys, given.code))
    return tuple(settings)


def takes(given: Given) -> bool:
    """Whether a terminal can be told all of it by FEFD: table D.9 has no white list and no carriers to watch."""
    return given.callers is None and bool(settings_of(given))


def values_told(message: terminal.StatusAnswer) -> Told:
    """What an answer to a query holds (table E.5); ids that say nothing to people are left out."""
    told = Told()
    for parameter in message.parameters:
        told = _with(told, parameter)
    return told


def _with(told: Told, parameter: terminal.Parameter) -> Told:
    match parameter:
        case terminal.Number(id=terminal.VOLUME, value=value):
            return replace(told, volume=value)
        case terminal.LocalAddress(ip=ip, mask=mask, gateway=gateway):
            return replace(told, address=f"{ip}/{mask}/{gateway}")
        case terminal.ReturnTo(address=address):
            return replace(told, return_to=_written(address))
        case terminal.OwnCode(code=code):
            return replace(told, code=str(code))
        case terminal.PhysicalAddress(phys=phys):
            return replace(told, phys=phys)
        case terminal.Identity(id=terminal.DEVICE_TYPE, value=data):
            return replace(told, type=data.hex().upper())
        case terminal.Identity(id=terminal.HARDWARE_VERSION, value=data):
            return replace(told, hardware=data.hex().upper())
        case terminal.Identity(id=terminal.SOFTWARE_VERSION, value=data):
            return replace(told, software=data.hex().upper())
        case terminal.FmScanList(entries=entries):
            return replace(told, scan_khz=tuple(entry.frequency_khz for entry in entries))
        case terminal.CurrentFm(command_khz=command_khz, programme_khz=programme_khz):
            return replace(told, command_khz=command_khz, programme_khz=programme_khz)
        case _:
            return told


def _written(address: IpReturn | DomainReturn | SmsReturn) -> str:
    match address:
        case IpReturn(ip=host, port=port) | DomainReturn(domain=host, port=port):
            return f"{host}:{port}"
        case SmsReturn(number=number):
            return number
