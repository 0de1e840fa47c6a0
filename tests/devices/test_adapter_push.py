"""Sound streamed to adapters, in virtual time: the dialogue, the end, who gives way."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from devices.link import Answered, Audio, Streaming
from protocols import adapter as a
from protocols.codes import EbmId, ResourceCode
from tests.devices.annex_a_adapter import CONFIG, settle
from tests.devices.commands import EBM, OTHER_EBM, stop
from tests.devices.push_town import FILES, ONE, PUSH, SOUND, THREE, TWO, Ear, answered, pushed, town
from tests.virtual_time import VirtualClock

ELSEWHERE = ResourceCode("63411230020010314010400")


@pytest.mark.clause("GD/J 089 table A.12", "GD/J 089 table A.32")
@pytest.mark.parametrize("type_", [a.AUX_PUSH, a.AUX_PUSH_HEX])
async def test_the_start_asks_for_an_address_and_the_sound_goes_there(
    clock: VirtualClock, rng: random.Random, type_: int
) -> None:
    async with town(clock, rng, config=replace(PUSH, aux_push_type=type_)) as at:
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(9.605)
        (message,) = at.at.stations[1].messages
        assert isinstance(message, a.StartBroadcast)
        assert message.languages[0].auxiliary == (a.Auxiliary(type_, b""),)
        assert at.at.told(Answered) == [answered()]
        assert at.ears[1].sound == SOUND
        assert at.streams == 1
        streaming = at.at.link.status().streaming
        assert streaming is not None
        assert (streaming.packets, streaming.failures) == (100, 0)


async def test_without_the_switch_the_address_of_the_file_is_sent(clock: VirtualClock, rng: random.Random) -> None:
    async with town(clock, rng, config=CONFIG) as at:
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(5)
        (message,) = at.at.stations[1].messages
        assert isinstance(message, a.StartBroadcast)
        assert message.languages[0].auxiliary == (a.Auxiliary.url("http://127.0.0.1:8088/media/a.mp3"),)
        assert at.ears[1].packets == []
        assert at.at.link.status().streaming == Streaming(0, 0, 0)


async def test_a_stream_of_others_is_named_and_not_pushed(clock: VirtualClock, rng: random.Random) -> None:
    async with town(clock, rng) as at:
        at.at.link.offer(replace(pushed(clock, ONE), audio=Audio("rtp://239.1.1.10:5004")))
        await asyncio.sleep(5)
        (message,) = at.at.stations[1].messages
        assert isinstance(message, a.StartBroadcast)
        assert message.languages[0].auxiliary == (a.Auxiliary.url("rtp://239.1.1.10:5004"),)
        assert at.at.told(Answered) == [answered()]
        assert at.ears[1].packets == []


async def test_several_adapters_share_one_reading_and_have_streams_of_their_own(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with town(clock, rng, 3) as at:
        at.at.link.offer(pushed(clock, ONE, TWO, THREE))
        await asyncio.sleep(9.62)
        assert [ear.sound[: len(SOUND)] for ear in at.ears.values()] == [SOUND] * 3
        assert len({ear.packets[0].ssrc for ear in at.ears.values()}) == 3
        assert at.files.read == ["a.mp3"]


async def test_i12_a_stop_ends_the_stream_at_once_even_of_a_deaf_adapter(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with town(clock, rng) as at:
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(5)
        at.at.stations[1].reply = lambda _: None
        at.at.link.offer(stop(ONE))
        at.ears[1].take()
        await asyncio.sleep(5)
        assert at.ears[1].packets == []
        assert at.streams == 0
        assert at.at.network.outlets[0].is_closing()


async def test_i12_a_stop_of_everything_ends_every_stream_of_the_adapter(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with town(clock, rng, 2) as at:
        at.at.link.offer(pushed(clock, ONE, TWO))
        await asyncio.sleep(1)
        at.at.link.offer(stop(ONE, ebm_id=EbmId.EVERYTHING))
        at.ears[1].take()
        await asyncio.sleep(1)
        assert at.ears[1].packets == []
        assert at.streams == 1


async def test_i12_an_answer_that_comes_after_the_stop_starts_no_stream(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with town(clock, rng) as at:
        at.at.stations[1].delay_s = 3.0
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(1)
        at.at.link.offer(stop(ONE))
        await asyncio.sleep(60)
        assert at.ears[1].packets == []
        assert at.at.network.outlets == []


async def test_i12_a_stop_while_the_stream_is_being_opened_leaves_nothing_open(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with town(clock, rng) as at:
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(0.005)  # it has answered, and the file is being read
        assert at.at.told(Answered) == []
        at.at.link.offer(stop(ONE))
        await asyncio.sleep(5)
        assert at.ears[1].packets == []
        assert all(outlet.is_closing() for outlet in at.at.network.outlets)


async def test_a_late_answer_still_gets_its_sound(clock: VirtualClock, rng: random.Random) -> None:
    async with town(clock, rng) as at:
        at.at.stations[1].delay_s = 20.0
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(40)
        assert at.at.told(Answered) == [answered()]
        assert at.ears[1].sound.startswith(SOUND)


async def test_i3_the_stream_ends_with_the_window_and_a_repeated_start_moves_the_end(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with town(clock, rng) as at:
        at.at.link.offer(pushed(clock, ONE, seconds=10))
        await asyncio.sleep(5)
        at.at.link.offer(pushed(clock, ONE, seconds=10))
        await asyncio.sleep(7)
        ssrc = {packet.ssrc for packet in at.ears[1].take()}
        assert len(ssrc) == 1  # it went on
        await asyncio.sleep(4)
        at.ears[1].take()
        await asyncio.sleep(10)
        assert at.ears[1].packets == []
        assert at.streams == 0
        assert all(outlet.is_closing() for outlet in at.at.network.outlets)


async def test_a_repeated_start_moves_the_stream_to_where_the_adapter_listens_now(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with town(clock, rng) as at:
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(5)
        at.offers(1, "rtp://10.9.0.1:7000")
        moved = at.at.network.ears["10.9.0.1", 7000] = Ear()
        at.at.link.offer(pushed(clock, ONE))
        await settle()
        at.ears[1].take()
        await asyncio.sleep(9.605)
        assert moved.sound[: len(SOUND)] == SOUND
        assert at.ears[1].packets == []
        assert at.streams == 1


async def test_a_repeated_start_that_is_answered_without_an_address_changes_nothing(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with town(clock, rng) as at:
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(5)
        at.offers(1, "")
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(4.605)
        assert at.ears[1].sound == SOUND
        assert at.at.told(Answered) == [answered(), answered()]


async def test_i4_what_gave_way_at_the_same_address_is_streamed_again(clock: VirtualClock, rng: random.Random) -> None:
    async with town(clock, rng) as at:
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(5)
        at.at.link.offer(pushed(clock, ONE, ebm_id=OTHER_EBM, name="b.mp3", level=1))
        await asyncio.sleep(0.05)
        at.ears[1].take()
        await asyncio.sleep(5)
        assert len({packet.ssrc for packet in at.ears[1].packets}) == 1  # never two voices at once
        assert at.ears[1].sound in FILES["b.mp3"]
        assert at.streams == 1
        at.at.link.offer(stop(ONE, ebm_id=OTHER_EBM))
        at.ears[1].take()
        await asyncio.sleep(9.605)
        assert at.ears[1].sound[: len(SOUND)] == SOUND


async def test_a_repeated_start_does_not_take_the_address_back(clock: VirtualClock, rng: random.Random) -> None:
    async with town(clock, rng) as at:
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(1)
        at.at.link.offer(pushed(clock, ONE, ebm_id=OTHER_EBM, name="b.mp3", level=1))
        await asyncio.sleep(1)
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(0.05)
        at.ears[1].take()
        await asyncio.sleep(5)
        assert at.ears[1].sound in FILES["b.mp3"]


async def test_i4_a_lower_one_for_other_places_does_not_take_the_only_ear(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with town(clock, rng) as at:
        at.at.link.offer(pushed(clock, ONE, level=1))
        await asyncio.sleep(1)
        at.at.link.offer(pushed(clock, ONE, ebm_id=OTHER_EBM, level=3, targets=(ELSEWHERE,), name="b.mp3"))
        await asyncio.sleep(1)
        detail = f"10.9.0.1:6000 hears {EBM}"
        assert at.at.told(Answered)[1:] == [replace(answered(ebm_id=OTHER_EBM, result=1), text=detail)]
        assert len({packet.ssrc for packet in at.ears[1].packets}) == 1


async def test_two_adapters_behind_one_receiver_share_a_stream(clock: VirtualClock, rng: random.Random) -> None:
    async with town(clock, rng, 2) as at:
        at.offers(2, "rtp://10.9.0.1:6000")
        at.at.link.offer(pushed(clock, ONE, TWO))
        await asyncio.sleep(5)
        assert len({packet.ssrc for packet in at.ears[1].packets}) == 1
        at.at.link.offer(stop(ONE))
        at.ears[1].take()
        await asyncio.sleep(5)
        assert at.ears[1].packets
        at.at.link.offer(stop(TWO))
        at.ears[1].take()
        await asyncio.sleep(5)
        assert at.ears[1].packets == []


async def test_a_link_that_is_started_again_streams_again(clock: VirtualClock, rng: random.Random) -> None:
    async with town(clock, rng, 2) as at:
        at.at.link.offer(pushed(clock, ONE, TWO))
        await asyncio.sleep(1)
        at.at.running.cancel()
        await settle()
        assert all(outlet.is_closing() for outlet in at.at.network.outlets)
        at.at.link.offer(stop(TWO))
        for ear in at.ears.values():
            ear.take()
        again = asyncio.create_task(at.at.link.run())
        await asyncio.sleep(9.605)
        assert at.ears[1].sound[: len(SOUND)] == SOUND
        assert at.ears[2].packets == []
        assert at.at.told(Answered)[:2] == [answered(1), answered(2)]
        again.cancel()
        await settle()
