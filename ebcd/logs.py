"""How events are written: JSON lines under systemd and in files, coloured text at a terminal.

Call `set_up` once, in the process that runs the daemon. Where journald reads them, each line begins with its rank
(sd-daemon(3)), so that `journalctl -p warning` finds what it should. Event names are stable ("package_received"),
values are keys; sentences for people come from the catalogue, not from here.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import Processor

from devices.ports import Clock
from ebcd.clock import beijing

LEVELS = ("debug", "info", "warning", "error")
RANKS = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
"""syslog's numbers; journald takes `<4>` off the line and keeps it as PRIORITY."""
VALUE_CHARACTERS_MAX = 2000  # a peer's text must not fill the disk through the log
Event = MutableMapping[str, Any]


def set_up(
    clock: Clock,
    *,
    level: str = "info",
    stream: TextIO | None = None,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Configure structlog, and let the libraries' own logging go the same way from warnings on. `level` is one of
    LEVELS. EBCD_LOG=json or EBCD_LOG=text overrides the guess from the stream."""
    stream = stream or sys.stderr
    threshold = logging.getLevelNamesMapping()[level.upper()]
    as_json = wants_json(stream, environ)
    render: Processor = (
        structlog.processors.JSONRenderer(serializer=_json) if as_json else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _Stamp(clock, as_json=as_json),
            structlog.processors.format_exc_info if as_json else _leave,
            _shorten,
            _Ranked(render) if is_journal(stream, environ) else render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Forward()]
    root.setLevel(logging.WARNING)


def wants_json(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """JSON unless a person is looking at the stream."""
    asked = environ.get("EBCD_LOG", "")
    if asked in ("json", "text"):
        return asked == "json"
    return "JOURNAL_STREAM" in environ or not stream.isatty()


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether journald is at the other end of the stream itself, and not only of some ancestor's (systemd.exec(5))."""
    if not environ.get("JOURNAL_STREAM"):
        return False
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):  # ValueError: closed, or no file at all
        return False
    return environ["JOURNAL_STREAM"] == f"{found.st_dev}:{found.st_ino}"


class _Ranked:
    """Puts the rank of a line before it."""

    def __init__(self, render: Processor) -> None:
        self._render = render

    def __call__(self, logger: object, method: str, event: Event) -> str:
        rank = RANKS.get(str(event.get("level")), RANKS["info"])
        return f"<{rank}>{self._render(logger, method, event)!s}"


class _Stamp:
    """Adds the time from the daemon's clock: the moment in JSON, the time of day for people; both Beijing."""

    def __init__(self, clock: Clock, *, as_json: bool) -> None:
        self._clock = clock
        self._as_json = as_json

    def __call__(self, _logger: object, _method: str, event: Event) -> Event:
        now = beijing(self._clock.wall())
        event["timestamp"] = now.isoformat(timespec="milliseconds") if self._as_json else f"{now:%H:%M:%S.%f}"[:-3]
        return event


class _Forward(logging.Handler):
    """A line of a library's own logging becomes an event."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass on one record."""
        log = structlog.get_logger(record.name)
        log.log(record.levelno, "library", logger=record.name, message=record.getMessage(), exc_info=record.exc_info)


def _leave(_logger: object, _method: str, event: Event) -> Event:
    return event


def _shorten(_logger: object, _method: str, event: Event) -> Event:
    """Cut long texts; a traceback is ours and stays whole."""
    for key, value in event.items():
        if isinstance(value, bytes):
            event[key] = value = value.hex()
        if isinstance(value, str) and len(value) > VALUE_CHARACTERS_MAX and key != "exception":
            event[key] = f"{value[:VALUE_CHARACTERS_MAX]}… ({len(value)} characters)"
    return event


def _json(event: Event, **_options: object) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
