"""`ebcd submit --cap`: shows what a warning would do, then hands it in."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from ebcd.api.answers import decoded
from ebcd.cli.client import Client
from ebcd.cli.files import STDIN
from ebcd.cli.output import console, print_json
from ebcd.cli.session import Failure, Session
from ebcd.cli.tables import alerts_table, warning_table
from ebcd.operator import AlertRow
from ebcd.warning_preview import WarningPreview
from protocols.cap.codec import WARNING_BYTES_MAX


def submit(session: Session, file: Path, *, yes: bool, only_preview: bool) -> None:
    """Preview, ask, hand in. Raises Failure: exit status 2 for what was written wrong, 1 when it was refused."""
    from_stdin = str(file) == STDIN
    if not (yes or only_preview) and (session.as_json or from_stdin or not sys.stdin.isatty()):
        raise Failure(session.say("cli.needs_yes"), status=2)
    client, xml = Client(session), _read(session, None if from_stdin else file)
    if only_preview or not session.as_json:
        content = client.post_xml("/v1/warnings/preview", xml)
        if session.as_json:
            print_json(content)
        else:
            table = warning_table(decoded(WarningPreview, content), session.language)
            console().print(table, highlight=False)
        if only_preview:
            return
    if not yes and not typer.confirm(session.say("cli.confirm_submit")):
        raise Failure(session.say("cli.not_sent"))
    content = client.post_xml("/v1/warnings", xml)
    if session.as_json:
        print_json(content)
        return
    rows = decoded(list[AlertRow], content)
    console().print(alerts_table(rows, session.language), highlight=False)
    for row in rows:
        if row.state == "pending" and row.approvals < row.approvals_needed:
            count = row.approvals_needed - row.approvals
            typer.echo(session.say("cli.approve_next", ebm_id=row.ebm_id, count=count))


def _read(session: Session, file: Path | None) -> bytes:
    shown = file or STDIN
    try:
        if file is None:
            content = sys.stdin.buffer.read(WARNING_BYTES_MAX + 1)
        else:
            with file.open("rb") as stream:
                content = stream.read(WARNING_BYTES_MAX + 1)
    except OSError as error:
        raise Failure(session.say("cli.warning_unreadable", file=shown, reason=error), status=2) from None
    if len(content) > WARNING_BYTES_MAX:
        raise Failure(session.say("cli.warning_too_large", file=shown, limit=WARNING_BYTES_MAX), status=2)
    return content
