"""TAR archives of the platform interface: a tolerant reader, a strict writer (POSIX.1-1988 ustar; platform.md 1.4, 8).

The reader works on bytes in memory and unpacks nothing to disk. It accepts what deployed peers send (old v7 and GNU
headers, long names, `./`, missing or surplus bytes at the end) and refuses what could reach outside: links, devices,
absolute names, `..`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from protocols.errors import LocalProtocolError, RemoteProtocolError

BLOCK = 512
NAME_BYTES_MAX = 100  # what a ustar header holds without a prefix
ENTRIES_MAX = 256
LONG_NAME_BYTES_MAX = 4096

_FILES = frozenset(b"0\0" + b"7")  # regular, regular of v7, contiguous
_LINKS = frozenset(b"12346")  # hard link, symbolic link, devices, pipe
_DIRECTORY, _GNU_LONG_NAME, _GNU_LONG_LINK, _GNU_SPARSE, _PAX, _PAX_GLOBAL = b"5LKSxg"
_GNU_SPARSE_KEY = b"GNU.sparse."  # how PAX archives say that a file's holes were left out
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"PK": "zip"}
_DRIVE = re.compile("[A-Za-z]:")  # of Windows
_OURS = re.compile(rb"(?:\./)?EBD[BIRS]_")
CUT_HEADER = "the archive ends inside the header of another file"
"""Without that file a package may look as if it had never been signed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: its bare name (folders removed) and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class _Told:
    """What entries before a file say of it: GNU `L` its name, PAX `x` name, size and how it is stored."""

    name: bytes | None = None
    size: int | None = None
    sparse: bool = False


def read(archive: bytes, *, entries_max: int = ENTRIES_MAX) -> Iterator[Entry]:
    """The files of an archive, in order.

    Tolerated: no end-of-archive blocks, the last block not filled up, any bytes after the end, zero blocks between
    entries; not a header that was cut, since its file would be missed. Raises RemoteProtocolError: tar, tar-name,
    tar-link, tar-limit.
    """
    at, entries, ended, told = 0, 0, False, _Told()
    while at + BLOCK <= len(archive):
        header = archive[at : at + BLOCK]
        if not any(header):
            ended = True
            at += BLOCK
            continue
        if not _checksum_is_right(header):
            if ended:
                return  # bytes after the end of the archive
            raise RemoteProtocolError("tar", _what_else(archive[at:]), offset=at)
        ended = False
        kind = header[156]
        size = _number(header[124:136], at) if told.size is None or kind not in _FILES else told.size
        start = at + BLOCK
        if start + size > len(archive):
            raise RemoteProtocolError("tar", f"an entry of {size} bytes is cut off", offset=at)
        entries += 1
        if entries > entries_max:
            raise RemoteProtocolError("tar-limit", f"more than {entries_max} entries", offset=at)
        if kind in (_GNU_LONG_NAME, _PAX):
            told = _told(archive[start : start + size], kind, at, told)
        elif kind in _LINKS:
            raise RemoteProtocolError("tar-link", f"entry type {chr(kind)} is no file", offset=at)
        elif kind == _GNU_SPARSE or told.sparse:
            raise RemoteProtocolError("tar", "a sparse file; files are needed as they are", offset=at)
        elif kind in _FILES:
            name = _bare(told.name or _header_name(header), at)
            if name:  # v7 writes a folder as a file whose name ends with a slash
                yield Entry(name, archive[start : start + size])
            told = _Told()
        elif kind not in (_DIRECTORY, _GNU_LONG_LINK, _PAX_GLOBAL):
            raise RemoteProtocolError("tar", f"entry type {chr(kind)!r} is unknown", offset=at)
        at = start + -(-size // BLOCK) * BLOCK
    if not ended and _OURS.match(archive, at):
        raise RemoteProtocolError("tar", CUT_HEADER, offset=at)


def write(entries: list[Entry]) -> bytes:
    """An archive that the peers of platform.md 8.1 can find by its first bytes: ustar, bare names, files only.

    Raises LocalProtocolError for a name that does not fit or is not bare.
    """
    parts = []
    for entry in entries:
        parts += [_header(entry), entry.data, bytes(-len(entry.data) % BLOCK)]
    parts.append(bytes(2 * BLOCK))
    return b"".join(parts)


def is_archive(data: bytes) -> bool:
    """Whether the bytes begin with a TAR header."""
    return len(data) >= BLOCK and any(data[:BLOCK]) and _checksum_is_right(data[:BLOCK])


def _header(entry: Entry) -> bytes:
    name = entry.name.encode()
    if not name or len(name) > NAME_BYTES_MAX:
        raise LocalProtocolError(f"file name {entry.name!r} has {len(name)} bytes, 1 to {NAME_BYTES_MAX} fit")
    if set("/\\\0") & set(entry.name) or entry.name in (".", ".."):
        raise LocalProtocolError(f"file name {entry.name!r} is not bare")
    header = bytearray(BLOCK)
    header[0 : len(name)] = name
    header[100:108] = b"0000644\0"
    header[108:116] = header[116:124] = b"0000000\0"  # uid, gid
    header[124:136] = b"%011o\0" % len(entry.data)
    header[136:148] = b"00000000000\0"  # no time: the same package is the same bytes
    header[156] = ord("0")
    header[257:265] = b"ustar\x0000"
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def _checksum_is_right(header: bytes) -> bool:
    """Sum of the header's bytes with blanks in its own place; old writers summed signed bytes."""
    field = header[148:156].strip(b" \0")
    if not field or not all(digit in b"01234567" for digit in field):
        return False
    rest = header[:148] + b" " * 8 + header[156:]
    told, unsigned = int(field, 8), sum(rest)
    return told == unsigned or told == unsigned - 256 * sum(byte > 127 for byte in rest)


def _number(field: bytes, at: int) -> int:
    """Octal digits, or GNU base-256 for sizes that no package may have anyway."""
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    digits = field.strip(b" \0")
    if not all(digit in b"01234567" for digit in digits):
        raise RemoteProtocolError("tar", f"size {field!r} is not octal", offset=at)
    return int(digits or b"0", 8)


def _header_name(header: bytes) -> bytes:
    name = header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0]
    if header[257:263] == b"ustar\0" and prefix:  # GNU keeps other things there
        return prefix + b"/" + name
    return name


def _told(data: bytes, kind: int, at: int, before: _Told) -> _Told:
    """What an `L` or `x` entry adds to what is known of the next file."""
    if len(data) > LONG_NAME_BYTES_MAX:
        raise RemoteProtocolError("tar-limit", f"{len(data)} bytes of extended header", offset=at)
    if kind == _GNU_LONG_NAME:
        return replace(before, name=data.rstrip(b"\0") or before.name)
    told = before
    while data:
        length, blank, _rest = data.partition(b" ")
        if not (blank and length.isdigit() and len(length) < 8 and len(length) + 1 < int(length) <= len(data)):
            break  # filling, or no PAX at all
        key, _, value = data[len(length) + 1 : int(length)].rstrip(b"\n").partition(b"=")
        if key == b"path":
            told = replace(told, name=value)
        elif key == b"size" and value.isdigit() and len(value) < 20:
            told = replace(told, size=int(value))
        elif key.startswith(_GNU_SPARSE_KEY):
            told = replace(told, sparse=True)
        data = data[int(length) :]
    return told


def _what_else(data: bytes) -> str:
    """What is wrong with bytes that do not begin with a header."""
    kind = next((name for magic, name in _COMPRESSED.items() if data.startswith(magic)), "")
    return f"the archive is packed by {kind}; a plain TAR is needed" if kind else "a header's checksum is wrong"


def _bare(raw: bytes, at: int) -> str:
    """The file name without folders. Raises RemoteProtocolError("tar-name")."""
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        name = raw.decode("gb18030", "replace")  # Windows writers use the local charset
    if not name.isprintable():
        raise RemoteProtocolError("tar-name", f"{name!r} has control characters", offset=at)
    name = name.replace("\\", "/")
    if raw.startswith(b"\\"):
        name = name.removeprefix("/")  # one vendor puts a backslash before the name (platform.md 8.2)
    parts = name.split("/")
    if parts[0] == "" or ".." in parts or _DRIVE.match(name):
        raise RemoteProtocolError("tar-name", f"{name!r} reaches outside the package", offset=at)
    return "" if parts[-1] in ("", ".") else parts[-1]
