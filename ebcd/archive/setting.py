"""Settings of single devices, at once: volume, return address, period, amplifier, network. What many devices get in
stages is `ebcd.archive.stages`.

Each device's answer is an outcome of its own, silence too (I8). What was taken stands in the archive where it has a
column, so that mending drift does not take it back. An amplifier is not switched off, and no terminal sent to dial
anew, under an alert that needs it, unless somebody says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from devices.given import Network
from devices.link import Connected, Event, Heartbeat, Path
from devices.maintenance import Configured, Given, HostPort, Told, has_volume
from devices.ports import Clock
from devices.roster import Device, DeviceKind
from ebcd.archive.drift import settings_told
from ebcd.archive.enquiry import Enquiries
from ebcd.archive.history import device_set
from ebcd.archive.in_use import NeededBy
from ebcd.archive.keeper import refused
from ebcd.archive.settling import Settler
from ebcd.inventory import Inventory
from ebcd.operator import Actor, Kind
from protocols import terminal
from protocols.codes import ResourceCode

DEVICES_MAX = 200
"""At once; more go in stages."""
COME_BACK_S = 150.0
"""A terminal comes back after 5, 10, 20, 60 s, give or take 10 %, when its first tries find nobody."""
ASKED_AFTER_S = (0.0, 10.0, 20.0)
"""It is then asked which address it has, so often and so late."""
READY, ALERT, UNREACHED = "ready", "alert", "unreached"
TAKEN, PASSED_ON, REFUSED, SILENT = "taken", "passed_on", "refused", "no_answer"
GONE, KEPT_OTHER = "gone", "kept_other"
ON_AGAIN, LEFT_OFF = "on_again", "left_off"

log = structlog.get_logger("ebcd.archive")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person wants set; empty texts and None leave things as they are. `network`: ip/mask/gateway."""

    volume: int | None = None
    return_to: str = ""
    period_s: int | None = None
    amplifier: bool | None = None
    network: str = ""

    @property
    def silences(self) -> bool:
        """Whether an alert could go unheard by it."""
        return self.amplifier is False or bool(self.network)


@dataclass(frozen=True, slots=True)
class SetRow:
    """One device. `outcome` of a preview: "ready", "unreached" (cannot be told anything now), "alert" (`alerts` need
    it, so it takes force).

    Afterwards: "taken"; "passed_on" (its adapter has it, and the terminal did not say); "refused" with what it said;
    "no_answer"; "unreached"; of an amplifier "on_again" (an alert came in meanwhile) or "left_off" (and it did not
    answer when it was to be on again); of a network "gone" (not registered again) or "kept_other" with its address.

    `archive`: what the archive said before; `archived`: whether it says the new value now."""

    code: str
    name: str
    place: str
    path: str
    through: str
    outcome: str
    said: str = ""
    archive: str = ""
    archived: bool = False
    alerts: tuple[str, ...] = ()


class Setter:
    """Of one county."""

    def __init__(
        self,
        inventory: Inventory,
        enquiries: Enquiries,
        settler: Settler,
        enter: Callable[..., None],
        durable: Callable[[], Awaitable[object]],
        clock: Clock,
        needed_by: NeededBy,
    ) -> None:
        self._inventory = inventory
        self._enquiries = enquiries
        self._settler = settler
        self._enter = enter
        self._durable = durable
        self._clock = clock
        self._needed_by = needed_by
        self._awaited: dict[str, asyncio.Event] = {}

    def observe(self, event: Event) -> None:
        """Link events: a terminal that was sent away is here again."""
        if isinstance(event, Connected | Heartbeat) and (waiting := self._awaited.get(event.code)) is not None:
            dialled = isinstance(event, Connected)
            if dialled or self._is_behind_adapter(event.code):
                waiting.set()

    def preview(self, codes: Sequence[str], wanted: Wanted) -> tuple[SetRow, ...]:
        """What would happen; nothing is sent. Raises OperationRefused."""
        devices, _ = self._checked(codes, wanted)
        return tuple(self._rows(devices, wanted))

    async def set(self, codes: Sequence[str], wanted: Wanted, actor: Actor, *, force: bool) -> tuple[SetRow, ...]:
        """Tell the devices; what each answered. Raises OperationRefused where nothing was sent."""
        devices, given = self._checked(codes, wanted)
        rows = self._rows(devices, wanted)
        needed = [row for row in rows if row.outcome == ALERT]
        if needed and not force:
            raise refused(Kind.CONFLICT, "alert_needs_device", "device", needed[0].code, ", ".join(needed[0].alerts))
        under = sorted({alert for row in needed for alert in row.alerts})
        log.warning("device.telling", devices=len(rows), actor=actor.name, under=under, **settings_told(given))
        reached = [device.code for device, row in zip(devices, rows, strict=True) if row.outcome != UNREACHED]
        before = asyncio.Event()
        if given.network is not None:
            self._awaited |= dict.fromkeys(reached, before)
        try:
            answers = await self._tell(devices, reached, given)
            done = [_answered(row, answers.get(row.code)) if row.outcome != UNREACHED else row for row in rows]
            if given.network is not None and reached:
                done = [await self._back(done[0], given.network, before)]
            else:
                done = await self._asked_back(done, given)
        finally:
            for code in reached:
                self._awaited.pop(code, None)
        if given.amplifier is False and not force:
            done = await self._on_again(done)
        why = "set" if not under else f"set under {', '.join(under)}"
        failed = [row.code for row in done if row.outcome not in (TAKEN, PASSED_ON)]
        self._enter(device_set((r.code for r in rows), settings_told(given), failed, why, self._wall(), actor.name))
        done = await self._archive(done, wanted, actor)
        await self._durable()
        return tuple(done)

    # ---- before ----------------------------------------------------------------------------------------------------

    def _checked(self, codes: Sequence[str], wanted: Wanted) -> tuple[list[Device], Given]:
        """The devices and what they get. Raises OperationRefused."""
        if wanted == Wanted():
            raise refused(Kind.INVALID, "nothing_to_change", "device")
        devices = []
        for text in dict.fromkeys(codes):
            device = self._inventory.roster.by_code(text)
            if device is None or device.kind is DeviceKind.TRANSMITTER:
                raise refused(Kind.NOT_FOUND, "unknown_device", "device", text)
            devices.append(device)
        if len(devices) > DEVICES_MAX:
            raise refused(Kind.INVALID, "too_many_at_once", "device", len(devices), DEVICES_MAX)
        adapters = [device for device in devices if device.kind is DeviceKind.ADAPTER]
        if wanted.network and (adapters or len(devices) != 1):
            raise refused(
                Kind.INVALID, "network_of_one_terminal", "device", adapters[0].code if adapters else len(devices)
            )
        if wanted.period_s is not None and not wanted.return_to:
            for device in adapters:
                if not self._inventory.archive.of(device.code).return_to:
                    raise refused(Kind.INVALID, "period_needs_return", "device", device.code)
        return devices, _given(wanted)

    def _rows(self, devices: Sequence[Device], wanted: Wanted) -> list[SetRow]:
        needed = self._needed_by(device.code for device in devices) if wanted.silences else {}
        return [self._row(device, wanted, needed.get(device.code, ())) for device in devices]

    def _row(self, device: Device, wanted: Wanted, alerts: tuple[str, ...]) -> SetRow:
        code = device.code
        route = self._enquiries.route(code)
        record = self._inventory.archive.of(code)
        known = {"volume": record.volume, "return_to": record.return_to}
        asked = {"volume": wanted.volume is not None, "return_to": bool(wanted.return_to)}
        before = ", ".join(f"{name} {known[name]}" for name in known if asked[name] and known[name] not in ("", None))
        outcome = UNREACHED if route is None else ALERT if alerts else READY
        path, through = ("", "") if route is None else (route.path.value, route.through or "")
        place = self._inventory.name_of(code.area)
        return SetRow(code, device.name, place, path, through, outcome, archive=before, alerts=alerts)

    # ---- while -----------------------------------------------------------------------------------------------------

    async def _tell(
        self, devices: Sequence[Device], reached: Sequence[ResourceCode], given: Given
    ) -> dict[str, Configured]:
        """An adapter's period goes with where it reports to: as the archive says, where nobody says otherwise."""
        groups: dict[Given, list[ResourceCode]] = {}
        for device in devices:
            if device.code in reached:
                groups.setdefault(self._own(device, given), []).append(device.code)
        found = await asyncio.gather(*(self._enquiries.configure(group, each) for each, group in groups.items()))
        return {code: answer for answers in found for code, answer in answers.items()}

    def _own(self, device: Device, given: Given) -> Given:
        if device.kind is DeviceKind.ADAPTER and given.period_s is not None and given.return_to is None:
            return replace(given, return_to=HostPort.parse(self._inventory.archive.of(device.code).return_to))
        return given

    async def _back(self, row: SetRow, network: Network, back: asyncio.Event) -> SetRow:
        """A terminal with another address may be gone before its answer is here: only when it is back, and says which
        address it has, is anything known."""
        if row.outcome == REFUSED:
            return row
        code = ResourceCode(row.code)
        registered = True
        try:
            async with asyncio.timeout(COME_BACK_S):
                await back.wait()
        except TimeoutError:
            registered = False
        other = ""
        for wait_s in ASKED_AFTER_S if self._enquiries.asks(code) else ():
            await asyncio.sleep(wait_s)
            told = (await self._enquiries.ask((code,), (terminal.LOCAL_ADDRESS,))).get(code)
            if told is not None and told.address == str(network):
                return replace(row, outcome=TAKEN)
            other = (told and told.address) or other
        if other:
            return replace(row, outcome=KEPT_OTHER, said=other)
        return row if registered else replace(row, outcome=GONE)

    async def _asked_back(self, rows: list[SetRow], given: Given) -> list[SetRow]:
        """Of what an adapter has passed on: whether the terminal says so itself. Amplifier and period it cannot say."""
        if given != Given(given.volume, given.return_to):
            return rows
        codes = [
            ResourceCode(row.code)
            for row in rows
            if row.outcome == PASSED_ON and self._enquiries.asks(ResourceCode(row.code))
        ]
        if not codes:
            return rows
        told = await self._enquiries.ask(codes, (terminal.VOLUME, terminal.RETURN_ADDRESS))
        proved = {code for code, values in told.items() if _shows(values, given)}
        return [replace(row, outcome=TAKEN) if row.code in proved else row for row in rows]

    async def _on_again(self, rows: list[SetRow]) -> list[SetRow]:
        """An alert that came in while amplifiers were switched off finds them on."""
        found = self._needed_by(ResourceCode(row.code) for row in rows)
        late = [ResourceCode(row.code) for row in rows if row.outcome != UNREACHED and found[row.code]]
        if not late:
            return rows
        log.warning("device.on_again", devices=len(late))
        answers = await self._enquiries.configure(late, Given(amplifier=True))
        on = {code for code, answer in answers.items() if answer.result == 0}
        outcomes = {str(code): ON_AGAIN if code in on else LEFT_OFF for code in late}
        return [replace(r, outcome=outcomes.get(r.code, r.outcome), alerts=found[r.code]) for r in rows]

    # ---- after -----------------------------------------------------------------------------------------------------

    async def _archive(self, rows: list[SetRow], wanted: Wanted, actor: Actor) -> list[SetRow]:
        taken = frozenset(row.code for row in rows if row.outcome == TAKEN)
        columns = {"volume": "" if wanted.volume is None else str(wanted.volume), "return_to": wanted.return_to}
        values = {name: value for name, value in columns.items() if value}
        if not taken or not values or not await self._settler.put(taken, values, actor.name, "device set"):
            return rows
        return [replace(row, archived=row.code in taken) for row in rows]

    def _is_behind_adapter(self, code: ResourceCode) -> bool:
        route = self._enquiries.route(code)
        return route is not None and route.path is Path.ADAPTER

    def _wall(self) -> float:
        return self._clock.wall()


def _answered(row: SetRow, answer: Configured | None) -> SetRow:
    if answer is None:
        return replace(row, outcome=SILENT)
    if answer.result == 0:
        return replace(row, outcome=PASSED_ON if row.through else TAKEN)
    return replace(row, outcome=REFUSED, said=f"{answer.result} {answer.text}".rstrip())


def _shows(told: Told, given: Given) -> bool:
    is_loud = given.volume is None or has_volume(told, given.volume)
    return is_loud and (given.return_to is None or told.return_to == str(given.return_to))


def _given(wanted: Wanted) -> Given:
    """Raises OperationRefused."""
    try:
        network = Network.parse(wanted.network) if wanted.network else None
    except ValueError as error:
        raise refused(Kind.INVALID, "bad_network", "network", wanted.network, error) from None
    try:
        return_to = HostPort.parse(wanted.return_to) if wanted.return_to else None
    except ValueError:
        raise refused(Kind.INVALID, "bad_address", "return", wanted.return_to) from None
    return Given(wanted.volume, return_to, wanted.period_s, amplifier=wanted.amplifier, network=network)
