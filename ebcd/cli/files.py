"""Files that commands read and write: bounded, with sentences for what goes wrong."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from ebcd.catalogue import text
from ebcd.cli.session import Failure
from ebcd.decode.hexadecimal import from_hex
from protocols.errors import RemoteProtocolError
from protocols.signature import Certificate
from protocols.sm2 import PublicKey

STDIN = "-"
FILE_BYTES_MAX = 256 * 1024 * 1024  # a province's package with its sound, and some more


def the_file(argument: str) -> Path | None:
    """The file of this name, if there is one."""
    try:
        path = Path(argument)
        return path if path.exists() and not path.is_dir() else None
    except (OSError, ValueError):  # longer than any name, or with a zero byte
        return None


def is_folder(argument: str) -> bool:
    """Whether a folder has this name."""
    try:
        return bool(argument) and Path(argument).is_dir()
    except (OSError, ValueError):
        return False


def read_bytes(file: Path | None, language: str) -> bytes:
    """A file's content; standard input for None. Raises Failure (exit status 2)."""
    try:
        if file is None and sys.stdin is None:  # closed by whoever started us
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        if file is None:
            data = sys.stdin.buffer.read(FILE_BYTES_MAX + 1)
        else:
            with file.open("rb") as stream:
                data = stream.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Failure(text("decode.unreadable", language, file=file or STDIN, reason=reason), status=2) from None
    if len(data) > FILE_BYTES_MAX:
        raise Failure(text("decode.too_large", language, file=file or STDIN, limit=FILE_BYTES_MAX), status=2)
    return data


def read_certificate(file: Path, language: str) -> Certificate:
    """A certificate, 143 bytes or their hexadecimal. Raises Failure (exit status 2)."""
    data = read_bytes(file, language)
    try:
        certificate = Certificate.decode(from_hex(data.decode("ascii", "replace")) or data)
        PublicKey(certificate.public_key)
    except RemoteProtocolError as error:
        raise Failure(text("decode.not_certificate", language, file=file, reason=error.detail), status=2) from None
    return certificate


def write_bytes(file: str, data: bytes, language: str) -> None:
    """To a file, or to standard output for "-". Raises Failure."""
    try:
        if file == STDIN:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        else:
            Path(file).write_bytes(data)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Failure(text("decode.unwritable", language, file=file, reason=reason)) from None


def write_new(file: str, data: bytes, language: str) -> None:
    """Like `write_bytes`, but what is there already stays: it may be a key. Raises Failure."""
    must_be_new(file, language)
    if file == STDIN:
        write_bytes(file, data, language)
        return
    try:
        with Path(file).open("xb") as out:
            out.write(data)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Failure(text("decode.unwritable", language, file=file, reason=reason)) from None


def must_be_new(file: str, language: str) -> None:
    """Raises Failure for a file that exists; for before anything else is made."""
    if file != STDIN and os.path.lexists(file):
        raise Failure(text("cert.exists", language, file=file))
