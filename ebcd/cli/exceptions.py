"""`ebcd cert exception`: exceptions from SM2 verification made by an administrator, and looked at by anybody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import orjson
import typer

from ebcd.catalogue import text
from ebcd.cli.files import write_new
from ebcd.cli.keys import certificate_number, read_key, settings_of
from ebcd.cli.output import console
from ebcd.cli.session import Failure
from ebcd.clock import SystemClock
from ebcd.signing import FileSigner, TrustStore
from ebcd.signing.exception_record import BEIJING, ExceptionRecord, NoException
from ebcd.signing.exceptions import ExceptionState, Judged, files_in, judge
from protocols.codes import AreaCode, InvalidCode, ResourceCode

ValueT = TypeVar("ValueT")

ADMINISTRATOR_PASSPHRASE = "EBCD_ADMINISTRATOR_PASSPHRASE"  # name of a variable


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `ebcd cert exception make` was told."""

    areas: Sequence[str]
    terminals: Sequence[str]
    reason: str
    by: str
    until: str
    begin: str
    county: str
    key: Path
    number: str


def run_make(wanted: Wanted, out: str, config: Path | None, language: str) -> int:
    """Write a signed exception. Raises Failure."""
    clock = SystemClock()
    settings = None if wanted.county else settings_of(config, language)
    county = wanted.county or str(settings.platform.area if settings else "")
    number = certificate_number(wanted.number, language)
    record = _record(wanted, county, int(clock.wall()), language)
    signer = FileSigner(read_key(wanted.key, language, ADMINISTRATOR_PASSPHRASE), number, clock)
    write_new(out, record.write(signer.sign), language)
    folder = settings.trust.exceptions if settings else "[trust] exceptions"
    values = {"file": out, "until": _day(record.until), "folder": folder}
    typer.echo(text("exception.made", language, **values), err=True)
    return 0


def _record(wanted: Wanted, county: str, now_s: int, language: str) -> ExceptionRecord:
    areas = tuple(_read("--area", AreaCode.parse, each, language) for each in wanted.areas)
    terminals = tuple(_read("--terminal", ResourceCode, each, language) for each in wanted.terminals)
    begin = _read("--from", _moment, wanted.begin, language) if wanted.begin else now_s
    until = _read("--until", _moment, wanted.until, language)
    own = _read("--county", AreaCode.parse, county, language)
    try:
        return ExceptionRecord(own, areas, terminals, wanted.reason, wanted.by, begin, until)
    except NoException as error:
        raise _bad("exception", str(error), language) from None


def _read(name: str, read: Callable[[str], ValueT], value: str, language: str) -> ValueT:
    try:
        return read(value)
    except (InvalidCode, ValueError) as error:
        raise _bad(name, str(error), language) from None


def _bad(name: str, reason: str, language: str) -> Failure:
    return Failure(text("exception.bad_value", language, name=name, reason=reason), status=2)


def _moment(written: str) -> int:
    """A day or a moment; Beijing time where it says no other."""
    found = datetime.fromisoformat(written)
    return int((found if found.tzinfo else found.replace(tzinfo=BEIJING)).timestamp())


def run_show(files: Sequence[Path], config: Path | None, language: str, *, as_json: bool) -> int:
    """Exceptions judged as the daemon judges them; 1 when one of them does not count. Raises Failure."""
    settings = settings_of(config, language)
    now_s = SystemClock().wall()
    trust = TrustStore.load(settings.trust.folder, [bytes.fromhex(root) for root in settings.trust.roots])
    administrators = [bytes.fromhex(number) for number in settings.trust.administrators]
    chosen = files or files_in(settings.trust.exceptions)[0]
    judged = [judge(file, trust, administrators, settings.platform.area, now_s) for file in chosen]
    if as_json:
        told = {"exceptions": [_row(each, now_s, language) for each in judged]}
        typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    elif not judged:
        typer.echo(text("exception.none", language))
    else:
        _print_table(judged, now_s, language)
    problems = [each.problem for each in judged if each.problem is not None]
    if not as_json:
        for problem in problems:
            typer.echo(problem.sentence(language), err=True)
    return 1 if problems else 0


def _row(judged: Judged, now_s: float, language: str) -> dict[str, object]:
    record = judged.record
    row: dict[str, object] = {"file": str(judged.file), "state": judged.state(now_s).value}
    if judged.problem is not None:
        row["problem"] = judged.problem.as_dict(language)
    if record is not None and record.signature is not None:
        row |= {
            "county": record.county,
            "areas": record.areas,
            "terminals": record.terminals,
            "reason": record.reason,
            "by": record.by,
            "from": record.not_before,
            "until": record.until,
            "certificate": record.signature.certificate.hex().upper(),
            "signed_at": record.signature.time,
        }
    return row


def _day(utc_s: int) -> str:
    return f"{datetime.fromtimestamp(utc_s, UTC).astimezone(BEIJING):%Y-%m-%d %H:%M}"


def _print_table(judged: Sequence[Judged], now_s: float, language: str) -> None:
    from rich.table import Table

    table = Table()
    for column in ("file", "exception.state", "exception.until", "exception.by", "exception.areas"):
        table.add_column(text(f"column.{column}", language), overflow="fold")
    table.add_column(text("column.exception.terminals", language), justify="right")
    table.add_column(text("column.exception.reason", language), overflow="fold")
    for each in judged:
        state, record = each.state(now_s), each.record
        cells = [each.file.name, text(f"exception.{state}", language)]
        if record is not None:
            many = str(len(record.terminals))
            cells += [_day(record.until), record.by, " ".join(record.areas), many, record.reason]
        style = "" if state is ExceptionState.IN_FORCE else "dim"
        table.add_row(*cells, style=style)
    console().print(table)
