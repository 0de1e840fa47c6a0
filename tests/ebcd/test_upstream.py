"""Packages from above: durable before they are answered, handled once, cancelled in time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path as Folder

import pytest

from devices.link import Start
from ebcd.foundation import restore
from ebcd.lifecycle import AlertState
from ebcd.operation_data.requests import Refusal
from ebcd.store import PackageMeta, StoreError
from ebcd.upstream import HANDLE_TRIES_MAX
from protocols.codes import EbdId
from protocols.ebd import ResultCode
from protocols.ebd.messages import EbdNotify, EbmStateRequest, EbmStateResponse, OmdRequest
from tests.ebcd.county import COUNTY, PROVINCE
from tests.ebcd.office import Office, ebm_id, office, sound_file
from tests.virtual_time import VirtualClock


def starts(room: Office) -> list[Start]:
    return [c for c in room.link.commands if isinstance(c, Start)]


def codes(room: Office) -> list[tuple[str, int]]:
    return [(r.ebm_id[-4:], r.state_code) for r in room.mail.of(EbmStateResponse)]


@pytest.mark.requirement("R-SYS-01", "R-ARC-03", "R-PLT-01", "R-PLT-15", "R-TST-01", "R-SUP-06", "R-X-03")
async def test_a_message_becomes_an_alert_and_the_province_hears_of_it(tmp_path: Folder, clock: VirtualClock) -> None:
    async with office(tmp_path, clock) as room:
        await room.upstream.accept(room.received(room.ebm()))
        await asyncio.sleep(1)
        (start,) = starts(room)
        assert start.ebm_id == ebm_id(1)
        assert codes(room) == [("0001", 2)]
        assert room.state.open_packages == {}
        assert room.state.alerts[ebm_id(1)].told == [2]


async def test_i10_a_package_is_durable_when_accept_returns(tmp_path: Folder, clock: VirtualClock) -> None:
    async with office(tmp_path, clock) as room:
        await room.upstream.accept(room.received(room.ebm()))
        read = await restore(room.store, COUNTY)
        (file,) = read.open_packages.values()
        assert (await room.store.read_package(file)) == room.received(room.ebm()).archive
        number = EbdId.build(EbdId.MESSAGE, PROVINCE, 1)
        assert await room.upstream.answered(number) is ResultCode.SUCCESS
        assert await room.upstream.content(number) == room.ebm()
        for package in (tmp_path / "state").rglob(file):
            package.unlink()
        assert await room.upstream.content(number) is None
        assert await room.upstream.content(number[:-1] + "9") is None


async def test_i10_a_package_that_was_answered_for_is_taken_up_after_a_kill(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    async with office(tmp_path, clock) as first:
        await first.upstream.accept(first.received(first.ebm()))  # killed before it is handled
        assert first.state.alerts == {}
    async with office(tmp_path, clock) as room:
        assert len(room.state.open_packages) == 1
        await asyncio.sleep(1)
        assert room.state.alerts[ebm_id(1)].state is AlertState.ON_AIR
        assert len(starts(room)) == 1
        assert room.state.open_packages == {}
    async with office(tmp_path, clock) as again:
        await asyncio.sleep(0.05)
        assert list(again.state.alerts) == [ebm_id(1)]
        assert again.state.open_packages == {}


async def test_i7_a_repeated_package_starts_nobody_again(tmp_path: Folder, clock: VirtualClock) -> None:
    async with office(tmp_path, clock) as room:
        package = room.received(room.ebm())
        for _ in range(3):
            await room.upstream.accept(package)
            await asyncio.sleep(1)
        assert len(starts(room)) == 1
        assert list(room.state.alerts) == [ebm_id(1)]


async def test_i8_another_content_under_a_messages_id_is_told_not_swallowed(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    """A platform hears that its second message is not carried out, not the state of the first one."""
    async with office(tmp_path, clock) as room:
        first = room.ebm()
        assert first.basic is not None
        sent_again = replace(first, basic=replace(first.basic, send_time=first.basic.send_time + 5))
        for number, ebm in enumerate((first, sent_again, replace(first, contents=room.ebm(title="地震").contents)), 1):
            await room.upstream.accept(room.received(ebm, number))
            await asyncio.sleep(1)
        assert [code for _, code in codes(room)] == [2, 2]
        peer, notify, related = room.mail.posted[-1]
        assert isinstance(notify, EbdNotify)
        assert (peer, related) == (PROVINCE, EbdId.build(EbdId.MESSAGE, PROVINCE, 3))
        assert "came before with another content" in notify.desc
        assert room.state.alerts[ebm_id(1)].alert.title == "暴雨"
        assert len(starts(room)) == 1
        assert room.state.open_packages == {}


async def test_i10_a_repetition_waits_for_the_disk_that_the_first_waits_for(
    tmp_path: Folder, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(tmp_path, clock) as room:
        accept_package = room.store.accept_package
        failures = [True, False]

        async def slow(ebd_id: str, raw: bytes, meta: PackageMeta, events: object, **_: object) -> object:
            await asyncio.sleep(5)
            if failures.pop(0):
                raise StoreError("disk_full", "store", "", "make room")
            return await accept_package(ebd_id, raw, meta, events)  # type: ignore[arg-type]

        monkeypatch.setattr(room.store, "accept_package", slow)
        package = room.received(room.ebm())
        first = asyncio.ensure_future(room.upstream.accept(package))
        second = asyncio.ensure_future(room.upstream.accept(package))
        await asyncio.sleep(4)
        assert not second.done()
        await asyncio.sleep(2)
        assert isinstance(first.exception(), StoreError)
        assert not second.done()
        await second
        assert len((await restore(room.store, COUNTY)).open_packages) == 1


async def test_a_full_disk_promises_nothing(
    tmp_path: Folder, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(tmp_path, clock) as room:

        async def full(*args: object, **_: object) -> None:
            raise StoreError("disk_full", "store", "", "make room")

        monkeypatch.setattr(room.store, "accept_package", full)
        with pytest.raises(StoreError):
            await room.upstream.accept(room.received(room.ebm()))
        await asyncio.sleep(1)
        assert room.state.open_packages == {}
        assert room.state.alerts == {}


# ---- cancels and updates ---------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-X-01")
@pytest.mark.parametrize("by_related", [True, False])
async def test_i12_a_cancel_stops_the_message_it_names(tmp_path: Folder, clock: VirtualClock, by_related: bool) -> None:
    async with office(tmp_path, clock) as room:
        await room.upstream.accept(room.received(room.ebm(1)))
        await asyncio.sleep(1)
        cancel = room.ebm(2, msg_type=2, related=ebm_id(1)) if by_related else room.ebm(1, msg_type=2)
        await room.upstream.accept(room.received(cancel, 2))
        await asyncio.sleep(1)
        assert room.state.alerts[ebm_id(1)].state is AlertState.CANCELLED
        told = codes(room)
        assert told[0] == ("0001", 2)
        assert ("0001", 5) in told
        assert (("0002", 5) in told) == by_related
        assert room.state.open_packages == {}


async def test_i12_a_cancel_that_comes_while_its_message_is_being_spoken_stops_it(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    async with office(tmp_path, clock) as room:
        room.sounds.speech_s = 3.0
        await room.upstream.accept(room.received(room.ebm(1)))
        await asyncio.sleep(1)
        await room.upstream.accept(room.received(room.ebm(2, msg_type=2, related=ebm_id(1)), 2))
        await asyncio.sleep(5)
        assert room.state.alerts[ebm_id(1)].state is AlertState.CANCELLED
        assert room.mail.of(EbdNotify) == []


async def test_i12_a_cancel_after_a_restart_waits_until_the_old_packages_are_taken_up(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    async with office(tmp_path, clock) as first:
        await first.upstream.accept(first.received(first.ebm(1)))
    async with office(tmp_path, clock) as room:
        room.sounds.speech_s = 3.0
        await room.upstream.accept(room.received(room.ebm(2, msg_type=2, related=ebm_id(1)), 2))
        await asyncio.sleep(5)
        assert room.state.alerts[ebm_id(1)].state is AlertState.CANCELLED


async def test_a_cancel_of_an_unknown_message_is_answered_with_a_notify(tmp_path: Folder, clock: VirtualClock) -> None:
    async with office(tmp_path, clock) as room:
        cancel = room.received(room.ebm(2, msg_type=2, related=ebm_id(1)), 2)
        await room.upstream.accept(cancel)
        await asyncio.sleep(1)
        ((peer, notify, related),) = room.mail.posted
        assert isinstance(notify, EbdNotify)
        assert (peer, notify.code, related) == (PROVINCE, ResultCode.CONTENT_MISSING, cancel.ebd.envelope.ebd_id)
        assert int(notify.code) == 3
        assert ebm_id(1) in notify.desc
        assert room.state.open_packages == {}


async def test_a_second_cancel_is_told_the_state_and_stops_nothing_twice(tmp_path: Folder, clock: VirtualClock) -> None:
    async with office(tmp_path, clock) as room:
        await room.upstream.accept(room.received(room.ebm(1)))
        await asyncio.sleep(1)
        for number in (2, 3):
            await room.upstream.accept(room.received(room.ebm(1, msg_type=2), number))
            await asyncio.sleep(1)
        assert [code for _, code in codes(room)] == [2, 5, 5]


async def test_an_update_that_comes_while_the_old_message_is_being_spoken_replaces_it(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    async with office(tmp_path, clock) as room:
        room.sounds.speech_s = 3.0
        await room.upstream.accept(room.received(room.ebm(1)))
        room.sounds.speech_s = 0.0
        await room.upstream.accept(room.received(room.ebm(2, related=ebm_id(1)), 2))
        await asyncio.sleep(5)
        assert room.state.alerts[ebm_id(1)].state is AlertState.CANCELLED
        assert room.state.alerts[ebm_id(2)].state is AlertState.ON_AIR


async def test_two_messages_that_name_each_other_do_not_wait_for_ever(tmp_path: Folder, clock: VirtualClock) -> None:
    async with office(tmp_path, clock) as room:
        room.sounds.speech_s = 1.0
        await room.upstream.accept(room.received(room.ebm(1, related=ebm_id(2)), 1))
        await room.upstream.accept(room.received(room.ebm(2, related=ebm_id(1)), 2))
        await asyncio.sleep(5)
        assert set(room.state.alerts) == {ebm_id(1), ebm_id(2)}


# ---- questions, refusals, devices ------------------------------------------------------------------------------------


@pytest.mark.clause("GD/J 083 EBMStateRequest")
async def test_a_question_for_a_state_is_answered_with_the_number_of_the_question(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    async with office(tmp_path, clock) as room:
        await room.upstream.accept(room.received(room.ebm(1)))
        await asyncio.sleep(1)
        question = room.received(EbmStateRequest(ebm_id(1)), 2)
        await room.upstream.accept(question)
        await asyncio.sleep(1)
        _, answer, related = room.mail.posted[-1]
        assert isinstance(answer, EbmStateResponse)
        assert (answer.ebm_id, answer.state_code, related) == (ebm_id(1), 2, question.ebd.envelope.ebd_id)
        assert answer.coverage is not None
        assert answer.coverage.area_codes == (COUNTY,)


@pytest.mark.clause("GD/J 083 EBDNotify")
async def test_a_question_for_an_unknown_message_is_answered_with_a_notify(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    async with office(tmp_path, clock) as room:
        await room.upstream.accept(room.received(EbmStateRequest(ebm_id(9)), 1))
        await asyncio.sleep(1)
        assert [n.code for n in room.mail.of(EbdNotify)] == [ResultCode.CONTENT_MISSING]


@pytest.mark.clause("GD/J 083 OMDRequest", "GD/J 083 EBDNotify")
async def test_i10_a_request_for_operation_data_stays_open_over_a_restart_until_it_is_answered(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    async with office(tmp_path, clock) as first:
        await first.upstream.accept(first.received(OmdRequest("EBRPSInfo"), 2))
        await asyncio.sleep(1)
        assert len(first.clerk.taken) == 1
    async with office(tmp_path, clock) as room:
        await asyncio.sleep(1)
        ((number, request),) = room.clerk.taken
        assert request.omd_type == "EBRPSInfo"
        room.upstream.request_answered(EbdId(number))
        await asyncio.sleep(1)
        assert room.state.open_packages == {}
    async with office(tmp_path, clock) as again:
        await asyncio.sleep(1)
        assert again.clerk.taken == []


@pytest.mark.clause("GD/J 083 EBDNotify")
async def test_a_request_that_cannot_be_answered_gets_a_notify_and_is_closed(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    async with office(tmp_path, clock) as room:
        room.clerk.refusal = Refusal("not_supported", ResultCode.OTHER, {"type": "EBRXXInfo"})
        request = room.received(OmdRequest("EBRXXInfo"), 2)
        await room.upstream.accept(request)
        await asyncio.sleep(1)
        ((_, notify, related),) = room.mail.posted
        assert isinstance(notify, EbdNotify)
        assert (notify.code, related) == (ResultCode.OTHER, request.ebd.envelope.ebd_id)
        assert "EBRXXInfo" in notify.desc
        assert room.state.open_packages == {}


async def test_a_message_that_cannot_be_carried_out_is_refused_with_its_reason(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    async with office(tmp_path, clock) as room:
        room.sounds.refuses.add("转移。")
        await room.upstream.accept(room.received(room.ebm(1)))
        await asyncio.sleep(1)
        (notify,) = room.mail.of(EbdNotify)
        assert "no voice" in notify.desc
        assert room.state.alerts == {}
        assert room.state.open_packages == {}


async def test_i2_a_message_for_elsewhere_is_told_as_not_processed(tmp_path: Folder, clock: VirtualClock) -> None:
    async with office(tmp_path, clock) as room:
        await room.upstream.accept(room.received(room.ebm(1, area_codes=("350000000000",))))
        await asyncio.sleep(1)
        assert codes(room) == [("0001", 0)]
        assert starts(room) == []


async def test_files_of_the_package_reach_the_sound_keeper(tmp_path: Folder, clock: VirtualClock) -> None:
    async with office(tmp_path, clock) as room:
        ebm = room.ebm(1, auxiliaries=(sound_file("EBDR_a.mp3"),))
        await room.upstream.accept(room.received(ebm, files={"EBDR_a.mp3": b"sound"}))
        await asyncio.sleep(1)
        assert room.sounds.kept == [("EBDR_a.mp3", "ab" * 32)]
        assert room.state.alerts[ebm_id(1)].state is AlertState.ON_AIR


async def test_i10_a_state_that_was_reached_and_not_written_down_as_told_is_told_after_a_restart(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    async with office(tmp_path, clock) as first:
        await first.upstream.accept(first.received(first.ebm()))
        await asyncio.sleep(1)
        assert codes(first) == [("0001", 2)]  # its letter and the fact about it never reach the disk
    async with office(tmp_path, clock) as room:
        await asyncio.sleep(1)
        assert codes(room) == [("0001", 2)]


async def test_a_package_that_brings_the_part_down_is_set_aside_after_three_tries(
    tmp_path: Folder, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(tmp_path, clock) as room:

        def defect(*_args: object) -> None:
            raise ZeroDivisionError("a defect")

        monkeypatch.setattr(room.core, "take_in", defect)
        await asyncio.sleep(0.1)  # what an earlier life left is taken up: nothing
        broken = room.received(room.ebm())
        package = await room.upstream._store_package(broken, EbdId(broken.ebd.envelope.ebd_id))
        assert package is not None
        for _ in range(HANDLE_TRIES_MAX):
            with pytest.raises(ZeroDivisionError):
                await room.upstream._handle(package)
        assert len(room.state.open_packages) == 1
        await room.upstream._handle(package)
        assert room.state.open_packages == {}
        assert [notice.code for notice in room.mail.of(EbdNotify)] == [ResultCode.OTHER]
