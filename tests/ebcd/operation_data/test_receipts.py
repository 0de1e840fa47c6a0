"""What a receipt must be to count: for the package that was sent, and not with a wrong signature."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as Folder

import pytest

from ebcd.gateway import Writer, read_receipt
from ebcd.gateway.post import ReceiptJudge, no_objection
from ebcd.signing import FileProfile, FileSigner
from protocols.codes import EbdId
from protocols.ebd import Edition, find_archive, pack, unpack
from protocols.ebd.messages import EbdResponse
from protocols.ebd.multipart import RequestBody
from protocols.ebd.reports import EbrpsInfo
from tests.ebcd.county import PROVINCE
from tests.ebcd.office import PLATFORM
from tests.ebcd.operation_data.bench import Province, bench
from tests.ebcd.signing.authority import OTHER, PEER, Authority
from tests.virtual_time import VirtualClock


@dataclass
class Signing(Province):
    """Answers with whole packages, which `spoil` may change; `related` instead of the number that is answered."""

    writer: Writer | None = None
    spoil: Callable[[bytes], bytes] = lambda archive: archive
    related: str = ""
    signed: bool = True

    async def post(self, url: str, body: RequestBody, objection: ReceiptJudge = no_objection) -> EbdResponse:
        answer = await super().post(url, body)
        assert self.writer is not None
        about = self.related or unpack(find_archive(body.content_type, body.body)).ebd_id
        letter = self.writer.write(
            answer, Edition.Y2018, destination=PLATFORM, related_ebd_id=about, signed=self.signed
        )
        archive = self.writer.package(letter, Edition.Y2018, FileProfile.XML)
        return read_receipt("application/x-tar", self.spoil(archive), objection)


def signing(folder: Folder, clock: VirtualClock, number: bytes = PEER) -> Signing:
    """A province that signs its receipts with certificate `number`; keys come by chance with a fixed seed."""
    (folder / "keys").mkdir()
    authority = Authority(folder / "keys")
    for each in (PEER, OTHER):
        authority.issue(each)
    writer = Writer(
        code=PROVINCE,
        url="",
        next_ebd_id=lambda: EbdId.build(EbdId.MESSAGE, PROVINCE, 1),
        signer=FileSigner(authority.keys[PEER], number, clock),
        wall=clock.wall,
    )
    return Signing(clock, writer=writer)


def altered(archive: bytes) -> bytes:
    """One byte more under the signature of the first."""
    package = unpack(archive)
    return pack(package.xml + b"\n", package.signature_xml)


async def told(folder: Folder, province: Signing) -> int:
    """How often the platform's data were posted within 130 s: once if the receipt counts."""
    async with bench(folder, province):
        await asyncio.sleep(130)
    return len(province.of(EbrpsInfo))


async def test_a_receipt_with_a_good_signature_counts_and_so_does_one_without(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    province = signing(tmp_path, clock)
    assert await told(tmp_path, province) == 1
    province.signed = False
    province.forget()
    assert await told(tmp_path, province) == 0  # known from the life before
    other = tmp_path / "unsigned"
    other.mkdir()
    assert await told(other, province) == 1


async def test_a_receipt_of_a_certificate_that_nobody_has_counts_as_one_without(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    assert await told(tmp_path, signing(tmp_path, clock, bytes.fromhex("0000000009ff"))) == 1


@pytest.mark.parametrize("wrong", ["signature", "number"])
async def test_a_receipt_with_a_wrong_signature_or_for_another_package_is_none(
    tmp_path: Folder, clock: VirtualClock, wrong: str
) -> None:
    province = signing(tmp_path, clock)
    if wrong == "signature":
        province.spoil = lambda archive: altered(archive) if unpack(archive).signature_xml else archive
    else:
        province.related = EbdId.build(EbdId.MESSAGE, PLATFORM, 999_999)
    count = await told(tmp_path, province)
    assert count == (3 if wrong == "signature" else 0)  # each minute again; not even a heartbeat was answered
