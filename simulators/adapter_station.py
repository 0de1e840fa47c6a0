"""An adapter's sockets: its listener for commands, short connections for reports, and its terminals' return line.

Annex A runs over short connections: who has something to say connects, sends one frame, reads one, closes (S A.2).
Terminals behind the adapter return by annex E over one connection per adapter.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

from protocols import adapter as annex_a
from protocols import terminal as fefd
from protocols.codes import EbmId
from protocols.errors import RemoteProtocolError
from protocols.terminal import Header
from simulators.adapter import Adapter, Outcome, Relay
from simulators.audio_fetch import FetchFailed
from simulators.monitor_stream import stream
from simulators.ordered_sound import wants_push
from simulators.push_receiver import PushReceiver
from simulators.terminal_client import CONNECT_TIMEOUT_S, RECONNECT_S, Pace
from simulators.terminal_shell import FleetDoors, TerminalShell
from simulators.trust import FrameReader, Heard

REPORTS_MAX = 64  # waiting for the platform; the oldest goes
REPLY_TIMEOUT_S = 5.0
REPORT_TRIES = 3
IDLE_S = 30.0


@dataclass(frozen=True, slots=True)
class AdapterPlace:
    """Where an adapter listens, whom it tells, and how long it takes to answer (a fault)."""

    host: str
    port: int
    reports: tuple[str, int]
    returns: tuple[str, int]
    delay_s: float = 0.0


class _CommandSocket(asyncio.Protocol):
    """One connection of the platform. It may half-close after its frame (C)."""

    def __init__(self, station: AdapterStation) -> None:
        self._station = station
        self._deframer = annex_a.Deframer()
        self._idle = asyncio.get_running_loop().call_later(IDLE_S, self._give_up)
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._station.open.add(self)

    def data_received(self, data: bytes) -> None:
        for item in self._deframer.feed(data):
            if isinstance(item, annex_a.AdapterFrame):
                self._station.command(item, self)

    def eof_received(self) -> bool:
        return True  # the answer can still go out; it closes the connection

    def connection_lost(self, exc: Exception | None) -> None:
        self._idle.cancel()
        self._station.open.discard(self)
        self.transport = None

    def answer(self, data: bytes) -> None:
        """The one frame back."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)
            self.transport.close()

    def _give_up(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class AdapterStation:
    """One adapter with the terminals behind it."""

    def __init__(
        self,
        adapter: Adapter,
        place: AdapterPlace,
        terminals: Sequence[TerminalShell],
        reader: FrameReader,
        doors: FleetDoors,
        pace: Pace,
        chance: random.Random,
    ) -> None:
        self.adapter = adapter
        self.place = place
        self.terminals = terminals
        self.open: set[_CommandSocket] = set()
        self._reader = reader
        self._doors = doors
        self._pace = pace
        self._chance = chance
        self._reports: asyncio.Queue[annex_a.Message] = asyncio.Queue(REPORTS_MAX)
        self._timer: asyncio.TimerHandle | None = None
        self._line: asyncio.Transport | None = None
        self._beat_now = asyncio.Event()  # it was told where to report to
        self.ears = PushReceiver(place.host)
        self.monitor_carries: bytes | None = None
        """An MP3 that its monitor carries instead of what was ordered (a fault); b"": nothing."""

    async def run(self, first_wait_s: float) -> None:
        """Listen, report and return until cancelled. Raises OSError when its address is taken."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _CommandSocket(self), self.place.host, self.place.port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._tell_all())
                group.create_task(self._beat(first_wait_s))
                if self.terminals:
                    group.create_task(self._return(first_wait_s))
        finally:
            server.close()
            self.ears.keep(())
            if self._timer is not None:
                self._timer.cancel()
            for socket in tuple(self.open):
                socket.answer(b"")

    @property
    def returning(self) -> bool:
        """Whether the terminals' return line is up."""
        return self._line is not None

    # ---- commands --------------------------------------------------------------------------------------------------

    def command(self, frame: annex_a.AdapterFrame, socket: _CommandSocket) -> None:
        """One command; a slow adapter needs its time before it does anything."""
        self._doors.spawn(self._execute(frame, socket))

    async def _execute(self, frame: annex_a.AdapterFrame, socket: _CommandSocket) -> None:
        if self.place.delay_s:
            await asyncio.sleep(self.place.delay_s)
        await self._listen(frame.message)
        outcome, answer, relayed = await self._doors.aside(partial(self._think, frame))
        if outcome.pushed is None:
            self._hand_on(outcome, relayed)
        else:
            self.ears.when_heard(outcome.pushed, partial(self._hand_on, outcome, relayed))
        socket.answer(answer)
        if isinstance(frame.message, annex_a.SetAdapterReturn) and (to := _address(frame.message.address)):
            self.place = replace(self.place, reports=to)
            self._beat_now.set()
        self._arm()

    async def _listen(self, message: annex_a.Message) -> None:
        """A port for the sound that is to be pushed; without one the start is refused."""
        if isinstance(message, annex_a.StartBroadcast) and wants_push(message):
            with suppress(OSError):
                self.adapter.listens[message.ebm_id] = await self.ears.listen(message.ebm_id)

    def _hand_on(self, outcome: Outcome, relayed: list[tuple[Relay, Heard]]) -> None:
        for relay, heard in relayed:
            self._relay(heard, relay)
        self._queue(outcome.reports)

    def _think(self, frame: annex_a.AdapterFrame) -> tuple[Outcome, bytes, list[tuple[Relay, Heard]]]:
        """All that wants signatures: what to do, the answer, and what its terminals will have heard."""
        outcome: Outcome = self.adapter.receive(frame, self._doors.wall())
        answer = self.adapter.encode(outcome.answer)
        return outcome, answer, [(relay, self._reader.read(relay.data)) for relay in outcome.relays]

    def _relay(self, heard: Heard, relay: Relay) -> None:
        """To all terminals at once; each decides by its own address."""
        for shell in self.terminals:
            if shell.powered:
                to = self.place.returns if relay.to is None else _address(relay.to)
                answer = partial(self._pass_on, to) if relay.returned else _forget
                shell.receive(heard, "adapter", answer, shared=True)

    def _pass_on(self, to: tuple[str, int] | None, data: bytes) -> None:
        """A terminal's answer by header E, as annex E wants it (S E.1.3.1 b), to the address that the query named; over
        its return line where that leads there."""
        frame = fefd.decode(data)
        returned = fefd.encode(replace(frame, header=Header.E, signature=None))
        if to == self.place.returns:
            self._send_line(returned)
        elif to is not None:
            self._doors.spawn(self._return_once(to, returned))

    async def _return_once(self, to: tuple[str, int], data: bytes) -> None:
        """One short connection; an address at which nobody listens loses the return."""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                _, writer = await asyncio.open_connection(*to)
                writer.write(data)
                writer.close()
                await writer.wait_closed()

    def _arm(self) -> None:
        now, live = self._doors.wall(), self.adapter.live
        self.ears.keep(live)
        self.adapter.listens = {ebm_id: url for ebm_id, url in self.adapter.listens.items() if ebm_id in live}
        at = self.adapter.next_at(now)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if at is not None:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, at - now), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._doors.spawn(self._tick())

    async def _tick(self) -> None:
        """Where the commands are carried out, so that an adapter does one thing at a time."""
        self._queue(await self._doors.aside(lambda: self.adapter.tick(self._doors.wall())))
        self._arm()

    # ---- reports ---------------------------------------------------------------------------------------------------

    def _queue(self, reports: list[annex_a.Message]) -> None:
        for report in reports:
            if self._reports.full():
                self._reports.get_nowait()
            self._reports.put_nowait(report)

    async def _beat(self, first_wait_s: float) -> None:
        await asyncio.sleep(first_wait_s)
        while True:
            heard = bool(await self._tell(self.adapter.encode(self.adapter.heartbeat(self._doors.wall()))))
            wait_s = self._pace.heartbeat_s if heard else RECONNECT_S[0] * self._pace.reconnect_scale
            self._beat_now.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._beat_now.wait()

    async def _tell_all(self) -> None:
        while True:
            report = await self._reports.get()
            for _ in range(REPORT_TRIES):
                if reply := await self._tell(await self._doors.aside(partial(self.adapter.encode, report))):
                    self._replied(report, reply)
                    break
                await asyncio.sleep(self._pace.reconnect_scale)

    def _replied(self, report: annex_a.Message, reply: bytes) -> None:
        """The platform may want a copy of what has begun (0x22, table A.38)."""
        with suppress(RemoteProtocolError):
            answer = annex_a.decode(reply).message
            wanted = isinstance(answer, annex_a.TaskReply) and answer.port and answer.ip not in (None, "0.0.0.0")
            if wanted and isinstance(report, annex_a.TaskBegan) and isinstance(answer, annex_a.TaskReply):
                self._doors.spawn(self._copy(report.ebm_id, (str(answer.ip), int(answer.port or 0))))

    async def _copy(self, ebm_id: EbmId, to: tuple[str, int]) -> None:
        """What its monitor carries, as long as the task is on air."""
        url = self.adapter.sound_of(ebm_id)
        sound = self.monitor_carries
        if sound is None and await self.ears.copy(ebm_id, to):
            return
        if sound is None:
            try:
                _, sound = await self._doors.fetcher.get(url, on_first=_nothing, detour=False)
            except FetchFailed:
                return
        await stream(sound, to, lambda: bool(self.adapter.sound_of(ebm_id)), self._chance)

    async def _tell(self, data: bytes) -> bytes:
        """One short connection; what was answered, b"" for nothing."""
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(REPLY_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(*self.place.reports)
                writer.write(data)
                return await reader.read(4096)
        except (OSError, TimeoutError):
            return b""
        finally:
            if writer is not None:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()

    # ---- the terminals' returns ------------------------------------------------------------------------------------

    async def _return(self, first_wait_s: float) -> None:
        """Keep the return line up and let every terminal beat on it."""
        await asyncio.sleep(first_wait_s)
        failures = 0
        while True:
            failures = 0 if await self._serve_line() else failures + 1
            wait_s = RECONNECT_S[min(failures, len(RECONNECT_S) - 1)] * self._pace.reconnect_scale
            await asyncio.sleep(wait_s * self._chance.uniform(0.9, 1.1))

    async def _serve_line(self) -> bool:
        loop = asyncio.get_running_loop()
        gone: asyncio.Future[None] = loop.create_future()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                line, _ = await loop.create_connection(lambda: _ReturnSocket(gone), *self.place.returns)
        except (OSError, TimeoutError):
            return False
        self._line = line
        lit = [shell for shell in self.terminals if shell.powered]
        try:
            for shell in lit:
                self._send_line(shell.heartbeat(Header.E))
                shell.opened("adapter", self._send_line)
            async with asyncio.TaskGroup() as group:
                beating = group.create_task(self._beat_terminals(lit))
                await gone
                beating.cancel()
        finally:
            self._line = None
            for shell in lit:
                shell.closed("adapter")
            line.abort()
        return True

    async def _beat_terminals(self, shells: list[TerminalShell]) -> None:
        """Spread over the period."""
        while shells:
            for shell in shells:
                await asyncio.sleep(self._pace.heartbeat_s / len(shells))
                self._send_line(shell.heartbeat(Header.E))
        await asyncio.sleep(0)

    def _send_line(self, data: bytes) -> None:
        if self._line is not None and not self._line.is_closing():
            self._line.write(data)


class _ReturnSocket(asyncio.Protocol):
    """Returns are not answered (terminal-ip.md 2.7); what comes is dropped."""

    def __init__(self, gone: asyncio.Future[None]) -> None:
        self._gone = gone

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._gone.done():
            self._gone.set_result(None)


def _nothing() -> None:
    """A monitor waits for nobody."""


def _address(to: annex_a.ReturnAddress) -> tuple[str, int] | None:
    """Where TCP leads; None for a telephone number."""
    match to:
        case annex_a.IpReturn(ip=host, port=port) | annex_a.DomainReturn(domain=host, port=port):
            return host, port
        case _:
            return None


def _forget(data: bytes) -> None:
    """Answers of relayed commands end at the adapter; what happened is reported by annex E."""
