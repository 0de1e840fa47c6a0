"""Whom an order over FM is for: addresses for the packet, and the terminals of the inventory that are meant.

Nothing widens (I2): an address outside the county, a level digit 0 or a name that several places have is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from devices.link import Path
from ebcd.archive.keeper import refused
from ebcd.inventory import Inventory
from ebcd.operator import AreaName, Kind
from protocols.codes import AreaCode, InvalidCode, ResourceCode, covers, matches

CODE_DIGITS = 23


@dataclass(frozen=True, slots=True)
class Meant:
    """`addresses` of the packet, and the terminals of the inventory that they reach over FM."""

    addresses: tuple[ResourceCode, ...]
    codes: tuple[ResourceCode, ...]

    def places(self, inventory: Inventory) -> tuple[AreaName, ...]:
        """Where the terminals stand, with how many there."""
        counts = Counter(code.area for code in self.codes)
        return tuple(AreaName(area, inventory.name_of(area), count) for area, count in sorted(counts.items()))


def meant_by(to: Sequence[str], inventory: Inventory, county: AreaCode) -> Meant:
    """Raises OperationRefused for what is nobody's address, or nobody's here."""
    if not to:
        raise refused(Kind.INVALID, "fm_nobody_named", "to")
    addresses: dict[ResourceCode, None] = {}
    codes: dict[ResourceCode, None] = {}
    for text in to:
        mine = _addresses(text.strip(), inventory, county)
        hearing = [t.code for t in inventory.terminals_in([each.area for each in mine]) if Path.FM in t.paths]
        reached = [code for code in hearing if any(matches(address, code) for address in mine)]
        if not reached:
            raise refused(Kind.NOT_FOUND, "fm_nobody_there", "to", text)
        addresses |= dict.fromkeys(mine)
        codes |= dict.fromkeys(reached)
    return Meant(tuple(addresses), tuple(codes))


def _addresses(text: str, inventory: Inventory, county: AreaCode) -> tuple[ResourceCode, ...]:
    """Of a code, or of an area: one for each level and system that it has."""
    try:
        if len(text) == CODE_DIGITS:
            return (_inside(ResourceCode(text), text, county),)
        named = inventory.areas_named(text) or (AreaCode.parse(text),)
    except InvalidCode:
        raise refused(Kind.INVALID, "fm_unknown_address", "to", text) from None
    if len(named) > 1:
        raise refused(Kind.INVALID, "fm_several_places", "to", text, ", ".join(named))
    if not covers(county, named[0]):
        raise refused(Kind.INVALID, "fm_outside", "to", text, county)
    return inventory.targets_for(named)


def _inside(code: ResourceCode, text: str, county: AreaCode) -> ResourceCode:
    if code.level == 0:
        raise refused(Kind.INVALID, "fm_level_zero", "to", text)
    if not covers(county, code.area):
        raise refused(Kind.INVALID, "fm_outside", "to", text, county)
    return code
