"""Sound streamed to adapters, in virtual time: the dialogue, the end, who gives way, what fails."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from devices.adapter_tcp import AdapterTcpConfig
from devices.link import Answered, Audio, Rejected, Start, Verb
from protocols import adapter as a
from protocols import rtp
from protocols.codes import EbmId, ResourceCode
from tests.devices.annex_a_adapter import CONFIG, County, Reply, county, settle
from tests.devices.commands import EBM, OTHER_EBM, VILLAGE, adapter_code, start, stop
from tests.mp3_frames import mp3
from tests.virtual_time import VirtualClock

ONE, TWO, THREE = (adapter_code(number) for number in (1, 2, 3))
ELSEWHERE = ResourceCode("63411230020010314010400")
SOUND = mp3(400)  # 9.6 s
PUSH = replace(CONFIG, sound="push")
FILES = {"a.mp3": SOUND, "b.mp3": mp3(500), "none.mp3": b"no sound at all"}


class Files:
    """The sounds, and how often they were read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    async def __call__(self, name: str) -> bytes | None:
        self.read.append(name)
        await asyncio.sleep(0.01)
        return FILES.get(name)


@dataclass
class Ear:
    """What came to one address."""

    packets: list[rtp.RtpPacket] = field(default_factory=list)

    def __call__(self, data: bytes) -> None:
        self.packets.append(rtp.decode(data))

    @property
    def sound(self) -> bytes:
        return b"".join(map(rtp.sound_of, self.packets))

    def take(self) -> list[rtp.RtpPacket]:
        heard, self.packets = self.packets, []
        return heard


@dataclass
class Town:
    """A county whose adapters listen: number n at 10.9.0.n:6000."""

    at: County
    files: Files
    ears: dict[int, Ear]

    def offers(self, number: int, url: str) -> None:
        """From now on the adapter answers with this address."""
        self.at.stations[number].reply = offering(adapter_code(number), url)

    @property
    def streams(self) -> int:
        streaming = self.at.link.status().streaming
        assert streaming is not None
        return streaming.open


def offering(code: ResourceCode, url: str) -> Reply:
    def reply(frame: a.AdapterFrame) -> a.Message | None:
        match frame.message:
            case a.StartBroadcast(ebm_id=ebm_id):
                return a.StartAnswer(code, ebm_id, url=url)
            case a.StopBroadcast(ebm_id=ebm_id):
                return a.StartAnswer(code, ebm_id)
            case _:
                return a.GeneralAnswer()

    return reply


@asynccontextmanager
async def town(
    clock: VirtualClock, rng: random.Random, adapters: int = 1, config: AdapterTcpConfig = PUSH
) -> AsyncIterator[Town]:
    files = Files()
    async with county(clock, rng, adapters, config, read_sound=files) as at:
        made = Town(at, files, {})
        for number in range(1, adapters + 1):
            made.offers(number, f"rtp://10.9.0.{number}:6000")
            made.ears[number] = at.network.ears[f"10.9.0.{number}", 6000] = Ear()
        yield made


def pushed(
    clock: VirtualClock,
    *members: ResourceCode,
    ebm_id: EbmId = EBM,
    seconds: float = 3600,
    name: str = "a.mp3",
    level: int = 2,
    targets: tuple[ResourceCode, ...] = (VILLAGE,),
) -> Start:
    command = start(*members, ebm_id=ebm_id, end=clock.wall() + seconds, level=level, targets=targets)
    return replace(command, audio=Audio("http://127.0.0.1:8088/media/" + name, name))


def answered(number: int = 1, result: int = 0, ebm_id: EbmId = EBM) -> Answered:
    return Answered("adapters", adapter_code(number), ebm_id, Verb.START, result, "")


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
        assert at.at.link.status().streaming is None


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


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "push-address"),
        ("http://10.9.0.1/a.mp3", "push-address"),
        ("rtp://10.9.0.1:22", "push-port"),
        ("rtp://127.0.0.1:6000", "push-forbidden"),
        ("rtp://239.1.1.10:5004", "push-forbidden"),
        ("rtp://10.9.9.9:6000", "push-network"),
    ],
)
async def test_i8_an_address_that_is_not_streamed_to_is_a_refusal_with_its_reason(
    clock: VirtualClock, rng: random.Random, url: str, reason: str
) -> None:
    async with town(clock, rng) as at:
        at.at.network.unreachable.add(("10.9.9.9", 6000))
        at.offers(1, url)
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(5)
        (told,) = at.at.told(Answered)
        assert isinstance(told, Answered)
        assert told.result == 1
        (rejected,) = at.at.told(Rejected)
        assert isinstance(rejected, Rejected)
        assert (rejected.reason, rejected.peer, rejected.detail) == (reason, ONE, told.text)
        assert at.streams == 0


async def test_i8_an_answer_that_offers_nothing_by_its_kind_is_a_refusal(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with town(clock, rng) as at:
        at.at.stations[1].reply = lambda _: a.GeneralAnswer()
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(5)
        assert [event.result for event in at.at.told(Answered) if isinstance(event, Answered)] == [1]


async def test_an_adapters_own_name_may_not_lead_to_this_machine(clock: VirtualClock, rng: random.Random) -> None:
    async with town(clock, rng) as at:
        at.at.network.names["10.0.0.1"] = "127.0.0.1"  # the host of adapters in the inventory
        at.offers(1, "rtp://10.0.0.1:6000")
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(5)
        assert [event.reason for event in at.at.told(Rejected) if isinstance(event, Rejected)] == ["push-forbidden"]
        assert all(outlet.is_closing() for outlet in at.at.network.outlets)


@pytest.mark.parametrize("name", ["gone.mp3", "none.mp3"])
async def test_i8_a_sound_that_is_not_to_be_had_is_a_refusal(
    clock: VirtualClock, rng: random.Random, name: str
) -> None:
    async with town(clock, rng) as at:
        at.at.link.offer(pushed(clock, ONE, name=name))
        await asyncio.sleep(5)
        assert [event.result for event in at.at.told(Answered) if isinstance(event, Answered)] == [1]
        assert [event.reason for event in at.at.told(Rejected) if isinstance(event, Rejected)] == ["push-sound"]


async def test_there_are_so_many_streams_and_no_more(clock: VirtualClock, rng: random.Random) -> None:
    async with town(clock, rng, 3, config=replace(PUSH, push_streams_max=2)) as at:
        at.at.link.offer(pushed(clock, ONE, TWO, THREE))
        await asyncio.sleep(5)
        assert at.streams == 2
        assert [event.reason for event in at.at.told(Rejected) if isinstance(event, Rejected)] == ["push-full"]


async def test_a_receiver_that_refuses_is_counted_and_tried_on(clock: VirtualClock, rng: random.Random) -> None:
    async with town(clock, rng) as at:
        ear = at.at.network.ears.pop(("10.9.0.1", 6000))
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(5)
        streaming = at.at.link.status().streaming
        assert streaming is not None
        assert streaming.failures >= 50
        at.at.network.ears["10.9.0.1", 6000] = ear
        await asyncio.sleep(5)
        assert at.ears[1].packets
        assert at.at.told(Answered) == [answered()]


async def test_what_a_network_does_not_take_is_left_out(clock: VirtualClock, rng: random.Random) -> None:
    async with town(clock, rng) as at:
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(1)
        at.at.network.outlets[0].stuck_bytes = 100_000
        at.ears[1].take()
        await asyncio.sleep(1)
        assert at.ears[1].packets == []
        streaming = at.at.link.status().streaming
        assert streaming is not None
        assert streaming.failures > 5


async def test_i6_a_name_that_is_never_found_delays_nobody(clock: VirtualClock, rng: random.Random) -> None:
    async with town(clock, rng, 2) as at:
        at.offers(1, "rtp://10.9.9.9:6000")
        at.at.network.black_holes.add(("10.9.9.9", 6000))
        at.at.link.offer(pushed(clock, ONE, TWO))
        await asyncio.sleep(1)
        assert at.at.told(Answered) == [answered(2)]
        await asyncio.sleep(5)
        assert [event.reason for event in at.at.told(Rejected) if isinstance(event, Rejected)] == ["push-network"]


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


@pytest.mark.parametrize(
    "wrong",
    [
        {"aux_push_type": 256},
        {"push_port_min": 0},
        {"push_port_min": 7000, "push_port_max": 6000},
        {"push_allowed": ("127.0.0.1/8",)},
        {"push_datagram_bytes_max": 100},
    ],
)
def test_a_configuration_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        AdapterTcpConfig("adapters", **wrong)  # type: ignore[arg-type]
