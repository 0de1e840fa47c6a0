"""What was accepted is still known after a kill -9: the signature stands in the store with its package (I11)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path as Folder

import pytest

from ebcd.foundation import remembered
from ebcd.gateway import Received
from ebcd.signing import Policy, Refusal, SignatureVerifier, TrustStore
from protocols.ebd.messages import Ebm
from protocols.signature import CertificateNumber, Scope, SignatureBlock, number_from_text, signed_bytes
from tests.ebcd.office import Office, office
from tests.ebcd.signing.authority import PEER, ROOT, Authority
from tests.virtual_time import VirtualClock

ME = number_from_text("000000000301")
EITHER = (Scope.COMMAND, Scope.CMD_TIME)


@pytest.fixture
def authority(tmp_path: Folder) -> Authority:
    (tmp_path / "trust").mkdir()
    made = Authority(tmp_path / "trust")
    made.issue(PEER)
    return made


def signed(authority: Authority, xml: bytes, time: int, scope: Scope) -> SignatureBlock:
    plain = SignatureBlock(time, PEER, bytes(64))
    return SignatureBlock(time, PEER, authority.keys[PEER].sign(signed_bytes(xml, plain, scope)))


def verifier(authority: Authority, receiver: CertificateNumber | None = None) -> SignatureVerifier:
    return SignatureVerifier(TrustStore.load(authority.folder, [ROOT], receiver))


def judged(
    room: Office, judge: SignatureVerifier, authority: Authority, ebm: Ebm, time: int, scope: Scope, number: int = 1
) -> Received:
    """As the gateway hands it on."""
    received = room.received(ebm, number)
    block = signed(authority, received.package.xml, time, scope)
    verdict = judge.verify(received.package.xml, block, room.clock.wall(), scopes=EITHER)
    assert verdict.ok, verdict
    return replace(received, signature=block, verdict=verdict)


@pytest.mark.parametrize("scope", EITHER)
async def test_i11_captured_bytes_are_refused_by_the_next_life(
    tmp_path: Folder, clock: VirtualClock, authority: Authority, scope: Scope
) -> None:
    async with office(tmp_path, clock) as room:
        package = judged(room, verifier(authority), authority, room.ebm(), int(clock.wall()), scope)
        await room.upstream.accept(package)
        await asyncio.sleep(1)
    async with office(tmp_path, clock) as room:
        again = verifier(authority)
        again.restore(remembered(await room.store.signatures(), Policy()))
        assert package.signature is not None
        verdict = again.verify(package.package.xml, package.signature, clock.wall(), scopes=EITHER)
        assert verdict.refusal is Refusal.REPLAY


async def test_i11_a_counter_does_not_begin_anew_with_the_next_life(
    tmp_path: Folder, clock: VirtualClock, authority: Authority
) -> None:
    async with office(tmp_path, clock) as room:
        judge = verifier(authority)
        for number, count in enumerate((29_734, 29_735), 1):
            await room.upstream.accept(judged(room, judge, authority, room.ebm(number), count, Scope.CMD_TIME, number))
        await asyncio.sleep(1)
        memory = await room.store.signatures()
    assert memory.last == {"000000000101": 29_735}
    again = verifier(authority)
    again.restore(remembered(memory, Policy()))
    old = signed(authority, b"<EBD/>", 29_735 - 16, Scope.CMD_TIME)
    assert again.verify(b"<EBD/>", old, clock.wall(), scopes=EITHER).refusal is Refusal.COUNTER
    new = signed(authority, b"<EBD/>", 29_736, Scope.CMD_TIME)
    assert again.verify(b"<EBD/>", new, clock.wall(), scopes=EITHER).ok


async def test_i11_a_time_that_was_not_signed_moves_nothing_over_a_restart(
    tmp_path: Folder, clock: VirtualClock, authority: Authority
) -> None:
    async with office(tmp_path, clock) as room:
        judge = verifier(authority)
        await room.upstream.accept(judged(room, judge, authority, room.ebm(), 999_999_999, Scope.COMMAND))
        await asyncio.sleep(1)
        memory = await room.store.signatures()
    assert memory.last == {}
    again = verifier(authority)
    again.restore(remembered(memory, Policy()))
    counter = signed(authority, b"<EBD/>", 7, Scope.CMD_TIME)
    assert again.verify(b"<EBD/>", counter, clock.wall(), scopes=EITHER).ok


async def test_a_list_that_has_verified_a_package_stands_alone_in_the_next_life(
    tmp_path: Folder, clock: VirtualClock, authority: Authority
) -> None:
    authority.list_for(ME, 1, ROOT)
    authority.list_for(ME, 2, PEER)
    async with office(tmp_path, clock) as room:
        judge = verifier(authority, ME)
        assert judge.trust.permits(ROOT)
        package = judged(room, judge, authority, room.ebm(), int(clock.wall()), Scope.COMMAND)
        await room.upstream.accept(package)
        await asyncio.sleep(1)
        memory = await room.store.signatures()
    assert memory.list_serial == 2
    assert not TrustStore.load(authority.folder, [ROOT], ME, memory.list_serial).permits(ROOT)
