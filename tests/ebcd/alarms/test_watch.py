"""Alarms in virtual time: raised when a thing lasts, told, escalated, over when it is gone for as long."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from devices.link import DeviceState, Heartbeat, Path
from ebcd import snapshot
from ebcd.alarms import Alarm, AlarmKind, Sighting
from ebcd.alarms.office import AlarmOffice
from ebcd.alarms.online import Hearable, Rate
from ebcd.alarms.sightings import AlarmRule, online
from ebcd.alarms.tell import SINGLY_MAX, AlarmTeller, sentence
from ebcd.alarms.watch import SETTLE_S, AlarmWatch
from ebcd.health import HealthBook, Way, Ways
from ebcd.ledger import Ledger
from ebcd.operator import Actor, OperationRefused
from ebcd.state import CountyState
from ebcd.workorders import Crew
from ebcd.workorders.notify import TRIES_S
from tests.ebcd.county import COUNTY, VILLAGE_A1, VILLAGE_B1, MemoryJournal, terminal
from tests.ebcd.workorders.test_notify import Pager
from tests.virtual_time import VirtualClock

LINK = Sighting(AlarmKind.LINK, "fm", "fm", "refused")
OWN = Sighting(AlarmKind.CERTIFICATE, "000000000201", "own", "29 1", 30)
RULE = AlarmRule(tell=("room",), escalate=("chief",))
CREWS = {name: Crew(name, (), phone="138") for name in ("room", "chief")}


class Duty:
    """A watch whose world is a list."""

    def __init__(self, clock: VirtualClock, state: CountyState | None = None, pager: Pager | None = None) -> None:
        self.wrong: list[Sighting] = []
        self.state = state or CountyState()
        self.pager = pager or Pager()
        self.journal = MemoryJournal()
        self.bounds: Counter[str] = Counter()
        ledger = Ledger(self.state, self.journal, COUNTY, [])
        self.teller = AlarmTeller(ledger, CREWS, [self.pager], clock, RULE, "en", self.bound)
        self.watch = AlarmWatch(ledger, clock, RULE, lambda: self.wrong, self.teller.tell, self.bound)
        self.office = AlarmOffice(ledger, clock, self.durable)

    def bound(self, name: str) -> None:
        self.bounds[name] += 1

    async def durable(self, _thing: str, _value: str) -> None:
        """At once."""

    @property
    def open(self) -> list[Alarm]:
        return self.state.alarms.open()


@asynccontextmanager
async def on_duty(
    clock: VirtualClock, state: CountyState | None = None, pager: Pager | None = None
) -> AsyncIterator[Duty]:
    duty = Duty(clock, state, pager)
    running = [asyncio.ensure_future(part.run()) for part in (duty.watch, duty.teller)]
    try:
        yield duty
    finally:
        for task in running:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_what_lasts_is_an_alarm_once_and_over_when_it_was_gone_for_as_long(clock: VirtualClock) -> None:
    async with on_duty(clock) as duty:
        duty.wrong = [LINK]
        await asyncio.sleep(50)
        assert duty.open == []
        await asyncio.sleep(30)
        (alarm,) = duty.open
        assert (alarm.kind, alarm.subject, alarm.id[0]) == (AlarmKind.LINK, "fm", "A")
        duty.wrong = []
        await asyncio.sleep(30)
        duty.wrong = [LINK]
        await asyncio.sleep(600)
        assert [event.kind for event in duty.journal.events].count("alarm.raised") == 1
        duty.wrong = []
        await asyncio.sleep(80)
        assert duty.open == []
        assert duty.state.alarms.alarms[alarm.id].cleared_at


async def test_what_comes_and_goes_is_no_alarm(clock: VirtualClock) -> None:
    async with on_duty(clock) as duty:
        for _ in range(20):
            duty.wrong = [LINK]
            await asyncio.sleep(40)
            duty.wrong = []
            await asyncio.sleep(10)
        assert duty.state.alarms.alarms == {}


@pytest.mark.requirement("R-X-11", "R-PLT-04")
async def test_an_alarm_that_nobody_acknowledges_within_a_minute_goes_on_to_others_once(clock: VirtualClock) -> None:
    async with on_duty(clock) as duty:
        duty.wrong = [OWN]
        await asyncio.sleep(10)
        assert [(crew, what) for crew, what, _ in duty.pager.told] == [("room", "raised")]
        assert "ends in 29 days" in duty.pager.told[0][2]
        await asyncio.sleep(600)
        assert [(crew, what) for crew, what, _ in duty.pager.told[1:]] == [("chief", "escalated")]
        (row,) = duty.office.rows(10, past=False)
        assert row.escalated is not None
        assert row.told == ("raised told sms", "escalated", "escalated told sms")
        duty.wrong = []
        await asyncio.sleep(10)
        assert [(crew, what) for crew, what, _ in duty.pager.told[2:]] == [("room", "cleared"), ("chief", "cleared")]


@pytest.mark.requirement("R-X-11")
async def test_an_acknowledged_alarm_wakes_nobody_else_and_names_who_did_it(clock: VirtualClock) -> None:
    async with on_duty(clock) as duty:
        duty.wrong = [OWN]
        await asyncio.sleep(10)
        (alarm,) = duty.open
        row = await duty.office.acknowledge(alarm.id, Actor("chen", "token"))
        assert (row.acknowledged_by, row.acknowledged is not None) == ("chen", True)
        await asyncio.sleep(600)
        assert [crew for crew, _, _ in duty.pager.told] == ["room"]
        with pytest.raises(OperationRefused, match="alarm_settled"):
            await duty.office.acknowledge(alarm.id, Actor("liu", "token"))
        with pytest.raises(OperationRefused, match="no_such_alarm"):
            await duty.office.acknowledge("A0", Actor("liu", "token"))


async def test_who_could_not_be_told_is_noted_with_the_reason(clock: VirtualClock) -> None:
    async with on_duty(clock, pager=Pager(failures=len(TRIES_S))) as duty:
        duty.wrong = [OWN]
        await asyncio.sleep(10)
        await duty.office.acknowledge(duty.open[0].id, Actor("chen", "token"))
        await asyncio.sleep(sum(TRIES_S) + 10)
        assert duty.open[0].told == ["raised untold sms: no network"]


async def test_a_county_that_falls_apart_is_one_message(clock: VirtualClock) -> None:
    async with on_duty(clock) as duty:
        duty.wrong = [Sighting(AlarmKind.LINK, f"link {n}") for n in range(SINGLY_MAX + 40)]
        await asyncio.sleep(80)
        (told,) = [words for _, what, words in duty.pager.told if what == "raised"]
        assert len(duty.open) == SINGLY_MAX + 40
        assert "and 40 more" in told


async def test_a_restart_keeps_what_stands_tells_nobody_again_and_ends_it(clock: VirtualClock) -> None:
    async with on_duty(clock) as duty:
        duty.wrong = [OWN, Sighting(AlarmKind.ONLINE_COUNTY, "")]
        await asyncio.sleep(SETTLE_S + 700)
        assert len(duty.open) == 2
        state = snapshot.load(snapshot.dump(duty.state))
    async with on_duty(clock, state) as duty:
        duty.wrong = [OWN]
        await asyncio.sleep(SETTLE_S - 10)
        assert len(duty.open) == 2  # devices have not had the time to be heard
        assert duty.pager.told == []
        await asyncio.sleep(1300)
        assert [alarm.kind for alarm in duty.open] == [AlarmKind.CERTIFICATE]
        numbers = list(duty.state.alarms.alarms)
        duty.wrong = [OWN, LINK]
        await asyncio.sleep(80)
        assert len(set(duty.state.alarms.alarms) - set(numbers)) == 1


async def test_what_an_earlier_life_raised_and_did_not_tell_is_told(clock: VirtualClock) -> None:
    async with on_duty(clock) as duty:
        duty.wrong = [OWN]
        duty.watch.look()
        assert duty.open[0].told == []
        state = snapshot.load(snapshot.dump(duty.state))
    async with on_duty(clock, state) as duty:
        duty.wrong = [OWN]
        await asyncio.sleep(10)
        assert [(crew, what) for crew, what, _ in duty.pager.told] == [("room", "raised")]


async def test_after_a_start_silence_is_no_alarm_until_devices_had_time_to_be_heard(clock: VirtualClock) -> None:
    async with on_duty(clock) as duty:
        duty.wrong = [Sighting(AlarmKind.ONLINE_COUNTY, "")]
        await asyncio.sleep(SETTLE_S + 590)
        assert duty.open == []
        await asyncio.sleep(30)
        assert len(duty.open) == 1


# ---- the online rate -----------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-X-20")
def test_the_rate_counts_who_speaks_of_those_that_can_be_heard_in_county_and_town() -> None:
    here = [terminal(VILLAGE_A1, n) for n in range(1, 21)]
    there = [terminal(VILLAGE_B1, n) for n in range(1, 21)]
    ways = {code: Way(15.0, frozenset({Path.IP})) for code in (*here, *there)}
    deaf = {terminal(VILLAGE_A1, 90 + n): Way(None) for n in range(5)}
    book, hearable = HealthBook(Ways({**ways, **deaf})), Hearable()
    for code in (*here, *there[:18]):
        state = DeviceState.FAULT if code == here[0] else DeviceState.IDLE
        book.observe(Heartbeat("ip", code, "", state, False), Path.IP, 1.0, 1.0)
    rates = list(hearable.rates(book))
    assert rates == [Rate("", 38, 40), Rate("349901101", 20, 20), Rate("349901102", 18, 20)]
    found = list(online(rates, AlarmRule(), lambda town: f"town {town}"))
    assert found == [Sighting(AlarmKind.ONLINE_TOWN, "349901102", "town 349901102", "18/20 90.0 %")]
    book.become(Ways(ways), 2.0, 2.0)
    assert next(hearable.rates(book)) == Rate("", 38, 40)


@pytest.mark.parametrize(
    ("rate", "alarms"),
    [
        (Rate("", 95, 100), 0),
        (Rate("", 94, 100), 1),
        (Rate("", 0, 0), 0),
        (Rate("349901101", 3, 4), 0),  # smaller than town_terminals_min
        (Rate("349901101", 4, 5), 1),
    ],
)
def test_below_the_share_is_an_alarm_and_at_it_none(rate: Rate, alarms: int) -> None:
    assert len(list(online([rate], AlarmRule(), str))) == alarms


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", [*AlarmKind, "newer"])
def test_every_alarm_has_its_sentence(kind: str, language: str) -> None:
    for stage in (0, 30):
        assert "subject" in sentence(kind, "subject", "subject", "12 3 subject", stage, language)
