"""What the link drivers know of the inventory: which devices exist, what they are called and where they listen."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
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


@dataclass(slots=True, eq=False)
class Roster:
    """All devices, by kind and by code. One object for as long as the daemon runs: `become` replaces what is in it, so
    that everybody who holds it sees the new inventory at once.

    A device that left is *departed*: nothing is planned for it any more, but what was sent to it can still be stopped
    and what it says is still understood, until `release`.
    """

    adapters: tuple[Device, ...] = ()
    terminals: tuple[Device, ...] = ()
    transmitters: tuple[Device, ...] = ()
    _by_code: Mapping[str, Device] = field(default_factory=dict, repr=False)
    _by_phys: Mapping[str, Device] = field(default_factory=dict, repr=False)
    _departed: dict[str, Device] = field(default_factory=dict, repr=False)
    _former_paths: dict[str, frozenset[Path]] = field(default_factory=dict, repr=False)
    edition: int = 0
    """Grows with each change, so that a connection knows when to look again who it speaks for."""

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

    @property
    def devices(self) -> Mapping[str, Device]:
        """Every device by its code."""
        return self._by_code

    def by_code(self, code: str) -> Device | None:
        """The device with this 23-digit resource code, or None: an unknown device is the caller's to report."""
        return self._by_code.get(code)

    def by_phys(self, phys: str) -> Device | None:
        """The device with this physical address (upper-case hex), or None."""
        return self._by_phys.get(phys)

    # ---- a new inventory under a running daemon --------------------------------------------------------------------

    def become(self, other: Roster) -> None:
        """Hold what `other` holds. O(devices)."""
        for code, device in self._by_code.items():
            new = other._by_code.get(code)
            if new is None:
                self._departed[code] = device
            elif left := frozenset(device.paths) - frozenset(new.paths):
                self._former_paths[code] = self._former_paths.get(code, frozenset()) | left
        for code in [code for code in self._departed if code in other._by_code]:
            del self._departed[code]
        self.adapters, self.terminals, self.transmitters = other.adapters, other.terminals, other.transmitters
        self._by_code, self._by_phys = other._by_code, other._by_phys
        self.edition += 1

    @property
    def departed(self) -> tuple[Device, ...]:
        """Devices that have left and are not released."""
        return tuple(self._departed.values())

    def release(self, needed: Container[str]) -> None:
        """Forget the departed ones, and the paths that were given up, of every code that is not needed any more."""
        for code in [code for code in self._departed if code not in needed]:
            del self._departed[code]
            self.edition += 1
        for code in [code for code in self._former_paths if code not in needed]:
            del self._former_paths[code]

    def known(self, code: str) -> Device | None:
        """The device with this code, here or departed: for what was sent to it earlier."""
        return self._by_code.get(code) or self._departed.get(code)

    def known_phys(self, phys: str) -> Device | None:
        """The same by physical address. An address whose code another device has now is no longer known."""
        here = self._by_phys.get(phys)
        return here or next((device for device in self._departed.values() if device.phys == phys), None)

    def carries(self, code: str, path: Path) -> bool:
        """Whether a device is, or lately was, reached over a path."""
        device = self.known(code)
        return device is not None and (path in device.paths or path in self._former_paths.get(code, ()))
