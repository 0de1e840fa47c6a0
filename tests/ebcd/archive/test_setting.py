"""Single devices are set at once: what each answered, what the archive says then, and never a horn off under an alert
unawares."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping

import pytest

from devices.given import Network
from devices.link import Connected
from devices.maintenance import Given, HostPort, Told
from devices.roster import Device, DeviceKind, Roster
from ebcd import snapshot
from ebcd.alert import Window
from ebcd.archive.in_use import needed_by
from ebcd.archive.setting import DEVICES_MAX, Setter, Wanted
from ebcd.archive.settling import Settler
from ebcd.health import HealthBook, Ways
from ebcd.inventory import Inventory
from ebcd.lifecycle import DeliveryState
from ebcd.operator import OperationRefused
from ebcd.shift.matters import open_matters
from ebcd.shift.values import MatterKind
from protocols.codes import ResourceCode
from tests.ebcd.archive.behind_adapter import FRONT, village
from tests.ebcd.archive.behind_adapter import HORNS as BEHIND
from tests.ebcd.archive.yard import CHEN, HORNS, ONE, TWO, Yard, yard
from tests.ebcd.county import VILLAGE_A1, VILLAGE_B1, adapter
from tests.virtual_time import VirtualClock

NETWORK = "10.1.2.30/255.255.255.0/10.1.2.1"
OFF, ON = Wanted(amplifier=False), Wanted(amplifier=True)


class Archivist(Settler):
    """Remembers what was to be written."""

    def __init__(self, *, works: bool = True) -> None:
        self.written: list[tuple[set[str], dict[str, str]]] = []
        self.works = works

    async def put(self, codes: Collection[str], values: dict[str, str], actor: str, source: str) -> bool:
        self.written.append((set(codes), values))
        return self.works


class Alerts:
    """Which alerts need whom."""

    def __init__(self) -> None:
        self.need: dict[str, tuple[str, ...]] = {}

    def __call__(self, codes: Iterable[ResourceCode]) -> Mapping[str, tuple[str, ...]]:
        return {code: self.need.get(code, ()) for code in codes}


def setter(at: Yard, archivist: Archivist | None = None, alerts: Alerts | None = None) -> Setter:
    ledger, clock = at.room.core.ledger, at.room.clock
    doors = (archivist or Archivist(), ledger.enter, ledger.mark, clock, alerts or Alerts())
    return Setter(at.inventory, at.enquiries, *doors)


@pytest.mark.requirement("R-PLT-23", "R-TRM-04")
async def test_each_device_answers_for_itself_and_the_archive_follows_who_took_it() -> None:
    async with yard(HORNS[29]) as at:
        at.field.unwilling.add(TWO)
        at.field.deaf.add(HORNS[2])
        archivist = Archivist()
        codes = (ONE, TWO, HORNS[2], HORNS[29])
        rows = await setter(at, archivist).set(codes, Wanted(volume=40), CHEN, force=False)
        assert [(row.outcome, row.archived) for row in rows] == [
            ("taken", True),
            ("refused", False),
            ("no_answer", False),
            ("unreached", False),
        ]
        assert (rows[0].archive, rows[1].said) == ("volume 60", "54")
        assert archivist.written == [({ONE}, {"volume": "40"})]
        (fact,) = at.facts("device.set")
        assert (fact["settings"], fact["failed"], fact["why"]) == ({"volume": 40}, list(codes[1:]), "set")


async def test_a_preview_sends_nothing_and_says_what_the_archive_has() -> None:
    async with yard(HORNS[29]) as at:
        alerts = Alerts()
        alerts.need[TWO] = ("4711",)
        rows = setter(at, alerts=alerts).preview((ONE, TWO, HORNS[29]), OFF)
        assert [(row.outcome, row.alerts) for row in rows] == [("ready", ()), ("alert", ("4711",)), ("unreached", ())]
        assert at.field.told == []


@pytest.mark.requirement("R-PLT-23")
async def test_a_horn_is_not_switched_off_under_an_alert_unless_somebody_says_so() -> None:
    async with yard() as at:
        alerts = Alerts()
        alerts.need[TWO] = ("4711",)
        desk = setter(at, alerts=alerts)
        for wanted, codes in ((OFF, (ONE, TWO)), (Wanted(network=NETWORK), (TWO,))):
            with pytest.raises(OperationRefused, match="alert_needs_device"):
                await desk.set(codes, wanted, CHEN, force=False)
        assert at.field.told == []
        assert [row.outcome for row in await desk.set((TWO,), ON, CHEN, force=False)] == ["taken"]
        rows = await desk.set((ONE, TWO), OFF, CHEN, force=True)
        assert [row.outcome for row in rows] == ["taken", "taken"]
        assert [fact["why"] for fact in at.facts("device.set")] == ["set", "set under 4711"]
        book = at.room.core.state.devices
        assert book.switched_off.keys() == {ONE, TWO}
        off = open_matters(at.room.core.state, HealthBook(Ways({})), (), (), (), ())
        assert [(matter.kind, matter.subject) for matter in off] == [
            (MatterKind.SWITCHED_OFF, ONE),
            (MatterKind.SWITCHED_OFF, TWO),
        ]
        await desk.set((ONE,), ON, CHEN, force=False)
        assert book.switched_off.keys() == {TWO}
        assert snapshot.load(snapshot.dump(at.room.core.state)).devices.switched_off == book.switched_off


@pytest.mark.parametrize(("willing", "outcome"), [(True, "on_again"), (False, "left_off")])
async def test_an_alert_that_comes_in_meanwhile_finds_the_amplifier_on_again(willing: bool, outcome: str) -> None:
    async with yard() as at:
        alerts = Alerts()
        desk = setter(at, alerts=alerts)
        asked = asyncio.ensure_future(desk.set((ONE, TWO), OFF, CHEN, force=False))
        await asyncio.sleep(0)
        alerts.need[ONE] = ("4711",)
        if not willing:
            at.field.silent_answers.add(ONE)
        rows = await asked
        told = [command.given for code, command in at.field.told if code == ONE]  # type: ignore[union-attr]
        assert told == [Given(amplifier=False), Given(amplifier=True)]
        assert (rows[0].outcome, rows[0].alerts, rows[1].outcome) == (outcome, ("4711",), "taken")
        assert at.room.core.state.devices.switched_off.keys() == {TWO}


@pytest.mark.parametrize(
    ("told", "connects", "answers", "outcome"),
    [
        (NETWORK, True, True, "taken"),
        (NETWORK, True, False, "taken"),  # it left before its answer was out
        ("10.9.9.9/255.0.0.0/10.0.0.1", True, True, "kept_other"),
        (None, False, False, "gone"),
    ],
)
async def test_of_a_network_only_what_the_terminal_says_when_it_is_back_counts(
    told: str | None, connects: bool, answers: bool, outcome: str
) -> None:
    async with yard() as at:
        desk = setter(at)
        if not answers:
            at.field.silent_answers.add(ONE)
        at.field.values[ONE] = Told(address=told)
        if told is None:
            at.field.deaf.add(ONE)
        asked = asyncio.ensure_future(desk.set((ONE,), Wanted(network=NETWORK), CHEN, force=False))
        await asyncio.sleep(60)
        if connects:
            desk.observe(Connected("ip", ONE))
        (row,) = await asked
        assert row.outcome == outcome
        (fact,) = at.facts("device.set")
        assert (fact["settings"], fact["failed"]) == ({"network": NETWORK}, [] if outcome == "taken" else [ONE])


@pytest.mark.parametrize(
    ("codes", "wanted", "code"),
    [
        ((ONE,), Wanted(), "nothing_to_change"),
        (("6" * 23,), OFF, "unknown_device"),
        ((ONE, TWO), Wanted(network=NETWORK), "network_of_one_terminal"),
        ((ONE,), Wanted(network="10.1.2.30"), "bad_network"),
        ((ONE,), Wanted(return_to="somewhere"), "bad_address"),
    ],
)
async def test_what_cannot_be_set_is_refused_before_anything_is_sent(
    codes: tuple[str, ...], wanted: Wanted, code: str
) -> None:
    async with yard() as at:
        with pytest.raises(OperationRefused, match=code):
            await setter(at).set(codes, wanted, CHEN, force=True)
        assert at.field.told == []


async def test_a_crowd_goes_in_stages_and_an_adapter_needs_to_know_where_its_period_goes() -> None:
    async with yard() as at:
        front = adapter(VILLAGE_A1)
        crowd = [ResourceCode(f"6{VILLAGE_A1}031401{n:04d}") for n in range(DEVICES_MAX + 1)]
        rows = [Device(DeviceKind.TERMINAL, code, "", "") for code in crowd]
        at.inventory.become(Inventory(Roster.of([*rows, Device(DeviceKind.ADAPTER, front, "", "", "h", 1)]), {}))
        for codes, wanted, code in (
            (crowd, OFF, "too_many_at_once"),
            ([front], Wanted(period_s=60), "period_needs_return"),
            ([front], Wanted(network=NETWORK), "network_of_one_terminal"),
        ):
            with pytest.raises(OperationRefused, match=code):
                await setter(at).set(codes, wanted, CHEN, force=False)


async def test_what_cannot_be_archived_is_taken_all_the_same_and_said_so() -> None:
    async with yard() as at:
        (row,) = await setter(at, Archivist(works=False)).set((ONE,), Wanted(volume=40), CHEN, force=False)
        assert (row.outcome, row.archived) == ("taken", False)


# ---- over an adapter's sockets -------------------------------------------------------------------------------------


@pytest.mark.clause("GD/J 089 table A.18", "GD/J 089 table A.20")
@pytest.mark.requirement("R-PLT-23")
async def test_terminals_behind_an_adapter_obey_and_only_what_they_can_say_themselves_is_taken(
    clock: VirtualClock,
) -> None:
    async with village(clock) as at:
        ledger, archivist = at.room.core.ledger, Archivist()
        doors = (archivist, ledger.enter, ledger.mark, clock, needed_by(at.room.inventory, at.room.core.state))
        desk = Setter(at.room.inventory, at.enquiries, *doors)
        one, two = BEHIND[:2]
        (off,) = await desk.set((one,), OFF, CHEN, force=False)
        assert (off.outcome, off.through) == ("passed_on", FRONT)
        assert [at.terminals[code].amplifier for code in (one, two)] == [False, True]
        loud = await desk.set((one, two), Wanted(volume=35), CHEN, force=False)
        assert [row.outcome for row in loud] == ["taken", "taken"]
        assert archivist.written == [({one, two}, {"volume": "35"})]
        watching = asyncio.ensure_future(desk.set((two,), Wanted(network=NETWORK), CHEN, force=False))
        while not watching.done():
            for event in at.events[-20:]:
                desk.observe(event)
            await asyncio.sleep(1.0)
        assert [row.outcome for row in await watching] == ["taken"]
        network = at.terminals[two].network
        assert network is not None
        assert Network(network.ip, network.mask, network.gateway) == Network.parse(NETWORK)


@pytest.mark.clause("GD/J 089 table A.6", "GD/J 089 table A.14")
async def test_an_adapter_takes_its_own_volume_and_period(clock: VirtualClock) -> None:
    async with village(clock) as at:
        ledger, archivist = at.room.core.ledger, Archivist()
        doors = (archivist, ledger.enter, ledger.mark, clock, Alerts())
        desk = Setter(at.room.inventory, at.enquiries, *doors)
        (row,) = await desk.set((FRONT,), Wanted(volume=20, period_s=30), CHEN, force=False)
        unit = at.station.adapter.equipment
        assert (row.outcome, unit.volume, unit.period_s) == ("taken", 20, 30)
        to = HostPort.parse(at.room.inventory.archive.of(FRONT).return_to)
        assert (getattr(unit.report_to, "ip", ""), getattr(unit.report_to, "port", 0)) == (to.host, to.port)
        assert archivist.written == [({FRONT}, {"volume": "20"})]


# ---- who needs a device --------------------------------------------------------------------------------------------


async def test_an_alert_needs_its_horns_and_the_adapters_before_them_until_they_have_played() -> None:
    async with yard() as at:
        front, roster = adapter(VILLAGE_A1), at.inventory.roster
        devices = [*roster.terminals, Device(DeviceKind.ADAPTER, front, "", "", "h", 1)]
        at.inventory.become(Inventory(Roster.of(devices), {}))
        needed = needed_by(at.inventory, at.room.core.state)
        assert needed([ONE, front]) == {ONE: (), front: ()}
        now = int(at.room.clock.wall())
        waiting = at.room.take_in(areas=(VILLAGE_A1,), window=Window(now + 600, now + 660)).alert.id
        assert needed([ONE, front]) == {ONE: (str(waiting),), front: (str(waiting),)}
        elsewhere = at.room.take_in(areas=(VILLAGE_B1,)).alert.id
        running = at.room.take_in(areas=(VILLAGE_A1,))
        await asyncio.sleep(1.0)
        assert ONE in running.deliveries
        assert needed([ONE, front]) == dict.fromkeys([ONE, front], (str(waiting), str(running.alert.id)))
        assert str(elsewhere) not in needed([ONE])[ONE]
        for code in running.deliveries:
            running.deliveries[code].state = DeliveryState.PLAYED
        assert needed([ONE, front]) == dict.fromkeys([ONE, front], (str(waiting),))
        running.deliveries[ONE].state = DeliveryState.TIMED_OUT  # silent, so it may sound
        assert needed([ONE])[ONE] == (str(waiting), str(running.alert.id))
        running.deliveries[ONE].state = DeliveryState.CONFIRMED
