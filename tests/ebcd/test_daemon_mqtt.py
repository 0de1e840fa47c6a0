"""A county with a vendor's terminals, from the configuration to the wire: real files, keys, journal and mosquitto."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path as Folder

import pytest

from devices.link import Link, Path
from ebcd import daemon, settings
from ebcd.alert import Alert, AlertClass, DrillDepth, Origin, Window
from ebcd.clock import SystemClock
from ebcd.daemon import Daemon
from ebcd.signing import FileSigner
from ebcd.signing.exception_record import ExceptionRecord
from ebcd.world import World
from protocols.codes import AreaCode, EbdId, EbmId, ResourceCode
from protocols.signature import Certificate, number_from_text
from protocols.sm2 import PrivateKey
from simulators.broker import broker
from simulators.county import write_county
from simulators.county_plan import plan_county
from tests.devices.mqtt_bench import MwTerminal, needs_mosquitto
from tests.ports import free_port, free_run

pytestmark = [pytest.mark.real, needs_mosquitto]

PROVINCE = ResourceCode("23400000000000101010101")
ADMINISTRATOR = number_from_text("0000000A0001")
ROOT = number_from_text("000000000001")
PLAYING_S = 5
PORTS = 125  # of a county of any size


def write_files(folder: Folder, port: int) -> tuple[AreaCode, list[ResourceCode]]:
    """A made-up county of which two MW terminals are left, and an administrator who has a certificate."""
    plan = plan_county(terminals=200, seed=7, base_port=free_run(PORTS))
    write_county(folder, plan, heartbeat_s=15.0, quiet=("22:00", "06:00"), year=2060, entropy=os.urandom)
    text = (folder / "ebcd.toml").read_text(encoding="utf-8")
    head, mark, tail = text.partition('type = "cellular_mqtt"\n')
    tail = (
        f'profile = "mw"\nreconnect_first_s = 0.1\nport = {port}\nhost = "127.0.0.1"\n'
        + tail[tail.index("\n[[links]]") :]
    )
    head = head.replace("[trust]\n", '[trust]\nadministrators = ["0000000A0001"]\n')
    (folder / "ebcd.toml").write_text(head + mark + tail, encoding="utf-8")
    codes = [ResourceCode(each.code) for each in plan.terminals if tuple(each.paths) == ("mqtt",)][:2]
    rows = [f"terminal,{code},,t,,,mqtt,,mqtt:89860{n}" for n, code in enumerate(codes)]
    header = "kind,code,phys,name,host,port,paths,frequency_mhz,mqtt"
    (folder / "inventory.csv").write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    root = PrivateKey.from_pkcs8((folder / "sim/keys/root.pem").read_bytes(), None)
    key = PrivateKey.generate(os.urandom)
    certificate = Certificate(ROOT, ADMINISTRATOR, 2060, 12, key.public.raw).signed_by(root.sign)
    (folder / "trust/administrator.cer").write_bytes(certificate.encode())
    now, county = int(time.time()), settings.load(folder / "ebcd.toml").platform.area
    record = ExceptionRecord(county, (), (codes[0],), "旧终端", "王建国", now - 60, now + 3600)
    (folder / "exceptions").mkdir()
    signed = record.write(FileSigner(key, ADMINISTRATOR, SystemClock()).sign)
    (folder / "exceptions/old.exception").write_bytes(signed)
    return county, codes


def alert(county: AreaCode) -> Alert:
    """Level 1 from the province, a few seconds long."""
    now = int(time.time())
    return Alert(
        id=EbmId(f"{PROVINCE}202610090001"),
        origin=Origin.UPSTREAM,
        class_=AlertClass.EMERGENCY,
        level=1,
        depth=DrillDepth.TERMINAL,
        event_type="11A01",
        window=Window(now, now + PLAYING_S),
        areas=(county,),
        dropped_areas=(),
        title="水库险情",
        text="立即转移",
        agency="某县",
        language="zho",
        media=None,
        stream_url="http://127.0.0.1:8088/live.mp3",
        received_at=float(now),
        author=PROVINCE,
        peer=PROVINCE,
        ebd_id=EbdId(f"10{PROVINCE}{1:016d}"),
    )


async def everybody_is_here(built: Daemon, link: Link, count: int) -> None:
    """The book of health is told of each."""
    changed = asyncio.Event()
    built.ward.book.on_change(lambda change: changed.set())
    async with asyncio.timeout(20):
        while link.status().devices < count:
            await changed.wait()
            changed.clear()


async def test_i13_i3_one_is_excepted_one_is_refused_by_name_and_the_end_is_told_on_the_wire(tmp_path: Folder) -> None:
    port = free_port()
    county, codes = write_files(tmp_path, port)
    with broker(port):
        built = await daemon.build(settings.load(tmp_path / "ebcd.toml"), World.real())
        try:
            assert Path.MQTT in built.core.orders.endless
            assert {built.ward.book.ways.devices[code].period_s for code in codes} == {None}
            terminals = [MwTerminal(code, f"89860{n}") for n, code in enumerate(codes)]
            for terminal in terminals:
                terminal.dial(port)
                await terminal.arrive()
            (link,) = [link for _, link in built.links if link.path is Path.MQTT]
            async with asyncio.TaskGroup() as group:
                working = [group.create_task(built.core.run()), group.create_task(link.run())]
                await everybody_is_here(built, link, 2)
                record = built.core.take_in(alert(county), time.monotonic())
                await terminals[0].until("stop")
                assert {name: n for name, n in record.counts().items() if n} == {
                    "targeted": 2,
                    "confirmed": 1,
                    "refused": 1,
                }
                assert record.deliveries[codes[1]].detail == "no_exception"
                assert terminals[0].words == ["volume_set", "play", "stop"]
                assert terminals[1].words == []
                for task in working:
                    task.cancel()
            for terminal in terminals:
                await terminal.leave()
        finally:
            await built.base.store.close()
