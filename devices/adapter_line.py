"""One adapter's line: its outbox, what is under way to it, and the stop that does not wait for that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from devices.adapter_desk import AdapterDesk
from devices.adapter_exchange import Address, Exchange, Patience, Silence
from devices.adapter_frames import Parcel, asked, asks_adapters, event_of, is_answer, offered_by, result_of, values_of
from devices.adapter_push import Pusher
from devices.link import Answered, Command, NoAnswer, Poll, Start, Stop
from devices.outbox import Order, Outbox
from devices.ports import Ports
from protocols import adapter
from protocols.adapter import AdapterFrame
from protocols.codes import EbmId
from protocols.errors import LocalProtocolError

REPEAT_AFTER_REFUSAL_S = 1.0
"""Pause before the next try where a connection was refused at once."""

Spawn = Callable[[Callable[[], Coroutine[Any, Any, None]], str], asyncio.Task[None] | None]


class Lanes:
    """Places for exchanges under way. Adapters whose last exchange failed share the smaller number."""

    def __init__(self, exchanges_max: int, slow_exchanges_max: int) -> None:
        self._usual = asyncio.Semaphore(exchanges_max)
        self._slow = asyncio.Semaphore(slow_exchanges_max)

    def of(self, failed: bool) -> asyncio.Semaphore:
        """The places an adapter may use."""
        return self._slow if failed else self._usual


class AdapterLine:
    """Sends one command after another; stops beside them, at once (I12)."""

    def __init__(
        self,
        address: Address,
        ports: Ports,
        patience: Patience,
        lanes: Lanes,
        desk: AdapterDesk,
        pusher: Pusher,
        outbox_max: int,
        spawn: Spawn,
    ) -> None:
        self._address = address
        self._ports = ports
        self._patience = patience
        self._lanes = lanes
        self._desk = desk
        self._pusher = pusher
        self._outbox: Outbox[Parcel] = Outbox(f"adapter {address.code}", outbox_max)
        self._spawn = spawn
        self._worker: asyncio.Task[None] | None = None
        self._stopper: asyncio.Task[None] | None = None
        self._current: tuple[Command, Exchange] | None = None
        self._failed = False
        self._exchanges: set[Exchange] = set()

    def move(self, host: str, port: int) -> None:
        """The adapter listens somewhere else from now on; what is under way goes on where it is."""
        if (host, port) != (self._address.host, self._address.port):
            self._address = Address(self._address.code, host, port)

    @property
    def depth(self) -> int:
        """Commands that wait."""
        return len(self._outbox)

    @property
    def dropped(self) -> int:
        """Polls pushed out."""
        return self._outbox.dropped

    def offer(self, command: Command, parcel: Parcel) -> None:
        """Queue a command. Raises OutboxFull."""
        for start in self._outbox.offer(command, parcel):
            self._tell_silence(start, "stopped")
        if isinstance(command, Stop) and self._current is not None and _is_start_of(self._current[0], command.ebm_id):
            self._current[1].stop()
        if isinstance(command, Start) and self._current is not None and isinstance(self._current[0], Poll):
            self._current[1].stop()  # nobody's question holds up an alert; a late answer to it still counts
        self.wake()

    def wake(self) -> None:
        """Work on what is queued, if anything is and the link runs."""
        if self._outbox.stops and (self._stopper is None or self._stopper.done()):
            self._stopper = self._spawn(self._work_stops, f"stops {self._address.code}")
        if self._outbox.others and (self._worker is None or self._worker.done()):
            self._worker = self._spawn(self._work, f"adapter {self._address.code}")

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not self._outbox and not self._exchanges

    def close(self) -> None:
        """Close what waits for late answers."""
        for exchange in list(self._exchanges):
            exchange.close()

    async def _work_stops(self) -> None:
        while (order := self._outbox.take_stop()) is not None:
            await self._deliver(order)

    async def _work(self) -> None:
        while self._outbox.others:
            taken = self._outbox.take_other(self._ports.clock.wall())
            for start in taken.expired:
                self._tell_silence(start, "expired")
            if taken.order is not None:
                await self._deliver(taken.order)

    async def _deliver(self, order: Order[Parcel]) -> None:
        """Every frame of a command in turn; one that is refused or not answered ends it. Of questions about itself an
        adapter may refuse some."""
        command = order.command
        answers: list[adapter.Message] = []
        for number in range(len(order.parcel)):
            outcome = await self._exchange(command, order.parcel, number)
            if isinstance(outcome, Silence):
                if answers:
                    break  # what it has told already counts
                self._tell_silence(command, outcome.reason)
                return
            answers.append(outcome.message)
            if result_of(outcome.message)[0] != 0 and not asks_adapters(command):
                break
        self._tell_answer(command, answers)

    async def _exchange(self, command: Command, parcel: Parcel, number: int) -> Silence | AdapterFrame:
        exchange = Exchange(
            self._address,
            self._ports,
            self._patience,
            judge=lambda frame, peer: self._is_answer(command, frame, peer),
            refused=self._desk.refused,
            late=lambda frame: self._tell_answer(command, [frame.message]),
            table=self._desk.table,
            gone=self._exchanges.discard,
        )
        self._exchanges.add(exchange)
        if not isinstance(command, Stop):
            self._current = (command, exchange)
        try:
            return await self._attempts(exchange, command, parcel, number)
        finally:
            if not isinstance(command, Stop):
                self._current = None
            exchange.finish()

    async def _attempts(
        self, exchange: Exchange, command: Command, parcel: Parcel, number: int
    ) -> Silence | AdapterFrame:
        outcome = Silence("stopped", False)
        reached = False
        for attempt in range(self._patience.repeats + 1):
            if attempt and not reached:
                await exchange.pause(REPEAT_AFTER_REFUSAL_S * self._ports.random.uniform(0.8, 1.2))
            if exchange.is_stopped:
                return Silence("stopped", reached)
            if attempt and isinstance(command, Start) and command.end <= self._ports.clock.wall():
                return Silence("expired", reached)
            async with self._lanes.of(self._failed):
                try:
                    frame = parcel.frame(number, self._address.code)
                except LocalProtocolError as error:
                    return Silence(f"cannot be encoded: {error}", reached)
                tried = await exchange.attempt(frame)
            if not isinstance(tried, Silence):
                self._failed = False
                return tried
            outcome = tried
            reached = reached or outcome.reached
            self._failed = not exchange.is_stopped
        if exchange.is_stopped:
            return Silence("stopped", reached)
        if not reached:
            self._desk.unreachable(self._address.code, outcome.reason)
        return outcome

    def _is_answer(self, command: Command, frame: AdapterFrame, peer: str) -> bool:
        code = self._address.code
        if not self._desk.judge(frame, peer).answers:
            return False
        if is_answer(command, code, frame.message):
            return True
        self._desk.reject(
            "wrong-answer", peer, f"{type(frame.message).__name__} is no answer of {code} to this command"
        )
        return False

    def _tell_answer(self, command: Command, answers: Sequence[adapter.Message]) -> None:
        """The last answer counts for a command, all of them for questions."""
        link, code = self._desk.link, self._address.code
        self._desk.heard(code)
        if asks_adapters(command):
            for each in values_of(link, code, answers):
                self._desk.tell(each)
        elif isinstance(event := event_of(link, code, command, answers[-1]), Answered):
            self._pusher.answered(event, offered_by(answers), self._address.host)
        elif event is not None:
            self._desk.tell(event)

    def _tell_silence(self, command: Command, reason: str) -> None:
        to = asked(command)
        if to is not None:
            self._desk.tell(NoAnswer(self._desk.link, self._address.code, *to, reason))


def _is_start_of(command: Command | None, ebm_id: EbmId) -> bool:
    return isinstance(command, Start) and ebm_id in (command.ebm_id, EbmId.EVERYTHING)
