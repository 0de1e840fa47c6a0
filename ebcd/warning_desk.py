"""Warnings of other authorities (CAP 1.2, GB/T 35965.1) become alerts of the county (platform digest section 10).

They carry no signature of a platform above, so each waits for the approvals of its class and level, by others than the
one who handed it in (I1). An update stops the old alert when it is approved, not before: until then the old one is what
people must hear. A cancel stops at once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence

import structlog

from ebcd.alert import Alert, AlertClass, Media, Origin, Window, classify, may_replace, sounds_alarm
from ebcd.alert_desk import SERIAL_MAX, START_AHEAD_S_MAX, AlertDesk, refused
from ebcd.clock import beijing_text
from ebcd.errors import InvalidAlert
from ebcd.facts import warning_cancelled
from ebcd.intake import (
    DROPPED_AREAS_MAX,
    DROPPED_CHARACTERS_MAX,
    SECONDS_32_MAX,
    SPOKEN_CHARACTERS_MAX,
    TEXT_CHARACTERS_MAX,
    TITLE_CHARACTERS_MAX,
    UnusableSound,
    language_of,
)
from ebcd.lifecycle import AlertState
from ebcd.operator import Actor, AlertRow, DroppedArea, Kind, OperationRefused
from ebcd.state import AlertRecord
from ebcd.views import category
from ebcd.warning_preview import WarningPart, WarningPreview
from protocols import cap
from protocols.cap import Order, PublicWarning, Resource
from protocols.codes import EbmId
from protocols.errors import RemoteProtocolError

WITHOUT_END_S = 3600
"""How long a warning is broadcast that names no end (CAP 1.2 leaves that to the receiver)."""
PARTS_MAX = 20
"""Information blocks of one warning: levels, areas, times; a county knows some few."""
IDENTIFIER_CHARACTERS_MAX = 200
SHOWN_CHARACTERS_MAX = 200
NOT_FOR_US = frozenset({"draft", "status", "scope", "kind", "references", "info"})
"""Reasons of `protocols.cap.orders_of`, each with a sentence of its own."""

log = structlog.get_logger("ebcd.warnings")


class WarningDesk:
    """Takes warnings in for one county."""

    def __init__(self, desk: AlertDesk) -> None:
        self._desk = desk
        self._core = desk.room.core

    def preview(self, xml: bytes, actor: Actor) -> WarningPreview:
        """What the warning would do. Raises OperationRefused."""
        warning, orders = _read(xml)
        name, kind = warning.identifier, warning.kind.value
        if warning.kind is cap.Kind.CANCEL:
            late = self._never_came(warning)
            found = () if len(late) == len(_named(warning)) else self._cancelled(warning)
            stops = tuple(record.alert.id for record in found if _stoppable(record))
            return WarningPreview(name, kind, False, (), (), stops, late)
        if self._known(warning, orders):
            return WarningPreview(name, kind, True, (), (), ())
        ours, left_out = self._sorted(orders)
        alerts = self._alerts(ours, actor, [None] * len(ours))
        state = self._core.state
        stops = tuple(
            dict.fromkeys(
                old.alert.id for each in alerts for old in state.replaced_by(each) if may_replace(each, old.alert)
            )
        )
        parts = tuple(self._part(*each) for each in zip(alerts, ours, strict=True))
        return WarningPreview(name, kind, False, parts, left_out, stops)

    async def submit(self, xml: bytes, actor: Actor) -> tuple[AlertRow, ...]:
        """Take the warning in. Raises OperationRefused; then nothing has changed, but that a cancel of what never came
        is remembered."""
        warning, orders = _read(xml)
        if warning.kind is cap.Kind.CANCEL:
            return await self._cancel(warning, actor)
        if not self._known(warning, orders):
            ours, _left_out = self._sorted(orders)
            self._alerts(ours, actor, [None] * len(ours))  # refuse before anything is spoken
            media = [await self._media(order, alarm=self._alarms(order)) for order in ours]
            if not self._known(warning, orders):  # handed in twice while it was being spoken
                self._take_in(ours, actor, media)
        return tuple([await self._desk.answer(record) for record in self._known(warning, orders)])

    async def _cancel(self, warning: PublicWarning, actor: Actor) -> tuple[AlertRow, ...]:
        state = self._core.state
        if late := [name for name in self._never_came(warning) if name not in state.cancelled_warnings]:
            now_s = self._core.clock.wall()
            self._core.ledger.enter(warning_cancelled(warning.identifier, late, now_s, actor.name))
        try:
            records = self._cancelled(warning)
        except OperationRefused:
            await self._desk.durable("references", warning.identifier)
            raise
        for record in records:
            if _stoppable(record):
                self._core.cancel(record, actor.name, f"cancelled by warning {warning.identifier}")
        return tuple([await self._desk.answer(record) for record in records])

    def _known(self, warning: PublicWarning, orders: Sequence[Order]) -> list[AlertRecord]:
        """What it became when it came before. Raises OperationRefused where a later update has taken its place or a
        cancel came first, and where another warning has its identifier: senders number them on their own."""
        name, state = warning.identifier, self._core.state
        if not (known := state.of_warning(name)):
            if warning.status is cap.Status.ACTUAL and (by := state.cancelled_warnings.get(name)):
                raise refused(Kind.CONFLICT, "warning_cancelled", "identifier", name, by)
            for record in state.alerts.values():
                is_drill = record.alert.class_ is not AlertClass.EMERGENCY
                if name in record.alert.supersedes and not (is_drill and warning.status is cap.Status.ACTUAL):
                    raise refused(Kind.CONFLICT, "warning_superseded", "identifier", name, record.alert.warning)
        written = {_gist(order) for order in orders}
        for record in known:
            if (record.alert.title, record.alert.text, record.alert.agency) not in written:
                raise refused(Kind.CONFLICT, "warning_reused", "identifier", name, record.alert.title)
        return known

    def _sorted(self, orders: Sequence[Order]) -> tuple[list[Order], tuple[DroppedArea, ...]]:
        """The blocks that concern this county now, and the others with the word of why. Raises OperationRefused where
        none does."""
        if len(orders) > PARTS_MAX:
            raise refused(Kind.INVALID, "warning_parts", "info", len(orders), PARTS_MAX)
        ours, left_out, first = [], [], None
        for order in orders:
            try:
                if not order.areas:
                    raise refused(
                        Kind.INVALID, "warning_no_codes", order.identifier, order.place[:SHOWN_CHARACTERS_MAX]
                    )
                self._desk.resolve(order.areas)
                self._window(order)
            except OperationRefused as error:
                first = first or error
                left_out.append(DroppedArea(order.title[:SHOWN_CHARACTERS_MAX], error.problem.code))
            else:
                ours.append(order)
        if not ours:
            assert first is not None
            raise first
        return ours, tuple(left_out)

    def _take_in(self, orders: Sequence[Order], actor: Actor, media: Sequence[Media | None]) -> None:
        """All of a warning's alerts, or none: every one is built before the first is entered."""
        for alert in self._alerts(orders, actor, media):
            self._core.take_in(alert, self._core.clock.monotonic())
        log.info("warning.taken_in", warning=orders[0].identifier, alerts=len(orders), actor=actor.name)

    # ---- what a warning means ----------------------------------------------------------------------------------

    def _cancelled(self, warning: PublicWarning) -> list[AlertRecord]:
        """The alerts that a cancel means; a cancel that is an exercise means drills only (I5)."""
        found = [
            record
            for name in self._lineage(each.identifier for each in warning.references)
            for record in self._core.state.of_warning(name)
            if warning.status is cap.Status.ACTUAL or record.alert.class_ is AlertClass.SYSTEM_DRILL
        ]
        if not found:
            names = ", ".join(_named(warning))[:SHOWN_CHARACTERS_MAX]
            code = "no_such_warning" if warning.status is cap.Status.ACTUAL else "no_such_exercise"
            raise refused(Kind.NOT_FOUND, code, "references", names)
        return list({record.alert.id: record for record in found}.values())

    def _never_came(self, warning: PublicWarning) -> tuple[str, ...]:
        """What a cancel names that was never taken in. One that is an exercise keeps nothing out (I5)."""
        if warning.status is not cap.Status.ACTUAL:
            return ()
        return tuple(name for name in _named(warning) if not self._core.state.of_warning(name))

    def _lineage(self, named: Iterable[str]) -> tuple[str, ...]:
        """The warnings that are named and those whose place they have taken or wait to take."""
        found = dict.fromkeys(named)
        for name in tuple(found):
            for record in self._core.state.of_warning(name):
                found |= dict.fromkeys(record.alert.supersedes)  # itself a whole lineage
        return tuple(found)

    def _alerts(self, orders: Sequence[Order], actor: Actor, media: Sequence[Media | None]) -> list[Alert]:
        first = self._desk.next_id()
        if int(first[-4:]) + len(orders) - 1 > SERIAL_MAX:
            raise refused(Kind.UNAVAILABLE, "serials_used_up", "alert", first[-4:], SERIAL_MAX)
        ids = [EbmId(f"{first[:-4]}{int(first[-4:]) + number:04d}") for number in range(len(orders))]
        return [self._alert(*each, actor) for each in zip(orders, ids, media, strict=True)]

    def _alert(self, order: Order, ebm_id: EbmId, media: Media | None, actor: Actor) -> Alert:
        if not order.text and not order.title and not order.resources:
            raise refused(Kind.INVALID, "nothing_to_say", "description")
        areas = self._desk.resolve(order.areas)
        class_, level, depth = classify(ebm_id, order.msg_type, order.severity)
        lineage = tuple(name for name in self._lineage(order.related) if name != order.identifier)
        state = self._core.state
        old = [record.alert.id for name in lineage for record in state.of_warning(name) if record.live]
        title, text, agency = _gist(order)
        try:
            return Alert(
                id=ebm_id,
                origin=Origin.WARNING,
                class_=class_,
                level=level,
                depth=depth,
                event_type=order.event_type,
                window=self._window(order),
                areas=areas.inside,
                dropped_areas=tuple(code[:DROPPED_CHARACTERS_MAX] for code in areas.dropped[:DROPPED_AREAS_MAX]),
                title=title,
                text=text,
                agency=agency,
                language=language_of(order.language),
                media=media,
                stream_url="",
                received_at=self._core.clock.wall(),
                author=actor.name,
                replaces=old[-1] if old else None,
                warning=order.identifier,
                supersedes=lineage,
            )
        except InvalidAlert as error:
            raise refused(Kind.INVALID, "invalid_alert", "warning", str(error)) from None

    def _window(self, order: Order) -> Window:
        now_s = self._core.clock.wall()
        start = min(max(order.start, 0), SECONDS_32_MAX)
        end = min(max(start, int(now_s)) + WITHOUT_END_S if order.end is None else order.end, SECONDS_32_MAX)
        if end <= now_s:
            raise refused(Kind.CONFLICT, "warning_expired", order.identifier, beijing_text(end))  # I3
        if start >= end:
            raise refused(Kind.INVALID, "warning_window", order.identifier, beijing_text(start), beijing_text(end))
        if start > now_s + START_AHEAD_S_MAX:
            raise refused(Kind.INVALID, "warning_far", order.identifier, beijing_text(start), START_AHEAD_S_MAX)
        return Window(start, end)

    def _alarms(self, order: Order) -> bool:
        class_, level, _depth = classify(self._desk.next_id(peek=True), order.msg_type, order.severity)
        return sounds_alarm(class_, level)

    def _part(self, alert: Alert, order: Order) -> WarningPart:
        return WarningPart(
            alert.title,
            alert.text,
            alert.agency,
            category(alert),
            alert.level,
            alert.event_type,
            self._desk.preview(alert),
            max(len(order.text or order.title) - SPOKEN_CHARACTERS_MAX, 0),
        )

    # ---- sound -------------------------------------------------------------------------------------------------

    async def _media(self, order: Order, *, alarm: bool) -> Media | None:
        """The sound that lies inside the warning, or its text spoken. Nothing is fetched from anywhere."""
        sounds = self._desk.room.sounds
        try:
            for resource in order.resources:
                if (data := _sound_in(resource, order.identifier)) is None:
                    continue
                try:
                    return await sounds.keep(data, resource.description or "resource", "")
                except UnusableSound as error:
                    log.error("sound.refused", warning=order.identifier, file=resource.description, reason=str(error))
            return await sounds.speak((order.text or order.title)[:SPOKEN_CHARACTERS_MAX], alarm=alarm)
        except UnusableSound as error:
            raise refused(Kind.INVALID, "unusable_sound", "text", str(error)) from None
        except OSError as error:
            raise refused(Kind.UNAVAILABLE, "media_folder", "media", error.strerror or str(error)) from None


def _read(xml: bytes) -> tuple[PublicWarning, tuple[Order, ...]]:
    """The warning and what to broadcast of it. Raises OperationRefused for everything else."""
    try:
        warning = cap.decode(xml)
        orders = cap.orders_of(warning)
    except RemoteProtocolError as error:
        code = f"warning_{error.reason}" if error.reason in NOT_FOR_US else "warning_refused"
        raise refused(Kind.INVALID, code, error.reason, error.detail[:SHOWN_CHARACTERS_MAX]) from None
    if len(warning.identifier) > IDENTIFIER_CHARACTERS_MAX:
        shown = warning.identifier[:SHOWN_CHARACTERS_MAX]
        raise refused(Kind.INVALID, "warning_identifier", "identifier", shown, IDENTIFIER_CHARACTERS_MAX)
    return warning, orders


def _gist(order: Order) -> tuple[str, str, str]:
    """Title, text and agency as an alert keeps them."""
    return (
        order.title[:TITLE_CHARACTERS_MAX],
        order.text[:TEXT_CHARACTERS_MAX],
        order.sender_name[:TITLE_CHARACTERS_MAX],
    )


def _named(warning: PublicWarning) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.identifier for each in warning.references))


def _stoppable(record: AlertRecord) -> bool:
    return record.live and record.state is not AlertState.CANCELLING


def _sound_in(resource: Resource, identifier: str) -> bytes | None:
    """A sound file that is whole: Base64 inside, and its SHA-1 where the warning gives one (CAP 1.2 clause 3.2.3)."""
    if not resource.mime_type.lower().startswith("audio/") or not resource.content:
        return None
    try:
        data = base64.b64decode(resource.content, validate=False)
    except binascii.Error as error:
        log.error("sound.refused", warning=identifier, file=resource.description, reason=str(error))
        return None
    digest = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    if resource.digest and resource.digest.lower() != digest:
        log.error("sound.refused", warning=identifier, file=resource.description, reason="another digest")
        return None
    return data
