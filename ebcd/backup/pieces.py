"""Where the parts of an archive go, and how one of them takes the place of what is there."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ebcd.backup.digest import PIECE_BYTES, HashingReader
from ebcd.backup.manifest import CONFIGURATION, INVENTORY, JOURNAL, ROSTER, File, Manifest
from ebcd.settings import Settings

_BESIDE_DATABASE = ("-wal", "-shm", "-journal")
"""SQLite's own files: with another database they would be applied to it, so they go where it goes."""

_NAMED_BY_CONTENT = ("packages", "media")
"""Files that are there beyond the archive's are what their names say, and stay."""


_SINGLE = {"configuration": CONFIGURATION, "inventory": INVENTORY, "roster": ROSTER, "journal": JOURNAL}


class Does(StrEnum):
    """What becomes of a part."""

    NEW = "new"
    SAME = "same"  # byte for byte there already
    REPLACES = "replaces"
    STAYS = "stays"  # the configuration that is there says where everything goes


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of an archive: a file, or a folder of files."""

    name: str  # journal, packages, media, inventory, roster, trust, configuration
    target: Path
    does: Does
    files: tuple[File, ...]
    folder: bool

    @property
    def staged(self) -> Path:
        """Where it is built, on the disk it will live on."""
        return self.target.with_name(f".{self.target.name}.restored.part")

    def place(self, file: File) -> Path:
        """Where a file of the archive is built."""
        return self.staged / file.name.rpartition("/")[2] if self.folder else self.staged

    @property
    def moves(self) -> bool:
        """Whether anything is put in place."""
        return self.does in (Does.NEW, Does.REPLACES)

    def renames(self, suffix: str) -> list[tuple[Path, Path]]:
        """From and to: what is there goes to its name with `suffix`, then what was built to its target."""
        away = [self.target]
        if self.name == "journal":
            away += [self.target.with_name(self.target.name + end) for end in _BESIDE_DATABASE]
        moved = [path for path in away if path.is_file() or (path.is_dir() and any(path.iterdir()))]
        return [*((path, path.with_name(path.name + suffix)) for path in moved), (self.staged, self.target)]

    def discard(self) -> None:
        """Remove what was built, and what SQLite put beside it."""
        for path in self.staged.parent.glob(f"{self.staged.name}*"):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def pieces_of(manifest: Manifest, settings: Settings, database: Path, *, own_configuration: bool) -> list[Piece]:
    """Every part and what would become of it. Raises OSError."""
    groups: dict[str, list[File]] = {name: [] for name in ("packages", "media", "trust")}
    single: dict[str, File] = {}
    for file in manifest.files:
        group, slash, _ = file.name.partition("/")
        if slash:
            groups[group].append(file)
        else:
            single[file.name] = file
    found = []
    for name, target in (
        ("configuration", settings.file),
        ("trust", settings.trust.folder),
        ("inventory", settings.inventory.file),
        ("roster", settings.shift.roster),
        ("packages", settings.store.packages),
        ("media", settings.media.folder),
        ("journal", database),
    ):
        folder = name in groups
        named = _SINGLE.get(name, "")
        files = tuple(groups[name]) if folder else tuple(single[n] for n in (named,) if n in single)
        stays = name == "configuration" and own_configuration
        does = Does.STAYS if stays else _does(name, target, files, folder=folder)
        found.append(Piece(name, target, does, files, folder))
    return found


def _does(name: str, target: Path, files: tuple[File, ...], *, folder: bool) -> Does:
    if not target.exists() or (folder and not any(target.iterdir())):
        return Does.NEW if files or folder else Does.SAME
    if not files and name in ("media", "roster"):
        return Does.SAME  # the archive has none: no alert needed any, nobody was planned; what is there harms nobody
    if name == "journal":
        return Does.REPLACES  # equal bytes or not, the numbers given out since are skipped in the new one
    there = {path.name: path for path in target.iterdir() if path.is_file()} if folder else {target.name: target}
    wanted = {file.name.rpartition("/")[2] if folder else target.name: file for file in files}
    more = there.keys() - wanted.keys() if name not in _NAMED_BY_CONTENT else ()
    if more or any(name not in there or not is_same(there[name], file) for name, file in wanted.items()):
        return Does.REPLACES
    return Does.SAME


def is_same(path: Path, file: File) -> bool:
    """Whether a file on disk is the archive's. Raises OSError."""
    if path.stat().st_size != file.size_bytes:
        return False
    with path.open("rb") as source:
        reader = HashingReader(source)
        while reader.read(PIECE_BYTES):
            pass
    return reader.sm3 == file.sm3


def sync(path: Path) -> None:
    """Make a file or folder durable. Raises OSError."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_all(path: Path) -> None:
    """The same for a folder and everything in it."""
    if path.is_dir():
        for each in path.iterdir():
            sync_all(each)
    sync(path)


def owner_near(path: Path) -> tuple[int, int]:
    """User and group of the nearest folder that exists: root restores, the daemon's user must be able to write."""
    while not path.exists():
        path = path.parent
    found = path.stat()
    return found.st_uid, found.st_gid


def make_folder(folder: Path) -> None:
    """A folder that belongs to whom the one above it does. Raises OSError."""
    if not folder.exists():
        owner = owner_near(folder)
        make_folder(folder.parent)
        folder.mkdir(mode=0o750, exist_ok=True)
        give_to(folder, owner)


def give_to(path: Path, owner: tuple[int, int]) -> None:
    """Owner and modes of what was built; only root can give away, and only one's own can be changed. Raises OSError."""
    for each in (path, *path.rglob("*")) if path.is_dir() else (path,):
        if os.geteuid() in (0, each.stat().st_uid):
            each.chmod(0o750 if each.is_dir() else 0o640)
        if os.geteuid() == 0:
            os.chown(each, *owner)
