"""Sending in virtual time: retries with one number, order, heartbeats, and when a peer counts as lost."""

from __future__ import annotations

import asyncio
import itertools
import math
from pathlib import Path

import pytest

from ebcd.gateway import (
    Delivered,
    GatewayOutboxFull,
    Letter,
    Peer,
    PeerDown,
    PeerUp,
    PostFailed,
    Undelivered,
    Worth,
    lane_of,
)
from protocols.ebd import ResultCode
from protocols.ebd.messages import ConnectionCheck, EbdNotify, EbdResponse, EbmStateResponse
from protocols.ebd.reports import EbrdtState
from tests.ebcd.gateway.sending import OK, PEER, URL, Posted, Sending, broken, news, running, sending_to, state
from tests.protocols.ebd import samples
from tests.virtual_time import VirtualClock


@pytest.fixture
def sending(tmp_path: Path, clock: VirtualClock) -> Sending:
    return sending_to(tmp_path, clock, PEER)


async def test_a_state_is_signed_and_names_the_package_it_answers(sending: Sending) -> None:
    async with running(sending.client):
        letter = sending.client.send(samples.PROVINCE, state(2), related_ebd_id=samples.EBD_ID)
        await asyncio.sleep(1)
    (posted,) = sending.poster.letters
    assert posted.url == URL
    assert (posted.ebd.envelope.ebd_id, posted.ebd.envelope.related_ebd_id) == (letter.ebd_id, samples.EBD_ID)
    assert posted.ebd.envelope.destination == samples.PROVINCE
    assert posted.package.signature_xml is not None
    (delivered,) = [event for event in sending.events if isinstance(event, Delivered)]
    assert (delivered.ebd_id, delivered.code, delivered.tries) == (letter.ebd_id, ResultCode.SUCCESS, 1)


async def test_an_undelivered_state_is_tried_at_5_15_60_with_one_number_and_fresh_signatures(sending: Sending) -> None:
    sending.poster.rule = broken
    async with running(sending.client):
        letter = sending.client.send(samples.PROVINCE, state(2))
        await asyncio.sleep(100)
    tries = sending.poster.letters
    assert [round(each.at_s - tries[0].at_s) for each in tries] == [0, 5, 20, 80]
    assert {each.ebd.envelope.ebd_id for each in tries} == {letter.ebd_id}
    assert len({each.package.xml for each in tries}) == 1
    assert len({each.package.signature_xml for each in tries}) == 4
    assert [event for event in sending.events if isinstance(event, Undelivered)] == [
        Undelivered(Peer(samples.PROVINCE, URL), letter.ebd_id, "connect", 4)
    ]


async def test_states_of_one_message_keep_their_order_and_do_not_hold_up_another(sending: Sending) -> None:
    failures = 2

    def rule(posted: Posted) -> EbdResponse:
        nonlocal failures
        detail = posted.ebd.detail
        if isinstance(detail, EbmStateResponse) and detail.state_code == 1 and failures:
            failures -= 1
            raise PostFailed("timeout", "silence")
        return OK

    sending.poster.rule = rule
    other = samples.EBM_ID[:-1] + "9"
    async with running(sending.client):
        for code in (1, 2, 3):
            sending.client.send(samples.PROVINCE, state(code))
        sending.client.send(samples.PROVINCE, state(5, other))
        await asyncio.sleep(30)
    details = [each.ebd.detail for each in sending.poster.letters]
    codes = [detail.state_code for detail in details if isinstance(detail, EbmStateResponse)]
    assert codes == [1, 5, 1, 1, 2, 3]


async def test_code_5_is_tried_again_and_code_4_is_final(sending: Sending) -> None:
    codes = iter([ResultCode.OTHER, ResultCode.SIGNATURE_FAILED])
    sending.poster.rule = lambda posted: (
        OK if isinstance(posted.ebd.detail, ConnectionCheck) else EbdResponse(next(codes), "no")
    )
    async with running(sending.client):
        sending.client.send(samples.PROVINCE, state(2))
        await asyncio.sleep(100)
    (delivered,) = [event for event in sending.events if isinstance(event, Delivered)]
    assert (delivered.code, delivered.desc, delivered.tries) == (ResultCode.SIGNATURE_FAILED, "no", 2)


async def test_reports_are_sent_once(sending: Sending) -> None:
    sending.poster.rule = broken
    async with running(sending.client):
        sending.client.send(samples.PROVINCE, EbrdtState())
        await asyncio.sleep(100)
    assert len(sending.poster.letters) == 1


@pytest.mark.clause("GD/J 083 ConnectionCheck")
async def test_heartbeats_go_out_each_period_unsigned_and_are_never_retried(sending: Sending) -> None:
    sending.poster.rule = broken
    async with running(sending.client):
        await asyncio.sleep(301)
    beats = sending.poster.heartbeats
    assert {round(b.at_s - a.at_s, 6) for a, b in itertools.pairwise(beats)} == {30.0}
    assert len(beats) in (10, 11)
    assert all(each.package.signature_xml is None for each in beats)
    assert {each.ebd.envelope.ebd_id for each in beats} == {f"01{samples.COUNTY}{'0' * 16}"}


async def test_a_slow_peer_gets_no_second_heartbeat_while_the_first_runs(sending: Sending) -> None:
    sending.poster.delay_s = 40.0
    async with running(sending.client):
        await asyncio.sleep(200)
    beats = sending.poster.heartbeats
    assert {round(b.at_s - a.at_s, 6) for a, b in itertools.pairwise(beats)} == {60.0}


async def test_a_peer_is_lost_when_nothing_was_answered_for_20_seconds_and_found_again(sending: Sending) -> None:
    async with running(sending.client):
        await asyncio.sleep(61)
        assert sending.client.statuses()[0].up
        sending.poster.rule = broken
        await asyncio.sleep(30 + 22)  # at most a whole period until the first heartbeat that is not answered
        assert not sending.client.statuses()[0].up
        assert sending.client.statuses()[0].last_failure == "connect: refused"
        sending.poster.rule = lambda _: OK
        await asyncio.sleep(31)
    assert [type(event) for event in news(sending)] == [PeerUp, PeerDown, PeerUp]
    down = news(sending)[1]
    assert isinstance(down, PeerDown)
    assert 20 <= down.unanswered_s < 22


async def test_an_answer_that_takes_longer_than_20_seconds_is_a_loss_that_ends_with_it(sending: Sending) -> None:
    sending.poster.delay_s = 25.0
    async with running(sending.client):
        await asyncio.sleep(29)
    assert [type(event) for event in news(sending)] == [PeerDown, PeerUp]


async def test_a_peer_that_was_never_there_is_told_once(sending: Sending) -> None:
    sending.poster.rule = broken
    async with running(sending.client):
        await asyncio.sleep(2000)
    assert [type(event) for event in news(sending)] == [PeerDown]


async def test_a_peer_that_speaks_and_does_not_answer_is_down_and_the_news_says_that_it_speaks(
    sending: Sending,
) -> None:
    sending.poster.rule = broken
    async with running(sending.client):
        sending.client.heard(PEER)
        await asyncio.sleep(60)
        assert not sending.client.statuses()[0].up
    (down,) = news(sending)
    assert isinstance(down, PeerDown)
    assert down.speaks


async def test_a_lost_peer_that_speaks_is_asked_at_once_but_not_faster_than_every_five_seconds(
    sending: Sending,
) -> None:
    sending.poster.rule = broken
    async with running(sending.client):
        await asyncio.sleep(45)
        before = len(sending.poster.heartbeats)
        for _ in range(100):
            sending.client.heard(PEER)
            await asyncio.sleep(0.1)
        assert 1 <= len(sending.poster.heartbeats) - before <= 3
        sending.poster.rule = lambda _: OK
        await asyncio.sleep(5)
        sending.client.heard(PEER)
        await asyncio.sleep(1)
        assert sending.client.statuses()[0].up


# ---- what waits for the peer -----------------------------------------------------------------------------------------


async def test_what_could_not_be_delivered_waits_in_its_order_until_the_peer_is_back(sending: Sending) -> None:
    sending.poster.rule = broken
    async with running(sending.client):
        letters = [sending.client.send(samples.PROVINCE, state(code)) for code in (2, 3)]
        letters.append(sending.client.send(samples.PROVINCE, EbdNotify(ResultCode.OTHER, "no")))
        await asyncio.sleep(72 * 3600)
        tried = len(sending.poster.letters)
        assert tried <= 6  # nobody knocks for three days at a door that heartbeats know to be closed
        sending.poster.rule = lambda _: OK
        await asyncio.sleep(31)
    arrived = [each.ebd.envelope.ebd_id for each in sending.poster.letters[tried:]]
    assert sorted(arrived) == sorted(letter.ebd_id for letter in letters)
    assert arrived.index(letters[0].ebd_id) < arrived.index(letters[1].ebd_id)
    assert len([event for event in sending.events if isinstance(event, Undelivered)]) == 2
    assert len([event for event in sending.events if isinstance(event, Delivered)]) == 3


async def test_a_letter_that_a_living_peer_does_not_answer_is_tried_anew_every_ten_minutes(sending: Sending) -> None:
    def rule(posted: Posted) -> EbdResponse:
        return OK if isinstance(posted.ebd.detail, ConnectionCheck) else broken(posted)

    sending.poster.rule = rule
    async with running(sending.client):
        sending.client.send(samples.PROVINCE, state(2))
        await asyncio.sleep(650)
    assert [round(each.at_s) for each in sending.poster.letters] == [0, 5, 20, 80, *[600 + at for at in (1, 6, 21)]]


async def test_a_refused_heartbeat_is_shown(sending: Sending) -> None:
    sending.poster.rule = lambda _: EbdResponse(ResultCode.OTHER, "who are you")
    async with running(sending.client):
        await asyncio.sleep(5)
    assert sending.client.statuses()[0].last_failure == "heartbeat refused with 5: who are you"


async def test_the_outbox_is_bounded_and_says_what_it_pushed_out(sending: Sending) -> None:
    for _ in range(8):
        sending.client.send(samples.PROVINCE, EbrdtState())
    for code in range(6):
        sending.client.send(samples.PROVINCE, state(code))
    (status,) = sending.client.statuses()
    assert (status.outbox_depth, status.dropped) == (8, 6)
    assert {event.reason for event in sending.events if isinstance(event, Undelivered)} == {"pushed-out"}
    for code in (0, 1):
        sending.client.send(samples.PROVINCE, state(code))
    with pytest.raises(GatewayOutboxFull):
        sending.client.send(samples.PROVINCE, state(2))


async def test_a_letter_kept_as_an_archive_goes_out_under_its_old_number(sending: Sending, tmp_path: Path) -> None:
    letter = sending.client.compose(samples.PROVINCE, state(3))
    archive = sending.client._writer.package(letter, Peer("", "").edition, Peer("", "").profile)
    again = Letter.from_archive(archive)
    assert again == letter
    async with running(sending.client):
        sending.client.offer(samples.PROVINCE, again, lane=lane_of(state(3), again.ebd_id), worth=Worth.MESSAGE)
        await asyncio.sleep(1)
    assert sending.poster.letters[0].ebd.envelope.ebd_id == letter.ebd_id


# ---- a peer that is there and unwell ---------------------------------------------------------------------------------


def unwell_until(sending: Sending, at_s: float) -> None:
    """Everything but heartbeats gets a 5 until then."""

    def rule(posted: Posted) -> EbdResponse:
        well = isinstance(posted.ebd.detail, ConnectionCheck) or posted.at_s >= at_s
        return OK if well else EbdResponse(ResultCode.OTHER, "database")

    sending.poster.rule = rule


async def test_the_last_word_about_a_message_outlives_an_hour_of_code_5(sending: Sending) -> None:
    unwell_until(sending, sending.clock.monotonic() + 3600)
    async with running(sending.client):
        for code in (1, 2):
            sending.client.send(samples.PROVINCE, state(code))
        await asyncio.sleep(900)
        sending.client.send(samples.PROVINCE, state(3))
        sending.client.send(samples.PROVINCE, EbdNotify(ResultCode.OTHER, "no"))
        await asyncio.sleep(3600)
    taken = [event for event in sending.events if isinstance(event, Delivered) and event.code is ResultCode.SUCCESS]
    by_number = {each.ebd.envelope.ebd_id: each.ebd.detail for each in sending.poster.letters}
    assert {type(by_number[event.ebd_id]) for event in taken} == {EbmStateResponse, EbdNotify}
    assert [getattr(by_number[event.ebd_id], "state_code", None) for event in taken].count(3) == 1
    assert len(taken) == 2  # 1 and 2 were overtaken by what says more


async def test_a_peer_that_always_answers_5_is_given_up_after_two_hours(sending: Sending) -> None:
    unwell_until(sending, math.inf)
    async with running(sending.client):
        sending.client.send(samples.PROVINCE, state(2))
        await asyncio.sleep(4 * 3600)
        assert sending.client.statuses()[0].outbox_depth == 0
    (given_up,) = [event for event in sending.events if isinstance(event, Delivered)]
    assert given_up.code is ResultCode.OTHER
    times = [each.at_s for each in sending.poster.letters]
    assert 7200 - 700 < times[-1] - times[0] < 7200 + 700
    assert len(times) == 4 * 13
