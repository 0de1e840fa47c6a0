"""HTTP/1.1 as far as fetching an immutable file needs it (RFC 9110, 9112): pure, from bytes to a decision."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus

from ebcd.media import CONTENT_TYPES, SM3_HEX, is_name

PREFIX = "/media/"
_NUMBERS = re.compile(r"[0-9]{1,40}")  # two numbers; longer ones no file has, and Python refuses to read


@dataclass(frozen=True, slots=True)
class Request:
    """What a peer asks for. `status` is OK, or why it is refused before any file is looked for."""

    status: HTTPStatus
    name: str = ""
    head_only: bool = False
    keep_alive: bool = False
    range_text: str = ""
    if_none_match: str = ""


def parse(head: bytes) -> Request:
    """Read one request head, without its empty line. Never raises."""
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return Request(HTTPStatus.BAD_REQUEST)
    method, target, version = words
    fields = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            return Request(HTTPStatus.BAD_REQUEST)
        fields[name.lower()] = value.strip()
    # A body would be read as the next request: who sends one is not a loudspeaker.
    if fields.get("content-length", "0") != "0" or "transfer-encoding" in fields:
        return Request(HTTPStatus.BAD_REQUEST)
    connection = fields.get("connection", "").lower()
    keep_alive = connection == "keep-alive" if version == "HTTP/1.0" else "close" not in connection
    if method not in ("GET", "HEAD"):
        return Request(HTTPStatus.METHOD_NOT_ALLOWED, keep_alive=keep_alive)
    path = target.partition("?")[0]
    if path.startswith("http://"):  # the absolute form, which servers must take
        path = "/" + path.removeprefix("http://").partition("/")[2]
    head_only = method == "HEAD"
    name = path.removeprefix(PREFIX)
    if not path.startswith(PREFIX) or not is_name(name):
        return Request(HTTPStatus.NOT_FOUND, head_only=head_only, keep_alive=keep_alive)
    return Request(
        HTTPStatus.OK,
        name,
        head_only,
        keep_alive,
        fields.get("range", "") if not head_only else "",
        fields.get("if-none-match", ""),
    )


def etag(name: str) -> str:
    """The digest is the version: a name never has other bytes."""
    return f'"{name[:SM3_HEX]}"'


def is_current(request: Request) -> bool:
    """Whether the peer says that it has the file already."""
    asked = request.if_none_match
    return bool(asked) and (asked == "*" or etag(request.name) in asked)


def byte_range(text: str, size: int) -> tuple[int, int] | None:
    """One range as [start, end); (0, size) where the header is absent or of a kind we may ignore; None beyond the file.

    Several ranges at once are ignored: the whole file is a right answer (RFC 9110 clause 14.2).
    """
    unit, _, wanted = text.partition("=")
    first, dash, last = wanted.strip().partition("-")
    if unit.strip().lower() != "bytes" or dash != "-" or not _NUMBERS.fullmatch(first + last):
        return 0, size
    if not first:
        count = min(int(last), size)
        return (size - count, size) if count else None
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return 0, size
    return (start, end) if start < size else None


def answer_head(status: HTTPStatus, *, keep_alive: bool, length: int, fields: tuple[str, ...] = ()) -> bytes:
    """Status line and header of an answer. 304 names no length: it would be read as the file's."""
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        *(() if status is HTTPStatus.NOT_MODIFIED else (f"Content-Length: {length}",)),
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
        *fields,
        "\r\n",
    )
    return "\r\n".join(lines).encode("latin-1")


def file_fields(name: str) -> tuple[str, ...]:
    """Header lines that go with a file: it may be kept for ever, because its name is its content."""
    return (
        f"Content-Type: {CONTENT_TYPES[name[SM3_HEX + 1 :]]}",
        f"ETag: {etag(name)}",
        "Accept-Ranges: bytes",
        "Cache-Control: public, max-age=31536000, immutable",
        "X-Content-Type-Options: nosniff",
    )
