"""What of the archive goes to the platform above with a device's record."""

from __future__ import annotations

from ebcd.inventory import Inventory
from ebcd.operation_data.resources import Particulars, ParticularsOf
from protocols.codes import ResourceCode

DECIMALS = 6
"""Behind the point of a degree, as the interface has it (platform digest 3.6)."""


def particulars_of(inventory: Inventory) -> ParticularsOf:
    """Place, population and a transmitter's data of a device as the inventory has them when asked. Contacts stay here:
    they are personal."""

    def of(code: ResourceCode) -> Particulars:
        record = inventory.archive.of(code)
        return Particulars(
            _degrees(record.longitude),
            _degrees(record.latitude),
            population=record.population,
            power_w=record.power_w,
            backup=record.backup,
            auto_switch=record.auto_switch,
            remote_control=record.remote_control,
        )

    return of


def _degrees(value: float | None) -> str:
    return "" if value is None else f"{value:.{DECIMALS}f}"
