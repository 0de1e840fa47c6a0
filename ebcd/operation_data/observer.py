"""Notices what changed about our resources, and takes it into the flags.

News from devices and alerts is gathered and looked at every few seconds, never in the middle of an alert's own work;
loops over many devices give way to others as they go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from devices.link import Path
from devices.ports import Clock
from ebcd import facts
from ebcd.facts import Fact
from ebcd.health import Change, DeviceHealth
from ebcd.lifecycle import AlertState, DeliveryState
from ebcd.operation_data import broadcast_log
from ebcd.operation_data.flags import Flags
from ebcd.operation_data.kinds import INFO, STATE, Kind, Subject
from ebcd.operation_data.platform_state import PlatformSigns, PlatformWatch
from ebcd.operation_data.resources import Resources, digest
from ebcd.operation_data.rules import StateCodes
from ebcd.operation_data.states import FAULT, NORMAL, ON_AIR, code_of
from ebcd.sharing import Sharers, Transmitter
from ebcd.state import AlertRecord, CountyState
from protocols.codes import EbmId, ResourceCode

RESCAN_S = 600.0
"""How often all records are compared anew, in case nobody said that the inventory or the archive changed."""
BUSY_S, BUSY_S_MAX = 2.0, 15.0
"""An alert is moving while facts of one came within the last `BUSY_S`; nobody waits longer than `BUSY_S_MAX` for it."""
BETWEEN_TURNS = 200
"""Devices that are looked at before others get their turn."""
DELIVERIES_BETWEEN_TURNS = 5000


class KnowsHealth(Protocol):
    """The part of `ebcd.health.HealthBook` that is needed here."""

    def of(self, code: ResourceCode) -> DeviceHealth: ...


class Observer:
    """Looks at one county. Times named `_s` are monotonic seconds."""

    def __init__(
        self,
        flags: Flags,
        resources: Resources,
        state: Callable[[], CountyState],
        health: KnowsHealth,
        sharers: Sharers,
        transmitters: Callable[[], Sequence[Transmitter]],
        signs: Callable[[], PlatformSigns],
        clock: Clock,
        codes: StateCodes,
    ) -> None:
        self.watch = PlatformWatch()
        self._flags = flags
        self._resources = resources
        self._state = state
        self._health = health
        self._sharers = sharers
        self._transmitters = transmitters
        self._signs = signs
        self._clock = clock
        self._codes = codes
        self._touched: dict[str, None] = {}
        self._alerts: dict[EbmId, bool] = {}  # alerts with news; True: all their terminals are touched
        self._scan_due_s = 0.0
        self._all_due = True
        self._heads_due = True
        self._over_fm = False
        self._busy_since_s = self._busy_last_s = float("-inf")

    # ---- news ------------------------------------------------------------------------------------------------------

    def device_changed(self, change: Change) -> None:
        """A device's condition changed."""
        self._touched[change.code] = None
        self._heads_due = True

    def fact(self, fact: Fact, _state: CountyState) -> None:
        """Something happened to an alert (a watcher of the ledger: it takes note and no more)."""
        if fact.alert is None:
            return
        now_s = self._clock.monotonic()
        if now_s - self._busy_last_s >= BUSY_S:
            self._busy_since_s = now_s
        self._busy_last_s = now_s
        self._heads_due = True
        if fact.kind == facts.RECEIPTS:
            self._touched.update(dict.fromkeys([item[0] for item in fact.payload["items"]]))
            self._alerts.setdefault(fact.alert, False)
        elif fact.kind in (facts.ALERT_MOVED, facts.ALERT_ACCEPTED):
            self._alerts[fact.alert] = True

    @property
    def busy(self) -> bool:
        """Whether an alert is being started, followed or stopped just now: what nobody asked for waits."""
        now_s = self._clock.monotonic()
        return now_s - self._busy_last_s < BUSY_S and now_s - self._busy_since_s < BUSY_S_MAX

    def inventory_changed(self) -> None:
        """There are other devices, or other things are known of them."""
        self._sharers.forget()
        self._scan_due_s = 0.0
        self._all_due = self._heads_due = True

    # ---- one look --------------------------------------------------------------------------------------------------

    async def look(self) -> bool:
        """Take in everything since the last look; whether a platform above has to be told of anything."""
        news = self._platform()
        now_s = self._clock.monotonic()
        if now_s >= self._scan_due_s:
            self._scan_due_s = now_s + RESCAN_S
            for subject in Subject:
                news |= await self._scan(subject)
        alerts, self._alerts = self._alerts, {}
        for alert_id, whole in alerts.items():
            news |= self._log(alert_id)
            record = self._state().alerts.get(alert_id)
            if whole and record is not None:
                self._touched.update(dict.fromkeys(map(str, record.deliveries)))
        news |= await self._terminals()
        news |= await self._head_ends()
        return news

    def _platform(self) -> bool:
        self.watch.look(self._signs(), self._clock.monotonic())
        (own,) = self._resources.codes(Subject.PLATFORM)
        return self._flags.see(Kind.PLATFORM_STATE, own, str(self.watch.code), self._clock.wall())

    async def _scan(self, subject: Subject) -> bool:
        """Compare the records of one kind; those of devices that left are lost, with their states."""
        kind, news = INFO[subject], False
        codes = self._resources.codes(subject)
        for number, code in enumerate(codes, 1):
            record = self._resources.record(subject, code, 0)
            if record is not None:
                news |= self._flags.see(kind, code, digest(record), self._clock.wall())
            if number % BETWEEN_TURNS == 0:
                await asyncio.sleep(0)
        for each in (kind, STATE.get(subject)):
            if each is not None:
                news |= await self._lost(subject, each)
        return news

    async def _lost(self, subject: Subject, kind: Kind) -> bool:
        """Records whose resource is no more."""
        news = False
        for peer in self._flags.peers:
            for number, code in enumerate(self._flags.codes(peer, kind), 1):
                if not self._resources.has(subject, code):
                    news |= self._flags.lose(kind, code, self._clock.wall())
                if number % DELIVERIES_BETWEEN_TURNS == 0:
                    await asyncio.sleep(0)
        return news

    def _log(self, alert_id: EbmId) -> bool:
        record = self._state().alerts.get(alert_id)
        if record is None or not broadcast_log.belongs(record):
            return False
        return self._flags.see(Kind.LOG, alert_id, broadcast_log.value_of(record), self._clock.wall())

    def forget_alerts(self) -> None:
        """Alerts that have left the memory leave the log."""
        alerts = self._state().alerts
        for peer in self._flags.peers:
            for alert_id in self._flags.codes(peer, Kind.LOG):
                if alert_id not in alerts:
                    self._flags.lose(Kind.LOG, alert_id, self._clock.wall())

    # ---- states ----------------------------------------------------------------------------------------------------

    async def _terminals(self) -> bool:
        touched: Iterable[str] = self._touched
        self._touched, news = {}, False
        if self._all_due:
            self._all_due = False
            touched = self._resources.codes(Subject.TERMINAL)
            for alert_id in list(self._state().alerts):
                news |= self._log(alert_id)
            self.forget_alerts()
        for number, code in enumerate(touched, 1):
            if self._resources.has(Subject.TERMINAL, code):
                condition = self._health.of(ResourceCode(code)).told
                told = code_of(condition, playing=self._plays(ResourceCode(code)), codes=self._codes)
                if told is not None:
                    news |= self._flags.see(Kind.TERMINAL_STATE, code, str(told), self._clock.wall())
            if number % BETWEEN_TURNS == 0:
                await asyncio.sleep(0)
        return news

    def _plays(self, code: ResourceCode) -> bool:
        """Whether a terminal confirmed an alert that is on air and has not reported its end."""
        for record in self._on_air():
            delivery = record.deliveries.get(code)
            if delivery is not None and delivery.state is DeliveryState.CONFIRMED:
                return True
        return False

    def _on_air(self) -> list[AlertRecord]:
        return [r for r in self._state().live_alerts() if r.state in (AlertState.ON_AIR, AlertState.CANCELLING)]

    async def _head_ends(self) -> bool:
        """Adapters where there is news of devices or alerts; transmitters each time, since only their links tell."""
        news, at = False, self._clock.wall()
        if self._heads_due:
            self._heads_due = False
            adapters, self._over_fm = await self._used()
            news = await self._adapters(adapters, at)
        for each in self._transmitters():
            if self._resources.has(Subject.TRANSMITTER, each.code):
                told = self._transmitter(each, playing=self._over_fm)
                if told is not None:
                    news |= self._flags.see(Kind.TRANSMITTER_STATE, each.code, str(told), at)
        return news

    async def _adapters(self, playing: set[str], at: float) -> bool:
        news = False
        for number, code in enumerate(self._resources.codes(Subject.ADAPTER), 1):
            condition = self._health.of(ResourceCode(code)).told
            told = code_of(condition, playing=code in playing, codes=self._codes)
            if told is not None:
                news |= self._flags.see(Kind.ADAPTER_STATE, code, str(told), at)
            if number % BETWEEN_TURNS == 0:
                await asyncio.sleep(0)
        return news

    def _transmitter(self, each: Transmitter, *, playing: bool) -> int | None:
        """By its own words where it has any, else by whether its link works; None until that was tried, so that a
        restart is no fault of a transmitter."""
        known = code_of(self._health.of(each.code).told, playing=playing, codes=StateCodes(on_air=self._codes.on_air))
        if known is not None or not each.tried:
            return known
        if not each.up:
            return FAULT
        return ON_AIR if playing and self._codes.on_air else NORMAL

    async def _used(self) -> tuple[set[str], bool]:
        """Adapters through which something plays now, and whether anything that is on air was sent over FM."""
        adapters: set[str] = set()
        over_fm = False
        for record in self._on_air():
            for number, delivery in enumerate(list(record.deliveries.values()), 1):
                over_fm = over_fm or Path.FM in delivery.tried
                if delivery.state is DeliveryState.CONFIRMED and delivery.path is Path.ADAPTER:
                    adapters.add(str(self._sharers.adapter_of(delivery.code)))
                if number % DELIVERIES_BETWEEN_TURNS == 0:
                    await asyncio.sleep(0)
        return adapters, over_fm
