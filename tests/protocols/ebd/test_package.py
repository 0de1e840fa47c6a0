"""TAR packages: read what peers send, write what every peer can read; Python's and GNU tar judge."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.ebd import EbdType, InformationFile, ResultCode, encode, pack, package_name, result_code, unpack
from protocols.ebd.codec import Ebd
from protocols.errors import LocalProtocolError, RemoteProtocolError
from tests.protocols.ebd import samples

XML = encode(Ebd(samples.envelope(EbdType.EBM), samples.message()))
DOCUMENT = f"EBDB_{samples.EBD_ID}.xml"
SIGNATURE = f"EBDS_EBDB_{samples.EBD_ID}.xml"
Files = list[tuple[str, bytes]]


def archive(files: Files, kind: int = tarfile.USTAR_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mtime = 1_700_000_000.5 if kind == tarfile.PAX_FORMAT else 1_700_000_000
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


WHOLE: Files = [(DOCUMENT, XML), ("EBDR_a.mp3", b"\xff\xfbx"), (SIGNATURE, b"<Signature/>")]


@pytest.mark.clause("GD/J 083 TAR")
def test_the_order_is_document_information_resources_signature() -> None:
    made = pack(XML, b"<Signature/>", {"EBDR_a.mp3": b"x"}, InformationFile("EBDI_1.xml", b"<EBI/>", b"<S/>"))
    with tarfile.open(fileobj=io.BytesIO(made)) as judge:
        assert judge.getnames() == [DOCUMENT, "EBDI_1.xml", "EBDS_EBDI_1.xml", "EBDR_a.mp3", SIGNATURE]
        assert {(m.uid, m.gid, m.mode, m.type) for m in judge} == {(0, 0, 0o644, tarfile.REGTYPE)}
        assert not judge.pax_headers
    assert made.startswith(b"EBDB_")
    assert package_name(samples.EBD_ID) == f"EBDT_{samples.EBD_ID}.tar"


@pytest.mark.clause("GD/J 083 TAR")
def test_the_bytes_are_those_of_pythons_own_ustar_writer() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in WHOLE:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    ours = pack(XML, b"<Signature/>", {"EBDR_a.mp3": b"\xff\xfbx"})
    assert out.getvalue().startswith(ours)  # Python fills up to 10,240 bytes with zeros


@pytest.mark.real
@pytest.mark.skipif(shutil.which("tar") is None, reason="no tar on this machine")
def test_gnu_tar_reads_ours_and_we_read_gnu_tars(tmp_path: Path) -> None:
    (tmp_path / "ours.tar").write_bytes(pack(XML, b"<Signature/>", {"EBDR_a.mp3": bytes(5000)}))
    subprocess.run(["tar", "xf", "ours.tar"], cwd=tmp_path, check=True)
    assert (tmp_path / DOCUMENT).read_bytes() == XML
    for form in ("ustar", "gnu", "pax", "v7", "oldgnu"):
        names = [f"./{DOCUMENT}", "EBDR_a.mp3", SIGNATURE]
        command = ["tar", "cf", "theirs.tar", f"--format={form}", *names]
        subprocess.run(command, cwd=tmp_path, check=True)
        package = unpack((tmp_path / "theirs.tar").read_bytes())
        assert package.xml == XML, form
        assert package.resources == {"EBDR_a.mp3": bytes(5000)}, form


@given(
    resources=st.dictionaries(st.from_regex(r"EBDR_[A-Za-z0-9]{1,8}", fullmatch=True), st.binary(max_size=1200)),
    signature=st.none() | st.binary(max_size=600),
)
def test_what_was_packed_is_unpacked(resources: dict[str, bytes], signature: bytes | None) -> None:
    package = unpack(pack(XML, signature, resources))
    assert (package.xml, package.signature_xml, package.resources) == (XML, signature, resources)
    assert (package.ebd_id, package.others) == (samples.EBD_ID, ())


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("prefix", ["", "./", "\\", "some/folder/"])
def test_dialects_and_folders_are_read(kind: int, prefix: str) -> None:
    long = "EBDR_" + "长" * 60 + ".mp3"
    files = [(prefix + name, data) for name, data in WHOLE]
    if kind != tarfile.USTAR_FORMAT:
        files.append((prefix + long, b"long"))
    package = unpack(archive(files, kind))
    assert package.signature_xml == b"<Signature/>"
    assert package.resources.get(long, b"long") == b"long"


END = bytes(1024)


@pytest.mark.parametrize(
    "change",
    [
        lambda tar: tar.rstrip(b"\0") + bytes(-len(tar.rstrip(b"\0")) % 512),  # no end blocks
        lambda tar: tar.rstrip(b"\0"),  # last block not filled up
        lambda tar: tar + b"\r\n",
        lambda tar: tar.rstrip(b"\0") + bytes(-len(tar.rstrip(b"\0")) % 512) + b"\r\n",
        lambda tar: tar + b"\r\n--boundary--" + b"x" * 600,
        lambda tar: tar[: -len(tar) % 512 or None] + END * 3,
    ],
)
def test_short_and_surplus_ends_are_forgiven(change: object) -> None:
    made = pack(XML, b"<Signature/>", {"EBDR_a.mp3": b"x" * 700})
    assert callable(change)
    assert unpack(change(made)) == unpack(made)


@pytest.mark.parametrize("left", [5, 100, 511])
def test_an_archive_that_ends_inside_the_header_of_the_signature_is_no_unsigned_package(left: int) -> None:
    made = pack(XML, b"<Signature/>")
    header = made.index(SIGNATURE.encode())
    with pytest.raises(RemoteProtocolError, match="ends inside the header of another file"):
        unpack(made[: header + left])
    assert unpack(made[: header + 4]).signature_xml is None  # nothing tells four bytes from garbage


def test_a_last_block_that_begins_like_a_header_and_is_a_files_end_is_none() -> None:
    body = b"x" * 512 + b"EBDR_ is how resources are called"
    assert unpack(archive([(DOCUMENT, XML), ("EBDR_a.txt", body)]).rstrip(b"\0")).resource("a.txt") == body


def test_zero_blocks_between_two_archives_are_skipped() -> None:
    both = archive(WHOLE[:1]) + archive(WHOLE[1:])
    assert unpack(both).signature_xml == b"<Signature/>"


def test_the_signature_is_the_last_one_that_is_not_of_the_information_body() -> None:
    files = [(DOCUMENT, XML), (SIGNATURE, b"mine"), ("EBDI_1.xml", b"<EBI/>"), ("EBDS_EBDI_1.xml", b"other")]
    package = unpack(archive(files))
    assert package.signature_xml == b"mine"
    assert package.information == InformationFile("EBDI_1.xml", b"<EBI/>", b"other")


def test_the_signature_that_names_the_document_counts_wherever_it_stands() -> None:
    files = [(DOCUMENT, XML), (SIGNATURE, b"mine"), ("EBDS_EBDR_a.xml", b"other")]
    assert unpack(archive(files)).signature_xml == b"mine"
    assert unpack(archive(files[:1] + files[2:])).signature_xml == b"other"


def test_an_information_body_is_packed_before_the_signature_and_never_in_2016() -> None:
    """platform.md 1.4, 8.5, 9: EBDB, EBDI, its signature, resources, EBDS_EBDB last."""
    body = InformationFile("EBDI_1.xml", b"<EBI/>", b"other")
    with tarfile.open(fileobj=io.BytesIO(pack(XML, b"mine", {"EBDR_a.mp3": b"x"}, body))) as written:
        names = written.getnames()
    assert names == [DOCUMENT, "EBDI_1.xml", "EBDS_EBDI_1.xml", "EBDR_a.mp3", SIGNATURE]
    short = XML.replace(samples.EBD_ID.encode(), b"1" * 36).replace(samples.PROVINCE.encode(), b"1" * 18)
    for xml, information in ((short, body), (XML, InformationFile("body.xml", b"<EBI/>"))):
        with pytest.raises(LocalProtocolError):
            pack(xml, b"mine", None, information)


def test_a_resource_is_found_as_peers_write_its_name() -> None:
    package = unpack(archive(WHOLE))
    for desc in ("EBDR_a.mp3", "a.mp3", "ebdr_A.MP3", "http://x/EBDR_a.mp3", "D:\\x\\EBDR_a.mp3"):
        assert package.resource(desc) == b"\xff\xfbx"
    assert package.resource("EBDR_b.mp3") is None


def test_the_size_of_an_extended_header_counts() -> None:
    """POSIX.1-2001 pax: a record "13 size=..." of an `x` entry stands for the size field, here 0."""
    extended = b"13 size=%04d\n" % len(XML)  # 13 = "13 size=" 8, four digits, line feed
    whole = pack(XML, b"<Signature/>")
    parts = [_header(b"././@PaxHeader", b"x", len(extended)), extended.ljust(512, b"\0")]
    parts += [_header(DOCUMENT.encode(), b"0", 0), whole[512:]]
    assert unpack(b"".join(parts)) == unpack(whole)


def test_a_time_in_a_resources_name_is_no_drive() -> None:
    name = "EBDR_2026-11-22 14:00:00.mp3"
    assert unpack(archive([(DOCUMENT, XML), (name, b"x")])).resource(name) == b"x"


def _header(name: bytes, kind: bytes, size: int) -> bytes:
    """A ustar header by hand: name 100; mode, uid, gid 8 each; size and time 12, octal; sum, type, link 100, magic."""
    fields = name.ljust(100, b"\0") + b"0000644\0" + 2 * b"0000000\0" + b"%011o\0" % size + b"00000000000\0"
    rest = kind + bytes(100) + b"ustar\x0000" + bytes(247)
    return fields + b"%06o\0 " % sum(fields + b" " * 8 + rest) + rest


def _sparse(version: str) -> bytes:
    """What GNU tar writes of a file with a hole, by its manual: a `S` header, or `x` with a GNU.sparse record."""
    if version == "old":
        return pack(XML)[:-1024] + _header(b"EBDR_a.mp3", b"S", 0) + bytes(1024)
    record = {"0.0": b"23 GNU.sparse.size=512\n", "1.0": b"22 GNU.sparse.major=1\n"}[version]
    extended = _header(b"./PaxHeaders/EBDR_a.mp3", b"x", len(record)) + record.ljust(512, b"\0")
    return pack(XML)[:-1024] + extended + _header(b"EBDR_a.mp3", b"0", 0) + bytes(1024)


def _special(kind: bytes, name: str = "EBDR_l", target: str = "/etc/passwd") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        info = tarfile.TarInfo(DOCUMENT)
        info.size = len(XML)
        tar.addfile(info, io.BytesIO(XML))
        other = tarfile.TarInfo(name)
        other.type, other.linkname = kind, target
        tar.addfile(other)
    return out.getvalue()


REFUSED = {
    "tar": [
        *(b"", b"x" * 2000, pack(XML)[: 512 + len(XML) - 1], bytes(4096)),
        *(_sparse("old"), _sparse("0.0"), _sparse("1.0")),
    ],
    "tar-name": [
        archive([(DOCUMENT, XML), (name, b"")])
        for name in ("../x", "a/../../x", "/etc/x", "EBDR_\n", "C:\\x", "\\\\h\\x")
    ],
    "tar-link": [_special(kind) for kind in (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)],
    "tar-duplicate": [
        archive([*WHOLE, (DOCUMENT, XML)]),
        archive([*WHOLE, ("EBDB_2.xml", XML)]),
        archive([*WHOLE, ("EBDR_a.txt", b"")]),
    ],
    "no-ebdb": [archive(WHOLE[1:])],
    "tar-limit": [archive([*WHOLE, *[(f"EBDR_{n}", b"") for n in range(300)]])],
}


@pytest.mark.parametrize(("reason", "data"), [(reason, data) for reason, many in REFUSED.items() for data in many])
def test_what_is_unsafe_or_no_package_is_a_parse_failure(reason: str, data: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as refusal:
        unpack(data)
    assert refusal.value.reason == reason
    assert result_code(refusal.value) is ResultCode.PARSE_FAILED


def test_a_packed_archive_is_told_by_the_name_of_its_packing() -> None:
    with pytest.raises(RemoteProtocolError, match=r"packed by gzip; a plain TAR is needed"):
        unpack(gzip.compress(archive(WHOLE)))


def test_a_signature_or_document_past_its_limit_is_refused() -> None:
    for limits in ({"xml_bytes_max": 10}, {"signature_bytes_max": 3}):
        with pytest.raises(RemoteProtocolError, match="more than") as refusal:
            unpack(archive(WHOLE), **limits)
        assert refusal.value.reason == "tar-limit"


@given(data=st.binary(max_size=2000), at=st.integers(0, 3000))
def test_any_damage_is_read_or_refused_by_name(data: bytes, at: int) -> None:
    whole = pack(XML, b"<Signature/>", {"EBDR_a.mp3": b"x"})
    for damaged in (data, whole[:at] + data + whole[at + len(data) :], whole[:at]):
        try:
            unpack(damaged)
        except RemoteProtocolError as error:
            assert result_code(error) is ResultCode.PARSE_FAILED  # noqa: PT017


@pytest.mark.parametrize(
    "resources", [{"a.mp3": b""}, {"EBDR_" + "x" * 100: b""}, {"EBDR_a/b": b""}, {"EBDR_a.mp3": b"", "EBDR_a.wav": b""}]
)
def test_names_that_peers_could_not_read_are_never_written(resources: dict[str, bytes]) -> None:
    with pytest.raises(LocalProtocolError):
        pack(XML, None, resources)
