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

import structlog

from devices.fm_transmitter import FmTransmitter
from devices.link import (
    Answered,
    Began,
    Ended,
    Event,
    Fault,
    Link,
    NoAnswer,
    OutboxFull,
    Path,
    Played,
    Rejected,
    Sent,
    SetClock,
    StateTold,
)
from devices.ports import Clock
from ebcd import api, facts, gauges, http_server, media, media_server, snapshot
from ebcd.backup.clerk import Clerk
from ebcd.core import Core
from ebcd.disks import Disks
from ebcd.errors import ConfigError
from ebcd.facts import Fact
from ebcd.following import Following
from ebcd.foundation import Foundation, heartbeat_periods, lay, operators_of, rules_of
from ebcd.health import Change, Condition, HealthBook
from ebcd.identity import Operators
from ebcd.intake import Intake
from ebcd.invariants import Checker, Violation
from ebcd.ledger import Ledger
from ebcd.lifecycle import AlertState, DeliveryEvent
from ebcd.mailroom import Inbox, Mailroom
from ebcd.metrics import Metrics
from ebcd.operations import CountyOperations, Identity, Room
from ebcd.orders import Orders, Volumes
from ebcd.pulse import Pulse, all_tried, watchdog_s
from ebcd.reach import Reach
from ebcd.reconcile import resume
from ebcd.settings import Settings
from ebcd.settings_reload import Reloader, Users
from ebcd.sounds import Sounds
from ebcd.state import CountyState
from ebcd.supervise import supervise
from ebcd.systemd import notify
from ebcd.trace import Traces
from ebcd.upstream import Upstream
from ebcd.views import Views
from ebcd.world import World
from protocols.codes import AreaCode
from protocols.signature import number_from_text

HEALTH_TICK_S = 1.0
CHECKPOINT_S = 60.0
CLOCK_S = 600.0
LANGUAGE = "zho"
"""Of messages in several languages this one is taken (GB/T 4880.2)."""

log = structlog.get_logger("ebcd.daemon")


@dataclass(frozen=True, slots=True)
class Daemon:
    """What runs, and what it runs on."""

    base: Foundation
    ledger: Ledger
    core: Core
    health: HealthBook
    links: tuple[tuple[str, Link], ...]
    upstream: Upstream
    mailroom: Mailroom
    operations: CountyOperations
    sounds: Sounds
    clerk: Clerk
    operators: Operators
    reloader: Reloader
    disks: Disks


OUTCOMES = {
    DeliveryEvent.CONFIRM: "confirmed",
    DeliveryEvent.PLAY: "played",
    DeliveryEvent.FAIL: "refused",
    DeliveryEvent.REFUSE: "refused",
    DeliveryEvent.TIME_OUT: "timed_out",
    DeliveryEvent.NO_RETURN: "unconfirmed",
    DeliveryEvent.STOP: "cancelled",
    DeliveryEvent.STOP_CONFIRM: "cancelled",
    DeliveryEvent.STOP_TIME_OUT: "timed_out",
}
"""What a receipt makes of a delivery, in the words of `ebcd show`."""

RECEIPTS = {
    Answered: "answered",
    Began: "began",
    Ended: "ended",
    Played: "played",
    NoAnswer: "no_answer",
    StateTold: "state_told",
    Sent: "sent",
    Fault: "fault",
}


def count_outcomes(fact: Fact, metrics: Metrics) -> None:
    """Deliveries by path and outcome, for the metrics."""
    if fact.kind == facts.RECEIPTS:
        tally = Counter((path or "none", OUTCOMES[event]) for _code, event, path, _detail, _at in fact.payload["items"])
        for (path, outcome), count in tally.items():
            metrics.delivery(path, outcome, count)


async def build(settings: Settings, world: World) -> Daemon:
    """Every part, connected but not running. Raises ConfigError, StoreError."""
    base = await lay(settings, world)
    inventory, rules, metrics, clock = base.inventory, base.rules, base.metrics, world.clock
    checker = Checker(inventory, rules, lambda violation: _broken(violation, metrics))
    watchers = (checker, lambda fact, _state: count_outcomes(fact, metrics))
    ledger = Ledger(base.state, base.store, base.stream, watchers)
    reach = Reach(inventory.adapter_of)
    volumes = Volumes(settings.delivery.volume_level_1_2, settings.delivery.volume_default)
    orders = Orders(ledger, inventory, reach.is_live, volumes, settings.media.base_url)
    sounds = Sounds(media.MediaStore(settings.media.folder))
    mailroom = Mailroom(settings, world, base.store, base.signer, base.verifier, metrics)
    await mailroom.prepare()
    me = settings.platform
    intake = Intake(me.area, lambda area: bool(inventory.places_in(area)), LANGUAGE, sounds)
    upstream = Upstream(me.code, me.language, world, base.store, ledger, mailroom, inventory, intake)
    health = HealthBook(heartbeat_periods(settings, inventory))
    health.on_change(lambda change: _changed(change, upstream))
    by_path: dict[Path, list[Link]] = {path: [] for path in Path}
    core = Core(ledger, orders, inventory, by_path, clock, rules, upstream.tell, Traces(metrics.stage))
    upstream.serve(core)
    mailroom.serve(Inbox(upstream.accept, upstream.answered))
    paths: dict[str, Path] = {}
    following = Following(core, reach, paths, (lambda event, path: _observe(event, path, health, metrics, clock),))
    links = _links(base, following, by_path, paths, core.announcers)
    views = Views(inventory, reach, health, rules.approvals, volumes)
    clerk = Clerk(settings, world, metrics, lambda: _on_air(base.state))
    operators = operators_of(settings)

    def decide_by(new: Settings) -> None:
        rules = dataclasses.replace(rules_of(new), patience=core.rules.patience)
        views.approvals = rules.approvals
        checker.use(rules)
        core.rules = rules

    users = Users(decide_by, lambda new: operators.become(operators_of(new)), clerk.use, base.verifier.use)
    reloader = Reloader(settings, users, ledger, clock)
    doors = (mailroom.rows, lambda: checker.found, reloader.reload)
    room = Room(core, inventory, health, views, sounds, volumes, links, *doors)
    identity = Identity(me.code, me.name, me.area, version("ebcd"), clock.wall())
    disks = Disks(settings)
    _watch(metrics, base.state, health, links)
    _watch_figures(base, health, links, mailroom, disks)
    operations = CountyOperations(identity, room)
    return Daemon(
        base, ledger, core, health, links, upstream, mailroom, operations, sounds, clerk, operators, reloader, disks
    )


def _on_air(state: CountyState) -> bool:
    return any(record.state in (AlertState.ON_AIR, AlertState.CANCELLING) for record in state.live_alerts())


def _broken(violation: Violation, metrics: Metrics) -> None:
    metrics.violation(violation.invariant)
    log.error("invariant.violated", alert=violation.alert, invariant=violation.invariant, detail=violation.detail)


def _observe(event: Event, path: Path, health: HealthBook, metrics: Metrics, clock: Clock) -> None:
    health.observe(event, path, clock.monotonic(), clock.wall())
    if isinstance(event, Rejected):
        metrics.rejected(event.link, event.reason)
        return
    if (kind := RECEIPTS.get(type(event))) is not None:
        metrics.receipt(path.value, kind)


def _changed(change: Change, upstream: Upstream) -> None:
    log_device = log.debug if change.before is Condition.UNKNOWN else log.info
    log_device("device.changed", device=change.code, before=change.before, after=change.after, why=change.why)
    upstream.device_changed(change)


def _links(
    base: Foundation,
    following: Following,
    by_path: dict[Path, list[Link]],
    paths: dict[str, Path],
    announcers: list[Link],
) -> tuple[tuple[str, Link], ...]:
    """Every configured link; fills who serves which path, the path of each name, and who only tells people."""
    links = []
    for table in base.settings.links:
        config = table.config
        if getattr(config, "source", None) == "":
            config = dataclasses.replace(config, source=str(base.settings.platform.code))
        ports = base.world.ports(base.signer.sign, base.verify)
        link = table.type.build(config, ports, following.take, base.inventory.roster)
        links.append((table.type.name, link))
        paths[table.name] = link.path
        if getattr(config, "commands", True):
            by_path[link.path].append(link)
        elif not link.capabilities.returns:
            announcers.append(link)
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


def _watch_figures(
    base: Foundation, health: HealthBook, links: tuple[tuple[str, Link], ...], mailroom: Mailroom, disks: Disks
) -> None:
    """What others keep for themselves (`ebcd.gauges`)."""
    s, store, watch, name_of = base.settings, base.store, base.metrics.watch, base.inventory.name_of
    roles = {
        "own": [number_from_text(s.platform.certificate)],
        "root": [number_from_text(number) for number in s.trust.roots],
        "peer": [number_from_text(number) for peer in s.upstream.peers for number in peer.certificates],
    }
    airs = [(link.name, link.air) for _, link in links if isinstance(link, FmTransmitter)]
    watch(lambda: gauges.journal_metrics(store.stats(), alive=store.alive))
    watch(lambda: gauges.certificate_metrics(base.verifier.trust, roles))
    watch(lambda: gauges.town_metrics(health.by_town, lambda stem: name_of(AreaCode(stem.ljust(12, "0")))))
    watch(lambda: gauges.air_metrics(airs))
    watch(lambda: gauges.peer_metrics(mailroom.rows()))
    watch(disks.metrics)


# ---- running ------------------------------------------------------------------------------------------------------


async def run(
    settings: Settings,
    world: World,
    ready: Callable[[], None] = lambda: None,
    reload_asked: asyncio.Event | None = None,
) -> None:
    """Build, serve and work until cancelled. `ready` is called once, when the journal is open and each link was tried;
    `reload_asked` is set by whoever wants the configuration read again (SIGHUP)."""
    daemon = await build(settings, world)
    asked = reload_asked or asyncio.Event()
    try:
        async with _listeners(daemon), asyncio.TaskGroup() as group:
            for name, part in (*_parts(daemon), ("reload", lambda: _reload(daemon, asked))):
                group.create_task(
                    supervise(
                        name,
                        part,
                        monotonic=world.clock.monotonic,
                        chance=world.random,
                        failed=daemon.base.metrics.restarted,
                    ),
                    name=name,
                )
            group.create_task(daemon.ledger.watch(), name="ledger")
            await asyncio.sleep(0)
            daemon.health.start_counting(world.clock.monotonic())
            untried = await all_tried([link for _, link in daemon.links], world.clock.monotonic)
            ready()
            up = sum(link.status().up for _, link in daemon.links)
            notify(f"READY=1\nSTATUS={up} of {len(daemon.links)} links up")
            log.info("daemon.ready", terminals=daemon.health.tally.total(), links_up=up, links_untried=untried)
    finally:
        notify("STOPPING=1")
        await daemon.base.store.close()


@contextlib.asynccontextmanager
async def _listeners(daemon: Daemon) -> AsyncIterator[None]:
    s, network = daemon.base.settings, daemon.base.world.network
    operator_api = api.application(daemon.operations, daemon.operators)
    metrics_page = api.metrics_application(daemon.base.world.registry)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(http_server.on_unix_socket(operator_api, s.api.socket))
        await stack.enter_async_context(http_server.on_tcp(metrics_page, network, s.metrics.host, s.metrics.port))
        sounds = media_server.MediaServer(daemon.sounds.store, daemon.base.world.registry)
        await stack.enter_async_context(media_server.serving(sounds, network, s.media.host, s.media.port))
        yield


def _parts(daemon: Daemon) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
    yield "core", lambda: daemon.core.run(lambda: resume(daemon.core))
    for _, link in daemon.links:
        yield f"link {link.name}", link.run
    yield "upstream", daemon.upstream.run
    yield "mailroom", lambda: daemon.mailroom.run(daemon.base.world.network)
    yield "health", lambda: _health(daemon)
    yield "checkpoints", lambda: _checkpoints(daemon)
    yield "clock", lambda: _tell_time(daemon)
    yield "backups", daemon.clerk.run
    yield "pulse", _pulse(daemon).run
    yield "disks", daemon.disks.run


def _pulse(daemon: Daemon) -> Pulse:
    metrics, store = daemon.base.metrics, daemon.base.store
    return Pulse(daemon.base.world.clock.monotonic, lambda: store.alive, metrics.loop_late, watchdog_s=watchdog_s())


async def _reload(daemon: Daemon, asked: asyncio.Event) -> None:
    """Each SIGHUP reads the configuration once more; what is refused is told in the log and changes nothing."""
    while True:
        await asked.wait()
        asked.clear()
        since_us = int(daemon.base.world.clock.monotonic() * 1e6)
        notify(f"RELOADING=1\nMONOTONIC_USEC={since_us}")
        with contextlib.suppress(ConfigError):
            await daemon.reloader.reload("SIGHUP")
        notify("READY=1")


async def _health(daemon: Daemon) -> None:
    while True:
        await asyncio.sleep(HEALTH_TICK_S)
        daemon.health.tick(daemon.base.world.clock.monotonic(), daemon.base.world.clock.wall())


async def _tell_time(daemon: Daemon) -> None:
    """FM terminals have no other clock, and without one they cannot judge a signature's time (fm digest 9)."""
    members = tuple(t.code for t in daemon.base.inventory.roster.terminals if Path.FM in t.paths)
    while members:
        for _, link in daemon.links:
            if link.path is Path.FM:
                with contextlib.suppress(OutboxFull):
                    link.offer(SetClock(members))
        await asyncio.sleep(CLOCK_S)
    await asyncio.get_running_loop().create_future()


async def _checkpoints(daemon: Daemon) -> None:
    """Now and then, so that a restart folds little."""
    written = 0
    while True:
        await asyncio.sleep(CHECKPOINT_S)
        snapshot.forget_old(daemon.ledger.state)
        state = snapshot.dump(daemon.ledger.state)
        sequence = await daemon.ledger.mark()
        if sequence > written:
            await daemon.base.store.checkpoint(daemon.base.stream, sequence, state)
            written = sequence
