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
from ebcd import api, api_inventory, api_orders, facts, http_server, media, media_server, snapshot
from ebcd.archive.part import ArchivePart, archive_part
from ebcd.core import Core
from ebcd.facts import Fact
from ebcd.following import Following
from ebcd.foundation import Foundation, adapter_period, lay, operators_of, path_periods
from ebcd.health import Change, Condition, FlapRule, HealthBook, Ward, WardRule, Ways, ways_of
from ebcd.intake import Intake
from ebcd.invariants import Checker, Violation
from ebcd.inventory import Inventory
from ebcd.ledger import Ledger
from ebcd.lifecycle import DeliveryEvent
from ebcd.mailroom import Inbox, Mailroom
from ebcd.metrics import Metrics
from ebcd.operations import CountyOperations, Identity, Room
from ebcd.orders import Orders, Volumes
from ebcd.reach import Reach
from ebcd.reconcile import resume
from ebcd.settings import Settings
from ebcd.sounds import Sounds
from ebcd.state import CountyState
from ebcd.supervise import supervise
from ebcd.systemd import notify
from ebcd.trace import Traces
from ebcd.upstream import Upstream
from ebcd.views import Views
from ebcd.workorders import Crew, Desk, OrderRule, OrderState, sites_of
from ebcd.workorders.office import WorkOffice
from ebcd.workorders.part import Confirmations, WorkPart
from ebcd.world import World

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
    ward: Ward
    work: WorkPart
    archive: ArchivePart
    links: tuple[tuple[str, Link], ...]
    upstream: Upstream
    mailroom: Mailroom
    operations: CountyOperations
    sounds: Sounds


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
    confirmations = Confirmations()
    watchers = (checker, lambda fact, _state: count_outcomes(fact, metrics), confirmations.watch)
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
    by_path: dict[Path, list[Link]] = {path: [] for path in Path}
    core = Core(ledger, orders, inventory, by_path, clock, rules, upstream.tell, Traces(metrics.stage))
    upstream.serve(core)
    mailroom.serve(Inbox(upstream.accept, upstream.answered))
    paths: dict[str, Path] = {}
    following = Following(core, reach, paths, (lambda event, path: _observe(event, path, health, metrics, clock),))
    links = _links(base, following, by_path, paths, core.announcers)
    health = _health_book(base, paths)
    health.on_change(lambda change: _changed(change, upstream))
    w = settings.health
    ward = Ward(health, by_path, base.store, clock, WardRule(w.clock_error_s, w.round_hour), metrics.watched)
    await ward.prepare()
    views = Views(inventory, reach, health, rules.approvals, volumes)
    work = _work(base, ledger, health, confirmations)
    archive = archive_part(base, core, health, work.resite, _ways(base.settings, paths), paths)
    room = Room(core, inventory, health, views, sounds, volumes, links, mailroom.rows, lambda: checker.found)
    identity = Identity(me.code, me.name, me.area, version("ebcd"), clock.wall())
    _watch(metrics, base.state, health, links)
    operations = CountyOperations(identity, room)
    archive.office.send = operations.send
    following.observed_by(lambda event, _path: archive.observe(event, clock.wall()))
    return Daemon(base, ledger, core, ward, work, archive, links, upstream, mailroom, operations, sounds)


def _health_book(base: Foundation, paths: dict[str, Path]) -> HealthBook:
    h = base.settings.health
    return HealthBook(
        _ways(base.settings, paths)(base.inventory), flap_rule=FlapRule(h.flap_falls, h.flap_window_s, h.flap_settle_s)
    )


def _ways(settings: Settings, paths: dict[str, Path]) -> Callable[[Inventory], Ways]:
    """How an inventory's devices are heard over the links there are."""
    periods, adapters_s = path_periods(settings), adapter_period(settings)
    return lambda inventory: ways_of(inventory, paths, periods, adapters_s)


def _work(base: Foundation, ledger: Ledger, health: HealthBook, confirmations: Confirmations) -> WorkPart:
    o = base.settings.orders
    overdue_s = {
        OrderState.DISPATCHED: o.accept_within_s,
        OrderState.ACCEPTED: o.arrive_within_s,
        OrderState.ON_SITE: o.mend_within_s,
        OrderState.MENDED: o.mend_within_s,
    }
    rule = OrderRule(o.dispatch_after_s, o.proof_s, overdue_s, o.escalations_max)
    crews = [Crew(c.name, c.areas, c.phone, c.email, c.webhook) for c in base.settings.crews]
    county = base.settings.platform.area
    desk = Desk(base.state.work, ledger.enter, health.of, county, crews, rule, confirmations.of)
    archive = base.inventory.archive
    sites = sites_of(base.inventory, health.ways, archive.feeders, archive.sim_batches)
    part = WorkPart(desk, health, sites, base.state, base.inventory.adapter_of, base.world.clock)
    ledger.watched_by(part.watch)
    return part


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
    tell = log.debug if change.before is Condition.UNKNOWN else log.info
    tell("device.changed", device=change.code, before=change.before, after=change.after, why=change.why)
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
    metrics.watch_devices(
        lambda: {kind.value: {c.value: n for c, n in tally.items()} for kind, tally in health.tally.items()}
    )
    metrics.watch_flapping(lambda: health.flapping)
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
                        failed=daemon.base.metrics.restarted,
                    ),
                    name=name,
                )
            group.create_task(daemon.ledger.watch(), name="ledger")
            await asyncio.sleep(0)
            daemon.ward.book.start_counting(world.clock.monotonic())
            ready()
            notify("READY=1")
            log.info("daemon.ready", terminals=len(daemon.base.inventory.roster.terminals))
    finally:
        notify("STOPPING=1")
        await daemon.base.store.close()


@contextlib.asynccontextmanager
async def _listeners(daemon: Daemon) -> AsyncIterator[None]:
    s, network = daemon.base.settings, daemon.base.world.network
    operators = operators_of(s)
    office = WorkOffice(daemon.work.desk, daemon.base.inventory, daemon.base.world.clock, daemon.ledger.mark)
    more = (*api_orders.routes(office, operators), *api_inventory.routes(daemon.archive.office, operators))
    operator_api = api.application(daemon.operations, operators, more=more)
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
    yield "health", daemon.ward.run
    yield "orders", daemon.work.run
    yield "archive", daemon.archive.run
    yield "checkpoints", lambda: _checkpoints(daemon)
    yield "clock", lambda: _tell_time(daemon)


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
    while True:
        await asyncio.sleep(CHECKPOINT_S)
        snapshot.forget_old(daemon.ledger.state)
        state = snapshot.dump(daemon.ledger.state)
        sequence = await daemon.ledger.mark()
        if sequence > written:
            await daemon.base.store.checkpoint(daemon.base.stream, sequence, state)
            written = sequence
