"""Main and standby line to one peer: when the other is used, and that nothing is lost between them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from ebcd.gateway import Delivered, Peer, PeerDown, RouteSwitched
from protocols.ebd import ResultCode
from protocols.ebd.messages import ConnectionCheck, EbdResponse, EbmStateResponse
from tests.ebcd.gateway.sending import OK, STANDBY, URL, Posted, Sending, broken, news, running, sending_to, state
from tests.protocols.ebd import samples
from tests.virtual_time import VirtualClock


@pytest.fixture
def two_lines(tmp_path: Path, clock: VirtualClock) -> Sending:
    return sending_to(tmp_path, clock, Peer(samples.PROVINCE, URL, standby_url=STANDBY))


def deaf(*urls: str) -> Callable[[Posted], EbdResponse]:
    def rule(posted: Posted) -> EbdResponse:
        return broken(posted) if posted.url in urls else OK

    return rule


@pytest.mark.requirement("R-LNK-01")
async def test_after_two_failures_in_a_row_letters_go_over_the_standby_line_and_none_is_lost(
    two_lines: Sending,
) -> None:
    async with running(two_lines.client):
        await asyncio.sleep(2)
        two_lines.poster.rule = deaf(URL)
        letters = [two_lines.client.send(samples.PROVINCE, state(code)) for code in (1, 2, 3)]
        await asyncio.sleep(25)
        assert two_lines.client.statuses()[0].standby
    delivered = [event for event in two_lines.events if isinstance(event, Delivered)]
    assert [event.ebd_id for event in delivered] == [letter.ebd_id for letter in letters]
    arrived = [each.ebd.detail for each in two_lines.poster.letters if each.url == STANDBY]
    assert [detail.state_code for detail in arrived if isinstance(detail, EbmStateResponse)] == [1, 2, 3]
    assert not [event for event in news(two_lines) if isinstance(event, PeerDown)]


@pytest.mark.requirement("R-LNK-01")
async def test_the_main_line_is_used_again_as_soon_as_it_answers_a_heartbeat(two_lines: Sending) -> None:
    two_lines.poster.rule = deaf(URL)
    async with running(two_lines.client):
        await asyncio.sleep(100)
        assert two_lines.client.statuses()[0].standby
        two_lines.poster.rule = lambda _: OK
        await asyncio.sleep(31)
        assert not two_lines.client.statuses()[0].standby
        two_lines.client.send(samples.PROVINCE, state(2))
        await asyncio.sleep(1)
    assert two_lines.poster.letters[-1].url == URL
    switches = [(event.url, event.standby) for event in two_lines.events if isinstance(event, RouteSwitched)]
    assert switches == [(STANDBY, True), (URL, False)]


async def test_a_main_line_that_swallows_everything_is_left_after_20_seconds(two_lines: Sending) -> None:
    two_lines.poster.silent = URL
    async with running(two_lines.client):
        await asyncio.sleep(22)
        assert two_lines.client.statuses()[0].standby
        two_lines.client.send(samples.PROVINCE, state(2))
        await asyncio.sleep(1)
    assert [event for event in two_lines.events if isinstance(event, Delivered)]


async def test_with_both_lines_dead_each_is_tried_in_turn_and_the_first_that_answers_is_used(
    two_lines: Sending,
) -> None:
    two_lines.poster.rule = broken
    async with running(two_lines.client):
        await asyncio.sleep(600)
        assert {each.url for each in two_lines.poster.heartbeats[-6:]} == {URL, STANDBY}
        two_lines.poster.rule = deaf(URL)
        await asyncio.sleep(91)
        assert two_lines.client.statuses()[0].up
    assert len([event for event in news(two_lines) if isinstance(event, PeerDown)]) == 1


# ---- half-dead lines -------------------------------------------------------------------------------------------------


def beats_only(url: str, answer: Callable[[Posted], EbdResponse]) -> Callable[[Posted], EbdResponse]:
    """A line on which heartbeats are well and documents get `answer`."""

    def rule(posted: Posted) -> EbdResponse:
        return answer(posted) if posted.url == url and not isinstance(posted.ebd.detail, ConnectionCheck) else OK

    return rule


def unwell(_: Posted) -> EbdResponse:
    return EbdResponse(ResultCode.OTHER, "database")


@pytest.mark.requirement("R-LNK-01")
@pytest.mark.parametrize("answer", [broken, unwell])
async def test_a_main_line_that_answers_heartbeats_and_takes_no_documents_is_left_and_tried_again_after_ten_minutes(
    two_lines: Sending, answer: Callable[[Posted], EbdResponse]
) -> None:
    """Heartbeats are often answered by another part than the one that died."""
    two_lines.poster.rule = beats_only(URL, answer)
    async with running(two_lines.client):
        await asyncio.sleep(2)
        letters = [two_lines.client.send(samples.PROVINCE, state(code)) for code in (1, 2, 3)]
        await asyncio.sleep(100)
        assert two_lines.client.statuses()[0].standby
        delivered = [event for event in two_lines.events if isinstance(event, Delivered)]
        assert [(event.ebd_id, event.code) for event in delivered] == [
            (letter.ebd_id, ResultCode.SUCCESS) for letter in letters
        ]
        assert len([event for event in two_lines.events if isinstance(event, RouteSwitched)]) == 1
        assert two_lines.client.statuses()[0].spare_failure
        two_lines.poster.rule = lambda _: OK
        await asyncio.sleep(600)
        assert not two_lines.client.statuses()[0].standby
        two_lines.client.send(samples.PROVINCE, state(2))
        await asyncio.sleep(1)
    assert two_lines.poster.letters[-1].url == URL


async def test_after_a_whole_outage_with_letters_the_main_line_is_not_distrusted(two_lines: Sending) -> None:
    two_lines.poster.rule = deaf(URL)
    async with running(two_lines.client):
        await asyncio.sleep(2)
        two_lines.client.send(samples.PROVINCE, state(2))
        await asyncio.sleep(60)
        assert two_lines.client.statuses()[0].standby
        two_lines.poster.rule = lambda _: OK
        await asyncio.sleep(31)
        assert not two_lines.client.statuses()[0].standby


async def test_a_main_line_that_hangs_does_not_slow_down_the_heartbeats_over_the_standby_line(
    two_lines: Sending,
) -> None:
    two_lines.poster.silent = URL
    async with running(two_lines.client):
        await asyncio.sleep(400)
    times = [each.at_s for each in two_lines.poster.heartbeats if each.url == STANDBY and each.at_s > 60]
    assert {round(b - a) for a, b in itertools.pairwise(times)} == {30}


async def test_a_dead_standby_line_is_noticed_before_it_is_needed(two_lines: Sending) -> None:
    two_lines.poster.rule = deaf(STANDBY)
    async with running(two_lines.client):
        await asyncio.sleep(200)
        assert two_lines.client.statuses()[0].spare_failure == ""  # once may be an accident
        await asyncio.sleep(200)
        (status,) = two_lines.client.statuses()
        assert (status.up, status.standby, status.spare) == (True, False, "standby")
        assert status.spare_failure == "connect: refused"
        two_lines.poster.rule = lambda _: OK
        await asyncio.sleep(310)
        assert two_lines.client.statuses()[0].spare_failure == ""
    assert not [event for event in news(two_lines) if isinstance(event, RouteSwitched | PeerDown)]
