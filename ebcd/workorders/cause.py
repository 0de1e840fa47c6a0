"""What is wrong in a county, as few causes as explain it. Pure: the same health gives the same findings.

Larger causes are looked for first, and what they explain is not looked at again: links of ours, the county, towns and
their lines, head-ends, the cables and cards that the archive names, villages, then single devices. A group counts as
one cause where nearly all of it that can be heard fell silent together; devices that died one after the other are as
many causes. Where many causes began at once all over the place, they are one that nobody's archive names: a storm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median_low

from devices.link import Path
from devices.roster import DeviceKind
from ebcd.clock import beijing
from ebcd.health import Condition, DeviceHealth, HealthBook
from ebcd.workorders.sites import ON_CARDS, Site, Sites
from ebcd.workorders.values import Finding, Trouble
from ebcd.workorders.widespread import merged
from protocols.codes import ResourceCode

GROUP_SHARE = 0.8
"""Of a group's devices that can be heard, so many silent make it one cause."""
NAMED_GROUP_MIN, GUESSED_GROUP_MIN, TOWN_GROUP_MIN = 2, 3, 10
TOWN_ADAPTERS_MIN, CARDS_MIN = 2, 5
TOGETHER_PERIODS = 1.5
"""Last signs of life within so many heartbeat periods fell silent together."""


@dataclass(slots=True)
class _Search:
    """Silent devices that nothing explains yet, and what was found."""

    book: HealthBook
    sites: Sites
    silent: dict[ResourceCode, DeviceHealth]
    found: list[Finding]

    def take(self, trouble: Trouble, root: str, codes: Iterable[ResourceCode], why: str) -> None:
        """One cause explains these."""
        devices = tuple(sorted(codes))
        for code in devices:
            self.silent.pop(code, None)
        self.found.append(Finding(trouble, root, devices, why, self._since(trouble, devices)))

    def _since(self, trouble: Trouble, devices: Sequence[ResourceCode]) -> float:
        """The middle one's: a group may hold some that were dead long before."""
        healths = [self.book.of(code) for code in devices]
        told_us = trouble in (Trouble.FAULT, Trouble.FLAPPING)
        return median_low([h.since if told_us else h.seen_at for h in healths]) if healths else 0.0


def findings(book: HealthBook, sites: Sites, now: float) -> tuple[Finding, ...]:
    """Every cause, the largest kinds first. `now`: UTC seconds, for cards that have expired."""
    silent = {
        code: health
        for code, health in book.all()
        if health.told in (Condition.OFFLINE, Condition.UNREACHABLE) and not health.flapping and code in sites.by_code
    }
    search = _Search(book, sites, silent, [])
    _links(search)
    for trouble, groups in ((Trouble.FEEDER, sites.on_feeder), (Trouble.SIM_BATCH, sites.of_batch)):
        _named_groups(search, trouble, groups, alone=True)
    _around(search)
    _towns(search)
    _head_ends(search)
    for trouble, groups in ((Trouble.FEEDER, sites.on_feeder), (Trouble.SIM_BATCH, sites.of_batch)):
        _named_groups(search, trouble, groups, alone=False)
    _cards(search, now)
    _places(search)
    for code, health in list(search.silent.items()):
        search.take(Trouble.DEVICE, code, [code], health.outage.value if health.outage else "")
    search.found = merged(search.found, book, sites)
    for code, health in book.all():
        if health.flapping:
            search.take(Trouble.FLAPPING, code, [code], f"{health.flaps.total}")
        elif health.told is Condition.FAULT:
            search.take(Trouble.FAULT, code, [code], health.fault)
    return tuple(search.found)


def _links(search: _Search) -> None:
    """Devices that nothing is known of because our own links are down."""
    behind: dict[frozenset[Path], list[ResourceCode]] = {}
    for code, health in search.silent.items():
        obstacle = search.book.obstacle(code) if health.condition is Condition.UNREACHABLE else None
        if isinstance(obstacle, frozenset):
            behind.setdefault(obstacle, []).append(code)
    for paths, codes in behind.items():
        search.take(Trouble.LINK, "+".join(sorted(paths)), codes, f"{len(codes)}")


def _head_ends(search: _Search) -> None:
    """A silent adapter, what stands behind it, and what fell silent with it in the same place."""
    kinds = search.book.ways.devices
    for code in [c for c in search.silent if kinds[c].kind is DeviceKind.ADAPTER]:
        adapter = search.sites.by_code[code]
        with_it = [
            other
            for other in search.silent
            if kinds[other].behind == code
            or (search.sites.by_code[other].place == adapter.place and _together(search, [code, other]))
        ]
        search.take(Trouble.HEAD_END, code, {code, *with_it}, f"{len(with_it)}")


def _named_groups(search: _Search, trouble: Trouble, groups: dict[str, list[Site]], *, alone: bool) -> None:
    """Cables and card batches: the archive says who shares them, so no common moment is asked for. `alone`: only where
    that explains nearly all that is silent in its towns, since else something larger may."""
    silent = Counter(search.sites.by_code[code].town for code in search.silent)
    for name, members in groups.items():
        codes = _nearly_all(search, members, NAMED_GROUP_MIN)
        if codes and alone:
            around = sum(silent[town] for town in {search.sites.by_code[code].town for code in codes})
            codes = codes if len(codes) >= GROUP_SHARE * around else []
        if codes:
            search.take(trouble, name, codes, f"{len(codes)}/{len(members)}")


def _around(search: _Search) -> None:
    """The whole county, or a whole town over all its paths: its power, or the way that all its paths share."""
    for area, members in search.sites.around.items():
        if (codes := _nearly_all(search, members, TOWN_GROUP_MIN)) and _far_and_together(search, codes):
            search.take(Trouble.PLACE, area, codes, f"{len(codes)}/{len(members)}")


def _towns(search: _Search) -> None:
    """One path of a town. A lone adapter is looked at as a head-end, however far its terminals stand apart."""
    kinds = search.book.ways.devices
    for (town, path), members in search.sites.in_town.items():
        codes = _nearly_all(search, members, TOWN_GROUP_MIN)
        if path is Path.ADAPTER and sum(kinds[c].kind is DeviceKind.ADAPTER for c in codes) < TOWN_ADAPTERS_MIN:
            continue
        if codes and _far_and_together(search, codes):
            search.take(Trouble.TOWN_LINE, f"{town}/{path}", codes, f"{len(codes)}/{len(members)}")


def _far_and_together(search: _Search, codes: Sequence[ResourceCode]) -> bool:
    return len({search.sites.by_code[code].place for code in codes}) > 1 and _together(search, codes)


def _cards(search: _Search, now: float) -> None:
    """Silent devices whose cards have expired, by batch; and batches of which some are silent while hardly any other
    card is. No share of a batch is asked for, since a network lets go of its cards one after the other."""
    today = beijing(now).date()
    silent = [search.sites.by_code[code] for code in search.silent]
    silent = [site for site in silent if site.sim_batch and site.paths <= ON_CARDS]
    others = sum(map(len, search.sites.of_batch.values()))
    for batch, members in search.sites.of_batch.items():
        dead = [site.code for site in silent if site.sim_batch == batch]
        telling = len(dead) >= max(CARDS_MIN, GROUP_SHARE * len(silent)) and 2 * len(members) <= others
        if not telling:
            dead = [c for c in dead if (end := search.sites.by_code[c].sim_expiry) is not None and end <= today]
        if dead:
            search.take(Trouble.SIM_BATCH, batch, dead, f"{len(dead)}/{len(members)}")


def _places(search: _Search) -> None:
    """All that can be heard of a village, over whatever path; or all of it on one path."""
    for place, members in search.sites.at_place.items():
        paths = sorted({site.paths for site in members}, key=sorted)
        for group in (members, *([site for site in members if site.paths == one] for one in paths)):
            codes = _nearly_all(search, group, GUESSED_GROUP_MIN)
            if codes and _together(search, codes):
                search.take(Trouble.PLACE, place, codes, f"{len(codes)}/{len(group)}")


def _nearly_all(search: _Search, members: Sequence[Site], at_least: int) -> list[ResourceCode]:
    """The silent ones of a group, where they are nearly all of it; else nothing."""
    codes = [site.code for site in members if site.code in search.silent]
    return codes if len(codes) >= max(at_least, GROUP_SHARE * len(members)) else []


def _together(search: _Search, codes: Sequence[ResourceCode]) -> bool:
    """Whether their last signs of life lie within what their periods can explain."""
    seen = [search.book.of(code).seen_s for code in codes]
    longest_s = max(search.sites.by_code[code].period_s for code in codes)
    return max(seen) - min(seen) <= TOGETHER_PERIODS * longest_s
