"""Which live orders answer which findings: thousands of devices can fall silent in the same minute, and to hold every
finding against every order then costs the loop seconds."""

from __future__ import annotations

from collections.abc import Iterable

from ebcd.workorders.values import Finding, Trouble, WorkOrder


class Cover:
    """Live orders by cause and by device. Whoever changes an order's devices or state says so by `add` or `remove`."""

    def __init__(self, orders: Iterable[WorkOrder]) -> None:
        self._by_cause: dict[tuple[Trouble, str], WorkOrder] = {}
        self._by_device: dict[str, dict[str, WorkOrder]] = {}  # device, order id
        self._devices: dict[str, frozenset[str]] = {}  # order id
        self._without_devices: dict[str, WorkOrder] = {}
        for order in orders:
            self.add(order)

    def add(self, order: WorkOrder) -> None:
        """An order is there, or has more devices. The oldest of several with one cause stands for it."""
        self._by_cause.setdefault(order.key, order)
        self._devices[order.id] = frozenset(order.devices)
        for code in order.devices:
            self._by_device.setdefault(code, {})[order.id] = order
        if not order.devices:
            self._without_devices[order.id] = order

    def remove(self, order: WorkOrder) -> None:
        """An order is over."""
        if self._by_cause.get(order.key) is order:
            del self._by_cause[order.key]
        for code in self._devices.pop(order.id):
            del self._by_device[code][order.id]
        self._without_devices.pop(order.id, None)

    def devices_of(self, order: WorkOrder) -> frozenset[str]:
        """Its devices, to look one up in."""
        return self._devices[order.id]

    def for_cause(self, finding: Finding) -> WorkOrder | None:
        """The order about the same cause."""
        return self._by_cause.get(finding.key)

    def holds(self, finding: Finding) -> bool:
        """Whether one order has all of its devices already; a finding without devices is held by any."""
        devices = frozenset(finding.devices)
        if not devices:
            return bool(self._devices)
        return any(devices <= self._devices[number] for number in self._by_device.get(finding.devices[0], ()))

    def lone(self, finding: Finding) -> WorkOrder | None:
        """The order about nothing but the one device of the finding."""
        if len(finding.devices) != 1:
            return None
        touching = self._by_device.get(finding.devices[0], {}).values()
        return next((order for order in touching if order.devices == finding.devices), None)

    def within(self, finding: Finding) -> list[WorkOrder]:
        """Orders whose devices are all among those of the finding."""
        devices = frozenset(finding.devices)
        touched = dict(self._without_devices)
        for code in finding.devices:
            touched.update(self._by_device.get(code, {}))
        return [order for number, order in touched.items() if self._devices[number] <= devices]
