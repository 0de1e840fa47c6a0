"""`ebcd cert request`: the file with which authorisation lists are asked for."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
import typer

from devices.fm_adapter import FmAdapterConfig
from ebcd import inventory_csv
from ebcd.archive.list_request import FORMAT, County, ListRequest, Wish, list_request
from ebcd.catalogue import text
from ebcd.cli.files import must_be_new, write_new
from ebcd.cli.keys import certificate_number, settings_of
from ebcd.cli.session import Failure
from ebcd.clock import SystemClock, beijing_text
from ebcd.inventory import Inventory
from ebcd.settings import Settings
from ebcd.settings.trust import load_trust
from protocols.codes import AreaCode, InvalidCode, ResourceCode
from protocols.signature import number_from_text

COLUMNS = ("receiver", "serial", "certificates", "code", "name", "kind", "serial_before", "before")
SHOWN_MAX = 20
_CSV = ".csv"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options say."""

    town: str = ""
    codes: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()
    everybody: bool = False


def run_request(asked: Asked, config: Path | None, out: str, language: str) -> int:
    """Write the request; 1 where a device had to be left out. Raises Failure."""
    must_be_new(out, language)
    settings = settings_of(config, language)
    inventory, _ = inventory_csv.read(settings.inventory.file, area=settings.platform.area)
    wish = Wish(
        _devices(asked, inventory, language),
        tuple(certificate_number(each, language) for each in asked.extra),
        frozenset(certificate_number(each, language) for each in asked.revoked),
        asked.everybody,
    )
    found = list_request(_county(settings, inventory), wish)
    write_new(out, _as_csv(found) if out.endswith(_CSV) else _as_json(found, settings), language)
    typer.echo(text("request.written", language, count=len(found.lists), file=out), err=True)
    if found.missing:
        typer.echo(text("request.missing", language, numbers=", ".join(found.missing[:SHOWN_MAX])), err=True)
    for each in found.left_out[:SHOWN_MAX]:
        reason = text(f"request_reason.{each.reason}", language, value=each.value)
        typer.echo(f"{each.code} {each.name}: {reason}", err=True)
    if len(found.left_out) > SHOWN_MAX:
        typer.echo(text("request.more", language, count=len(found.left_out) - SHOWN_MAX), err=True)
    return 1 if found.left_out else 0


def _devices(asked: Asked, inventory: Inventory, language: str) -> frozenset[ResourceCode] | None:
    if not asked.town and not asked.codes:
        return None
    found: set[ResourceCode] = set()
    if asked.town:
        areas = _areas(asked.town, inventory)
        found.update(inventory.adapters_in(areas), (each.code for each in inventory.terminals_in(areas)))
        if not found:
            raise Failure(text("request.unknown", language, value=asked.town), status=2)
    for written in asked.codes:
        device = next((each for each in _all(inventory) if each == written), None)
        if device is None:
            raise Failure(text("request.unknown", language, value=written), status=2)
        found.add(device)
    return frozenset(found)


def _areas(town: str, inventory: Inventory) -> tuple[AreaCode, ...]:
    try:
        return (AreaCode.parse(town),)
    except InvalidCode:
        return inventory.areas_named(town)


def _all(inventory: Inventory) -> Sequence[ResourceCode]:
    return [device.code for device in (*inventory.roster.adapters, *inventory.roster.terminals)]


def _county(settings: Settings, inventory: Inventory) -> County:
    store = load_trust(settings)
    peers = dict.fromkeys(number for peer in settings.upstream.peers for number in peer.certificates)
    drivers = (link.config.adapter for link in settings.links if isinstance(link.config, FmAdapterConfig))
    return County(
        settings.platform.code,
        settings.platform.name,
        number_from_text(settings.platform.certificate),
        inventory,
        store.newest,
        {each.number for each in store},
        tuple(map(number_from_text, peers)),
        tuple(ResourceCode(code) for code in drivers if code),
    )


def _as_json(found: ListRequest, settings: Settings) -> bytes:
    """Everything, for a program or a person."""
    platform = {"code": settings.platform.code, "name": settings.platform.name}
    head = {
        "format": FORMAT,
        "made_at": beijing_text(SystemClock().wall()),
        "platform": {**platform, "certificate": settings.platform.certificate, "roots": list(settings.trust.roots)},
    }
    return orjson.dumps(head | asdict(found), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _as_csv(found: ListRequest) -> bytes:
    """One list a row. A spreadsheet that takes numbers for numbers drops their zeros: import them there as texts."""
    sheet = io.StringIO(newline="")
    writer = csv.writer(sheet)
    writer.writerow(COLUMNS)
    for each in found.lists:
        row = asdict(each)
        row["certificates"], row["before"] = " ".join(each.certificates), " ".join(each.before)
        writer.writerow(["" if row[name] is None else row[name] for name in COLUMNS])
    return sheet.getvalue().encode("utf-8-sig")
