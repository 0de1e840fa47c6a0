"""Settings as annex A commands: what an adapter passes on to terminals, and what it takes itself."""

from __future__ import annotations

from codecs import lookup

from devices.given import AMPLIFIER_OFF, AMPLIFIER_ON, Caller
from devices.maintenance import Configure, Given, HostPort
from devices.terminal_values import return_address
from protocols import adapter
from protocols.codes import ResourceCode
from protocols.errors import LocalProtocolError
from protocols.wire import in_encoding


def messages_of(
    command: Configure, own: ResourceCode, heartbeat_s: int, name_encoding: str = "utf-8"
) -> list[adapter.Message]:
    """Settings for the terminals `targets`, or for the adapter `own` itself where there are none. Empty where an
    adapter cannot take all of it; a network address is one terminal's (table A.18).

    `heartbeat_s`: between an adapter's heartbeats, where the command says where they go and not how often;
    `name_encoding`: of names in 0x0C. Raises LocalProtocolError where that encoding lacks a character.
    """
    given = command.given
    codes = [adapter.SetResourceCodes((adapter.CodeAssignment(given.phys, given.code),))] if given.code else []
    if command.targets:
        return [] if given.callers is not None or _shared(command) else [*codes, *_for_terminals(command)]
    if given.network is not None or (given.period_s is not None and given.return_to is None):
        return []
    return [*codes, *_for_itself(given, given.code or own, heartbeat_s, name_encoding)]


def _shared(command: Configure) -> bool:
    return command.given.network is not None and len(command.targets) != 1


def _for_terminals(command: Configure) -> list[adapter.Message]:
    """Tables A.14, A.15, A.18-A.20. The network last: it is where the terminal is reached."""
    given, targets = command.given, adapter.Targets(command.targets)
    messages = _common(given, targets)
    if given.return_to is not None:
        messages.append(adapter.SetReturnAddress(return_address(given.return_to), targets))
    if given.period_s is not None:
        messages.append(adapter.SetReturnPeriod(given.period_s, targets))
    if (network := given.network) is not None:
        messages.append(adapter.SetNetwork(network.ip, network.mask, network.gateway, targets))
    return messages


def _for_itself(given: Given, own: ResourceCode, heartbeat_s: int, name_encoding: str) -> list[adapter.Message]:
    """Tables A.5 and A.6; volume and amplifier name the adapter as their own target."""
    messages = _common(given, adapter.Targets((own,)))
    if given.callers is not None:
        messages.append(adapter.SetWhitelist(tuple(_entry(each, name_encoding) for each in given.callers)))
    if given.return_to is not None:
        messages.append(_report_to(given.return_to, given.period_s or heartbeat_s))
    return messages


def _common(given: Given, targets: adapter.Targets) -> list[adapter.Message]:
    messages: list[adapter.Message] = []
    if given.volume is not None:
        messages.append(adapter.SetVolume(given.volume, targets))
    if given.amplifier is not None:
        messages.append(adapter.SwitchAmplifier(AMPLIFIER_ON if given.amplifier else AMPLIFIER_OFF, targets))
    return messages


def _report_to(to: HostPort, period_s: int) -> adapter.Message:
    return adapter.SetAdapterReturn(return_address(to), period_s)


def _entry(caller: Caller, encoding: str) -> adapter.WhitelistEntry:
    name = caller.name if lookup(encoding).name == "utf-8" else in_encoding(caller.name, encoding)
    return adapter.WhitelistEntry(caller.operation, caller.phone, name, caller.permission, caller.areas)


def refusal(command: Configure, heartbeat_s: int, name_encoding: str) -> str:
    """Why an adapter cannot be told all of it; "" where it can."""
    try:
        found = messages_of(command, command.members[0], heartbeat_s, name_encoding) if command.members else ()
    except LocalProtocolError as error:
        return str(error)
    return "" if found else "no setting that an adapter knows"
