"""The commands. Each opens a session, asks the daemon once or twice and prints; what they import is imported inside."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ebcd.cli import (
    airing,
    authorising,
    commissioning,
    device,
    drift,
    field,
    inventory,
    keeping,
    orders,
    roster,
    shift,
    tone,
    upward,
    whitelist,
)
from ebcd.cli.options import AsJson, Config, EbmIdArgument, Lang, Language, TokenFile, help_of
from ebcd.cli.output import failures_told, show
from ebcd.cli.session import Session, open_session

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ebcd.cli.client import Client

app = typer.Typer(
    name="ebcd",
    help=help_of("ebcd"),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: drawing boxes costs a tenth of a second
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class AlertClass(StrEnum):
    """What `--class` takes."""

    emergency = "emergency"
    daily = "daily"
    drill = "drill"


class Depth(StrEnum):
    """What `--drill-depth` takes."""

    platform = "platform"
    headend = "headend"
    terminal = "terminal"


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(version("ebcd"))
        raise typer.Exit


@app.callback()
def every_command(
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help=help_of("version"))
    ] = False,
) -> None:
    """What comes before the name of a command."""


# ---- the daemon itself ---------------------------------------------------------------------------------------------


@app.command(help=help_of("run"))
def run(config: Config = None, lang: Language = None) -> None:
    """The daemon."""
    from ebcd.cli.local import run_daemon

    with failures_told(as_json=False):
        raise typer.Exit(run_daemon(config, lang))


@app.command(help=help_of("demo"))
def demo(
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help=help_of("demo_json"))] = None,
    terminals: Annotated[int, typer.Option(min=20, max=20_000, help=help_of("demo_terminals"))] = 2224,
    seed: Annotated[int, typer.Option(min=0, help=help_of("demo_seed"))] = 1,
    keep: Annotated[Path | None, typer.Option(metavar="DIR", help=help_of("demo_keep"))] = None,
    lang: Language = None,
) -> None:
    """A whole county on this machine."""
    from ebcd.cli.local import run_demo

    raise typer.Exit(run_demo(json_file=json_file, terminals=terminals, seed=seed, keep=keep, lang=lang))


@app.command(help=help_of("reload"))
def reload(config: Config = None, lang: Language = None, as_json: AsJson = False, token_file: TokenFile = None) -> None:
    """The configuration read again."""

    def act(session: Session, client: Client) -> None:
        from ebcd.api.answers import decoded
        from ebcd.cli.tables import reload_told
        from ebcd.operator import Reloaded

        _print(session, client.post("/v1/reload"), lambda c: reload_told(decoded(Reloaded, c), session.language))

    _with_daemon(act, config, lang, token_file, as_json=as_json)


@app.command("check-config", help=help_of("check_config"))
def check_config(config: Config = None, lang: Language = None, as_json: AsJson = False) -> None:
    """Every problem of the configuration."""
    from ebcd.cli.local import run_check

    with failures_told(as_json=as_json):
        raise typer.Exit(run_check(config, lang, as_json=as_json))


@app.command(help=help_of("doctor"))
def doctor(config: Config = None, lang: Language = None, as_json: AsJson = False) -> None:
    """What this machine lacks."""
    from ebcd.cli.local import run_doctor

    with failures_told(as_json=as_json):
        raise typer.Exit(run_doctor(config, lang, as_json=as_json))


# ---- an alert's life -----------------------------------------------------------------------------------------------


@app.command(help=help_of("send"))
def send(
    level: Annotated[int, typer.Option(min=1, max=4, help=help_of("level"))],
    area: Annotated[list[str], typer.Option(metavar="CODE|NAME", help=help_of("area"))],
    title: Annotated[str, typer.Option(help=help_of("title"))],
    message: Annotated[str, typer.Option("--text", help=help_of("text"))] = "",
    audio: Annotated[Path | None, typer.Option(metavar="FILE", help=help_of("audio"))] = None,
    start: Annotated[str, typer.Option(metavar="ISO|+MIN", help=help_of("start"))] = "",
    duration: Annotated[str, typer.Option("--for", metavar="10m", help=help_of("for"))] = "10m",
    class_: Annotated[AlertClass, typer.Option("--class", help=help_of("class"))] = AlertClass.emergency,
    drill_depth: Annotated[Depth, typer.Option(help=help_of("drill_depth"))] = Depth.terminal,
    event_type: Annotated[str, typer.Option(metavar="CODE", help=help_of("event_type"))] = "60100",
    yes: Annotated[bool, typer.Option("--yes", "-y", help=help_of("yes"))] = False,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Write an alert."""
    from ebcd.cli.sending import Written, submit

    written = Written(
        level=level,
        areas=tuple(area),
        title=title,
        text=message,
        audio=audio,
        start=start,
        duration=duration,
        category=class_.value,
        drill_depth=drill_depth.value,
        event_type=event_type,
    )
    with failures_told(as_json=as_json):
        submit(open_session(config, lang, token_file, as_json=as_json), written, yes=yes)


@app.command("submit", help=help_of("submit"))
def submit_warning(
    warning: Annotated[Path, typer.Option("--cap", metavar="FILE|-", help=help_of("cap"))],
    yes: Annotated[bool, typer.Option("--yes", "-y", help=help_of("yes"))] = False,
    preview: Annotated[bool, typer.Option("--preview", help=help_of("preview"))] = False,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Hand in a warning of another authority."""
    from ebcd.cli.submitting import submit

    with failures_told(as_json=as_json):
        submit(open_session(config, lang, token_file, as_json=as_json), warning, yes=yes, only_preview=preview)


@app.command(help=help_of("approve"))
def approve(
    ebm_id: EbmIdArgument,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Approve an alert."""

    def act(session: Session, client: Client) -> None:
        _print_rows(session, client.post(f"/v1/alerts/{ebm_id}/approve"))

    _with_daemon(act, config, lang, token_file, as_json=as_json)


@app.command(help=help_of("reject"))
def reject(
    ebm_id: EbmIdArgument,
    reason: Annotated[str, typer.Option(help=help_of("reason"))],
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Turn an alert down."""

    def act(session: Session, client: Client) -> None:
        _print_rows(session, client.post(f"/v1/alerts/{ebm_id}/reject", {"reason": reason}))

    _with_daemon(act, config, lang, token_file, as_json=as_json)


@app.command(help=help_of("cancel"))
def cancel(
    ebm_id: Annotated[str, typer.Argument(metavar="ID|all", help=help_of("cancel_id"))],
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Stop one alert or all."""

    def act(session: Session, client: Client) -> None:
        _print_rows(session, client.post(f"/v1/alerts/{ebm_id}/cancel"))

    _with_daemon(act, config, lang, token_file, as_json=as_json)


# ---- looking -------------------------------------------------------------------------------------------------------


@app.command(help=help_of("alerts"))
def alerts(
    state: Annotated[str, typer.Option(help=help_of("alert_state"))] = "",
    rows: Annotated[int, typer.Option(min=1, max=5000, help=help_of("rows"))] = 50,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """List alerts."""

    def act(session: Session, client: Client) -> None:
        _print_rows(session, client.get("/v1/alerts", state=state, rows_max=rows))

    _with_daemon(act, config, lang, token_file, as_json=as_json)


@app.command("show", help=help_of("show"))
def show_alert(
    ebm_id: EbmIdArgument,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """One alert in full."""

    def act(session: Session, client: Client) -> None:
        from ebcd.api.answers import decoded
        from ebcd.cli.tables import alert_detail
        from ebcd.operator import AlertDetail

        _print(
            session,
            client.get(f"/v1/alerts/{ebm_id}"),
            lambda c: alert_detail(decoded(AlertDetail, c), session.language),
        )

    _with_daemon(act, config, lang, token_file, as_json=as_json)


@app.command(help=help_of("terminals"))
def terminals(
    state: Annotated[str, typer.Option(help=help_of("terminal_state"))] = "",
    town: Annotated[str, typer.Option(help=help_of("town"))] = "",
    path: Annotated[str, typer.Option(help=help_of("path"))] = "",
    rows: Annotated[int, typer.Option(min=1, max=5000, help=help_of("rows"))] = 200,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """List terminals."""

    def act(session: Session, client: Client) -> None:
        from ebcd.api.answers import decoded
        from ebcd.cli.tables import terminals_table
        from ebcd.operator import TerminalPage

        content = client.get("/v1/terminals", state=state, town=town, path=path, rows_max=rows)
        _print(session, content, lambda c: terminals_table(decoded(TerminalPage, c), session.language))

    _with_daemon(act, config, lang, token_file, as_json=as_json)


@app.command(help=help_of("links"))
def links(config: Config = None, lang: Language = None, as_json: AsJson = False, token_file: TokenFile = None) -> None:
    """List links."""

    def act(session: Session, client: Client) -> None:
        from ebcd.api.answers import decoded
        from ebcd.cli.tables import links_table
        from ebcd.operator import LinkRow

        _print(session, client.get("/v1/links"), lambda c: links_table(decoded(list[LinkRow], c), session.language))

    _with_daemon(act, config, lang, token_file, as_json=as_json)


# ---- for the field engineer ----------------------------------------------------------------------------------------

field.add_to(app)
app.add_typer(orders.orders, name="orders")
app.add_typer(shift.shift, name="shift")
app.add_typer(shift.alarms, name="alarms")
app.add_typer(roster.roster, name="roster")
app.add_typer(inventory.inventory, name="inventory")
commissioning.add_to(app)
authorising.add_to(field.cert)
airing.add_to(field.fm)
app.add_typer(drift.drift, name="drift")
app.add_typer(drift.change, name="change")
device.add_to(app)
whitelist.add_to(app)
keeping.add_to(app)
upward.add_to(app)
tone.add_to(app)

# ---- between them --------------------------------------------------------------------------------------------------


def _with_daemon(
    act: Callable[[Session, Client], None],
    config: Path | None,
    lang: Lang | None,
    token_file: Path | None,
    *,
    as_json: bool,
) -> None:
    from ebcd.cli.client import Client

    with failures_told(as_json=as_json):
        session = open_session(config, lang, token_file, as_json=as_json)
        act(session, Client(session))


def _print(session: Session, content: bytes, table: Callable[[bytes], RenderableType]) -> None:
    show(session, content, "" if session.as_json else table(content))


def _print_rows(session: Session, content: bytes) -> None:
    """One alert or a list of them."""
    from ebcd.api.answers import decoded
    from ebcd.cli.tables import alerts_table
    from ebcd.operator import AlertRow

    listed = content if content.startswith(b"[") else b"[" + content + b"]"
    _print(session, content, lambda _c: alerts_table(decoded(list[AlertRow], listed), session.language))
