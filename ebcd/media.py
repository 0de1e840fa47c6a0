"""The folder of sound: files named by the SM3 of what is in them, written once, never changed (I9)."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ebcd.errors import EbcdError
from protocols.sm2 import sm3

CONTENT_TYPES = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "aac": "audio/aac",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
}
FILE_BYTES_MAX = 100_000_000
SM3_HEX = 64
_PART = ".part"
_HEX = frozenset("0123456789abcdef")


class MediaRefused(EbcdError):
    """The bytes cannot be kept: empty, too many, or of a kind that is not served."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One file in the folder. Devices fetch it as BASE_URL/media/`name`."""

    sm3: str
    name: str
    path: Path
    size_bytes: int


def is_name(name: str) -> bool:
    """Whether `name` can be in the folder: digest, dot, known extension. Nothing else is ever opened."""
    digest, dot, extension = name.partition(".")
    return len(digest) == SM3_HEX and _HEX.issuperset(digest) and dot == "." and extension in CONTENT_TYPES


class MediaStore:
    """Writes and finds files. Stateless but for the folder, so any thread may use it."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder and clears what an interrupted write left. Raises OSError."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"*{_PART}"):
            left.unlink(missing_ok=True)

    def put(self, data: bytes, extension: str) -> Stored:
        """Keep `data`; on disk when this returns (I10). The same bytes give the same name again.

        Raises MediaRefused and OSError.
        """
        extension = extension.lower().lstrip(".")
        if extension not in CONTENT_TYPES:
            raise MediaRefused(f"media extension {extension!r} is not served; use one of {', '.join(CONTENT_TYPES)}")
        if not 0 < len(data) <= FILE_BYTES_MAX:
            raise MediaRefused(f"a media file of {len(data)} bytes; 1 to {FILE_BYTES_MAX} are possible")
        digest = sm3(data).hex()
        path = self.folder / f"{digest}.{extension}"
        if not _holds(path, data):
            self._write(path, data)
        return Stored(digest, path.name, path, len(data))

    def find(self, name: str) -> Stored | None:
        """The file of this name; None where there is none or the name is impossible."""
        if not is_name(name):
            return None
        path = self.folder / name
        try:
            size_bytes = path.stat().st_size
        except OSError:
            return None
        return Stored(name[:SM3_HEX], name, path, size_bytes)

    def _write(self, path: Path, data: bytes) -> None:
        """Under another name first: after a crash there is the whole file or none."""
        descriptor, part = tempfile.mkstemp(_PART, dir=self.folder)
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(part).chmod(0o644)
            os.replace(part, path)
        except OSError:
            Path(part).unlink(missing_ok=True)
            raise
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False
