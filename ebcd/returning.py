"""Who came back: what a device says it does after an absence, a restart or a pre-emption, and what it is owed (I7, I8,
I10, I12).

A terminal found playing our message confirms it; one that may never have got the order gets it; one that missed its
stop is stopped. Those to be started are gathered, so that a county that comes back together is told with one frame.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from devices.link import AskState, DeviceState, Path, Refusal
from ebcd.core import Core
from ebcd.decision import Decision, Offer
from ebcd.lifecycle import AlertState, DeliveryEvent, DeliveryState
from ebcd.orders import ASKED_STATES
from ebcd.state import AlertRecord, Delivery
from protocols.codes import EbmId, ResourceCode
from protocols.terminal import Result

BUSY = int(Result.HIGHER_PRIORITY)

SILENT_STATES = frozenset({DeliveryState.PLAYED, DeliveryState.CANCELLED})
"""What a terminal has said it no longer plays."""

Note = Callable[[EbmId, ResourceCode, DeliveryEvent, Path, str], None]
"""Takes a receipt: message, device, event, path, detail."""


def behind(
    core: Core, adapter: ResourceCode, record: AlertRecord, states: AbstractSet[DeliveryState]
) -> list[ResourceCode]:
    """The terminals of a message that were told through one adapter and are in one of `states`."""
    return [
        d.code
        for d in record.deliveries.values()
        if d.state in states and d.path is Path.ADAPTER and core.places.adapter_of(d.code) == adapter
    ]


class Returning:
    """Judges what devices say of themselves."""

    def __init__(self, core: Core, note: Note) -> None:
        self._core = core
        self._note = note
        self._fresh: set[ResourceCode] = set()  # connected, state not heard since
        self._busy: set[ResourceCode] = set()  # refused a start for something better, idle not heard since
        self._current: list[AlertRecord] | None = None  # of this batch: live, or with an open window
        self._unbegun: dict[tuple[EbmId, Path], dict[ResourceCode, DeviceState]] = {}  # to be started

    def begin(self) -> None:
        """A new batch of events: alerts are looked at anew."""
        self._current = None

    def _alerts_now(self) -> list[AlertRecord]:
        """Those that are live or whose window is open, looked up once a batch: a county that comes back asks for each
        terminal, and the daemon remembers thousands of alerts."""
        if self._current is None:
            now_s, records = self._core.clock.wall(), self._core.state.alerts.values()
            self._current = [r for r in records if r.live or r.alert.window.is_open(now_s)]
        return self._current

    def connected(self, code: ResourceCode, path: Path, decision: Decision) -> None:
        """A terminal dialled in."""
        self._fresh.add(code)
        if path is Path.MQTT and self._owes(code):  # its next heartbeat may be a period away
            decision.offers.append(Offer(path, AskState((code,))))

    def beat(self, code: ResourceCode, path: Path, state: DeviceState, decision: Decision) -> None:
        """A heartbeat: looked at after a connection, and when one that was busy is idle."""
        if code in self._fresh or (state is DeviceState.IDLE and code in self._busy):
            self._fresh.discard(code)
            self.told(code, path, state, None, decision)

    def refused(self, code: ResourceCode, result: int) -> None:
        """A start was answered with another result than 0 (GD/J 089 table D.12)."""
        if result == BUSY:
            self._busy.add(code)

    def told(
        self,
        code: ResourceCode,
        path: Path,
        state: DeviceState,
        ebm_ids: tuple[EbmId, ...] | None,
        decision: Decision,
    ) -> None:
        """A device says what it does: after a reconnection, a restart or a pre-emption (I7, I10)."""
        now_s = self._core.clock.wall()
        if state is DeviceState.IDLE:
            self._busy.discard(code)
        for record in self._alerts_now():
            if not record.alert.window.is_open(now_s):
                continue
            if record.state is AlertState.ON_AIR:
                if ebm_ids is not None and code not in record.deliveries:
                    self._adapter_told(code, record, ebm_ids, decision)
                elif delivery := record.deliveries.get(code):
                    self._terminal_told(record, delivery, path, state, ebm_ids)
            elif record.state in (AlertState.CANCELLING, AlertState.CANCELLED):
                self._stop_if_owed(record, code, path, state, decision)

    def start(self, decision: Decision) -> None:
        """One frame for all that were found together: after a restart a whole county comes back within seconds."""
        found, self._unbegun = self._unbegun, {}
        for (ebm_id, path), states in found.items():
            record = self._core.state.alerts[ebm_id]
            may = self._may_start
            if wanted := [code for code, state in states.items() if may(record, record.deliveries[code], path, state)]:
                before = len(decision.offers)
                self._core.orders.send(record, path, wanted, record.holds, decision, self._core.clock.wall())
                self._core.pursuit.watch(record, decision.offers[before:])

    # ---- inside ----

    def _terminal_told(
        self,
        record: AlertRecord,
        delivery: Delivery,
        path: Path,
        state: DeviceState,
        ebm_ids: tuple[EbmId, ...] | None,
    ) -> None:
        """`ebm_ids`: what it says is on air; a terminal that is busy with nothing of ours confirms nothing (I8). One
        that may never have got the order gets it now, whatever it plays or suffers from: the order may have gone out
        while nobody was connected, and a terminal that knows the message already does not begin it again (I7)."""
        place = self._core.places.place_of(delivery.code)
        if place not in record.holds or not self._may_still_begin(delivery, path, state):
            return
        ours = record.alert.id in ebm_ids if ebm_ids is not None else self._alone_in(record, delivery)
        if state is DeviceState.WORKING and ours:
            self._note(record.alert.id, delivery.code, DeliveryEvent.CONFIRM, path, "found working")
        elif path in delivery.paths and (state is DeviceState.IDLE or delivery.state is not DeliveryState.CONFIRMED):
            self._unbegun.setdefault((record.alert.id, path), {})[delivery.code] = state

    def _may_still_begin(self, delivery: Delivery, path: Path, state: DeviceState) -> bool:
        """Nothing final was heard of it; or a link would not send, and this path was not tried; or it was busy with
        something better, and is so no more."""
        if delivery.state is DeliveryState.REFUSED:
            if delivery.detail.startswith(f"{BUSY} "):
                return state is DeviceState.IDLE
            return delivery.detail in set(Refusal) and path not in delivery.tried
        return delivery.state in ASKED_STATES | {DeliveryState.UNCONFIRMED}

    def _may_start(self, record: AlertRecord, delivery: Delivery, path: Path, state: DeviceState) -> bool:
        """An alert on air at a terminal that has not begun; one that has is started again only where the alert was
        interrupted (I7)."""
        place = self._core.places.place_of(delivery.code)
        if record.state is not AlertState.ON_AIR or place not in record.holds:
            return False
        if delivery.state is DeliveryState.CONFIRMED:
            return place in record.regained
        return self._may_still_begin(delivery, path, state)

    def _owes(self, code: ResourceCode) -> bool:
        """Whether a live alert has something open at this terminal."""
        deliveries = (r.deliveries.get(code) for r in self._alerts_now() if r.live)
        return any(d is not None and d.state in ASKED_STATES | {DeliveryState.STOPPING} for d in deliveries)

    def _alone_in(self, record: AlertRecord, delivery: Delivery) -> bool:
        """Whether no other alert could be what the terminal is playing: a live one, or one whose stop it may have
        missed (I8)."""
        deliveries = (r.deliveries.get(delivery.code) for r in self._alerts_now() if r is not record)
        return not any(d is not None and d.tried and d.state not in SILENT_STATES for d in deliveries)

    def _adapter_told(
        self, adapter: ResourceCode, record: AlertRecord, playing: tuple[EbmId, ...], decision: Decision
    ) -> None:
        if record.alert.id in playing:
            return
        silent = behind(self._core, adapter, record, {DeliveryState.SENT, DeliveryState.TIMED_OUT})
        if codes := [code for code in silent if self._core.places.place_of(code) in record.holds]:
            self._core.orders.send(record, Path.ADAPTER, codes, record.holds, decision, self._core.clock.wall())

    def _stop_if_owed(
        self, record: AlertRecord, code: ResourceCode, path: Path, state: DeviceState, decision: Decision
    ) -> None:
        """A terminal that was cut off while its message was cancelled is stopped when it is back (I12)."""
        delivery = record.deliveries.get(code)
        owed = (DeliveryState.STOPPING, DeliveryState.TIMED_OUT, DeliveryState.UNCONFIRMED)
        if delivery and delivery.tried and delivery.state in owed and state is not DeviceState.IDLE:
            decision.offers.append(Offer(path, self._core.orders.stop_command(record, (code,))))
