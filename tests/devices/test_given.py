"""Amplifier, network and white list: told by every link that can carry them, refused by the others."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import pytest

from devices.given import Caller, ListOperation, Network, Permission
from devices.maintenance import Configure, Configured, Given, HostPort
from protocols import adapter as a
from protocols import terminal as t
from protocols.codes import AreaCode
from protocols.mqtt import mirror
from protocols.terminal import Result
from protocols.wire import in_encoding
from tests.devices.annex_a_adapter import CONFIG as ADAPTERS
from tests.devices.annex_a_adapter import County, county
from tests.devices.annex_a_adapter import settle as wait
from tests.devices.commands import adapter_code, terminal_code, terminal_device
from tests.devices.fake_broker import CONFIG as MQTT
from tests.devices.fake_broker import mqtt_link
from tests.devices.fefd_terminal import listener, settle
from tests.devices.vendor_link import vendor_link
from tests.virtual_time import VirtualClock

ADAPTER, ONE, TWO = adapter_code(1), terminal_code(1), terminal_code(2)
NETWORK = Network.parse("10.1.2.30/255.255.255.0/10.1.2.1")
AREA = AreaCode("999901100201")
ZHANG = Caller(ListOperation.ADD, "13800000001", "张三", Permission.BOTH, (AREA,))


def only(at: County, result: int) -> Configured:
    """The one answer, which is this result, without anything having been sent."""
    (told,) = at.told(Configured)
    assert isinstance(told, Configured)
    assert (told.result, not at.stations[1].heard) == (result, True)
    return told


# ---- annex A -------------------------------------------------------------------------------------------------------


@pytest.mark.clause("GD/J 089 table A.18", "GD/J 089 table A.20")
async def test_an_adapter_switches_a_terminal_s_amplifier_and_gives_it_its_network(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng, 1) as at:
        at.link.offer(Configure((ADAPTER,), Given(volume=40, amplifier=False, network=NETWORK), 7, targets=(ONE,)))
        await wait()
        to = a.Targets((ONE,))
        assert at.stations[1].messages == [
            a.SetVolume(40, to),
            a.SwitchAmplifier(1, to),
            a.SetNetwork("10.1.2.30", "255.255.255.0", "10.1.2.1", to),
        ]
        assert at.told(Configured) == [Configured("adapters", ADAPTER, 7, 0, "")]


@pytest.mark.clause("GD/J 089 table A.20", "GD/J 089 table A.14")
async def test_an_adapter_s_own_volume_and_amplifier_name_each_adapter_as_its_own_target(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng, 2) as at:
        both = (ADAPTER, adapter_code(2))
        at.link.offer(Configure(both, Given(volume=30, amplifier=True), 7))
        await wait()
        for number, code in enumerate(both, 1):
            own = a.Targets((code,))
            assert at.stations[number].messages == [a.SetVolume(30, own), a.SwitchAmplifier(2, own)]


@pytest.mark.clause("GD/J 089 table A.6")
async def test_an_adapter_s_own_period_goes_with_its_return_address_and_not_without(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng, 1) as at:
        at.link.offer(Configure((ADAPTER,), Given(return_to=HostPort("10.1.1.9", 8099), period_s=30), 7))
        await wait()
        assert at.stations[1].messages == [a.SetAdapterReturn(a.IpReturn("10.1.1.9", 8099), 30)]
    async with county(clock, rng, 1) as at:
        at.link.offer(Configure((ADAPTER,), Given(period_s=30), 7))
        await wait()
        only(at, 3)


@pytest.mark.clause("GD/J 089 table A.5")
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
async def test_a_white_list_reaches_the_adapter_with_names_in_its_encoding(
    clock: VirtualClock, rng: random.Random, encoding: Literal["utf-8", "gb18030"]
) -> None:
    gone = Caller(ListOperation.DELETE, "13800000002", "李四", Permission.SMS, ())
    config = replace(ADAPTERS, whitelist_name_encoding=encoding)
    async with county(clock, rng, 1, config=config) as at:
        at.link.offer(Configure((ADAPTER,), Given(callers=(ZHANG, gone)), 7))
        await wait()
        names = [in_encoding(name, encoding) for name in ("张三", "李四")]
        (told,) = at.stations[1].messages
        assert told == a.SetWhitelist(
            (
                a.WhitelistEntry(1, "13800000001", names[0], 3, (AREA,)),
                a.WhitelistEntry(3, "13800000002", names[1], 1, ()),
            )
        )
        assert "张三".encode(encoding) in a.encode(told)


async def test_a_name_that_the_adapter_s_encoding_lacks_is_refused_and_nothing_is_sent(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng, 1, config=replace(ADAPTERS, whitelist_name_encoding="gb2312")) as at:
        at.link.offer(Configure((ADAPTER,), Given(callers=(replace(ZHANG, name="张㗎"),)), 7))
        await wait()
        assert "gb2312" in only(at, 3).text


@pytest.mark.parametrize(
    ("given", "targets"),
    [
        (Given(network=NETWORK), ()),  # its own address is not set by annex A
        (Given(network=NETWORK), (ONE, TWO)),  # one address for two
        (Given(callers=(ZHANG,)), (ONE,)),  # terminals have no white list
        (Given(volume=40, network=NETWORK), ()),  # and never half of it
        (Given(), ()),
    ],
)
async def test_what_an_adapter_cannot_take_as_a_whole_is_refused_as_a_whole(
    clock: VirtualClock, rng: random.Random, given: Given, targets: Sequence[object]
) -> None:
    async with county(clock, rng, 1) as at:
        at.link.offer(Configure((ADAPTER,), given, 7, targets=tuple(targets)))  # type: ignore[arg-type]
        await wait()
        only(at, 3)


async def test_who_is_on_a_white_list_is_not_in_what_programmers_print() -> None:
    assert "13800000001" not in repr(Configure((ADAPTER,), Given(callers=(ZHANG,)), 7))
    assert "张三" not in f"{ZHANG}"


# ---- terminals -----------------------------------------------------------------------------------------------------


@pytest.mark.clause("GD/J 089 table D.9")
async def test_a_terminal_is_told_amplifier_and_network_with_the_network_last(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        at.link.offer(Configure((ONE,), Given(volume=40, amplifier=False, network=NETWORK), 7))
        await settle()
        assert one.requests == [
            t.ParameterSet(
                (
                    t.Number(t.SET_VOLUME, 40),
                    t.Number(t.SET_AMPLIFIER, 1),
                    t.LocalAddress("10.1.2.30", "255.255.255.0", "10.1.2.1"),
                )
            )
        ]
        # n = 3; 01 len 1: 40 %; 05 len 1: off; 02 len 12: ip, mask, gateway
        assert bytes.fromhex("03010128050101020C0A01021EFFFFFF000A010201") in t.encode(one.heard[-1])
        assert at.told(Configured) == [Configured("ip", ONE, 7, 0, "")]


async def test_a_terminal_on_mqtt_is_told_the_same(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng) as at:
        at.link.offer(Configure((ONE,), Given(amplifier=True, network=NETWORK), 7))
        await settle()
        (sent,) = at.new()
        network = t.LocalAddress("10.1.2.30", "255.255.255.0", "10.1.2.1")
        assert sent.frame.message == t.ParameterSet((t.Number(t.SET_AMPLIFIER, 2), network))
        at.broker.answers(ONE, sent.frame)
        await settle()
        assert at.told(Configured) == [Configured("mqtt", ONE, 7, 0, "")]


async def test_what_the_json_mirror_has_no_words_for_is_refused_and_what_it_has_is_sent(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with mqtt_link(clock, rng, config=replace(MQTT, profile="ebcd-json")) as at:
        at.link.offer(Configure((ONE,), Given(network=NETWORK), 7))
        await settle()
        assert [e.result for e in at.told(Configured) if isinstance(e, Configured)] == [Result.NOT_SUPPORTED]
    off = t.ParameterSet((t.Number(t.SET_AMPLIFIER, 1),))
    frame = t.request(t.Header.D, 1, ADAPTER, (ONE,), off)
    assert mirror.decode(mirror.encode(frame)).message == off


@pytest.mark.parametrize("given", [Given(callers=(ZHANG,)), Given(volume=40, callers=(ZHANG,)), Given()])
async def test_a_white_list_is_no_terminal_s_on_any_link(clock: VirtualClock, rng: random.Random, given: Given) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        at.link.offer(Configure((ONE,), given, 7))
        await settle()
        assert one.requests == []
        assert [e.result for e in at.told(Configured) if isinstance(e, Configured)] == [Result.NOT_SUPPORTED]
    async with mqtt_link(clock, rng) as bus:
        bus.link.offer(Configure((ONE,), given, 7))
        await settle()
        assert bus.new() == []
        assert [e.result for e in bus.told(Configured) if isinstance(e, Configured)] == [Result.NOT_SUPPORTED]


async def test_a_vendor_without_words_for_an_amplifier_says_so(clock: VirtualClock, rng: random.Random) -> None:
    async with vendor_link(clock, rng, excused=[ONE]) as at:
        at.link.offer(Configure((ONE,), Given(volume=40, amplifier=False), 7))
        await settle()
        assert [e.result for e in at.told(Configured) if isinstance(e, Configured)] == [Result.NOT_SUPPORTED]
        assert at.new() == []


# ---- what a network is ---------------------------------------------------------------------------------------------


def test_a_network_is_told_as_terminals_tell_it() -> None:
    assert str(Network.parse(" 10.1.2.30 /255.255.255.0/ 10.1.2.1")) == "10.1.2.30/255.255.255.0/10.1.2.1"


@pytest.mark.parametrize(
    "text",
    [
        "10.1.2.30",
        "10.1.2.30/24/10.1.2.1",  # a length is no mask in dotted form
        "10.1.2.30/255.255.255.0",
        "10.1.2.300/255.255.255.0/10.1.2.1",
        "10.1.2.30/255.0.255.0/10.1.2.1",
        "10.1.2.30/0.0.0.255/10.1.2.1",
        "10.1.2.0/255.255.255.0/10.1.2.1",
        "10.1.2.255/255.255.255.0/10.1.2.1",
        "10.1.2.30/255.255.255.0/10.1.3.1",  # a gateway that it cannot reach
        "10.1.2.30/255.255.255.0/10.1.2.30",
        "10.1.2.30/255.255.255.0/10.1.2.255",
        "10.1.2.30/255.255.255.255/10.1.2.1",
        "127.0.0.1/255.0.0.0/127.0.0.2",
        "239.1.1.1/255.255.255.0/239.1.1.2",
        "0.0.0.0/0.0.0.0/10.1.2.1",
    ],
)
def test_an_address_at_which_a_terminal_could_not_be_reached_again_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Network.parse(text)
