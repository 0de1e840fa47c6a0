"""The MQTT link on a real mosquitto, with fake terminals of every profile, written from terminal-ip.md section 4."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import struct
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any, TypeVar

import pytest

from devices.cellular_mqtt import CellularMqtt, CellularMqttConfig
from devices.link import Audio, Event, LinkUp, Path, Start, Stop
from devices.ports import Ports
from devices.roster import Device, Roster
from ebcd.clock import SystemClock
from ebcd.world import SocketNetwork
from protocols.codes import EbmId, ResourceCode
from protocols.signature import SignatureBlock
from protocols.sm2 import PrivateKey
from simulators.broker import broker, engine
from tests.devices.commands import CERTIFICATE, COUNTY_ADAPTER, EBM, VILLAGE, terminal_code, terminal_device
from tests.devices.mqtt311 import Client311
from tests.ports import free_port

VILLAGE_PROFILE = str(FilePath(__file__).parents[1] / "protocols/mqtt/village.toml")
KEY = PrivateKey.generate(random.Random(3).randbytes)
ONE, TWO = terminal_code(1), terminal_code(2)
WAIT_S = 30
EventT = TypeVar("EventT", bound=Event)

needs_mosquitto = pytest.mark.skipif(engine() != "mosquitto", reason="mosquitto is not installed on this machine")


def sign(command: bytes) -> SignatureBlock:
    """Our own key: command, then the time (GD/J 081 clause 5.4)."""
    now = int(time.time())
    return SignatureBlock(now, CERTIFICATE, KEY.sign(command + struct.pack(">I", now)))


def crc32(data: bytes) -> int:
    """GD/J 089 annex G, bit by bit: 04C11DB7, begins with ones, nothing reflected, no final xor."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


def bcd(code: str) -> bytes:
    """Nibble F and the digits."""
    return bytes.fromhex("F" + code)


@dataclass
class FakeTerminal:
    """One terminal on MQTT 3.1.1: keeps what it hears, answers as `answer` says."""

    code: ResourceCode
    id: str
    client: Client311 = field(init=False)
    heard: list[tuple[str, Any]] = field(default_factory=list)
    subscriptions: tuple[str, ...] = ()
    online: tuple[str, bytes] = ("", b"")
    offline: tuple[str, bytes] = ("", b"")
    retain: bool = True
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def dial(self, port: int, *, keep: bool = False) -> None:
        """Make the client; a kept session is told by the same name again."""
        will = (*self.offline, self.retain)
        self.client = Client311(port, self.id, hears=self._hears, will=will, clean=not keep)

    async def arrive(self) -> None:
        """Connect, subscribe, say online."""
        await self.client.connect(*self.subscriptions)
        topic, payload = self.online
        await self.client.publish(topic, payload, retain=self.retain)

    async def until(self, word: str) -> None:
        """Wait until a command of this kind was heard."""
        async with asyncio.timeout(WAIT_S):
            while word not in self.words:
                await self.news.wait()
                self.news.clear()

    async def leave(self) -> None:
        """Gone without a word, once what it says is said."""
        await asyncio.gather(*self.tasks)
        self.tasks.clear()
        await self.client.cut()

    def say(self, topic: str, payload: bytes) -> None:
        """Publish from inside a callback."""
        self.tasks.append(asyncio.get_running_loop().create_task(self.client.publish(topic, payload)))

    def _hears(self, topic: str, payload: bytes) -> None:
        self.heard.append((topic, self.read(payload)))
        self.news.set()
        self.answer(payload)

    def read(self, payload: bytes) -> Any:
        """What is kept of a message."""
        return json.loads(payload)

    def answer(self, payload: bytes) -> None:
        """To a command."""

    @property
    def words(self) -> list[str]:
        """The kinds of commands heard, in order."""
        return [message.get("type") or message.get("cmd") or message["data"]["act"] for _, message in self.heard]


class FrameTerminal(FakeTerminal):
    """Our profile: raw frames; the signature is verified over head ... data and time."""

    def __init__(self, code: ResourceCode, root: str = "eb/v1") -> None:
        super().__init__(code, code)
        area = code.area
        self.root = root
        self.subscriptions = (f"{root}/{code}/cmd", f"{root}/area/{area}/cmd", f"{root}/area/{area[:6]}000000/cmd")
        self.online, self.offline = (f"{root}/{code}/status", b"online"), (f"{root}/{code}/status", b"offline")

    def read(self, payload: bytes) -> Any:
        """Table D.2: flag at 9, length at 10, source at 12, targets at 24."""
        assert payload[:4] == b"\xfe\xfd\x01\x00"
        assert payload[9] == 1, "not signed"
        assert crc32(payload) == 0
        block = payload[-78:-4]
        assert KEY.public.verify(payload[:-80] + block[:4], block[10:])
        (count,) = struct.unpack_from(">H", payload, 24)
        at = 26 + 12 * count
        return {"type": {1: "start", 2: "stop"}.get(payload[at], "?"), "session": payload[4:8], "business": payload[at],
                "ebm": payload[at + 3 : at + 21]}  # fmt: skip

    def answer(self, payload: bytes) -> None:
        """Table D.10 with result 0."""
        told = self.read(payload)
        frame = b"\xfe\xfd\x01\x00" + told["session"] + b"\x02\x00\x00\x30" + bcd(self.code) + b"\x00\x01"
        frame += payload[12:24] + bytes([told["business"]]) + b"\x00\x03\x00\x00\x00"
        self.say(f"{self.root}/{self.code}/rsp", frame + struct.pack(">I", crc32(frame)))


class MirrorTerminal(FrameTerminal):
    """The JSON mirror: makes the frame of the fields again and verifies that."""

    def read(self, payload: bytes) -> Any:
        told = json.loads(payload)
        data = bcd(told["ebm"])
        if told["type"] == "start":
            url = told["url"].encode()
            data += bytes([told["class"], told["level"]]) + told["event"].encode() + bytes([told["volume"]])
            data += struct.pack(">II", told["start"], told["end"]) + b"\x01\x3d" + struct.pack(">H", len(url)) + url
        targets = b"".join(map(bcd, told["to"]))
        total = 26 + len(targets) + 3 + len(data) + 76 + 4
        frame = b"\xfe\xfd\x01\x00" + struct.pack(">IBBH", told["sid"], 1, 1, total) + bcd(told["from"])
        frame += struct.pack(">H", len(told["to"])) + targets
        frame += bytes([{"start": 1, "stop": 2}[told["type"]]]) + struct.pack(">H", len(data)) + data
        sig = told["sig"]
        assert sig["cert"] == CERTIFICATE.hex().upper()
        assert KEY.public.verify(frame + struct.pack(">I", sig["time"]), bytes.fromhex(sig["value"]))
        return told

    def answer(self, payload: bytes) -> None:
        told = json.loads(payload)
        business = {"start": 1, "stop": 2}[told["type"]]
        reply = {"sid": told["sid"], "type": "answer", "answer": True, "from": self.code, "to": [told["from"]],
                 "request": business, "result": 0, "text": ""}  # fmt: skip
        self.say(f"{self.root}/{self.code}/rsp", json.dumps(reply).encode())


class P6Terminal(FakeTerminal):
    """Tells how it is on the topic that all share; knows volume and reboot."""

    SYS = "pub6/broadcast/v2/sys"

    def __init__(self, code: ResourceCode, id_: str) -> None:
        super().__init__(code, id_, retain=False)
        self.subscriptions = (f"pub6/broadcast/v2/dev/{id_}",)
        self.online, self.offline = (self.SYS, self.status(1)), (self.SYS, self.status(0))

    def status(self, value: object) -> bytes:
        """Report of its state: 0 offline, 1 online, 2 fault, 3 cleared, 4 busy."""
        return self.report({"act": "status", "value": value})

    def report(self, data: object) -> bytes:
        """The maker's envelope."""
        head = {"from": self.id, "to": "sys", "req": "1666596827411", "method": "report"}
        return json.dumps(head | {"data": data, "seq": 1, "ts": 1666596827411}).encode()


class MwTerminal(FakeTerminal):
    """Plays an address, answers by type."""

    def __init__(self, code: ResourceCode, id_: str) -> None:
        super().__init__(code, id_)
        self.subscriptions = (f"/{id_}/user/sub_control",)
        topic = f"/{id_}/status/onoffline"
        self.online = (topic, json.dumps({"uuid": id_, "state": "online"}).encode())
        self.offline = (topic, json.dumps({"uuid": id_, "state": "offline"}).encode())

    def answer(self, payload: bytes) -> None:
        told = json.loads(payload)
        assert told["DstDeviceName"] == self.id
        reply = {"DstDeviceName": told["SrcDeviceName"], "SrcDeviceName": self.id, "type": told["type"], "other": {}}
        self.say(f"/{self.id}/user/pub_response", json.dumps(reply).encode())


class VillageTerminal(FakeTerminal):
    """The made-up fourth profile: acknowledges, begins and is done by track."""

    def __init__(self, code: ResourceCode, id_: str) -> None:
        super().__init__(code, id_)
        self.subscriptions = (f"device/{id_}/cmd",)
        topic = f"device/{id_}/event"
        self.online, self.offline = (topic, b'{"what":"up"}'), (topic, b'{"what":"down"}')

    def answer(self, payload: bytes) -> None:
        told = json.loads(payload)
        ack = {"what": "ack", "cmd": told["cmd"], "track": told["track"], "code": "ok"}
        self.say(f"device/{self.id}/ack", json.dumps(ack).encode())
        if told["cmd"] == "play":
            done = {"what": "done", "track": told["track"], "count": 1}
            self.say(f"device/{self.id}/event", json.dumps(done).encode())


@dataclass
class Bench:
    """A link of one profile on a broker, and its events."""

    port: int
    link: CellularMqtt
    events: list[Event]
    news: asyncio.Event
    excused: set[ResourceCode]

    async def until(self, enough: Callable[[], bool]) -> None:
        """Wait for what the link tells."""
        async with asyncio.timeout(WAIT_S):
            while not enough():
                await self.news.wait()
                self.news.clear()

    def of(self, kind: type[EventT]) -> list[EventT]:
        """Events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]


def start(*members: ResourceCode, ebm_id: EbmId = EBM, length_s: float = 60.0) -> Start:
    """A start from now on."""
    now = int(time.time())
    audio = Audio("http://127.0.0.1:8088/media/a.mp3")
    return Start(ebm_id, 4, 1, "11A01", now, int(now + length_s), 80, (VILLAGE,), members, audio)


def stop(*members: ResourceCode, ebm_id: EbmId = EBM) -> Stop:
    """Its stop."""
    return Stop(ebm_id, 4, 1, "11A01", (VILLAGE,), members)


@contextlib.asynccontextmanager
async def bench(
    profile: str, ids: Sequence[str], excused: Sequence[ResourceCode] = (ONE, TWO), **config: Any
) -> AsyncIterator[Bench]:
    """A broker and a connected link for terminals 1, 2 ... whose vendor calls them `ids`."""
    port = free_port()
    with broker(port):
        async with bench_on(port, profile, ids, excused, **config) as at:
            yield at


@contextlib.asynccontextmanager
async def bench_on(
    port: int, profile: str, ids: Sequence[str], excused: Sequence[ResourceCode] = (ONE, TWO), **config: Any
) -> AsyncIterator[Bench]:
    """The same on a broker that is there."""
    devices: list[Device] = [replace(terminal_device(n, Path.MQTT), mqtt_id=id_) for n, id_ in enumerate(ids, 1)]
    events: list[Event] = []
    news, allowed = asyncio.Event(), set(excused)

    def sink(event: Event) -> None:
        events.append(event)
        news.set()

    doors = Ports(SystemClock(), random.Random(1), SocketNetwork(), sign, None, lambda code, _utc_s: code in allowed)
    values = {"source": str(COUNTY_ADAPTER), "reconnect_first_s": 0.1, **config}
    settings = CellularMqttConfig("mqtt", port=port, profile=profile, **values)
    link = CellularMqtt(settings, doors, sink, Roster.of(devices))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(link.run())
        at = Bench(port, link, events, news, allowed)
        await at.until(lambda: bool(at.of(LinkUp)))
        try:
            yield at
        finally:
            running.cancel()
