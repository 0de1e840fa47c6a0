"""What people write: configuration, inventory, the operator API's bodies; and what is captured: `ebcd decode`."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from pathlib import Path
from zlib import crc32

from pydantic import BaseModel, ValidationError
from rich.console import Console

from ebcd import inventory_csv, settings
from ebcd.api import bodies as api_bodies
from ebcd.cli.decode_tree import tree_of
from ebcd.decode import Aside, Keys, decode_bytes, protocols
from ebcd.decode.capture import is_capture, messages_in_capture, pieces_of
from ebcd.decode.inputs import message_of, messages_in
from ebcd.operator import OperationRefused, Problem
from ebcd.roster.plan import parse as parse_roster
from protocols.codes import AreaCode

MESSAGES_MAX = 3
RENDERED_OF = 32
BODIES: tuple[type[BaseModel], ...] = (
    api_bodies.DraftBody,
    api_bodies.RejectBody,
    api_bodies.AlertQuery,
    api_bodies.TerminalQuery,
)
_CONSOLE = Console(file=io.StringIO(), width=100)


def config_toml(data: bytes) -> None:
    """Settings, or every problem in words."""
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return
    found, problems = settings.read_tables(document, Path("/x/ebcd.toml"), environ={})
    assert found is not None or problems
    for problem in problems:
        assert problem.sentence("zh")
        assert problem.sentence("en")


def inventory(data: bytes) -> None:
    """Devices, and every row that is none with its number."""
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline="")))
    except csv.Error:
        return
    found, problems = inventory_csv.read_rows(rows, "inventory.csv", area=AreaCode("341523000000"))
    assert len(found.roster.terminals) <= len(rows)
    for problem in problems:
        assert problem.sentence("zh")


def roster(data: bytes) -> None:
    """Turns of known people, and every row that is none with its number."""
    turns, problems = parse_roster(data, "roster.csv", ("li", "wang"))
    assert all(turn.begin < turn.end for turn in turns)
    for problem in problems:
        assert problem.sentence("zh")
        assert problem.sentence("en")


def capture(data: bytes) -> None:
    """A capture gives what travelled in it, and never more than it holds."""
    if is_capture(data):
        assert sum(map(len, pieces_of(data)[0])) <= len(data)
        messages_in_capture(data)


def api_body(data: bytes) -> None:
    """A body is taken, or its faults are named."""
    for body in BODIES:
        try:
            found = body.model_validate_json(data)
        except ValidationError as error:
            told = api_bodies.problems(error)
        else:
            told = _refused(found)
        assert all(each.code for each in told)


def _refused(found: BaseModel) -> list[Problem]:
    if isinstance(found, api_bodies.DraftBody):
        try:
            found.draft()
        except OperationRefused as refused:
            return [refused.problem]
    return []


def decode_any(data: bytes) -> None:
    """`ebcd decode` of any bytes: an object, and a tree in both languages."""
    for message in messages_in(data)[:MESSAGES_MAX]:
        if not isinstance(message, Aside):
            _show(message.encode("utf-8", "surrogateescape") if isinstance(message, str) else message)
    _show(data)


def decode_as(data: bytes) -> None:
    """The first byte names a protocol that the rest hardly is of."""
    if data:
        known = protocols()
        _show(data[1:], known[data[0] % len(known)])


def decode_text(data: bytes) -> None:
    """An argument of the command line."""
    found = message_of(data.decode("utf-8", "surrogateescape"))
    if isinstance(found, bytes):
        _show(found)


def _show(data: bytes, protocol: str | None = None) -> None:
    reading = decode_bytes(data, Keys(), protocol)
    json.dumps(reading.as_json()).encode("utf-8")
    if reading.is_good:
        assert not reading.errors
    language = ("zh", "en")[len(data) % 2]
    tree = tree_of(reading, data, language)
    if not crc32(data) % RENDERED_OF:  # rich costs more than all the rest
        list(_CONSOLE.render(tree))
