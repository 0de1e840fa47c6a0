"""Requests written by hand, and responses as a peer sees them."""

from __future__ import annotations

from dataclasses import dataclass

from protocols.ebd import Ebd, Package, ResultCode, decode, package_name, unpack
from protocols.ebd.messages import EbdResponse
from tests.protocols.ebd import samples

NAME = package_name(samples.EBD_ID)
FILE = f'Content-Disposition: form-data; name="file"; filename="{NAME}"'


@dataclass
class Reply:
    """A response as a peer sees it."""

    status: bytes
    head: bytes
    package: Package
    ebd: Ebd

    @property
    def code(self) -> ResultCode:
        assert isinstance(self.ebd.detail, EbdResponse)
        return self.ebd.detail.code


def read(response: bytes) -> Reply:
    head, _, body = response.partition(b"\r\n\r\n")
    package = unpack(body)
    return Reply(head.partition(b"\r\n")[0], head, package, decode(package.xml))


def body_of(archive: bytes, *, head: str = FILE, before: bytes = b"", after: bytes = b"") -> bytes:
    return before + f"--xyz\r\n{head}\r\n\r\n".encode() + archive + b"\r\n--xyz--\r\n" + after


def request(body: bytes, *, path: str = "/EB/ebdsvc.html", host: str = "Host: x\r\n", more: str = "") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\n{host}Content-Type: multipart/form-data; boundary=xyz\r\n{more}"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
