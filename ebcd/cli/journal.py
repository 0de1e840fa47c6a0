"""`ebcd journal`: the chain checked from outside; the daemon may be running."""

from __future__ import annotations

import io
from pathlib import Path

import orjson
import typer

from ebcd.catalogue import text
from ebcd.cli.files import STDIN, write_bytes
from ebcd.cli.keys import settings_of
from ebcd.cli.session import Failure
from ebcd.store.audit import export_journal, prove, verify_journal
from ebcd.store.errors import StoreError


def url_of(store: str | None, config: Path | None, language: str) -> str:
    """The database that was named, or the configuration's. Raises Failure."""
    return store or settings_of(config, language).store.url


def run_verify(url: str, stream: str | None, language: str, *, as_json: bool) -> int:
    """Walk the chains; 0 only if each of them holds. Raises Failure where the database cannot be read."""
    try:
        verdicts = verify_journal(url, stream)
    except StoreError as error:
        raise Failure(str(error)) from None
    for verdict in verdicts:
        head = verdict.head_hash.hex()
        if as_json:
            told = {"stream": verdict.stream, "rows": verdict.rows, "head_seq": verdict.head_seq, "head_hash": head}
            told |= {"whole": verdict.whole, "broken_at": verdict.broken_at, "detail": verdict.detail}
            typer.echo(orjson.dumps(told).decode())
        elif verdict.whole:
            typer.echo(text("journal.whole", language, stream=verdict.stream, rows=verdict.rows, head=head))
        else:
            values = {"stream": verdict.stream, "row": verdict.broken_at, "detail": verdict.detail}
            typer.echo(text("journal.broken", language, **values))
    if not verdicts and not as_json:
        typer.echo(text("journal.empty", language))
    return 0 if all(verdict.whole for verdict in verdicts) else 1


def run_export(url: str, stream: str | None, out: str, language: str, *, as_json: bool) -> int:
    """Write one county's rows. Raises Failure."""
    try:
        chosen = stream or _only_stream(url, language)
        if out == STDIN:
            sink = io.BytesIO()
            exported = export_journal(url, chosen, sink)
            write_bytes(out, sink.getvalue(), language)
        else:
            with Path(out).open("wb") as file:
                exported = export_journal(url, chosen, file)
    except StoreError as error:
        raise Failure(str(error)) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise Failure(text("decode.unwritable", language, file=out, reason=reason)) from None
    head = exported.head_hash.hex()
    if as_json:
        told = {"stream": exported.stream, "rows": exported.rows, "head_seq": exported.head_seq, "head_hash": head}
        typer.echo(orjson.dumps(told).decode(), err=out == STDIN)
    else:
        values = {"stream": exported.stream, "rows": exported.rows, "head": head}
        typer.echo(text("journal.exported", language, **values), err=out == STDIN)
    return 0


def run_prove(url: str, alert: str, stream: str | None, out: str, language: str) -> int:
    """Write the proof of one alert, checked once more before it is handed out. Raises Failure."""
    try:
        proof = prove(url, alert, stream)
    except StoreError as error:
        raise Failure(str(error)) from None
    proof.check()
    write_bytes(out, proof.to_json() + b"\n", language)
    values = {"alert": proof.alert, "events": len(list(proof.events())), "row": proof.head_seq}
    typer.echo(text("journal.proved", language, head=proof.head_hash.hex(), **values), err=True)
    return 0


def _only_stream(url: str, language: str) -> str:
    streams = [verdict.stream for verdict in verify_journal(url)]
    if len(streams) != 1:
        key = "journal.streams" if streams else "journal.empty"
        raise Failure(text(key, language, streams=", ".join(streams)), status=2)
    return streams[0]
