"""`python -m simulators ears --dir DIR`: the FM exciter and the tuners of all FM terminals, for the fleet.

Decoding what a thousand receivers hear through a bad channel takes a fifth of a core while the carrier is modulated
(measured at 1,109 receivers) and would delay every other path of the fleet's loop, so it has a process of its own. What
a receiver has verified is told on stdout and meets the terminal's other paths in the fleet:

`ready`     {receivers, port}
`fm_start`  {code, ebm_id, class, level, start, volume}     a valid start that means this terminal; told once
`fm_stop`   {code, ebm_id}                                  a valid stop
`fm_told`   {code, type, content}                           a valid packet of another type, its content in hexadecimal
`fm_lapse`  {code}                                          maintenance has run out
{"cmd": "air", "ebm_id": ID}  -> `air` {bits_on_air, bits_limit, receivers, stats}; nulls before it is on air

It ends when stdin closes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvloop

from protocols.codes import EbmId, ResourceCode
from protocols.fm.packet import Content, Unknown, content_type, encode_content
from simulators.clock import SystemClock
from simulators.fleet_facts import FleetFacts, read_facts
from simulators.fm_channel import Exciter, FmFaults
from simulators.fm_packets import PacketVerifier
from simulators.fm_receiver import FmReceiver
from simulators.terminal_tasks import Order

NICENESS = 5  # bits take their time on air; terminals' answers are what is measured


class _Teller:
    """One receiver's orders, told to the fleet (`simulators.fm_receiver.FmOrders`)."""

    def __init__(self, code: ResourceCode) -> None:
        self._code = code

    def fm_start(self, order: Order) -> None:
        """A valid start."""
        told = {"ebm_id": order.ebm_id, "class": order.class_, "level": order.level, "volume": order.volume}
        _print_line({"event": "fm_start", "code": self._code, "start": order.start, **told})

    def fm_stop(self, ebm_id: EbmId) -> None:
        """A valid stop."""
        _print_line({"event": "fm_stop", "code": self._code, "ebm_id": ebm_id})

    def fm_told(self, content: Content | Unknown) -> None:
        """Any other valid packet."""
        told = {"type": content_type(content), "content": encode_content(content).hex()}
        _print_line({"event": "fm_told", "code": self._code, **told})

    def fm_lapse(self) -> None:
        """Maintenance has run out."""
        _print_line({"event": "fm_lapse", "code": self._code})


def receivers_of(facts: FleetFacts, clock: SystemClock) -> list[FmReceiver]:
    """A tuner for each terminal that has one and power."""
    verifier = PacketVerifier()
    return [
        FmReceiver(
            terminal.code,
            facts.trust.certificates,
            _never,
            _never,
            wall=clock.wall,
            verifier=verifier,
            orders=_Teller(terminal.code),
            trust=facts.trust,
            module=bytes.fromhex(terminal.phys.rjust(12, "0")[-12:]),
            phys=bytes.fromhex(terminal.phys),
        )
        for terminal in facts.terminals
        if "fm" in terminal.paths and not terminal.off
    ]


def _never(code: ResourceCode, ebm_id: EbmId) -> None:
    """Receivers with orders do not play by themselves."""


def air(exciter: Exciter, ebm_id: str) -> dict[str, Any]:
    """What a message has cost on air so far. Raises ValueError for what is no id."""
    told = exciter.air_time(EbmId(ebm_id))
    times = asdict(told) if told is not None else {"bits_on_air": None, "bits_limit": None, "receivers": 0}
    return {"event": "air", **times, "stats": asdict(exciter.stats())}


async def run(exciter: Exciter, receivers: int) -> None:
    """Play until stdin closes."""
    async with asyncio.TaskGroup() as group:
        playing = group.create_task(exciter.run())
        await exciter.listening.wait()
        _print_line({"event": "ready", "receivers": receivers, "port": exciter.port})
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        with closing(transport):
            while line := await reader.readline():
                try:
                    _print_line(air(exciter, str(json.loads(line)["ebm_id"])))
                except (ValueError, KeyError) as error:
                    _print_line({"event": "error", "reason": str(error)})
        playing.cancel()


def _print_line(event: dict[str, Any]) -> None:
    print(json.dumps(event, ensure_ascii=False), flush=True)


def main(argv: Sequence[str]) -> int:
    """The process."""
    parser = argparse.ArgumentParser(prog="python -m simulators ears")
    parser.add_argument("--dir", type=Path, required=True, help="folder that `python -m simulators county` wrote")
    options = parser.parse_args(argv)
    clock = SystemClock()
    facts = read_facts(options.dir, clock.wall)
    os.nice(NICENESS)
    host, port = facts.endpoints["exciter"]
    receivers = receivers_of(facts, clock)
    exciter = Exciter(host, port, receivers, FmFaults(), facts.seed, monotonic=clock.monotonic)
    uvloop.run(run(exciter, len(receivers)))
    return 0
