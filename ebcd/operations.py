"""What operators ask for, carried out on the core (`ebcd.operator.Operations`).

Every answer that promises something waits until the journal holds it (I10).
"""

from __future__ import annotations

from dataclasses import replace

from devices.roster import DeviceKind
from ebcd.alert import Alert, AlertClass, DrillDepth, Media, Origin, Window, sounds_alarm
from ebcd.alert_desk import START_AHEAD_S_MAX, AlertDesk, Identity, Room, refused
from ebcd.errors import InvalidAlert
from ebcd.intake import UnusableSound
from ebcd.lifecycle import AlertState, DeliveryState
from ebcd.operator import (
    Actor,
    AlertDetail,
    AlertFilter,
    AlertRow,
    Category,
    Draft,
    Kind,
    LinkRow,
    Preview,
    Reloaded,
    Status,
    TerminalFilter,
    TerminalPage,
)
from ebcd.state import AlertRecord
from ebcd.trace import figures
from ebcd.views import link_row, proofs_of
from ebcd.warning_desk import WarningDesk
from ebcd.warning_preview import WarningPreview
from protocols.codes import AreaCode, EbmId, InvalidCode, ResourceCode

DURATION_S_MAX = 24 * 3600
CANCEL_ALL = "all"

CLASSES = {
    Category.EMERGENCY: AlertClass.EMERGENCY,
    Category.DAILY: AlertClass.DAILY,
}
DRILL_CLASSES = {
    DrillDepth.PLATFORM: AlertClass.SYSTEM_DRILL,
    DrillDepth.HEADEND: AlertClass.SIMULATED_DRILL,
    DrillDepth.TERMINAL: AlertClass.REAL_DRILL,
}


class CountyOperations:
    """`Operations` of one county."""

    def __init__(self, identity: Identity, room: Room) -> None:
        self._me = identity
        self._room = room
        self._desk = AlertDesk(identity, room)
        self._warnings = WarningDesk(self._desk)

    # ---- an alert's life ---------------------------------------------------------------------------------------

    async def preview(self, draft: Draft, actor: Actor) -> Preview:
        """What the draft would do; changes nothing."""
        inside, dropped = self._areas(draft)
        window = self._window(draft)
        alert = self._alert(draft, actor, inside, dropped, window, None, self._desk.next_id(peek=True))
        return self._desk.preview(alert)

    async def send(self, draft: Draft, actor: Actor) -> AlertRow:
        """Take a draft in; it waits for approval where its category and level need one (I1)."""
        inside, dropped = self._areas(draft)
        window = self._window(draft)
        alarm = sounds_alarm(_class_of(draft), draft.level)
        media = await self._media(draft, alarm)
        alert = self._alert(draft, actor, inside, dropped, window, media, self._desk.next_id())
        record = self._room.core.take_in(alert, self._room.core.clock.monotonic())
        return await self._desk.answer(record)

    async def approve(self, ebm_id: str, actor: Actor) -> AlertRow:
        """Approve; the author's own approval is refused."""
        record = self._record(ebm_id)
        self._must_be_pending(record)
        if actor.name == record.alert.author:
            raise refused(Kind.FORBIDDEN, "own_approval", "actor", actor.name)
        if actor.name in record.approvals:
            raise refused(Kind.CONFLICT, "approved_already", "actor", actor.name)
        self._room.core.approve(record, actor.name)
        return await self._desk.answer(record)

    async def reject(self, ebm_id: str, actor: Actor, reason: str) -> AlertRow:
        """Turn down an alert that waits for approval."""
        record = self._record(ebm_id)
        self._must_be_pending(record)
        self._room.core.reject(record, actor.name, reason)
        return await self._desk.answer(record)

    async def cancel(self, ebm_id: str, actor: Actor) -> tuple[AlertRow, ...]:
        """Stop one alert, or all of them."""
        if ebm_id == CANCEL_ALL:
            live = self._room.core.state.live_alerts()
            records = [r for r in live if r.state is not AlertState.CANCELLING]
        else:
            records = [self._record(ebm_id)]
            if not records[0].live or records[0].state is AlertState.CANCELLING:
                raise refused(Kind.CONFLICT, "not_live", "alert", ebm_id, records[0].state)
        for record in records:
            if record.live and record.state is not AlertState.CANCELLING:  # one cancel may bring about another's end
                self._room.core.cancel(record, actor.name)
        rows = [await self._desk.answer(record) for record in records]
        return tuple(rows)

    # ---- warnings of other authorities -------------------------------------------------------------------------

    async def preview_warning(self, xml: bytes, actor: Actor) -> WarningPreview:
        """What a warning would do; changes nothing."""
        return self._warnings.preview(xml, actor)

    async def submit_warning(self, xml: bytes, actor: Actor) -> tuple[AlertRow, ...]:
        """Take a warning in; it waits for the approvals that its level needs (I1)."""
        return await self._warnings.submit(xml, actor)

    # ---- looking -----------------------------------------------------------------------------------------------

    async def alerts(self, wanted: AlertFilter) -> tuple[AlertRow, ...]:
        """Newest first; see `show` on what is told before it is durable."""
        records = [r for r in self._room.core.state.alerts.values() if wanted.state in ("", r.state)]
        records.sort(key=lambda r: r.alert.received_at, reverse=True)
        rows = tuple(self._room.views.row(r) for r in records[: wanted.rows_max])
        await self._desk.durable_soon()
        return rows

    async def show(self, ebm_id: str) -> AlertDetail:
        """One alert in full. Not told before the journal holds it: what a person has read, no crash may take back
        (I10). A disk that hangs does not hide the alert; the answer then says that it is not durable."""
        record = self._record(ebm_id)
        trace = self._room.core.traces.of(record.alert.id)
        known = self._room.core.state.evidence.alerts.get(record.alert.id)
        proofs = proofs_of(known, self._room.inventory.name_of)
        detail = replace(self._room.views.detail(record, figures(trace) if trace else {}), proofs=proofs)
        return detail if await self._desk.durable_soon() else replace(detail, durable=False)

    async def terminals(self, wanted: TerminalFilter) -> TerminalPage:
        """Terminals by code."""
        places = self._room.inventory
        areas = self._named_areas(wanted.town) if wanted.town else [self._me.area]
        playing = self._playing()
        found = []
        for each in places.terminals_in(areas):
            health = self._room.health.of(each.code)
            if wanted.state in ("", health.condition) and wanted.path in ("", *each.paths):
                found.append(each.code)
        rows = tuple(self._room.views.terminal(c, playing.get(c, "")) for c in found[: wanted.rows_max])
        return TerminalPage(rows, len(found))

    async def links(self) -> tuple[LinkRow, ...]:
        """Links in the order of the configuration, platforms above last."""
        return (*(link_row(type_, link) for type_, link in self._room.links), *self._room.upstream_rows())

    async def status(self) -> Status:
        """The daemon at a glance."""
        alerts: dict[str, int] = {}
        for record in self._room.core.state.alerts.values():
            alerts[record.state.value] = alerts.get(record.state.value, 0) + 1
        return Status(
            version=self._me.version,
            platform_code=self._me.code,
            platform_name=self._me.name,
            now=int(self._room.core.clock.wall()),
            started=int(self._me.started_at),
            alerts=alerts,
            terminals={c.value: n for c, n in self._room.health.tally[DeviceKind.TERMINAL].items() if n},
            invariant_violations=self._room.violations(),
        )

    async def reload(self, actor: Actor) -> Reloaded:
        """Read the configuration again. Raises ConfigError with everything that speaks against it."""
        done = await self._room.reload(actor.name)
        await self._desk.durable("configuration", "")
        return done

    # ---- inside ------------------------------------------------------------------------------------------------

    def _record(self, ebm_id: str) -> AlertRecord:
        record = self._room.core.state.alerts.get(EbmId(ebm_id)) if _is_ebm_id(ebm_id) else None
        if record is None:
            raise refused(Kind.NOT_FOUND, "no_such_alert", "alert", ebm_id)
        return record

    def _must_be_pending(self, record: AlertRecord) -> None:
        if record.state is not AlertState.PENDING:
            raise refused(Kind.CONFLICT, "not_pending", "alert", record.alert.id, record.state)

    def _areas(self, draft: Draft) -> tuple[tuple[AreaCode, ...], tuple[str, ...]]:
        written = [str(a) for text in draft.areas for a in self._named_areas(text)]
        found = self._desk.resolve(written)
        return found.inside, found.dropped

    def _named_areas(self, text: str) -> list[AreaCode]:
        try:
            return [AreaCode.parse(text)]
        except InvalidCode as error:
            named = self._room.inventory.areas_named(text)
            if not named and text.strip()[:1].isdigit():
                raise refused(Kind.INVALID, "bad_area_code", "areas", text, str(error)) from None
        if len(named) != 1:
            code = "ambiguous_area" if named else "unknown_area"
            raise refused(Kind.INVALID, code, "areas", text, ", ".join(named))
        return list(named)

    def _window(self, draft: Draft) -> Window:
        now_s = int(self._room.core.clock.wall())
        start = now_s if draft.start is None else draft.start
        if not 1 <= draft.duration_s <= DURATION_S_MAX:
            raise refused(Kind.INVALID, "duration", "duration_s", draft.duration_s, DURATION_S_MAX)
        if not now_s - DURATION_S_MAX <= start <= now_s + START_AHEAD_S_MAX or start + draft.duration_s <= now_s:
            raise refused(Kind.INVALID, "start", "start", start, START_AHEAD_S_MAX)
        return Window(start, start + draft.duration_s)

    async def _media(self, draft: Draft, alarm: bool) -> Media:
        try:
            if draft.audio is not None:
                return await self._room.sounds.keep(draft.audio.content, draft.audio.name, "")
            return await self._room.sounds.speak(draft.text or draft.title, alarm=alarm)
        except UnusableSound as error:
            name = draft.audio.name if draft.audio else "text"
            raise refused(Kind.INVALID, "unusable_sound", name, str(error)) from None
        except OSError as error:
            raise refused(Kind.UNAVAILABLE, "media_folder", "media", error.strerror or str(error)) from None

    def _alert(
        self,
        draft: Draft,
        actor: Actor,
        inside: tuple[AreaCode, ...],
        dropped: tuple[str, ...],
        window: Window,
        media: Media | None,
        ebm_id: EbmId,
    ) -> Alert:
        drill = draft.category is Category.DRILL
        try:
            return Alert(
                id=ebm_id,
                origin=Origin.OPERATOR,
                class_=_class_of(draft),
                level=draft.level,
                depth=draft.drill_depth if drill else DrillDepth.TERMINAL,
                event_type=draft.event_type,
                window=window,
                areas=inside,
                dropped_areas=dropped,
                title=draft.title,
                text=draft.text,
                agency=self._me.name,
                language="zho",
                media=media,
                stream_url="",
                received_at=self._room.core.clock.wall(),
                author=actor.name,
                only=tuple(ResourceCode(code) for code in draft.only),
                volume=draft.volume,
            )
        except InvalidAlert as error:
            raise refused(Kind.INVALID, "invalid_alert", "alert", str(error)) from None

    def _playing(self) -> dict[ResourceCode, str]:
        return {
            d.code: record.alert.id
            for record in self._room.core.state.live_alerts()
            for d in record.deliveries.values()
            if d.state is DeliveryState.CONFIRMED
        }


def _class_of(draft: Draft) -> AlertClass:
    return DRILL_CLASSES[draft.drill_depth] if draft.category is Category.DRILL else CLASSES[draft.category]


def _is_ebm_id(text: str) -> bool:
    try:
        EbmId(text)
    except InvalidCode:
        return False
    return True
