"""What people ask of the equipment archive: the door between the operator API and the parts of `ebcd.archive`."""

from __future__ import annotations

from dataclasses import dataclass

from ebcd.archive.columns import person_id
from ebcd.archive.history import DeviceBook
from ebcd.archive.keeper import Keeper, Kept, refused
from ebcd.archive.rates import TownRates, rates
from ebcd.health import HealthBook
from ebcd.inventory import Inventory
from ebcd.operator import Actor, Kind
from protocols.codes import AreaCode, ResourceCode


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One line of a device's history. `at`: UTC seconds."""

    at: int
    actor: str
    what: str
    note: str


@dataclass(frozen=True, slots=True)
class DeviceFile:
    """Everything `ebcd inventory show` tells of one device. `values`: column -> text; a contact is an id."""

    code: str
    phys: str
    name: str
    place: str
    state: str
    values: dict[str, str]
    history: tuple[HistoryRow, ...]


class ArchiveOffice:
    """The archive of one county, for people."""

    def __init__(
        self, keeper: Keeper, inventory: Inventory, health: HealthBook, book: DeviceBook, county: AreaCode
    ) -> None:
        self.keeper = keeper
        self._inventory = inventory
        self._health = health
        self._book = book
        self._county = county

    async def replace(self, content: bytes, base: str, source: str, actor: Actor) -> Kept:
        """An import: the whole new file, made from the one whose SM3 is `base`."""
        return await self.keeper.replace(content, base, source, actor.name)

    async def reload(self, actor: Actor) -> Kept:
        """The file as it is now."""
        return await self.keeper.reload(actor.name)

    async def rates(self) -> tuple[TownRates, ...]:
        """Enrolment and opening by town."""
        return rates(self._inventory, self._county, lambda code: self._health.of(code).seen_at > 0)

    async def device(self, text: str) -> DeviceFile:
        """One device by code, physical address, or the number on its pole."""
        roster, archive = self._inventory.roster, self._inventory.archive
        on_pole = archive.on_pole(text)
        found = roster.by_code(text) or roster.by_phys(text.upper()) or (on_pole and roster.by_code(on_pole[0]))
        device = found or (archive.planned.get(ResourceCode(text)) if _is_code(text) else None)
        if device is None:
            raise refused(Kind.NOT_FOUND, "unknown_device", "device", text)
        record = archive.of(device.code)
        values = {name: str(value) for name, value in record.told().items()}
        if record.contact and person_id(record.contact) is None:
            values["contact"] = "***"
        history = tuple(HistoryRow(int(e.at), e.actor, e.what, e.note) for e in self._book.of(device.code))
        return DeviceFile(
            device.code,
            device.phys,
            device.name,
            self._inventory.name_of(device.code.area),
            self._health.of(device.code).condition.value,
            values,
            history,
        )


def _is_code(text: str) -> bool:
    return len(text) == 23 and text.isascii() and text.isdigit()
