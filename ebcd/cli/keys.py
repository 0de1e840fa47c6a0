"""Private keys and stores that commands without a daemon are told by options, files and the environment."""

from __future__ import annotations

import os
from pathlib import Path

from ebcd.catalogue import text
from ebcd.cli.session import Failure, config_file
from ebcd.errors import ConfigError
from ebcd.settings import Settings, load
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.signature import CertificateNumber, number_from_text
from protocols.sm2 import PrivateKey

KEY_BYTES_MAX = 65_536


def passphrase_in(variable: str) -> bytes | None:
    """The passphrase in a variable of the environment; None where it is not set."""
    return os.environ.get(variable, "").encode() or None


def read_key(file: Path, language: str, variable: str) -> PrivateKey:
    """A PKCS#8 key. Raises Failure (exit status 2)."""
    try:
        with file.open("rb") as stream:
            return PrivateKey.from_pkcs8(stream.read(KEY_BYTES_MAX), passphrase_in(variable))
    except OSError as error:
        reason = error.strerror or str(error)
    except RemoteProtocolError as error:
        reason = error.detail
    except LocalProtocolError as error:
        reason = str(error)
    raise Failure(text("cert.key_unusable", language, file=file, reason=reason), status=2)


def write_private(file: Path, pem: bytes, language: str) -> None:
    """A new file that only its owner may read. Raises Failure where there is one already."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as sink:
            sink.write(pem)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Failure(text("decode.unwritable", language, file=file, reason=reason)) from None


def certificate_number(written: str, language: str) -> CertificateNumber:
    """Twelve hex digits. Raises Failure (exit status 2)."""
    try:
        return number_from_text(written)
    except LocalProtocolError as error:
        raise Failure(text("cert.bad_value", language, value=written, reason=error), status=2) from None


def settings_of(config: Path | None, language: str) -> Settings:
    """The configuration. Raises Failure (exit status 2) with every problem."""
    try:
        return load(config_file(config, language))
    except ConfigError as error:
        raise Failure(*(problem.sentence(language) for problem in error.problems), status=2) from None
