"""`ebcd drift` and `ebcd change`: what devices are set to, and changes of many of them in stages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ebcd.catalogue import text
from ebcd.cli.asking import ask
from ebcd.cli.options import LANGUAGE, AsJson, Config, Language, TokenFile, help_of
from ebcd.cli.output import failures_told

if TYPE_CHECKING:
    from rich.console import RenderableType

    from devices.maintenance import Channel
    from ebcd.archive.drift import DriftRow
    from ebcd.archive.rollout import Change, Order


MENDED_S = 180.0
"""To ask, set, tune, wait for a heartbeat and ask again, each as long as devices are waited for."""


def _help(name: str) -> str:
    return text(f"drift_help.{name}", LANGUAGE)


drift = typer.Typer(help=_help("drift"), invoke_without_command=True, rich_markup_mode=None)
change = typer.Typer(help=_help("change"), no_args_is_help=True, rich_markup_mode=None)

Town = Annotated[str, typer.Option(help=help_of("town"))]
Codes = Annotated[list[str], typer.Argument(metavar="CODE...", help=_help("codes"))]
SomeCodes = Annotated[list[str] | None, typer.Option("--code", metavar="CODE", help=_help("codes"))]


@drift.callback()
def show_drift(
    context: typer.Context,
    town: Town = "",
    everybody: Annotated[bool, typer.Option("--all", help=_help("all"))] = False,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """What devices answer against what they should."""
    if context.invoked_subcommand is None:

        def table(content: bytes, language: str) -> RenderableType:
            return _drift_table(content, language, everybody=everybody)

        ask("GET", "/v1/drift", table, config, lang, token_file, as_json, town=town)


@drift.command("mend", help=_help("mend"))
def mend(
    codes: Codes, config: Config = None, lang: Language = None, as_json: AsJson = False, token_file: TokenFile = None
) -> None:
    """Set what deviates."""

    def table(content: bytes, language: str) -> RenderableType:
        return _drift_table(content, language, everybody=True)

    ask("POST", "/v1/drift/mend", table, config, lang, token_file, as_json, body={"codes": codes}, patience_s=MENDED_S)


@change.command("start", help=_help("start"))
def start(
    town: Town = "",
    code: SomeCodes = None,
    volume: Annotated[int | None, typer.Option(min=0, max=100, help=_help("volume"))] = None,
    return_to: Annotated[str, typer.Option("--return", metavar="HOST:PORT", help=_help("return_to"))] = "",
    period: Annotated[int | None, typer.Option(min=5, max=86_400, help=_help("period"))] = None,
    firmware: Annotated[str, typer.Option(metavar="URL", help=_help("firmware"))] = "",
    version: Annotated[str, typer.Option(metavar="HEX8", help=_help("version"))] = "",
    md5: Annotated[str, typer.Option(metavar="HEX32", help=_help("md5"))] = "",
    back: Annotated[str, typer.Option(metavar="URL", help=_help("back"))] = "",
    back_version: Annotated[str, typer.Option(metavar="HEX8", help=_help("back_version"))] = "",
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Begin a change in stages."""
    body = {
        "town": town,
        "codes": code or [],
        "volume": volume,
        "return_to": return_to,
        "period_s": period,
        "url": firmware,
        "version": version.upper(),
        "md5": md5.lower(),
        "back_url": back,
        "back_version": back_version.upper(),
    }
    ask("POST", "/v1/changes", changes_table, config, lang, token_file, as_json, body=body, patience_s=MENDED_S)


@change.command("sign", help=_help("sign"))
def sign(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help=_help("image"))],
    key: Annotated[Path, typer.Option(exists=True, dir_okay=False, help=_help("key"))],
    certificate: Annotated[str, typer.Option(metavar="HEX12", help=_help("certificate"))],
    out: Annotated[str, typer.Option(metavar="FILE", help=_help("out"))] = "",
    lang: Language = None,
) -> None:
    """Sign a firmware image."""
    from ebcd.cli.exceptions import ADMINISTRATOR_PASSPHRASE
    from ebcd.cli.files import write_bytes
    from ebcd.cli.keys import certificate_number, read_key
    from ebcd.clock import SystemClock
    from ebcd.signing import FileSigner

    with failures_told(as_json=False):
        language = lang or LANGUAGE
        number = certificate_number(certificate, language)
        signer = FileSigner(read_key(key, language, ADMINISTRATOR_PASSPHRASE), number, SystemClock())
        target = out or f"{file}.sig"
        write_bytes(target, signer.sign(file.read_bytes()).encode(), language)
        typer.echo(text("drift.signed", language, file=target), err=True)


@change.command("list", help=_help("list"))
def list_changes(
    config: Config = None, lang: Language = None, as_json: AsJson = False, token_file: TokenFile = None
) -> None:
    """Changes, newest first."""
    ask("GET", "/v1/changes", changes_table, config, lang, token_file, as_json)


@change.command("halt", help=_help("halt"))
def halt(
    number: Annotated[str, typer.Argument(metavar="CHANGE", help=_help("number"))],
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Stop a change."""
    ask(
        "POST",
        f"/v1/changes/{number}/halt",
        changes_table,
        config,
        lang,
        token_file,
        as_json,
        body={},
        patience_s=MENDED_S,
    )


def _drift_table(content: bytes, language: str, *, everybody: bool) -> RenderableType:
    from rich.console import Group
    from rich.markup import escape

    from ebcd.api.answers import decoded
    from ebcd.archive.drift import DriftRow
    from ebcd.cli.tables import table_of, word

    rows: Sequence[DriftRow] = decoded(list[DriftRow], content)
    table = table_of(language, "code", "terminal", "state", "deviations")
    for row in rows:
        if everybody or row.state != "sound":
            told = "\n".join(
                f"{each.name}: {each.told} ≠ {each.wanted}" + ("" if each.mendable else " *") for each in row.deviations
            )
            channels = "\n".join(_channel(each, language) for each in row.channels) if everybody else ""
            shown = "\n".join(each for each in (told, channels) if each)
            table.add_row(row.code, escape(row.name), word("drift_state", row.state, language), escape(shown))
    counts = {
        name: sum(row.state == name for row in rows) for name in ("sound", "drift", "no_answer", "silent", "unasked")
    }
    return Group(table, text("drift.counts", language, **counts))


def _channel(channel: Channel, language: str) -> str:
    """One channel of an adapter in a line."""
    from ebcd.cli.tables import word

    state = word("channel_state", channel.state, language) if channel.state else ""
    carrier = f"{channel.frequency_khz / 1000:g} MHz" if channel.frequency_khz else ""
    return " ".join(each for each in (str(channel.id), channel.kind, carrier, state) if each)


def changes_table(content: bytes, language: str) -> RenderableType:
    """`ebcd change`, and what `ebcd cert send` began."""
    from rich.markup import escape

    from ebcd.api.answers import decoded
    from ebcd.archive.rollout import Change
    from ebcd.cli.moment import shown
    from ebcd.cli.tables import table_of, word

    listed = content if content.startswith(b"[") else b"[" + content + b"]"
    rows: Sequence[Change] = decoded(list[Change], listed)
    if not rows:
        return text("drift.no_changes", language)
    table = table_of(language, "change", "state", "settings", "devices", "stages", "restored", "who", "moment")
    for row in rows:
        stages = " → ".join(f"{told - len(failed)}/{told}" for told, failed in row.stages)
        if row.unheard:
            stages += "\n" + text("trust.unheard", language, count=len(row.unheard))
        table.add_row(
            row.id,
            word("change_state", row.state, language) + (f" ({row.why})" if row.why else ""),
            escape(_settings(row.order, language)),
            f"{len(row.codes)} + {len(row.skipped)}",
            stages or "-",
            str(row.restored) + (f" - {len(row.left)}" if row.left else ""),
            escape(row.actor),
            shown(int(row.opened_at)),
        )
    return table


def _settings(order: Order, language: str) -> str:
    if order.trust:
        return text("trust.settings", language, numbers=", ".join(order.certificates) or "-")
    return ", ".join(f"{name} {value}" for name, value in order.told().items())
