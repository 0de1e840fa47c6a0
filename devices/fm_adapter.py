"""The FM link where an adapter drives the transmitter: packets of GD/J 085 by command 0x02 (GD/J 089 table A.24).

The adapter makes the packets, signs them with its own certificate and sends each so many times. It is told again while
a message runs, never "for ever": what nobody repeats any more falls silent by itself (I3). Its answer says that it took
the content; whether a terminal heard it nobody can say (I8).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from devices.adapter_exchange import Address, Exchange, Patience, Silence
from devices.adapter_frames import result_of
from devices.fm_adapter_queue import Queue, Said
from devices.fm_announcement import (
    Announcement,
    Kind,
    Repeats,
    Type6,
    packets_of,
    start_announcement,
    stop_announcement,
)
from devices.fm_besides import ZONES, Besides, Habits, check_periods
from devices.fm_manner import FmManner, PhysEncoding
from devices.fm_transmitter import TARGETS_MAX
from devices.link import (
    NOT_STARTED,
    Command,
    EventSink,
    LinkCapabilities,
    LinkDown,
    LinkStatus,
    LinkUp,
    NoAnswer,
    OutboxFull,
    Path,
    Rejected,
    Sent,
    SetClock,
    Start,
    Stop,
    Verb,
)
from devices.maintenance import Air, Authorise
from devices.ports import Belief, Judged, Ports
from devices.roster import Device, DeviceKind, Roster
from protocols import adapter as annex_a
from protocols.adapter.fm_content import carrying
from protocols.codes import AreaCode, EbmId, ResourceCode
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.fm.frame import FRAME_BITS, frame_count
from protocols.signature import BLOCK_BYTES

IDLE_S = 1.0
"""How often ends are looked at while nothing is to be sent."""
PROBE_S = 30.0
"""How often an adapter that nothing was sent to is dialled, to know whether it is there."""
SAID_ONCE = (Kind.TEXT, Kind.ALIVE)
"""Texts are long and come again by themselves; of type 21 each is a new one."""
AGAIN_FIRST_S = 1.0
AGAIN_LAST_S = 15.0
"""Pauses before the next try at an adapter that does not answer."""


@dataclass(frozen=True, slots=True)
class FmAdapterConfig:
    """One [[links]] table of type `fm_adapter`. Where the adapter listens stands in the inventory."""

    name: str
    adapter: str = ""
    """Resource code of the adapter whose transmitter carries the packets; empty: the link is not used."""
    transmitter: str = ""
    """Whose frequency starts name; empty: the first transmitter of the inventory, or the frequency stays."""
    send_times: int = 3
    """How often the adapter sends a content each time it is told. 255, the standard's default, would be for ever."""
    interval_ms: int = 100
    repeat_period_s: float = 10.0
    stop_repeats: int = 5
    stop_period_s: float = 5.0
    stop_linger_s: float = 60.0
    connect_timeout_s: float = 3.0
    answer_timeout_s: float = 5.0
    frame_bytes_max: int = 262_144
    announcements_max: int = 64
    require_signature: bool = False
    type_table: annex_a.TypeTable = annex_a.TypeTable.A4
    clock_zone: str = "beijing"
    type6: Type6 = Type6.LIST
    maintenance_s: int = 0
    texts: bool = False
    text_period_s: float = 60.0
    phys_encoding: PhysEncoding = PhysEncoding.RAW

    def __post_init__(self) -> None:
        if not 1 <= self.send_times <= 254:
            raise ValueError(f"send_times {self.send_times}: use 1 to 254; 255 would go on after the daemon's end")
        if not 0 <= self.interval_ms <= 255:
            raise ValueError(f"interval_ms {self.interval_ms}: the command has one byte for it, 0 to 255")
        if self.clock_zone not in ZONES:
            raise ValueError(f"clock_zone {self.clock_zone!r}: use {' or '.join(ZONES)}")
        check_periods(self.maintenance_s, self.text_period_s)

    @property
    def commands(self) -> bool:
        """Whether terminals are commanded over it."""
        return bool(self.adapter)


class FmAdapter:
    """The driver. See `devices.link.Link`."""

    def __init__(self, config: FmAdapterConfig, ports: Ports, sink: EventSink, roster: Roster) -> None:
        self.name = config.name
        self.path = Path.FM
        self.capabilities = _capabilities(config)
        self._config = config
        self._ports = ports
        self._sink = sink
        self._roster = roster
        self._queue = Queue(config.announcements_max)
        self._besides = Besides(_habits(config), ports.clock, self._area, self._queue.say, sink)
        self._wake = asyncio.Event()
        self._current: tuple[Said, Exchange] | None = None
        self._up = False
        self._down_reason = NOT_STARTED
        self._spoken_s = float("-inf")
        self._again_s = AGAIN_FIRST_S

    def status(self) -> LinkStatus:
        """What the link is doing now."""
        return LinkStatus(
            up=self._up,
            reason=self._down_reason,
            devices=int(self._up),
            outbox_depth=len(self._queue),
            outbox_limit=self._config.announcements_max,
            dropped=self._queue.dropped,
        )

    def offer(self, command: Command) -> None:
        """Queue a command and return at once. What no packet can carry is told as `NoAnswer`. Raises OutboxFull."""
        if not self._config.adapter:
            return
        now_s = self._ports.clock.monotonic()
        self._expire(now_s)
        try:
            match command:
                case Start():
                    self._queue.start(start_announcement(command, self._starts, frequency_khz=self._frequency()), now_s)
                    self._make_way()
                    self._besides.with_start(command, now_s)
                case Stop():
                    self._queue.stop(command, stop_announcement(command, self._stops), now_s)
                    self._make_way()
                    self._overtake(command)
                case SetClock() | Authorise() | Air():
                    self._besides.offer(command, now_s)
                case _:
                    pass  # nothing comes back over FM
        except (LocalProtocolError, RemoteProtocolError, ValueError) as error:
            if isinstance(command, Start | Stop):
                verb = Verb.START if isinstance(command, Start) else Verb.STOP
                self._no_answer(command.ebm_id, verb, command.members, str(error))
        self._wake.set()

    async def run(self) -> None:
        """Tell the adapter until cancelled."""
        try:
            while True:
                now_s = self._ports.clock.monotonic()
                self._expire(now_s)
                self._besides.look(now_s)
                said = self._queue.due(now_s)
                if said is not None:
                    await self._tell(said)
                    continue
                if now_s - self._spoken_s >= PROBE_S:
                    await self._probe()
                await self._rest()
        finally:
            self._is_down("stopped")

    async def _rest(self) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(IDLE_S):
                await self._wake.wait()
        except TimeoutError:
            return

    # ---- one announcement ------------------------------------------------------------------------------------------

    async def _tell(self, said: Said) -> None:
        """Every part of it in turn; a part that is not taken ends it for now."""
        began_s = self._ports.clock.monotonic()
        bits = 0
        for message, frames in self._messages(said.announcement):
            outcome = await self._exchange(said, message)
            if isinstance(outcome, Silence):
                if outcome.reason != "stopped":
                    self._not_taken(said, outcome.reason)
                return
            self._is_up()
            result, text = result_of(outcome.message)
            if result:
                self._not_taken(said, f"the adapter answers {result} {text}".rstrip(), keep_up=True)
                return
            bits += frames * FRAME_BITS * message.send_times
        self._again_s = AGAIN_FIRST_S
        self._queue.told(said, began_s, bits)
        what = said.announcement
        if what.ebm_id is not None and what.verb is not None:
            self._sink(Sent(self.name, what.ebm_id, what.verb, said.passes, said.bits))
        elif what.token is not None:
            self._besides.said(what.token)

    def _messages(self, said: Announcement) -> Iterator[tuple[annex_a.RdsSpecial, int]]:
        """0x02 for as many addresses as a packet holds, each with the frames that its packet will have."""
        times = 1 if said.kind in SAID_ONCE else self._config.send_times
        for codes, command in packets_of(said.targets, said.content):
            frames, interval_ms = frame_count(len(command) + BLOCK_BYTES), self._config.interval_ms
            yield carrying(said.content, codes, send_times=times, interval_ms=interval_ms), frames

    async def _exchange(self, said: Said, message: annex_a.Message) -> Silence | annex_a.AdapterFrame:
        device = self._adapter
        if device is None:
            await asyncio.sleep(IDLE_S)
            return Silence(f"the inventory has no adapter {self._config.adapter}", False)
        c = self._config
        exchange = Exchange(
            Address(device.code, device.host, device.port),
            self._ports,
            Patience(c.connect_timeout_s, c.answer_timeout_s, 0.0, 0, c.frame_bytes_max),
            judge=self._is_answer,
            refused=lambda bad, peer: self._reject(bad.reason, peer, bad.detail),
            late=lambda _frame: None,
            table=annex_a.TypeTable(c.type_table),
            gone=lambda _exchange: None,
        )
        self._current = (said, exchange)
        self._spoken_s = self._ports.clock.monotonic()
        try:
            table = annex_a.TypeTable(c.type_table)
            outcome = await exchange.attempt(annex_a.encode(message, sign=self._ports.sign, table=table))
            overtaken = exchange.is_stopped and isinstance(outcome, Silence)
            return Silence("stopped", True) if overtaken else outcome
        finally:
            self._current = None
            exchange.finish()
            exchange.close()

    def _is_answer(self, frame: annex_a.AdapterFrame, peer: str) -> bool:
        if not isinstance(frame.message, annex_a.GeneralAnswer):
            self._reject("wrong-answer", peer, f"{type(frame.message).__name__} is no answer to 0x02")
            return False
        if frame.signature is None:
            if self._config.require_signature:
                self._reject("unsigned", peer, "type 0x12 without a signature")
            return not self._config.require_signature
        judged = self._ports.verify(frame.signed, frame.signature) if self._ports.verify else Judged(Belief.NEW)
        if not judged.answers:
            self._reject("signature" if judged.belief is Belief.NONE else "replay", peer, f"type 0x12: {judged.why}")
        return judged.answers

    def _not_taken(self, said: Said, reason: str, *, keep_up: bool = False) -> None:
        """Told of once; tried again until its end, slower each time."""
        what = said.announcement
        if not said.passes and not said.complained and what.ebm_id is not None and what.verb is not None:
            members = what.members or (said.stop.members if said.stop else ())
            self._no_answer(what.ebm_id, what.verb, members, reason)
        said.complained, said.why_not = True, reason
        self._queue.postpone(self._ports.clock.monotonic() + self._again_s * self._ports.random.uniform(0.8, 1.2))
        self._again_s = min(2 * self._again_s, AGAIN_LAST_S)
        if not keep_up:
            self._is_down(reason)

    def _make_way(self) -> None:
        """An alert waits for nothing that is none; what is cut short is told anew behind it."""
        if self._current is not None and self._current[0].announcement.verb is None:
            self._current[1].stop()

    def _overtake(self, stop: Stop) -> None:
        """A stop waits for no start of its message (I12), nor for anything that is tried at a dead adapter."""
        self._again_s = AGAIN_FIRST_S
        if self._current is None:
            return
        said, exchange = self._current
        if said.announcement.verb is Verb.START and stop.ebm_id in (EbmId.EVERYTHING, said.announcement.ebm_id):
            exchange.stop()

    # ---- what is said ----------------------------------------------------------------------------------------------

    @property
    def _starts(self) -> Repeats:
        return Repeats(1, self._config.repeat_period_s)

    @property
    def _stops(self) -> Repeats:
        c = self._config
        return Repeats(c.stop_repeats, c.stop_period_s, c.stop_linger_s)

    def _area(self) -> AreaCode | None:
        device = self._adapter
        return None if device is None else device.code.area

    def _expire(self, now_s: float) -> None:
        """Ends come by themselves: of what was said a stop tells, the rest was never on air."""
        for said in self._queue.over(self._ports.clock.wall(), now_s):
            what = said.announcement
            if said.passes and what.stop is not None:
                try:
                    self._queue.stop(what.stop, stop_announcement(what.stop, self._stops), now_s)
                except OutboxFull:
                    self._no_answer(what.stop.ebm_id, Verb.STOP, what.stop.members, "no room for the stop")
            elif not said.complained and what.ebm_id is not None and what.verb is Verb.START:
                self._no_answer(what.ebm_id, Verb.START, what.members, "over before it was on air")
            else:
                self._besides.dropped(what, said.why_not)

    # ---- the adapter -----------------------------------------------------------------------------------------------

    @property
    def _adapter(self) -> Device | None:
        device = self._roster.known(self._config.adapter)
        return device if device is not None and device.kind is DeviceKind.ADAPTER else None

    def _frequency(self) -> int:
        wanted = self._config.transmitter
        found = next((each for each in self._roster.transmitters if wanted in ("", each.code)), None)
        return found.frequency_khz if found else 0

    async def _probe(self) -> None:
        """Whether it takes connections at all."""
        self._spoken_s = self._ports.clock.monotonic()
        device = self._adapter
        if device is None:
            named = self._config.adapter
            self._is_down(f"the inventory has no adapter {named}" if named else "no adapter is named")
            return
        try:
            async with asyncio.timeout(self._config.connect_timeout_s):
                transport, _ = await self._ports.network.connect(asyncio.Protocol, device.host, device.port)
            transport.close()
        except (OSError, TimeoutError) as error:
            self._is_down(f"{device.host}:{device.port}: {error}".rstrip(": "))
        else:
            self._is_up()

    def _is_up(self) -> None:
        if not self._up:
            self._up, self._down_reason = True, ""
            self._sink(LinkUp(self.name))
            self._besides.restart(self._ports.clock.monotonic())

    def _is_down(self, reason: str) -> None:
        changed = self._up or self._down_reason != reason
        self._up, self._down_reason = False, reason
        if changed:
            self._sink(LinkDown(self.name, reason))

    def _reject(self, reason: str, peer: str, detail: str) -> None:
        self._sink(Rejected(self.name, reason, peer, detail))

    def _no_answer(self, ebm_id: EbmId, verb: Verb, members: tuple[ResourceCode, ...], reason: str) -> None:
        for code in members:
            self._sink(NoAnswer(self.name, code, ebm_id, verb, reason))


def _habits(config: FmAdapterConfig) -> Habits:
    """The clock is said when the daemon asks for it; how often a burst is repeated is the adapter's."""
    return Habits(
        config.name,
        burst=1,
        clock_zone=config.clock_zone,
        type6=Type6(config.type6),
        maintenance_s=config.maintenance_s,
        texts=config.texts,
        text_period_s=config.text_period_s,
    )


def _capabilities(config: FmAdapterConfig) -> LinkCapabilities:
    phys = PhysEncoding(config.phys_encoding)
    manner = FmManner(config.send_times, config.interval_ms / 1000, 1.0, phys, config.maintenance_s, relayed=True)
    return LinkCapabilities(returns=False, singles_out=False, targets_max=TARGETS_MAX, asks=False, fm=manner)
