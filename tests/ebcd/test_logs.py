"""Events are lines that programs read, or lines that people read."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from ebcd.logs import VALUE_CHARACTERS_MAX, set_up, wants_json


class _Clock:
    def wall(self) -> float:
        return 1_760_000_000.25

    def monotonic(self) -> float:
        return 0.0


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:], root.level = handlers, level


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_line_with_the_daemons_own_time() -> None:
    stream = io.StringIO()
    set_up(_Clock(), stream=stream, environ={})
    structlog.get_logger("ebcd.test").info("package_received", alert="4341", bytes=b"\x01\xff", when=1.5)
    assert _lines(stream) == [
        {
            "event": "package_received",
            "alert": "4341",
            "bytes": "01ff",
            "when": 1.5,
            "level": "info",
            "timestamp": "2025-10-09T16:53:20.250+08:00",
        }
    ]


def test_what_is_bound_to_the_context_stands_on_every_line() -> None:
    stream = io.StringIO()
    set_up(_Clock(), stream=stream, environ={})
    with structlog.contextvars.bound_contextvars(alert="4341"):
        structlog.get_logger().info("stage_done")
    assert _lines(stream)[0]["alert"] == "4341"


def test_people_at_a_terminal_get_text() -> None:
    stream = _Terminal()
    set_up(_Clock(), stream=stream, environ={})
    structlog.get_logger().warning("link_down", link="ip")
    assert "16:53:20.250" in stream.getvalue()
    assert "link_down" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize(
    ("stream", "environ", "expected"),
    [
        (io.StringIO(), {}, True),
        (_Terminal(), {}, False),
        (_Terminal(), {"JOURNAL_STREAM": "8:1"}, True),
        (_Terminal(), {"EBCD_LOG": "json"}, True),
        (io.StringIO(), {"EBCD_LOG": "text", "JOURNAL_STREAM": "8:1"}, False),
    ],
)
def test_the_form_follows_the_reader(stream: io.StringIO, environ: dict[str, str], *, expected: bool) -> None:
    assert wants_json(stream, environ) is expected


def test_events_below_the_level_are_left_out() -> None:
    stream = io.StringIO()
    set_up(_Clock(), level="warning", stream=stream, environ={})
    structlog.get_logger().info("quiet")
    assert stream.getvalue() == ""


def test_a_long_value_is_cut_and_says_so() -> None:
    stream = io.StringIO()
    set_up(_Clock(), stream=stream, environ={})
    structlog.get_logger().info("odd_input", text="x" * 9999)
    (line,) = _lines(stream)
    assert line["text"] == "x" * VALUE_CHARACTERS_MAX + "… (9999 characters)"


def test_a_traceback_stays_whole() -> None:
    stream = io.StringIO()
    set_up(_Clock(), stream=stream, environ={})
    try:
        raise OSError("y" * VALUE_CHARACTERS_MAX)
    except OSError:
        structlog.get_logger().exception("part_failed")
    assert _lines(stream)[0]["exception"].endswith("y" * VALUE_CHARACTERS_MAX)


def test_libraries_speak_through_the_same_door_from_warnings_on() -> None:
    stream = io.StringIO()
    set_up(_Clock(), stream=stream, environ={})
    logging.getLogger("mqtt").info("chatter")
    logging.getLogger("mqtt").warning("lost %s", "broker")
    (line,) = _lines(stream)
    assert (line["event"], line["logger"], line["message"], line["level"]) == (
        "library",
        "mqtt",
        "lost broker",
        "warning",
    )


def test_journald_is_told_the_rank_of_each_line_and_nobody_else_is(tmp_path: Path) -> None:
    for own in (True, False):
        with (tmp_path / f"{own}.log").open("w+", encoding="utf-8") as stream:
            found = os.fstat(stream.fileno())
            inode = found.st_ino if own else found.st_ino + 1  # of a journal that an ancestor writes to
            set_up(_Clock(), stream=stream, environ={"JOURNAL_STREAM": f"{found.st_dev}:{inode}", "EBCD_LOG": "json"})
            for level in ("info", "warning", "error"):
                getattr(structlog.get_logger(), level)("link.down")
            stream.seek(0)
            begins = [line.partition("{")[0] for line in stream.read().splitlines()]
        assert begins == (["<6>", "<4>", "<3>"] if own else ["", "", ""])
