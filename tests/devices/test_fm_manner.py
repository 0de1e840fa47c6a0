"""How FM links say things: physical addresses as bytes, seconds of a burst."""

from __future__ import annotations

import random

import pytest

from devices.fm_adapter import FmAdapter, FmAdapterConfig
from devices.fm_manner import FmManner, PhysEncoding, phys_bytes
from devices.fm_transmitter import FmTransmitter, FmTransmitterConfig
from tests.devices.fm_county import Sink, ports, roster
from tests.virtual_time import VirtualClock


@pytest.mark.clause("GD/J 085 clause 5.2.3")
def test_a_physical_address_becomes_bytes_as_the_link_is_set() -> None:
    assert phys_bytes("0123456789ab", PhysEncoding.RAW) == bytes.fromhex("0123456789AB")
    assert phys_bytes("123456789", PhysEncoding.BCD) == bytes.fromhex("0123456789")
    assert phys_bytes("SN-07", PhysEncoding.ASCII) == b"SN-07"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("", "raw"),
        ("ABC", "raw"),
        ("0G", "raw"),
        ("12AB", "bcd"),
        ("表", "ascii"),
        ("A" * 65, "ascii"),
        ("１２", "bcd"),
    ],
)
def test_what_is_no_such_address_is_refused(text: str, encoding: str) -> None:
    with pytest.raises(ValueError, match=r"address|digit|digits|ASCII"):
        phys_bytes(text, PhysEncoding(encoding))


def test_a_burst_lasts_as_long_as_its_frames_its_gaps_and_its_share_of_the_air() -> None:
    frame_s = 104 / 1187.5
    assert FmManner(3).burst_s(20) == pytest.approx(60 * frame_s)
    assert FmManner(3, gap_s=0.1).burst_s(20) == pytest.approx((60 + 2 * 2) * frame_s)  # 100 ms are two frames
    assert FmManner(3, share=0.5).burst_s(20) == pytest.approx(120 * frame_s)


def test_links_tell_how_they_say_things() -> None:
    transmitter = FmTransmitter(
        FmTransmitterConfig("fm", start_burst=4, station_pi="1234", share=0.5, maintenance_s=60),
        ports(VirtualClock(), random.Random(1)),
        Sink(),
        roster(9000),
    )
    assert transmitter.capabilities.fm == FmManner(4, 0.0, 0.5, PhysEncoding.RAW, 60)
    config = FmAdapterConfig("fm-2", send_times=2, interval_ms=50, phys_encoding=PhysEncoding.BCD)
    adapter = FmAdapter(config, ports(VirtualClock(), random.Random(1)), Sink(), roster(9000))
    assert adapter.capabilities.fm == FmManner(2, 0.05, 1.0, PhysEncoding.BCD, 0, relayed=True)
