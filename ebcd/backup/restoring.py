"""An archive back into place. Everything is built and judged beside its target; only then names are changed.

While names change, a mark stands beside the database and nobody opens it (`ebcd.store.engine.restore_mark`): a restore
that is killed before has changed nothing, one killed in between is told to whoever starts the daemon. What was there
is kept under another name. For the daemon the first start afterwards is a restart: what is on air is asked for, what
has expired never starts (I3, I7), and numbers that were given out since the backup are left out.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from devices.ports import Clock
from ebcd import facts
from ebcd.backup.archive import read_archive
from ebcd.backup.errors import BackupError, of_disk
from ebcd.backup.manifest import CONFIGURATION, JOURNAL, Head, Manifest
from ebcd.backup.pieces import Does, Piece, give_to, make_folder, owner_near, pieces_of, sync, sync_all
from ebcd.clock import beijing
from ebcd.errors import ConfigError
from ebcd.foundation import folded
from ebcd.lifecycle import AlertEvent
from ebcd.settings import Settings, load, load_text
from ebcd.state import AlertRecord
from ebcd.store import NewEvent, StoreError, open_store
from ebcd.store.audit import load_journal, page_damage, survey, verify_journal
from ebcd.store.counters import EBM_SERIAL_MAX
from ebcd.store.engine import FileLock, database_file, parse_url, restore_mark
from ebcd.store.migrations.runner import known_versions
from ebcd.store.tables import SCHEMA_VERSION

EBM_SERIALS_LOST_MAX = 2_000
"""More than a county's operators write between a backup and its restore on one day, of the 9,999 that a day has."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a restore would do. The archive was read to its end and every digest and chain holds."""

    archive: Path
    manifest: Manifest
    settings: Settings
    database: Path
    pieces: tuple[Piece, ...]
    live: tuple[AlertRecord, ...]  # alerts that were not over when the backup was made

    @property
    def in_the_way(self) -> Path | None:
        """The first thing that would be replaced."""
        return next((piece.target for piece in self.pieces if piece.does is Does.REPLACES), None)


def plan(archive: Path, config: Path, passphrase: bytes | None) -> Plan:
    """Read and judge an archive and say what would be done with it; writes to the temporary folder only.

    Where `config` does not exist, the archive's own configuration says where things go and is put there.
    Raises BackupError.
    """
    try:
        with TemporaryDirectory(prefix="ebcd-restore-") as name:
            here = Path(name)
            wanted = {JOURNAL: here / JOURNAL, CONFIGURATION: here / CONFIGURATION}
            manifest = read_archive(archive, passphrase, wanted.get)
            settings = _settings(config, here / CONFIGURATION, archive)
            if str(settings.platform.area) != manifest.area:
                raise BackupError("other_county", area=manifest.area, own=settings.platform.area)
            database = database_file(parse_url(settings.store.url))
            if database is None:
                raise BackupError("not_sqlite")
            live = _judge(here / JOURNAL, manifest, archive)
            pieces = pieces_of(manifest, settings, database, own_configuration=config.exists())
            return Plan(archive, manifest, settings, database, tuple(pieces), live)
    except StoreError as error:
        raise BackupError("damaged", file=archive, detail=str(error)) from error
    except OSError as error:
        raise of_disk(error, error.filename or archive) from error


@dataclass(frozen=True, slots=True)
class Wish:
    """Who restores, and how."""

    actor: str
    replace: bool = False  # what is in the way goes under another name
    cancel_live: bool = False  # alerts that were not over are cancelled: nobody knows what became of them since


def carry_out(planned: Plan, passphrase: bytes | None, clock: Clock, wish: Wish) -> str:
    """Do it; returns the suffix under which what was there is kept. Raises BackupError: then nothing was replaced."""
    if planned.in_the_way is not None and not wish.replace:
        raise BackupError("not_empty", target=planned.in_the_way)
    suffix = f".before-{beijing(clock.wall()):%Y%m%dT%H%M%S}"
    moving = [piece for piece in planned.pieces if piece.moves]
    owners = {piece.name: owner_near(piece.target.parent) for piece in planned.pieces}
    try:
        with _nobody_else(planned.database):
            try:
                _build(planned, moving, passphrase, clock, wish)
                for piece in moving:
                    give_to(piece.staged, owners[piece.name])
                    sync_all(piece.staged)
                _put_in_place(planned, moving, suffix)
            finally:
                for piece in moving:
                    piece.discard()
    except StoreError as error:
        what = "full" if error.reason == "full" else "store"
        raise BackupError(what, thing=error.thing, reason=str(error)) from error
    except OSError as error:
        raise of_disk(error, error.filename or planned.database) from error
    return suffix


# ---- judging -------------------------------------------------------------------------------------------------------


def _settings(config: Path, archived: Path, archive: Path) -> Settings:
    """The configuration that counts, as if it stood at `config`."""
    try:
        if config.exists():
            return load(config)
        return load_text(archived.read_text(encoding="utf-8"), config)
    except ConfigError as error:
        named = config if config.exists() else archive
        raise BackupError("config_broken", file=named, reason=str(error.problems[0])) from error


def _judge(journal: Path, manifest: Manifest, archive: Path) -> tuple[AlertRecord, ...]:
    """The journal of an archive: sound pages, known schema, whole chains that end where the manifest says."""
    if damage := page_damage(journal):
        raise BackupError("damaged", file=archive, detail=damage)
    url = f"sqlite:///{journal}"
    if (version := survey(url).schema) not in known_versions():
        raise BackupError("schema", file=archive, version=version, known=SCHEMA_VERSION)
    verdicts = verify_journal(url)
    for verdict in verdicts:
        if not verdict.whole:
            raise BackupError("broken_chain", file=archive, row=verdict.broken_at, detail=verdict.detail)
    heads = {Head(each.stream, each.head_seq, each.head_hash.hex()) for each in verdicts}
    if heads != set(manifest.heads):
        raise BackupError("damaged", file=archive, detail="its journal does not end where its manifest says")
    return tuple(folded(load_journal(url, manifest.area)).live_alerts())


# ---- doing ---------------------------------------------------------------------------------------------------------


@contextmanager
def _nobody_else(database: Path) -> Iterator[None]:
    """No daemon and no other restore."""
    make_folder(database.parent)
    try:
        lock = FileLock(database)
    except StoreError as error:
        raise BackupError("running", database=database, reason=error.value) from error
    try:
        give_to(lock.path, owner_near(database.parent))
        yield
    finally:
        lock.release()


def _build(planned: Plan, moving: list[Piece], passphrase: bytes | None, clock: Clock, wish: Wish) -> None:
    places: dict[str, Path] = {}
    for piece in moving:
        piece.discard()  # of an earlier try that was killed
        make_folder(piece.target.parent)
        if piece.folder:
            piece.staged.mkdir(mode=0o750)
        places |= {file.name: piece.place(file) for file in piece.files}
    again = read_archive(planned.archive, passphrase, places.get)
    if again != planned.manifest:
        raise BackupError("damaged", file=planned.archive, detail="it was changed while it was read")
    journal = next(piece for piece in moving if piece.name == "journal")
    asyncio.run(_begin(journal.staged, planned, clock, wish))


async def _begin(journal: Path, planned: Plan, clock: Clock, wish: Wish) -> None:
    """The first thing that the restored journal says is that it was restored."""
    now_s, manifest = clock.wall(), planned.manifest
    day = f"{beijing(now_s):%Y%m%d}"
    state = folded(load_journal(f"sqlite:///{journal}", manifest.area))
    used = [int(known[-4:]) for known in state.alerts if known.startswith(f"{manifest.platform}{day}")]
    serial = min(max([*used, state.serials_lost.get(day, 0)]) + EBM_SERIALS_LOST_MAX, EBM_SERIAL_MAX)
    entered = [facts.journal_restored(planned.archive.name, manifest.made_at, day, serial, now_s, wish.actor)]
    if wish.cancel_live:
        live = [record.alert.id for record in state.live_alerts()]
        entered += [facts.alert_moved(each, AlertEvent.CANCEL, now_s, wish.actor, "restored") for each in live]
    store = open_store(
        f"sqlite:///{journal}", clock=clock, packages=journal.with_name(f"{journal.name}.x"), inline=True
    )
    try:
        events = [NewEvent(manifest.area, f.kind, f.actor, f.payload, f.alert, f.at) for f in entered]
        await store.begin_restored(events)
    finally:
        await store.close()
    left = journal.with_name(f"{journal.name}-wal")
    if left.exists() and left.stat().st_size:
        raise BackupError("disk", thing=left, reason="SQLite did not write it into its database")


def _put_in_place(planned: Plan, moving: list[Piece], suffix: str) -> None:
    """The journal last. What fails in between is taken back; where even that fails, or nobody is left to do it, the
    mark keeps everybody from starting on half of it."""
    mark = restore_mark(planned.database)
    mark.write_text(f"{planned.archive}\n", encoding="utf-8")
    sync(mark)
    sync(mark.parent)
    done: list[tuple[Path, Path]] = []
    try:
        for piece in sorted(moving, key=lambda piece: piece.name == "journal"):
            for old, new in piece.renames(suffix):
                os.rename(old, new)
                done.append((old, new))
            sync(piece.target.parent)
    except OSError:
        for old, new in reversed(done):
            os.rename(new, old)
        mark.unlink()
        raise
    mark.unlink()
    sync(mark.parent)
