"""Orders and answers at random, by seed: no stream that nobody is owed, no two voices at one address."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from protocols.codes import EbmId, ResourceCode
from tests.devices.commands import VILLAGE, adapter_code, stop
from tests.devices.push_town import PUSH, Town, pushed, town
from tests.virtual_time import VirtualClock

ADAPTERS = 5
STEPS = 80
EBMS = tuple(EbmId.build("23400000000000101010101", "20251009", number) for number in range(1, 5))


class Orders:
    """What was ordered, and until when."""

    def __init__(self, at: Town, clock: VirtualClock, chance: random.Random) -> None:
        self._at = at
        self._clock = clock
        self._chance = chance
        self.owed: dict[tuple[ResourceCode, EbmId], float] = {}

    def one(self) -> None:
        """A start, a stop, or an adapter that answers with another address from now on."""
        chance, kind = self._chance, self._chance.random()
        members = [adapter_code(n) for n in chance.sample(range(1, ADAPTERS + 1), chance.randint(1, ADAPTERS))]
        if kind < 0.45:
            ebm_id, seconds = chance.choice(EBMS), chance.choice((3, 10, 60))
            targets = (chance.choice((VILLAGE, members[0])),)
            name, level = chance.choice(("a.mp3", "b.mp3")), chance.randint(1, 4)
            command = pushed(
                self._clock, *members, ebm_id=ebm_id, seconds=seconds, name=name, level=level, targets=targets
            )
            self._at.at.link.offer(command)
            self.owed |= {(code, ebm_id): command.end for code in members}
        elif kind < 0.7:
            self.stop(members, chance.choice((*EBMS, EbmId.EVERYTHING)))
        else:
            number, other = chance.randint(1, ADAPTERS), chance.randint(1, ADAPTERS)
            own, theirs = f"rtp://10.9.0.{number}:6000", f"rtp://10.9.0.{other}:6000"
            self._at.offers(number, chance.choice((own, own, theirs, "", "rtp://127.0.0.1:6000")))

    def stop(self, members: list[ResourceCode], ebm_id: EbmId) -> None:
        """Silence."""
        self._at.at.link.offer(stop(*members, ebm_id=ebm_id))
        gone = [key for key in self.owed if key[0] in members and ebm_id in (key[1], EbmId.EVERYTHING)]
        for key in gone:
            del self.owed[key]

    @property
    def addresses_max(self) -> int:
        """How many streams there can be at most."""
        now_s = self._clock.wall()
        return min(ADAPTERS, sum(end > now_s for end in self.owed.values()))


def open_outlets(at: Town) -> list[tuple[str, int]]:
    return [outlet.get_extra_info("peername") for outlet in at.at.network.outlets if not outlet.is_closing()]


@pytest.mark.parametrize("seed", range(8))
async def test_i3_i12_no_stream_outlives_what_was_ordered(clock: VirtualClock, seed: int) -> None:
    chance = random.Random(seed)
    config = replace(PUSH, push_streams_max=chance.choice((2, 100)))
    async with town(clock, random.Random(seed), ADAPTERS, config) as at:
        orders = Orders(at, clock, chance)
        for _ in range(STEPS):
            orders.one()
            await asyncio.sleep(chance.choice((0, 0.001, 0.011, 0.3, 2)))
            addresses = open_outlets(at)
            assert len(set(addresses)) == len(addresses) == at.streams
            assert at.streams <= config.push_streams_max
            if not orders.addresses_max:
                await asyncio.sleep(1.2)  # an outlet whose end has come is closed when its next datagram is due
                assert open_outlets(at) == []
        for ear in at.ears.values():
            ear.take()
        await asyncio.sleep(2)
        assert all(len({packet.ssrc for packet in ear.packets}) <= 1 for ear in at.ears.values())
        orders.stop([adapter_code(n) for n in range(1, ADAPTERS + 1)], EbmId.EVERYTHING)
        assert open_outlets(at) == []
        for ear in at.ears.values():
            ear.take()
        await asyncio.sleep(100)
        assert all(ear.packets == [] for ear in at.ears.values())
        assert open_outlets(at) == []
