"""`ebcd cert send`: certificates and authorisation lists to devices, in stages; shown first, sent when confirmed.
`ebcd cert request`: what the certificate system is asked for before."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ebcd.catalogue import text
from ebcd.cli.options import LANGUAGE, AsJson, Config, Language, TokenFile, help_of
from ebcd.cli.output import failures_told, show
from ebcd.cli.session import Failure, open_session

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ebcd.archive.distribution import TrustRow

ROWS_MAX = 200
"""That a preview prints; a province has a hundred thousand devices. `--json` tells all."""


def _help(name: str) -> str:
    return text(f"trust_help.{name}", LANGUAGE)


def send(
    town: Annotated[str, typer.Option(help=help_of("town"))] = "",
    code: Annotated[list[str] | None, typer.Option("--code", metavar="CODE", help=_help("code"))] = None,
    certificate: Annotated[list[str] | None, typer.Option(metavar="HEX", help=_help("certificate"))] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=help_of("yes"))] = False,
    preview: Annotated[bool, typer.Option("--preview", help=_help("preview"))] = False,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Certificates and lists from the trust folder to the devices they are for."""
    from ebcd.cli.client import Client
    from ebcd.cli.drift import changes_table

    with failures_told(as_json=as_json):
        session = open_session(config, lang, token_file, as_json=as_json)
        if not (yes or preview) and (as_json or not sys.stdin.isatty()):
            raise Failure(session.say("cli.needs_yes"), status=2)
        client = Client(session)
        whom: dict[str, Any] = {
            "town": town,
            "codes": code or [],
            "certificates": [number.upper() for number in certificate or ()],
        }
        content = client.post("/v1/trust", whom)
        digest, rows = _planned(content)
        if preview or not as_json:
            show(session, content, "" if as_json else plan_table(rows, session.language))
        if preview:
            return
        count = sum(row.standing == "send" for row in rows)
        if not yes and not typer.confirm(session.say("trust.confirm", count=count)):
            raise Failure(session.say("cli.not_sent"))
        told = client.post("/v1/changes", {**whom, "trust": digest})
        show(session, told, "" if as_json else changes_table(told, session.language))


def request(
    out: Annotated[str, typer.Option("--out", "-o", metavar="FILE|-", help=_help("request_out"))],
    town: Annotated[str, typer.Option(help=help_of("town"))] = "",
    code: Annotated[list[str] | None, typer.Option("--code", metavar="CODE", help=_help("code"))] = None,
    certificate: Annotated[list[str] | None, typer.Option(metavar="HEX", help=_help("request_certificate"))] = None,
    revoke: Annotated[list[str] | None, typer.Option(metavar="HEX", help=_help("request_revoke"))] = None,
    everybody: Annotated[bool, typer.Option("--all", help=_help("request_all"))] = False,
    config: Config = None,
    lang: Language = None,
) -> None:
    """The file with which lists are asked for."""
    from ebcd.cli.list_request import Asked, run_request
    from ebcd.cli.session import startup_language

    with failures_told(as_json=False):
        asked = Asked(town, tuple(code or ()), tuple(certificate or ()), tuple(revoke or ()), everybody)
        raise typer.Exit(run_request(asked, config, out, lang or startup_language(sys.argv)))


def _planned(content: bytes) -> tuple[str, list[TrustRow]]:
    import orjson

    from ebcd.api.answers import decoded
    from ebcd.archive.distribution import TrustRow

    told = orjson.loads(content)
    return str(told["digest"]), decoded(list[TrustRow], orjson.dumps(told["rows"]))


def plan_table(rows: Sequence[TrustRow], language: str) -> RenderableType:
    """What each device would get."""
    from collections import Counter

    from rich.console import Group
    from rich.markup import escape

    from ebcd.cli.tables import table_of, word

    table = table_of(
        language, "code", "device_name", "receiver", "path", "certificates_sent", "serial", "serial_sent", "state"
    )
    for row in rows[:ROWS_MAX]:
        way = f"{word('path', row.path, language)} {row.through}".strip() if row.path else "-"
        sent = "-" if row.sent is None else f"{row.sent} {word('trust_outcome', row.outcome, language)}"
        state = word("trust_standing", row.standing, language)
        if row.missing:
            state += "\n" + text("trust.missing", language, numbers=", ".join(row.missing))
        serial = "-" if row.serial is None else str(row.serial)
        table.add_row(row.code, escape(row.name), row.receiver or "-", way, str(row.certificates), serial, sent, state)
    counts = Counter(row.standing for row in rows)
    told = ", ".join(f"{word('trust_standing', name, language)} {count}" for name, count in sorted(counts.items()))
    shown = text("trust.rows", language, shown=min(len(rows), ROWS_MAX), count=len(rows))
    return Group(table, f"{shown} {told}")


def add_to(cert: typer.Typer) -> None:
    """Hang the command beside the others about certificates."""
    cert.command("send", help=_help("send"))(send)
    cert.command("request", help=_help("request"))(request)
