"""A simulated terminal and 0xA1: for its own physical address, by mode, back after a restart; damaged images change
nothing."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from protocols import terminal as fefd
from protocols.codes import ResourceCode
from protocols.terminal import Answer, Header, Result
from simulators.audio_fetch import AudioFetcher, FetchFailed
from simulators.fleet_log import FleetLog
from simulators.terminal import Terminal
from simulators.terminal_shell import RESTART_S, FleetDoors, TerminalShell
from simulators.trust import FrameReader
from tests.simulators.signing import signer, trust
from tests.virtual_time import VirtualClock

PLATFORM = ResourceCode("43499010000000101010101")
CODE = ResourceCode("63499011002010314010407")
IMAGE = b"image"
MD5 = hashlib.md5(IMAGE, usedforsecurity=False).hexdigest()
V1, V2 = bytes.fromhex("00010000"), bytes.fromhex("00020000")


class Web(AudioFetcher):
    """One image, or nothing."""

    def __init__(self, image: bytes | None) -> None:
        super().__init__({})
        self.image = image

    async def get(self, url: str, *, on_first: Callable[[], None], detour: bool) -> tuple[str, bytes]:
        if self.image is None:
            raise FetchFailed("told to")
        return "/fw.bin", self.image


class Bench:
    """A shell on a bench."""

    def __init__(self, clock: VirtualClock, image: bytes | None) -> None:
        self.clock = clock
        self.terminal = Terminal(CODE, "204800000002", PLATFORM, FleetLog())
        self.terminal.registered = True
        self.tasks: list[asyncio.Task[None]] = []
        self.shell = TerminalShell(self.terminal, FleetDoors(clock.wall, Web(image), self._spawn))
        self.answers: list[fefd.Message] = []
        self.session = 0

    def _spawn(self, work: Coroutine[Any, Any, None]) -> object:
        self.tasks.append(asyncio.ensure_future(work))
        return self.tasks[-1]

    async def upgrade(self, phys: str = "204800000002", mode: int = 0, new: bytes = V2, old: bytes = V1) -> int:
        """Tell it, wait until it has restarted; the result of its answer."""
        self.session += 1
        message = fefd.Upgrade(phys, mode, new, old, MD5, "http://127.0.0.1/fw.bin")
        frame = fefd.request(Header.D, self.session, PLATFORM, (CODE,), message, extensions=True)
        data = fefd.encode(frame, sign=signer(self.clock.wall()))
        heard = FrameReader(trust(self.clock.wall)).read(data)
        self.shell.receive(heard, "ip", lambda answer: self.answers.append(fefd.decode(answer).message))
        await asyncio.sleep(RESTART_S + 1)
        answer = self.answers[-1]
        assert isinstance(answer, Answer)
        return answer.result


async def test_it_comes_back_with_the_new_version_and_says_that_it_was_switched_on(clock: VirtualClock) -> None:
    bench = Bench(clock, IMAGE)
    assert await bench.upgrade() == Result.OK
    assert (bench.terminal.software, bench.terminal.registered) == (V2, False)


@pytest.mark.parametrize("image", [None, b"damaged"])
async def test_a_damaged_or_missing_image_leaves_the_old_version(clock: VirtualClock, image: bytes | None) -> None:
    bench = Bench(clock, image)
    assert await bench.upgrade() == Result.OK
    assert bench.terminal.software == V1


async def test_an_image_that_does_not_start_is_answered_with_yes_and_changes_nothing(clock: VirtualClock) -> None:
    bench = Bench(clock, IMAGE)
    bench.terminal.takes_firmware = False
    assert await bench.upgrade() == Result.OK
    assert bench.terminal.software == V1


@pytest.mark.parametrize(
    ("change", "result", "version"),
    [
        ({"phys": "204800000003"}, Result.UNKNOWN_TERMINAL, V1),
        ({"mode": 1}, Result.OK, V2),
        ({"mode": 1, "new": V1}, Result.BAD_PARAMETER, V1),
        ({"mode": 2}, Result.OK, V2),
        ({"mode": 2, "old": V2}, Result.BAD_PARAMETER, V1),
    ],
)
async def test_modes_and_addresses(clock: VirtualClock, change: dict[str, Any], result: int, version: bytes) -> None:
    bench = Bench(clock, IMAGE)
    assert await bench.upgrade(**change) == result
    assert bench.terminal.software == version
