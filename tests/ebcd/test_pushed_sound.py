"""From the daemon's folder to the adapter's ears: the whole sound, at its pace, and the reports that it leads to."""

from __future__ import annotations

import asyncio
from pathlib import Path as FilePath

import pytest

from devices.link import Answered, Began, Ended
from protocols import rtp
from tests.ebcd.head_end import EBM, OTHER, head_end
from tests.ebcd.monitor.sounds import mp3, speech
from tests.virtual_time import VirtualClock


@pytest.mark.clause("GD/J 089 table A.12", "GD/J 089 table A.32", "GD/J 089 table A.33", "GD/J 089 table A.34")
async def test_an_adapter_that_fetches_nothing_hears_every_byte_until_the_end(
    clock: VirtualClock, tmp_path: FilePath
) -> None:
    async with head_end(clock, tmp_path) as at:
        sound = mp3(1, 5.0)
        at.start(at.keep(sound), 60)
        await asyncio.sleep(58)
        heard = at.heard()
        assert (heard.gaps, heard.refused) == (0, 0)
        assert heard.rounds_of(sound) == pytest.approx(58 / 5.0, rel=0.02)
        assert at.told(Answered, Began, Ended) == ["Answered", "Began"]
        assert len(at.log.starts) == 1  # its terminal sounds, too
        await asyncio.sleep(5)
        assert at.told(Answered, Began, Ended) == ["Answered", "Began", "Ended"]


async def test_i8_i9_nothing_begins_without_the_sound_that_was_approved(
    clock: VirtualClock, tmp_path: FilePath
) -> None:
    async with head_end(clock, tmp_path) as at:
        file = at.keep(mp3(1, 5.0))
        file.path.write_bytes(mp3(2, 5.0))  # whole, and not what was approved
        at.start(file, 60)
        await asyncio.sleep(30)
        assert [event.result for event in at.events if isinstance(event, Answered)] == [1]
        assert at.told(Began) == []
        assert at.log.starts == []


async def test_i12_a_stop_is_silence_at_once(clock: VirtualClock, tmp_path: FilePath) -> None:
    async with head_end(clock, tmp_path) as at:
        at.start(at.keep(mp3(1, 5.0)), 600)
        await asyncio.sleep(10)
        at.stop()
        packets = at.heard().packets
        await asyncio.sleep(20)
        assert at.heard().packets == packets
        assert at.told(Ended) == ["Ended"]


async def test_i10_after_a_crash_the_repeated_start_brings_the_address_and_the_stream_goes_on(
    clock: VirtualClock, tmp_path: FilePath
) -> None:
    async with head_end(clock, tmp_path) as at:
        sound = mp3(1, 5.0)
        file = at.keep(sound)
        at.start(file, 60)
        await asyncio.sleep(10)
        await at.next_life()
        at.start(file, 48)  # until the same end
        await asyncio.sleep(10)
        assert len(at.heard().sounds) == 2  # the new life is another source
        assert at.heard().gaps == 0
        assert at.heard().rounds_of(sound) == pytest.approx(2.0, rel=0.05)
        assert at.told(Began) == ["Began"]
        assert len(at.log.starts) == 1  # the terminal began once (I7)


async def test_i4_a_better_one_is_streamed_beside_it_and_the_first_goes_on(
    clock: VirtualClock, tmp_path: FilePath
) -> None:
    async with head_end(clock, tmp_path) as at:
        low, high = mp3(1, 5.0), mp3(2, 3.0)
        at.start(at.keep(low), 600)
        await asyncio.sleep(10)
        at.start(at.keep(high), 30, OTHER, level=1)
        await asyncio.sleep(40)
        assert at.heard(OTHER).rounds_of(high) == pytest.approx(10.0, rel=0.05)
        assert at.heard(EBM).rounds_of(low) == pytest.approx(10.0, rel=0.05)
        assert at.heard(EBM).gaps == at.heard(OTHER).gaps == 0


async def test_a_wave_file_is_streamed_as_mp3(clock: VirtualClock, tmp_path: FilePath) -> None:
    async with head_end(clock, tmp_path) as at:
        at.start(at.keep(speech(1, 2.0).to_wav(), "wav"), 60)
        await asyncio.sleep(10)
        (sound,) = at.heard().sounds
        seconds = sum(frame.duration_s for frame in rtp.mpeg_frames(bytes(sound)))
        assert seconds == pytest.approx(10.0, abs=0.2)
        assert at.told(Began) == ["Began"]
