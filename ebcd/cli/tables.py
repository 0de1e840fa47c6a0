"""Tables for people: frozen values of the daemon in, rich renderables out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, JustifyMethod, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ebcd.catalogue import has, text
from ebcd.cli.moment import shown
from ebcd.evaluation.evidence import SAME
from ebcd.operator import (
    AlertDetail,
    AlertRow,
    Counts,
    LinkRow,
    PathCounts,
    Preview,
    Reloaded,
    TerminalPage,
    TownProgress,
)
from ebcd.proofs import AlertProofs
from ebcd.reasons import said
from ebcd.warning_preview import WarningPreview

COUNTED = ("targeted", "confirmed", "played", "refused", "timed_out", "unconfirmed", "cancelled", "pending")
NUMBERS = (
    *("devices", "lost", "first", "median", "p99", "last"),
    *("packets", "frames", "passes", "pass_s", "burst_s", "meant"),
)
STYLES = {
    "on_air": "bold red",
    "pending": "yellow",
    "failed": "bold yellow",
    "online": "green",
    "fault": "bold yellow",
    "offline": "dim",
}


def word(group: str, value: str, language: str) -> str:
    """A word of the core in the reader's language; itself where the catalogue has none (a newer daemon)."""
    key = f"{group}.{value}"
    return text(key, language) if has(key) else value


def alerts_table(rows: Sequence[AlertRow], language: str) -> RenderableType:
    """`ebcd alerts`."""
    if not rows:
        return text("cli.no_alerts", language)
    table = table_of(language, "ebm_id", "state", "level", "title", "origin", "window", "heard", "approvals")
    for row in rows:
        table.add_row(
            row.ebm_id,
            Text(word("alert_state", row.state, language), style=STYLES.get(row.state, "")),
            level_of(row, language),
            escape(row.title),
            escape(row.origin),
            f"{shown(row.start)}\n{shown(row.end)}",
            heard(row.counts),
            f"{row.approvals}/{row.approvals_needed}" if row.approvals_needed else "-",
        )
    return table


def alert_detail(detail: AlertDetail, language: str) -> RenderableType:
    """`ebcd show`: what it is, its progress by town and path, who failed."""
    parts: list[RenderableType] = [alerts_table([detail.row], language)]
    if not detail.durable:
        parts.append(Text(text("cli.not_durable", language), style="bold red"))
    facts = _grid()
    facts.add_row(_head("areas", language), escape(", ".join(f"{area.name} {area.code}" for area in detail.areas)))
    for area in detail.dropped:
        facts.add_row(_head("dropped", language), escape(f"{area.area}: {word('dropped', area.reason, language)}"))
    facts.add_row(_head("text", language), escape(detail.text))
    if detail.warning:
        facts.add_row(_head("warning", language), escape(detail.warning))
    facts.add_row(_head("volume", language), volume(detail.volume, language))
    for decision in detail.decisions:
        verdict = word("verdict", decision.verdict, language)
        when = shown(decision.at) if decision.at else ""
        told = " ".join(part for part in (decision.actor, verdict, when, said(decision.reason, language)) if part)
        facts.add_row(_head("decision", language), escape(told))
    if detail.row.note:
        facts.add_row(_head("note", language), escape(said(detail.row.note, language)))
    if detail.reported:
        facts.add_row(_head("reported", language), " → ".join(map(str, detail.reported)))
    parts.append(facts)
    if detail.by_path:
        parts.append(_by_path(detail.by_path, detail.row.counts, language))
    if detail.times.get("latency_by_path_s"):
        parts.append(_latency(detail.times, language))
    if detail.by_town:
        parts.append(_by_town(detail.by_town, language))
    if detail.proofs.monitors or detail.proofs.heard:
        parts.append(_proofs(detail.proofs, language))
    if detail.failures:
        parts.append(_failures(detail, language))
    return Group(*parts)


def _by_path(paths: Iterable[PathCounts], all_of_them: Counts, language: str) -> Table:
    table = table_of(language, "path", *COUNTED)
    for one in paths:
        table.add_row(word("path", one.path, language), *_numbers(one.counts))
    table.add_section()
    table.add_row(text("column.total", language), *_numbers(all_of_them), style="bold")
    return table


def _latency(times: Mapping[str, Any], language: str) -> Table:
    """How long the confirmations took, from the package or the last approval to the journal."""
    columns = ("first", "median", "p99", "last")
    table = table_of(language, "path", *columns, title=text("cli.latency", language))
    for path, spread in times["latency_by_path_s"].items():
        table.add_row(word("path", path, language), *(str(spread.get(column, "-")) for column in columns))
    return table


def _by_town(towns: Iterable[TownProgress], language: str) -> Table:
    table = table_of(language, "town", "heard", *COUNTED[3:], "by_path")
    for town in towns:
        paths = "  ".join(f"{word('path', each.path, language)} {heard(each.counts)}" for each in town.by_path)
        table.add_row(escape(town.name), heard(town.counts), *_numbers(town.counts)[3:], paths)
    return table


def _proofs(proofs: AlertProofs, language: str) -> Table:
    """Monitors of head-ends and people's words: what terminals do not say themselves."""
    table = table_of(language, "area", "evidence", "outcome", "moment", "note", title=text("cli.proofs", language))
    for one in proofs.monitors:
        verdict = word("monitor_verdict", one.verdict, language)
        style = "green" if one.verdict == SAME else "bold yellow"
        table.add_row(escape(one.name), text("cli.by_monitor", language), Text(verdict, style=style), "", one.code)
    for each in proofs.heard:
        outcome = text("cli.heard" if each.heard else "cli.not_heard", language)
        style = "green" if each.heard else "bold yellow"
        by, at, note = text("cli.by_person", language), shown(each.at), escape(each.note)
        table.add_row(escape(each.name or each.place), by, Text(outcome, style=style), at, note)
    return table


def _failures(detail: AlertDetail, language: str) -> Table:
    told = text("cli.failures", language, shown=len(detail.failures), total=detail.failures_total)
    table = table_of(language, "terminal", "code", "town", "path", "outcome", "reason", title=told)
    for one in detail.failures:
        table.add_row(
            escape(one.name),
            one.code,
            escape(one.town),
            word("path", one.path, language),
            word("outcome", one.outcome, language),
            escape(said(one.reason, language)),
        )
    return table


def preview_table(preview: Preview, title: str, language: str) -> RenderableType:
    """What `ebcd send` shows before it submits anything."""
    facts = _grid()
    facts.add_row(_head("title", language), escape(title))
    for area in preview.areas:
        count = text("cli.terminals_count", language, count=area.terminals)
        facts.add_row(_head("areas", language), escape(f"{area.name} {area.code}  {count}"))
    for dropped in preview.dropped:
        told = f"{dropped.area}: {word('dropped', dropped.reason, language)}"
        facts.add_row(_head("dropped", language), Text(told, style="bold yellow"))
    paths = "  ".join(f"{word('path', one.path, language)} {one.terminals}" for one in preview.by_path)
    facts.add_row(_head("targeted", language), f"{preview.targeted}  {paths}".rstrip())
    if preview.uncovered:
        facts.add_row(_head("uncovered", language), Text(str(preview.uncovered), style="bold yellow"))
    facts.add_row(_head("volume", language), volume(preview.volume, language))
    facts.add_row(_head("window", language), f"{shown(preview.start)} – {shown(preview.end)}")
    if preview.sound_s:
        facts.add_row(_head("sound", language), text("cli.sound_length", language, seconds=f"{preview.sound_s:.1f}"))
    if preview.behind:
        facts.add_row(_head("behind", language), "\n".join(preview.behind))
    facts.add_row(_head("approvals", language), str(preview.approvals))
    return facts


def warning_table(preview: WarningPreview, language: str) -> RenderableType:
    """What `ebcd submit` shows before it hands a warning in."""
    facts = _grid()
    kind = word("warning_kind", preview.kind.lower(), language)
    facts.add_row(_head("warning", language), escape(f"{preview.identifier}  {kind}"))
    if preview.known:
        facts.add_row("", text("cli.warning_known", language))
    for left in preview.left_out:
        told = f"{left.area}: {word('dropped', left.reason, language)}"
        facts.add_row(_head("left_out", language), Text(told, style="bold yellow"))
    if preview.stops:
        facts.add_row(_head("stops", language), "\n".join(preview.stops))
    if preview.never_came:
        told = text("cli.never_came", language, names=", ".join(preview.never_came))
        facts.add_row("", Text(told, style="bold yellow"))
    parts: list[RenderableType] = [facts]
    for part in preview.parts:
        level = word("level", str(part.level), language) if part.category == "emergency" else None
        about = _grid()
        about.add_row(_head("level", language), level or word("category", part.category, language))
        about.add_row(_head("origin", language), escape(part.sender))
        about.add_row(_head("text", language), escape(part.text))
        if part.unspoken:
            told = text("cli.unspoken", language, count=part.unspoken)
            about.add_row("", Text(told, style="bold yellow"))
        parts += ["", preview_table(part.preview, part.title, language), about]
    return Group(*parts)


def terminals_table(page: TerminalPage, language: str) -> RenderableType:
    """`ebcd terminals`."""
    told = text("cli.rows_shown", language, shown=len(page.rows), total=page.total)
    table = table_of(language, "code", "terminal", "town", "state", "path", "last_heard", "playing", "note", title=told)
    for row in page.rows:
        paths = Text(" ")
        paths = paths.join(
            Text(word("path", path, language), style="green")
            if path in row.live_paths
            else Text(f"({word('path', path, language)})", style="dim")
            for path in row.paths
        )
        state = Text(word("terminal_state", row.state, language), style=STYLES.get(row.state, ""))
        note = escape(said(row.note, language))
        table.add_row(
            row.code, escape(row.name), escape(row.town), state, paths, shown(row.last_heard), row.playing, note
        )
    return table


def reload_told(done: Reloaded, language: str) -> RenderableType:
    """`ebcd reload`."""
    changed = ", ".join(done.changed)
    lines = [text("reload.done", language, changed=changed) if changed else text("reload.nothing", language)]
    lines.append(text("reload.certificates", language, count=done.certificates))
    if done.devices:
        lines.append(text("reload.devices", language, count=done.devices))
    return escape("\n".join(lines))


def links_table(rows: Sequence[LinkRow], language: str) -> RenderableType:
    """`ebcd links`."""
    table = table_of(language, "link", "type", "path", "state", "devices", "outbox", "lost", "reason")
    for row in rows:
        state = Text(word("link_state", "up" if row.up else "down", language), style="green" if row.up else "bold red")
        outbox = f"{row.outbox_depth}/{row.outbox_limit}"
        path = word("path", row.path, language)
        table.add_row(row.name, row.type, path, state, str(row.devices), outbox, str(row.dropped), escape(row.reason))
    return table


def heard(counts: Counts) -> str:
    """Confirmed of targeted, with the share."""
    if not counts.targeted:
        return "-"
    return f"{counts.confirmed}/{counts.targeted} {100 * counts.confirmed // counts.targeted}%"


def level_of(row: AlertRow, language: str) -> str:
    """Severity of an emergency, the category of anything else."""
    if row.category == "emergency":
        return word("level", str(row.level), language)
    return word("category", row.category, language)


def volume(value: int, language: str) -> str:
    """0-100, or the words for "as the device is set"."""
    return text("cli.volume_device", language) if value == 255 else str(value)


def _numbers(counts: Counts) -> list[str]:
    return [str(getattr(counts, name)) for name in COUNTED]


def table_of(language: str, *columns: str, title: str | None = None) -> Table:
    """An empty table with these columns of the catalogue."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        numeric = column in COUNTED or column in NUMBERS
        copied = column in ("ebm_id", "code", "order")  # people copy these: never cut in two
        justify: JustifyMethod = "right" if numeric else "left"
        table.add_column(_head(column, language), justify=justify, overflow="fold", no_wrap=copied)
    return table


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def _head(column: str, language: str) -> str:
    return text(f"column.{column}", language)
