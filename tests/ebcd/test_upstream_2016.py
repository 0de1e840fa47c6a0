"""A platform of the 2016 draft above the county: its messages become alerts under ids that devices can carry."""

from __future__ import annotations

import asyncio
from pathlib import Path as Folder
from typing import Any

import pytest

from devices.link import Start, Stop
from ebcd.gateway import Peer, Received
from ebcd.lifecycle import AlertState
from ebcd.operation_data.wiring import told_of_devices
from protocols.codes import EbmId
from protocols.ebd import Detail, Ebd, Edition, Envelope, Naming, ResultCode, encode, pack, unpack
from protocols.ebd.messages import (
    EbdNotify,
    EbdResponse,
    Ebm,
    EbmStateRequest,
    EbmStateResponse,
    MsgBasicInfo,
    MsgContent,
)
from protocols.ebd.short_codes import lengthened
from tests.ebcd.county import COUNTY, PROVINCE
from tests.ebcd.office import PLATFORM, Office, office
from tests.virtual_time import VirtualClock

CITY_SHORT, COUNTY_SHORT = "010234990000000001", "010334990100000001"
CITY = lengthened(CITY_SHORT)
PEER = Peer(CITY, "http://127.0.0.1:1/x", Edition.Y2016, naming=Naming(PLATFORM, COUNTY_SHORT))
ALERT = EbmId(f"{CITY}202510090001")


def posted(room: Office, detail: Detail, number: int = 1) -> Received:
    """A judged package, composed in the city's own codes."""
    room.mail.peers[CITY] = PEER
    now_s = room.clock.wall()
    head = Envelope(f"10{CITY_SHORT}{number:016d}", "", CITY_SHORT, int(now_s), destination=COUNTY_SHORT)
    archive = pack(encode(Ebd(head, detail), edition=Edition.Y2016))
    package = unpack(archive)
    ebd = PEER.read(package.xml)
    return Received(PEER, ebd, package, archive, None, None, "192.0.2.1", room.clock.monotonic(), now_s)


def message(room: Office, serial: int = 1, *, msg_type: int = 1, severity: int = 1, related: int | None = None) -> Ebm:
    start = int(room.clock.wall())
    content = MsgContent("zho", "暴雨", "转移。", (COUNTY,))
    return Ebm(
        f"{CITY_SHORT}20251009{serial:04d}",
        MsgBasicInfo(msg_type, "市应急", "3499", start, "11A01", severity, start, start + 60),
        (content,) if msg_type != 2 else (),
        related_ebm_id=None if related is None else f"{CITY_SHORT}20251009{related:04d}",
    )


def told(room: Office) -> list[tuple[str, str, int]]:
    return [(to, d.ebm_id, d.state_code) for to, d, _ in room.mail.posted if isinstance(d, EbmStateResponse)]


async def test_a_message_is_on_air_under_thirty_five_digits(tmp_path: Folder, clock: VirtualClock) -> None:
    async with office(tmp_path, clock) as room:
        await room.upstream.accept(posted(room, message(room)))
        await asyncio.sleep(1)
        (start,) = (c for c in room.link.commands if isinstance(c, Start))
        assert start.ebm_id == ALERT
        assert room.state.alerts[ALERT].alert.origin_level == 3
        assert told(room) == [(CITY, ALERT, 2)]


async def test_i10_a_message_that_was_answered_for_is_taken_up_after_a_kill(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    async with office(tmp_path, clock) as first:
        await first.upstream.accept(posted(first, message(first)))  # killed before it is handled
        assert first.state.alerts == {}
    async with office(tmp_path, clock) as room:
        room.mail.peers[CITY] = PEER
        await asyncio.sleep(1)
        assert room.state.alerts[ALERT].state is AlertState.ON_AIR
        assert told(room) == [(CITY, ALERT, 2)]


async def test_a_cancel_finds_the_message_by_its_short_id(tmp_path: Folder, clock: VirtualClock) -> None:
    async with office(tmp_path, clock) as room:
        await room.upstream.accept(posted(room, message(room)))
        await asyncio.sleep(1)
        await room.upstream.accept(posted(room, message(room, 2, msg_type=2, related=1), 2))
        await asyncio.sleep(1)
        assert [type(c) for c in room.link.commands] == [Start, Stop]
        assert (CITY, f"{CITY}202510090002", 5) in told(room)


@pytest.mark.parametrize("serial", [1, 9])
async def test_a_state_is_asked_for_by_the_short_id(tmp_path: Folder, clock: VirtualClock, serial: int) -> None:
    async with office(tmp_path, clock) as room:
        await room.upstream.accept(posted(room, message(room)))
        await asyncio.sleep(1)
        await room.upstream.accept(posted(room, EbmStateRequest(f"{CITY_SHORT}20251009{serial:04d}"), 2))
        await asyncio.sleep(1)
        to, answer, related = room.mail.posted[-1]
        assert (to, related) == (CITY, f"10{CITY}{2:016d}")
        kind: type[Any] = EbmStateResponse if serial == 1 else EbdNotify
        assert isinstance(answer, kind)


async def test_severity_15_is_a_test_that_nobody_hears(tmp_path: Folder, clock: VirtualClock) -> None:
    async with office(tmp_path, clock) as room:
        await room.upstream.accept(posted(room, message(room, severity=15)))
        await asyncio.sleep(1)
        assert ALERT in room.state.alerts
        assert room.link.commands == []


async def test_a_later_notice_is_taken_and_changes_nothing(tmp_path: Folder, clock: VirtualClock) -> None:
    async with office(tmp_path, clock) as room:
        await room.upstream.accept(posted(room, EbdResponse(ResultCode.OTHER, "x")))
        await asyncio.sleep(1)
        assert room.state.open_packages == {}
        assert room.mail.posted == []


def test_operation_data_goes_only_where_devices_have_codes() -> None:
    above = Peer(PROVINCE, "http://127.0.0.1:1/y", Edition.Y2018)
    assert told_of_devices({PROVINCE: above, CITY: PEER}) == (PROVINCE,)
