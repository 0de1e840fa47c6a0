"""The archive inside a POST body as deployed clients shape it, and ours as deployed servers read it."""

from __future__ import annotations

import email.parser
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.ebd import ResultCode, build_request_body, find_archive, package_name, result_code
from protocols.errors import LocalProtocolError, RemoteProtocolError
from tests.protocols.ebd import samples
from tests.protocols.ebd.test_package import WHOLE, archive

TAR = archive(WHOLE)
NAME = package_name(samples.EBD_ID)


def _part(head: str, content: bytes, boundary: str = "xyz") -> bytes:
    return f"--{boundary}\r\n{head}\r\n\r\n".encode() + content + b"\r\n"


GOSPELL = _part('Content-Disposition: form-data; name="comment"', b"text") + _part(
    f'Content-Disposition: form-data; name="file"; filename="{NAME}"\r\nContent-Type: application/octet-stream', TAR
)
FILE = f'Content-Disposition: form-data; name="file"; filename="{NAME}"'
BODIES = {
    "as we write it": (f"multipart/form-data; boundary={'b' * 20}", build_request_body(TAR, NAME, "b" * 20).body),
    "a text part first": ("multipart/form-data; boundary=xyz", GOSPELL + b"--xyz--\r\n"),
    "quoted boundary": ('multipart/form-data; boundary="xyz"', _part(FILE, TAR) + b"--xyz--"),
    "capitals": ('Multipart/Form-Data; Boundary="xyz"', _part(FILE.upper().replace("TAR", "TAR"), TAR) + b"--xyz--"),
    "no field name": (
        "multipart/form-data; boundary=xyz",
        _part(f'content-disposition: form-data; filename="{NAME}"', TAR),
    ),
    "no quotes": ("multipart/form-data; boundary=xyz", _part(f"Content-Disposition: form-data; filename={NAME}", TAR)),
    "backslash": (
        "multipart/form-data; boundary=xyz",
        _part(f'Content-Disposition: form-data; filename="\\{NAME}"', TAR),
    ),
    "name not last": (
        "multipart/form-data; boundary=xyz",
        _part(f'Content-Disposition: form-data; filename="{NAME}"; name="file"', TAR) + b"--xyz--",
    ),
    "boundary told wrong": ("multipart/form-data; boundary=other", _part(FILE, TAR) + b"--xyz--"),
    "no content type": ("", _part(FILE, TAR) + b"--xyz--"),
    "preamble": ("multipart/form-data; boundary=xyz", b"hello\r\n" + _part(FILE, TAR) + b"--xyz--"),
    "the archive alone": ("application/x-tar", TAR),
    "bytes after the end": ("multipart/form-data; boundary=xyz", _part(FILE, TAR) + b"--xyz--\r\n\r\n"),
}


@pytest.mark.clause("GD/J 083 HTTP")
@pytest.mark.parametrize("name", BODIES)
def test_the_archive_is_found(name: str) -> None:
    content_type, body = BODIES[name]
    assert find_archive(content_type, body).rstrip(b"\r\n") == TAR


def test_the_first_part_with_an_archives_name_counts() -> None:
    body = _part(FILE, b"first") + _part(FILE, b"second") + b"--xyz--"
    assert find_archive("multipart/form-data; boundary=xyz", body) == b"first"


@pytest.mark.parametrize(
    "head",
    [
        "Content-Disposition: form-data; name='file'; filename='EBDT_1.tar'",
        'Content-Disposition: form-data; name="file"; filename="EBDT_1"; filename*=UTF-8\'\'EBDT_1.tar',
        'Content-Disposition: form-data; name="filename=x"; filename="EBDT_1.tar"',
        'Content-Disposition: form-data; name="file";\r\n filename="EBDT_1.tar"',
    ],
)
def test_a_name_is_found_however_it_is_quoted(head: str) -> None:
    assert find_archive("multipart/form-data; boundary=xyz", _part(head, TAR) + b"--xyz--") == TAR


def test_delimiters_of_bare_line_feeds_are_read() -> None:
    body = f"--xyz\n{FILE}\n\n".encode() + TAR + b"\n--xyz--\n"
    assert find_archive("multipart/form-data; boundary=xyz", body) == TAR


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data; boundary=xyz", b""),
        ("multipart/form-data; boundary=xyz", b"--xyz--"),
        ("multipart/form-data; boundary=xyz", _part('Content-Disposition: form-data; name="x"', TAR) + b"--xyz--"),
        ("multipart/form-data; boundary=xyz", _part(FILE.replace(".tar", ".zip"), TAR) + b"--xyz--"),
        ("multipart/form-data; boundary=xyz", b"--xyz\r\n" + b"h" * 9000),
        ("text/plain", b"hello"),
        ("", b"\r\n\r\n"),
    ],
)
def test_a_body_without_an_archive_is_a_parse_failure(content_type: str, body: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as refusal:
        find_archive(content_type, body)
    assert result_code(refusal.value) is ResultCode.PARSE_FAILED


@given(
    content_type=st.text(max_size=60), body=st.binary(max_size=300), prefix=st.sampled_from([b"", b"--x\r\n", b"--"])
)
def test_any_body_is_read_or_refused(content_type: str, body: bytes, prefix: bytes) -> None:
    try:
        find_archive(content_type, prefix + body)
    except RemoteProtocolError as error:
        assert error.reason in ("no-tar", "multipart")  # noqa: PT017


def test_pythons_mail_parser_reads_our_body() -> None:
    made = build_request_body(TAR, NAME, "b" * 20)
    whole = f"Content-Type: {made.content_type}\r\n\r\n".encode() + made.body
    parsed = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(whole)
    (part,) = parsed.iter_parts()
    assert part.get_filename() == NAME
    assert part.get_content_type() == "application/x-tar"


def test_a_peer_that_parses_by_hand_reads_our_body() -> None:
    """The parser of platform.md 8.1, written out: boundary after the first =, file name after the last ="""
    made = build_request_body(TAR, NAME, "b" * 20)
    boundary = made.content_type.split("=")[1]
    lines = made.body.split(b"\r\n")
    assert lines[0] == b"--" + boundary.encode()
    assert lines[1].decode().split("=")[-1].strip('"') == NAME
    start = next(made.body.index(line) for line in lines if line[:4] in (b"EBDB", b"EBDR", b"EBDT", b"EBDS"))
    assert made.body[start:].startswith(TAR)


@pytest.mark.parametrize("boundary", ["a=b", 'a"b', "", "a b", "x" * 71])
def test_a_boundary_that_peers_cannot_read_is_refused(boundary: str) -> None:
    with pytest.raises(LocalProtocolError):
        build_request_body(TAR, NAME, boundary)


def test_a_boundary_or_name_that_breaks_the_body_is_refused() -> None:
    with pytest.raises(LocalProtocolError):
        build_request_body(b"abc" + b"b" * 20, NAME, "b" * 20)
    with pytest.raises(LocalProtocolError):
        build_request_body(TAR, 'a".tar', "b" * 20)
