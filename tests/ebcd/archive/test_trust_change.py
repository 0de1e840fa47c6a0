"""Certificates and authorisation lists on their way to devices: who gets what, in stages, and never an older list."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path as File
from typing import Any

import pytest

from devices.link import Command, DeviceState, Event, Heartbeat, LinkCapabilities, LinkStatus, Path
from devices.maintenance import UNASKED, Authorise, Configured, PassedOn
from devices.roster import Device, DeviceKind, Roster
from ebcd import snapshot
from ebcd.archive import Archive, Record
from ebcd.archive.courier import Courier, CourierDoors
from ebcd.archive.distribution import Authority, Distribution, TrustPlan
from ebcd.archive.enquiry import Enquiries
from ebcd.archive.rollout import Change, ChangeState, Order
from ebcd.archive.stages import StageRule, Stages, TrustWay
from ebcd.health import HealthBook, ways_of
from ebcd.inventory import Inventory
from ebcd.operator import OperationRefused
from ebcd.signing import TrustStore
from protocols.authorisation import Authorisation
from protocols.codes import ResourceCode
from protocols.signature import AuthorisationList, number_text
from tests.ebcd.county import VILLAGE_A1, VILLAGE_A2, Room, adapter, control_room, terminal
from tests.ebcd.signing.authority import OTHER, ROOT
from tests.ebcd.signing.authority import Authority as Management

US = OTHER
ADAPTER, THEIR_ADAPTER = adapter(VILLAGE_A1), adapter(VILLAGE_A2)
HORNS = tuple(terminal(VILLAGE_A1, n) for n in range(1, 13))
BEHIND = tuple(terminal(VILLAGE_A2, n) for n in range(1, 4))
ON_AIR = terminal(VILLAGE_A1, 90)


def module(code: ResourceCode) -> bytes:
    """The number of a device's security module in these tests: made of its code."""
    return bytes.fromhex(f"2048{code[9:15]}{code[21:]}")


@dataclass
class Modules:
    """Security modules of many devices behind one link; each keeps its newest list as real ones do. `deaf` answer
    nothing, `mute` act and say nothing."""

    link: str
    path: Path
    sink: Callable[[Event], None] = print
    lists: dict[str, Authorisation] = field(default_factory=dict)
    deaf: set[str] = field(default_factory=set)
    mute: set[str] = field(default_factory=set)
    told: list[Authorise] = field(default_factory=list)
    capabilities: LinkCapabilities = field(default_factory=lambda: LinkCapabilities(True, True, 255))

    @property
    def name(self) -> str:
        """As the link's."""
        return self.link

    async def run(self) -> None:
        """Answers at once."""

    def status(self) -> LinkStatus:
        """Up."""
        return LinkStatus(True, "", 0, 0, 1, 0)

    def offer(self, command: Command) -> None:
        """Every member, or every terminal behind the members, takes its own list."""
        if not isinstance(command, Authorise):
            return
        self.told.append(command)
        soon = asyncio.get_running_loop().call_soon
        for code in command.members:
            if code in self.deaf:
                continue
            result = 0 if command.targets else self._take(code, command)
            if self.path is Path.FM:
                soon(self.sink, PassedOn(self.link, command.members, command.token))
            else:
                soon(self.sink, Configured(self.link, code, command.token, result, "older" if result else ""))
            for behind in command.targets:
                result = self._take(behind, command)
                if behind not in self.mute:
                    soon(self.sink, Configured("returns", behind, UNASKED, result, ""))

    def _take(self, code: str, command: Authorise) -> int:
        mine = self.lists.setdefault(code, Authorisation(module(ResourceCode(code))))
        for data in command.lists:
            listed = AuthorisationList.decode(data)
            verdict = mine.judge(listed)
            if verdict.value == "newer":
                mine.apply(listed)
            elif verdict.value not in ("same", "foreign"):
                return 52
        return 0

    def serial(self, code: str) -> int | None:
        """Of the list that a device has."""
        current = self.lists[code].current if code in self.lists else None
        return None if current is None else current.serial


@dataclass
class Yard:
    """Horns on their own sockets, an adapter with three behind it, one that only hears FM; and their authority."""

    room: Room
    ca: Management
    ip: Modules
    behind: Modules
    fm: Modules
    distribution: Distribution
    stages: Stages
    busy: list[bool]
    counted: list[str]

    def plan(self, *codes: ResourceCode, extra: tuple[str, ...] = ()) -> TrustPlan:
        """What would go out."""
        return self.distribution.plan(codes, extra)

    def open(self, *codes: ResourceCode, extra: tuple[str, ...] = ()) -> Change:
        """Shown and confirmed."""
        order = Order(trust=self.plan(*codes, extra=extra).digest, certificates=extra)
        return self.stages.open(order, codes, "chen")

    def facts(self, kind: str) -> list[Any]:
        """Payloads."""
        return [event.payload for event in self.room.journal.events if event.kind == kind]

    def results(self) -> dict[str, str]:
        """Outcome by device, the latest."""
        return {code: out for fact in self.facts("device.authorised") for code, _, out, _ in fact["results"]}


def devices() -> list[Device]:
    """Everybody of the yard."""
    return [
        Device(DeviceKind.ADAPTER, ADAPTER, "", "", "10.0.0.1", 8799),
        Device(DeviceKind.ADAPTER, THEIR_ADAPTER, "", "", "10.0.0.2", 8799),
        *(Device(DeviceKind.TERMINAL, code, "", "", paths=(Path.IP,)) for code in HORNS),
        *(Device(DeviceKind.TERMINAL, code, "", "", paths=(Path.ADAPTER,)) for code in BEHIND),
        Device(DeviceKind.TERMINAL, ON_AIR, "", "", paths=(Path.FM,)),
    ]


@asynccontextmanager
async def yard(folder: File) -> AsyncIterator[Yard]:
    """All of them speak but the FM one, which never does."""
    ca = Management(folder)
    ca.issue(US)
    everybody = (ADAPTER, THEIR_ADAPTER, *HORNS, *BEHIND, ON_AIR)
    records = {code: Record(certificate=number_text(module(code))) for code in everybody}
    async with control_room() as room:
        room.inventory.become(Inventory(Roster.of(devices()), {}, Archive(records)))
        paths = {"ip": Path.IP, "adapters": Path.ADAPTER, "fm": Path.FM}
        health = HealthBook(ways_of(room.inventory, paths, dict.fromkeys(Path, 15.0), 60.0))
        for code in everybody[:-1]:
            path = Path.IP if code in HORNS else Path.ADAPTER
            health.observe(Heartbeat(path.value, code, "", DeviceState.IDLE, False), path, 1.0, 1.0)
        ip, behind = Modules("ip", Path.IP), Modules("adapters", Path.ADAPTER)
        fm = Modules("fm", Path.FM)
        links = {Path.IP: [ip], Path.ADAPTER: [behind], Path.FM: [fm]}
        enquiries = Enquiries(links, room.inventory.roster, health, room.inventory.adapter_of)
        ip.sink = behind.sink = fm.sink = enquiries.observe
        book, enter = room.core.state.devices, room.core.ledger.enter
        authority = Authority(lambda: TrustStore.load(folder, [ROOT], US), frozenset([ROOT]), US)
        distribution = Distribution(authority, room.inventory, enquiries, book.lists, has_fm=True)
        busy, counted = [False], list[str]()
        doors = CourierDoors(enter, room.core.ledger.mark, lambda: busy[0], counted.append, room.clock)
        way = TrustWay(distribution, Courier(enquiries, doors))
        roster, rule = room.inventory.roster, StageRule(0.1, 100.0)
        stages = Stages(book.rollout, enquiries, roster, enter, lambda: busy[0], room.clock, rule, way)
        running = asyncio.ensure_future(stages.run())
        await asyncio.sleep(0)
        try:
            yield Yard(room, ca, ip, behind, fm, distribution, stages, busy, counted)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def lists_for(ca: Management, codes: tuple[ResourceCode, ...], serial: int, *numbers: bytes) -> None:
    """A list of that serial for each of them, with us on it."""
    for code in codes:
        ca.list_for(module(code), serial, US, *numbers)


@pytest.mark.requirement("R-SEC-07", "R-X-13", "R-TST-10")
async def test_every_device_gets_its_own_list_in_stages_and_says_so(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS, 1)
        change = at.open(*HORNS)
        await asyncio.sleep(10)
        assert (change.state, change.unheard) == (ChangeState.DONE, ())
        assert change.stages == [(1, ()), (11, ())]
        assert {at.ip.serial(code) for code in HORNS} == {1}
        own = {each.members: AuthorisationList.decode(each.lists[0]).receiver for each in at.ip.told}
        assert own == {(code,): module(code) for code in HORNS}
        assert at.results() == dict.fromkeys(map(str, HORNS), "taken")
        assert at.counted == ["trust_taken"] * 12


async def test_the_certificates_that_a_list_names_come_with_it_and_the_root_does_not(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        issuer, leaf = bytes.fromhex("000000000020"), bytes.fromhex("000000000555")
        at.ca.issue(issuer)
        at.ca.issue(leaf, issuer)
        lists_for(at.ca, HORNS[:1], 1, leaf, bytes.fromhex("000000000999"))
        (row,) = at.plan(HORNS[0]).rows
        assert (row.certificates, row.missing, row.standing) == (3, ("000000000999",), "send")
        at.open(HORNS[0])
        await asyncio.sleep(5)
        (told,) = at.ip.told
        numbers = [data[7:13] for data in told.certificates]
        assert numbers == [US, issuer, leaf]


async def test_an_older_list_than_was_sent_is_never_sent_and_refused_by_name(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS[:2], 8)
        at.open(*HORNS[:2])
        await asyncio.sleep(10)
        at.ca.take_lists_away()
        lists_for(at.ca, HORNS[:2], 7)
        assert [row.standing for row in at.plan(*HORNS[:2]).rows] == ["older", "older"]
        with pytest.raises(OperationRefused) as caught:
            at.open(*HORNS[:2])
        problem = caught.value.problem
        receiver = number_text(module(HORNS[0]))
        assert (problem.code, problem.thing, problem.value) == ("list_older", HORNS[0], f"{receiver}-7")
        assert problem.limit == "8"
        assert len(at.ip.told) == 2


@pytest.mark.parametrize(("serial", "standing"), [(9, "send"), (134, "send"), (7, "older"), (136, "older")])
async def test_serials_go_round_after_255_and_127_ahead_is_the_furthest(
    tmp_path: File, serial: int, standing: str
) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS[:1], 8)
        at.open(HORNS[0])
        await asyncio.sleep(5)
        at.ca.take_lists_away()
        lists_for(at.ca, HORNS[:1], serial)
        assert at.plan(HORNS[0]).rows[0].standing == standing


async def test_the_same_serial_with_other_content_is_refused(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS[:1], 8)
        at.open(HORNS[0])
        await asyncio.sleep(5)
        at.ca.list_for(module(HORNS[0]), 8, US, bytes.fromhex("000000000999"))
        with pytest.raises(OperationRefused, match="list_conflict"):
            at.open(HORNS[0])


async def test_i10_the_serials_that_were_sent_are_known_after_a_restart(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS[:1], 8)
        at.open(HORNS[0])
        await asyncio.sleep(5)
        state = at.room.journal.replayed()
        again = snapshot.load(snapshot.dump(state))
        assert snapshot.same(again, state)
        listed = AuthorisationList.decode(at.ip.told[0].lists[0])
        assert again.devices.lists.fault(replace(listed, serial=7)) == "older"
        assert again.devices.lists.has_taken(listed)
        assert [each.note for each in again.devices.of(HORNS[0])] == ["list 8 taken"]


async def test_which_list_is_sent_is_on_disk_before_it_leaves(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS[:1], 8)
        at.room.journal.stuck = True
        at.open(HORNS[0])
        await asyncio.sleep(20)
        assert at.ip.told == []
        assert at.facts("change.lists")
        at.room.journal.stuck = False
        at.room.journal.flush()
        await asyncio.sleep(20)
        assert at.ip.serial(HORNS[0]) == 8


async def test_a_list_that_would_make_a_device_disbelieve_us_is_refused(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        at.ca.list_for(module(HORNS[0]), 1, bytes.fromhex("000000000999"))
        with pytest.raises(OperationRefused, match="list_without_us"):
            at.open(HORNS[0])
        at.ca.list_for(module(BEHIND[0]), 1, US)  # believes us, not the adapter that signs anew what it passes on
        with pytest.raises(OperationRefused, match="list_without_us"):
            at.open(BEHIND[0])


async def test_what_was_shown_is_what_is_sent(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS[:1], 1)
        order = Order(trust=at.plan(HORNS[0]).digest)
        lists_for(at.ca, HORNS[:1], 2)
        with pytest.raises(OperationRefused, match="trust_changed"):
            at.stages.open(order, HORNS[:1], "chen")


async def test_devices_that_took_the_list_are_not_told_twice(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS[:2], 1)
        at.open(HORNS[0])
        await asyncio.sleep(5)
        assert [row.standing for row in at.plan(*HORNS[:2]).rows] == ["taken", "send"]


async def test_too_many_refusals_halt_the_change(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS, 3)
        listed = AuthorisationList(module(HORNS[0]), 5, (US,), ROOT)
        at.ip.lists[HORNS[0]] = Authorisation(module(HORNS[0]), listed)  # from a life that nobody remembers
        change = at.open(*HORNS)
        await asyncio.sleep(10)
        assert (change.state, change.stages) == (ChangeState.HALTED, [(1, (HORNS[0],))])
        assert at.results() == {HORNS[0]: "refused"}
        assert len(at.ip.told) == 1


async def test_i8_silence_is_asked_again_until_the_time_is_up_and_then_has_failed(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS[:1], 3)
        at.ip.deaf.add(HORNS[0])
        change = at.open(HORNS[0])
        await asyncio.sleep(60)
        assert len(at.ip.told) > 1
        at.ip.deaf.clear()
        await asyncio.sleep(60)
        assert change.state is ChangeState.DONE
        lists_for(at.ca, HORNS[:1], 4)
        at.ip.deaf.add(HORNS[0])
        change = at.open(HORNS[0])
        await asyncio.sleep(300)
        assert (change.state, change.stages) == (ChangeState.HALTED, [(1, (HORNS[0],))])


async def test_an_adapter_gets_its_own_by_itself(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, (ADAPTER,), 1)
        at.open(ADAPTER)
        await asyncio.sleep(5)
        (told,) = at.behind.told
        assert (told.members, told.targets) == ((ADAPTER,), ())
        assert at.results() == {ADAPTER: "taken"}


async def test_terminals_behind_an_adapter_get_theirs_through_it_and_may_answer(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, BEHIND, 1, module(THEIR_ADAPTER))
        at.behind.mute.add(BEHIND[2])
        change = at.open(*BEHIND)
        await asyncio.sleep(60)
        assert [(told.members, len(told.lists)) for told in at.behind.told] == [((THEIR_ADAPTER,), n) for n in (1, 2)]
        assert at.results() == {BEHIND[0]: "taken", BEHIND[1]: "taken", BEHIND[2]: "passed_on"}
        assert (change.state, change.unheard) == (ChangeState.DONE, (BEHIND[2],))


async def test_i8_a_dead_adapter_has_passed_nothing_on(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, BEHIND[:1], 1, module(THEIR_ADAPTER))
        at.behind.deaf.add(THEIR_ADAPTER)
        change = at.open(BEHIND[0])
        await asyncio.sleep(300)
        assert (change.state, at.results()) == (ChangeState.HALTED, {BEHIND[0]: "silent"})


async def test_who_hears_fm_only_is_sent_certificates_then_the_list_and_never_counts_as_taken(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, (ON_AIR,), 1)
        change = at.open(ON_AIR)
        await asyncio.sleep(5)
        assert [(len(told.certificates), len(told.lists)) for told in at.fm.told] == [(1, 0), (0, 1)]
        assert (change.unheard, at.results()) == ((ON_AIR,), {ON_AIR: "passed_on"})


async def test_a_certificate_can_go_to_everybody_also_without_a_list(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        assert at.plan(HORNS[0]).rows[0].standing == "no_list"
        new = bytes.fromhex("000000000777")
        at.ca.issue(new)
        at.open(HORNS[0], extra=("000000000777",))
        await asyncio.sleep(5)
        (told,) = at.ip.told
        assert (told.lists, [data[7:13] for data in told.certificates]) == ((), [new])
        with pytest.raises(OperationRefused, match="unknown_certificate"):
            at.plan(HORNS[0], extra=("000000000778",))


async def test_nothing_is_sent_while_an_alert_is_on_air(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS[:1], 1)
        at.busy[0] = True
        at.open(HORNS[0])
        await asyncio.sleep(100)
        assert at.ip.told == []
        at.busy[0] = False
        await asyncio.sleep(60)
        assert at.ip.serial(HORNS[0]) == 1
