"""Which live alerts need a device: what a horn would miss that is switched off or sent to dial anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from devices.roster import DeviceKind
from ebcd.inventory import Inventory
from ebcd.lifecycle import DeliveryState
from ebcd.state import AlertRecord, CountyState
from protocols.codes import ResourceCode, covers

OVER = frozenset({DeliveryState.PLAYED, DeliveryState.REFUSED, DeliveryState.CANCELLED})
"""A terminal that said so itself, or was stopped, is not needed any more. One that kept silent may be sounding (I8)."""

NeededBy = Callable[[Iterable[ResourceCode]], Mapping[str, tuple[str, ...]]]
"""For devices: the ids of the live alerts that need them."""


def needed_by(inventory: Inventory, state: CountyState) -> NeededBy:
    """An alert that has no plan so far needs everybody inside its areas."""

    def alerts(codes: Iterable[ResourceCode]) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = dict.fromkeys(codes, ())
        kinds = {code: device.kind for code in found if (device := inventory.roster.by_code(code)) is not None}
        for record in state.live_alerts():
            through = _adapters(record, inventory) if DeviceKind.ADAPTER in kinds.values() else frozenset()
            for code, kind in kinds.items():
                is_needed = _plays if kind is DeviceKind.TERMINAL else _drives
                if is_needed(record, ResourceCode(code), through):
                    found[code] += (str(record.alert.id),)
        return found

    return alerts


def _adapters(record: AlertRecord, inventory: Inventory) -> frozenset[ResourceCode | None]:
    return frozenset(inventory.adapter_of(code) for code, each in record.deliveries.items() if each.state not in OVER)


def _drives(record: AlertRecord, code: ResourceCode, through: frozenset[ResourceCode | None]) -> bool:
    if record.deliveries:
        return code in through
    return any(covers(area, code.area) or covers(code.area, area) for area in record.alert.areas)


def _plays(record: AlertRecord, code: ResourceCode, _through: frozenset[ResourceCode | None]) -> bool:
    if record.deliveries:
        return code in record.deliveries and record.deliveries[code].state not in OVER
    return any(covers(area, code.area) for area in record.alert.areas) and record.alert.means(code)
