"""What an archive says about itself: its last file, `manifest.json`, without which it does not count."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from ebcd.backup.errors import BackupError

FORMAT = 1
NAME = "manifest.json"
JOURNAL = "journal.db"
CONFIGURATION = "ebcd.toml"
INVENTORY = "inventory.csv"
ROSTER = "roster.csv"
MANIFEST_BYTES_MAX = 256 * 1024 * 1024  # 100 bytes a file: two million packages
_ALLOWED = re.compile(
    r"journal\.db|inventory\.csv|roster\.csv|ebcd\.toml|packages/[0-9a-f]{64}\.tar"
    r"|media/[0-9a-f]{64}\.(?:mp3|wav|aac|ogg|flac)|trust/[\w()+ -][\w.()+ -]{0,200}\.cer",
)


def is_allowed(name: str) -> bool:
    """Whether an archive may hold a file of this name; nothing else is ever written to disk."""
    return _ALLOWED.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class File:
    """One file of an archive."""

    name: str
    size_bytes: int
    sm3: str  # hex


@dataclass(frozen=True, slots=True)
class Head:
    """Where one county's chain stood."""

    stream: str
    seq: int
    hash: str  # hex


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything about the archive but its files' bytes."""

    made_at: float  # UTC seconds
    ebcd: str  # version that made it
    platform: str
    area: str
    heads: tuple[Head, ...]
    files: tuple[File, ...]
    secrets_left_out: tuple[str, ...] = ()  # keys of the configuration whose values are not in the archive
    packages_missing: int = 0  # packages the journal names that were no longer in their folder

    def to_json(self) -> bytes:
        """For the archive."""
        return orjson.dumps({"format": FORMAT, **asdict(self)}, option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, data: bytes, file: object) -> Manifest:
        """Raises BackupError for anything that is no manifest of this format."""
        try:
            told: dict[str, Any] = orjson.loads(data)
            if told.pop("format") != FORMAT:
                raise BackupError("newer", file=file)
            told["heads"] = tuple(Head(**each) for each in told["heads"])
            told["files"] = tuple(File(**each) for each in told["files"])
            told["secrets_left_out"] = tuple(told["secrets_left_out"])
            return cls(**told)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BackupError("damaged", file=file, detail=f"its manifest cannot be read ({error})") from error
