"""What drivers know of the inventory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.link import Path
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


def test_a_new_inventory_is_seen_by_everybody_who_holds_the_roster() -> None:
    roster = Roster.of([TERMINAL, ADAPTER])
    roster.become(Roster.of([TRANSMITTER, ADAPTER]))
    assert (roster.adapters, roster.terminals, roster.transmitters) == ((ADAPTER,), (), (TRANSMITTER,))
    assert roster.by_code(TERMINAL.code) is None
    assert roster.by_phys(TERMINAL.phys) is None
    assert roster.edition == 1


def test_who_left_is_known_until_nobody_needs_it() -> None:
    roster = Roster.of([TERMINAL, ADAPTER])
    roster.become(Roster.of([]))
    assert roster.known(TERMINAL.code) is roster.known_phys(TERMINAL.phys) is TERMINAL
    roster.release({TERMINAL.code})
    assert roster.departed == (TERMINAL,)
    roster.release(frozenset())
    assert roster.known(TERMINAL.code) is None


def test_who_is_back_has_not_left() -> None:
    roster = Roster.of([TERMINAL])
    roster.become(Roster.of([]))
    roster.become(Roster.of([TERMINAL]))
    assert (roster.departed, roster.known(TERMINAL.code)) == ((), TERMINAL)


def test_a_unit_that_was_replaced_under_its_code_is_no_longer_known() -> None:
    roster = Roster.of([TERMINAL])
    roster.become(Roster.of([replace(TERMINAL, phys="20480000000B")]))
    assert roster.known_phys("20480000000A") is None


def test_a_path_that_was_given_up_still_carries_a_stop_until_it_is_released() -> None:
    roster = Roster.of([replace(TERMINAL, paths=(Path.MQTT, Path.IP))])
    roster.become(Roster.of([replace(TERMINAL, paths=(Path.IP,))]))
    assert roster.carries(TERMINAL.code, Path.MQTT)
    assert not roster.carries(TERMINAL.code, Path.FM)
    roster.release(frozenset())
    assert not roster.carries(TERMINAL.code, Path.MQTT)
