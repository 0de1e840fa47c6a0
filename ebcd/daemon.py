"""The composition root: builds every part from the configuration and one World, runs them, ends them.

Order of life: read and check everything, open the journal, fold what it says, try each link, say ready. Order of death:
stop taking things in, let what is written reach the disk, close.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version

import structlog

from devices.link import (
    Event,
    Link,
    OutboxFull,
    Path,
    SetClock,
)
from devices.ports import CopyTo, ReadSound
from ebcd import (
    api,
    http_server,
    media,
    media_server,
    observed,
    snapshot,
)
from ebcd.airing.wiring import air_routes
from ebcd.alert_desk import AlertDesk, Identity, Room
from ebcd.api import orders as order_pages
from ebcd.api import upward as upward_pages
from ebcd.archive.part import ArchivePart, archive_part
from ebcd.catalogue import text
from ebcd.core import Core
from ebcd.errors import ConfigError
from ebcd.evaluation.by_sms import by_sms
from ebcd.evaluation.keeper import Keeper, keeper_of
from ebcd.following import Following
from ebcd.foundation import Foundation, adapter_period, beatless, lay, path_periods
from ebcd.health import Change, Condition, FlapRule, HealthBook, Ward, WardRule, Ways, ways_of
from ebcd.intake import Intake
from ebcd.invariants import Checker
from ebcd.inventory import Inventory
from ebcd.kept_numbers import KeptNumbers
from ebcd.ledger import Ledger
from ebcd.lifecycle import AlertState
from ebcd.machine import Machine
from ebcd.mailroom import Inbox, Mailroom
from ebcd.metrics_page import metrics_application
from ebcd.monitor import Monitor
from ebcd.monitor.monitor import monitor_rule
from ebcd.neighbours import acquaint
from ebcd.operation_data import Reporter
from ebcd.operation_data.wiring import build_reporter, resources_of, signs_of, transmitters_of
from ebcd.operations import CountyOperations
from ebcd.operator import OperationRefused
from ebcd.orders import Orders, Volumes
from ebcd.pulse import Pulse, all_tried, watchdog_s
from ebcd.reach import Reach
from ebcd.reconcile import resume
from ebcd.rejections import RejectionLog
from ebcd.roster.desk import RosterDesk
from ebcd.settings import Settings
from ebcd.sharing import Sharers
from ebcd.sounds import Sounds
from ebcd.supervise import supervise
from ebcd.systemd import notify
from ebcd.trace import Traces
from ebcd.upkeep import Upkeep, build_upkeep
from ebcd.upstream import Upstream
from ebcd.views import Views
from ebcd.watchkeeping import Told, Watchkeeping, build_watchkeeping, roster_of
from ebcd.workorders import Sites
from ebcd.workorders.assembly import Work, assemble
from ebcd.workorders.part import Confirmations
from ebcd.world import World
from protocols.signature import range_of

CHECKPOINT_S = 60.0
CLOCK_S = 600.0
EXCEPTIONS_S = 10.0
LANGUAGE = "zho"
"""Of messages in several languages this one is taken (GB/T 4880.2)."""

log = structlog.get_logger("ebcd.daemon")


@dataclass(frozen=True, slots=True)
class Daemon:
    """What runs, and what it runs on."""

    base: Foundation
    ledger: Ledger
    core: Core
    ward: Ward
    work: Work
    archive: ArchivePart
    links: tuple[tuple[str, Link], ...]
    upstream: Upstream
    mailroom: Mailroom
    reporter: Reporter
    keeper: Keeper
    operations: CountyOperations
    sounds: Sounds
    monitor: Monitor
    upkeep: Upkeep
    watchkeeping: Watchkeeping
    sharers: Sharers


async def build(settings: Settings, world: World) -> Daemon:
    """Every part, connected but not running. Raises ConfigError, StoreError."""
    base = await lay(settings, world)
    inventory, rules, metrics, clock = base.inventory, base.rules, base.metrics, world.clock
    checker = Checker(inventory, rules, lambda violation: observed.broken(violation, metrics))
    confirmations = Confirmations(lambda: inventory.roster.devices)
    watchers = (checker, lambda fact, _state: observed.count_outcomes(fact, metrics), confirmations.watch)
    ledger = Ledger(base.state, base.store, base.stream, watchers)
    reach = Reach(inventory.adapter_of)
    volumes = Volumes(settings.delivery.volume_level_1_2, settings.delivery.volume_default)
    orders = Orders(ledger, inventory, reach.is_live, volumes, settings.media.base_url)
    sounds = Sounds(media.MediaStore(settings.media.folder), in_thread=world.store_in_thread)
    mailroom = Mailroom(settings, world, base.store, base.signer, base.verifier, metrics)
    await mailroom.prepare()
    me = settings.platform
    intake = Intake(me.area, lambda area: bool(inventory.places_in(area)), LANGUAGE, sounds)
    resources = resources_of(base)
    sharers = Sharers(inventory.adapter_of, lambda: transmitters(), resources.station_of, rules.success_ratio)
    upstream = Upstream(me.code, me.language, world, base.store, ledger, mailroom, sharers, intake)
    by_path: dict[Path, list[Link]] = {path: [] for path in Path}
    core = Core(ledger, orders, inventory, by_path, clock, rules, upstream.tell, Traces(metrics.stage))
    mailroom.serve(Inbox(upstream.accept, upstream.answered, upstream.content))
    paths: dict[str, Path] = {}

    def observe(event: Event, path: Path) -> None:
        observed.observe(event, path, health, metrics, clock)
        keeper.observe(event, path)

    following = Following(core, reach, paths, (observe, RejectionLog(clock).observe))
    numbers = KeptNumbers(base.store, await base.store.kept_numbers())
    monitor = Monitor(monitor_rule(settings), ledger, sounds.store, clock, in_thread=world.store_in_thread)
    links = _links(base, numbers, monitor.copy_to, sounds.mp3, following, by_path, paths, core.announcers)
    orders.know(link for _, link in links)
    ways = _ways(settings, paths)
    health = _health_book(base, ways(inventory))
    ward = await _ward(base, health, by_path)
    transmitters = transmitters_of(settings.links, links, inventory.roster)
    signs = signs_of(base, links, lambda: ward.suspects_own_clock, Machine())
    reporter = build_reporter(
        base, ledger, health, mailroom, resources, sharers, transmitters, signs, upstream.request_answered
    )
    upstream.serve(core, reporter)
    ledger.watched_by(reporter.observer.fact)
    keeper = keeper_of(base, ledger, health)
    views = Views(inventory, reach, health, rules.approvals, volumes)
    roster = roster_of(base, ledger, lambda: upkeep.operators.names)
    say = metrics.watched, by_sms(keeper.desk), roster.recipients
    work = assemble(settings, ledger, health, inventory, clock, confirmations, *say)
    archive = archive_part(base, core, health, lambda sites: _resite(sites, work, reporter), ways, paths)
    following.observed_by(lambda event, _path: archive.observe(event, clock.wall()))
    upkeep = build_upkeep(base, core, checker, views, archive.keeper.read_again)
    doors = (mailroom.rows, lambda: checker.found, upkeep.reloader.reload)
    room = Room(core, inventory, health, views, sounds, volumes, links, *doors)
    observed.watch_parts(metrics, base.state, health, links, clock)
    observed.watch_figures(base, health, links, mailroom, upkeep.disks)
    operations = CountyOperations(identity := Identity(me.code, me.name, me.area, version("ebcd"), clock.wall()), room)
    archive.office.send = operations.send
    watch = build_watchkeeping(base, AlertDesk(identity, room), sounds, upkeep.operators, _told(work, roster))
    parts = (ward, work, archive, links, upstream, mailroom, reporter, keeper, operations, sounds, monitor, upkeep)
    return Daemon(base, ledger, core, *parts, watch, sharers)


def _told(work: Work, roster: RosterDesk) -> Told:
    crews, modem = {crew.name: crew for crew in work.part.desk.crews}, work.modem
    return Told(crews, work.channels, work.part.desk.rule, roster, lambda: modem.reason if modem else "")


async def _ward(base: Foundation, health: HealthBook, by_path: dict[Path, list[Link]]) -> Ward:
    h = base.settings.health
    rule = WardRule(h.clock_error_s, h.round_hour)
    ward = Ward(health, by_path, base.store, base.world.clock, rule, base.metrics.watched, base.inventory.adapter_of)
    await ward.prepare()
    return ward


def _ways(settings: Settings, paths: dict[str, Path]) -> Callable[[Inventory], Ways]:
    """How an inventory's devices are heard over the links there are."""
    periods, adapters_s, beatless_in = path_periods(settings), adapter_period(settings), beatless(settings)
    return lambda inventory: ways_of(inventory, paths, periods, adapters_s, beatless_in(inventory))


def _health_book(base: Foundation, ways: Ways) -> HealthBook:
    h = base.settings.health
    book = HealthBook(ways, flap_rule=FlapRule(h.flap_falls, h.flap_window_s, h.flap_settle_s))
    book.on_change(_changed)
    return book


def _resite(sites: Sites, work: Work, reporter: Reporter) -> None:
    """The inventory has changed."""
    work.part.resite(sites)
    reporter.observer.inventory_changed()


def _changed(change: Change) -> None:
    log_device = log.debug if change.before is Condition.UNKNOWN else log.info
    log_device("device.changed", device=change.code, before=change.before, after=change.after, why=change.why)


def _links(
    base: Foundation,
    numbers: KeptNumbers,
    copy_to: CopyTo,
    read_sound: ReadSound,
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
        scope = getattr(config, "sign_scope", None)
        sign = base.signer.sign if scope is None else base.signer.signs(range_of(scope))
        ports = base.world.ports(sign, base.verify, base.exceptions.excused, numbers, copy_to, read_sound)
        link = table.type.build(config, ports, following.take, base.inventory.roster)
        links.append((table.type.name, link))
        paths[table.name] = link.path
        if getattr(config, "commands", True):
            by_path[link.path].append(link)
        elif not link.capabilities.returns:
            announcers.append(link)
    for together in by_path.values():
        acquaint(together)
    return tuple(links)


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
            daemon.ward.book.start_counting(world.clock.monotonic(), world.clock.wall())
            untried = await all_tried([link for _, link in daemon.links], world.clock.monotonic)
            ready()
            notify(f"READY=1\nSTATUS={_status(daemon)}")
            log.info(
                "daemon.ready",
                terminals=len(daemon.base.inventory.roster.terminals),
                links_up=_links_up(daemon),
                links_untried=untried,
            )
    finally:
        notify("STOPPING=1")
        await daemon.base.store.close()


@contextlib.asynccontextmanager
async def _listeners(daemon: Daemon) -> AsyncIterator[None]:
    s, network = daemon.base.settings, daemon.base.world.network
    more = (
        *order_pages.routes(daemon.work.office, daemon.upkeep.operators),
        *daemon.archive.routes(daemon.upkeep.operators),
        *air_routes(daemon.base, daemon.core, daemon.archive, daemon.upkeep.operators),
        *upward_pages.routes(daemon.mailroom.exchanges, daemon.keeper.desk, daemon.upkeep.operators),
        *daemon.watchkeeping.routes(daemon.upkeep.operators),
    )
    operator_api = api.application(daemon.operations, daemon.upkeep.operators, more=more)
    metrics_page = metrics_application(daemon.base.world.registry, daemon.base.world.clock.monotonic)
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
    yield "reports", daemon.reporter.run
    yield "evaluation", daemon.keeper.run
    yield "health", daemon.ward.run
    yield "orders", daemon.work.part.run
    yield "archive", daemon.archive.run
    yield "monitor", daemon.monitor.run
    yield "notices", daemon.work.notifier.run
    if daemon.work.modem is not None:
        yield "modem", daemon.work.modem.run
    yield from daemon.watchkeeping.parts()
    yield "exceptions", lambda: _exceptions(daemon)
    yield "checkpoints", lambda: _checkpoints(daemon)
    yield "clock", lambda: _tell_time(daemon)
    yield "backups", daemon.upkeep.clerk.run
    yield "pulse", _pulse(daemon).run
    yield "disks", daemon.upkeep.disks.run


def _pulse(daemon: Daemon) -> Pulse:
    metrics, store = daemon.base.metrics, daemon.base.store
    doors = (daemon.base.world.clock.monotonic, lambda: store.alive, metrics.loop_late)
    return Pulse(*doors, watchdog_s=watchdog_s(), status=lambda: _status(daemon))


def _links_up(daemon: Daemon) -> int:
    return sum(link.status().up for _, link in daemon.links)


def _status(daemon: Daemon) -> str:
    """What `systemctl status` shows."""
    on_air = sum(record.state is AlertState.ON_AIR for record in daemon.base.state.alerts.values())
    values = {"up": _links_up(daemon), "links": len(daemon.links), "on_air": on_air}
    return text("cli.daemon_status", daemon.base.settings.platform.language, **values)


async def _reload(daemon: Daemon, asked: asyncio.Event) -> None:
    """Each SIGHUP reads the configuration once more; what is refused is told in the log and changes nothing."""
    while True:
        await asked.wait()
        asked.clear()
        since_us = int(daemon.base.world.clock.monotonic() * 1e6)
        notify(f"RELOADING=1\nMONOTONIC_USEC={since_us}")
        with contextlib.suppress(ConfigError, OperationRefused):
            await daemon.upkeep.reloader.reload("SIGHUP")
        notify("READY=1")


async def _exceptions(daemon: Daemon) -> None:
    """A new exception holds, and a removed one ends, without a restart."""
    while True:
        await asyncio.sleep(EXCEPTIONS_S)
        daemon.base.exceptions.refresh(daemon.base.world.clock.wall())


async def _tell_time(daemon: Daemon) -> None:
    """FM terminals have no other clock, and without one they cannot judge a signature's time (fm digest 9)."""
    while True:
        members = tuple(t.code for t in daemon.base.inventory.roster.terminals if Path.FM in t.paths)
        for _, link in daemon.links if members else ():
            if link.path is Path.FM:
                with contextlib.suppress(OutboxFull):
                    link.offer(SetClock(members))
        await asyncio.sleep(CLOCK_S)


async def _checkpoints(daemon: Daemon) -> None:
    """Now and then, so that a restart folds little."""
    written = 0
    seen: asyncio.Future[int] | None = None
    while True:
        await asyncio.sleep(CHECKPOINT_S)
        snapshot.forget_old(daemon.ledger.state, daemon.base.world.clock.wall(), daemon.sharers.remains_of)
        if (mark := daemon.ledger.mark()) is seen:  # nothing was entered
            continue
        state = snapshot.dump(daemon.ledger.state)
        sequence, seen = await mark, mark
        if sequence > written:
            await daemon.base.store.checkpoint(daemon.base.stream, sequence, state)
            written = sequence
