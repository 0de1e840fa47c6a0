"""What drivers know of the inventory."""

from __future__ import annotations

import pytest

from devices.roster import Device, DeviceKind, Roster
from protocols.codes import ResourceCode

ADAPTER = Device(DeviceKind.ADAPTER, ResourceCode("63411231002010314010201"), "", "石潭村适配器", "127.0.0.1", 8799)
TERMINAL = Device(DeviceKind.TERMINAL, ResourceCode("63411231002010314010401"), "20480000000A", "石潭村喇叭1")
TRANSMITTER = Device(
    DeviceKind.TRANSMITTER, ResourceCode("43411230000000301010301"), "", "发射机", frequency_khz=88_400
)


def test_devices_are_sorted_by_kind() -> None:
    roster = Roster.of([TERMINAL, TRANSMITTER, ADAPTER])
    assert (roster.adapters, roster.terminals, roster.transmitters) == ((ADAPTER,), (TERMINAL,), (TRANSMITTER,))


def test_a_device_is_found_by_its_code_and_by_its_physical_address() -> None:
    roster = Roster.of([TERMINAL, ADAPTER])
    assert roster.by_code(TERMINAL.code) is TERMINAL
    assert roster.by_phys("20480000000A") is TERMINAL
    assert roster.by_code(TRANSMITTER.code) is None
    assert roster.by_phys("") is None


def test_two_devices_never_share_a_code_or_a_physical_address() -> None:
    twin = Device(DeviceKind.TERMINAL, ResourceCode("63411231002010314010402"), TERMINAL.phys, "x")
    with pytest.raises(ValueError, match="20480000000A is the physical address of two devices"):
        Roster.of([TERMINAL, twin])
    with pytest.raises(ValueError, match="63411231002010314010401 is the code of two devices"):
        Roster.of([TERMINAL, Device(DeviceKind.TERMINAL, TERMINAL.code, "", "y")])


def test_an_empty_roster_knows_nobody() -> None:
    assert Roster().by_code(TERMINAL.code) is None
