"""One backup: the journal as it is at one moment, and everything that a county cannot make again.

In the archive: the journal, the packages that came in, the sound that live alerts still need, inventory, duty roster,
certificates, the configuration without its secrets. Not in it: private keys, passwords, tokens, and sound of alerts
that are over.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from ebcd.backup.archive import ArchiveWriter, writing
from ebcd.backup.errors import BackupError, of_disk
from ebcd.backup.keeping import PARTIAL, archive_name
from ebcd.backup.manifest import CONFIGURATION, INVENTORY, JOURNAL, ROSTER, Head, Manifest
from ebcd.backup.pieces import give_to, make_folder, owner_near
from ebcd.backup.sealing import Sealer
from ebcd.backup.secrets import without_secrets
from ebcd.foundation import folded
from ebcd.media import is_name
from ebcd.settings import Settings
from ebcd.state import CountyState
from ebcd.store import StoreError
from ebcd.store.audit import Survey, load_journal, survey
from ebcd.store.copying import copy_database
from ebcd.store.engine import database_file, parse_url

LOCK = ".lock"
_CERTIFICATES = "*.cer"


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that is whole and on disk."""

    file: Path
    size_bytes: int
    sealed: bool
    manifest: Manifest
    took_s: float


@dataclass(frozen=True, slots=True)
class Doors:
    """Time, secret chance, and whether to give up."""

    wall: Callable[[], float]
    monotonic: Callable[[], float]
    entropy: Callable[[int], bytes]
    stopped: Callable[[], bool] = lambda: False

    def go_on(self) -> None:
        """Raises BackupError("stopped") where the daemon is ending."""
        if self.stopped():
            raise BackupError("stopped")


def make(settings: Settings, folder: Path, passphrase: bytes | None, doors: Doors) -> Made:
    """Write a new archive into `folder`; the daemon may be running. Nothing is left behind where it fails.

    Raises BackupError.
    """
    began_s, made_at = doors.monotonic(), doors.wall()
    database = journal_file(settings)
    try:
        make_folder(folder)
        with _alone(folder):
            _need_room(settings, database, folder)
            target = folder / archive_name(str(settings.platform.area), made_at, sealed=passphrase is not None)
            if target.exists():
                raise BackupError("exists", file=target)
            copy, partial = folder / f"{target.name}.db{PARTIAL}", folder / f"{target.name}{PARTIAL}"
            try:
                for path in (copy, partial):
                    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # nobody else reads on
                copy_database(database, copy, doors.go_on)
                manifest = _write(settings, copy, partial, passphrase, doors, made_at)
                size_bytes = partial.stat().st_size
                give_to(partial, owner_near(folder))
                os.replace(partial, target)
                _sync(folder)
            finally:
                _sweep(folder)
    except StoreError as error:
        what = "full" if error.reason == "full" else "store"
        raise BackupError(what, thing=error.thing, reason=str(error)) from error
    except OSError as error:
        raise of_disk(error, error.filename or folder) from error
    return Made(target, size_bytes, passphrase is not None, manifest, doors.monotonic() - began_s)


def journal_file(settings: Settings) -> Path:
    """The SQLite file of the configuration. Raises BackupError for a store that has none."""
    file = database_file(parse_url(settings.store.url))
    if file is None:
        raise BackupError("not_sqlite")
    if not file.is_file():
        raise BackupError("no_journal", file=file)
    return file


def passphrase_of(settings: Settings, environ: Mapping[str, str] = os.environ) -> bytes | None:
    """From the variable that `[backup] passphrase_env` names; None where it is not set."""
    return environ.get(settings.backup.passphrase_env, "").encode() or None


def _write(
    settings: Settings, copy: Path, partial: Path, passphrase: bytes | None, doors: Doors, made_at: float
) -> Manifest:
    """The journal goes first: whatever it speaks of was on disk before it was copied (I10)."""
    url = f"sqlite:///{copy}"
    found, stream = survey(url), str(settings.platform.area)
    text, left_out = _configuration(settings)
    with partial.open("r+b") as sink:
        sealer = Sealer(sink, passphrase, doors.entropy) if passphrase else None
        with writing(sink, sealer, made_at, doors.go_on) as archive:
            archive.add_file(JOURNAL, copy)
            archive.add_bytes(CONFIGURATION, text.encode())
            archive.add_file(INVENTORY, settings.inventory.file)
            if settings.shift.roster.is_file():
                archive.add_file(ROSTER, settings.shift.roster)
            for certificate in sorted(settings.trust.folder.glob(_CERTIFICATES)):
                archive.add_bytes(f"trust/{certificate.name}", certificate.read_bytes())
            missing = _packages(settings.store.packages, found, archive)
            for sound in sounds_of(folded(load_journal(url, stream)), settings.media.folder):
                archive.add_file(f"media/{sound.name}", sound)
            manifest = Manifest(
                made_at=made_at,
                ebcd=version("ebcd"),
                platform=str(settings.platform.code),
                area=stream,
                heads=tuple(Head(name, seq, link.hex()) for name, seq, link in found.heads),
                files=tuple(archive.files),
                secrets_left_out=left_out,
                packages_missing=missing,
            )
            archive.add_manifest(manifest)
        sink.flush()
        os.fsync(sink.fileno())
    return manifest


def _configuration(settings: Settings) -> tuple[str, tuple[str, ...]]:
    try:
        return without_secrets(settings.file.read_text(encoding="utf-8"), settings.file)
    except ValueError as error:  # it was changed since the daemon read it, and is no TOML any more
        raise BackupError("unreadable_text", file=settings.file, reason=error) from error


def _packages(folder: Path, found: Survey, archive: ArchiveWriter) -> int:
    """Every package that is in its folder; returns how many the journal names that are not."""
    missing = len(found.packages)
    for file in sorted(folder.glob("*.tar")):
        archive.add_file(f"packages/{file.name}", file)
        missing -= file.name in found.packages
    return missing


def sounds_of(state: CountyState, folder: Path) -> Iterator[Path]:
    """The files that alerts which are not over will still be heard from."""
    for name in sorted({record.alert.media.name for record in state.live_alerts() if record.alert.media}):
        if is_name(name) and (folder / name).is_file():
            yield folder / name


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One backup at a time in a folder, the daemon's or a person's; what a killed one left is removed."""
    fd = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError("busy", folder=folder) from None
        give_to(folder / LOCK, owner_near(folder))  # where root makes one by hand, the daemon must go on making them
        _sweep(folder)
        yield
    finally:
        os.close(fd)


def _sweep(folder: Path) -> None:
    for left in folder.glob(f"*{PARTIAL}*"):  # SQLite puts files of its own beside the copy
        left.unlink(missing_ok=True)


def _need_room(settings: Settings, database: Path, folder: Path) -> None:
    """A backup that fills the disk would stop the journal: better none, and told."""
    journal = sum(part.stat().st_size for part in database.parent.glob(f"{database.name}*") if part.is_file())
    packages = sum(file.stat().st_size for file in settings.store.packages.glob("*.tar"))
    needed = 2 * journal + packages + settings.backup.reserve_mb * 2**20
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BackupError("no_room", folder=folder, free_mb=free // 2**20, needed_mb=-(-needed // 2**20))


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
