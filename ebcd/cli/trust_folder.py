"""`ebcd cert list` and `ebcd cert import`: a folder of certificates and lists, judged as the daemon judges it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import typer

from ebcd.catalogue import text
from ebcd.cli.files import read_bytes
from ebcd.cli.keys import certificate_number, settings_of
from ebcd.cli.output import console
from ebcd.cli.session import Failure
from ebcd.clock import SystemClock
from ebcd.decode.hexadecimal import from_hex
from ebcd.settings.trust import load_trust
from ebcd.signing import FiledList, Standing, Trusted, TrustStore, lists, trust
from protocols.errors import RemoteProtocolError
from protocols.signature import (
    CERTIFICATE_BYTES,
    AuthorisationList,
    Certificate,
    number_text,
)


@dataclass(frozen=True, slots=True)
class Place:
    """A trust folder and how it is read."""

    folder: Path
    load_from: Callable[[Path], TrustStore]

    def load(self, folder: Path | None = None) -> TrustStore:
        """As the daemon does at its start."""
        return self.load_from(folder or self.folder)


def where(folder: Path | None, roots: Sequence[str], receiver: str, config: Path | None, language: str) -> Place:
    """What was named, and the configuration for the rest; a folder needs no configuration. Raises Failure."""
    numbers = tuple(certificate_number(each, language) for each in roots)
    own = certificate_number(receiver, language) if receiver else None
    if folder is not None:
        return Place(folder, lambda read: TrustStore.load(read, numbers, own))
    settings = settings_of(config, language)
    if numbers or own:
        numbers = numbers or tuple(certificate_number(each, language) for each in settings.trust.roots)
        own = own or certificate_number(settings.platform.certificate, language)
        return Place(settings.trust.folder, lambda read: TrustStore.load(read, numbers, own))
    return Place(settings.trust.folder, lambda read: load_trust(settings, folder=read))


# ---- list ----------------------------------------------------------------------------------------------------------


def run_list(place: Place, language: str, *, as_json: bool) -> int:
    """Every certificate and list of a trust folder; 1 when there is a problem with one of them."""
    store = place.load()
    now_s = SystemClock().wall()
    certificates = [_row(each, store, now_s) for each in sorted(store, key=lambda each: each.number)]
    filed = [_list_row(each) for each in store.lists]
    if as_json:
        problems = [problem.as_dict(language) for problem in store.problems]
        typer.echo(orjson.dumps({"certificates": certificates, "lists": filed, "problems": problems}).decode())
        return 1 if problems else 0
    _print_tables(certificates, filed, language)
    for problem in store.problems:
        typer.echo(problem.sentence(language), err=True)
    return 1 if store.problems else 0


def _row(trusted: Trusted, store: TrustStore, now_s: float) -> dict[str, object]:
    certificate = trusted.certificate
    return {
        "number": number_text(certificate.number),
        "issuer": number_text(certificate.issuer),
        "version": f"{certificate.version:02X}",
        "valid": f"{certificate.year:04d}-{certificate.month:02d}",
        "expired": not certificate.valid_at(now_s),
        "listed": store.permits(certificate.number),
        "reserved": certificate.is_reserved,
        "file": trusted.file,
    }


def _list_row(filed: FiledList) -> dict[str, object]:
    listed = filed.listed
    return {
        "receiver": number_text(listed.receiver),
        "serial": listed.serial,
        "certificates": [number_text(each) for each in listed.certificates],
        "signer": number_text(listed.signer),
        "standing": str(filed.standing),
        "file": filed.file,
    }


def _print_tables(certificates: Sequence[dict[str, object]], filed: Sequence[dict[str, object]], language: str) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    for column in ("number", "issuer", "valid", "state", "file"):
        table.add_column(text(f"column.{column}", language), overflow="fold")
    for row in certificates:
        # The management system's own sign no commands; a list need not name them.
        revoked = not row["listed"] and not row["reserved"]
        word = "cert.expired" if row["expired"] else "cert.unlisted" if revoked else "cert.good"
        file = escape(Path(str(row["file"])).name)
        table.add_row(str(row["number"]), str(row["issuer"]), str(row["valid"]), text(word, language), file)
    console().print(table)
    if not filed:
        return
    table = Table()
    for column in ("receiver", "serial", "certificates", "issuer", "state", "file"):
        table.add_column(text(f"column.{column}", language), overflow="fold")
    for row in filed:
        named = row["certificates"]
        assert isinstance(named, list)
        standing = text(f"list_standing.{row['standing']}", language)
        file = escape(Path(str(row["file"])).name)
        table.add_row(str(row["receiver"]), str(row["serial"]), "\n".join(named), str(row["signer"]), standing, file)
    console().print(table)


# ---- import --------------------------------------------------------------------------------------------------------


def run_import(files: Sequence[Path], place: Place, language: str, *, as_json: bool) -> int:
    """Judge the folder as it would be, then move everything in: certificates first, lists last. Raises Failure."""
    wanted = dict(_named(file, language) for file in files)
    if wrong := _faults(place, wanted, language):
        raise Failure(*wrong, text("cert.import_refused", language))
    for name in sorted(wanted, key=lambda name: name.endswith(lists.SUFFIX)):
        _put(place.folder / name, wanted[name], language)
    outdated = [Path(each.file) for each in place.load().lists if each.standing is Standing.OLD]
    for file in outdated:  # or a serial would meet its own past when it has gone round
        file.unlink()
    if as_json:
        told = {"imported": sorted(wanted), "removed": [each.name for each in outdated]}
        typer.echo(orjson.dumps(told).decode())
        return 0
    for name in sorted(wanted):
        typer.echo(text("cert.imported", language, file=name))
    for file in outdated:
        typer.echo(text("cert.dropped_list", language, file=file.name))
    typer.echo(text("cert.restart", language))
    return 0


def _faults(place: Place, wanted: dict[str, bytes], language: str) -> list[str]:
    """What would be wrong with the folder afterwards that is not wrong now, and lists that are not newer."""
    now = place.load().problems
    if not place.folder.is_dir():
        return [problem.sentence(language) for problem in now]
    with tempfile.TemporaryDirectory(prefix="ebcd-trust-") as made:
        staged = Path(made) / place.folder.name
        shutil.copytree(place.folder, staged, copy_function=shutil.copyfile)
        for name, data in wanted.items():
            (staged / name).write_bytes(data)
        store = place.load(staged)
    known = {(Path(each.file).name, each.what) for each in now}
    wrong = [
        problem.sentence(language).replace(str(staged), str(place.folder))
        for problem in store.problems
        if (Path(problem.file).name, problem.what) not in known
    ]
    for each in store.lists:
        name = Path(each.file).name
        filed = place.folder / name
        if name not in wanted or (filed.is_file() and filed.read_bytes() == wanted[name]):
            continue
        if filed.is_file() or each.standing in (Standing.OLD, Standing.BEFORE):
            wrong.append(text("cert.not_newer", language, file=name, serial=each.listed.serial))
    return wrong


def _named(file: Path, language: str) -> tuple[str, bytes]:
    """What a file holds, under the name it gets in the folder. Raises Failure (exit status 2)."""
    data = read_bytes(file, language)
    data = from_hex(data.decode("ascii", "replace")) or data
    try:
        if len(data) == CERTIFICATE_BYTES:
            return f"{number_text(Certificate.decode(data).number)}{trust.SUFFIX}", data
        listed = AuthorisationList.decode(data)
    except RemoteProtocolError as error:
        told = text("cert.neither", language, file=file)
        raise Failure(f"{told}: {error.detail}", status=2) from None
    return f"{number_text(listed.receiver)}-{listed.serial:03d}{lists.SUFFIX}", data


def _put(target: Path, data: bytes, language: str) -> None:
    """Whole or not at all, also when the power fails."""
    fresh = target.with_suffix(".new")
    try:
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Failure(text("decode.unwritable", language, file=target, reason=reason)) from None
