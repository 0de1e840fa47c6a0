"""Commands about what goes up and how well it was heard: acceptance, effect, the morning report."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ebcd.cli.options import AsJson, Config, Language, TokenFile, help_of
from ebcd.cli.output import failures_told
from ebcd.cli.session import Failure, open_session, startup_language


class Role(StrEnum):
    """Who we are towards the peer."""

    county = "lower"
    above = "upper"


def accept(
    peer: Annotated[str, typer.Argument(metavar="PEER", help=help_of("accept_peer"))] = "",
    role: Annotated[Role, typer.Option("--as", help=help_of("accept_as"))] = Role.county,
    point: Annotated[list[str] | None, typer.Option(metavar="N", help=help_of("accept_point"))] = None,
    area: Annotated[str, typer.Option(metavar="CODE", help=help_of("accept_area"))] = "",
    answer: Annotated[float, typer.Option(min=1, metavar="S", help=help_of("accept_answer"))] = 60.0,
    by_hand: Annotated[float, typer.Option(min=0, metavar="S", help=help_of("accept_by_hand"))] = 300.0,
    lead: Annotated[float, typer.Option(min=11, metavar="S", help=help_of("accept_lead"))] = 300.0,
    duration: Annotated[float, typer.Option("--for", min=5, metavar="S", help=help_of("accept_for"))] = 60.0,
    watch: Annotated[float, typer.Option(min=0, metavar="S", help=help_of("accept_watch"))] = 0.0,
    out: Annotated[Path, typer.Option(metavar="FILE", help=help_of("accept_out"))] = Path("acceptance.json"),
    check: Annotated[Path | None, typer.Option("--verify", metavar="FILE", help=help_of("accept_verify"))] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=help_of("accept_yes"))] = False,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Judge a peer by the acceptance checklist."""
    from ebcd.acceptance import Pace
    from ebcd.catalogue import text
    from ebcd.cli.accepting import Wish, run_accept, run_verify
    from ebcd.cli.keys import settings_of

    language = lang or startup_language(sys.argv)
    with failures_told(as_json=as_json):
        if check is not None:
            raise typer.Exit(run_verify(check, config, language, as_json=as_json))
        if not peer:
            raise Failure(text("accept.name_peer", language), status=2)
        session = open_session(config, lang, token_file, as_json=as_json)
        settings = settings_of(config, session.language)
        pace = Pace(answer, by_hand, lead, duration, watch)
        wish = Wish(peer, role is Role.above, tuple(point or ()), area, yes, pace, out)
        raise typer.Exit(run_accept(settings, session, wish))


def evaluate(
    ebm_id: Annotated[str, typer.Argument(metavar="ID", help=help_of("ebm_id"))] = "",
    month: Annotated[str, typer.Option(metavar="YYYY-MM", help=help_of("evaluate_month"))] = "",
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """The effect of an alert or of a month."""
    from ebcd.cli.effects import run_evaluate

    with failures_told(as_json=as_json):
        session = open_session(config, lang, token_file, as_json=as_json)
        if bool(ebm_id) == bool(month):
            raise Failure(session.say("effect.name_one"), status=2)
        run_evaluate(session, ebm_id, month)


def heard(
    ebm_id: Annotated[str, typer.Argument(metavar="ID", help=help_of("ebm_id"))],
    place: Annotated[str, typer.Option(metavar="CODE|NAME", help=help_of("heard_place"))],
    by: Annotated[str, typer.Option(metavar="NAME", help=help_of("heard_by"))],
    phone: Annotated[str, typer.Option(help=help_of("heard_phone"))] = "",
    not_: Annotated[bool, typer.Option("--not", help=help_of("heard_not"))] = False,
    note: Annotated[str, typer.Option(help=help_of("heard_note"))] = "",
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """A person says whether an alert was heard."""
    from ebcd.cli.effects import run_heard

    with failures_told(as_json=as_json):
        session = open_session(config, lang, token_file, as_json=as_json)
        run_heard(session, ebm_id, place, by, phone, heard=not not_, note=note)


def morning(
    config: Config = None, lang: Language = None, as_json: AsJson = False, token_file: TokenFile = None
) -> None:
    """The morning report as it would be now."""
    from ebcd.cli.effects import run_morning

    with failures_told(as_json=as_json):
        run_morning(open_session(config, lang, token_file, as_json=as_json))


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command("accept", help=help_of("accept"))(accept)
    app.command("evaluate", help=help_of("evaluate"))(evaluate)
    app.command("heard", help=help_of("heard"))(heard)
    report = typer.Typer(help=help_of("report"), no_args_is_help=True, rich_markup_mode=None)
    report.command("morning", help=help_of("report_morning"))(morning)
    app.add_typer(report, name="report")
