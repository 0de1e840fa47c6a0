"""The archive as bytes: a tar under gzip, sealed where there is a passphrase, its manifest last.

Unsealed archives can be looked at with `tar tzf`. `make` gives the final name to what is whole, never to less.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO, cast

from ebcd.backup.digest import PIECE_BYTES, HashingReader
from ebcd.backup.errors import BackupError, of_disk
from ebcd.backup.manifest import MANIFEST_BYTES_MAX, NAME, File, Manifest, is_allowed
from ebcd.backup.sealing import MAGIC, Opener, Sealer

GZIP_LEVEL = 1  # the journal shrinks to a third; sound does not shrink at any level
_GZIP = b"\x1f\x8b"

GoOn = Callable[[], None]
"""Called every megabyte; raises BackupError where nobody waits for the archive any more."""


class ArchiveWriter:
    """Adds files one by one, the manifest last. Made by `writing`."""

    def __init__(self, tar: tarfile.TarFile, made_at: float, go_on: GoOn) -> None:
        self._tar = tar
        self._made_at = made_at
        self._go_on = go_on
        self.files: list[File] = []

    def add_bytes(self, name: str, data: bytes) -> None:
        """A file from memory."""
        self._add(name, len(data), io.BytesIO(data))

    def add_file(self, name: str, path: Path) -> None:
        """A file from disk, which must not change meanwhile. Raises BackupError, OSError."""
        with path.open("rb") as source:
            self._add(name, path.stat().st_size, source)

    def add_manifest(self, manifest: Manifest) -> None:
        """The last one."""
        self._put(NAME, len(data := manifest.to_json()), io.BytesIO(data))

    def _add(self, name: str, size_bytes: int, source: BinaryIO) -> None:
        if not is_allowed(name):
            raise BackupError("name", name=name)
        self.files.append(File(name, size_bytes, self._put(name, size_bytes, source)))

    def _put(self, name: str, size_bytes: int, source: BinaryIO) -> str:
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = size_bytes, int(self._made_at), 0o640
        reader = HashingReader(source, self._go_on)
        self._tar.addfile(info, cast(IO[bytes], reader))
        return reader.sm3


@contextmanager
def writing(sink: BinaryIO, sealer: Sealer | None, made_at: float, go_on: GoOn) -> Iterator[ArchiveWriter]:
    """A writer whose layers end in their order where the block does, and write no more where it fails."""
    plain = gzip.GzipFile("", "wb", GZIP_LEVEL, cast(IO[bytes], sealer or sink), mtime=0)
    try:
        with tarfile.open(fileobj=plain, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            tar.copybufsize = PIECE_BYTES  # type: ignore[attr-defined]  # typeshed leaves it out
            yield ArchiveWriter(tar, made_at, go_on)
        plain.close()
        if sealer is not None:
            sealer.close()
    finally:
        with suppress(OSError, ValueError):  # a full disk takes the last bytes no more than it took the others
            plain.close()
        if sealer is not None:
            sealer.abandon()


Place = Callable[[str], Path | None]
"""Where a file of the archive goes; None where it is only to be checked."""


def read_archive(file: Path, passphrase: bytes | None, place: Place) -> Manifest:
    """Read everything, put each file in its place and judge it: returns only when every digest is right.

    Raises BackupError: no archive, wrong passphrase, damaged, no room.
    """
    try:
        with file.open("rb") as source, closing(_opened(source, passphrase, file)) as plain:
            found, manifest = _files(plain, file, place)
    except (gzip.BadGzipFile, EOFError, zlib.error, tarfile.TarError) as error:
        raise BackupError("damaged", file=file, detail=str(error) or "it is cut short") from error
    except OSError as error:
        raise of_disk(error, error.filename or file) from error
    if manifest is None:
        raise BackupError("damaged", file=file, detail="it has no manifest at its end")
    if sorted(found, key=_by_name) != sorted(manifest.files, key=_by_name):
        wrong = {each.name for each in set(found) ^ set(manifest.files)}
        raise BackupError("damaged", file=file, detail=f"{min(wrong)} is not what its manifest says")
    return manifest


def _by_name(file: File) -> str:
    return file.name


def _opened(source: BinaryIO, passphrase: bytes | None, file: Path) -> gzip.GzipFile:
    magic = source.read(len(MAGIC))
    source.seek(0)
    if magic == MAGIC:
        if passphrase is None:
            raise BackupError("sealed", file=file)
        return gzip.GzipFile("", "rb", fileobj=cast(IO[bytes], io.BufferedReader(Opener(source, passphrase, file))))
    if not magic.startswith(_GZIP):
        raise BackupError("not_archive", file=file)
    return gzip.GzipFile("", "rb", fileobj=source)


def _files(plain: gzip.GzipFile, file: Path, place: Place) -> tuple[list[File], Manifest | None]:
    found: list[File] = []
    manifest: Manifest | None = None
    names: set[str] = set()
    with tarfile.open(fileobj=plain, mode="r|") as tar:
        for info in tar:
            content = tar.extractfile(info) if info.isreg() else None
            allowed = is_allowed(info.name) or info.name == NAME
            if content is None or manifest is not None or not allowed or info.name in names:
                raise BackupError("damaged", file=file, detail=f"{info.name!r} does not belong into it")
            names.add(info.name)
            reader = HashingReader(cast(BinaryIO, content))
            if info.name == NAME:
                if info.size > MANIFEST_BYTES_MAX:
                    raise BackupError("damaged", file=file, detail="its manifest is too long")
                manifest = Manifest.from_json(reader.read(), file)
            else:
                _write(reader, place(info.name))
                found.append(File(info.name, reader.size_bytes, reader.sm3))
    while plain.read(PIECE_BYTES):  # the checksum stands behind the last byte
        pass
    return found, manifest


def _write(reader: HashingReader, path: Path | None) -> None:
    if path is None:
        while reader.read(PIECE_BYTES):
            pass
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as sink:
        while piece := reader.read(PIECE_BYTES):
            try:
                sink.write(piece)
                sink.flush()
            except OSError as error:
                raise of_disk(error, path) from error
