"""The platform's gateway room in virtual time: a real journal, a mailroom that only remembers, a core that records."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path as Folder
from typing import Any, cast

from devices.link import Link, Path
from ebcd.alert import Media
from ebcd.core import Core
from ebcd.following import Following
from ebcd.foundation import restore
from ebcd.gateway import Peer, Received
from ebcd.intake import Intake, UnusableSound
from ebcd.invariants import Checker, Violation
from ebcd.inventory import Inventory
from ebcd.ledger import Ledger
from ebcd.mailroom import Mailroom, Told
from ebcd.operation_data.requests import Refusal
from ebcd.orders import Orders, Volumes
from ebcd.reach import Reach
from ebcd.sharing import Sharers
from ebcd.state import CountyState
from ebcd.store import NewEvent, Store, open_store
from ebcd.upstream import Upstream
from ebcd.world import World
from protocols.codes import EbdId, EbmId, ResourceCode
from protocols.ebd import Detail, Ebd, Envelope, encode, pack, unpack
from protocols.ebd.messages import Auxiliary, Ebm, MsgBasicInfo, MsgContent, OmdRequest
from tests.ebcd.county import COUNTY, PROVINCE, RULES, RecordingLink, all_ip, small_county
from tests.virtual_time import VirtualClock

PLATFORM = ResourceCode("43499010000000101010101")


class Speaker:
    """Keeps and speaks; a text may take its time."""

    def __init__(self) -> None:
        self.speech_s = 0.0
        self.kept: list[tuple[str, str]] = []
        self.spoken: list[str] = []
        self.refuses: set[str] = set()

    async def keep(self, data: bytes, name: str, digest: str) -> Media:
        if name in self.refuses:
            raise UnusableSound("another digest")
        self.kept.append((name, digest))
        return Media("1" * 64, name, len(data), False)

    async def speak(self, text: str, *, alarm: bool) -> Media:
        await asyncio.sleep(self.speech_s)
        if text in self.refuses:
            raise UnusableSound("no voice")
        self.spoken.append(text)
        return Media("2" * 64, "spoken.mp3", len(text), True)


class Pigeonholes:
    """A mailroom that sends nothing."""

    def __init__(self) -> None:
        self.peers: dict[str, Peer] = {str(PROVINCE): Peer(PROVINCE, "http://127.0.0.1:1/x")}
        self.posted: list[tuple[str, Detail, str]] = []
        self.told: list[NewEvent] = []  # would be in the journal with their letters

    def post(self, peer: ResourceCode, detail: Detail, related: str, told: Told | None = None) -> str:
        self.posted.append((peer, detail, related))
        number = EbdId.build(EbdId.MESSAGE, PLATFORM, len(self.posted))
        if told is not None:
            self.told.append(told(number))
        return number

    def of(self, kind: type[Any]) -> list[Any]:
        """Documents of one type, in order."""
        return [detail for _, detail, _ in self.posted if isinstance(detail, kind)]


class Clerk:
    """Takes requests for operation data and answers none."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, OmdRequest]] = []
        self.refusal: Refusal | None = None

    def take(self, _peer: ResourceCode, ebd_id: EbdId, request: OmdRequest) -> Refusal | None:
        self.taken.append((ebd_id, request))
        return self.refusal


@dataclass
class Office:
    """One life of the gateway room."""

    clock: VirtualClock
    inventory: Inventory
    store: Store
    core: Core
    upstream: Upstream
    mail: Pigeonholes
    sounds: Speaker
    link: RecordingLink
    clerk: Clerk
    violations: list[Violation] = field(default_factory=list)

    @property
    def state(self) -> CountyState:
        return self.core.state

    def received(self, detail: Detail, number: int = 1, files: dict[str, bytes] | None = None) -> Received:
        """A judged package of the province."""
        ebd_id = EbdId.build(EbdId.MESSAGE, PROVINCE, number)
        now_s = self.clock.wall()
        ebd = Ebd(Envelope(ebd_id, "", PROVINCE, int(now_s), destination=PLATFORM), detail)
        archive = pack(encode(ebd), resources=files)
        peer = self.mail.peers[str(PROVINCE)]
        monotonic_s = self.clock.monotonic()
        return Received(peer, ebd, unpack(archive), archive, None, None, "192.0.2.1", monotonic_s, now_s)

    def ebm(self, serial: int = 1, *, msg_type: int = 1, related: str | None = None, **content: Any) -> Ebm:
        """A level 1 message for the county, for a minute from now."""
        start = int(self.clock.wall())
        return message(serial, start, msg_type=msg_type, related=related, **content)


def message(serial: int, start: int, *, msg_type: int = 1, related: str | None = None, **content: Any) -> Ebm:
    """An EBM of the province; `content` changes its only MsgContent."""
    basic = MsgBasicInfo(msg_type, "省应急", PROVINCE, start, "11A01", 1, start, start + 60)
    values: dict[str, Any] = {"language_code": "zho", "title": "暴雨", "desc": "转移。", "area_codes": (COUNTY,)}
    contents = (MsgContent(**values | content),) if msg_type != 2 else ()
    return Ebm(ebm_id(serial), basic, contents, related_ebm_id=related)


def ebm_id(serial: int) -> EbmId:
    """An id of the province."""
    return EbmId(f"{PROVINCE}20251009{serial:04d}")


def sound_file(name: str) -> Auxiliary:
    """A programme file."""
    return Auxiliary(2, name, digest="ab" * 32)


@asynccontextmanager
async def office(folder: Folder, clock: VirtualClock) -> AsyncIterator[Office]:
    """One life, from the journal in `folder` to its kill -9."""
    store = open_store(f"sqlite:///{folder}/state/ebcd.db", clock=clock, inline=True, fsync=False)
    inventory, violations = small_county(all_ip), list[Violation]()
    ledger = Ledger(await restore(store, COUNTY), store, COUNTY, [Checker(inventory, RULES, violations.append)])
    reach = Reach(inventory.adapter_of)
    orders = Orders(ledger, inventory, reach.is_live, Volumes(100, 255), "http://media")
    mail, sounds = Pigeonholes(), Speaker()
    intake = Intake(COUNTY, lambda area: bool(inventory.places_in(area)), "zho", sounds)
    world = cast(World, _Doors(clock))
    upstream = Upstream(
        PLATFORM, "en", world, store, ledger, cast(Mailroom, mail), Sharers(inventory.adapter_of), intake
    )
    by_path: dict[Path, list[Link]] = {path: [] for path in Path}
    core = Core(ledger, orders, inventory, by_path, clock, RULES, upstream.tell)
    clerk = Clerk()
    upstream.serve(core, clerk)
    following = Following(core, reach, {path.value: path for path in Path}, ())
    link = RecordingLink("ip", Path.IP, following.take)
    by_path[Path.IP].append(link)
    running = [asyncio.ensure_future(core.run())]
    await asyncio.sleep(0)
    running.append(asyncio.ensure_future(upstream.run()))
    await asyncio.sleep(0)
    try:
        yield Office(clock, inventory, store, core, upstream, mail, sounds, link, clerk, violations)
        await asyncio.sleep(0)
        for task in running:
            if task.done():
                task.result()
    finally:
        store.abandon()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    assert violations == []


@dataclass
class _Doors:
    """The part of a World that the gateway room looks through."""

    clock: VirtualClock
    random: random.Random = field(default_factory=lambda: random.Random(1))
