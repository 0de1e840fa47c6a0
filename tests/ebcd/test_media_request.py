"""The part of HTTP that fetching a file needs."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebcd.media_request import answer_head, byte_range, file_fields, is_current, parse

NAME = "ab" * 32 + ".mp3"
TARGET = f"/media/{NAME}"


def head(line: str, *fields: str) -> bytes:
    return "\r\n".join((line, *fields)).encode("latin-1")


@pytest.mark.parametrize(
    "line", [f"GET {TARGET} HTTP/1.1", f"GET {TARGET}?v=1 HTTP/1.1", f"GET http://10.1.1.1:8088{TARGET} HTTP/1.1"]
)
def test_a_file_may_be_asked_for_in_every_legal_form(line: str) -> None:
    request = parse(head(line, "Host: 10.1.1.1"))
    assert (request.status, request.name, request.keep_alive) == (HTTPStatus.OK, NAME, True)


@pytest.mark.parametrize(
    ("line", "field", "kept"),
    [
        (f"GET {TARGET} HTTP/1.1", "Connection: close", False),
        (f"GET {TARGET} HTTP/1.0", "Host: a", False),
        (f"GET {TARGET} HTTP/1.0", "Connection: Keep-Alive", True),
    ],
)
def test_the_connection_is_kept_as_the_peer_says(line: str, field: str, kept: bool) -> None:
    assert parse(head(line, field)).keep_alive is kept


@pytest.mark.parametrize(
    ("line", "field", "status"),
    [
        ("GET / HTTP/1.1", "Host: a", 404),
        ("GET /media/../secret HTTP/1.1", "Host: a", 404),
        (f"GET /media/%2e%2e/{NAME} HTTP/1.1", "Host: a", 404),
        (f"GET {TARGET}/ HTTP/1.1", "Host: a", 404),
        (f"POST {TARGET} HTTP/1.1", "Host: a", 405),
        (f"POST {TARGET} HTTP/1.1", "Content-Length: 5", 400),
        (f"GET {TARGET} HTTP/1.1", "Transfer-Encoding: chunked", 400),
        (f"GET {TARGET} HTTP/2", "Host: a", 400),
        (f"GET  {TARGET} HTTP/1.1", "Host: a", 400),
        (f"GET {TARGET} HTTP/1.1", "no colon", 400),
        (f"GET {TARGET} HTTP/1.1", "Host : a", 400),
        ("", "", 400),
    ],
)
def test_everything_else_is_refused_by_its_status(line: str, field: str, status: int) -> None:
    assert parse(head(line, field)).status == status


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_a_refusal(data: bytes) -> None:
    for text in (data, b"GET " + data, f"GET {TARGET} HTTP/1.1\r\n".encode() + data):
        assert parse(text).status in HTTPStatus


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("", (0, 1000)),
        ("bytes=0-", (0, 1000)),
        ("bytes=0-0", (0, 1)),
        ("Bytes = 10-19", (10, 20)),
        ("bytes=990-5000", (990, 1000)),
        ("bytes=-10", (990, 1000)),
        ("bytes=-5000", (0, 1000)),
        ("bytes=1000-", None),
        ("bytes=-0", None),
        ("bytes=20-10", (0, 1000)),
        ("bytes=0-1,5-6", (0, 1000)),
        ("bytes=٣-", (0, 1000)),
        ("lines=1-2", (0, 1000)),
        ("bytes=-", (0, 1000)),
    ],
)
def test_ranges_by_the_book(text: str, span: tuple[int, int] | None) -> None:
    assert byte_range(text, 1000) == span


@given(st.text(st.sampled_from("bytes=-0123456789, "), max_size=30), st.integers(1, 5000))
def test_a_range_always_lies_inside_the_file(text: str, size: int) -> None:
    span = byte_range(text, size)
    assert span is None or 0 <= span[0] < span[1] <= size


@pytest.mark.parametrize(
    ("asked", "current"), [(f'"{"ab" * 32}"', True), ("*", True), (f'W/"x", "{"ab" * 32}"', True), ('"x"', False)]
)
def test_a_peer_that_has_the_file_is_told_so(asked: str, current: bool) -> None:
    assert is_current(parse(head(f"GET {TARGET} HTTP/1.1", f"If-None-Match: {asked}"))) is current


def test_an_answer_names_type_digest_and_length() -> None:
    text = answer_head(HTTPStatus.OK, keep_alive=False, length=7, fields=file_fields(NAME)).decode()
    assert text.startswith("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\nContent-Type: audio/mpeg\r\n")
    assert f'ETag: "{"ab" * 32}"\r\n' in text
    assert text.endswith("\r\n\r\n")
