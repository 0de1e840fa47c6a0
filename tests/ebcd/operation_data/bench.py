"""A county's way up in virtual time: real store, mailroom, health and reporter; the province is a rule."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path as Folder
from types import TracebackType
from typing import Any, Self, cast

from prometheus_client import CollectorRegistry

from devices.link import DeviceState, Heartbeat, Link, Path
from devices.roster import Device, DeviceKind, Roster
from ebcd.core import Core
from ebcd.following import Following
from ebcd.foundation import restore
from ebcd.gateway import Peer, PostFailed, Received
from ebcd.gateway.post import ReceiptJudge, no_objection
from ebcd.health import HealthBook, ways_of
from ebcd.intake import Intake
from ebcd.inventory import Inventory
from ebcd.ledger import Ledger
from ebcd.mailroom import Inbox, Mailroom, RunningPoster
from ebcd.metrics import Metrics
from ebcd.operation_data import Flags, Owner, PlatformSigns, Reporter, ReporterDoors, ReportRule, Resources
from ebcd.operation_data.observer import Observer
from ebcd.operation_data.writing import Pen
from ebcd.orders import Orders, Volumes
from ebcd.reach import Reach
from ebcd.settings import Settings, load
from ebcd.sharing import Sharers, Transmitter
from ebcd.signing import FileSigner, SignatureVerifier, TrustStore
from ebcd.store import Store, open_store
from ebcd.upstream import Upstream
from ebcd.world import World
from protocols.codes import EbdId, ResourceCode
from protocols.ebd import Detail, Ebd, Envelope, ResultCode, decode, encode, find_archive, pack, unpack
from protocols.ebd.messages import ConnectionCheck, EbdResponse, OmdRequest, ReportParams
from protocols.ebd.multipart import RequestBody
from tests.ebcd.county import COUNTY, PROVINCE, RULES, VILLAGES, RecordingLink, adapter, all_ip, small_county
from tests.ebcd.office import PLATFORM, Speaker
from tests.ebcd.signing.authority import OTHER, PEER, ROOT, Authority
from tests.memory_network import MemoryNetwork
from tests.virtual_time import VirtualClock

EXCITER = ResourceCode("43499010000000301010301")
CONFIG = f"""
[platform]
code = "{PLATFORM}"
name = "某县应急广播平台"
area = "{COUNTY}"
certificate = "000000000201"
key = "k.pem"
language = "en"
[[upstream.peers]]
code = "{PROVINCE}"
url = "http://province/x"
certificates = ["000000000101"]
"""


@dataclass
class Province:
    """Takes what is posted to it, by a rule, and remembers."""

    clock: VirtualClock
    away: bool = False
    code_for: Callable[[Ebd], ResultCode] = lambda _ebd: ResultCode.SUCCESS
    taken: list[tuple[float, Ebd]] = field(default_factory=list)
    refused: list[Ebd] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def post(self, _url: str, body: RequestBody, objection: ReceiptJudge = no_objection) -> EbdResponse:
        await asyncio.sleep(0.01)
        if self.away:
            raise PostFailed("connect", "nobody there")
        package = unpack(find_archive(body.content_type, body.body))
        ebd = decode(package.xml)
        code = self.code_for(ebd)
        if code is ResultCode.SUCCESS and not isinstance(ebd.detail, ConnectionCheck):
            assert package.signature_xml is not None
            self.taken.append((self.clock.wall(), ebd))
        elif code is not ResultCode.SUCCESS:
            self.refused.append(ebd)
        return EbdResponse(code)

    def of(self, kind: type[Any]) -> list[Any]:
        """Documents of one type that were taken, in order."""
        return [ebd.detail for _, ebd in self.taken if isinstance(ebd.detail, kind)]

    def times(self, kind: type[Any]) -> list[float]:
        """When they were."""
        return [at for at, ebd in self.taken if isinstance(ebd.detail, kind)]

    def forget(self) -> None:
        """Begin anew."""
        self.taken.clear()
        self.refused.clear()


@dataclass
class Bench:
    """One life of the county's upper half."""

    clock: VirtualClock
    province: Province
    inventory: Inventory
    store: Store
    core: Core
    upstream: Upstream
    mailroom: Mailroom
    reporter: Reporter
    flags: Flags
    health: HealthBook
    link: RecordingLink
    signs: dict[str, Any]
    numbers: int = 0

    async def ask(self, type_: str, params: ReportParams | None = None) -> EbdId:
        """The province asks for operation data; the number of its request."""
        return await self.receive(OmdRequest(type_, params))

    async def receive(self, detail: Detail) -> EbdId:
        """A package of the province, judged."""
        self.numbers += 1
        now_s = self.clock.wall()
        ebd_id = EbdId.build(EbdId.MESSAGE, PROVINCE, int(now_s * 1000) + self.numbers)
        ebd = Ebd(Envelope(ebd_id, "", PROVINCE, int(now_s), destination=PLATFORM), detail)
        archive = pack(encode(ebd))
        peer = Peer(PROVINCE, "http://province/x")
        arrived_s = self.clock.monotonic()
        received = Received(peer, ebd, unpack(archive), archive, None, None, "192.0.2.1", arrived_s, now_s)
        await self.upstream.accept(received)
        return ebd_id

    def beat(self, *codes: ResourceCode, state: DeviceState = DeviceState.IDLE) -> None:
        """Devices say that they live."""
        for code in codes:
            path = Path.ADAPTER if code.subtype == "02" else Path.IP
            event = Heartbeat(path.value, code, "", state, False)
            self.health.observe(event, path, self.clock.monotonic(), self.clock.wall())

    def fall_silent(self, *codes: ResourceCode) -> None:
        """Their patience is over."""
        now_s = self.clock.monotonic()
        self.health.start_counting(now_s - 1e6)
        for code in set(self.health.ways.devices) - set(codes):
            self.health.of(code).seen_s = now_s
        for patience_s, living in self.health._by_age.items():
            for code in [code for code in living if code in codes]:
                del living[code]
                self.health._fell_silent(code, patience_s, now_s, self.clock.wall())

    @property
    def codes(self) -> list[ResourceCode]:
        """All terminals."""
        return [each.code for each in self.inventory.terminals_in([COUNTY])]

    @property
    def everybody(self) -> list[ResourceCode]:
        """All terminals and adapters."""
        return [*self.codes, *(adapter(village) for village in VILLAGES)]


def county_with_transmitter(per_village: int = 4) -> Inventory:
    """The small county and an FM exciter."""
    small = small_county(all_ip, per_village)
    exciter = Device(DeviceKind.TRANSMITTER, EXCITER, "", "exciter", "127.0.0.1", 9, (), 97_400)
    return Inventory(Roster.of([*small.roster.adapters, *small.roster.terminals, exciter]))


def settings_in(folder: Folder) -> Settings:
    """The configuration of the bench."""
    file = folder / "ebcd.toml"
    file.write_text(CONFIG, encoding="utf-8")
    return load(file, environ={})


def world_of(clock: VirtualClock, network: MemoryNetwork | None = None) -> World:
    """Doors that lead nowhere but to the clock."""

    def no_mqtt(*_args: Any, **_options: Any) -> Any:
        raise AssertionError("nobody dials a broker here")

    chance = random.Random(1)
    return World(
        clock, chance, cast(Any, network or MemoryNetwork()), chance.randbytes, no_mqtt, CollectorRegistry(), False
    )


def _core(ledger: Ledger, inventory: Inventory, clock: VirtualClock, upstream: Upstream) -> tuple[Core, RecordingLink]:
    """A core with one link, on which every terminal answers."""
    reach = Reach(inventory.adapter_of)
    orders = Orders(ledger, inventory, reach.is_live, Volumes(100, 255), "http://media")
    by_path: dict[Path, list[Link]] = {path: [] for path in Path}
    core = Core(ledger, orders, inventory, by_path, clock, RULES, upstream.tell)
    following = Following(core, reach, {path.value: path for path in Path}, ())
    link = RecordingLink("ip", Path.IP, following.take)
    by_path[Path.IP].append(link)
    return core, link


@asynccontextmanager
async def bench(
    folder: Folder,
    province: Province,
    *,
    inventory: Inventory | None = None,
    rule: ReportRule | None = None,
    owner: Owner | None = None,
    poster: RunningPoster | None = None,
    network: MemoryNetwork | None = None,
    in_good_order: bool = False,
    exciter: list[Transmitter] | None = None,
) -> AsyncIterator[Bench]:
    """One life, from what `folder` holds to its kill -9, or to its end `in_good_order`. `poster` leads to somebody else
    than `province`."""
    clock = province.clock
    (folder / "trust").mkdir(exist_ok=True)
    authority = Authority(folder / "trust")
    for number in (PEER, OTHER):
        authority.issue(number)
    settings, world = settings_in(folder), world_of(clock, network)
    store = open_store(f"sqlite:///{folder}/state/ebcd.db", clock=clock, inline=True, fsync=False)
    inventory = inventory or county_with_transmitter()
    ledger = Ledger(await restore(store, COUNTY), store, COUNTY, [])
    metrics = Metrics(world.registry)
    signer = FileSigner(authority.keys[OTHER], OTHER, clock)
    verifier = SignatureVerifier(TrustStore.load(folder / "trust", [ROOT]))
    mailroom = Mailroom(settings, world, store, signer, verifier, metrics, poster or province)
    await mailroom.prepare()
    resources = Resources(owner or Owner(PLATFORM, "某县应急广播平台", "http://county"), inventory)
    signs: dict[str, Any] = {}
    transmitters = exciter or [Transmitter(EXCITER, 97_400, up=True)]
    sharers = Sharers(inventory.adapter_of, lambda: transmitters, resources.station_of)
    intake = Intake(COUNTY, lambda area: bool(inventory.places_in(area)), "zho", Speaker())
    upstream = Upstream(PLATFORM, "en", world, store, ledger, mailroom, sharers, intake)
    core, link = _core(ledger, inventory, clock, upstream)
    periods = dict.fromkeys(Path, 60.0)
    health = HealthBook(ways_of(inventory, {"ip": Path.IP, "adapter": Path.ADAPTER}, periods, 60.0))
    flags, rule = Flags(mailroom.peers), rule or ReportRule()
    observer = Observer(
        flags, resources, lambda: ledger.state, health, sharers, lambda: transmitters,
        lambda: PlatformSigns(**signs), clock, rule.codes,
    )  # fmt: skip
    pen = Pen(resources.owner, resources, flags, lambda: ledger.state, health, observer.watch, sharers, "en")
    doors = ReporterDoors(mailroom, store, clock, upstream.request_answered, metrics.report)
    reporter = Reporter(flags, observer, pen, rule, doors)
    mailroom.back, mailroom.farewell = reporter.back, reporter.farewell if in_good_order else mailroom.farewell
    health.on_change(observer.device_changed)
    ledger.watched_by(observer.fact)
    upstream.serve(core, reporter)
    mailroom.serve(Inbox(upstream.accept, upstream.answered, upstream.content))
    parts = (core.run(), upstream.run(), mailroom.run(world.network), reporter.run())
    running = [asyncio.ensure_future(part) for part in parts]
    try:
        await asyncio.sleep(0)
        yield Bench(clock, province, inventory, store, core, upstream, mailroom, reporter, flags, health, link, signs)
        for task in running:
            if task.done():
                task.result()
    finally:
        await _end(store, running, in_good_order=in_good_order)


async def _end(store: Store, running: Sequence[asyncio.Future[None]], *, in_good_order: bool) -> None:
    """Everything stops; after a kill -9 nothing more reaches the disk."""
    if not in_good_order:
        store.abandon()
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    if in_good_order:
        await store.close()
