"""`python -m simulators fleet --dir DIR`: every adapter, terminal and FM receiver of a county.

One process, because a terminal with several paths is one terminal: what FM tells it and what IP tells it must meet.
Only the decoding of FM bits, which would delay everybody else, is left to a child (`simulators.ears`).
Commands on stdin, one JSON object a line; answers and events on stdout, one a line; it ends when stdin closes.

`ready`     {terminals, off, adapters, receivers, paths}     it listens; terminals begin to connect
`settled`   {connected, took_s}                              everybody with power and a live link is connected
{"cmd": "status"}                      -> `status`  {connected, working, rss_kib, cpu_s, verified}
{"cmd": "truth", "ebm_id"?: ID}        -> `truth`   {starts [[code, ebm_id, at, path, sm3_ok]], ends [[code, ebm_id, at,
                                          how]], fetched, sm3_ok, fetch_failed, resumed, refusals {reason: n}, working
                                          {ebm_id: n}}; times are UTC seconds; `sm3_ok` null where no file was fetched
{"cmd": "air", "ebm_id": ID}           -> `air`     {bits_on_air, bits_limit, receivers, stats}; nulls before that
{"cmd": "ip_town", "area": 12 digits, "up": bool}  -> `ip_town` {area, up, terminals}: a town's IP link dies or returns
{"cmd": "floor", "host", "port", "count"}          -> `floor` {connected}: so many fresh terminals that only answer dial
                                          a bare server, register once and wait
{"cmd": "floor_close"}                 -> `floor_closed` {}
`error`     {reason}                                         a line that could not be understood or done

Each distinct signed frame or FM packet is verified once for all terminals (`simulators.trust`); addresses, clocks,
tasks and the digest of the audio are each terminal's own.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import gc
import json
import resource
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import aiomqtt
import uvloop

from simulators.clock import Clock, SystemClock
from simulators.fleet_county import FleetCounty
from simulators.fleet_facts import read_facts
from simulators.terminal_client import Pace

LINE_BYTES_MAX = 1024 * 1024
SETTLE_POLL_S = 0.2

Tell = Callable[[dict[str, Any]], None]


async def run(county: FleetCounty, tell: Tell, clock: Clock, spread_s: float) -> None:
    """Live until stdin closes."""
    asyncio.get_running_loop().set_exception_handler(_ignore_lost_brokers)
    async with asyncio.TaskGroup() as group:
        await county.start(group, spread_s)
        gc.freeze()
        tell({"event": "ready", **county.counts()})
        settling = group.create_task(_settle(county, tell, clock))
        reader = asyncio.StreamReader(limit=LINE_BYTES_MAX)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        with closing(transport):
            while line := await reader.readline():
                if line.strip():
                    await _obey(county, line, tell, group)
        settling.cancel()
        county.stop()


def _ignore_lost_brokers(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """aiomqtt leaves a future and a writer of a closed socket behind when its broker goes; its caller has been told."""
    error = context.get("exception")
    if isinstance(error, aiomqtt.MqttError) or (isinstance(error, OSError) and error.errno == errno.EBADF):
        return
    loop.default_exception_handler(context)


async def _settle(county: FleetCounty, tell: Tell, clock: Clock) -> None:
    began = clock.monotonic()
    while not county.settled():  # noqa: ASYNC110 - a look at thousands of sockets, five times a second
        await asyncio.sleep(SETTLE_POLL_S)
    tell({"event": "settled", "connected": county.connected(), "took_s": round(clock.monotonic() - began, 3)})


async def _obey(county: FleetCounty, line: bytes, tell: Tell, group: asyncio.TaskGroup) -> None:
    try:
        order = json.loads(line)
        match order:
            case {"cmd": "status"}:
                tell({"event": "status", **county.status(), **_usage()})
            case {"cmd": "truth"}:
                tell({"event": "truth", **county.truth(order.get("ebm_id"))})
            case {"cmd": "air", "ebm_id": str(ebm_id)}:
                tell({"event": "air", **await county.air(ebm_id)})
            case {"cmd": "ip_town", "area": str(area), "up": bool(up)}:
                tell({"event": "ip_town", "area": area, "up": up, "terminals": county.set_town(area, up=up)})
            case {"cmd": "floor", "host": str(host), "port": int(port), "count": int(count)}:
                tell({"event": "floor", "connected": await county.open_floor((host, port), count, group)})
            case {"cmd": "floor_close"}:
                county.close_floor()
                tell({"event": "floor_closed"})
            case _:
                raise ValueError(f"unknown command {line[:80]!r}")
    except ValueError as error:
        tell({"event": "error", "reason": str(error)})


def _usage() -> dict[str, Any]:
    """What this process costs."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return {"rss_kib": pages * resource.getpagesize() // 1024, "cpu_s": round(used.ru_utime + used.ru_stime, 3)}


def _print_line(event: dict[str, Any]) -> None:
    print(json.dumps(event, ensure_ascii=False), flush=True)


def main(argv: Sequence[str]) -> int:
    """The process. 2 when DIR is not what it should be."""
    parser = argparse.ArgumentParser(prog="python -m simulators fleet")
    parser.add_argument("--dir", type=Path, required=True, help="folder that `python -m simulators county` wrote")
    parser.add_argument("--spread-s", type=float, default=2.0, help="terminals connect within so many seconds")
    parser.add_argument("--reconnect-scale", type=float, default=1.0, help="0.1: back after 0.5, 1, 2, 6 s")
    parser.add_argument("--clean-links", action="store_true", help="3G/4G without delay and loss, to measure the rest")
    parser.add_argument("--only-path", help="only the terminals on this path; for more than one process has files for")
    options = parser.parse_args(argv)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clock = SystemClock()
    try:
        facts = read_facts(options.dir, clock.wall)
    except (OSError, KeyError, ValueError) as error:
        print(
            f"{options.dir}: {error!r}; make it by `python -m simulators county --out {options.dir}`", file=sys.stderr
        )
        return 2
    pace = Pace(facts.heartbeat_s, options.reconnect_scale)
    sys.setswitchinterval(0.0005)  # its threads ask for the interpreter while the loop is busy, only to let go again
    gc.set_threshold(50_000, 50, 50)  # an alert makes lasting objects by the thousand, hardly any garbage
    county = FleetCounty(facts, options.dir, pace, clock, clean_links=options.clean_links, only_path=options.only_path)
    uvloop.run(run(county, _print_line, clock, options.spread_s))
    return 0
