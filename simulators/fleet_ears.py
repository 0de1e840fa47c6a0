"""The fleet's side of its FM tuners: a child process (`simulators.ears`) whose orders reach the terminals here."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any

from protocols.codes import EbmId
from protocols.fm.packet import decode_content
from simulators.terminal_shell import TerminalShell
from simulators.terminal_tasks import Order

LINE_BYTES_MAX = 64 * 1024
GRACE_S = 3.0
ANSWERS_MAX = 1  # one question is asked at a time


class EarsFailed(RuntimeError):
    """The tuners' process ended before it was told to."""


class FleetEars:
    """One child process for all receivers of a county."""

    def __init__(self, folder: Path, shells: Mapping[str, TerminalShell]) -> None:
        self.receivers = 0
        self._folder = folder
        self._shells = shells
        self._process: asyncio.subprocess.Process | None = None
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue(ANSWERS_MAX)

    async def start(self) -> None:
        """Start the child and wait until the exciter listens. Raises EarsFailed."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "simulators", "ears", "--dir", str(self._folder)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_BYTES_MAX,
        )
        ready = await self._read()
        if ready is None:
            raise EarsFailed("the FM tuners did not start")
        self.receivers = int(ready["receivers"])

    async def run(self) -> None:
        """Hand on what the receivers hear until cancelled. Raises EarsFailed."""
        try:
            while (event := await self._read()) is not None:
                self._take(event)
            raise EarsFailed("the FM tuners have gone")
        finally:
            await self._end()

    async def air(self, ebm_id: str) -> dict[str, Any]:
        """What a message has cost on air."""
        process = self._process
        assert process is not None, "asked before the start"
        assert process.stdin is not None, "started with a pipe"
        process.stdin.write(json.dumps({"cmd": "air", "ebm_id": ebm_id}).encode() + b"\n")
        return await self._answers.get()

    def _take(self, event: dict[str, Any]) -> None:
        match event:
            case {"event": "fm_start", "code": code, "ebm_id": id_, "class": class_, "level": level}:
                volume, start = int(event["volume"]), float(event["start"])
                order = Order(EbmId(id_), int(class_), int(level), start, inf, volume, "", "fm")
                self._shells[code].fm_start(order)
            case {"event": "fm_stop", "code": code, "ebm_id": id_}:
                self._shells[code].fm_stop(EbmId(id_))
            case {"event": "fm_told", "code": code, "type": type_, "content": content}:
                self._shells[code].fm_told(decode_content(int(type_), bytes.fromhex(content)))
            case {"event": "fm_lapse", "code": code}:
                self._shells[code].fm_lapse()
            case _:
                self._answers.put_nowait({key: value for key, value in event.items() if key != "event"})

    async def _read(self) -> dict[str, Any] | None:
        assert self._process is not None, "read before the start"
        assert self._process.stdout is not None, "started with a pipe"
        line = await self._process.stdout.readline()
        event: dict[str, Any] | None = json.loads(line) if line else None
        return event

    async def _end(self) -> None:
        """Close its stdin, which ends it, and wait."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(GRACE_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
