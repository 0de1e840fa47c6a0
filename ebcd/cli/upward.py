"""Commands about what goes up: acceptance of a platform."""

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


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command("accept", help=help_of("accept"))(accept)
