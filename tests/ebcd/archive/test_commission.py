"""Nothing is entered that the device has not confirmed; what was asked and answered is signed and journaled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import pytest

from devices.link import Command, DeviceState, Event, Heartbeat, LinkCapabilities, LinkStatus, OutboxFull, Path
from devices.maintenance import AskValues, Configure, Configured, Stranger, Told, ValuesTold
from ebcd.archive import pending as waiting_list
from ebcd.archive.commission import Commissioner, Site, Wish
from ebcd.archive.enquiry import Enquiries
from ebcd.archive.keeper import Keeper, KeeperDoors
from ebcd.archive.pending import Pending
from ebcd.archive.turnover import Turnover
from ebcd.health import HealthBook, Ways, ways_of
from ebcd.inventory import Inventory
from ebcd.inventory_csv import read
from ebcd.operator import Actor, OperationRefused
from protocols.codes import ResourceCode
from protocols.signature import SignatureBlock
from tests.ebcd.county import COUNTY, VILLAGE_A1, VILLAGE_B1, Room, adapter, control_room, terminal

CHEN = Actor("chen", "uid")
HORN, NEW, CLAIMED = (terminal(VILLAGE_A1, n) for n in (1, 7, 9))
FRONT = adapter(VILLAGE_A1)
BLOCK = SignatureBlock(1, bytes(6), bytes(64))
FILE = f"""kind,code,phys,name,host,port,paths,frequency_mhz,volume,return_to,contact
adapter,{FRONT},,某村适配器,192.0.2.1,8799,,,,,
terminal,{HORN},AA01,喇叭1,,,ip,,55,10.1.1.9:8889,P3
"""


@dataclass
class Devices:
    """A link whose devices take what they are told, unless they are told otherwise."""

    name: str
    path: Path
    sink: Callable[[Event], None]
    values: dict[str, Any] = field(default_factory=dict)
    result: int | None = 0  # None: silence
    full: bool = False
    commands: list[Command] = field(default_factory=list)
    capabilities: LinkCapabilities = field(default_factory=lambda: LinkCapabilities(True, True, 255))

    async def run(self) -> None:
        """Answers at once."""

    def status(self) -> LinkStatus:
        """Up."""
        return LinkStatus(True, "", 0, 0, 1, 0)

    def offer(self, command: Command) -> None:
        """Take, and tell."""
        if self.full:
            raise OutboxFull("full")
        self.commands.append(command)
        asked = command.targets if isinstance(command, AskValues) else ()
        for code in (asked or command.members) if self.result is not None else ():
            if isinstance(command, Configure):
                given = command.given
                return_to = given.return_to and str(given.return_to)
                taken = {"code": given.code, "volume": given.volume, "return_to": return_to}
                self.values = {k: v for k, v in taken.items() if v is not None} | self.values
                self._soon(Configured(self.name, code, command.token, self.result or 0, "no"))
            elif isinstance(command, AskValues):
                self._soon(ValuesTold(self.name, code, Told(**self.values)))

    def _soon(self, event: Event) -> None:
        asyncio.get_running_loop().call_soon(self.sink, event)


@dataclass
class Bench:
    """A commissioner and what is around it."""

    room: Room
    file: FilePath
    commissioner: Commissioner
    pending: Pending
    ip: Devices
    adapters: Devices
    enquiries: Enquiries
    health: HealthBook
    links: dict[Path, Devices]
    keeper: Keeper

    def dial(self, phys: str = "BB02", link: str = "ip", code: ResourceCode = CLAIMED) -> None:
        """A stranger registers."""
        self.pending.observe(Stranger(link, code, phys, "10.0.0.7:4711"), self.room.clock.wall())

    def facts(self, kind: str) -> list[Any]:
        """Payloads."""
        return [event.payload for event in self.room.journal.events if event.kind == kind]

    def row(self, code: str) -> str:
        """A line of the file; "" for none."""
        lines = self.file.read_text(encoding="utf-8").splitlines()
        return next((line for line in lines if code in line), "")


def _ways(inventory: Inventory) -> Ways:
    return ways_of(inventory, {"ip": Path.IP}, dict.fromkeys(Path, 15.0), 60.0)


@asynccontextmanager
async def bench(folder: FilePath) -> AsyncIterator[Bench]:
    """A county of one adapter and one horn."""
    file = folder / "inventory.csv"
    file.write_text(FILE, encoding="utf-8")
    async with control_room() as room:
        room.inventory.become(read(file)[0])
        health = HealthBook(_ways(room.inventory))
        ledger = room.core.ledger

        async def person(_name: str, _phone: str) -> int:
            return 12

        doors = KeeperDoors(room.clock, ledger.enter, ledger.mark, person, _ways, in_thread=False)
        turnover = Turnover(room.inventory, room.core, health, lambda _sites: None)
        keeper = Keeper(file, COUNTY, turnover, room.core.state.devices, doors)
        told: list[Event] = []
        links = {p: [Devices(p.value, p, told.append)] for p in (Path.IP, Path.ADAPTER, Path.MQTT)}
        enquiries = Enquiries(links, room.inventory.roster, health, room.inventory.adapter_of)
        for each in links.values():
            each[0].sink = enquiries.observe
        pending = Pending()
        paths = {"ip": Path.IP, "returns": Path.ADAPTER, "mqtt": Path.MQTT}
        clock, enter = room.clock, ledger.enter
        site = Site(room.inventory, pending, enquiries, keeper, paths, COUNTY, lambda _data: BLOCK, clock, enter)
        commissioner = Commissioner(site)
        ways = {path: each[0] for path, each in links.items()}
        near = (ways[Path.IP], ways[Path.ADAPTER])
        yield Bench(room, file, commissioner, pending, *near, enquiries, health, ways, keeper)


async def test_a_device_is_told_asked_entered_and_journaled(tmp_path: FilePath) -> None:
    async with bench(tmp_path) as at:
        at.dial()
        wish = Wish(NEW, 40, "10.1.1.9:8889", name="新喇叭", pole="0412", contact="王 13800000001")
        done = await at.commissioner.commission("bb02", wish, CHEN)
        told, asked = at.ip.commands
        assert isinstance(told, Configure)
        assert isinstance(asked, AskValues)
        assert (told.members, told.phys, told.given.code, told.given.phys) == ((CLAIMED,), "BB02", NEW, "BB02")
        assert (asked.members, asked.phys) == ((NEW,), "BB02")
        device = at.room.inventory.roster.by_code(NEW)
        assert device is not None
        assert (device.phys, device.name, device.paths) == ("BB02", "新喇叭", (Path.IP,))
        record = at.room.inventory.archive.of(NEW)
        assert (record.volume, record.pole, record.contact, str(record.installed)) == (40, "0412", "P12", "2025-10-09")
        (fact,) = at.facts("device.commissioned")
        assert fact["acceptance"] == done.document
        assert (done.document["told"]["volume"], done.document["asked_back"]) == (40, True)
        assert "王" not in str(fact)
        assert len(at.pending) == 0


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        ({"result": None}, "device_refused"),
        ({"result": 54}, "device_refused"),
        ({"full": True}, "device_refused"),
        ({"values": {"volume": 99}}, "device_kept_other"),
        ({"values": {"code": HORN}}, "device_kept_other"),
    ],
)
async def test_what_the_device_did_not_take_is_not_entered(
    tmp_path: FilePath, trouble: dict[str, Any], told: str
) -> None:
    async with bench(tmp_path) as at:
        at.dial()
        for name, value in trouble.items():
            setattr(at.ip, name, value)
        with pytest.raises(OperationRefused, match=told):
            await at.commissioner.commission("BB02", Wish(NEW, 40), CHEN)
        assert at.row(NEW) == ""
        assert at.facts("device.commissioned") == []
        assert len(at.pending) == 1


@pytest.mark.parametrize(
    ("phys", "code", "told"),
    [
        ("CC", NEW, "device_not_waiting"),
        ("BB02", HORN, "code_taken"),
        ("BB02", FRONT, "no_terminal_code"),
        ("BB02", "63412231002010314010401", "no_terminal_code"),
        ("BB02", "12", "bad_code"),
    ],
)
async def test_a_wish_that_cannot_be_is_refused_before_the_device_is_told_anything(
    tmp_path: FilePath, phys: str, code: str, told: str
) -> None:
    async with bench(tmp_path) as at:
        at.dial()
        with pytest.raises(OperationRefused, match=told):
            await at.commissioner.commission(phys, Wish(code), CHEN)
        assert at.ip.commands == []


@pytest.mark.parametrize(
    "wish",
    [
        Wish(NEW, paths="wifi"),
        Wish(f"5{NEW[1:]}"),  # a town's level in a village
        Wish(f"{NEW[:17]}00{NEW[19:]}"),  # a group's code
        Wish(NEW, paths="adapter;foo"),
    ],
)
async def test_what_the_inventory_could_not_hold_is_refused_before_the_device_is_told(
    tmp_path: FilePath, wish: Wish
) -> None:
    async with bench(tmp_path) as at:
        at.dial()
        before = at.file.read_bytes()
        with pytest.raises(OperationRefused, match="inventory_unusable"):
            await at.commissioner.commission("BB02", wish, CHEN)
        assert (at.ip.commands, at.file.read_bytes()) == ([], before)


@pytest.mark.parametrize(("phys", "code"), [("BB03", NEW), ("BB02", terminal(VILLAGE_A1, 8))])
async def test_of_two_people_with_one_code_or_one_device_the_second_is_told_to_wait(
    tmp_path: FilePath, phys: str, code: ResourceCode
) -> None:
    async with bench(tmp_path) as at:
        at.dial()
        at.dial("BB03", code=terminal(VILLAGE_A1, 10))
        first = asyncio.create_task(at.commissioner.commission("BB02", Wish(NEW), CHEN))
        await asyncio.sleep(0)
        with pytest.raises(OperationRefused, match="in_hand"):
            await at.commissioner.commission(phys, Wish(code), Actor("liu", "uid"))
        await first
        device = at.room.inventory.roster.by_code(NEW)
        assert (device and device.phys, len(at.pending)) == ("BB02", 1)


async def test_what_belonged_to_the_old_unit_alone_goes_into_the_history(tmp_path: FilePath) -> None:
    async with bench(tmp_path) as at:
        lines = at.file.read_text(encoding="utf-8").splitlines()
        at.file.write_text(
            f"{lines[0]},certificate,guarantee_until\n{lines[1]},,\n{lines[2]},000000000306,2027-05-01\n",
            encoding="utf-8",
        )
        at.room.inventory.become(read(at.file)[0])
        at.dial()
        await at.commissioner.swap(HORN, "BB02", "", CHEN)
        record = at.room.inventory.archive.of(HORN)
        assert (record.certificate, record.guarantee_until, record.contact) == ("", None, "P3")
        (fact,) = at.facts("device.swapped")
        assert fact["was"] == {"certificate": "000000000306", "guarantee_until": "2027-05-01"}
        last = at.room.core.state.devices.of(HORN)[-1]
        assert last.note == "AA01 -> BB02 (certificate 000000000306, guarantee_until 2027-05-01)"


async def test_a_device_behind_an_adapter_gets_its_code_through_it(tmp_path: FilePath) -> None:
    async with bench(tmp_path) as at:
        at.dial(link="returns")
        done = await at.commissioner.commission("BB02", Wish(NEW, 40), CHEN)
        told, asked = at.adapters.commands
        assert isinstance(told, Configure)
        assert isinstance(asked, AskValues)
        assert (told.members, told.targets) == (asked.members, asked.targets) == ((FRONT,), (NEW,))
        assert (done.document["asked_back"], done.document["told"]["volume"]) == (True, 40)
        assert at.row(NEW).split(",")[6] == "adapter"


async def test_another_unit_that_answers_under_the_code_is_no_proof(tmp_path: FilePath) -> None:
    async with bench(tmp_path) as at:
        at.dial(link="returns")
        at.adapters.values = {"phys": "AA09"}
        with pytest.raises(OperationRefused, match="device_kept_other"):
            await at.commissioner.commission("BB02", Wish(NEW, 40), CHEN)
        assert at.row(NEW) == ""


@pytest.mark.parametrize(("link", "path"), [("returns", Path.ADAPTER), ("mqtt", Path.MQTT)])
async def test_where_no_path_brings_values_the_acceptance_says_that_nobody_asked_back(
    tmp_path: FilePath, link: str, path: Path
) -> None:
    async with bench(tmp_path) as at:
        at.dial(link=link)
        at.links[path].capabilities = LinkCapabilities(True, True, 255, asks=False)
        done = await at.commissioner.commission("BB02", Wish(NEW, 40), CHEN)
        assert not done.document["asked_back"]
        assert len(at.links[path].commands) == 1


async def test_a_replacement_inherits_code_volume_return_address_contact_and_history(tmp_path: FilePath) -> None:
    async with bench(tmp_path) as at:
        at.dial()
        await at.commissioner.swap(HORN, "BB02", "lightning", CHEN)
        command = at.ip.commands[0]
        assert isinstance(command, Configure)
        given = command.given
        assert (given.code, given.volume, str(given.return_to)) == (HORN, 55, "10.1.1.9:8889")
        assert at.row(HORN).startswith(f"terminal,{HORN},BB02,喇叭1,,,ip,,55,10.1.1.9:8889,P3")
        assert [e.what for e in at.room.core.state.devices.of(HORN)] == ["device.commissioned", "device.swapped"]
        (fact,) = at.facts("device.swapped")
        assert (fact["old"], fact["new"], fact["note"]) == ("AA01", "BB02", "lightning")


async def test_an_adapter_is_replaced_at_another_address_and_told_its_code_and_where_to_report(
    tmp_path: FilePath,
) -> None:
    async with bench(tmp_path) as at:
        await at.commissioner.swap_adapter(FRONT, "CC03", "192.0.2.9:8800", "10.1.1.1:8099", "", CHEN)
        (command,) = at.adapters.commands
        assert isinstance(command, Configure)
        assert (command.members, command.given.code, command.given.phys) == ((FRONT,), FRONT, "CC03")
        device = at.room.inventory.roster.by_code(FRONT)
        assert device is not None
        assert (device.phys, device.host, device.port) == ("CC03", "192.0.2.9", 8800)
        assert len(at.facts("device.swapped")) == 1


async def test_an_adapter_that_does_not_answer_leaves_the_inventory_as_it_was(tmp_path: FilePath) -> None:
    async with bench(tmp_path) as at:
        at.adapters.result = None
        with pytest.raises(OperationRefused, match="device_refused"):
            await at.commissioner.swap_adapter(FRONT, "CC03", "192.0.2.9:8800", "", "", CHEN)
        device = at.room.inventory.roster.by_code(FRONT)
        assert device is not None
        assert (device.phys, device.host, device.port) == ("", "192.0.2.1", 8799)
        assert at.facts("device.swapped") == []


def test_only_so_many_devices_wait_and_the_one_silent_longest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_list, "PENDING_MAX", 2)
    dropped: list[int] = []
    pending = Pending(lambda: dropped.append(1))
    for at, phys in enumerate(("01", "02", "01", "03")):
        pending.observe(Stranger("ip", CLAIMED, phys, "peer"), float(at))
    assert [(w.phys, w.first_seen, w.last_seen, w.heard) for w in pending.rows()] == [
        ("03", 3.0, 3.0, 1), ("01", 0.0, 2.0, 2)
    ]  # fmt: skip
    assert dropped == [1]


async def test_i8_who_is_silent_is_not_among_the_answers(tmp_path: FilePath) -> None:
    async with bench(tmp_path) as at:
        at.health.observe(Heartbeat("ip", HORN, "", DeviceState.IDLE, False), Path.IP, 1.0, 1.0)
        at.ip.result = None
        assert await at.enquiries.ask((HORN, terminal(VILLAGE_B1, 1)), (1,)) == {}
        at.ip.result = 0
        at.ip.values = {"volume": 12}
        assert await at.enquiries.ask((HORN,), (1,)) == {HORN: Told(volume=12)}
