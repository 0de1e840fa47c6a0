"""The composition root: builds every part from the configuration and one World, runs them, ends them.

Order of life: read and check everything, open the journal, fold what it says, try each link, say ready. Order of death:
stop taking things in, let what is written reach the disk, close.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import structlog

from devices.link import Event, Link, Path, Rejected
from ebcd import api, facts, http_server, inventory_csv, media, media_server, snapshot
from ebcd.alert import AlertClass, RankRule
from ebcd.core import Core
from ebcd.facts import Fact
from ebcd.following import Following
from ebcd.health import Change, Condition, HealthBook
from ebcd.identity import Operators
from ebcd.intake import Intake
from ebcd.invariants import Checker, Violation
from ebcd.inventory import Inventory
from ebcd.ledger import Ledger
from ebcd.mailroom import Inbox, Mailroom
from ebcd.metrics import Metrics
from ebcd.operations import CountyOperations, Identity, Room
from ebcd.orders import Orders, Volumes
from ebcd.reach import Reach
from ebcd.reconcile import resume
from ebcd.rules import Approvals, Patience, QuietHours, Rules
from ebcd.settings import Settings
from ebcd.signing import FileSigner, Policy, SignatureVerifier, TrustStore
from ebcd.sounds import Sounds
from ebcd.state import CountyState
from ebcd.store import SignatureMemory, Store, open_store
from ebcd.supervise import supervise
from ebcd.systemd import notify
from ebcd.trace import Traces
from ebcd.upstream import Upstream
from ebcd.views import Views
from ebcd.world import World
from protocols.codes import EbmId, ResourceCode
from protocols.signature import SignatureBlock

HEALTH_TICK_S = 1.0
CHECKPOINT_S = 60.0
RETURN_PERIOD_S = 60.0
"""Between two signs of life of a terminal on a link that names no period (MQTT keep-alive, terminal digest 2.7)."""

LANGUAGE = "zho"
"""Of messages in several languages this one is taken (GB/T 4880.2)."""

log = structlog.get_logger("ebcd.daemon")


@dataclass(frozen=True, slots=True)
class Daemon:
    """All parts of one running county."""

    settings: Settings
    world: World
    store: Store
    ledger: Ledger
    core: Core
    following: Following
    health: HealthBook
    links: tuple[tuple[str, Link], ...]
    upstream: Upstream
    mailroom: Mailroom
    operations: CountyOperations
    operators: Operators
    media: media.MediaStore
    metrics: Metrics
    checker: Checker


def rules_of(settings: Settings) -> Rules:
    """The configuration as the core wants it."""
    d, a, q = settings.delivery, settings.approval, settings.quiet_hours
    return Rules(
        rank=RankRule(tuple(AlertClass(n) for n in settings.priority.classes), settings.priority.first == "admin"),
        quiet=QuietHours(q.from_, q.to),
        approvals=Approvals({1: a.level_1, 2: a.level_2, 3: a.level_3, 4: a.level_4}, a.daily, a.drill),
        patience=Patience(
            {
                Path.IP: d.fallback_ip_s,
                Path.ADAPTER: d.fallback_adapter_s,
                Path.CELLULAR: d.fallback_cellular_s,
                Path.MQTT: d.fallback_cellular_s,
            },
            confirm_s=d.confirm_s,
        ),
        success_ratio=settings.upstream.success_ratio,
    )


def operators_of(settings: Settings) -> Operators:
    """Who may command."""
    return Operators(
        {o.token_sha256: o.name for o in settings.operators if o.token_sha256},
        {o.uid: o.name for o in settings.operators if o.uid is not None},
    )


async def restore(store: Store, stream: str) -> CountyState:
    """The live state, from the newest checkpoint and the facts behind it."""
    loaded = await store.load(stream)
    for reason in loaded.refused:
        log.error("checkpoint.refused", reason=reason)
    state = snapshot.load(loaded.state) if loaded.state else CountyState()
    for event in loaded.events:
        alert = EbmId(event.alert) if event.alert else None
        state.apply(Fact(event.kind, alert, event.at, event.actor, event.payload))
    return state


def remembered(memory: SignatureMemory) -> dict[str, Any]:
    """The replay memory of platform files as the verifier keeps it (I11)."""
    files: dict[str, list[list[Any]]] = {number: [] for number in memory.last}
    for number, time, digest, _at in memory.seen:
        files.setdefault(number, []).append([digest.hex(), time])
    return {number: {"mode": None, "last": 0, "floor": -1, "seen": [], "files": seen} for number, seen in files.items()}


def heartbeat_periods(settings: Settings, inventory: Inventory) -> dict[ResourceCode, float | None]:
    """How often each terminal can be heard: the longest period of its paths that bring answers back."""
    by_path: dict[Path, float] = {Path.MQTT: RETURN_PERIOD_S}
    for config in (table.config for table in settings.links if hasattr(table.config, "path")):
        path, period_s = Path(config.path), getattr(config, "heartbeat_s", RETURN_PERIOD_S)
        by_path[path] = max(by_path.get(path, 0.0), period_s)
    return {
        t.code: max((by_path.get(path, RETURN_PERIOD_S) for path in t.paths if path is not Path.FM), default=None)
        for t in inventory.roster.terminals
    }


def count_outcomes(fact: Fact, metrics: Metrics) -> None:
    """Deliveries by path and outcome, for the metrics."""
    if fact.kind == facts.RECEIPTS:
        tally = Counter((path or "none", event) for _code, event, path, _detail, _at in fact.payload["items"])
        for (path, event), count in tally.items():
            metrics.delivery(path, event, count)


async def build(settings: Settings, world: World) -> Daemon:
    """Every part, connected but not running. Raises ConfigError, StoreError."""
    certificate = bytes.fromhex(settings.platform.certificate)
    signer = FileSigner.load(settings.platform.key, certificate, world.clock, settings.key_passphrase())
    trust = TrustStore.load(settings.trust.folder, [bytes.fromhex(number) for number in settings.trust.roots])
    for problem in trust.warnings(world.clock.wall()):
        log.warning("trust.problem", problem=str(problem))
    policy = Policy(settings.trust.time_window_s, settings.trust.counter_slack)
    verifier = SignatureVerifier(trust, policy, world.registry)
    inventory = inventory_csv.load(settings.inventory.file, area=settings.platform.area)
    stream = str(settings.platform.area)
    store = open_store(
        settings.store.url,
        clock=world.clock,
        packages=settings.store.packages,
        inline=not world.store_in_thread,
    )
    state = await restore(store, stream)
    verifier.restore(remembered(await store.signatures()))
    metrics = Metrics(world.registry)
    rules = rules_of(settings)

    def broken(violation: Violation) -> None:
        metrics.violation(violation.invariant)
        log.error("invariant.violated", alert=violation.alert, invariant=violation.invariant, detail=violation.detail)

    checker = Checker(inventory, rules, broken)
    ledger = Ledger(state, store, stream, [checker, lambda fact, _state: count_outcomes(fact, metrics)])
    reach = Reach(inventory.adapter_of)
    volumes = Volumes(settings.delivery.volume_level_1_2, settings.delivery.volume_default)
    orders = Orders(ledger, inventory, reach.is_live, volumes, settings.media.base_url)
    media_store = media.MediaStore(settings.media.folder)
    sounds = Sounds(media_store)
    by_path: dict[Path, list[Link]] = {path: [] for path in Path}
    mailroom = Mailroom(settings, world, store, signer, verifier, metrics)
    await mailroom.prepare()
    me, language = settings.platform.code, settings.platform.language
    intake = Intake(settings.platform.area, lambda area: bool(inventory.places_in(area)), LANGUAGE, sounds)
    upstream = Upstream(me, language, world, store, ledger, mailroom, inventory, intake)
    core = Core(ledger, orders, inventory, by_path, world.clock, rules, upstream.tell, Traces(metrics.stage))
    upstream.serve(core)
    mailroom.serve(Inbox(upstream.accept, upstream.answered))
    health = HealthBook(heartbeat_periods(settings, inventory))
    health.on_change(lambda change: _changed(change, upstream))
    paths: dict[str, Path] = {}

    def observe(event: Event, path: Path) -> None:
        health.observe(event, path, world.clock.monotonic(), world.clock.wall())
        if isinstance(event, Rejected):
            metrics.rejected(event.link, event.reason)
        else:
            metrics.receipt(path.value, type(event).__name__.lower())

    following = Following(core, reach, paths, (observe,))
    links = _links(settings, world, signer, verifier, inventory, following, by_path, paths)
    views = Views(inventory, reach, health, rules.approvals, volumes)
    room = Room(core, inventory, health, views, sounds, volumes, links, mailroom.rows, lambda: checker.found)
    identity = Identity(
        settings.platform.code, settings.platform.name, settings.platform.area, version("ebcd"), world.clock.wall()
    )
    operations = CountyOperations(identity, room)
    _watch(metrics, state, health, links)
    return Daemon(
        settings,
        world,
        store,
        ledger,
        core,
        following,
        health,
        links,
        upstream,
        mailroom,
        operations,
        operators_of(settings),
        media_store,
        metrics,
        checker,
    )


def _changed(change: Change, upstream: Upstream) -> None:
    tell = log.debug if change.before is Condition.UNKNOWN else log.info
    tell("device.changed", device=change.code, before=change.before, after=change.after, why=change.why)
    upstream.device_changed(change)


def _links(
    settings: Settings,
    world: World,
    signer: FileSigner,
    verifier: SignatureVerifier,
    inventory: Inventory,
    following: Following,
    by_path: dict[Path, list[Link]],
    paths: dict[str, Path],
) -> tuple[tuple[str, Link], ...]:
    def verify(signed: bytes, block: SignatureBlock) -> bool:
        return verifier.verify(signed, block, world.clock.wall()).ok

    links = []
    for table in settings.links:
        config = table.config
        if getattr(config, "source", None) == "":
            config = dataclasses.replace(config, source=str(settings.platform.code))
        link = table.type.build(config, world.ports(signer.sign, verify), following.take, inventory.roster)
        links.append((table.type.name, link))
        paths[table.name] = link.path
        if getattr(config, "commands", True):
            by_path[link.path].append(link)
    return tuple(links)


def _watch(metrics: Metrics, state: CountyState, health: HealthBook, links: tuple[tuple[str, Link], ...]) -> None:
    def alerts() -> dict[str, int]:
        tally: dict[str, int] = {}
        for record in state.alerts.values():
            tally[record.state.value] = tally.get(record.state.value, 0) + 1
        return tally

    metrics.watch_alerts(alerts)
    metrics.watch_terminals(lambda: {condition.value: n for condition, n in health.tally.items()})
    metrics.watch_links(lambda: [(link.name, link.path, link.status()) for _, link in links])


# ---- running ------------------------------------------------------------------------------------------------------


async def run(settings: Settings, world: World, ready: Callable[[], None] = lambda: None) -> None:
    """Build, serve and work until cancelled. `ready` is called once, when everything listens."""
    daemon = await build(settings, world)
    try:
        async with _listeners(daemon), asyncio.TaskGroup() as group:
            for name, part in _parts(daemon):
                group.create_task(
                    supervise(
                        name,
                        part,
                        monotonic=world.clock.monotonic,
                        chance=world.random,
                        failed=daemon.metrics.restarted,
                    ),
                    name=name,
                )
            group.create_task(daemon.core.run(), name="core")
            await asyncio.sleep(0)
            resume(daemon.core)
            daemon.health.start_counting(world.clock.monotonic())
            ready()
            notify("READY=1")
            log.info("daemon.ready", terminals=daemon.health.tally.total())
    finally:
        notify("STOPPING=1")
        await daemon.store.close()


@contextlib.asynccontextmanager
async def _listeners(daemon: Daemon) -> AsyncIterator[None]:
    s, network = daemon.settings, daemon.world.network
    operator_api = api.application(daemon.operations, daemon.operators)
    metrics_page = api.metrics_application(daemon.world.registry)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(http_server.on_unix_socket(operator_api, s.api.socket))
        await stack.enter_async_context(http_server.on_tcp(metrics_page, network, s.metrics.host, s.metrics.port))
        sounds = media_server.MediaServer(daemon.media, daemon.world.registry)
        await stack.enter_async_context(media_server.serving(sounds, network, s.media.host, s.media.port))
        yield


def _parts(daemon: Daemon) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
    for _, link in daemon.links:
        yield f"link {link.name}", link.run
    yield "upstream", daemon.upstream.run
    yield "mailroom", lambda: daemon.mailroom.run(daemon.world.network)
    yield "health", lambda: _health(daemon)
    yield "checkpoints", lambda: _checkpoints(daemon)


async def _health(daemon: Daemon) -> None:
    while True:
        await asyncio.sleep(HEALTH_TICK_S)
        daemon.health.tick(daemon.world.clock.monotonic(), daemon.world.clock.wall())


async def _checkpoints(daemon: Daemon) -> None:
    """Now and then, so that a restart folds little."""
    written = 0
    while True:
        await asyncio.sleep(CHECKPOINT_S)
        state = snapshot.dump(daemon.ledger.state)
        sequence = await daemon.ledger.mark()
        if sequence > written:
            await daemon.store.checkpoint(str(daemon.settings.platform.area), sequence, state)
            written = sequence
