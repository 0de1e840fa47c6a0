"""Many causes that began at once are one: a storm or a failing power network takes a device here and a village there.

A county's devices break by themselves some hours apart. Ten within a minute or two have something in common, though no
archive names it; most of them come back by themselves, and who does not gets an order of its own then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain

from ebcd.health import HealthBook
from ebcd.workorders.crews import area_of
from ebcd.workorders.sites import Sites
from ebcd.workorders.values import Finding, Trouble
from protocols.codes import AreaCode, ResourceCode

CAUSES_MIN, PLACES_MIN, PER_PLACE_MAX = 10, 5, 3
"""A dying cable or head-end is noticed horn by horn, so that one place counts a few times at most."""
RECENT_S = 300.0
"""Who was heard so shortly before a restart, and not after it, fell silent about then."""
GAP_S = 30.0
"""So long after the one before could have ended, the next one still belongs to it."""
PERIODS = 1.5
MAY_SHARE = frozenset({Trouble.TOWN_LINE, Trouble.HEAD_END, Trouble.PLACE, Trouble.DEVICE})


def merged(found: Iterable[Finding], book: HealthBook, sites: Sites) -> list[Finding]:
    """The same findings, those that began together as one."""
    alone: list[Finding] = []
    sharing: list[Finding] = []
    for each in found:
        (sharing if each.trouble in MAY_SHARE and _known(each, book) else alone).append(each)
    for group in _chains(sharing, book, sites):
        places = Counter(_shared(each, sites) for each in group)
        causes = sum(min(count, PER_PLACE_MAX) for count in places.values())
        if causes < CAUSES_MIN or len(places) < PLACES_MIN:
            alone += group
            continue
        devices = tuple(sorted(set(chain.from_iterable(each.devices for each in group))))
        root = area_of(devices, AreaCode(devices[0][1:13]))
        since = min(each.since for each in group)
        alone.append(Finding(Trouble.WIDESPREAD, root, devices, f"{len(group)}", since))
    return alone


def _known(finding: Finding, book: HealthBook) -> bool:
    """Whether anybody knows when it began: not of what died while nobody listened."""
    healths = [book.of(ResourceCode(code)) for code in finding.devices]
    heard_since, begun = book.counting_since - RECENT_S, book.counting_since
    return all(h.seen_at and (h.seen_at >= heard_since or h.since < begun) for h in healths)


def _shared(finding: Finding, sites: Sites) -> str:
    """The cable or the place that it is about."""
    lead = sites.by_code[ResourceCode(finding.devices[0])]
    return lead.feeder or lead.place


def _chains(found: Iterable[Finding], book: HealthBook, sites: Sites) -> Iterator[list[Finding]]:
    """Findings in the order of their begin, cut where nothing happened for a while."""
    ends: dict[Finding, tuple[float, float]] = {}
    for each in found:
        seen_s = max(book.of(ResourceCode(code)).seen_s for code in each.devices)
        period_s = max(sites.by_code[ResourceCode(code)].period_s for code in each.devices)
        ends[each] = seen_s, seen_s + PERIODS * period_s
    group: list[Finding] = []
    end_s = 0.0
    for each in sorted(ends, key=lambda finding: ends[finding]):
        if group and ends[each][0] > end_s + GAP_S:
            yield group
            group = []
        end_s = max(end_s, ends[each][1]) if group else ends[each][1]
        group.append(each)
    if group:
        yield group
