"""A subcarrier that the station's own RDS shares: both are heard whole, and a message has its share at once."""

from __future__ import annotations

from typing import Any

import pytest

from devices.fm_transmitter import FmTransmitterConfig
from protocols.fm.emergency import Emergency
from protocols.fm.packet import decode_packet
from protocols.rds.groups import BasicTuning, Group, RadioText, decode
from protocols.rds.on_air import from_air
from tests.devices.fm_air import AIR_BYTES, on_air_of
from tests.devices.fm_county import start
from tests.virtual_time import VirtualClock

STATION: dict[str, Any] = {"station_pi": "1234", "station_ps": "XIAN FM", "station_radio_text": "LOCAL NEWS"}
PI = bytes.fromhex("1234")


def groups_of(stream: bytes) -> list[Group]:
    """The station's groups; emergency frames have another block A."""
    frames = [stream[at : at + AIR_BYTES] for at in range(0, len(stream) - AIR_BYTES + 1, AIR_BYTES)]
    return [decode(from_air(each)) for each in frames if each[:2] == PI]


def name_in(groups: list[Group]) -> bytes:
    """The programme service name that its segments make."""
    segments = {g.content.segment: g.content.name for g in groups if isinstance(g.content, BasicTuning)}
    return b"".join(segments[number] for number in sorted(segments))


async def test_what_no_message_needs_is_the_stations(clock: VirtualClock) -> None:
    async with on_air_of(clock, **STATION) as air:
        await air.play(5)
        groups = groups_of(bytes(air.stream))
        assert len(groups) == len(air.stream) // AIR_BYTES > 50
        assert name_in(groups) == b"XIAN FM "
        assert any(isinstance(group.content, RadioText) for group in groups)


@pytest.mark.parametrize("share", [0.4, 0.6, 1.0])
async def test_a_message_takes_its_share_from_its_first_frame_on_and_is_heard_whole(
    clock: VirtualClock, share: float
) -> None:
    async with on_air_of(clock, **STATION, share=share) as air:
        await air.play(3)
        before = len(air.stream)
        air.link.offer(start(end=clock.wall() + 3600))
        await air.play(15)
        after = bytes(air.stream[before:])
        frames = [after[at : at + AIR_BYTES] for at in range(0, 72 * AIR_BYTES, AIR_BYTES)]
        ours = [each[:2] != PI for each in frames]
        assert ours.index(True) <= 4  # the lead that was on its way already
        burst = ours[ours.index(True) :][:40]
        assert sum(burst) == pytest.approx(40 * share, abs=1)
        (packet,) = {decode_packet(each).encode() for each in air.packets()}
        assert isinstance(decode_packet(packet).content, Emergency)


async def test_without_a_station_the_subcarrier_is_ours_alone(clock: VirtualClock) -> None:
    async with on_air_of(clock) as air:
        await air.play(2)
        assert groups_of(bytes(air.stream)) == []


@pytest.mark.parametrize("pi", ["2000", "C123", "DFFF", "10000", "PI"])
def test_a_pi_that_receivers_would_take_for_a_source_level_is_refused(pi: str) -> None:
    with pytest.raises(ValueError, match="station_pi"):
        FmTransmitterConfig("fm", station_pi=pi)


@pytest.mark.parametrize("pi", ["0001", "1FFF", "E000", "FFFF"])
def test_a_pi_of_the_reserved_levels_is_taken(pi: str) -> None:
    assert FmTransmitterConfig("fm", station_pi=pi).signs() is not None


@pytest.mark.parametrize(("key", "value"), [("share", 0.0), ("share", 1.1), ("station_ps", "NINE CHARS")])
def test_other_values_that_cannot_be_are_refused(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"share|name"):
        FmTransmitterConfig("fm", **{"station_pi": "1234", key: value})  # type: ignore[arg-type]
