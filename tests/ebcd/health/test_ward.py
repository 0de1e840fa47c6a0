"""What is done about health: questions, clocks, the night round, and what a restart finds."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from pathlib import Path as File

from devices.link import (
    AskState,
    Began,
    Command,
    DeviceState,
    Fault,
    Heartbeat,
    LinkCapabilities,
    LinkStatus,
    OutboxFull,
    Path,
    SetClock,
    StateTold,
)
from devices.maintenance import AskValues
from ebcd.health import Condition, HealthBook, Ward, WardRule, Way, Ways
from ebcd.health.ward import ASKED_AT_ONCE_MAX, CLOCKS_AGAIN_S, NIGHTS
from ebcd.store import Store, open_store
from protocols.codes import EbmId, ResourceCode
from protocols.terminal import WORK_STATE
from tests.ebcd.county import VILLAGE_A1, adapter, terminal
from tests.virtual_time import VirtualClock

HORNS = tuple(terminal(VILLAGE_A1, n) for n in range(1, 31))
BEHIND = terminal(VILLAGE_A1, 40)
DEAF_MUTE = terminal(VILLAGE_A1, 50)
FRONT = adapter(VILLAGE_A1)
EBM = EbmId("4" + "0" * 30 + "0001")
NOON = 1_760_000_000.0 - 1_760_000_000.0 % 86_400 + 4 * 3600  # 12:00 in Beijing


class QuietLink:
    """Takes commands and does nothing."""

    name = "ip"
    path = Path.IP
    capabilities = LinkCapabilities(True, True, 255)

    def __init__(self) -> None:
        self.taken: list[Command] = []
        self.full = False

    async def run(self) -> None:
        """Nothing to do."""

    def offer(self, command: Command) -> None:
        """Queue."""
        if self.full:
            raise OutboxFull("ip")
        self.taken.append(command)

    def status(self) -> LinkStatus:
        """Up."""
        return LinkStatus(True, "", 0, 0, 512, 0)


class Night:
    """A ward at work in virtual time."""

    def __init__(self, folder: File, wall: float = NOON, horns: tuple[ResourceCode, ...] = HORNS) -> None:
        self.clock = VirtualClock(epoch_utc_s=wall)
        self.store: Store = open_store(f"sqlite:///{folder}/health.db", clock=self.clock, inline=True, fsync=False)
        ip = {code: Way(15.0, frozenset({Path.IP})) for code in horns}
        self.book = HealthBook(
            Ways({**ip, BEHIND: Way(60.0, frozenset({Path.ADAPTER})), DEAF_MUTE: Way(None)}, {"ip": Path.IP})
        )
        self.link, self.adapters = QuietLink(), QuietLink()
        self.counted: Counter[str] = Counter()
        by_path = {Path.IP: [self.link], Path.ADAPTER: [self.adapters]}
        self.ward = Ward(self.book, by_path, self.store, self.clock, WardRule(), self.count, lambda _code: FRONT)

    def count(self, what: str, number: int) -> None:
        """Metrics."""
        self.counted[what] += number

    def beat(self, *codes: ResourceCode, path: Path = Path.IP) -> None:
        """Heartbeats."""
        for code in codes:
            event = Heartbeat("ip", code, "", DeviceState.IDLE, False)
            self.book.observe(event, path, self.clock.monotonic(), self.clock.wall())

    def begin(self, code: ResourceCode, error_s: float) -> None:
        """A report with the device's own time."""
        now_s, wall_s = self.clock.monotonic(), self.clock.wall()
        self.book.observe(Began("ip", code, EBM, int(wall_s + error_s)), Path.IP, now_s, wall_s)

    async def work(self, seconds: float) -> None:
        """Let the ward run."""
        task = asyncio.get_running_loop().create_task(self.ward.run())
        await asyncio.sleep(seconds)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_device_in_doubt_is_asked_once(tmp_path: File) -> None:
    night = Night(tmp_path)
    horn = HORNS[0]
    fault = Fault("ip", horn, 3, False, "amplifier")
    night.book.observe(fault, Path.IP, night.clock.monotonic(), night.clock.wall())
    night.beat(horn, horn, horn)
    await night.work(5.0)
    assert night.link.taken == [AskState((horn,))]
    await night.store.close()


async def test_a_wrong_clock_is_set_and_not_again_for_a_while(tmp_path: File) -> None:
    night = Night(tmp_path)
    night.begin(HORNS[0], 60.0)
    night.begin(HORNS[1], 2.0)
    await night.work(CLOCKS_AGAIN_S)
    assert night.ward.clock_errors() == {HORNS[0]: 60.0 - night.clock.wall() % 1}
    assert night.link.taken == [SetClock((HORNS[0],))]
    assert night.counted["clock_set"] == 1
    await night.store.close()


async def test_a_device_that_has_left_the_inventory_is_forgotten(tmp_path: File) -> None:
    night = Night(tmp_path)
    night.begin(HORNS[0], 60.0)
    await night.work(12.0)
    night.book.become(Ways({HORNS[1]: Way(15.0, frozenset({Path.IP}))}, {"ip": Path.IP}), 0.0, 0.0)
    night.begin(HORNS[1], 60.0)
    await night.work(12.0)
    assert set(night.ward.clocks_set) == {HORNS[1]}
    await night.store.close()


async def test_where_all_devices_agree_against_us_our_own_clock_is_suspected_and_theirs_left_alone(
    tmp_path: File,
) -> None:
    night = Night(tmp_path)
    for horn in HORNS[:12]:
        night.begin(horn, -3600.0)
    await night.work(60.0)
    assert night.link.taken == []
    assert night.counted["clock_suspect"] == 1
    await night.store.close()


async def test_a_week_of_nights_asks_everybody_who_can_answer_once(tmp_path: File) -> None:
    night = Night(tmp_path, wall=NOON)
    night.beat(BEHIND, path=Path.ADAPTER)
    asked: list[ResourceCode] = []
    task = asyncio.get_running_loop().create_task(night.ward.run())
    for _ in range(NIGHTS * 24 * 60 * 4):
        night.beat(*HORNS)
        await asyncio.sleep(15.0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    asked = [code for command in night.link.taken if isinstance(command, AskState) for code in command.members]
    assert Counter(asked) == Counter(HORNS)
    assert night.adapters.taken == []  # who has fallen silent is not asked, nor is the deaf-mute
    await night.store.close()


async def test_a_night_round_goes_out_in_portions_and_names_who_stayed_silent(tmp_path: File) -> None:
    many = tuple(ResourceCode.build(6, VILLAGE_A1, "0314", 2 + n // 98, 4, 1 + n % 98) for n in range(4000))
    night = Night(tmp_path, wall=NOON + 14 * 3600 - 10.0, horns=many)
    night.beat(*many)
    await night.work(14.0)
    today = night.ward.round.night % NIGHTS
    portions = [len(c.members) for c in night.link.taken if isinstance(c, AskState)]
    assert max(portions) == ASKED_AT_ONCE_MAX
    assert sum(portions) == night.counted["asked"] == len([c for c in many if int(c) % NIGHTS == today])
    asked = [code for code, health in night.book.all() if health.asked_at]
    night.beat(*asked)
    now_s, wall_s = night.clock.monotonic(), night.clock.wall()
    night.book.observe(StateTold("ip", asked[0], DeviceState.IDLE, ()), Path.IP, now_s, wall_s)
    unanswered = [code for code, health in night.book.all() if health.unanswered]
    assert unanswered == asked[1:]  # heartbeats are no answer
    await night.store.close()


async def test_who_speaks_through_an_adapter_is_asked_through_it(tmp_path: File) -> None:
    behind = tuple(terminal(VILLAGE_A1, n) for n in range(1, 22))
    night = Night(tmp_path, wall=NOON + 14 * 3600 - 5.0, horns=behind)
    night.beat(*behind[:14], path=Path.ADAPTER)
    night.beat(*behind[14:])
    await night.work(20.0)
    questions = [c for c in night.adapters.taken if isinstance(c, AskValues)]
    assert [(c.members, c.ids) for c in questions] == [((FRONT,), (WORK_STATE,))]
    assert set(questions[0].targets) == {code for code, h in night.book.all() if h.asked_at} & set(behind[:14])
    assert len(questions[0].targets) == 2
    await night.store.close()


async def test_a_full_outbox_is_counted_and_nothing_insists(tmp_path: File) -> None:
    night = Night(tmp_path)
    night.link.full = True
    night.begin(HORNS[0], 60.0)
    await night.work(12.0)
    assert night.counted["outbox_full"] == 1
    assert night.counted["clock_set"] == 0
    await night.store.close()


async def test_a_restart_finds_who_was_offline_and_who_faulty(tmp_path: File) -> None:
    night = Night(tmp_path)
    night.book.start_counting(night.clock.monotonic())
    fault = Fault("ip", HORNS[0], 3, False, "amplifier")
    night.beat(HORNS[1])
    night.book.observe(fault, Path.IP, night.clock.monotonic(), night.clock.wall())
    task = asyncio.get_running_loop().create_task(night.ward.run())
    for _ in range(8):
        await asyncio.sleep(10.0)
        night.beat(HORNS[0], HORNS[1])
    task.cancel()
    await night.store.close()

    later = Night(tmp_path)
    await later.ward.prepare()
    conditions = [later.book.of(code).condition for code in HORNS[:3]]
    assert conditions == [Condition.FAULT, Condition.UNKNOWN, Condition.OFFLINE]
    assert later.book.of(HORNS[0]).fault == "amplifier"
    await later.store.close()


async def test_a_device_that_was_switched_on_is_told_the_time_at_once(tmp_path: File) -> None:
    night = Night(tmp_path)
    now_s, wall_s = night.clock.monotonic(), night.clock.wall()
    night.book.observe(Heartbeat("ip", HORNS[3], "", DeviceState.IDLE, True), Path.IP, now_s, wall_s)
    night.beat(HORNS[4])
    await night.work(3.0)
    assert night.link.taken == [SetClock((HORNS[3],))]
    await night.store.close()


async def test_everybodys_clock_is_set_once_a_day_and_adapters_theirs(tmp_path: File) -> None:
    night = Night(tmp_path, wall=NOON + 14 * 3600 - 5.0, horns=HORNS[:5])
    night.beat(*HORNS[:5])
    await night.work(60.0)
    set_for = [code for c in night.link.taken if isinstance(c, SetClock) for code in c.members]
    assert sorted(set_for) == sorted(HORNS[:5])
    await night.store.close()
