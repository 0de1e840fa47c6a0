"""What the link drivers know of the inventory: which devices exist, what they are called and where they listen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from devices.link import Path
from protocols.codes import ResourceCode


class DeviceKind(StrEnum):
    """The three sorts of rows in the inventory."""

    ADAPTER = "adapter"  # head-end adapter of a county, town or village (GD/J 089 annex A)
    TERMINAL = "terminal"  # loudspeaker with a processor of its own (annexes D and E)
    TRANSMITTER = "transmitter"  # FM exciter that takes GD/J 085 frames


@dataclass(frozen=True, slots=True)
class Device:
    """One row of the inventory."""

    kind: DeviceKind
    code: ResourceCode
    phys: str  # physical address, upper-case hex, "" where unknown (GD/J 089 table D.7)
    name: str
    host: str = ""  # where it listens; "" for devices that dial us
    port: int = 0
    paths: tuple[Path, ...] = ()  # ways to a terminal, best first
    frequency_khz: int = 0  # carrier of a transmitter; 0 for everything else
    mqtt_link: str = ""  # the one MQTT link that serves it; "": each
    mqtt_id: str = ""  # what a vendor's MQTT profile calls it; "": as the profile says


@dataclass(frozen=True, slots=True)
class Roster:
    """All devices, by kind and by code. Never changes: a new inventory is a new roster."""

    adapters: tuple[Device, ...] = ()
    terminals: tuple[Device, ...] = ()
    transmitters: tuple[Device, ...] = ()
    _by_code: Mapping[str, Device] = field(default_factory=dict, repr=False, compare=False)
    _by_phys: Mapping[str, Device] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, devices: Iterable[Device]) -> Roster:
        """Sort devices by kind. Raises ValueError when two share a resource code or a physical address."""
        by_kind: dict[DeviceKind, list[Device]] = {kind: [] for kind in DeviceKind}
        by_code: dict[str, Device] = {}
        by_phys: dict[str, Device] = {}
        for device in devices:
            if by_code.setdefault(device.code, device) is not device:
                raise ValueError(f"{device.code} is the code of two devices; a resource code names one")
            if device.phys and by_phys.setdefault(device.phys, device) is not device:
                raise ValueError(f"{device.phys} is the physical address of two devices; it is unique by manufacture")
            by_kind[device.kind].append(device)
        return cls(
            adapters=tuple(by_kind[DeviceKind.ADAPTER]),
            terminals=tuple(by_kind[DeviceKind.TERMINAL]),
            transmitters=tuple(by_kind[DeviceKind.TRANSMITTER]),
            _by_code=MappingProxyType(by_code),
            _by_phys=MappingProxyType(by_phys),
        )

    def by_code(self, code: str) -> Device | None:
        """The device with this 23-digit resource code, or None: an unknown device is the caller's to report."""
        return self._by_code.get(code)

    def by_phys(self, phys: str) -> Device | None:
        """The device with this physical address (upper-case hex), or None."""
        return self._by_phys.get(phys)
