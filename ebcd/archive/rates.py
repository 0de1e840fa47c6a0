"""How far the county has got: enrolment (录入率) and opening (开通率) by town."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from devices.link import Path
from devices.roster import Device, DeviceKind
from ebcd.archive.record import Status
from ebcd.inventory import Inventory
from protocols.codes import AreaCode, ResourceCode

TOWN_DIGITS = 9
AGE_S_MAX = 300.0
TOWNS_MAX = 200
"""Towns with labels of their own in the metrics."""


@dataclass(frozen=True, slots=True)
class TownRates:
    """One town's devices, or the county's own and all together (`town` is then the county).

    `planned` counts everything, `entered` what is enrolled or opened, `opened` by its status. `heard`: opened and heard
    of at least once, None where nobody listens. `mute`: opened, and no message could ever show that it lives (FM only).
    Rates are None where they would divide by nothing.
    """

    town: str
    name: str
    planned: int
    entered: int
    opened: int
    mute: int
    heard: int | None

    @property
    def enrolment(self) -> float | None:
        """录入率: entered of planned."""
        return self.entered / self.planned if self.planned else None

    @property
    def opening(self) -> float | None:
        """开通率: opened and heard of entered."""
        return self.heard / self.entered if self.entered and self.heard is not None else None


def rates(
    inventory: Inventory, county: AreaCode, heard: Callable[[ResourceCode], bool] | None
) -> tuple[TownRates, ...]:
    """Every town by its code, the county as a whole last."""
    tallies: dict[str, Counter[str]] = {}
    for device, is_planned in _devices(inventory):
        tally = tallies.setdefault(device.code.area[:TOWN_DIGITS].ljust(12, "0"), Counter())
        tally["planned"] += 1
        if is_planned:
            continue
        tally["entered"] += 1
        if inventory.archive.of(device.code).status is Status.OPENED:
            tally["opened"] += 1
            tally["mute"] += _is_mute(device)
            tally["heard"] += heard is not None and heard(device.code)
    rows = [_row(AreaCode(town), tally, inventory, heard is not None) for town, tally in sorted(tallies.items())]
    whole: Counter[str] = Counter()
    for tally in tallies.values():
        whole.update(tally)
    return (*rows, _row(county, whole, inventory, heard is not None))


def _devices(inventory: Inventory) -> Iterator[tuple[Device, bool]]:
    """All of them, and whether one is planned only."""
    roster = inventory.roster
    for device in (*roster.adapters, *roster.terminals, *roster.transmitters):
        yield device, False
    for device in inventory.archive.planned.values():
        yield device, True


def _is_mute(device: Device) -> bool:
    """Transmitters do not answer at all, and FM brings nothing back."""
    if device.kind is DeviceKind.TERMINAL:
        return set(device.paths) <= {Path.FM}
    return device.kind is DeviceKind.TRANSMITTER


def _row(town: AreaCode, tally: Counter[str], inventory: Inventory, listens: bool) -> TownRates:
    return TownRates(
        town,
        inventory.name_of(town),
        tally["planned"],
        tally["entered"],
        tally["opened"],
        tally["mute"],
        tally["heard"] if listens else None,
    )


class RatesNow:
    """The rates for metrics: counted anew at most every `AGE_S_MAX`, since a scrape must not walk a county."""

    def __init__(
        self,
        inventory: Inventory,
        county: AreaCode,
        heard: Callable[[ResourceCode], bool],
        monotonic: Callable[[], float],
    ) -> None:
        self._inventory = inventory
        self._county = county
        self._heard = heard
        self._monotonic = monotonic
        self._rows: tuple[TownRates, ...] = ()
        self._counted_s = float("-inf")

    def stages(self) -> dict[tuple[str, str], int]:
        """Devices by town code and by how far they have got: planned, entered, opened, heard, mute."""
        if self._monotonic() - self._counted_s > AGE_S_MAX:
            self._counted_s = self._monotonic()
            self._rows = rates(self._inventory, self._county, self._heard)[:-1]
        stages = ("planned", "entered", "opened", "heard", "mute")
        return {(row.town, stage): getattr(row, stage) or 0 for row in self._rows[:TOWNS_MAX] for stage in stages}
