"""What links refuse is told with its words, and a noisy line does not fill the log."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from devices.link import LinkUp, Path, Rejected
from ebcd.rejections import SENDERS_MAX, RejectionLog
from tests.virtual_time import VirtualClock


@pytest.fixture
def book(clock: VirtualClock) -> RejectionLog:
    return RejectionLog(clock)


def refused(book: RejectionLog, *, peer: str = "10.1.1.9:40001", reason: str = "time-base", detail: str = "") -> None:
    book.observe(Rejected("adapters", reason, peer, detail), Path.ADAPTER)


async def test_the_words_of_a_refusal_are_in_the_log(book: RejectionLog) -> None:
    with capture_logs() as lines:
        refused(book, detail='the clock is +28800 s off; time_base = "beijing" suits it')
        book.observe(LinkUp("adapters"), Path.ADAPTER)
    assert lines == [
        {
            "log_level": "warning",
            "event": "link.rejected",
            "link": "adapters",
            "reason": "time-base",
            "peer": "10.1.1.9:40001",
            "detail": 'the clock is +28800 s off; time_base = "beijing" suits it',
            "more": 0,
        }
    ]


async def test_one_that_goes_on_is_told_ever_more_rarely_and_how_often_it_came(book: RejectionLog) -> None:
    with capture_logs() as lines:
        for second in range(4000):
            refused(book, peer=f"10.1.1.9:{40_000 + second}")
            await asyncio.sleep(1)
    assert [line["more"] for line in lines] == [0, 59, 119, 239, 479, 959, 1919]


async def test_other_reasons_and_other_senders_are_told_at_once(book: RejectionLog) -> None:
    with capture_logs() as lines:
        refused(book)
        refused(book, reason="signature")
        refused(book, peer="10.1.1.10:40001")
        refused(book, peer="[fe80::1]:40001")
        refused(book, peer="?")
    assert len(lines) == 5


async def test_a_flood_of_senders_is_bounded_and_over_when_it_is_over(book: RejectionLog) -> None:
    with capture_logs() as lines:
        for number in range(10_000):
            refused(book, peer=f"10.{number >> 8}.{number & 255}.1:9")
        assert len(lines) == SENDERS_MAX
        await asyncio.sleep(61)
        refused(book, peer="10.200.1.1:9")
    assert lines[-1]["peer"] == "10.200.1.1:9"
