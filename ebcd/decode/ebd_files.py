"""Platform interface: documents, signature files and packages (GD/J 081, 082, 083-2018 and the 2016 draft)."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, replace

from ebcd.decode.ebd_leftovers import as_it_stands, stray_text_errors, unknown_elements
from ebcd.decode.ebd_names import as_written, fields_of_record, snake
from ebcd.decode.keys import FILE_SCOPES, Keys
from ebcd.decode.reading import Note, Reading, Signed
from ebcd.decode.recogniser import Claim, Recogniser, told
from ebcd.decode.tree import Field, Group, Items, value_of
from protocols.ebd import (
    Ebd,
    Edition,
    Package,
    SignatureFile,
    decode,
    decode_signature,
    encode,
    encode_signature,
    find_archive,
    tar,
    unpack,
)
from protocols.ebd.codec import RECORDS, TYPE_OF
from protocols.ebd.envelope import ENVELOPE, EbdType
from protocols.ebd.information import BODY, InformationBody, decode_information, encode_information
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.signature import SignatureBlock, number_text

_HEAD_BYTES_MAX = 4096
_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_]\w*)[\s/>]")
_LINE_AND_COLUMN = re.compile(r"line (\d{1,9}), column (\d{1,9})")
_HTTP = re.compile(rb"(?:POST [^\r\n]{1,4096} HTTP/1\.[01]|HTTP/1\.[01] \d{3}[^\r\n]{0,256})\r?\n")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_CONTENT_TYPE = re.compile(rb"(?im)^content-type:[ \t]*([^\r\n]{0,256})")
_CHUNKED = re.compile(rb"(?im)^transfer-encoding:[ \t]*chunked")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,256})?\r\n")
_BLANKS = b"\x00 \t\r\n"
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_OF_EDITION = frozenset({"edition", "format"})
_SIGNATURE_CLAUSE = "GD/J 081 6.3, 6.4"
_WORST_FIRST = (Signed.BAD, Signed.NONE, Signed.UNCHECKED, Signed.OK)
"""The verdict on a package is the worst one on its document and on a body that is signed."""
_TAR_CLAUSE = "GD/J 083"


def root_of(data: bytes) -> str:
    """Lower-case name of the first element, or "" for what does not begin like XML."""
    head = data[:_HEAD_BYTES_MAX].lstrip(_BLANKS)
    for mark in _BOMS:
        head = head.removeprefix(mark)
    if not head.lstrip(_BLANKS).startswith(b"<"):
        return ""
    found = _ROOT.search(head.replace(b"\0", b""))
    return found[1].decode("ascii", "replace").lower() if found else "?"


def place_of(error: RemoteProtocolError, data: bytes) -> int | None:
    """The byte where a parser stopped, from its line and column."""
    found = _LINE_AND_COLUMN.search(error.detail)
    if error.offset is not None or found is None:
        return error.offset
    lines = data.split(b"\n", int(found[1]))[: int(found[1])]
    before = sum(len(line) + 1 for line in lines[:-1])
    column = lines[-1].decode("utf-8", "replace")[: int(found[2]) - 1] if lines else ""
    return min(before + len(column.encode("utf-8")), len(data))


# ---- documents -----------------------------------------------------------------------------------------------------


def claim_document(data: bytes) -> Claim:
    """An <EBD> or <EBI>; any other XML is the next best guess, but what is read elsewhere."""
    root = root_of(data)
    if not root or root in ("signature", "alert"):
        return Claim.NONE
    return Claim.CERTAIN if root in ("ebd", "ebi") else Claim.WEAK


def read_document(data: bytes, _keys: Keys) -> Reading:
    """One EBD document of either edition, or an information body."""
    if root_of(data) == "ebi":
        return _read_information(data)
    notes: tuple[Note, ...] = ()
    try:
        try:
            ebd, edition = decode(data), Edition.Y2018
        except RemoteProtocolError as error:
            if error.reason not in _OF_EDITION:
                raise
            try:
                ebd, edition = decode(data, edition=Edition.Y2016), Edition.Y2016
            except RemoteProtocolError as second:
                raise (second if error.reason == "edition" else error) from None
            notes = (Note("edition_2016"),)
    except RemoteProtocolError as error:
        fields, place = as_it_stands(data), place_of(error, data)
        return Reading("ebd-xml", "", fields, errors=(told(error),), clause=_TAR_CLAUSE, offset=place)
    kind = str(TYPE_OF[type(ebd.detail)])
    return Reading(
        "ebd-xml",
        kind,
        fields_of_ebd(ebd, data) + unknown_elements(data),
        roundtrip=_ebd_again(ebd, edition) == ebd,
        errors=stray_text_errors(data),
        clause="GD/J 082" if kind == "EBM" else _TAR_CLAUSE,
        notes=notes,
    )


def fields_of_ebd(ebd: Ebd, xml: bytes) -> Group:
    """The envelope, then the detail under its own name. Versions are as written: our values have none."""
    kind = TYPE_OF[type(ebd.detail)]
    detail = fields_of_record(RECORDS[kind], ebd.detail)
    version = as_written(xml, "ebdversion") + fields_of_record(ENVELOPE, ebd.envelope)
    if kind is EbdType.EBM:
        detail = as_written(xml, "ebm", "ebmversion") + detail
    envelope = Group(tuple(replace(field, clause=_TAR_CLAUSE) for field in version.fields))
    return envelope + Group((Field(snake(kind), detail),))


def _ebd_again(ebd: Ebd, edition: Edition) -> Ebd | None:
    try:
        return decode(encode(ebd, edition=edition), edition=edition)
    except (LocalProtocolError, RemoteProtocolError):
        return None


def _read_information(data: bytes) -> Reading:
    try:
        body = decode_information(data)
    except RemoteProtocolError as error:
        fields, place = as_it_stands(data), place_of(error, data)
        return Reading("ebd-xml", "EBI", fields, errors=(told(error),), clause="GD/J 082", offset=place)
    again: InformationBody | None = None
    with contextlib.suppress(LocalProtocolError, RemoteProtocolError):
        again = decode_information(encode_information(body))
    version = as_written(data, "ebmaininfo", "ebiversion")
    main, *others = fields_of_record(BODY, body).fields  # the version is the head's first element
    assert isinstance(main.value, Group)
    fields = Group((replace(main, value=version + main.value), *others)) + unknown_elements(data)
    errors = stray_text_errors(data)
    return Reading("ebd-xml", "EBI", fields, roundtrip=again == body, errors=errors, clause="GD/J 082")


# ---- signature files -----------------------------------------------------------------------------------------------


def claim_signature(data: bytes) -> Claim:
    """A <Signature>."""
    return Claim.CERTAIN if root_of(data) == "signature" else Claim.NONE


def read_signature(data: bytes, _keys: Keys) -> Reading:
    """One signature file alone: without the file it signs nothing can be checked."""
    try:
        found = decode_signature(data)
    except RemoteProtocolError as error:
        fields, place = as_it_stands(data), place_of(error, data)
        return Reading(
            "signature-xml", "Signature", fields, errors=(told(error),), clause=_SIGNATURE_CLAUSE, offset=place
        )
    errors: tuple[str, ...] = (
        () if found.related_ebd_id or found.related_info_ids else ("signature-file: it names no file it signs",)
    )
    return Reading(
        "signature-xml",
        "Signature",
        _texts_beside(data, found) + unknown_elements(data),
        signature=Signed.UNCHECKED,
        roundtrip=_same_signature(found),
        errors=(*errors, *stray_text_errors(data)),
        clause=_SIGNATURE_CLAUSE,
        notes=(Note("edition_2016"),) if found.form is Edition.Y2016 else (),
    )


def _texts_beside(data: bytes, found: SignatureFile) -> Group:
    """All elements, those of the 2016 form too, which repeat what stands in the value."""
    fields = as_written(data, "version") + _signature_fields(found, data)
    for name in ("signaturetime", "digestalgorithm", "signaturealgorithm"):
        fields += as_written(data, name)
    return fields


def _signature_fields(found: SignatureFile, data: bytes) -> Group:
    block = SignatureBlock.decode(found.block)
    related = (
        Field("related_ebd", Group((Field("ebd_id", value_of(found.related_ebd_id)),)))
        if found.related_ebd_id is not None
        else Field("related_eb_info", Group((Field("eb_info_id", value_of(found.related_info_ids)),)))
    )
    value = Group(
        (
            Field("sig_time", block.time, "signature_time"),
            Field("certificate_sn", number_text(block.certificate)),
            Field("signature", value_of(block.value)),
        )
    )
    number = Field("cert_sn", value_of(found.certificate_text))
    if found.form is Edition.Y2016:
        head = as_written(data, "signaturecert", "certtype")
        number = Field("signature_cert", head + Group((Field("issuer_id", value_of(found.issuer_text)), number)))
    return Group((related, number, Field("signature_value", value)))


def _same_signature(found: SignatureFile) -> bool:
    """By value; the two texts beside the block are written from the block and not compared."""
    try:
        again = decode_signature(encode_signature(found))
    except (LocalProtocolError, RemoteProtocolError):
        return False
    return replace(again, certificate_text="", issuer_text="") == replace(found, certificate_text="", issuer_text="")


# ---- packages ------------------------------------------------------------------------------------------------------


def claim_package(data: bytes) -> Claim:
    """A TAR, or an HTTP request, answer or body that holds one."""
    if tar.is_archive(data):
        return Claim.CERTAIN
    if _HTTP.match(data) or (data[:2] == b"--" and b"filename" in data[:_HEAD_BYTES_MAX]):
        return Claim.LIKELY
    return Claim.WEAK if data[257:262] == b"ustar" else Claim.NONE


def _unpacked(archive: bytes) -> tuple[Package, tuple[str, ...]]:
    """A package and, where it was cut inside the header of one more file, the files before it and what is wrong."""
    try:
        return unpack(archive), ()
    except RemoteProtocolError as error:
        if error.detail != tar.CUT_HEADER or error.offset is None:
            raise
        return unpack(archive[: error.offset]), (f"cut at byte {len(archive)}: {error.detail}",)


def read_package(data: bytes, keys: Keys) -> Reading:
    """One package: what it holds, its document, and its signature over the document's bytes."""
    notes: list[Note] = []
    try:
        package, cut = _unpacked(archive_in(data))
    except RemoteProtocolError as error:
        return Reading("ebd-tar", "", errors=(told(error),), clause=_TAR_CLAUSE, offset=error.offset)
    document = read_document(package.xml, keys)
    errors = [*cut, *(f"{package.ebdb_name}: {error}" for error in document.errors)]
    fields = [Field("ebdb", Group((Field("name", package.ebdb_name), Field("document", document.fields))))]
    signed = _signed_file(package.xml, package.signature_xml, "EBDS", keys)
    fields += signed.fields
    verdicts, same = [signed.verdict], document.roundtrip
    errors += signed.errors
    notes += signed.notes
    if (information := package.information) is not None:
        body = read_document(information.xml, keys)
        errors += [f"{information.name}: {error}" for error in body.errors]
        signed = _signed_file(information.xml, information.signature_xml, f"EBDS_{information.name}", keys)
        named = Field("name", information.name), Field("document", body.fields)
        fields.append(Field("ebdi", Group((*named, *signed.fields))))
        if information.signature_xml is not None:
            verdicts.append(signed.verdict)
        elif package.signature_xml is not None:
            notes.append(Note("body_unsigned", (("name", information.name),)))
        errors += signed.errors
        notes += signed.notes
        same &= body.roundtrip
    fields.append(Field("ebdr", _files(package)))
    if package.others:
        notes.append(Note("other_files", (("names", ", ".join(package.others)),)))
    return Reading(
        "ebd-tar",
        document.message,
        Group(tuple(fields)),
        signature=next(each for each in _WORST_FIRST if each in verdicts),
        roundtrip=same and _same_package(package),
        errors=tuple(errors),
        clause=_TAR_CLAUSE,
        notes=(*document.notes, *dict.fromkeys(notes)),
    )


@dataclass(frozen=True, slots=True)
class _SignedFile:
    """What a signature file beside another one says, and the verdict on it."""

    verdict: Signed
    fields: tuple[Field, ...] = ()
    errors: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()


def _signed_file(xml: bytes, signature_xml: bytes | None, name: str, keys: Keys) -> _SignedFile:
    """An EBDB or EBDI file against its EBDS file (GD/J 081 clauses 5.2, 5.3)."""
    if signature_xml is None:
        return _SignedFile(Signed.NONE)
    found = read_signature(signature_xml, keys)
    fields = (Field("ebds", found.fields, "", _SIGNATURE_CLAUSE),)
    if found.errors:
        return _SignedFile(Signed.NONE, fields, tuple(f"{name}: {error}" for error in found.errors))
    block = SignatureBlock.decode(decode_signature(signature_xml).block)
    verdict, notes = keys.judge(xml, block, FILE_SCOPES)
    return _SignedFile(verdict, fields, (), notes)


def archive_in(data: bytes) -> bytes:
    """The TAR of what may be a whole HTTP message. Raises RemoteProtocolError as `find_archive` does."""
    content_type = ""
    if _HTTP.match(data) and (end := _END_OF_HEAD.search(data)):
        found = _CONTENT_TYPE.search(data[: end.start()])
        content_type = found[1].decode("latin-1") if found else ""
        chunked = _CHUNKED.search(data[: end.start()]) is not None
        data = _joined(data[end.end() :]) if chunked else data[end.end() :]
    elif data[:2] != b"--":
        return data
    return data if tar.is_archive(data) else find_archive(content_type, data)


def _joined(body: bytes) -> bytes:
    """A body without the sizes between its chunks (RFC 9112 section 7.1), up to where it breaks or was cut off."""
    parts, at = [], 0
    while (line := _CHUNK.match(body, at)) is not None and (size := int(line[1], 16)) > 0:
        parts.append(body[line.end() : line.end() + size])
        at = line.end() + size + len(b"\r\n")
    return b"".join(parts)


def _files(package: Package) -> Items:
    files = sorted(package.resources.items())
    return Items(tuple(Group((Field("name", name), Field("size", len(data)))) for name, data in files))


def _same_package(package: Package) -> bool:
    """The same files under the same names after writing and reading once more."""
    entries = [tar.Entry(package.ebdb_name, package.xml)]
    if package.information is not None:
        entries.append(tar.Entry(package.information.name, package.information.xml))
        if package.information.signature_xml is not None:
            entries.append(tar.Entry(f"EBDS_{package.information.name}", package.information.signature_xml))
    entries += [tar.Entry(name, data) for name, data in package.resources.items()]
    if package.signature_xml is not None:
        entries.append(tar.Entry(f"EBDS_{package.ebdb_name}", package.signature_xml))
    try:
        return unpack(tar.write(entries)) == replace(package, others=())
    except (LocalProtocolError, RemoteProtocolError):
        return False


DOCUMENT = Recogniser("ebd-xml", claim_document, read_document)
SIGNATURE = Recogniser("signature-xml", claim_signature, read_signature)
PACKAGE = Recogniser("ebd-tar", claim_package, read_package)
