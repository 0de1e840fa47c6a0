"""One table: what is wrong with a package -> the ResultCode of its receipt (platform.md 5.6, 6.2), from the judge."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ebcd.gateway import Posted
from ebcd.signing import FileProfile, FileSigner
from protocols.ebd import (
    ResultCode,
    SignatureFile,
    build_request_body,
    encode_signature,
    tar,
    unpack,
)
from tests.ebcd.gateway.exchange import STRANGER, Exchange
from tests.ebcd.signing.authority import OTHER, PEER
from tests.protocols.ebd import samples
from tests.virtual_time import VirtualClock

OK, PARSE, CONTENT, SIGNATURE, OTHER_FAULT = (
    ResultCode.SUCCESS,
    ResultCode.PARSE_FAILED,
    ResultCode.CONTENT_MISSING,
    ResultCode.SIGNATURE_FAILED,
    ResultCode.OTHER,
)
CONTENT_TYPE = "multipart/form-data; boundary=xyz"


class Forge:
    """The province's message, changed before it is signed, or changed afterwards."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.archive = exchange.archive(samples.message(), resources={"EBDR_a.mp3": b"mp3"})
        self.package = unpack(self.archive)
        self.xml = self.package.xml
        assert self.package.signature_xml is not None
        self.signature = self.package.signature_xml

    def text(self, tag: str, text: str) -> bytes:
        """Another text in the first element of this name, and a good signature over it."""
        return self.signed(
            re.sub(rb"<%b>[^<]*<" % tag.encode(), b"<%b>%b<" % (tag.encode(), text.encode()), self.xml, count=1)
        )

    def without(self, tag: str) -> bytes:
        """The first element of this name left out."""
        name = tag.encode()
        return self.signed(re.sub(rb"<%b>.*?</%b>" % (name, name), b"", self.xml, count=1, flags=re.DOTALL))

    def replaced(self, old: str, new: str) -> bytes:
        assert old.encode() in self.xml
        return self.signed(self.xml.replace(old.encode(), new.encode()))

    def signed(self, xml: bytes, number: bytes = PEER) -> bytes:
        block = FileSigner(self.exchange.keys[number], number, self.exchange.clock).sign_file(xml, FileProfile.XML)
        return self.files(xml, encode_signature(SignatureFile(block.encode(), related_ebd_id=samples.EBD_ID)))

    def files(self, xml: bytes, signature: bytes | None, *more: tuple[str, bytes]) -> bytes:
        """Put together file by file, since `pack` looks at what it packs."""
        entries = [tar.Entry(self.package.ebdb_name, xml), *(tar.Entry(*each) for each in more)]
        if signature is not None:
            entries.append(tar.Entry(f"EBDS_{self.package.ebdb_name}", signature))
        return tar.write(entries)


def _special(kind: bytes, name: str) -> Callable[[Forge], bytes]:
    """A member that is no file."""

    def make(forge: Forge) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        return out.getvalue().rstrip(b"\0").ljust(512, b"\0") + forge.archive

    return make


def _named(name: str) -> Callable[[Forge], bytes]:
    def make(forge: Forge) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            member = tarfile.TarInfo(name)
            member.size = len(forge.xml)
            archive.addfile(member, io.BytesIO(forge.xml))
        return out.getvalue()

    return make


def _aged(forge: Forge) -> bytes:
    return forge.signed(re.sub(rb"<EBDTime>[^<]*", b"<EBDTime>2001-01-01 00:00:00", forge.xml))


ARCHIVES: dict[str, tuple[Callable[[Forge], bytes], ResultCode]] = {
    "nothing is wrong": (lambda f: f.archive, OK),
    "signed anew": (lambda f: f.signed(f.xml), OK),
    # the way to the document: 2
    "an empty archive": (lambda _: bytes(1024), PARSE),
    "no archive": (lambda _: b"x" * 2000, PARSE),
    "a compressed archive": (lambda f: gzip.compress(f.archive), PARSE),
    "an archive cut in its document": (lambda f: f.archive[:700], PARSE),
    "an archive cut in its first header": (lambda f: f.archive[:300], PARSE),
    "a header with a wrong checksum": (lambda f: b"x" + f.archive[1:], PARSE),
    "no EBDB file": (lambda f: tar.write([tar.Entry("EBDR_a.mp3", b"mp3")]), PARSE),
    "two EBDB files": (lambda f: f.files(f.xml, f.signature, ("EBDB_2.xml", f.xml)), PARSE),
    "the same file twice": (lambda f: f.files(f.xml, f.signature, (f.package.ebdb_name, f.xml)), PARSE),
    "one stem twice": (lambda f: f.files(f.xml, None, ("EBDR_a.mp3", b""), ("EBDR_a.wav", b"")), PARSE),
    "a symbolic link": (_special(tarfile.SYMTYPE, "EBDR_x"), PARSE),
    "a hard link": (_special(tarfile.LNKTYPE, "EBDR_x"), PARSE),
    "a device": (_special(tarfile.CHRTYPE, "EBDR_x"), PARSE),
    "a name that climbs": (_named("../EBDB_1.xml"), PARSE),
    "an absolute name": (_named("/EBDB_1.xml"), PARSE),
    "more files than the limit": (
        lambda f: f.files(f.xml, None, *((f"EBDR_{n}.mp3", b"") for n in range(300))),
        PARSE,
    ),
    "a document over the limit": (lambda f: f.signed(f.xml.replace(b"</EBD>", b" " * 2**20 + b"</EBD>")), PARSE),
    "an empty document": (lambda f: f.files(b"", f.signature), PARSE),
    "a document cut short": (lambda f: f.signed(f.xml[:-20]), PARSE),
    "a DOCTYPE": (lambda f: f.signed(f.xml.replace(b"<EBD>", b"<!DOCTYPE EBD><EBD>")), PARSE),
    "an undeclared entity": (lambda f: f.replaced("<EBDType>", "<EBDType>&x;"), PARSE),
    "bytes that are not the charset declared": (lambda f: f.signed(f.xml.decode().encode("gbk")), PARSE),
    "a charset nobody knows": (lambda f: f.replaced('encoding="utf-8"', 'encoding="klingon"'), PARSE),
    "another root": (lambda f: f.signed(b"<EBI/>"), PARSE),
    # the envelope: 3
    "no EBDVersion": (lambda f: f.without("EBDVersion"), CONTENT),
    "no EBDID": (lambda f: f.without("EBDID"), CONTENT),
    "an EBDID of forty digits": (lambda f: f.text("EBDID", "1" * 40), CONTENT),
    "no EBDType": (lambda f: f.without("EBDType"), CONTENT),
    "an empty EBDType": (lambda f: f.text("EBDType", ""), CONTENT),
    "no SRC": (lambda f: f.without("SRC"), CONTENT),
    "a SRC that is no code": (lambda f: f.text("EBRID", "x" * 23), CONTENT),
    "no EBDTime": (lambda f: f.without("EBDTime"), CONTENT),
    "an EBDTime that is no time": (lambda f: f.text("EBDTime", "2026-02-30 00:00:00"), CONTENT),
    # who sends it to whom: 5
    "a sender nobody knows": (
        lambda f: f.signed(f.xml.replace(samples.PROVINCE.encode(), STRANGER.encode())),
        OTHER_FAULT,
    ),
    "for another platform": (
        lambda f: f.signed(f.xml.replace(samples.COUNTY.encode(), STRANGER.encode())),
        OTHER_FAULT,
    ),
    "a sender of the 2016 edition": (
        lambda f: f.signed(f.xml.replace(f"<EBRID>{samples.PROVINCE}".encode(), b"<EBRID>" + b"1" * 18)),
        OTHER_FAULT,
    ),
    "a type that does not exist": (lambda f: f.text("EBDType", "EBMStreamPortRequest"), OTHER_FAULT),
    # the signature: 4
    "no EBDS file": (lambda f: f.files(f.xml, None), SIGNATURE),
    "an empty EBDS file": (lambda f: f.files(f.xml, b""), SIGNATURE),
    "an EBDS file that is no XML": (lambda f: f.files(f.xml, b"hello"), SIGNATURE),
    "an EBDS file without a value": (lambda f: f.files(f.xml, b"<Signature/>"), SIGNATURE),
    "a value that is no Base64": (
        lambda f: f.files(f.xml, re.sub(rb"<SignatureValue>.", b"<SignatureValue>!", f.signature)),
        SIGNATURE,
    ),
    "a value of another length": (
        lambda f: f.files(f.xml, re.sub(rb"<SignatureValue>[^<]*", b"<SignatureValue>AAAA", f.signature)),
        SIGNATURE,
    ),
    "a document changed after signing": (lambda f: f.files(f.xml.replace(b"11B03", b"11B01"), f.signature), SIGNATURE),
    "blanks added after signing": (lambda f: f.files(f.xml + b"\n", f.signature), SIGNATURE),
    "a certificate that may not sign for it": (lambda f: f.signed(f.xml, OTHER), SIGNATURE),
    "a document of another year": (_aged, SIGNATURE),
    # the detail: 3
    "no detail": (lambda f: f.without("EBM"), CONTENT),
    "another detail than EBDType says": (lambda f: f.text("EBDType", "OMDRequest"), CONTENT),
    "no EBMID": (lambda f: f.without("EBMID"), CONTENT),
    "an EBMID of the 2016 edition": (lambda f: f.text("EBMID", "1" * 30), CONTENT),
    "a compulsory message without its head": (lambda f: f.without("MsgBasicInfo"), CONTENT),
    "no MsgType": (lambda f: f.without("MsgType"), CONTENT),
    "a MsgType that does not exist": (lambda f: f.text("MsgType", "6"), CONTENT),
    "no Severity": (lambda f: f.without("Severity"), CONTENT),
    "a Severity that does not exist": (lambda f: f.text("Severity", "7"), CONTENT),
    "a StartTime that is no time": (lambda f: f.text("StartTime", "now"), CONTENT),
    "no EndTime": (lambda f: f.without("EndTime"), CONTENT),
    "no MsgContent": (lambda f: f.without("MsgContent"), CONTENT),
    "an empty title": (lambda f: f.text("MsgTitle", ""), CONTENT),
    "no AreaCode": (lambda f: f.without("AreaCode"), CONTENT),
    "an empty AreaCode": (lambda f: f.text("AreaCode", " , "), CONTENT),
    "two EBMIDs": (lambda f: f.replaced("<EBMVersion>", f"<EBMID>{'9' * 35}</EBMID><EBMVersion>"), CONTENT),
}


@pytest.fixture
def forge(tmp_path: Path, clock: VirtualClock) -> Callable[[], Forge]:
    return lambda: Forge(Exchange(tmp_path, clock))


@pytest.mark.parametrize("fault", ARCHIVES)
async def test_a_fault_gets_its_code(forge: Callable[[], Forge], fault: str) -> None:
    made = forge()
    make, code = ARCHIVES[fault]
    body = build_request_body(make(made), "EBDT_1.tar", "b" * 24)
    answer = await made.exchange.judge.judge(Posted(body.content_type, body.body, "192.0.2.1", 0.0, 0.0))
    assert answer.code is code, answer.desc
    assert len(made.exchange.book.received) == (code is OK)
    assert len(made.exchange.book.rejected) == (code is not OK)
    assert ":" in answer.desc or code is OK, "a refusal says why"


BODIES = {
    "nothing": (CONTENT_TYPE, b""),
    "no file name": (CONTENT_TYPE, b'--xyz\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--xyz--'),
    "a name that is no archive's": (
        CONTENT_TYPE,
        b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\nx\r\n--xyz--',
    ),
    "a form": ("application/x-www-form-urlencoded", b"a=b"),
    "JSON": ("application/json", b"{}"),
    "bare XML": ("text/xml", b"<EBD/>"),
    "no type": ("", b"\x00\x01\x02"),
}


@pytest.mark.parametrize("fault", BODIES)
async def test_a_body_without_an_archive_is_2(forge: Callable[[], Forge], fault: str) -> None:
    made = forge()
    answer = await made.exchange.judge.judge(Posted(*BODIES[fault], "192.0.2.1", 0.0, 0.0))
    assert answer.code is PARSE


async def test_what_could_not_be_kept_is_5(forge: Callable[[], Forge]) -> None:
    made = forge()
    made.exchange.book.failures.append(OSError("disk full"))
    assert (await made.exchange.judge.judge(made.exchange.posted(made.archive))).code is OTHER_FAULT


def test_the_table_names_every_code_that_a_receipt_may_carry() -> None:
    """All but 0, which says that nothing was done yet: our receipts come after the work."""
    assert {code for _, code in ARCHIVES.values()} == set(ResultCode) - {ResultCode.NOT_PROCESSED}
