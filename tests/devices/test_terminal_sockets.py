"""The terminal listener on real sockets: hundreds of terminals, some of them awkward."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial

import pytest

from devices.link import Answered, Connected, Disconnected, NoAnswer, Verb
from devices.terminal_tcp import TerminalTcpConfig
from ebcd.clock import SystemClock
from ebcd.world import SocketNetwork
from protocols import terminal as t
from protocols.terminal import Header
from tests.devices.commands import EBM, phys_of, start, stop, terminal_code, terminal_device
from tests.devices.fefd_terminal import CONFIG, Dialler, Listener, listener
from tests.ports import free_port

pytestmark = pytest.mark.real

TERMINALS = 500


async def until(condition: Callable[[], bool], limit_s: float = 20.0) -> None:
    """Wait for something that sockets bring about."""
    async with asyncio.timeout(limit_s):
        for _ in iter(condition, True):
            await asyncio.sleep(0.005)


def _same(dialler: Dialler) -> Dialler:
    return dialler


@contextlib.asynccontextmanager
async def fleet(
    rng: random.Random, count: int, config: TerminalTcpConfig = CONFIG
) -> AsyncIterator[tuple[Listener, list[Dialler]]]:
    """A link and `count` registered terminals."""
    config = replace(config, port=free_port())
    devices = [terminal_device(number) for number in range(1, count + 1)]
    async with listener(SystemClock(), rng, *devices, config=config, network=SocketNetwork()) as at:
        await until(lambda: at.link.status().up)
        loop = asyncio.get_running_loop()
        terminals: list[Dialler] = []
        for number in range(1, count + 1):
            dialler = Dialler(terminal_code(number), phys_of(number), Header.D if number % 2 else Header.E)
            await loop.create_connection(partial(_same, dialler), "127.0.0.1", config.port)
            dialler.beat()
            terminals.append(dialler)
        await until(lambda: len(at.told(Connected)) == count)
        try:
            yield at, terminals
        finally:
            for dialler in terminals:
                if dialler.transport is not None:
                    dialler.transport.close()


@pytest.mark.requirement("R-PERF-14", "R-X-22")
async def test_five_hundred_terminals_start_and_stop_on_one_signature_each(rng: random.Random) -> None:
    async with fleet(rng, TERMINALS) as (at, terminals):
        signed = at.sign.count
        everybody = tuple(dialler.code for dialler in terminals)
        at.link.offer(start(*everybody))
        await until(lambda: len(at.told(Answered)) == TERMINALS)
        at.link.offer(stop(*everybody))
        await until(lambda: len(at.told(Answered)) == 2 * TERMINALS)
        assert at.sign.count == signed + 2
        assert at.told(NoAnswer) == []
        assert all([message.type for message in dialler.requests] == [1, 2] for dialler in terminals)


async def test_i6_stalled_silent_and_broken_terminals_keep_nobody_waiting(rng: random.Random) -> None:
    config = replace(CONFIG, answer_timeout_s=0.4)
    async with fleet(rng, 60, config) as (at, terminals):
        stalled, silent, leaving, refusing, halved, *others = terminals
        assert stalled.transport is not None
        stalled.transport.pause_reading()
        silent.results = []
        leaving.leaves = True
        refusing.results = [t.Result.HIGHER_PRIORITY]
        halved.write(
            t.encode(t.request(Header.D, 99, halved.code, (halved.code,), t.Opaque(0x30, bytes(99)), extensions=True))[
                :50
            ]
        )
        at.link.offer(start(*(dialler.code for dialler in terminals)))
        prompt = {dialler.code for dialler in others}
        await until(lambda: len(at.told(Answered, NoAnswer)) >= 60)
        patient = at.events.index(NoAnswer("ip", silent.code, EBM, Verb.START, "no answer to 3 tries"))
        assert prompt <= {event.code for event in at.events[:patient] if isinstance(event, Answered)}
        assert [(event.code, event.result) for event in answers(at) if event.result] == [(refusing.code, 73)]
        assert {(e.code, e.reason) for e in at.told(NoAnswer) if isinstance(e, NoAnswer)} == {
            (stalled.code, "no answer to 3 tries"),
            (silent.code, "no answer to 3 tries"),
            (leaving.code, "closed by the terminal"),
        }
        assert len(silent.requests) == 3


async def test_i6_a_terminal_that_stops_reading_is_dropped_once_its_buffers_are_full(rng: random.Random) -> None:
    async with fleet(rng, 2, replace(CONFIG, unsent_bytes_max=2048, answer_timeout_s=60.0)) as (at, terminals):
        stuck, fine = terminals
        assert stuck.transport is not None
        stuck.transport.pause_reading()
        targets = tuple(terminal_code(number) for number in range(1, 256))
        for batch in range(1, 100):
            for _ in range(200):
                at.link.offer(start(stuck.code, fine.code, targets=targets))
            await until(partial(_has_answers, at, 200 * batch))
            if at.told(Disconnected):
                break
        assert at.told(Disconnected) == [Disconnected("ip", stuck.code, "stalled")]
        assert at.link.status().devices == 1


def answers(at: Listener) -> list[Answered]:
    return [event for event in at.told(Answered) if isinstance(event, Answered)]


def _has_answers(at: Listener, count: int) -> bool:
    return len(at.told(Answered)) >= count
