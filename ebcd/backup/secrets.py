"""The configuration's text without its secrets: passwords of links, and whatever else is named like one."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from ebcd.backup.errors import BackupError

_SECRET = re.compile(r"password|passphrase|secret|(?:^|_)(?:token|key)$", re.IGNORECASE)
_HARMLESS = frozenset({"key", "key_passphrase_env", "passphrase_env"})
"""Names of files and of variables, which are no secrets themselves; neither is a token's SHA-256."""

_LINE = re.compile(
    r"""^(?P<key>\s*[\w-]+\s*=\s*)(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*')(?!["'])(?P<rest>.*)$""", re.MULTILINE
)


def without_secrets(text: str, file: object) -> tuple[str, tuple[str, ...]]:
    """The text with every secret emptied, and the keys those were. Comments stay.

    Raises BackupError where a secret is written in a way that is not understood here: it must not slip through.
    """
    left_out = tuple(where for where, _ in _secrets(tomllib.loads(text)))
    emptied = _LINE.sub(_emptied, text)
    if slipped := [where for where, _ in _secrets(tomllib.loads(emptied))]:
        raise BackupError("secret", file=file, key=slipped[0])
    return emptied, left_out


def _emptied(line: re.Match[str]) -> str:
    name = line["key"].split("=")[0].strip()
    return f'{line["key"]}""{line["rest"]}' if is_secret(name) else line[0]


def is_secret(key: str) -> bool:
    """Whether the value of a key of this name must not leave the machine."""
    return key not in _HARMLESS and _SECRET.search(key) is not None


def _secrets(table: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Place and value of every secret that is not empty."""
    pairs = table.items() if isinstance(table, dict) else enumerate(table) if isinstance(table, list) else ()
    for key, value in pairs:
        where = f"{at}[{key}]" if isinstance(key, int) else f"{at}.{key}" if at else str(key)
        if isinstance(value, dict | list):
            yield from _secrets(value, where)
        elif isinstance(key, str) and is_secret(key) and value not in ("", None):
            yield where, str(value)
