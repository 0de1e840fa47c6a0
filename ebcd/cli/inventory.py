"""`ebcd inventory`: the equipment archive in and out of spreadsheets, and how far the county has got."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ebcd.catalogue import text
from ebcd.cli.asking import ask
from ebcd.cli.options import LANGUAGE, AsJson, Config, Language, TokenFile, help_of
from ebcd.cli.output import failures_told, show
from ebcd.cli.session import Failure, config_file, open_session

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ebcd.archive.importing import Prepared
    from ebcd.cli.session import Session
    from ebcd.settings import Settings


def _help(name: str) -> str:
    return text(f"inventory_help.{name}", LANGUAGE)


inventory = typer.Typer(help=_help("inventory"), no_args_is_help=True, rich_markup_mode=None)

File = Annotated[Path, typer.Argument(metavar="FILE.csv|FILE.xlsx", help=_help("file"))]


@inventory.command("import", help=_help("import"))
def import_file(
    file: File,
    mapping: Annotated[Path | None, typer.Option("--map", metavar="MAP.toml", help=_help("map"))] = None,
    sheet: Annotated[str, typer.Option(metavar="NAME", help=_help("sheet"))] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_help("dry_run"))] = False,
    remove_missing: Annotated[bool, typer.Option("--remove-missing", help=_help("remove_missing"))] = False,
    rows: Annotated[int, typer.Option(min=1, max=100_000, help=help_of("rows"))] = 50,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Bring a table into inventory.csv."""
    import orjson

    from ebcd.archive.importing import prepare, told, write_quarantine
    from ebcd.archive.mapping import ColumnMap, load_mapping
    from ebcd.cli.inventory_tables import import_report
    from ebcd.errors import ConfigError

    with failures_told(as_json=as_json):
        session = open_session(config, lang, token_file, as_json=as_json)
        settings = _settings(config, session.language)
        try:
            prepared = prepare(
                settings.inventory.file,
                file,
                load_mapping(mapping) if mapping else ColumnMap(),
                sheet=sheet,
                area=settings.platform.area,
                remove_missing=remove_missing,
            )
        except ConfigError as error:
            raise Failure(*(each.sentence(session.language) for each in error.problems)) from None
        answer: dict[str, Any] = told(prepared, session.language) | {"written": "", "quarantine": ""}
        if not dry_run:
            try:
                quarantine = write_quarantine(file, prepared.merge, session.language)
                answer["quarantine"] = str(quarantine or "")
                if prepared.changes:
                    answer |= _write(session, settings, prepared, file.name)
            except OSError as error:
                name = error.filename or settings.inventory.file
                reason = error.strerror or str(error)
                raise Failure(session.say("inventory.unwritable", file=name, reason=reason)) from None
        show(session, orjson.dumps(answer), "" if as_json else import_report(prepared, answer, rows, session.language))


def _write(session: Session, settings: Settings, prepared: Prepared, source: str) -> dict[str, Any]:
    """Through the daemon where one runs, so that it follows at once; else into the file."""
    import orjson

    from ebcd.archive.table import replace_file
    from ebcd.cli.client import Client, listens

    file = str(settings.inventory.file)
    if not listens(session):
        replace_file(settings.inventory.file, prepared.content)
        return {"written": file}
    content = Client(session).put("/v1/inventory", prepared.content, base=prepared.base, source=source)
    kept = orjson.loads(content)
    return {"written": file, "sm3": kept["sm3"], "running": kept}


@inventory.command("export", help=_help("export"))
def export_file(file: File, config: Config = None, lang: Language = None, as_json: AsJson = False) -> None:
    """Write inventory.csv as a table."""
    import orjson

    from ebcd.archive.importing import export
    from ebcd.errors import ConfigError

    with failures_told(as_json=as_json):
        session = open_session(config, lang, None, as_json=as_json)
        settings = _settings(config, session.language)
        try:
            count = export(settings.inventory.file, file)
        except ConfigError as error:
            raise Failure(*(each.sentence(session.language) for each in error.problems)) from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise Failure(session.say("inventory.unwritable", file=file, reason=reason)) from None
        answer = {"file": str(file), "rows": count}
        show(session, orjson.dumps(answer), session.say("inventory.exported", file=file, rows=count))


@inventory.command("rates", help=_help("rates"))
def show_rates(
    config: Config = None, lang: Language = None, as_json: AsJson = False, token_file: TokenFile = None
) -> None:
    """Enrolment and opening rates by town."""
    import orjson

    from ebcd import inventory_csv
    from ebcd.api.answers import decoded
    from ebcd.archive.rates import TownRates, rates
    from ebcd.cli.client import Client, listens
    from ebcd.cli.inventory_tables import rates_table

    with failures_told(as_json=as_json):
        session = open_session(config, lang, token_file, as_json=as_json)
        settings = _settings(config, session.language)
        if listens(session):
            rows = tuple(decoded(list[TownRates], Client(session).get("/v1/inventory/rates")))
        else:
            found, _ = inventory_csv.read(settings.inventory.file, area=settings.platform.area)
            rows = rates(found, settings.platform.area, None)
        show(session, orjson.dumps(rows), "" if as_json else rates_table(rows, session.language))


@inventory.command("show", help=_help("show"))
def show_device(
    device: Annotated[str, typer.Argument(metavar="CODE|PHYS|POLE", help=_help("device"))],
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """One device's archive and history."""

    def table(content: bytes, language: str) -> RenderableType:
        from ebcd.api.answers import decoded
        from ebcd.archive.office import DeviceFile
        from ebcd.cli.inventory_tables import device_report

        return device_report(decoded(DeviceFile, content), language)

    ask("GET", f"/v1/inventory/devices/{device}", table, config, lang, token_file, as_json)


@inventory.command("person", help=_help("person"))
def show_person(
    person: Annotated[str, typer.Argument(metavar="P12", help=_help("person_id"))],
    erase: Annotated[bool, typer.Option("--erase", help=_help("erase"))] = False,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Who stands behind an id."""

    def table(content: bytes, language: str) -> RenderableType:
        from ebcd.api.answers import decoded
        from ebcd.cli.inventory_tables import person_report
        from ebcd.people import PersonRow

        return person_report(decoded(PersonRow, content), language)

    method, path = ("POST", f"/v1/people/{person}/erase") if erase else ("GET", f"/v1/people/{person}")
    ask(method, path, table, config, lang, token_file, as_json)


@inventory.command("reload", help=_help("reload"))
def reload_file(
    config: Config = None, lang: Language = None, as_json: AsJson = False, token_file: TokenFile = None
) -> None:
    """The running daemon takes over inventory.csv as it is now."""
    import orjson

    from ebcd.cli.client import Client

    with failures_told(as_json=as_json):
        session = open_session(config, lang, token_file, as_json=as_json)
        content = Client(session).post("/v1/inventory/reload")
        show(session, content, session.say("inventory.reloaded", **orjson.loads(content)))


def _settings(config: Path | None, language: str) -> Settings:
    from ebcd.settings import read

    settings, problems = read(config_file(config, language))
    if settings is None:
        raise Failure(*(each.sentence(language) for each in problems), status=2)
    return settings
