"""`ebcd ebd`: packages by hand."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import typer

from ebcd.catalogue import text
from ebcd.cli.files import STDIN, read_bytes, read_certificate, write_bytes
from ebcd.cli.keys import certificate_number, read_key
from ebcd.cli.output import forgive_narrow_charsets
from ebcd.cli.session import Failure
from ebcd.clock import SystemClock
from ebcd.decode import Keys, Signed, decode_bytes
from ebcd.decode.ebd_files import archive_in
from ebcd.signing import FileProfile, FileSigner
from protocols.ebd import (
    InformationFile,
    Package,
    ResultCode,
    SignatureFile,
    build_request_body,
    decode,
    encode_signature,
    pack,
    package_name,
    read_envelope,
    unpack,
)
from protocols.ebd.information import decode_information
from protocols.ebd.messages import Auxiliary, Ebm
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.sm2 import sm3

PASSPHRASE = "EBCD_KEY_PASSPHRASE"  # the name of a variable
STREAM = 61  # AuxiliaryType of an address: no file of the package
BOUNDARY_BYTES = 12


@dataclass(frozen=True, slots=True)
class Contents:
    """What `ebcd ebd pack` was told to put together."""

    document: Path
    resources: Sequence[Path] = ()
    information: Path | None = None
    signature: Path | None = None
    key: Path | None = None
    number: str = ""
    profile: str = "xml"


def run_pack(contents: Contents, out: str | None, language: str) -> int:
    """Write a package. Raises Failure."""
    xml = read_bytes(contents.document, language)
    try:
        envelope = read_envelope(xml)
        sign = _signer(contents, language)
        signature = None if contents.signature is None else read_bytes(contents.signature, language)
        if signature is None and sign is not None:
            signature = encode_signature(
                SignatureFile(sign(xml), related_ebd_id=envelope.ebd_id, form=envelope.edition)
            )
        information = None
        if contents.information is not None:
            information = _information(contents.information, sign, language)
        resources = {file.name: read_bytes(file, language) for file in contents.resources}
        archive = pack(xml, signature, resources, information)
    except (LocalProtocolError, RemoteProtocolError) as error:
        raise Failure(text("ebd.not_a_document", language, file=contents.document, reason=error)) from None
    name = out or package_name(envelope.ebd_id)
    write_bytes(name, archive, language)
    if name != STDIN:
        typer.echo(text("ebd.packed", language, file=name, size=len(archive)))
    return 0


def _signer(contents: Contents, language: str) -> Callable[[bytes], bytes] | None:
    """What signs the document and an information body: the key given, or nothing."""
    if contents.key is None:
        if contents.number:
            raise Failure(text("ebd.key_needed", language), status=2)
        return None
    if not contents.number:
        raise Failure(text("ebd.number_needed", language), status=2)
    try:
        profile = FileProfile(contents.profile)
    except ValueError:
        raise Failure(text("ebd.profile_unknown", language, value=contents.profile), status=2) from None
    key, number = read_key(contents.key, language, PASSPHRASE), certificate_number(contents.number, language)
    signer = FileSigner(key, number, SystemClock())
    return lambda xml: signer.sign_file(xml, profile).encode()


def _information(file: Path, sign: Callable[[bytes], bytes] | None, language: str) -> InformationFile:
    """An information body, with the signature file that names it (GD/J 081 clauses 5.2, 6.3)."""
    xml = read_bytes(file, language)
    if sign is None:
        return InformationFile(file.name, xml)
    info_id = str(decode_information(xml).main.info_id)
    return InformationFile(file.name, xml, encode_signature(SignatureFile(sign(xml), related_info_ids=(info_id,))))


def run_unpack(file: Path, folder: Path, language: str, *, as_json: bool) -> int:
    """Write a package's files into a folder; none is overwritten. Raises Failure."""
    package = _package(file, language)
    entries = dict(_entries(package))
    for name in entries:
        if (folder / name).exists():
            raise Failure(text("ebd.exists", language, file=folder / name))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Failure(text("decode.unwritable", language, file=folder, reason=reason)) from None
    for name, data in entries.items():
        write_bytes(str(folder / name), data, language)
    if as_json:
        told = {name: len(data) for name, data in entries.items()}
        typer.echo(orjson.dumps({"files": told, "others": list(package.others)}).decode())
    else:
        for name, data in entries.items():
            typer.echo(text("ebd.packed", language, file=folder / name, size=len(data)))
    return 0


def _package(file: Path, language: str) -> Package:
    try:
        return unpack(archive_in(read_bytes(file, language)))
    except RemoteProtocolError as error:
        raise Failure(text("ebd.not_a_package", language, file=file, reason=error)) from None


def _entries(package: Package) -> Iterator[tuple[str, bytes]]:
    """The files that count, by bare name."""
    yield package.ebdb_name, package.xml
    if package.information is not None:
        yield package.information.name, package.information.xml
        if package.information.signature_xml is not None:
            yield f"EBDS_{package.information.name}", package.information.signature_xml
    yield from package.resources.items()
    if package.signature_xml is not None:
        yield f"EBDS_{package.ebdb_name}", package.signature_xml


def run_verify(file: Path, certificates: Sequence[Path], language: str, *, as_json: bool) -> int:
    """Judge document, resources and signature; 0 only if all of it is good and the signature was checked."""
    forgive_narrow_charsets()
    data = read_bytes(file, language)
    keys = Keys(read_certificate(each, language) for each in certificates)
    reading = decode_bytes(data, keys, "ebd-tar")
    wrong, count = [], 0
    if not reading.errors:
        package = unpack(archive_in(data))
        auxiliaries = list(_auxiliaries(package))
        count = len(auxiliaries)
        wrong = [sentence for each in auxiliaries for sentence in _wrong(each, package, language)]
    good = reading.is_good and reading.signature is Signed.OK and not wrong
    if as_json:
        typer.echo(orjson.dumps({**reading.as_json(), "resources": wrong, "good": good}).decode())
        return 0 if good else 1
    from ebcd.cli.decode_tree import printable, show_tree

    show_tree(reading, data, language)
    for sentence in wrong:
        typer.echo(printable(sentence))
    if not wrong and not reading.errors:
        typer.echo(text("ebd.resources_good", language, count=count))
    return 0 if good else 1


def _auxiliaries(package: Package) -> Iterator[Auxiliary]:
    detail = decode(package.xml, edition=read_envelope(package.xml).edition).detail
    if isinstance(detail, Ebm):
        for content in detail.contents:
            yield from (each for each in content.auxiliaries if each.type != STREAM)


def _wrong(auxiliary: Auxiliary, package: Package, language: str) -> Iterator[str]:
    """What does not fit between a resource and what the message says of it."""
    data = package.resource(auxiliary.desc)
    if data is None:
        yield text("ebd.resource_missing", language, name=auxiliary.desc)
        return
    if auxiliary.size_bytes is not None and auxiliary.size_bytes != len(data):
        yield text("ebd.size_wrong", language, name=auxiliary.desc, size=len(data), told=auxiliary.size_bytes)
    digest = sm3(data)
    known = (digest.hex(), base64.b64encode(digest).decode())
    if auxiliary.digest and auxiliary.digest not in known and auxiliary.digest.lower() != known[0]:
        yield text("ebd.digest_wrong", language, name=auxiliary.desc)


def run_post(url: str, file: Path, language: str, *, as_json: bool) -> int:
    """Send a package once; 0 only for a receipt that says success. Raises Failure without a receipt."""
    from ebcd.gateway.post import HttpPoster, PostFailed
    from protocols.ebd.messages import EbdResponse

    package = _package(file, language)
    archive = archive_in(read_bytes(file, language))
    boundary = f"ebcd{sm3(archive)[:BOUNDARY_BYTES].hex()}"  # as good as drawn: it cannot occur in what it is made of
    body = build_request_body(archive, package_name(package.ebd_id), boundary)

    async def send() -> EbdResponse:
        async with HttpPoster() as poster:
            return await poster.post(url, body)

    try:
        receipt = asyncio.run(send())
    except PostFailed as error:
        payload = orjson.dumps({"error": error.reason, "detail": str(error)})
        raise Failure(text("ebd.no_receipt", language, reason=error), payload=payload) from None
    if as_json:
        typer.echo(orjson.dumps({"code": int(receipt.code), "desc": receipt.desc}).decode())
    else:
        from ebcd.cli.decode_tree import printable
        from ebcd.decode.explain import meaning

        said = meaning("ebd_result", int(receipt.code), language)
        typer.echo(text("ebd.receipt", language, code=int(receipt.code), meaning=said, desc=printable(receipt.desc)))
    return 0 if receipt.code is ResultCode.SUCCESS else 1
