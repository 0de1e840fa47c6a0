"""Adapters that sign, against the verifier of the daemon (signature.md 3, terminal-ip.md 1.7): annex A numbers neither
reports nor answers, so equal ones of one second are signed over the same bytes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from devices.link import Began, NoAnswer, Rejected
from devices.maintenance import Configure, Configured, Given, HostPort
from devices.ports import Belief, Judged
from ebcd.signing import Policy, SignatureVerifier, TrustStore
from protocols import adapter as a
from protocols.signature import SignatureBlock, signed_bytes
from tests.devices.annex_a_adapter import County, county, settle
from tests.devices.commands import EBM, adapter_code, terminal_code
from tests.ebcd.signing.authority import OTHER, PEER, ROOT, Authority
from tests.virtual_time import VirtualClock

ONE = adapter_code(1)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("trust"))
    made.issue(PEER)
    return made


@pytest.fixture
def verifier(authority: Authority) -> SignatureVerifier:
    return SignatureVerifier(TrustStore.load(authority.folder, [ROOT]), Policy())


def signer(authority: Authority, time: Callable[[], float]) -> Callable[[bytes], SignatureBlock]:
    """Signs as a box does whose software reads a clock: whole seconds."""

    def sign(command: bytes) -> SignatureBlock:
        plain = SignatureBlock(int(time()), PEER, bytes(64))
        return SignatureBlock(plain.time, PEER, authority.keys[PEER].sign(signed_bytes(command, plain)))

    return sign


def believing(at: County, verifier: SignatureVerifier, clock: VirtualClock) -> None:
    at.link.verify = lambda signed, block: verifier.verify(signed, block, clock.wall()).of_a_device(block)


def refusals(at: County) -> list[str]:
    return [event.reason for event in at.told(Rejected) if isinstance(event, Rejected)]


async def test_equal_answers_of_one_second_all_count(
    clock: VirtualClock, rng: random.Random, authority: Authority, verifier: SignatureVerifier
) -> None:
    """Volume, return address and period go in three frames; each gets 0x12, code 0, signed in the same second."""
    async with county(clock, rng) as at:
        believing(at, verifier, clock)
        at.stations[1].sign = signer(authority, clock.wall)
        given = Given(volume=60, return_to=HostPort("10.1.1.1", 8889), period_s=60)
        at.link.offer(Configure((ONE,), given, 7, (terminal_code(1),)))
        await settle()
        await asyncio.sleep(0.01)
        assert [type(m).__name__ for m in at.stations[1].messages] == [
            "SetVolume",
            "SetReturnAddress",
            "SetReturnPeriod",
        ]
        assert [event.result for event in at.told(Configured) if isinstance(event, Configured)] == [0]
        assert refusals(at) == []


async def test_i11_a_report_that_is_sent_again_is_answered_again_and_has_no_second_effect(
    clock: VirtualClock, rng: random.Random, authority: Authority, verifier: SignatureVerifier
) -> None:
    began = a.TaskBegan(ONE, EBM, 1, 4, 1, "11A01", 0, (), 80, (ONE,))
    async with county(clock, rng) as at:
        believing(at, verifier, clock)
        sign = signer(authority, clock.wall)
        data = a.encode(began, sign=sign)
        for _ in range(2):
            reporter = await at.report(data)
            assert [type(f.message) for f in reporter.replies if isinstance(f, a.AdapterFrame)] == [a.TaskReply]
        assert refusals(at) == []
        await asyncio.sleep(2)
        await at.report(a.encode(a.AdapterHeartbeat(ONE, 2, int(clock.wall())), sign=sign))
        late = await at.report(data)
        assert [type(f.message) for f in late.replies if isinstance(f, a.AdapterFrame)] == [a.TaskReply]
        assert refusals(at) == ["replay"]
        assert len(at.told(Began)) == 1


async def test_i11_a_captured_answer_confirms_nothing(
    clock: VirtualClock, rng: random.Random, authority: Authority, verifier: SignatureVerifier
) -> None:
    async with county(clock, rng) as at:
        believing(at, verifier, clock)
        sign = signer(authority, clock.wall)
        captured = a.encode(a.GeneralAnswer(), sign=sign)
        at.stations[1].raw, at.stations[1].reply = captured, lambda _frame: None
        assert verifier.verify(a.decode(captured).signed, a.decode(captured).signature or EMPTY, clock.wall()).ok
        await asyncio.sleep(2)
        await at.report(a.encode(a.AdapterHeartbeat(ONE, 1, int(clock.wall())), sign=sign))
        at.link.offer(Configure((ONE,), Given(volume=60), 7, (terminal_code(1),)))
        await asyncio.sleep(60)
        assert at.told(Configured, NoAnswer) == []
        assert set(refusals(at)) == {"replay"}


async def test_why_a_signature_does_not_count_is_told(
    clock: VirtualClock, rng: random.Random, authority: Authority, verifier: SignatureVerifier
) -> None:
    async with county(clock, rng) as at:
        believing(at, verifier, clock)
        late = signer(authority, lambda: clock.wall() - 4000)
        await at.report(a.encode(a.AdapterHeartbeat(ONE, 1, 1), sign=late))
        (told,) = at.told(Rejected)
        assert isinstance(told, Rejected)
        assert (told.reason, "old_time: signed 4000 s in the past" in told.detail) == ("signature", True)


def test_a_verdict_says_what_a_device_s_signature_is_worth(authority: Authority, verifier: SignatureVerifier) -> None:
    sign, now = signer(authority, lambda: 1_760_000_000.0), 1_760_000_000.0
    later = signer(authority, lambda: 1_760_000_001.0)

    def worth(command: bytes, block: SignatureBlock) -> Judged:
        return verifier.verify(command, block, now).of_a_device(block)

    assert worth(b"x", sign(b"x")) == Judged(Belief.NEW)
    assert worth(b"x", sign(b"x")).belief is Belief.AGAIN
    assert worth(b"y", later(b"y")).belief is Belief.NEW
    assert worth(b"x", sign(b"x")).belief is Belief.COPY
    other = SignatureBlock(1_760_000_000, OTHER, bytes(63) + b"\1")
    assert worth(b"x", other) == Judged(Belief.NONE, "unknown_certificate: certificate 000000000201 is not on file")


EMPTY = SignatureBlock(0, bytes(6), bytes(64))
