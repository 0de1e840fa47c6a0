"""The weekly tone on a running core in virtual time: approved like a drill, low, by day, behind everything else."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, time
from pathlib import Path as Folder
from typing import Any

import httpx
import pytest
from rich.console import Console

from devices.audio.encode import probe, to_mp3
from devices.audio.tones import Tone, tone
from devices.link import Path, Played, Start, Stop
from ebcd import snapshot
from ebcd.alarms.sightings import people
from ebcd.alert import AlertClass, Media, Origin, Window
from ebcd.api import application
from ebcd.api.answers import decoded
from ebcd.api.tone import routes
from ebcd.cli.tone import tone_table
from ebcd.clock import BEIJING
from ebcd.facts import Fact
from ebcd.health import HealthBook, ways_of
from ebcd.identity import Operators
from ebcd.invariants import Checker
from ebcd.lifecycle import AlertState
from ebcd.media import MediaStore
from ebcd.rules import Approvals, QuietHours, Rules
from ebcd.sounds import CHIME_RATE_HZ, Sounds
from ebcd.state import AlertRecord, CountyState
from ebcd.tone import Timetable
from ebcd.tone.desk import ToneDesk, ToneView
from ebcd.tone.round import ToneRound
from protocols.codes import AreaCode, EbmId
from tests.ebcd.county import COUNTY, RULES, VILLAGE_A1, VILLAGE_B1, VILLAGES, Room, control_room, terminal
from tests.ebcd.fake_operations import FakeOperations
from tests.ebcd.office import PLATFORM

CHIME = Media("c" * 64, f"{'c' * 64}.mp3", 1000, False)
EVERYWHERE = Timetable(days=("fri",), parts=1)
FREELY = replace(RULES, approvals=Approvals({1: 1, 2: 1, 3: 1, 4: 1}, 1, 1, 0))


def paths(_village: AreaCode, serial: int) -> tuple[Path, ...]:
    """The fourth horn of each village hears FM only."""
    return {3: (Path.IP, Path.FM), 4: (Path.FM,)}.get(serial, (Path.IP,))


@dataclass
class Tones:
    """A round at work."""

    room: Room
    desk: ToneDesk
    round: ToneRound

    @property
    def records(self) -> list[AlertRecord]:
        return [r for r in self.room.core.state.alerts.values() if r.alert.origin is Origin.TONE]

    async def until(self, hour: int, minute: int, second: int = 0) -> None:
        """A moment of Friday, 2025-10-10, Beijing time. Hours before it are jumped over, but for the last minute."""
        left_s = datetime(2025, 10, 10, hour, minute, second, tzinfo=BEIJING).timestamp() - self.room.clock.wall()
        self.room.clock.step(max(0.0, left_s - 60))
        await asyncio.sleep(min(60.0, left_s))

    def starts(self) -> list[tuple[Path, Start]]:
        own = {record.alert.id for record in self.records}
        links = self.room.links.items()
        return [(p, c) for p, link in links for c in link.commands if isinstance(c, Start) and c.ebm_id in own]


@asynccontextmanager
async def tones(table: Timetable = EVERYWHERE, rules: Rules = RULES, *, running: bool = True) -> AsyncIterator[Tones]:
    async with control_room(paths, rules=rules) as room:
        health = HealthBook(ways_of(room.inventory, {"ip": Path.IP}, dict.fromkeys(Path, 60.0), 60.0))
        desk = ToneDesk(room.core, room.inventory, health, COUNTY, table, room.clock)
        serials = iter(range(1, 100))

        async def chime() -> Media:
            return CHIME

        number = lambda: EbmId(f"{PLATFORM}20251010{next(serials):04d}")  # noqa: E731
        sounding = ToneRound(desk, room.core, room.clock, number, chime, "某县", "zh")
        work = asyncio.ensure_future(sounding.run() if running else asyncio.sleep(0))
        try:
            yield Tones(room, desk, sounding)
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)


@pytest.mark.requirement("R-X-14")
async def test_i1_a_tone_is_written_ahead_and_sounds_only_after_its_approval() -> None:
    async with tones() as county:
        await county.until(8, 29)
        assert county.records == []
        await county.until(8, 31)
        (record,) = county.records
        assert (record.state, record.alert.author) == (AlertState.PENDING, "daemon")
        assert list(people(county.room.core.state)) == []  # nobody is woken for it
        county.room.core.approve(record, "chen")
        await county.until(10, 29, 59)
        assert county.starts() == []
        await county.until(10, 30, 5)
        ((path, start),) = county.starts()
        assert (path, start.class_, start.level, start.volume) == (Path.IP, 3, 4, 10)
        assert (start.end - start.start, start.audio.url) == (60, f"http://media/media/{CHIME.name}")
        await county.until(10, 32)
        assert record.state is AlertState.DONE
        assert record.counts()["confirmed"] == 9  # three of each village; who hears FM only takes no part


async def test_i1_without_an_approval_it_is_dropped_and_not_written_again() -> None:
    async with tones() as county:
        for hour in (10, 11, 12):
            await county.until(hour, 0)
        (record,) = county.records
        assert (record.state, record.why) == (AlertState.DROPPED, "expired")
        assert county.starts() == []


async def test_what_an_administrator_approved_beforehand_needs_nobody_and_who_rejects_it_is_not_asked_again() -> None:
    async with tones(rules=FREELY) as county:
        await county.until(10, 31)
        assert len(county.starts()) == 1
    async with tones() as county:
        await county.until(8, 31)
        county.room.core.reject(county.records[0], "chen", "a funeral")
        await county.until(11, 0)
        assert [record.state for record in county.records] == [AlertState.REJECTED]


@pytest.mark.parametrize("state", ["on air", "to be approved", "waiting for its window"])
async def test_i4_it_never_begins_beside_another_alert_and_not_late(state: str) -> None:
    async with tones(rules=FREELY) as county:
        await county.until(10, 29)
        start = int(county.room.clock.wall())
        values: dict[str, Any] = {"class_": AlertClass.DAILY, "areas": (VILLAGE_B1,)}
        match state:
            case "on air":
                values |= {"window": Window(start, start + 600)}
            case "to be approved":
                values |= {"window": Window(start, start + 600), "origin": Origin.OPERATOR, "author": "chen"}
            case _:
                values |= {"window": Window(start + 90, start + 600)}
        county.room.take_in(**values)
        await county.until(10, 30, 30)
        assert county.desk.view().held in ("alert_first", "")
        (tone,) = county.records
        assert (tone.state, tone.why) == (AlertState.HELD, "alert_first")
        await county.until(12, 0)
        assert tone.state is AlertState.DROPPED
        assert county.starts() == []


async def test_it_begins_when_the_other_alert_ended_inside_its_window() -> None:
    async with tones(rules=FREELY) as county:
        await county.until(10, 29)
        start = int(county.room.clock.wall())
        county.room.take_in(window=Window(start, start + 75), areas=(VILLAGE_B1,))
        await county.until(10, 30, 10)
        assert county.starts() == []
        await county.until(10, 30, 40)
        assert len(county.starts()) == 1


async def test_i4_an_alert_that_comes_stops_the_tone_everywhere_at_once() -> None:
    async with tones(rules=FREELY) as county:
        await county.until(10, 30, 10)
        (tone,) = county.records
        assert tone.holds
        alert = county.room.take_in(areas=(VILLAGE_A1,))
        assert tone.why == "alert_first"
        await asyncio.sleep(1)
        stops = [c for c in county.room.links[Path.IP].commands if isinstance(c, Stop) and c.ebm_id == tone.alert.id]
        assert set(stops[0].members) == {terminal(v, n) for v in VILLAGES for n in (1, 2, 3)}
        assert tone.state is AlertState.CANCELLED
        assert alert.state is AlertState.ON_AIR
        assert len(county.room.links[Path.IP].started(alert.alert.id)) == 3


async def test_i14_it_is_not_written_for_quiet_hours_and_not_begun_when_they_were_moved() -> None:
    async with tones(replace(EVERYWHERE, at=time(23, 0)), FREELY) as county:
        assert county.desk.view().held == "quiet_hours"
        await county.until(23, 30)
        assert county.records == []
    async with tones(rules=FREELY) as county:
        await county.until(9, 0)
        county.room.core.rules = replace(FREELY, quiet=QuietHours(time(10), time(12)))
        await county.until(10, 30, 30)
        await county.until(11, 0)
        (tone,) = county.records
        assert (tone.state, county.starts()) == (AlertState.DROPPED, [])


async def test_i5_the_checker_finds_a_tone_that_is_loud_or_begins_beside_others() -> None:
    async with control_room() as room:
        found: list[str] = []
        checker = Checker(room.inventory, FREELY, lambda violation: found.append(violation.invariant))
        state = CountyState()
        loud = room.alert(origin=Origin.TONE, class_=AlertClass.EMERGENCY, volume=90)
        for fact in (
            {"alert": loud.to_json(), "state": "waiting", "why": ""},
            {"alert": room.alert().to_json(), "state": "waiting", "why": ""},
        ):
            state.apply(Fact("alert.accepted", EbmId(fact["alert"]["id"]), 1.0, "x", fact))  # type: ignore[index]
        moved = Fact("alert.moved", loud.id, room.clock.wall(), "daemon", {"event": "start", "why": ""})
        state.apply(moved)
        checker(moved, state)
        assert {"I4", "I5"} <= set(found)


async def test_a_daemon_that_was_not_running_does_not_make_up_for_it() -> None:
    async with tones(rules=FREELY, running=False) as county:
        await county.until(10, 30, 5)
        await county.round.look()
        await county.until(11, 30)
        assert county.records == []


# ---- what it proves ------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-X-14")
async def test_who_says_that_it_played_is_proved_and_who_only_answers_is_not() -> None:
    async with tones(rules=FREELY) as county:
        await county.until(10, 30, 5)
        (tone,) = county.records
        played = (terminal(VILLAGE_A1, 1), terminal(VILLAGE_A1, 2))
        for code in played:
            county.room.following.take(Played("ip", code, tone.alert.id, success=True, times=1, text=""))
        await county.until(10, 33)
        view = county.desk.view()
        assert (view.proved, view.hearable) == (2, 9)
        rows = {row.code: row.sounded for row in view.terminals}
        assert {code for code, at in rows.items() if at} == set(played)
        state = county.room.core.state
        assert set(state.sounded.last) == set(played)
        assert snapshot.load(snapshot.dump(state)).sounded == state.sounded
        assert snapshot.same(county.room.journal.replayed(), state)
        county.room.clock.step(9 * 86_400)
        assert county.desk.view().proved == 0


async def test_the_next_tone_is_shown_with_everybody_it_reaches() -> None:
    async with tones(replace(EVERYWHERE, parts=7, days=("mon", "fri"))) as county:
        app = application(FakeOperations(), Operators(), more=routes(county.desk, Operators()))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ebcd") as http:
            view = decoded(ToneView, (await http.get("/v1/tone")).content)
            assert (await http.get("/v1/tone", params={"rows_max": 0})).status_code == 422
        places = {place.code for place in view.places}
        assert {terminal.code[1:13] for terminal in view.terminals} == places
        assert (view.terminals_total, view.left_out) == (3 * len(places), len(places))
        for language, word in (("zh", "需要 1 人审批"), ("en", "approval of 1")):
            assert word in shown(tone_table(view, language))
        county.desk.timetable = Timetable()
        off = county.desk.view()
        assert off.next is None
        assert "No tone is configured" in shown(tone_table(off, "en"))


def shown(table: object) -> str:
    """As a person sees it."""
    page = io.StringIO()
    Console(width=300, file=page).print(table)
    return page.getvalue()


@pytest.mark.real
async def test_i5_the_sound_is_the_chime_of_drills_and_the_same_file_each_time(tmp_path: Folder) -> None:
    sounds = Sounds(MediaStore(tmp_path))
    first, again = await sounds.chime(5.0), await sounds.chime(5.0)
    assert first == again
    data = (tmp_path / first.name).read_bytes()
    found = probe(data)
    assert (found.format, round(found.duration_s)) == ("mp3", 5)
    assert data == to_mp3(tone(Tone.CHIME, 5.0, CHIME_RATE_HZ))
    assert data != to_mp3(tone(Tone.SIREN, 5.0, CHIME_RATE_HZ))
