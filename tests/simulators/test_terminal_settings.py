"""Amplifier, network and white list at simulated devices: obeyed, answered, and seen from outside."""

from __future__ import annotations

import asyncio

import pytest

from protocols import adapter as annex_a
from protocols import terminal as fefd
from protocols.adapter import ResultCode, WhitelistEntry
from protocols.codes import AreaCode
from protocols.terminal import Answer, Header, Result
from simulators.adapter import Adapter
from simulators.terminal_actions import Redial
from tests.simulators.signing import ADAPTER_CERTIFICATE, NOW, key, trust
from tests.simulators.test_adapter import CODE as ADAPTER
from tests.simulators.test_adapter import HORNS, tell
from tests.simulators.test_terminal import CODE, EBM, Bench, answer_of, reports_of
from tests.simulators.test_terminal_client import scene
from tests.virtual_time import VirtualClock

OFF = fefd.ParameterSet((fefd.Number(fefd.SET_AMPLIFIER, 1),))
ON = fefd.ParameterSet((fefd.Number(fefd.SET_AMPLIFIER, 2),))
NETWORK = fefd.LocalAddress("10.1.2.30", "255.255.255.0", "10.1.2.1")


@pytest.fixture
def adapter() -> Adapter:
    return Adapter(ADAPTER, key(ADAPTER_CERTIFICATE), ADAPTER_CERTIFICATE, trust(), lambda: NOW)


# ---- a terminal ----------------------------------------------------------------------------------------------------


@pytest.mark.clause("GD/J 089 table D.9")
def test_with_its_amplifier_off_nothing_sounds_and_the_result_says_why() -> None:
    bench = Bench()
    assert answer_of(bench.tell(OFF, target=CODE)).result == Result.OK
    bench.sounding_start()
    assert (bench.terminal.on_air, bench.log.starts) == (None, [])
    (result,) = reports_of(bench.terminal.tick(NOW + 61))
    assert isinstance(result, fefd.TaskResult)
    assert (result.result, result.text) == (0, "amplifier off")


def test_an_amplifier_that_is_switched_while_something_sounds_is_heard_and_reported_at_once() -> None:
    bench = Bench()
    bench.sounding_start()
    assert bench.terminal.on_air == EBM
    (off,) = reports_of(bench.tell(OFF, target=CODE, at=NOW + 1))
    silent: object = bench.terminal.on_air
    assert (silent, isinstance(off, fefd.TaskSwitch) and off.flag) == (None, 2)
    assert reports_of(bench.tell(OFF, target=CODE, at=NOW + 2)) == []
    (on,) = reports_of(bench.tell(ON, target=CODE, at=NOW + 3))
    assert (bench.terminal.on_air, isinstance(on, fefd.TaskSwitch) and on.flag) == (EBM, 1)


def test_an_option_that_the_table_does_not_have_is_refused() -> None:
    bench = Bench()
    odd = fefd.ParameterSet((fefd.Number(fefd.SET_AMPLIFIER, 3),))
    assert answer_of(bench.tell(odd, target=CODE)).result == Result.BAD_PARAMETER
    assert bench.terminal.amplifier


def test_a_new_network_is_told_when_asked_and_makes_it_dial_anew_once() -> None:
    bench = Bench()
    first = bench.tell(fefd.ParameterSet((NETWORK,)), target=CODE)
    again = bench.tell(fefd.ParameterSet((NETWORK,)), target=CODE)
    assert [sum(isinstance(each, Redial) for each in actions) for actions in (first, again)] == [1, 0]
    (reply,) = bench.tell(fefd.StatusQuery((fefd.LOCAL_ADDRESS,)), target=CODE)
    told = fefd.decode(reply.data).message  # type: ignore[union-attr]
    assert told == fefd.StatusAnswer(Result.OK, "", (NETWORK,))


async def test_it_answers_leaves_its_socket_and_registers_on_another_one(clock: VirtualClock) -> None:
    async with scene(clock) as at:
        at.desks[0].transport.write(at.signed(fefd.ParameterSet((NETWORK,))))
        await asyncio.sleep(0.2)
        assert at.messages(fefd.Answer) == [Answer(0x12, 0)]
        assert len(at.desks) == 1
        await asyncio.sleep(10)
        assert len(at.desks) == 2
        assert at.frames[-1].header is Header.D
        assert at.messages(fefd.Heartbeat)


# ---- an adapter ----------------------------------------------------------------------------------------------------


@pytest.mark.clause("GD/J 089 table A.18", "GD/J 089 table A.20")
def test_an_adapter_passes_amplifier_and_network_on_under_its_own_signature(adapter: Adapter) -> None:
    off = tell(adapter, annex_a.SwitchAmplifier(1, annex_a.Targets((HORNS,))))
    network = tell(adapter, annex_a.SetNetwork(NETWORK.ip, NETWORK.mask, NETWORK.gateway, annex_a.Targets((CODE,))))
    relayed = [fefd.decode(each.relays[0].data) for each in (off, network)]
    assert [frame.message for frame in relayed] == [OFF, fefd.ParameterSet((NETWORK,))]
    assert [frame.targets for frame in relayed] == [(HORNS,), (CODE,)]
    assert adapter.equipment.amplifier


def test_what_names_the_adapter_itself_is_its_own(adapter: Adapter) -> None:
    mine = annex_a.Targets((ADAPTER,))
    assert tell(adapter, annex_a.SetVolume(20, mine)).answer == annex_a.GeneralAnswer()
    assert tell(adapter, annex_a.SwitchAmplifier(1, mine)).answer == annex_a.GeneralAnswer()
    assert (adapter.equipment.volume, adapter.equipment.amplifier) == (20, False)
    tell(adapter, annex_a.SwitchAmplifier(2, mine))
    assert adapter.equipment.amplifier


def entry(operation: int, phone: str = "13800000001", name: str = "张三", permission: int = 3) -> WhitelistEntry:
    return WhitelistEntry(operation, phone, name, permission, (AreaCode("999901100201"),))


@pytest.mark.clause("GD/J 089 table A.5")
def test_numbers_are_added_changed_and_deleted(adapter: Adapter) -> None:
    for told, known in (
        ((entry(1), entry(1, "13800000002", "李四")), {"13800000001": 3, "13800000002": 3}),
        ((entry(2, permission=1),), {"13800000001": 1, "13800000002": 3}),
        ((entry(3),), {"13800000002": 3}),
    ):
        assert tell(adapter, annex_a.SetWhitelist(told)).answer == annex_a.GeneralAnswer()
        assert {phone: each.permission for phone, each in adapter.equipment.callers.entries.items()} == known


@pytest.mark.parametrize(
    "told", [(entry(2),), (entry(3),), (entry(1), entry(1)), (entry(1), entry(9)), (entry(1, ""),)]
)
def test_a_frame_that_cannot_be_carried_out_changes_nothing(adapter: Adapter, told: tuple[WhitelistEntry, ...]) -> None:
    answer = tell(adapter, annex_a.SetWhitelist(told)).answer
    assert isinstance(answer, annex_a.GeneralAnswer)
    assert answer.code == ResultCode.CONFLICT
    assert adapter.equipment.callers.entries == {}


def test_a_book_holds_so_many_numbers_and_no_more(adapter: Adapter) -> None:
    adapter.equipment.callers.numbers_max = 1
    tell(adapter, annex_a.SetWhitelist((entry(1),)))
    answer = tell(adapter, annex_a.SetWhitelist((entry(1, "13800000002"),))).answer
    assert isinstance(answer, annex_a.GeneralAnswer)
    assert (answer.code, answer.text) == (ResultCode.CONFLICT, "full at 1")
