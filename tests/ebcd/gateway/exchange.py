"""A province and a county with real keys, and a desk that remembers what it was told."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from pathlib import Path

from devices.ports import Clock
from ebcd.gateway import Desk, Judge, Peer, Posted, Received, Rejection, Writer
from ebcd.signing import FileProfile, FileSigner, SignatureVerifier, TrustStore
from protocols.codes import EbdId
from protocols.ebd import Detail, ResultCode, build_request_body, find_archive, package_name
from protocols.ebd.edition import Edition
from tests.ebcd.signing.authority import OTHER, PEER, ROOT, Authority
from tests.protocols.ebd.samples import COUNTY, PROVINCE

STRANGER = "24200000000000101010101"


@dataclass
class Book:
    """What the desk was told."""

    received: list[Received] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    before: dict[str, ResultCode] = field(default_factory=dict)
    kept: dict[str, Detail] = field(default_factory=dict)  # what came under the numbers of `before`
    failures: list[BaseException] = field(default_factory=list)  # raised by the next calls of accept

    async def accept(self, received: Received) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.received.append(received)

    async def answered(self, ebd_id: str) -> ResultCode | None:
        return self.before.get(ebd_id)

    async def content(self, ebd_id: str) -> Detail | None:
        return self.kept.get(ebd_id)

    def desk(self) -> Desk:
        return Desk(
            self.accept, self.answered, self.content, lambda peer: self.heard.append(peer.code), self.rejected.append
        )


class Exchange:
    """Both ends of one link."""

    def __init__(self, folder: Path, clock: Clock, **peer: object) -> None:
        authority = Authority(folder)
        for number in (PEER, OTHER):
            authority.issue(number)
        self.clock = clock
        self.book = Book()
        self.peer = replace(Peer(PROVINCE, "http://127.0.0.1:1/x", certificates=frozenset({PEER})), **peer)  # type: ignore[arg-type]
        self.verifier = SignatureVerifier(TrustStore.load(folder, [ROOT]))
        self.judge = Judge(COUNTY, [self.peer], self.verifier, clock, self.book.desk(), "en")
        self._numbers = itertools.count(1)
        self.province = Writer(
            code=PROVINCE,
            url="http://127.0.0.1:1",
            next_ebd_id=lambda: EbdId.build(EbdId.MESSAGE, PROVINCE, next(self._numbers)),
            signer=FileSigner(authority.keys[PEER], PEER, clock),
            wall=clock.wall,
        )
        self.county = Writer(
            code=COUNTY,
            url="http://127.0.0.1:2",
            next_ebd_id=lambda: EbdId.build(EbdId.MESSAGE, COUNTY, next(self._numbers)),
            signer=FileSigner(authority.keys[OTHER], OTHER, clock),
            wall=clock.wall,
        )
        self.keys = authority.keys

    def archive(
        self,
        detail: Detail,
        *,
        destination: str | None = COUNTY,
        signed: bool = True,
        profile: FileProfile = FileProfile.XML,
        resources: dict[str, bytes] | None = None,
        ebd_id: str | None = None,
        edition: Edition = Edition.Y2018,
    ) -> bytes:
        """A package of the province."""
        letter = self.province.write(
            detail, edition, destination=destination, signed=signed, resources=resources, ebd_id=ebd_id
        )
        return self.province.package(letter, edition, profile)

    def posted(self, archive: bytes) -> Posted:
        """The same as the body of a request that has just arrived."""
        body = build_request_body(archive, package_name("1"), "boundary" * 3)
        assert find_archive(body.content_type, body.body) == archive
        return Posted(body.content_type, body.body, "192.0.2.1", self.clock.monotonic(), self.clock.wall())
