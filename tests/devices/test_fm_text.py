"""Texts beside alerts on FM: which characters, how long, when, and when no more (GD/J 085 clause 5.2.15)."""

from __future__ import annotations

import asyncio

import pytest

from devices.fm_adapter import FmAdapterConfig
from devices.link import Sent
from protocols.fm.emergency import Text, TextKind
from tests.devices.fm_county import TOWN_A, TOWN_B, UTC_S, ebm_id, stop
from tests.devices.fm_village import saying, village
from tests.virtual_time import VirtualClock

END = UTC_S + 100_000


@pytest.mark.clause("GD/J 085 clause 5.2.15", "GD/J 089 table A.12")
async def test_a_text_goes_with_its_start_and_leaves_with_its_stop(clock: VirtualClock) -> None:
    async with village(clock, texts=True) as at:
        at.link.offer(saying("地震预警！", 1, TOWN_A, end=END))
        await asyncio.sleep(20)
        (text,) = [p for p in at.packets if isinstance(p.content, Text)]
        # kind 1, charset 0 · 1111 and the id · nine bytes: 地震预警 in GB 2312 and a half-width mark
        assert text.command[15:].hex().upper() == "10" + "F43411230000000101010101202510090001" + "09B5D8D5F0D4A4BEAF21"
        assert at.horns["a"].settings.shown == (ebm_id(1), "地震预警!")
        assert at.horns["b"].settings.shown is None
        at.link.offer(stop(1, TOWN_A))
        await asyncio.sleep(60)
        assert at.horns["a"].settings.shown is None
        assert at.link.status().outbox_depth == 1  # the stop; the text is not said any more
        assert len([p for p in at.packets if isinstance(p.content, Text)]) == 1


@pytest.mark.parametrize(("class_", "kind"), [(4, TextKind.EMERGENCY), (5, TextKind.DAILY), (3, TextKind.TEST)])
async def test_the_kind_of_a_text_follows_its_class(clock: VirtualClock, class_: int, kind: TextKind) -> None:
    async with village(clock, texts=True) as at:
        at.link.offer(saying("试", 1, TOWN_A, class_=class_, end=END))
        await asyncio.sleep(30)
        assert [p.content.kind for p in at.packets if isinstance(p.content, Text)] == [kind]


async def test_what_gb_2312_has_not_goes_in_gb_18030_and_a_long_text_is_cut_at_a_character(clock: VirtualClock) -> None:
    async with village(clock, texts=True) as at:
        at.link.offer(saying("𠮷" + "水" * 200, 1, TOWN_A, end=END))  # 9534B235 by the arithmetic of GB 18030
        at.link.offer(saying("水" * 200, 2, TOWN_B, end=END))
        await asyncio.sleep(60)
        rare, long = [p.content for p in at.packets if isinstance(p.content, Text)]
        assert (rare.charset, rare.data[:6].hex(), len(rare.data)) == (1, "9534b235cbae", 254)
        assert (long.charset, long.text) == (0, "水" * 127)


async def test_a_text_comes_behind_its_burst_and_again_each_minute_until_the_end(clock: VirtualClock) -> None:
    async with village(clock, texts=True) as at:
        at.link.offer(saying("水", 1, TOWN_A, end=clock.wall() + 200))
        await asyncio.sleep(6.2)
        assert at.whole_at(15) == []  # three passes of 2.1 s come first
        carrying = at.link.air.carrying
        assert carrying == pytest.approx(72, abs=5)
        await asyncio.sleep(400)
        assert at.horns["a"].settings.shown is None
        assert len(at.told(Sent)) > 10


async def test_a_text_is_shown_to_places_that_come_later_too_and_not_twice_to_one(clock: VirtualClock) -> None:
    async with village(clock, texts=True) as at:
        at.link.offer(saying("水", 1, TOWN_A, end=END))
        await asyncio.sleep(20)
        at.link.offer(saying("水", 1, TOWN_B, end=END))
        at.link.offer(saying("水", 1, TOWN_B, end=END))
        await asyncio.sleep(30)
        assert at.horns["a"].settings.shown == at.horns["b"].settings.shown == (ebm_id(1), "水")
        assert [p.codes for p in at.packets if isinstance(p.content, Text)] == [(TOWN_A,), (TOWN_A, TOWN_B)]


def test_a_text_that_would_fill_the_air_is_refused() -> None:
    with pytest.raises(ValueError, match="text_period_s 5: use 20 seconds or more"):
        FmAdapterConfig("fm", text_period_s=5)


async def test_without_the_key_no_text_goes_on_air(clock: VirtualClock) -> None:
    async with village(clock) as at:
        at.link.offer(saying("水", 1, TOWN_A, end=END))
        await asyncio.sleep(30)
        assert at.whole_at(15) == []
