"""A simulated adapter streams what its monitor carries to the port that 0x22 named, and the verdict is evidence."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Literal

import pytest

from devices.adapter_tcp import AdapterTcp, AdapterTcpConfig
from devices.link import Audio, Began, Event, Start
from devices.ports import Ports
from devices.roster import Device, DeviceKind, Roster
from ebcd import snapshot
from ebcd.alert import Media
from ebcd.evaluation.effect import effect_of
from ebcd.lifecycle import AlertState
from ebcd.media import MediaStore
from ebcd.monitor import Monitor, MonitorRule
from ebcd.sounds import Sounds
from ebcd.state import AlertRecord
from ebcd.world import SocketNetwork
from protocols.codes import ResourceCode
from simulators.adapter import Adapter
from simulators.adapter_station import AdapterPlace, AdapterStation
from simulators.audio_fetch import AudioFetcher
from simulators.terminal_client import Pace
from simulators.terminal_shell import FleetDoors
from simulators.trust import FrameReader
from tests.ebcd.county import VILLAGE_A1, Room, adapter, all_ip, control_room, small_county
from tests.ebcd.monitor.sounds import mp3, tone
from tests.ports import free_port
from tests.simulators.signing import ADAPTER_CERTIFICATE, key, signer, trust
from tests.virtual_time import VirtualClock

FRONT = adapter(VILLAGE_A1)
HORNS = ResourceCode(f"6{VILLAGE_A1}0314010400")
SENT = mp3(1, 20.0)


class Web(AudioFetcher):
    """The media server, without one."""

    def __init__(self) -> None:
        super().__init__({})

    async def get(self, url: str, *, on_first: Callable[[], None], detour: bool) -> tuple[str, bytes]:
        return "/sound.mp3", SENT


@dataclass
class Bench:
    """The daemon's side and an adapter."""

    room: Room
    link: AdapterTcp
    station: AdapterStation
    record: AlertRecord
    events: list[Event]

    async def start(self) -> None:
        """Order the adapter and wait until a copy has been judged."""
        now = int(self.room.clock.wall())
        alert = self.record.alert
        audio = Audio("http://127.0.0.1/sound.mp3", alert.media.name if alert.media else "")
        window = (now, now + 60)
        self.link.offer(Start(alert.id, 4, 1, "11A01", *window, 80, (HORNS,), (FRONT,), audio))
        await asyncio.sleep(25)

    @property
    def monitors(self) -> dict[str, str]:
        """What is known of the head-ends."""
        evidence = self.room.core.state.evidence.alerts.get(self.record.alert.id)
        return dict(effect_of(self.record, evidence).monitors)


@asynccontextmanager
async def bench(
    clock: VirtualClock, folder: FilePath, rule: MonitorRule, sound: Literal["pull", "push"] = "pull"
) -> AsyncIterator[Bench]:
    """One alert on air, one adapter."""
    control, reports = free_port(), free_port()
    store = MediaStore(folder)
    stored = store.put(SENT, "mp3")
    async with control_room() as room, asyncio.TaskGroup() as group:
        room.inventory.become(small_county(all_ip))
        record = room.take_in(media=Media(stored.sm3, stored.name, stored.size_bytes, False))
        monitor = Monitor(rule, room.core.ledger, store, clock, in_thread=False)
        events: list[Event] = []
        network, sign = SocketNetwork(), (lambda data: signer(clock.wall())(data))
        files = Sounds(store, in_thread=False)
        ports = Ports(clock, random.Random(1), network, sign, copy_to=monitor.copy_to, read_sound=files.mp3)
        roster = Roster.of([Device(DeviceKind.ADAPTER, FRONT, "", "front", "127.0.0.1", control)])
        config = AdapterTcpConfig("a", report_port=reports, sound=sound, push_allowed=("127.0.0.0/8",))
        link = AdapterTcp(config, ports, events.append, roster)
        running = [group.create_task(each.run()) for each in (link, monitor)]
        doors, believed = FleetDoors(clock.wall, Web(), group.create_task), trust(clock.wall)
        unit = Adapter(FRONT, key(ADAPTER_CERTIFICATE), ADAPTER_CERTIFICATE, believed, clock.wall)
        place = AdapterPlace("127.0.0.1", control, ("127.0.0.1", reports), ("127.0.0.1", 1))
        station = AdapterStation(unit, place, (), FrameReader(believed), doors, Pace(60.0, 1.0), random.Random(1))
        running.append(group.create_task(station.run(0.0)))
        await asyncio.sleep(0.5)
        assert record.state is AlertState.ON_AIR
        try:
            yield Bench(room, link, station, record, events)
        finally:
            for each in running:
                each.cancel()
            await asyncio.sleep(61)  # its stream ends with its task


ON = MonitorRule("127.0.0.1", copies_max=1)


@pytest.mark.clause("GD/J 089 table A.38")
@pytest.mark.requirement("R-ADP-10")
@pytest.mark.parametrize(("sound", "near"), [("pull", 0.05), ("push", 0.1)])  # the copy begins within what is pushed
async def test_what_an_adapter_plays_is_heard_and_known_as_what_was_ordered(
    clock: VirtualClock, tmp_path: FilePath, sound: Literal["pull", "push"], near: float
) -> None:
    async with bench(clock, tmp_path, ON, sound) as at:
        await at.start()
        assert any(isinstance(event, Began) for event in at.events)
        assert at.monitors == {FRONT: "same"}
        (fact,) = [event.payload for event in at.room.journal.events if event.kind == "evidence.monitored"]
        assert fact["same"]
        assert fact["seconds"] == pytest.approx(12.0, abs=0.3)
        assert fact["likeness"] == pytest.approx(1.0, abs=near)
        state = at.room.journal.replayed()
        assert snapshot.same(snapshot.load(snapshot.dump(state)), state)
        effect = effect_of(at.record, at.room.core.state.evidence.alerts[at.record.alert.id])
        assert (effect.grades.monitored, effect.grades.monitored_other) == (1, 0)


@pytest.mark.parametrize(("carries", "why"), [(mp3(2, 20.0), "other"), (tone(12.0, 0.0), "silent"), (b"", "nothing")])
async def test_i8_a_monitor_that_carries_something_else_proves_nothing(
    clock: VirtualClock, tmp_path: FilePath, carries: bytes, why: str
) -> None:
    async with bench(clock, tmp_path, ON) as at:
        at.station.monitor_carries = carries
        await at.start()
        assert at.monitors == {FRONT: why}
        effect = effect_of(at.record, at.room.core.state.evidence.alerts[at.record.alert.id])
        assert (effect.grades.monitored, effect.grades.monitored_other) == (0, 1)


async def test_where_nobody_listens_no_copy_is_asked_for_and_nothing_is_claimed(
    clock: VirtualClock, tmp_path: FilePath
) -> None:
    async with bench(clock, tmp_path, MonitorRule()) as at:
        await at.start()
        assert any(isinstance(event, Began) for event in at.events)
        assert at.monitors == {}
        assert effect_of(at.record, None).grades.monitored is None
