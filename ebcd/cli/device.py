"""`ebcd device set`: amplifier, volume, network, return address and period of single devices; shown first."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ebcd.catalogue import text
from ebcd.cli.options import LANGUAGE, AsJson, Config, Language, TokenFile, help_of
from ebcd.cli.output import failures_told, show
from ebcd.cli.session import Failure, open_session

if TYPE_CHECKING:
    from rich.console import RenderableType

OBEYED = frozenset({"taken", "passed_on"})
"""Outcomes of a device that did what it was told, or whose adapter passes it on; any other makes the exit status 1."""
ANSWERED_S = 360.0
"""To tell, to wait for a terminal that dials anew, and to ask it three times."""


def _help(name: str) -> str:
    return text(f"device_help.{name}", LANGUAGE)


device = typer.Typer(help=_help("device"), no_args_is_help=True, rich_markup_mode=None)


@device.command("set", help=_help("set"))
def set_devices(
    codes: Annotated[list[str], typer.Argument(metavar="CODE...", help=_help("codes"))],
    amplifier: Annotated[str, typer.Option(metavar="on|off", help=_help("amplifier"))] = "",
    volume: Annotated[int | None, typer.Option(min=0, max=100, help=_help("volume"))] = None,
    network: Annotated[str, typer.Option(metavar="IP/MASK/GATEWAY", help=_help("network"))] = "",
    return_to: Annotated[str, typer.Option("--return", metavar="HOST:PORT", help=_help("return_to"))] = "",
    period: Annotated[int | None, typer.Option(min=5, max=86_400, help=_help("period"))] = None,
    force: Annotated[bool, typer.Option("--force", help=_help("force"))] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=help_of("yes"))] = False,
    preview: Annotated[bool, typer.Option("--preview", help=_help("preview"))] = False,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Set single devices at once."""
    import orjson

    from ebcd.cli.client import Client

    with failures_told(as_json=as_json):
        session = open_session(config, lang, token_file, as_json=as_json)
        if amplifier not in ("", "on", "off"):
            raise Failure(session.say("device.on_or_off", value=amplifier), status=2)
        if not (yes or preview) and (as_json or not sys.stdin.isatty()):
            raise Failure(session.say("cli.needs_yes"), status=2)
        body: dict[str, Any] = {"codes": codes, "volume": volume, "return_to": return_to, "period_s": period}
        body |= {"amplifier": amplifier or None, "network": network}
        client = Client(session)
        content = client.post("/v1/devices/set", body | {"dry_run": True})
        if preview or not as_json:
            notes = [name for name, said in (("off", amplifier == "off"), ("network", bool(network))) if said]
            show(session, content, "" if as_json else set_table(content, session.language, *notes))
        if preview:
            return
        if not yes and not typer.confirm(session.say("device.confirm", count=len(codes))):
            raise Failure(session.say("device.not_set"))
        told = client.post("/v1/devices/set", body | {"force": force}, patience_s=ANSWERED_S)
        show(session, told, "" if as_json else set_table(told, session.language))
        if any(row["outcome"] not in OBEYED for row in orjson.loads(told)):
            raise typer.Exit(1)


def set_table(content: bytes, language: str, *notes: str) -> RenderableType:
    """What each device would get, or answered; `notes`: what is to be known before."""
    from rich.console import Group
    from rich.markup import escape

    from ebcd.api.answers import decoded
    from ebcd.archive.setting import SetRow
    from ebcd.cli.tables import table_of, word

    rows = decoded(list[SetRow], content)
    table = table_of(language, "code", "device_name", "area", "path", "in_archive", "state")
    for row in rows:
        way = f"{word('path', row.path, language)} {row.through}".strip() if row.path else "-"
        state = [word("set_outcome", row.outcome, language), row.said, *row.alerts]
        if row.archived:
            state.append(text("device.archived", language))
        cells = (row.name, row.place, way, row.archive or "-", "\n".join(each for each in state if each))
        table.add_row(row.code, *map(escape, cells))
    return Group(table, *(text(f"device.note.{note}", language) for note in notes))


def add_to(app: typer.Typer) -> None:
    """Hang the commands into the program."""
    app.add_typer(device, name="device")
