"""`python -m simulators province --dir DIR`: the platform above a county, on HTTP both ways.

It posts packages when told on stdin (`province_orders`), sends a heartbeat every 30 s, takes the county's packages and
verifies each, and tells what happens on stdout, one JSON object a line:

`ready`      {url, code}                        it listens
`receipt`    {tag, ebdid, ebmid, code, desc, took_s, posted_at}    the county's answer to a package of ours; code null
                                                and `error` where there was none
`state`      {ebmid, code, desc, coverage {rate, areas, used}, related, at}    EBMStateResponse
`notify`     {code, desc, related, at}          EBDNotify
`rdtstate`   {items [{code, state, desc}], at}  EBRDTState
`rpsinfo`    {items, at}                        EBRPSInfo
`resource_state`, `package`                     the other state types, everything else
`heartbeat`  {at}                               ConnectionCheck of the county
`duplicate`  {ebdid, at}                        a number that was accepted before; nothing counted twice
`rejected`   {reason, detail, ebdid, at}        a package that got a code other than 1
`error`      {tag, reason}                      a line on stdin that could not be done

It ends when stdin closes; packages on their way are finished first.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import json
import os
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, assert_never

from protocols.ebd.result import ResultCode
from protocols.errors import LocalProtocolError
from protocols.sm2 import PrivateKey
from simulators.clock import Clock, SystemClock
from simulators.province_config import ProvinceConfig, load
from simulators.province_http import NoReceipt, Poster, Reply, listening
from simulators.province_inbox import Inbox
from simulators.province_orders import (
    AnswerWith,
    BadCommand,
    Beat,
    Command,
    Message,
    OmdRequested,
    Repost,
    StateRequest,
    command_of,
)
from simulators.province_packages import Composer, Parcel
from simulators.province_sound import siren_mp3

LINE_BYTES_MAX = 1024 * 1024
PARCELS_MAX = 1_000  # kept for `repost`; the oldest are forgotten first
HEARTBEAT_S = 30.0
SIRENS_MAX = 4

Tell = Callable[[dict[str, Any]], None]


class Province:
    """One province at work. `tell` takes one event at once."""

    def __init__(self, config: ProvinceConfig, clock: Clock, entropy: Callable[[int], bytes], tell: Tell) -> None:
        self._config = config
        self._clock = clock
        self._tell = tell
        self._composer = Composer(config, clock, PrivateKey.generate(entropy))
        self._inbox = Inbox(config, clock)
        self._poster = Poster(config.county.url, clock, entropy, config.edition)
        self._parcels: OrderedDict[str, Parcel] = OrderedDict()
        self._answers: list[AnswerWith] = []
        self._siren = functools.lru_cache(SIRENS_MAX)(siren_mp3)

    async def run(self, lines: AsyncIterator[str], *, heartbeat_s: float) -> None:
        """Listen and obey until `lines` ends; `heartbeat_s` 0 sends none. Raises OSError when the port is taken."""
        async with listening(self.take, self._config.host, self._config.port):
            self._tell({"event": "ready", "url": self._config.url, "code": self._config.code})
            async with asyncio.TaskGroup() as group:
                beats = group.create_task(self._beat(heartbeat_s)) if heartbeat_s else None
                number = 0
                async for line in lines:
                    number += 1
                    group.create_task(self._obey(line, number))
                if beats is not None:
                    beats.cancel()

    def take(self, content_type: str, body: bytes) -> Reply:
        """One POST of the county."""
        if self._answers and (reply := self._told_to_fail(content_type, body)) is not None:
            return reply
        verdict = self._inbox.take(content_type, body)
        for event in verdict.events:
            self._tell(event)
        receipt = self._composer.receipt(verdict.code, verdict.desc, verdict.envelope)
        return Reply(receipt.archive, receipt.file_name)

    async def execute(self, command: Command) -> None:
        """Do one command and tell its receipt."""
        match command:
            case Message():
                sound = await asyncio.to_thread(self._siren, command.with_audio) if command.with_audio else None
                await self._post(command.tag, self._composer.message(command, sound))
            case Repost():
                await self._post(command.tag, self._again(command))
            case StateRequest():
                await self._post(command.tag, self._composer.state_request(command.ebmid))
            case OmdRequested():
                await self._post(command.tag, self._composer.omd_request(command.type, command.report))
            case Beat():
                await self._post(command.tag, self._composer.heartbeat())
            case AnswerWith():
                self._answers += [command] * command.times
            case _:
                assert_never(command)

    async def _obey(self, line: str, number: int) -> None:
        command: Command | None = None
        try:
            command = command_of(json.loads(line), number)
            await self.execute(command)
        except (ValueError, LocalProtocolError) as error:  # JSON, a bad command, or a value that no package can carry
            tag = str(number) if command is None else command.tag
            self._tell({"event": "error", "tag": tag, "reason": str(error)})

    async def _beat(self, period_s: float) -> None:
        while True:
            await self._post("", self._composer.heartbeat())
            await asyncio.sleep(period_s)

    async def _post(self, tag: str, parcel: Parcel) -> None:
        if tag:
            self._parcels[tag] = parcel
            while len(self._parcels) > PARCELS_MAX:
                self._parcels.popitem(last=False)
        told: dict[str, Any] = {"event": "receipt", "tag": tag, "ebdid": parcel.ebd_id, "ebmid": parcel.ebm_id}
        try:
            posted = await self._poster.post(parcel)
        except NoReceipt as error:
            self._tell(told | {"code": None, "error": str(error)})
            return
        self._tell(
            told
            | {
                "code": int(posted.code),
                "desc": posted.desc,
                "related": posted.related_id,
                "took_s": round(posted.took_s, 6),
                "posted_at": posted.posted_at,
            }
        )

    def _again(self, command: Repost) -> Parcel:
        parcel = self._parcels.get(command.of)
        if parcel is None:
            raise BadCommand(f"of: nothing was posted under the tag {command.of!r}")
        return self._composer.patched(parcel) if command.sigtime == "patched" else parcel

    def _told_to_fail(self, content_type: str, body: bytes) -> Reply | None:
        """The answer that a command ordered; heartbeats are answered as ever."""
        verdict = Inbox(self._config, self._clock).take(content_type, body)
        if verdict.envelope is not None and verdict.envelope.ebd_type == "ConnectionCheck":
            return None
        order = self._answers.pop(0)
        if order.status is not None:
            return Reply(b"", "", order.status)
        receipt = self._composer.receipt(ResultCode(order.code or 0), "told to answer so", verdict.envelope)
        return Reply(receipt.archive, receipt.file_name)


async def stdin_lines() -> AsyncIterator[str]:
    """Lines of standard input until it closes; it must be a pipe, a socket or a terminal."""
    reader = asyncio.StreamReader(limit=LINE_BYTES_MAX)
    transport, _protocol = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    with contextlib.closing(transport):
        while line := await reader.readline():
            if line.strip():
                yield line.decode("utf-8", "replace")


def main(argv: Sequence[str]) -> int:
    """The process."""
    parser = argparse.ArgumentParser(prog="python -m simulators province")
    parser.add_argument("--dir", type=Path, required=True, help="folder that `python -m simulators county` wrote")
    parser.add_argument("--heartbeat-s", type=float, default=HEARTBEAT_S, help="seconds between heartbeats, 0 for none")
    options = parser.parse_args(argv)
    province = Province(load(options.dir), SystemClock(), os.urandom, _print_line)
    asyncio.run(province.run(stdin_lines(), heartbeat_s=options.heartbeat_s))
    return 0


def _print_line(event: dict[str, Any]) -> None:
    print(json.dumps(event, ensure_ascii=False), flush=True)
