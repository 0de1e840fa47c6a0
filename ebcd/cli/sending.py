"""`ebcd send`: shows what an alert would do, then hands it in."""

from __future__ import annotations

import base64
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from ebcd.api.answers import decoded
from ebcd.cli.client import Client
from ebcd.cli.moment import BadMoment, duration_of, start_of
from ebcd.cli.output import console, print_json
from ebcd.cli.session import Failure, Session
from ebcd.cli.tables import alerts_table, preview_table
from ebcd.operator import AlertRow, Preview, Status

AUDIO_BYTES_MAX = 24 * 1024 * 1024  # what the daemon takes; a longer file is not even read


@dataclass(frozen=True, slots=True)
class Written:
    """The command's options as they were written."""

    level: int
    areas: tuple[str, ...]
    title: str
    text: str
    audio: Path | None
    start: str
    duration: str
    category: str
    drill_depth: str
    event_type: str


def submit(session: Session, written: Written, *, yes: bool) -> None:
    """Preview, ask, send. Raises Failure: exit status 2 for what was written wrong, 1 when it was refused."""
    if not yes and (session.as_json or not sys.stdin.isatty()):
        raise Failure(session.say("cli.needs_yes"), status=2)
    client = Client(session)
    body = _body(session, client, written)
    if not session.as_json:
        preview = decoded(Preview, client.post("/v1/preview", body))
        console().print(preview_table(preview, written.title, session.language), highlight=False)
    if not yes and not typer.confirm(session.say("cli.confirm_send")):
        raise Failure(session.say("cli.not_sent"))
    content = client.post("/v1/alerts", body)
    if session.as_json:
        print_json(content)
        return
    row = decoded(AlertRow, content)
    console().print(alerts_table([row], session.language), highlight=False)
    if row.approvals < row.approvals_needed:
        typer.echo(session.say("cli.approve_next", ebm_id=row.ebm_id, count=row.approvals_needed - row.approvals))


def _body(session: Session, client: Client, written: Written) -> dict[str, Any]:
    body: dict[str, Any] = {
        "level": written.level,
        "areas": written.areas,
        "title": written.title,
        "text": written.text,
        "category": written.category,
        "drill_depth": written.drill_depth,
        "event_type": written.event_type,
    }
    try:
        body["duration_s"] = duration_of(written.duration)
    except BadMoment:
        raise Failure(session.say("cli.bad_duration", value=written.duration), status=2) from None
    if written.start:
        now = decoded(Status, client.get("/v1/status")).now  # the daemon's clock decides, not this machine's
        try:
            body["start"] = start_of(written.start, now)
        except BadMoment:
            raise Failure(session.say("cli.bad_start", value=written.start), status=2) from None
    if written.audio is not None:
        body["audio"] = {"name": written.audio.name, "content": _encoded(session, written.audio)}
    return body


def _encoded(session: Session, file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(AUDIO_BYTES_MAX + 1)
    except OSError as error:
        raise Failure(session.say("cli.audio_unreadable", file=file, reason=error), status=2) from None
    if len(content) > AUDIO_BYTES_MAX:
        raise Failure(session.say("cli.audio_too_large", file=file, limit=AUDIO_BYTES_MAX), status=2)
    return base64.b64encode(content).decode("ascii")
