"""`ebcd evaluate`, `ebcd report morning`, `ebcd heard`: answers of the daemon as tables."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from ebcd.api.answers import decoded
from ebcd.catalogue import text
from ebcd.cli.client import Client
from ebcd.cli.output import show
from ebcd.cli.session import Session
from ebcd.evaluation.effect import Effect, MonthEffect
from ebcd.evaluation.evidence import Timing
from ebcd.evaluation.morning import MorningReport, as_text

COLUMNS = (
    *("alert", "title", "coverage", "first", "median", "p99", "sound", "sound_median", "limit", "in_time"),
    *("spoke", "answered", "monitored", "heard", "nothing"),
)

WORDS = {None: "unknown", True: "yes", False: "no"}


def run_evaluate(session: Session, ebm_id: str, month: str) -> None:
    """One alert, or a month. Raises Failure."""
    client = Client(session)
    if month:
        content = client.get(f"/v1/evaluation/months/{month}")
        table = "" if session.as_json else month_table(decoded(MonthEffect, content), session.language)
    else:
        content = client.get(f"/v1/evaluation/alerts/{ebm_id}")
        table = "" if session.as_json else effects_table([decoded(Effect, content)], session.language)
    show(session, content, table)


def run_morning(session: Session) -> None:
    """The report as it would be now. Raises Failure."""
    content = Client(session).get("/v1/reports/morning")
    words = "" if session.as_json else escape(as_text(decoded(MorningReport, content), session.language).strip())
    show(session, content, words)


def run_heard(session: Session, ebm_id: str, place: str, name: str, phone: str, *, heard: bool, note: str) -> None:
    """Note what a person says. Raises Failure."""
    body = {"place": place, "name": name, "phone": phone, "heard": heard, "note": note}
    content = Client(session).post(f"/v1/alerts/{ebm_id}/heard", body)
    table = "" if session.as_json else effects_table([decoded(Effect, content)], session.language)
    show(session, content, table)


def effects_table(effects: list[Effect], language: str) -> Table:
    """Alerts, a line each."""
    table = Table()
    for column in COLUMNS:
        table.add_column(text(f"effect.{column}", language), overflow="fold", no_wrap=column == "alert")
    for each in effects:
        in_time = [text(f"effect.{WORDS[known]}", language) for known in (each.answered_in_time, each.in_time)]
        grades = each.grades
        heard = {"heard": grades.heard, "not_heard": grades.not_heard}
        table.add_row(
            each.ebm_id,
            escape(each.title),
            f"{each.confirmed}/{each.targeted} {percent(each.coverage)}",
            seconds(each.answers, "first"),
            seconds(each.answers, "median"),
            seconds(each.answers, "p99"),
            seconds(each.sound, "first"),
            seconds(each.sound, "median"),
            f"{each.limit_s:g} s",
            " / ".join(in_time),
            str(grades.spoke),
            str(grades.answered),
            text("effect.unknown", language)
            if grades.monitored is None
            else text("effect.monitored_of", language, same=grades.monitored, other=grades.monitored_other),
            text("effect.heard_of", language, **heard) if grades.heard + grades.not_heard else "-",
            str(grades.nothing),
        )
    return table


def month_table(month: MonthEffect, language: str) -> RenderableType:
    """A month: its sum, then its alerts."""
    if not month.alerts and month.online_rate is None:
        return text("effect.nothing_known", language)
    words = text(
        "effect.month",
        language,
        month=month.month,
        targeted=month.targeted,
        confirmed=month.confirmed,
        coverage=percent(month.coverage),
        in_time=month.in_time,
        sounded=month.sounded,
        answered_in_time=month.answered_in_time,
        answered=month.answered,
        online=percent(month.online_rate),
    )
    return Group(words, effects_table(list(month.alerts), language)) if month.alerts else words


def percent(share: float | None) -> str:
    """A share for people."""
    return "-" if share is None else f"{100 * share:.1f} %"


def seconds(timing: Timing, name: str) -> str:
    """One figure of a timing; nothing where nobody told."""
    return f"{getattr(timing, name):.1f} s" if timing.count else "-"
