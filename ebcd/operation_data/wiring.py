"""Puts the parts of operation data together for one daemon."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path as Folder

from devices.link import Link
from devices.roster import Roster
from ebcd.archive.upward import particulars_of
from ebcd.foundation import Foundation
from ebcd.gateway import Peer
from ebcd.health import HealthBook
from ebcd.ledger import Ledger
from ebcd.machine import Machine
from ebcd.mailroom import Mailroom
from ebcd.operation_data.flags import Flags
from ebcd.operation_data.observer import Observer
from ebcd.operation_data.platform_state import PlatformSigns
from ebcd.operation_data.reporter import Reporter, ReporterDoors
from ebcd.operation_data.resources import Owner, Resources
from ebcd.operation_data.rules import ReportRule, StateCodes, cycles
from ebcd.operation_data.writing import Pen
from ebcd.settings import Settings
from ebcd.settings.links import LinkSettings
from ebcd.sharing import Sharers, Transmitter
from protocols.codes import EbdId

FM_LINKS = ("fm_transmitter", "fm_adapter")
MEGABYTE = 1_000_000


def rule_of(settings: Settings) -> ReportRule:
    """`[reports]` as the reporter wants it."""
    section = settings.reports
    codes = StateCodes(section.offline_code, section.unreachable_code, section.unknown_code, section.on_air)
    return ReportRule(codes, section.items_max, cycles(section.info_s, section.states_s, section.terminal_states_s))


def resources_of(base: Foundation) -> Resources:
    """What there is to be told about."""
    me, own_url = base.settings.platform, base.settings.upstream.own_url
    owner = Owner(me.code, me.name, own_url, me.address, me.contact, me.phone, me.longitude, me.latitude)
    return Resources(owner, base.inventory, particulars_of(base.inventory), stations=base.settings.reports.stations)


def transmitters_of(
    tables: Iterable[LinkSettings], links: Sequence[tuple[str, Link]], roster: Roster
) -> Callable[[], tuple[Transmitter, ...]]:
    """The transmitters that our FM links drive, as they are when asked."""
    driving = [
        (table.config.transmitter, link)
        for table, (_, link) in zip(tables, links, strict=True)
        if table.type.name in FM_LINKS and getattr(table.config, "commands", True)
    ]

    def now() -> tuple[Transmitter, ...]:
        driven: list[Transmitter] = []
        for named, link in driving:
            its = [each for each in roster.transmitters if named in ("", each.code)][:1]
            status = link.status()
            driven += [Transmitter(each.code, each.frequency_khz, status.up, status.tried) for each in its]
        return tuple(driven)

    return now


def signs_of(
    base: Foundation, links: Sequence[tuple[str, Link]], clock_is_suspect: Callable[[], bool], machine: Machine
) -> Callable[[], PlatformSigns]:
    """What can be seen of the platform itself."""
    folder, limit = Folder(base.settings.store.packages), base.settings.reports.disk_free_mb * MEGABYTE

    def look() -> PlatformSigns:
        return PlatformSigns(
            journal=base.store.stats().trouble,
            disk_low=machine.free_bytes(folder) < limit,
            links_down=tuple(link.name for _, link in links if not link.status().up),
            clock_suspect=clock_is_suspect(),
        )

    return look


def told_of_devices(peers: Mapping[str, Peer]) -> tuple[str, ...]:
    """The codes of the platforms that operation data goes to: the 2016 edition has no codes for devices of ours."""
    return tuple(code for code, peer in peers.items() if peer.naming is None)


def build_reporter(
    base: Foundation,
    ledger: Ledger,
    health: HealthBook,
    mailroom: Mailroom,
    resources: Resources,
    sharers: Sharers,
    transmitters: Callable[[], Sequence[Transmitter]],
    signs: Callable[[], PlatformSigns],
    answered: Callable[[EbdId], None],
) -> Reporter:
    """The reporter, connected to the news of devices and to the platforms above."""
    rule, clock = rule_of(base.settings), base.world.clock
    flags = Flags(told_of_devices(mailroom.peers))
    observer = Observer(flags, resources, lambda: ledger.state, health, sharers, transmitters, signs, clock, rule.codes)
    pen = Pen(
        resources.owner,
        resources,
        flags,
        lambda: ledger.state,
        health,
        observer.watch,
        sharers,
        base.settings.platform.language,
    )
    doors = ReporterDoors(mailroom, base.store, clock, answered, base.metrics.report)
    reporter = Reporter(flags, observer, pen, rule, doors)
    mailroom.back, mailroom.farewell = reporter.back, reporter.farewell
    health.on_change(observer.device_changed)
    base.metrics.watch_reports(reporter.waiting)
    return reporter
