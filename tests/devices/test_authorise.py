"""Certificates and lists over every link: which frame carries them, and what their answers mean."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from devices.link import Path
from devices.maintenance import UNASKED, Authorise, Configured, PassedOn
from protocols import adapter as a
from protocols import mqtt
from protocols import terminal as t
from protocols.codes import ResourceCode
from protocols.fm.configuration import Authorisation, Certificates
from protocols.fm.packet import Packet, decode_packet
from protocols.signature import AuthorisationList, SignatureBlock
from protocols.terminal import Header
from tests.devices.annex_a_adapter import county
from tests.devices.annex_a_adapter import settle as wait
from tests.devices.commands import COUNTY_ADAPTER, adapter_code, terminal_code, terminal_device
from tests.devices.fake_broker import mqtt_link
from tests.devices.fefd_terminal import CONFIG, listener, settle
from tests.devices.fm_air import on_air_of
from tests.virtual_time import VirtualClock

ONE, TWO = terminal_code(1), terminal_code(2)
# signature.md 9 c and b: a list of one certificate, 84 bytes, and a certificate, 143 bytes, both worked by hand.
LIST = bytes.fromhex(
    "0000000003010101000000000201000000000001F7E736A52AF7E3AFA239475868D2E83412CA1EC4BC3D6AD64B1DFCFFB8272F2948A46F8A"
    "699A4A6B8E7E4754921AE2BDE4CC367510A133BDE6F450DBA454744E"
)
CERTIFICATE = bytes.fromhex(
    "000000000000010000000002011E0C09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020CCEA490CE26775A52D"
    "C6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD1305CFC7D5C67AED9EC7E1A078F937059BFFE498CC041F63484B9D4DFF22F220D3D6"
    "C7387C7100D118CF67096E2B6ABD22020E3B8E34BB80147B396557A39EDDEA"
)


@pytest.mark.clause("GD/J 089 table D.11")
@pytest.mark.requirement("R-SEC-07", "R-X-13")
async def test_a_terminal_gets_0x17_signed_and_its_answer_is_told(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        one.results = [0, 52]
        at.link.offer(Authorise((ONE,), (LIST,), (CERTIFICATE,), 7))
        at.link.offer(Authorise((ONE,), (LIST,), (), 8))
        await settle()
        frame, _ = [frame for frame in one.heard if not frame.is_answer]
        assert frame.signature is not None
        assert frame.message == t.CertificateUpdate((LIST,), (CERTIFICATE,))
        assert at.told(Configured) == [Configured("ip", ONE, 7, 0, ""), Configured("ip", ONE, 8, 52, "")]


async def test_silence_is_repeated_like_any_command(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        one.results = []
        at.link.offer(Authorise((ONE,), (LIST,), (), 7))
        await asyncio.sleep(8)
        assert len(one.requests) == 3
        assert at.told(Configured) == []


@pytest.mark.clause("GD/J 089 clause A.4.1.7", "GD/J 089 table A.11", "GD/J 089 table A.21")
@pytest.mark.requirement("R-SEC-07", "R-X-13")
async def test_an_adapter_gets_0x41_for_itself_and_0x40_for_those_behind_it(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng, 1) as at:
        at.link.offer(Authorise((adapter_code(1),), (LIST,), (CERTIFICATE,), 7))
        at.link.offer(Authorise((adapter_code(1),), (LIST, LIST), (), 8, targets=(ONE, TWO)))
        await wait()
        assert at.stations[1].messages == [
            a.UpdateAdapterCertificates((LIST,), (CERTIFICATE,)),
            a.UpdateTerminalCertificates((LIST, LIST), ()),
        ]
        assert [f.signature is not None for f in at.stations[1].heard or []] == [True, True]
        assert at.told(Configured) == [Configured("adapters", adapter_code(1), token, 0, "") for token in (7, 8)]


async def test_what_an_adapter_passed_on_may_be_answered_on_the_returns(
    clock: VirtualClock, rng: random.Random
) -> None:
    config = replace(CONFIG, commands=False, path=Path.ADAPTER)
    async with listener(clock, rng, terminal_device(1, Path.ADAPTER), config=config) as at:
        line = await at.dial(1, header=Header.E, beat=False)
        asked = t.request(Header.D, 5, COUNTY_ADAPTER, (ONE,), t.CertificateUpdate((LIST,), ()))
        for result, text in ((0, ""), (52, "list 1 is refused: old")):
            told = t.answer(asked, ONE, t.Answer(t.CertificateUpdate.type, result, text))
            line.write(t.encode(replace(told, header=Header.E)))
        settings = t.answer(asked, ONE, t.Answer(t.ParameterSet.type, 0, ""))
        line.write(t.encode(replace(settings, header=Header.E)))
        await settle()
        told_of = [Configured("ip", ONE, UNASKED, 0, ""), Configured("ip", ONE, UNASKED, 52, "list 1 is refused: old")]
        assert at.told(Configured) == told_of


async def test_on_a_socket_of_its_own_nobody_answers_what_was_not_asked(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        asked = t.request(Header.D, 5, COUNTY_ADAPTER, (ONE,), t.CertificateUpdate((LIST,), ()))
        one.write(t.encode(t.answer(asked, ONE, t.Answer(t.CertificateUpdate.type, 0, "ok"))))
        await settle()
        assert at.told(Configured) == []


async def test_on_mqtt_the_same_frame_goes_to_the_terminals_own_topic(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng) as at:
        at.link.offer(Authorise((ONE,), (LIST,), (CERTIFICATE,), 7))
        await settle()
        (sent,) = at.new()
        assert sent.topic == str(mqtt.DeviceTopic(ONE, mqtt.Channel.COMMAND))
        assert sent.frame.message == t.CertificateUpdate((LIST,), (CERTIFICATE,))
        at.broker.answers(ONE, sent.frame)
        await settle()
        assert at.told(Configured) == [Configured("mqtt", ONE, 7, 0, "")]


# ---- FM ------------------------------------------------------------------------------------------------------------


def contents(packets: list[Packet]) -> list[tuple[object, tuple[ResourceCode, ...]]]:
    return [(packet.content, packet.codes) for packet in packets]


@pytest.mark.clause("GD/J 085 clause 5.2.8", "GD/J 085 clause 5.2.9")
@pytest.mark.requirement("R-X-13")
async def test_over_fm_certificates_are_for_everybody_and_a_list_for_its_device(clock: VirtualClock) -> None:
    async with on_air_of(clock) as air:
        air.link.offer(Authorise((ONE,), (), (CERTIFICATE,), 7))
        await air.play(14)
        assert air.told(PassedOn) == [PassedOn("fm", 7)]
        air.link.offer(Authorise((ONE,), (LIST,), (), 8))
        await air.play(12)
        assert air.told(PassedOn) == [PassedOn("fm", 7), PassedOn("fm", 8)]
        everybody = tuple(ResourceCode(f"{level}3411230000000314000400") for level in (6, 5))
        heard = contents([decode_packet(each) for each in air.packets()])
        assert heard == [(Certificates((CERTIFICATE,)), everybody), (Authorisation(LIST), (ONE,))]


async def test_a_list_may_go_as_the_74_bytes_that_the_text_points_at(clock: VirtualClock) -> None:
    async with on_air_of(clock, type6="block") as air:
        air.link.offer(Authorise((ONE,), (LIST,), (), 8))
        await air.play(12)
        (packet,) = [decode_packet(each) for each in air.packets()]
        listed = AuthorisationList.decode(LIST)
        assert isinstance(packet.content, Authorisation)
        block = packet.content.opened()
        assert isinstance(block, SignatureBlock)
        assert (block.certificate, block.value) == (listed.signer, listed.signature)


async def test_i8_what_never_came_on_air_is_not_told_as_passed_on(clock: VirtualClock) -> None:
    async with on_air_of(clock, dead=True) as air:
        air.link.offer(Authorise((ONE,), (LIST,), (), 8))
        await air.play(300)
        assert air.told(PassedOn) == []
        assert air.link.status().outbox_depth == 0
