"""`ebcd cert make` and `ebcd cert authorise`: certificates and authorisation lists made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import typer

from ebcd.catalogue import text
from ebcd.cli.files import STDIN, must_be_new, read_certificate, write_bytes, write_new
from ebcd.cli.keys import certificate_number, passphrase_in, read_key, write_private
from ebcd.cli.session import Failure
from ebcd.decode.hexadecimal import from_hex
from ebcd.world import World
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.signature import AuthorisationList, Certificate, CertificateNumber, number_text
from protocols.sm2 import PrivateKey, PublicKey

KEY_PASSPHRASE = "EBCD_KEY_PASSPHRASE"  # names of variables
ISSUER_PASSPHRASE = "EBCD_ISSUER_PASSPHRASE"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `ebcd cert make` was told."""

    number: str
    valid: str
    key: Path | None = None
    public: str = ""
    issuer: Path | None = None
    issuer_key: Path | None = None


@dataclass(frozen=True, slots=True)
class WantedList:
    """What `ebcd cert authorise` was told."""

    receiver: str
    serial: int
    trusted: tuple[str, ...]
    issuer: Path
    issuer_key: Path


def run_make(wanted: Wanted, out: str, language: str) -> int:
    """Write a certificate, and its key where there was none. Raises Failure."""
    if (wanted.issuer is None) != (wanted.issuer_key is None):
        raise Failure(text("cert.both_needed", language), status=2)
    if (wanted.key is None) == (not wanted.public):
        raise Failure(text("cert.one_key", language), status=2)
    must_be_new(out, language)  # before a key is made
    if wanted.key is not None and out != STDIN and Path(out).resolve() == wanted.key.resolve():
        raise Failure(text("cert.exists", language, file=out), status=2)
    number = certificate_number(wanted.number, language)
    key, is_new = _own_key(wanted, language)
    public = key.public if key is not None else _public(wanted.public, language)
    issuer, signing = _issuer(wanted, number, key, language)
    year, month = _month(wanted.valid, language)
    try:
        unsigned = Certificate(issuer=issuer, number=number, year=year, month=month, public_key=public.raw)
    except LocalProtocolError as error:
        raise Failure(text("cert.bad_value", language, value=wanted.valid, reason=error), status=2) from None
    if is_new and key is not None and wanted.key is not None:
        passphrase = passphrase_in(KEY_PASSPHRASE)
        write_private(wanted.key, key.to_pkcs8(passphrase), language)
        typer.echo(text("cert.key_made", language, file=wanted.key), err=True)
        if passphrase is None:
            typer.echo(text("cert.key_plain", language), err=True)
    write_new(out, unsigned.signed_by(signing.sign).encode(), language)
    typer.echo(text("cert.made", language, number=number_text(number), file=out), err=True)
    return 0


def run_authorise(wanted: WantedList, out: str, language: str) -> int:
    """Write an authorisation list, signed by the management system's key. Raises Failure."""
    signer = read_certificate(wanted.issuer, language)
    signing = read_key(wanted.issuer_key, language, ISSUER_PASSPHRASE)
    _fits(signing, signer, wanted.issuer_key, language)
    receiver = certificate_number(wanted.receiver, language)
    trusted = tuple(dict.fromkeys(certificate_number(each, language) for each in wanted.trusted))
    try:
        unsigned = AuthorisationList(receiver, wanted.serial, trusted, signer.number)
    except LocalProtocolError as error:
        raise Failure(
            text("cert.bad_value", language, value=f"--trust ({len(trusted)})", reason=error), status=2
        ) from None
    if not _is_list(out):  # the next one may take the place of the one before
        must_be_new(out, language)
    write_bytes(out, unsigned.signed_by(signing.sign).encode(), language)
    values = {"serial": wanted.serial, "receiver": number_text(receiver), "count": len(trusted), "file": out}
    typer.echo(text("cert.list_made", language, **values), err=True)
    return 0


def _is_list(file: str) -> bool:
    try:
        AuthorisationList.decode(Path(file).read_bytes())
    except (OSError, RemoteProtocolError):
        return False
    return True


def _own_key(wanted: Wanted, language: str) -> tuple[PrivateKey | None, bool]:
    """The certificate's private key and whether it was drawn just now."""
    if wanted.key is None:
        return None, False
    if wanted.key.exists():
        return read_key(wanted.key, language, KEY_PASSPHRASE), False
    return PrivateKey.generate(World.real().entropy), True


def _public(written: str, language: str) -> PublicKey:
    try:
        return PublicKey(from_hex(written) or b"")
    except RemoteProtocolError as error:
        raise Failure(text("cert.bad_value", language, value=written[:40], reason=error.detail), status=2) from None


def _issuer(
    wanted: Wanted, number: CertificateNumber, key: PrivateKey | None, language: str
) -> tuple[CertificateNumber, PrivateKey]:
    """Who signs: the issuer that was named, or the certificate itself."""
    if wanted.issuer is None or wanted.issuer_key is None:
        if key is None:
            raise Failure(text("cert.public_unsigned", language), status=2)
        return number, key
    certificate = read_certificate(wanted.issuer, language)
    signing = read_key(wanted.issuer_key, language, ISSUER_PASSPHRASE)
    _fits(signing, certificate, wanted.issuer_key, language)
    return certificate.number, signing


def _fits(key: PrivateKey, certificate: Certificate, file: Path, language: str) -> None:
    if key.public.raw != certificate.public_key:
        values = {"file": file, "number": number_text(certificate.number)}
        raise Failure(text("cert.key_not_issuers", language, **values), status=2)


def _month(written: str, language: str) -> tuple[int, int]:
    year, _, month = written.partition("-")
    if not (year.isascii() and year.isdigit() and month.isascii() and month.isdigit() and 1 <= int(month) <= 12):
        raise Failure(text("cert.bad_value", language, value=written, reason="YYYY-MM"), status=2)
    return int(year), int(month)
