"""The order of platform.md 6.2, without a socket."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ebcd.gateway import Letter, Posted
from ebcd.signing import FileProfile, FileSigner
from protocols.ebd import Edition, ResultCode, pack, unpack
from protocols.ebd.messages import ConnectionCheck, EbdNotify, Ebm
from tests.ebcd.gateway.exchange import STRANGER, Exchange
from tests.ebcd.signing.authority import OTHER
from tests.protocols.ebd import samples
from tests.virtual_time import VirtualClock

MESSAGE = samples.message()


@pytest.fixture
def exchange(tmp_path: Path, clock: VirtualClock) -> Exchange:
    return Exchange(tmp_path, clock)


async def _code(exchange: Exchange, archive: bytes) -> ResultCode:
    return (await exchange.judge.judge(exchange.posted(archive))).code


@pytest.mark.parametrize("profile", list(FileProfile))
async def test_a_good_package_is_accepted_under_either_profile(exchange: Exchange, profile: FileProfile) -> None:
    archive = exchange.archive(MESSAGE, profile=profile, resources={"EBDR_a.mp3": b"mp3"})
    answer = await exchange.judge.judge(exchange.posted(archive))
    assert (answer.code, answer.desc) == (ResultCode.SUCCESS, "received, parsed and verified")
    (received,) = exchange.book.received
    assert received.ebd.detail == MESSAGE
    assert received.archive == archive
    assert received.package.resource("a.mp3") == b"mp3"
    assert received.verdict is not None
    assert received.verdict.scope is profile.scope
    assert exchange.book.heard == [samples.PROVINCE]
    assert not exchange.book.rejected


async def test_a_heartbeat_needs_no_signature_and_reaches_nobody(exchange: Exchange) -> None:
    archive = exchange.archive(ConnectionCheck(samples.START), signed=False, ebd_id=exchange.province.heartbeat_id())
    for _ in range(2):
        answer = await exchange.judge.judge(exchange.posted(archive))
        assert answer.code is ResultCode.SUCCESS
        assert not answer.signed
    assert exchange.book.heard == [samples.PROVINCE] * 2
    assert not exchange.book.received


@pytest.mark.requirement("R-X-01")
async def test_the_same_number_again_gets_the_same_answer_and_has_no_second_effect(exchange: Exchange) -> None:
    archive = exchange.archive(MESSAGE)
    assert [await _code(exchange, archive) for _ in range(3)] == [ResultCode.SUCCESS] * 3
    assert len(exchange.book.received) == 1
    assert not exchange.book.rejected


async def test_i8_another_message_under_a_number_that_was_used_is_refused_not_swallowed(exchange: Exchange) -> None:
    """Peers exist that draw their numbers by chance; a retry may have another date on it and is no other message."""
    number = f"10{samples.PROVINCE}{7:016d}"
    first = exchange.archive(MESSAGE, ebd_id=number)
    assert await _code(exchange, first) is ResultCode.SUCCESS
    other = exchange.archive(samples.message(ebm_id=samples.EBM_ID[:-1] + "2"), ebd_id=number)
    assert await _code(exchange, other) is ResultCode.OTHER
    assert exchange.book.rejected[-1].reason == "number-reused"
    await asyncio.sleep(2)
    dated_anew = exchange.archive(MESSAGE, ebd_id=number)
    assert dated_anew != first
    assert await _code(exchange, dated_anew) is ResultCode.SUCCESS
    assert len(exchange.book.received) == 1


async def test_two_posts_of_one_number_at_once_have_one_effect(exchange: Exchange) -> None:
    archive = exchange.archive(MESSAGE)
    gate = asyncio.Event()
    inner = exchange.book.accept

    async def slowly(received: object) -> None:
        await gate.wait()
        await inner(received)  # type: ignore[arg-type]

    object.__setattr__(exchange.judge._desk, "accept", slowly)
    async with asyncio.TaskGroup() as group:
        first, second = (group.create_task(_code(exchange, archive)) for _ in range(2))
        await asyncio.sleep(1)
        assert not first.done()
        gate.set()
    assert first.result() is second.result() is ResultCode.SUCCESS
    assert len(exchange.book.received) == 1


@pytest.mark.requirement("R-PERF-04")
async def test_five_messages_at_once_are_all_taken_and_wait_for_none_of_the_others(exchange: Exchange) -> None:
    archives = [exchange.archive(MESSAGE) for _ in range(5)]
    inside = 0
    all_inside = asyncio.Event()
    inner = exchange.book.accept

    async def together(received: object) -> None:
        nonlocal inside
        inside += 1
        if inside == len(archives):
            all_inside.set()
        await all_inside.wait()
        await inner(received)  # type: ignore[arg-type]

    object.__setattr__(exchange.judge._desk, "accept", together)
    async with asyncio.timeout(10):
        codes = await asyncio.gather(*(_code(exchange, archive) for archive in archives))
    assert codes == [ResultCode.SUCCESS] * 5
    assert len({received.ebd.envelope.ebd_id for received in exchange.book.received}) == 5


async def test_a_number_answered_before_a_restart_has_no_second_effect(exchange: Exchange) -> None:
    archive = exchange.archive(MESSAGE)
    number = unpack(archive).ebd_id
    exchange.book.before[number], exchange.book.kept[number] = ResultCode.SUCCESS, MESSAGE
    assert await _code(exchange, archive) is ResultCode.SUCCESS
    assert not exchange.book.received


@pytest.mark.parametrize("kept", [samples.message(ebm_id=samples.EBM_ID[:-1] + "2"), None])
async def test_i8_a_number_of_before_a_restart_swallows_no_other_message(exchange: Exchange, kept: Ebm | None) -> None:
    """A platform that lost its counter begins again at 0, where all numbers are known here."""
    archive = exchange.archive(MESSAGE)
    number = unpack(archive).ebd_id
    exchange.book.before[number] = ResultCode.SUCCESS
    if kept is not None:
        exchange.book.kept[number] = kept
    assert [await _code(exchange, archive) for _ in range(2)] == [ResultCode.OTHER] * 2
    assert {each.reason for each in exchange.book.rejected} == {"number-reused"}


async def test_what_could_not_be_kept_is_answered_5_and_taken_when_it_comes_again(exchange: Exchange) -> None:
    archive = exchange.archive(MESSAGE)
    exchange.book.failures += [OSError("disk full"), KeyError("a bug")]
    assert await _code(exchange, archive) is ResultCode.OTHER
    assert await _code(exchange, archive) is ResultCode.OTHER
    assert await _code(exchange, archive) is ResultCode.SUCCESS
    assert [(r.reason, type(r.error)) for r in exchange.book.rejected] == [("store", OSError), ("store", KeyError)]
    assert len(exchange.book.received) == 1


async def test_a_refused_detail_gets_the_same_answer_again(exchange: Exchange) -> None:
    """Its signature was seen before, which is no reason to say 4 the second time."""
    xml = unpack(exchange.archive(MESSAGE)).xml.replace(b">341123000000<", b"><")
    archive = _signed(exchange, xml)
    assert [await _code(exchange, archive) for _ in range(2)] == [ResultCode.CONTENT_MISSING] * 2
    assert not exchange.book.received


def _signed(exchange: Exchange, xml: bytes) -> bytes:
    letter = Letter("1", xml, True, {})
    return exchange.province.package(letter, exchange.peer.edition, FileProfile.XML)


@pytest.mark.parametrize("profile", list(FileProfile))
@pytest.mark.parametrize("before", [ResultCode.SUCCESS, ResultCode.CONTENT_MISSING])
async def test_the_same_bytes_get_the_same_answer_long_after_their_time(
    exchange: Exchange, clock: VirtualClock, profile: FileProfile, before: ResultCode
) -> None:
    """A receipt that got lost, and a platform that tries again after ten minutes. "Signature failed" would have it
    report as refused what sounds here."""
    archive = exchange.archive(MESSAGE, profile=profile)
    assert await _code(exchange, archive) is ResultCode.SUCCESS
    exchange.judge._answers[unpack(archive).ebd_id] = before
    await asyncio.sleep(600)
    assert await _code(exchange, exchange.archive(MESSAGE, profile=profile)) is ResultCode.SUCCESS
    assert await _code(exchange, archive) is before
    assert len(exchange.book.received) == 2


async def test_captured_bytes_under_a_number_nobody_knows_are_refused(exchange: Exchange) -> None:
    """I11: the signature memory outlives the memory of answers."""
    archive = exchange.archive(MESSAGE)
    assert await _code(exchange, archive) is ResultCode.SUCCESS
    exchange.judge._answers.clear()
    assert await _code(exchange, archive) is ResultCode.SIGNATURE_FAILED
    assert len(exchange.book.received) == 1


async def test_an_old_signature_time_is_refused(exchange: Exchange, clock: VirtualClock) -> None:
    archive = exchange.archive(MESSAGE)
    clock.step(301)
    assert await _code(exchange, archive) is ResultCode.SIGNATURE_FAILED
    assert exchange.book.rejected[0].reason == "old_time"


async def test_i11_a_package_held_back_and_signed_anew_in_time_is_refused_by_its_own_date(
    exchange: Exchange, clock: VirtualClock
) -> None:
    letter = exchange.province.write(MESSAGE, Edition.Y2018, destination=None)
    clock.step(901)
    late = exchange.province.package(letter, Edition.Y2018, FileProfile.XML)  # SigTime is now, EBDTime is not
    answer = await exchange.judge.judge(exchange.posted(late))
    assert answer.code is ResultCode.SIGNATURE_FAILED
    assert exchange.book.received == []


@pytest.mark.requirement("R-SYS-07", "R-SEC-02", "R-PLT-18", "R-PLT-02")
async def test_bad_signatures_are_4(exchange: Exchange) -> None:
    good = unpack(exchange.archive(MESSAGE))
    assert good.signature_xml is not None
    cases = {
        "signature-missing": pack(good.xml),
        "signature-file": pack(good.xml, b"<Signature/>"),
        "bad_signature": pack(good.xml.replace(b"Severity>1<", b"Severity>2<"), good.signature_xml),
        "not_allowed": _by(exchange),
    }
    for reason, archive in cases.items():
        assert await _code(exchange, archive) is ResultCode.SIGNATURE_FAILED, reason
    assert [rejection.reason for rejection in exchange.book.rejected] == list(cases)
    assert not exchange.book.received
    assert not exchange.book.heard


def _by(exchange: Exchange) -> bytes:
    """The province's document with the signature of a certificate that may not sign for it."""
    exchange.province._signer = FileSigner(exchange.keys[OTHER], OTHER, exchange.clock)
    return exchange.archive(MESSAGE)


async def test_a_missing_signature_counts_where_the_peer_may_leave_it_out(tmp_path: Path, clock: VirtualClock) -> None:
    exchange = Exchange(tmp_path, clock, require_signature=False)
    assert await _code(exchange, exchange.archive(MESSAGE, signed=False)) is ResultCode.SUCCESS
    bad = pack(unpack(exchange.archive(MESSAGE)).xml, b"<Signature/>")
    assert await _code(exchange, bad) is ResultCode.SIGNATURE_FAILED


async def test_who_and_for_whom_comes_before_the_signature(exchange: Exchange) -> None:
    """A stranger's package is 5 although its signature is missing; another platform's too."""
    elsewhere = exchange.archive(MESSAGE, destination=STRANGER, signed=False)
    stranger = pack(unpack(exchange.archive(MESSAGE)).xml.replace(samples.PROVINCE.encode(), STRANGER.encode(), 2))
    assert await _code(exchange, elsewhere) is ResultCode.OTHER
    assert await _code(exchange, stranger) is ResultCode.OTHER
    assert [rejection.reason for rejection in exchange.book.rejected] == ["destination", "source"]


async def test_no_destination_means_us(exchange: Exchange) -> None:
    assert await _code(exchange, exchange.archive(MESSAGE, destination=None)) is ResultCode.SUCCESS


async def test_the_signature_comes_before_the_detail(exchange: Exchange) -> None:
    xml = unpack(exchange.archive(MESSAGE)).xml.replace(b">341123000000<", b"><")
    assert await _code(exchange, pack(xml, b"<Signature/>")) is ResultCode.SIGNATURE_FAILED


@pytest.mark.parametrize(("body", "reason"), [(b"", "no-tar"), (b"hello", "no-tar"), (b"--b\r\nx", "multipart")])
async def test_what_is_no_package_is_2(exchange: Exchange, body: bytes, reason: str) -> None:
    answer = await exchange.judge.judge(Posted("multipart/form-data; boundary=b", body, "x", 0.0, 0.0))
    assert answer.code is ResultCode.PARSE_FAILED
    assert answer.desc.startswith("could not be parsed: ")
    assert exchange.book.rejected[0].reason == reason


async def test_every_type_but_a_heartbeat_reaches_the_desk(exchange: Exchange) -> None:
    notice = EbdNotify(ResultCode.CONTENT_MISSING, "not found")
    assert await _code(exchange, exchange.archive(notice)) is ResultCode.SUCCESS
    assert exchange.book.received[0].ebd.detail == notice


async def test_old_answers_are_forgotten_not_kept_for_ever(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ebcd.gateway.judge.ANSWERS_MAX", 3)
    for _ in range(5):
        assert await _code(exchange, exchange.archive(MESSAGE)) is ResultCode.SUCCESS
    assert len(exchange.judge._answers) == 3
    assert not exchange.judge._running
    assert not exchange.judge._unfinished
