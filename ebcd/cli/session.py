"""What every command needs before it can ask the daemon: its socket, the language, the token."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ebcd.catalogue import text

CONFIG_PLACES = (Path("config/ebcd.toml"), Path("/etc/ebcd/ebcd.toml"))
DEFAULT_SOCKET = "run/ebcd.sock"
TOKEN_BYTES_MAX = 4_096
LANGUAGES = ("zh", "en")


class Failure(Exception):
    """A command failed: sentences for people, and the daemon's own answer where there was one."""

    def __init__(self, *sentences: str, payload: bytes | None = None, status: int = 1) -> None:
        super().__init__("; ".join(sentences))
        self.sentences = sentences
        self.payload = payload
        self.status = status  # exit status


@dataclass(frozen=True, slots=True)
class Session:
    """Where the daemon is and how to talk to its user."""

    socket: Path
    language: str
    token: str | None
    as_json: bool

    def say(self, key: str, **values: object) -> str:
        """A sentence of the catalogue."""
        return text(key, self.language, **values)


def startup_language(arguments: Sequence[str] = (), environment: Mapping[str, str] = os.environ) -> str:
    """The language of help and of usage errors, before any configuration is read: --lang, then EBCD_LANG, then LANG."""
    for at, argument in enumerate(arguments):
        told = argument.removeprefix("--lang=") if argument.startswith("--lang=") else ""
        if argument == "--lang" and at + 1 < len(arguments):
            told = arguments[at + 1]
        if told in LANGUAGES:
            return told
    return _known(environment.get("EBCD_LANG", "")) or _of_locale(environment)


def language_of(file: Path, language: str | None) -> str:
    """The language of a command that works on a configuration: --lang, EBCD_LANG, what the file says, LANG."""
    told = language or _known(os.environ.get("EBCD_LANG", ""))
    try:
        return told or _written_language(tomllib.loads(file.read_text(encoding="utf-8"))) or _of_locale(os.environ)
    except (OSError, ValueError, RecursionError):
        return _of_locale(os.environ)


def _written_language(told: dict[str, Any]) -> str:
    return _known(str(_table(told, "platform").get("language", "")))


def open_session(config: Path | None, language: str | None, token_file: Path | None, *, as_json: bool) -> Session:
    """Find the daemon.

    Only `[api] socket` and `[platform] language` are read and nothing is checked: a mistake elsewhere in the file must
    not stop a cancel. Raises Failure (exit status 2) without a readable configuration.
    """
    startup = language or startup_language(sys.argv)
    file = config_file(config, startup)
    try:
        told: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise Failure(text("cli.config_unreadable", startup, file=file, reason=error), status=2) from None
    socket = _table(told, "api").get("socket", DEFAULT_SOCKET)
    chosen = language or _known(os.environ.get("EBCD_LANG", "")) or _written_language(told) or _of_locale(os.environ)
    return Session(file.parent / str(socket), chosen, _token(token_file, chosen), as_json)


def config_file(given: Path | None, language: str) -> Path:
    """-c, then EBCD_CONFIG, then the usual places. Raises Failure (exit status 2) when there is none."""
    named = given or (Path(os.environ["EBCD_CONFIG"]) if os.environ.get("EBCD_CONFIG") else None)
    if named is not None:
        return named
    for place in CONFIG_PLACES:
        if place.is_file():
            return place
    raise Failure(text("cli.no_config", language, places=", ".join(map(str, CONFIG_PLACES))), status=2)


def _token(file: Path | None, language: str) -> str | None:
    named = file or (Path(os.environ["EBCD_TOKEN_FILE"]) if os.environ.get("EBCD_TOKEN_FILE") else None)
    if named is None:
        return None
    try:
        with named.open("rb") as stream:
            return stream.read(TOKEN_BYTES_MAX).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(text("cli.token_unreadable", language, file=named, reason=error), status=2) from None


def _table(told: dict[str, Any], name: str) -> dict[str, Any]:
    table = told.get(name, {})
    return table if isinstance(table, dict) else {}


def _known(language: str) -> str:
    return language if language in LANGUAGES else ""


def _of_locale(environment: Mapping[str, str]) -> str:
    named = environment.get("LC_ALL") or environment.get("LC_MESSAGES") or environment.get("LANG") or ""
    return "zh" if named.lower().startswith("zh") else "en"
