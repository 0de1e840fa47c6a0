"""The fleet's process: what it tells, what it obeys, and that it ends with its stdin."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from protocols import terminal as fefd
from protocols.codes import EbmId, ResourceCode
from protocols.signature import SignatureBlock
from protocols.sm2 import PrivateKey
from protocols.terminal import Header
from simulators.county import main as write_county
from tests.ports import free_run

pytestmark = pytest.mark.real

PLATFORM = ResourceCode("43499010000000101010101")
EBM = EbmId.build("23400000000000101010101", "20251009", 1)
PORTS = 20 + 7  # of a county of 20 terminals: its own and seven adapters


class Fleet:
    """The child and its lines."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, facts: dict[str, Any]) -> None:
        self.process = process
        self.folder = folder
        self.facts = facts

    async def event(self, name: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        async with asyncio.timeout(30):
            while True:
                event: dict[str, Any] = json.loads(await self.process.stdout.readline())
                if event["event"] == name:
                    return event

    async def ask(self, name: str, **command: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        return await self.event(name)

    def start(self, length_s: int) -> bytes:
        """A signed start for the whole county."""
        key = PrivateKey.from_pkcs8((self.folder / "keys" / "platform.pem").read_bytes())
        number = bytes.fromhex(self.facts["platform"]["certificate"])
        now = int(time.time())

        def sign(message: bytes) -> SignatureBlock:
            return SignatureBlock(now, number, key.sign(message + now.to_bytes(4, "big")))

        targets = tuple(ResourceCode.build(level, "349901000000", "0314", 0, 4, 0) for level in (5, 6))
        start = fefd.Start(EBM, 4, 1, "11111", 255, now, now + length_s, ())
        return fefd.encode(fefd.request(Header.D, 1, PLATFORM, targets, start), sign=sign)


@asynccontextmanager
async def fleet(folder: Path) -> AsyncIterator[Fleet]:
    write_county(["--out", str(folder), "--terminals", "20", "--seed", "7", "--base-port", str(free_run(PORTS))])
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "simulators",
            "fleet",
            "--dir",
            str(folder),
            "--spread-s",
            "0",
            "--reconnect-scale",
            "0.02",
        ),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    facts = json.loads((folder / "sim" / "fleet.json").read_text(encoding="utf-8"))
    try:
        yield Fleet(process, folder, facts)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(20):
            assert await process.wait() == 0


class Bare(asyncio.Protocol):
    """A server that sends one frame to whoever registers."""

    def __init__(self, frame: bytes, heard: list[fefd.Frame]) -> None:
        self.frame = frame
        self.heard = heard
        self.deframer = fefd.Deframer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for item in self.deframer.feed(data):
            assert isinstance(item, fefd.Frame)
            self.heard.append(item)
            if isinstance(item.message, fefd.Heartbeat):
                self.transport.write(self.frame)


async def test_direct_terminals_start_once_and_the_truth_tells_it(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with fleet(tmp_path) as at:
        ready = await at.event("ready")
        assert (ready["terminals"], ready["off"], ready["adapters"]) == (20, 1, 7)
        heard: list[fefd.Frame] = []
        frame = at.start(60)
        server = await loop.create_server(lambda: Bare(frame, heard), *at.facts["endpoints"]["ip"])
        async with asyncio.timeout(20):
            while True:
                truth = await at.ask("truth", cmd="truth", ebm_id=EBM)
                if truth["starts"]:
                    break
        assert {start[3] for start in truth["starts"]} == {"ip"}
        assert truth["working"] == {EBM: len(truth["starts"])}
        assert (await at.ask("truth", cmd="truth", ebm_id=EbmId.EVERYTHING))["starts"] == []
        status = await at.ask("status", cmd="status")
        assert status["connected"]["ip"] >= 1
        assert status["verified"] == 1
        server.close()


async def test_fresh_terminals_dial_a_bare_server_and_only_answer(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with fleet(tmp_path) as at:
        await at.event("ready")
        heard: list[fefd.Frame] = []
        frame = at.start(60)
        server = await loop.create_server(lambda: Bare(frame, heard), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        assert (await at.ask("floor", cmd="floor", host="127.0.0.1", port=port, count=30))["connected"] == 30
        async with asyncio.timeout(20):
            while len(heard) < 60:
                await at.ask("status", cmd="status")
        assert await at.ask("floor_closed", cmd="floor_close") == {"event": "floor_closed"}
        server.close()
        kinds = sorted(type(item.message).__name__ for item in heard)
        assert kinds == ["Answer"] * 30 + ["Heartbeat"] * 30
        assert (await at.ask("truth", cmd="truth"))["starts"] == []


async def test_a_towns_link_dies_and_returns_and_nonsense_is_told(tmp_path: Path) -> None:
    async with fleet(tmp_path) as at:
        await at.event("ready")
        faults = json.loads((tmp_path / "sim" / "faults.json").read_text(encoding="utf-8"))
        town = faults["dead_ip_town"]
        back = await at.ask("ip_town", cmd="ip_town", area=town, up=True)
        assert (back["up"], back["terminals"] >= 1) == (True, True)
        assert (await at.ask("ip_town", cmd="ip_town", area=town, up=False))["up"] is False
        for nonsense in ({"cmd": "dance"}, {"cmd": "ip_town", "area": "110000000000", "up": True}, {"cmd": "air"}):
            assert (await at.ask("error", **nonsense))["reason"]
        air = await at.ask("air", cmd="air", ebm_id=EBM)
        assert (air["bits_on_air"], air["receivers"]) == (None, 0)
