"""What `ebcd inventory` shows to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape

from ebcd.archive.importing import Prepared
from ebcd.archive.merge import FieldChange, RowChange
from ebcd.archive.office import DeviceFile
from ebcd.archive.rates import TownRates
from ebcd.catalogue import text
from ebcd.cli.moment import shown
from ebcd.cli.tables import table_of, word
from ebcd.people import PersonRow

VALUE_CHARACTERS_MAX = 40


def import_report(prepared: Prepared, answer: Mapping[str, Any], rows_max: int, language: str) -> RenderableType:
    """Counts, then what is added, changed, missing and wrong; at most so many rows of each."""
    merge = prepared.merge
    parts: list[RenderableType] = [text("inventory.counts", language, **merge.counts)]
    for name, columns in (("unused", merge.unused), ("absent", merge.absent)):
        if columns:
            parts.append(text(f"inventory.{name}", language, columns=", ".join(columns)))
    for name, changes in (("added", merge.added), ("changed", merge.changed), ("missing", merge.missing)):
        if changes:
            parts.append(text(f"inventory.{name}", language, count=len(changes), shown=min(rows_max, len(changes))))
            parts.append(_changes(changes[:rows_max], language))
    if merge.quarantined:
        shown = merge.quarantined[:rows_max]
        parts.append(text("inventory.wrong", language, count=len(merge.quarantined), shown=len(shown)))
        parts += [reason.sentence(language) for each in shown for reason in each.reasons]
    if merge.kept_back:
        parts.append(text("inventory.kept_back", language))
    if answer["quarantine"]:
        parts.append(text("inventory.quarantine", language, file=answer["quarantine"]))
    if answer["written"]:
        parts.append(text("inventory.written", language, file=answer["written"], sm3=answer["sm3"]))
    else:
        parts.append(text("inventory.unwritten", language))
    return Group(*(escape(part) if isinstance(part, str) else part for part in parts))


def _changes(changes: Sequence[RowChange], language: str) -> RenderableType:
    table = table_of(language, "row", "code", "terminal", "changes")
    for change in changes:
        told = "\n".join(_cell(f) for f in change.fields)
        table.add_row(str(change.row or "-"), change.code, escape(change.name), escape(told))
    return table


def _cell(change: FieldChange) -> str:
    before = f"{_short(change.before)} → " if change.before else ""
    return f"{change.column}: {before}{_short(change.after)}"


def _short(value: str) -> str:
    if not value:
        return "∅"
    return value if len(value) <= VALUE_CHARACTERS_MAX else value[:VALUE_CHARACTERS_MAX] + "…"


def rates_table(rows: Sequence[TownRates], language: str) -> RenderableType:
    """`ebcd inventory rates`."""
    table = table_of(
        language, "area", "planned", "entered", "enrolment", "opened_by_status", "heard_of", "opening", "mute"
    )
    for row in rows:
        table.add_row(
            escape(row.name),
            str(row.planned),
            str(row.entered),
            _percent(row.enrolment),
            str(row.opened),
            "-" if row.heard is None else str(row.heard),
            _percent(row.opening),
            str(row.mute),
        )
    return table


def _percent(ratio: float | None) -> str:
    return "-" if ratio is None else f"{100 * ratio:.1f} %"


def device_report(device: DeviceFile, language: str) -> RenderableType:
    """`ebcd inventory show`."""
    facts = table_of(language, "field", "value")
    facts.add_row("code", device.code)
    for name in ("name", "place", "phys"):
        facts.add_row(name, escape(getattr(device, name)))
    facts.add_row("state", word("terminal_state", device.state, language))
    for name, value in device.values.items():
        facts.add_row(name, escape(value))
    history = table_of(language, "moment", "who", "step", "note")
    for event in device.history:
        what = word("device_event", event.what.partition(".")[2], language)
        history.add_row(shown(event.at), escape(event.actor), what, escape(event.note))
    return Group(facts, history)


def person_report(person: PersonRow, language: str) -> RenderableType:
    """`ebcd inventory person`."""
    facts = table_of(language, "field", "value")
    facts.add_row("id", person.id)
    if person.erased:
        facts.add_row("name", text("inventory.erased", language))
    else:
        facts.add_row("name", escape(person.name))
        facts.add_row("phone", escape(person.phone))
    for code in person.devices:
        facts.add_row("contact", code)
    return facts
