"""What people ask of the equipment archive: the door between the operator API and the parts of `ebcd.archive`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from devices.roster import Device, DeviceKind
from ebcd.alert import DrillDepth
from ebcd.archive.columns import person_id
from ebcd.archive.commission import Acceptance, Commissioner, Wish
from ebcd.archive.distribution import Distribution, TrustPlan
from ebcd.archive.drift import Drift, DriftRow
from ebcd.archive.history import DeviceBook
from ebcd.archive.images import Image, ImageRefused, Images
from ebcd.archive.keeper import Keeper, Kept, refused
from ebcd.archive.pending import Pending
from ebcd.archive.rates import TownRates, rates
from ebcd.archive.rollout import Change, Order
from ebcd.archive.stages import DEVICES_MAX, RUNNING_MAX, NobodyReached, Stages, TooManyChanges
from ebcd.health import HealthBook
from ebcd.inventory import Inventory
from ebcd.operator import Actor, AlertRow, Category, Draft, Kind
from ebcd.personal import masked
from protocols.codes import AreaCode, InvalidCode, ResourceCode, covers


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


@dataclass(frozen=True, slots=True)
class PendingRow:
    """One line of `ebcd pending`. `holder`: who has the code that the device claims, "" for nobody."""

    phys: str
    code: str
    place: str
    holder: str
    link: str
    peer: str
    first_seen: int
    last_seen: int
    heard: int


TONE_VOLUME = 10
TONE_S = 15

Send = Callable[[Draft, Actor], Awaitable[AlertRow]]
"""Takes an alert in; it sounds after the approvals that it needs (I1)."""


class ArchiveOffice:
    """The archive of one county, for people."""

    def __init__(
        self,
        keeper: Keeper,
        inventory: Inventory,
        health: HealthBook,
        book: DeviceBook,
        county: AreaCode,
        pending: Pending,
        commissioner: Commissioner,
        drift: Drift,
        stages: Stages,
        distribution: Distribution,
        images: Images,
    ) -> None:
        self.keeper = keeper
        self.send: Send | None = None  # set where sounds can be ordered
        self._pending = pending
        self._commissioner = commissioner
        self._drift = drift
        self._stages = stages
        self._distribution = distribution
        self._images = images
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

    async def pending(self) -> tuple[PendingRow, ...]:
        """Devices that wait to be commissioned, heard last first."""
        rows = []
        for each in self._pending.rows():
            holder = self._inventory.roster.by_code(each.code)
            place, name = self._inventory.name_of(each.code.area), "" if holder is None else holder.name or holder.code
            first, last = int(each.first_seen), int(each.last_seen)
            rows.append(PendingRow(each.phys, each.code, place, name, each.link, each.peer, first, last, each.heard))
        return tuple(rows)

    async def commission(self, phys: str, wish: Wish, tone: str, actor: Actor) -> Acceptance:
        """Take a device into service; `tone` is what its first, quiet sound says, "" for none."""
        accepted = await self._commissioner.commission(phys, wish, actor)
        return await self._first_sound(accepted, tone, actor)

    async def swap(self, old: str, phys: str, note: str, tone: str, actor: Actor) -> Acceptance:
        """A terminal that waits takes the place of another."""
        accepted = await self._commissioner.swap(old, phys, masked(note), actor)
        return await self._first_sound(accepted, tone, actor)

    async def swap_adapter(self, old: str, phys: str, address: str, report_to: str, note: str, actor: Actor) -> str:
        """Another adapter takes the place of one."""
        return await self._commissioner.swap_adapter(old, phys, address, report_to, masked(note), actor)

    async def drift(self, town: str) -> tuple[DriftRow, ...]:
        """What devices are set to against what they should be; "" asks the whole county."""
        return await self._drift.look(self._areas(town))

    async def mend(self, codes: Sequence[str], actor: Actor) -> tuple[DriftRow, ...]:
        """Set what deviates; how they are then."""
        rows = await self._drift.mend([self._device(code).code for code in codes], actor)
        await self._durable()
        return rows

    async def changes(self) -> tuple[Change, ...]:
        """Newest first."""
        return tuple(reversed(self._book.rollout.changes.values()))

    async def change(self, order: Order, town: str, codes: Sequence[str], actor: Actor) -> Change:
        """Begin a change of the named devices, or of a town's, in stages."""
        if not order.told() or bool(order.url) is not bool(order.version):
            raise refused(Kind.INVALID, "nothing_to_change", "change")
        if bool(order.back_url) is not bool(order.back_version) or (order.back_url and not order.url):
            raise refused(Kind.INVALID, "nothing_to_change", "change")
        if order.trust and set(order.told()) - {"trust", "certificates"}:
            raise refused(Kind.INVALID, "trust_alone", "change", ", ".join(order.told()))
        devices = _few(self._devices(town, codes) if order.trust else self._terminals(town, codes))
        plan = await self._distribution.checked(devices, order.certificates, order.trust) if order.trust else None
        order = await self._with_images(order)
        try:
            change = self._stages.open(order, devices, actor.name, plan)
        except TooManyChanges:
            raise refused(Kind.CONFLICT, "too_many_changes", "change", "", RUNNING_MAX) from None
        except NobodyReached:
            nobody = "nobody_to_send" if order.trust else "nobody_reached"
            raise refused(Kind.CONFLICT, nobody, "change", len(devices)) from None
        await self._durable()
        return change

    async def trust(self, town: str, codes: Sequence[str], certificates: Sequence[str]) -> TrustPlan:
        """What each device would get of certificates and lists, and what it was sent so far."""
        return await self._distribution.plan(_few(self._devices(town, codes)), certificates)

    async def _with_images(self, order: Order) -> Order:
        """Nothing is sent before the images, and what a halt would bring back, have been checked."""
        if order.url:
            image = await self._image(Image(order.url, order.version, order.md5))
            order = replace(order, md5=image.md5)
        if order.back_url:
            image = await self._image(Image(order.back_url, order.back_version, order.back_md5))
            order = replace(order, back_md5=image.md5)
        return order

    async def _image(self, image: Image) -> Image:
        try:
            return await self._images.check(image)
        except ImageRefused as no:
            raise refused(Kind.INVALID, f"image_{no.what}", "change", image.url, no.detail) from None

    async def halt(self, number: str, actor: Actor) -> Change:
        """Stop a change behind the running stage."""
        if not self._stages.halt(number, actor.name):
            raise refused(Kind.NOT_FOUND, "no_such_change", "change", number)
        return self._book.rollout.changes[number]

    async def _durable(self) -> None:
        await self.keeper.durable()

    def _terminals(self, town: str, codes: Sequence[str]) -> list[ResourceCode]:
        """The named ones, or a town's."""
        if not codes and not town:
            raise refused(Kind.INVALID, "no_devices_named", "change")
        named = [self._terminal(code) for code in codes]
        return named or [t.code for t in self._inventory.terminals_in(self._areas(town))]

    def _devices(self, town: str, codes: Sequence[str]) -> list[ResourceCode]:
        """The same with adapters, which come first: they pass things on."""
        roster = self._inventory.roster
        if not codes:
            areas = self._areas(town) if town else ()
            adapters = [a.code for a in roster.adapters if any(covers(area, a.code.area) for area in areas)]
            return [*adapters, *self._terminals(town, ())]
        found = []
        for text in dict.fromkeys(codes):
            device = roster.by_code(text)
            if device is None or device.kind is DeviceKind.TRANSMITTER:
                raise refused(Kind.NOT_FOUND, "unknown_device", "device", text)
            found.append(device.code)
        return found

    def _areas(self, town: str) -> tuple[AreaCode, ...]:
        if not town:
            return (self._county,)
        named = self._inventory.areas_named(town)
        try:
            return named or (AreaCode.parse(town),)
        except InvalidCode:
            raise refused(Kind.INVALID, "unknown_area", "areas", town) from None

    def _terminal(self, text: str) -> ResourceCode:
        device = self._device(text)
        if device.kind is not DeviceKind.TERMINAL:
            raise refused(Kind.NOT_FOUND, "unknown_device", "device", text)
        return device.code

    def _device(self, text: str) -> Device:
        device = self._inventory.roster.by_code(text)
        if device is None:
            raise refused(Kind.NOT_FOUND, "unknown_device", "device", text)
        return device

    async def _first_sound(self, accepted: Acceptance, tone: str, actor: Actor) -> Acceptance:
        """A daily programme for this terminal alone: the author's own approval is not enough (I1)."""
        if not tone or self.send is None:
            return accepted
        area = ResourceCode(accepted.code).area
        draft = Draft(
            level=4,
            areas=(area,),
            title=tone,
            text=tone,
            duration_s=TONE_S,
            category=Category.DAILY,
            drill_depth=DrillDepth.TERMINAL,
            only=(accepted.code,),
            volume=TONE_VOLUME,
        )
        row = await self.send(draft, actor)
        return replace(accepted, tone=row.ebm_id)

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
        if device.code in self._book.switched_off:
            values["amplifier"] = "off"
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


def _few(devices: list[ResourceCode]) -> list[ResourceCode]:
    """As many as one change may have. Raises OperationRefused."""
    if len(devices) > DEVICES_MAX:
        raise refused(Kind.INVALID, "too_many_devices", "change", len(devices), DEVICES_MAX)
    return devices


def _is_code(text: str) -> bool:
    return len(text) == 23 and text.isascii() and text.isdigit()
