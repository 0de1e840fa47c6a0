"""The TAR inside an HTTP POST body, found the tolerant way and written the strict way (platform.md 1.2, 8.1).

Deployed peers cut corners on both sides: boundaries without quotes or with them, other parts before and after, a
backslash before the file name, bytes after the archive, even a bare TAR as the body. The reader takes the first part
whose file name ends with .tar; the writer's body can be read by peers that parse it by hand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from protocols.ebd import tar
from protocols.errors import LocalProtocolError, RemoteProtocolError

PART_HEAD_BYTES_MAX = 8192
PARTS_MAX = 32

_BOUNDARY = re.compile(r'boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;,]{1,200}))', re.IGNORECASE)
_FILE_NAME = re.compile(rb"""filename\*?\s*=\s*(?:"([^"\r\n]*)"?|([^;\r\n]*))""", re.IGNORECASE)
_SAFE_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:?-]{1,70}")
_END_OF_HEAD = re.compile(rb"\r\n\r\n|\n\n")


@dataclass(frozen=True, slots=True)
class RequestBody:
    """A body and the value of its Content-Type header."""

    content_type: str
    body: bytes


def build_request_body(archive: bytes, file_name: str, boundary: str) -> RequestBody:
    """Wrap an archive for sending: boundary bare and without "=", the file name last in its header.

    `boundary` is random text that the caller draws; it must not occur in the archive. Raises LocalProtocolError.
    """
    if _SAFE_BOUNDARY.fullmatch(boundary) is None:
        raise LocalProtocolError(f"boundary {boundary!r} has characters that peers cannot read")
    if boundary.encode() in archive:
        raise LocalProtocolError("the boundary occurs in the archive; draw another one")
    if set('"\\/\r\n=') & set(file_name):
        raise LocalProtocolError(f"file name {file_name!r} cannot stand in a header")
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{file_name}"\r\n'
        "Content-Type: application/x-tar\r\n\r\n"
    )
    body = head.encode() + archive + f"\r\n--{boundary}--\r\n".encode()
    return RequestBody(f"multipart/form-data; boundary={boundary}", body)


def find_archive(content_type: str, body: bytes) -> bytes:
    """The TAR inside a body. Raises RemoteProtocolError: no-tar, multipart (result 2)."""
    if tar.is_archive(body):  # some clients post the archive itself
        return body
    boundary = _boundary(content_type, body)
    if boundary is None:
        raise RemoteProtocolError("no-tar", f"no archive in a body of type {content_type[:80]!r}")
    at = _first_delimiter(body, boundary)
    for _ in range(PARTS_MAX):
        if at is None:
            break
        start = at + 2 + len(boundary)
        if body[start : start + 2] == b"--":
            break
        end_of_head = _END_OF_HEAD.search(body, start, start + PART_HEAD_BYTES_MAX)
        if end_of_head is None:
            raise RemoteProtocolError("multipart", "the head of a part has no end", offset=start)
        at = _next_delimiter(body, boundary, end_of_head.end())
        if _is_archive_name(body[start : end_of_head.start()]):
            return _content(body, end_of_head.end(), at)
    raise RemoteProtocolError("no-tar", "no part has a file name that ends with .tar")


def _boundary(content_type: str, body: bytes) -> bytes | None:
    """As the header says it; where it says none or a wrong one, the body's first line knows."""
    found = _BOUNDARY.search(content_type)
    boundary = (found[1] or found[2]).encode("utf-8", "replace") if found else b""
    if boundary and b"--" + boundary in body:
        return boundary
    first_line = body.lstrip(b"\r\n")[:256].partition(b"\n")[0].rstrip(b"\r")
    return first_line[2:] if first_line.startswith(b"--") and len(first_line) > 2 else None


def _first_delimiter(body: bytes, boundary: bytes) -> int | None:
    if body.startswith(b"--" + boundary):
        return 0
    return _next_delimiter(body, boundary, 0)


def _next_delimiter(body: bytes, boundary: bytes, start: int) -> int | None:
    """Where the next `--boundary` at the start of a line begins."""
    at = body.find(b"\n--" + boundary, max(start - 1, 0))
    return None if at < 0 else at + 1


def _is_archive_name(head: bytes) -> bool:
    """Whether any file name of the head is an archive's: there may be two, `filename` and `filename*`."""
    names = (found[1] or found[2] or b"" for found in _FILE_NAME.finditer(head))
    return any(name.strip().strip(b"\"'").strip().lower().endswith(b".tar") for name in names)


def _content(body: bytes, start: int, delimiter: int | None) -> bytes:
    """The part's content; a body whose closing delimiter is missing ends with the body."""
    if delimiter is None:
        return body[start:]
    end = delimiter - 1
    if body[end - 1 : end] == b"\r":
        end -= 1
    return body[start : max(end, start)]
