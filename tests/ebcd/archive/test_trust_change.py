"""Certificates and authorisation lists on their way to devices: who gets what, in stages, and never an older list."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path as File

import pytest

from ebcd import snapshot
from ebcd.archive.rollout import ChangeState
from ebcd.archive.stages import NobodyReached
from ebcd.operator import OperationRefused
from protocols.authorisation import Authorisation
from protocols.signature import AuthorisationList, number_text
from tests.ebcd.archive.trust_yard import ADAPTER, BEHIND, HORNS, ON_AIR, THEIR_ADAPTER, US, lists_for, module, yard
from tests.ebcd.signing.authority import ROOT


@pytest.mark.clause("GD/J 081 clause 5.5")
@pytest.mark.requirement("R-SEC-07", "R-X-13", "R-TST-10")
async def test_every_device_gets_its_own_list_in_stages_and_says_so(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS, 1)
        change = await at.open(*HORNS)
        await asyncio.sleep(10)
        assert (change.state, change.unheard) == (ChangeState.DONE, ())
        assert change.stages == [(1, ()), (11, ())]
        assert {at.ip.serial(code) for code in HORNS} == {1}
        own = {each.members: AuthorisationList.decode(each.lists[0]).receiver for each in at.ip.told}
        assert own == {(code,): module(code) for code in HORNS}
        assert at.results() == dict.fromkeys(map(str, HORNS), "taken")
        assert at.counted == ["trust_taken"] * 12


async def test_the_certificates_that_a_list_names_come_with_it_and_the_root_does_not(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        issuer, leaf = bytes.fromhex("000000000020"), bytes.fromhex("000000000555")
        at.ca.issue(issuer)
        at.ca.issue(leaf, issuer)
        lists_for(at.ca, HORNS[:1], 1, leaf, bytes.fromhex("000000000999"))
        (row,) = (await at.plan(HORNS[0])).rows
        assert (row.certificates, row.missing, row.standing) == (3, ("000000000999",), "send")
        await at.open(HORNS[0])
        await asyncio.sleep(5)
        (told,) = at.ip.told
        numbers = [data[7:13] for data in told.certificates]
        assert numbers == [US, issuer, leaf]


@pytest.mark.clause("GD/J 081 clause 6.5")
async def test_an_older_list_than_was_sent_is_never_sent_and_refused_by_name(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS[:2], 8)
        await at.open(*HORNS[:2])
        await asyncio.sleep(10)
        at.ca.take_lists_away()
        lists_for(at.ca, HORNS[:2], 7)
        assert [row.standing for row in (await at.plan(*HORNS[:2])).rows] == ["older", "older"]
        with pytest.raises(OperationRefused) as caught:
            await at.open(*HORNS[:2])
        problem = caught.value.problem
        receiver = number_text(module(HORNS[0]))
        assert (problem.code, problem.thing, problem.value) == ("list_older", HORNS[0], f"{receiver}-7")
        assert problem.limit == "8"
        assert len(at.ip.told) == 2


@pytest.mark.parametrize(("serial", "standing"), [(9, "send"), (134, "send"), (7, "older"), (136, "older")])
async def test_serials_go_round_after_255_and_127_ahead_is_the_furthest(
    tmp_path: File, serial: int, standing: str
) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS[:1], 8)
        await at.open(HORNS[0])
        await asyncio.sleep(5)
        at.ca.take_lists_away()
        lists_for(at.ca, HORNS[:1], serial)
        assert (await at.plan(HORNS[0])).rows[0].standing == standing


async def test_the_same_serial_with_other_content_is_refused(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS[:1], 8)
        await at.open(HORNS[0])
        await asyncio.sleep(5)
        at.ca.list_for(module(HORNS[0]), 8, US, bytes.fromhex("000000000999"))
        with pytest.raises(OperationRefused, match="list_conflict"):
            await at.open(HORNS[0])


async def test_i10_the_serials_that_were_sent_are_known_after_a_restart(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS[:1], 8)
        await at.open(HORNS[0])
        await asyncio.sleep(5)
        state = at.room.journal.replayed()
        again = snapshot.load(snapshot.dump(state))
        assert snapshot.same(again, state)
        listed = AuthorisationList.decode(at.ip.told[0].lists[0])
        older = replace(listed, serial=7)
        assert again.devices.lists.fault(older, older.encode()) == "older"
        assert again.devices.lists.has_taken(listed, listed.encode())
        assert [each.note for each in again.devices.of(HORNS[0])] == ["list 8 taken"]


async def test_which_list_is_sent_is_on_disk_before_it_leaves(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS[:1], 8)
        at.room.journal.stuck = True
        await at.open(HORNS[0])
        await asyncio.sleep(20)
        assert at.ip.told == []
        assert at.facts("change.lists")
        at.room.journal.stuck = False
        at.room.journal.flush()
        await asyncio.sleep(20)
        assert at.ip.serial(HORNS[0]) == 8


async def test_a_list_that_would_make_a_device_disbelieve_us_is_refused(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        at.ca.list_for(module(HORNS[0]), 1, bytes.fromhex("000000000999"))
        with pytest.raises(OperationRefused, match="list_without_us"):
            await at.open(HORNS[0])
        at.ca.list_for(module(BEHIND[0]), 1, US)  # believes us, not the adapter that signs anew what it passes on
        with pytest.raises(OperationRefused, match="list_without_us"):
            await at.open(BEHIND[0])


async def test_what_was_shown_is_what_is_sent(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS[:1], 1)
        shown = await at.plan(HORNS[0])
        lists_for(at.ca, HORNS[:1], 2)
        with pytest.raises(OperationRefused, match="trust_changed"):
            await at.distribution.checked(HORNS[:1], (), shown.digest)


async def test_devices_that_took_the_list_are_not_told_twice(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS[:2], 1)
        await at.open(HORNS[0])
        await asyncio.sleep(5)
        assert [row.standing for row in (await at.plan(*HORNS[:2])).rows] == ["taken", "send"]


async def test_too_many_refusals_halt_the_change(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS, 3)
        listed = AuthorisationList(module(HORNS[0]), 5, (US,), ROOT)
        at.ip.lists[HORNS[0]] = Authorisation(module(HORNS[0]), listed)  # from a life that nobody remembers
        change = await at.open(*HORNS)
        await asyncio.sleep(10)
        assert (change.state, change.stages) == (ChangeState.HALTED, [(1, (HORNS[0],))])
        assert at.results() == {HORNS[0]: "refused"}
        assert len(at.ip.told) == 1


async def test_i8_silence_is_asked_again_until_the_time_is_up_and_then_has_failed(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS[:1], 3)
        at.ip.deaf.add(HORNS[0])
        change = await at.open(HORNS[0])
        await asyncio.sleep(60)
        assert len(at.ip.told) > 1
        at.ip.deaf.clear()
        await asyncio.sleep(60)
        assert change.state is ChangeState.DONE
        lists_for(at.ca, HORNS[:1], 4)
        at.ip.deaf.add(HORNS[0])
        change = await at.open(HORNS[0])
        await asyncio.sleep(300)
        assert (change.state, change.stages) == (ChangeState.HALTED, [(1, (HORNS[0],))])


async def test_an_adapter_gets_its_own_by_itself(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, (ADAPTER,), 1)
        await at.open(ADAPTER)
        await asyncio.sleep(5)
        (told,) = at.behind.told
        assert (told.members, told.targets) == ((ADAPTER,), ())
        assert at.results() == {ADAPTER: "taken"}


async def test_terminals_behind_an_adapter_get_theirs_through_it_and_may_answer(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, BEHIND, 1, module(THEIR_ADAPTER))
        at.behind.mute.add(BEHIND[2])
        change = await at.open(*BEHIND)
        await asyncio.sleep(60)
        assert [(told.members, len(told.lists)) for told in at.behind.told] == [((THEIR_ADAPTER,), n) for n in (1, 2)]
        assert at.results() == {BEHIND[0]: "taken", BEHIND[1]: "taken", BEHIND[2]: "passed_on"}
        assert (change.state, change.unheard) == (ChangeState.DONE, (BEHIND[2],))


async def test_i8_a_dead_adapter_has_passed_nothing_on(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, BEHIND[:1], 1, module(THEIR_ADAPTER))
        at.behind.deaf.add(THEIR_ADAPTER)
        change = await at.open(BEHIND[0])
        await asyncio.sleep(300)
        assert (change.state, at.results()) == (ChangeState.HALTED, {BEHIND[0]: "silent"})


async def test_who_hears_fm_only_is_sent_certificates_then_the_list_and_never_counts_as_taken(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, (ON_AIR,), 1)
        change = await at.open(ON_AIR)
        await asyncio.sleep(5)
        assert [(len(told.certificates), len(told.lists)) for told in at.fm.told] == [(1, 0), (0, 1)]
        assert (change.unheard, at.results()) == ((ON_AIR,), {ON_AIR: "passed_on"})


async def test_a_certificate_can_go_to_everybody_also_without_a_list(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        assert (await at.plan(HORNS[0])).rows[0].standing == "no_list"
        new = bytes.fromhex("000000000777")
        at.ca.issue(new)
        await at.open(HORNS[0], extra=("000000000777",))
        await asyncio.sleep(5)
        (told,) = at.ip.told
        assert (told.lists, [data[7:13] for data in told.certificates]) == ((), [new])
        with pytest.raises(OperationRefused, match="unknown_certificate"):
            await at.plan(HORNS[0], extra=("000000000778",))


async def test_nothing_is_sent_while_an_alert_is_on_air(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        lists_for(at.ca, HORNS[:1], 1)
        at.busy[0] = True
        await at.open(HORNS[0])
        await asyncio.sleep(100)
        assert at.ip.told == []
        at.busy[0] = False
        await asyncio.sleep(60)
        assert at.ip.serial(HORNS[0]) == 1


async def test_where_there_is_nothing_to_send_no_change_begins(tmp_path: File) -> None:
    async with yard(tmp_path) as at:
        shown = await at.plan(HORNS[0])
        assert (len(shown.digest), shown.parcels) == (64, {})
        with pytest.raises(NobodyReached):
            await at.open(HORNS[0])
        assert at.facts("change.opened") == []
