"""Raw packages as files named by their SM3: whole and durable under their name, or not there at all."""

from __future__ import annotations

import errno
import os
from itertools import count
from pathlib import Path

from protocols.sm2 import sm3

from .errors import StoreError

_UNFINISHED = ".part"


class PackageFolder:
    """The folder of received packages. Two threads may write the same content at once."""

    def __init__(self, folder: Path, *, fsync: bool) -> None:
        self._folder = folder
        self._fsync = fsync
        self._attempts = count()

    def sweep(self) -> int:
        """Make the folder; remove what a killed process left unfinished. Returns how many files that were."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            unfinished = list(self._folder.glob(f"*{_UNFINISHED}"))
            for path in unfinished:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise self._told(error) from error
        return len(unfinished)

    def write(self, raw: bytes) -> tuple[str, str, int]:
        """Put the bytes on disk; returns file name, SM3 in hex and size. Raises StoreError, leaving nothing behind."""
        digest = sm3(raw).hex()
        name = f"{digest}.tar"
        target = self._folder / name
        partial = self._folder / f"{digest}.{os.getpid()}-{next(self._attempts)}{_UNFINISHED}"
        try:
            if target.exists() and target.read_bytes() == raw:
                self._sync_folder()  # its writer may have been killed between rename and fsync
                return name, digest, len(raw)
            with open(partial, "xb") as file:
                file.write(raw)
                file.flush()
                if self._fsync:
                    os.fsync(file.fileno())
            os.replace(partial, target)
            self._sync_folder()
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise self._told(error) from error
        return name, digest, len(raw)

    def read(self, name: str) -> bytes:
        """A package's bytes. Raises StoreError where the file is missing or is not what its name says."""
        try:
            raw = (self._folder / name).read_bytes()
        except OSError as error:
            raise self._told(error) from error
        if f"{sm3(raw).hex()}.tar" != name:
            raise StoreError("corrupt", f"package {name}", "its SM3 is not its name", "restore it from a backup")
        return raw

    def _sync_folder(self) -> None:
        if not self._fsync:
            return
        fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def _told(self, error: OSError) -> StoreError:
        reason = {errno.ENOSPC: "full", errno.EDQUOT: "full", errno.EROFS: "readonly", errno.EACCES: "readonly"}
        what = error.strerror or str(error)
        return StoreError(
            reason.get(error.errno or 0, "io"),
            f"packages folder {self._folder}",
            what,
            "see that it exists, has room and belongs to the daemon's user",
        )
