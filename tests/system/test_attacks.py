"""A running county under attack and bad luck: noise on every port, odd packages, a locked journal, kill -9."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from ebcd.demo.room import CountyRoom, Detail
from ebcd.store.audit import verify_journal
from protocols.ebd import ResultCode, SignatureFile, build_request_body, decode, encode_signature, pack, unpack
from protocols.ebd.messages import EbdResponse
from protocols.sm2 import PrivateKey
from simulators.clock import SystemClock
from simulators.province_config import ProvinceConfig, load
from simulators.province_orders import Message
from simulators.province_packages import Composer

TERMINALS = 36
NOISE: tuple[bytes, ...] = (
    b"\0" * 300_000,
    b"\xfe\xfd" * 50_000,
    b"\x50\x00\x01\x20\x02\xff\xff\xff\xff" + b"x" * 100,  # a length that lies
    b"\xfe\xfd\x01\x00" + b"\0\0\0\1\1\xff\xff" + b"\xf4" * 70_000,
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n",
    b"\x16\x03\x01\x02\x00",
)


@contextlib.asynccontextmanager
async def county(folder: Path) -> AsyncIterator[CountyRoom]:
    """Everything running and connected; no traceback and no broken invariant when it ends."""
    async with asyncio.TaskGroup() as group:
        room = CountyRoom(folder, TERMINALS, 3, group)
        try:
            await room.generate(("00:00", "00:00"))
            await room.start()
            await room.fleet.wait_for(lambda e: e.get("event") == "settled", 20.0, "that all are connected")
            yield room
            assert (await room.get("/v1/status"))["invariant_violations"] == 0
            log = (folder / "log" / "daemon.log").read_text(encoding="utf-8")
            assert "Traceback" not in log, log[-3000:]
            assert "part.failed" not in log
        finally:
            await room.stop()


def ports(room: CountyRoom) -> list[int]:
    """Every port on which the daemon listens."""
    links = [link.get("port") or link.get("report_port") for link in room.settings["links"]]
    sections = [room.settings[name]["port"] for name in ("upstream", "metrics", "media")]
    mqtt = next(link["port"] for link in room.settings["links"] if link["type"] == "cellular_mqtt")
    return [int(port) for port in (*links, *sections) if port and port != mqtt]


async def attack(port: int, data: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(OSError, TimeoutError):
        writer.write(data)
        async with asyncio.timeout(0.3):
            await writer.drain()
            while await reader.read(65_536):
                pass
    writer.transport.abort()


async def listening(port: int) -> None:
    """Return when somebody listens: after a restart the operator API answers a little before the gateway does."""
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.transport.abort()
                return
            await asyncio.sleep(0.05)


async def confirmed(room: CountyRoom, ebm_id: str, wanted: int) -> int:
    """How many terminals confirm, once it is at least `wanted` or time is up."""
    alert = await room.alert_when(ebm_id, lambda a: a["row"]["counts"]["confirmed"] >= wanted, 20.0)
    assert alert is not None
    return int(alert["row"]["counts"]["confirmed"])


class Pen:
    """Writes packages with the province's key, and changes them before they are signed."""

    def __init__(self, config: ProvinceConfig) -> None:
        self.config = config
        self.composer = Composer(config, SystemClock(), PrivateKey.generate(os.urandom))

    async def post(self, change: Callable[[bytes], bytes], **fields: object) -> tuple[ResultCode, str]:
        parcel = self.composer.message(Message(tag="x", **fields), None)  # type: ignore[arg-type]
        xml = change(unpack(parcel.archive).xml)
        time = int(SystemClock().wall())
        block = time.to_bytes(4, "big") + self.config.certificate + self.config.key.sign(xml)
        archive = pack(xml, encode_signature(SignatureFile(block, related_ebd_id=parcel.ebd_id)))
        wrapped = build_request_body(archive, parcel.file_name, "b" * 24)
        async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
            headers = {"Content-Type": wrapped.content_type}
            answer = await http.post(self.config.county.url, content=wrapped.body, headers=headers)
        receipt = decode(unpack(answer.content).xml).detail
        assert isinstance(receipt, EbdResponse)
        return receipt.code, parcel.ebm_id


@pytest.mark.real
@pytest.mark.timeout(60)
async def test_i6_noise_and_idle_sockets_on_every_port_delay_no_alert(tmp_path: Path) -> None:
    async with county(tmp_path) as room:
        standing = [await asyncio.open_connection("127.0.0.1", port) for port in ports(room) for _ in range(140)]
        async with asyncio.TaskGroup() as group:
            for port in ports(room):
                for data in NOISE:
                    group.create_task(attack(port, data))
            receipt = await room.order("alert", duration_s=60.0)
        assert receipt["code"] == 1, receipt
        assert await confirmed(room, receipt["ebmid"], TERMINALS // 3) >= TERMINALS // 3
        assert await room.metric("ebcd_rejected_total") > 0
        for _, writer in standing:
            writer.transport.abort()


@pytest.mark.real
@pytest.mark.timeout(60)
async def test_odd_packages_of_a_good_province_are_heard_on_every_path(tmp_path: Path) -> None:
    """Long names, an end in 2999, a foreign language tag, half a megabyte of areas, a text of an hour."""

    def odd(xml: bytes) -> bytes:
        areas = ",".join([str(pen.config.county.area), *["1"] * 200_000])
        for tag, value in (
            ("SenderName", "县" * 300),
            ("MsgTitle", "长" * 5_000),
            ("MsgDesc", "洪水，" * 5_000),
            ("LanguageCode", "zh-CN"),
            ("EndTime", "2999-12-31 23:59:59"),
            ("AreaCode", areas),
        ):
            head, rest = xml.split(f"<{tag}>".encode(), 1)
            xml = head + f"<{tag}>{value}".encode() + rest[rest.index(f"</{tag}>".encode()) :]
        return xml

    async with county(tmp_path) as room:
        pen = Pen(load(tmp_path))
        code, ebm_id = await pen.post(odd)
        assert code is ResultCode.SUCCESS

        def reached(alert: Detail) -> dict[str, int]:
            return {each["path"]: each["counts"]["confirmed"] for each in alert["by_path"]}

        def on_every_path(alert: Detail) -> bool:
            return all(reached(alert).get(path) for path in ("ip", "adapter", "cellular", "mqtt"))

        alert = await room.alert_when(ebm_id, on_every_path, 20.0)
        assert alert is not None
        assert on_every_path(alert), reached(alert)
        assert sum(reached(alert).values()) >= TERMINALS // 2


@pytest.mark.requirement("R-X-34")
@pytest.mark.real
@pytest.mark.timeout(60)
async def test_i7_i10_kills_and_a_locked_journal_lose_and_double_nothing(tmp_path: Path, rng: random.Random) -> None:
    async with county(tmp_path) as room:
        database = tmp_path / "state" / "ebcd.db"
        taken = []
        for number in range(2):
            order = asyncio.create_task(room.order(f"kill {number}", duration_s=60.0, severity=number + 1))
            await asyncio.sleep(rng.uniform(0.0, 0.6))
            room.daemon.kill()
            await room.daemon.gone()
            await room.start_daemon()
            receipt = await order
            taken += [receipt["ebmid"]] if receipt["code"] == 1 else []
        await listening(room.settings["upstream"]["port"])
        with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = await room.order("locked", duration_s=60.0)
            other.execute("ROLLBACK")
        again = await room.order("again", cmd="repost", of="locked")
        assert (refused["code"], again["code"]) == (5, 1), f"{refused}\n{again}"
        for ebm_id in [*taken, again["ebmid"]]:
            assert await room.alert_when(ebm_id, lambda _: True, 5.0), f"{ebm_id} is lost"
        truth = await room.fleet.ask("truth", cmd="truth")
        assert max(Counter((code, ebm_id) for code, ebm_id, *_ in truth["starts"]).values(), default=1) == 1
    assert all(verdict.whole for verdict in verify_journal(f"sqlite:///{database}"))
