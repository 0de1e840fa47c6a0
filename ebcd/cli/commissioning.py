"""`ebcd pending`, `ebcd commission`, `ebcd swap`: devices into service, and others in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ebcd.catalogue import text
from ebcd.cli.options import LANGUAGE, AsJson, Config, Lang, Language, TokenFile
from ebcd.cli.output import failures_told, show
from ebcd.cli.session import open_session

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ebcd.archive.office import PendingRow


def _help(name: str) -> str:
    return text(f"commission_help.{name}", LANGUAGE)


Phys = Annotated[str, typer.Argument(metavar="PHYS", help=_help("phys"))]
ReturnTo = Annotated[str, typer.Option("--return", metavar="HOST:PORT", help=_help("return_to"))]
Tone = Annotated[str, typer.Option(metavar="TEXT", help=_help("tone"))]
Note = Annotated[str, typer.Option(help=_help("note"))]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("pending", help=_help("pending"))(pending)
    app.command("commission", help=_help("commission"))(commission)
    app.command("swap", help=_help("swap"))(swap)


def pending(
    config: Config = None, lang: Language = None, as_json: AsJson = False, token_file: TokenFile = None
) -> None:
    """Devices that wait."""
    from ebcd.api.answers import decoded
    from ebcd.archive.office import PendingRow
    from ebcd.cli.client import Client

    with failures_told(as_json=as_json):
        session = open_session(config, lang, token_file, as_json=as_json)
        content = Client(session).get("/v1/pending")
        show(session, content, "" if as_json else _table(decoded(list[PendingRow], content), session.language))


def commission(
    phys: Phys,
    code: Annotated[str, typer.Option(metavar="CODE", help=_help("code"))],
    volume: Annotated[int | None, typer.Option(min=0, max=100, help=_help("volume"))] = None,
    return_to: ReturnTo = "",
    name: Annotated[str, typer.Option(help=_help("name"))] = "",
    place: Annotated[str, typer.Option(help=_help("place"))] = "",
    pole: Annotated[str, typer.Option(help=_help("pole"))] = "",
    contact: Annotated[str, typer.Option(help=_help("contact"))] = "",
    paths: Annotated[str, typer.Option(metavar="ip;fm", help=_help("paths"))] = "",
    tone: Tone = "",
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Take a device into service."""
    body = {"phys": phys, "code": code, "volume": volume, "return_to": return_to, "name": name, "place": place}
    body |= {"pole": pole, "contact": contact, "paths": paths, "tone": tone}
    _act("/v1/commission", body, config, lang, token_file, as_json)


def swap(
    old: Annotated[str, typer.Argument(metavar="OLD_CODE", help=_help("old"))],
    phys: Annotated[str, typer.Argument(metavar="[NEW_PHYS]", help=_help("phys"))] = "",
    address: Annotated[str, typer.Option(metavar="HOST:PORT", help=_help("address"))] = "",
    return_to: ReturnTo = "",
    note: Note = "",
    tone: Tone = "",
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Put another unit in the place of one."""
    body = {"code": old, "phys": phys, "address": address, "return_to": return_to, "note": note, "tone": tone}
    _act("/v1/swap", body, config, lang, token_file, as_json)


def _act(
    path: str,
    body: Mapping[str, object],
    config: Path | None,
    lang: Lang | None,
    token_file: Path | None,
    as_json: bool,
) -> None:
    import orjson

    from ebcd.cli.client import Client

    with failures_told(as_json=as_json):
        session = open_session(config, lang, token_file, as_json=as_json)
        content = Client(session).post(path, body)
        told = orjson.loads(content)
        lines = [session.say("commission.done", code=told["code"], phys=told.get("phys") or body["phys"])]
        for name, value in told.get("document", {}).get("told", {}).items():
            lines.append(f"  {name}: {value}")
        if told.get("signature"):
            lines.append(session.say("commission.signed", signature=told["signature"]))
        if told.get("tone"):
            lines.append(session.say("commission.tone", ebm_id=told["tone"]))
        show(session, content, "\n".join(lines))


def _table(rows: Sequence[PendingRow], language: str) -> RenderableType:
    from rich.markup import escape

    from ebcd.cli.moment import shown
    from ebcd.cli.tables import table_of

    if not rows:
        return text("commission.none", language)
    table = table_of(language, "phys", "claims", "area", "holder", "link", "peer", "first_seen", "last_seen")
    for row in rows:
        first, last = shown(row.first_seen), shown(row.last_seen)
        cells = (row.phys or "-", row.code, row.place, row.holder or "-", row.link, row.peer)
        table.add_row(*(escape(cell) for cell in cells), first, last)
    return table
