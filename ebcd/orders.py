"""A decision about an alert as commands to links: who is told what over which path, and in which words.

Address codes in a frame name the places that the alert was given, never its single terminals, so that one signed frame
serves everybody on a link; which sockets get it is the list of members.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from devices.link import AskState, Audio, Link, Path, Start, Stop
from ebcd.alert import Alert, AlertClass, Origin
from ebcd.decision import Decision, Offer
from ebcd.facts import orders_sent, plan_made
from ebcd.ledger import Ledger
from ebcd.lifecycle import DeliveryEvent, DeliveryState
from ebcd.planner import IsLive, Plan, Terminal, plan
from ebcd.state import AlertRecord, Delivery
from protocols.codes import AreaCode, ResourceCode

PLAN_LEGS_PER_FACT_MAX = 5000
"""A journal payload has a limit; larger plans are written as several facts."""

ADDRESSES_MAX = 16
"""Sets of places whose address codes are kept."""

TITLE_CHARACTERS_MAX = 255

ASKED_STATES = frozenset({DeliveryState.SENT, DeliveryState.CONFIRMED, DeliveryState.TIMED_OUT})
"""Terminals of these states are asked what they do when an alert gets its place back, or after a restart."""


class Places(Protocol):
    """What the orders need of the inventory."""

    def terminals_in(self, areas: Iterable[AreaCode]) -> tuple[Terminal, ...]: ...

    def places_in(self, area: AreaCode) -> frozenset[AreaCode]: ...

    def place_of(self, code: ResourceCode) -> AreaCode | None: ...

    def adapter_of(self, code: ResourceCode) -> ResourceCode | None: ...

    def adapters_ever_of(self, code: ResourceCode) -> tuple[ResourceCode, ...]: ...

    def targets_for_places(
        self, places: Iterable[AreaCode], within: Iterable[AreaCode] = ()
    ) -> tuple[ResourceCode, ...]: ...


@dataclass(frozen=True, slots=True)
class Volumes:
    """`delivery.volume_*` of the configuration."""

    level_1_2: int
    default: int

    def of(self, alert: Alert) -> int:
        """Volume byte for a start: 0-100, 255 leaves the device's own."""
        if alert.volume is not None:
            return alert.volume
        return self.level_1_2 if alert.class_ is AlertClass.EMERGENCY and alert.level <= 2 else self.default


class Orders:
    """Enters the facts of what is about to be sent and collects the commands; sends nothing itself."""

    def __init__(self, ledger: Ledger, places: Places, is_live: IsLive, volumes: Volumes, media_base_url: str) -> None:
        self._ledger = ledger
        self._places = places
        self.is_live = is_live
        self._volumes = volumes
        self._media_base_url = media_base_url.rstrip("/")
        self.endless: frozenset[Path] = frozenset({Path.FM})
        """Paths with devices that know no end time: they are told when a window is over."""
        self.streamed: frozenset[Path] = frozenset()
        """Paths with links that send the sound themselves."""
        self._addresses: dict[tuple[frozenset[AreaCode], tuple[AreaCode, ...]], tuple[ResourceCode, ...]] = {}

    def know(self, links: Iterable[Link]) -> None:
        """Which paths need to be told of an end, and which of a begin once more."""
        for link in links:
            self.endless |= frozenset() if link.capabilities.ends_itself else {link.path}
            self.streamed |= {link.path} if link.capabilities.streams else frozenset()

    def plan(self, record: AlertRecord, at: float) -> None:
        """Plan, or plan anew, every terminal of the alert that has not been sent anything yet."""
        areas = record.alert.areas
        meant = (t for t in self._places.terminals_in(areas) if record.alert.means(t.code))
        waiting = [t for t in meant if _is_queued(record, t.code)]
        if record.alert.origin is Origin.TONE:
            waiting = quietly(waiting)
        places_of = {area: self._places.places_in(area) for area in areas}
        whole = plan(areas, waiting, self.is_live, places_of=places_of)
        step = PLAN_LEGS_PER_FACT_MAX
        for first in range(0, max(len(whole.legs), 1), step):
            part = Plan(whole.legs[first : first + step], whole.uncovered)
            self._ledger.enter(plan_made(record.alert.id, part, at))

    def start(self, record: AlertRecord, places: frozenset[AreaCode], decision: Decision, at: float) -> None:
        """Start the queued terminals of `places`, which `plan` has seen."""
        groups: dict[Path, list[ResourceCode]] = {}
        for delivery in record.deliveries.values():
            if delivery.state is DeliveryState.QUEUED and self._places.place_of(delivery.code) in places:
                groups.setdefault(delivery.paths[0], []).append(delivery.code)
        for path, codes in sorted(groups.items(), key=lambda item: list(Path).index(item[0])):
            self.send(record, path, codes, places, decision, at)

    def send(
        self,
        record: AlertRecord,
        path: Path,
        codes: list[ResourceCode],
        places: Iterable[AreaCode],
        decision: Decision,
        at: float,
    ) -> None:
        """Send the start to `codes` over `path`, addressed to `places`."""
        self._ledger.enter(orders_sent(record.alert.id, DeliveryEvent.SEND, path, codes, at))
        targets = self.targets(record.alert, frozenset(places))
        decision.offers.append(Offer(path, self.start_command(record.alert, targets, self.members(path, codes))))

    def places_of(self, alert: Alert) -> frozenset[AreaCode]:
        """Every place that the alert would sound at."""
        if alert.only:
            return frozenset(code.area for code in alert.only)
        return frozenset().union(*(self._places.places_in(area) for area in alert.areas))

    def targets(self, alert: Alert, places: frozenset[AreaCode]) -> tuple[ResourceCode, ...]:
        """Address codes: the same for every path of a start, until the inventory changes."""
        if alert.only:
            return tuple(code for code in alert.only if code.area in places)
        areas = alert.areas
        key = (places, areas)
        if key not in self._addresses:
            while len(self._addresses) >= ADDRESSES_MAX:
                del self._addresses[next(iter(self._addresses))]
            self._addresses[key] = self._places.targets_for_places(places, areas)
        return self._addresses[key]

    def forget_addresses(self) -> None:
        """The inventory has changed."""
        self._addresses.clear()

    def stop(self, record: AlertRecord, decision: Decision, at: float) -> None:
        """Stop everywhere something was sent, over every path that was tried (I12)."""
        tried: dict[Path, list[ResourceCode]] = {}
        deciding: dict[Path, list[ResourceCode]] = {}
        for delivery in record.deliveries.values():
            if not _may_sound(delivery):
                continue
            for path in delivery.tried:
                tried.setdefault(path, []).append(delivery.code)
            if delivery.path is not None and delivery.state is not DeliveryState.PLAYED:
                deciding.setdefault(delivery.path, []).append(delivery.code)
        for path, codes in deciding.items():
            self._ledger.enter(orders_sent(record.alert.id, DeliveryEvent.STOP, path, codes, at))
        for path, codes in tried.items():
            decision.offers.append(Offer(path, self.stop_command(record, self._members_ever(path, codes))))

    def silence(self, record: AlertRecord, decision: Decision) -> None:
        """At the end of the window: who was told no end time must be told now (FM; vendors' MQTT profiles)."""
        for path in sorted(self.endless):
            codes = tuple(d.code for d in record.deliveries.values() if path in d.tried)
            if codes:
                command = replace(self.stop_command(record, codes), at_end=True)
                decision.offers.append(Offer(path, command))

    def ask_again(self, record: AlertRecord, places: frozenset[AreaCode], decision: Decision) -> None:
        """Places came back to the alert after a higher one: terminals resume by themselves, so ask before sending."""
        groups: dict[Path, list[ResourceCode]] = {}
        for delivery in record.deliveries.values():
            if delivery.state in ASKED_STATES and delivery.path and self._places.place_of(delivery.code) in places:
                groups.setdefault(delivery.path, []).append(delivery.code)
        for path, codes in groups.items():
            if path is not Path.FM:
                self.ask(record, path, codes, decision)

    def ask(self, record: AlertRecord, path: Path, codes: Iterable[ResourceCode], decision: Decision) -> None:
        """Ask what these terminals, or the adapters that drive them, are doing. Where the sound itself is streamed they
        are started once more, whatever they say: that changes nothing for them but where the stream goes, which may
        have ended while another one sounded or while we were away (terminal-ip.md 1.7)."""
        members = self.members(path, codes)
        if path in self.streamed:
            again = self.start_command(record.alert, self.targets(record.alert, frozenset(record.holds)), members)
            decision.offers.append(Offer(path, again))
        else:
            decision.offers.append(Offer(path, AskState(members)))

    def members(self, path: Path, codes: Iterable[ResourceCode]) -> tuple[ResourceCode, ...]:
        """Whom a link must reach for these terminals: themselves, or the adapters that drive them."""
        if path is not Path.ADAPTER:
            return tuple(codes)
        adapters = (self._places.adapter_of(code) for code in codes)
        return tuple(dict.fromkeys(adapter for adapter in adapters if adapter is not None))

    def _members_ever(self, path: Path, codes: Iterable[ResourceCode]) -> tuple[ResourceCode, ...]:
        """The same for a stop: also adapters that drove one of them before the inventory changed."""
        if path is not Path.ADAPTER:
            return tuple(codes)
        return tuple(dict.fromkeys(each for code in codes for each in self._places.adapters_ever_of(code)))

    def start_command(
        self, alert: Alert, targets: tuple[ResourceCode, ...], members: tuple[ResourceCode, ...]
    ) -> Start:
        """The start as links understand it."""
        return Start(
            ebm_id=alert.id,
            class_=int(alert.class_),
            level=alert.level,
            event_type=alert.event_type,
            start=alert.window.start,
            end=alert.window.end,
            volume=self._volumes.of(alert),
            targets=targets,
            members=members,
            audio=Audio(self.audio_url(alert), alert.media.name if alert.media else ""),
            text=alert.text or alert.title,
            agency=alert.agency[:TITLE_CHARACTERS_MAX],
            language=alert.language,
        )

    def announcement(self, record: AlertRecord) -> Start:
        """The start without anybody to reach, for links that only tell people about it."""
        return self.start_command(record.alert, self.targets(record.alert, frozenset(record.holds)), ())

    def stop_command(self, record: AlertRecord, members: tuple[ResourceCode, ...]) -> Stop:
        """The stop for everything that was ever started."""
        alert = record.alert
        targets = self.targets(alert, frozenset(record.started))
        elsewhere = self._elsewhere(record, members)
        return Stop(alert.id, int(alert.class_), alert.level, alert.event_type, targets, members, elsewhere=elsewhere)

    def _elsewhere(self, record: AlertRecord, members: tuple[ResourceCode, ...]) -> frozenset[ResourceCode]:
        """Where another alert sounds by now: asked only where devices cannot tell one message from another."""
        if Path.MQTT not in self.endless:
            return frozenset()
        others = (r.holds for r in self._ledger.state.live_alerts() if r is not record)
        held: set[AreaCode] = set().union(*others)
        return frozenset(code for code in members if self._places.place_of(code) in held)

    def audio_url(self, alert: Alert) -> str:
        """What devices fetch or join: our media server for a file, the given stream otherwise."""
        return f"{self._media_base_url}/media/{alert.media.name}" if alert.media else alert.stream_url


def quietly(terminals: Iterable[Terminal]) -> list[Terminal]:
    """Terminals with the paths whose start carries a volume, and a way back for the result; an emergency or drill over
    FM has neither (GD/J 085 table 5), so who hears FM only is left out."""
    found = ((t, tuple(path for path in t.paths if path is not Path.FM)) for t in terminals)
    return [Terminal(t.code, t.area, paths) for t, paths in found if paths]


def _is_queued(record: AlertRecord, code: ResourceCode) -> bool:
    known = record.deliveries.get(code)
    return known is None or known.state is DeliveryState.QUEUED


def _may_sound(delivery: Delivery) -> bool:
    """Whether a stop is owed: something was sent and no stop is confirmed. A result that says "played" is signed by
    nobody (GD/J 089 annex E), so it spares nobody the stop."""
    return bool(delivery.tried) and delivery.state is not DeliveryState.CANCELLED
