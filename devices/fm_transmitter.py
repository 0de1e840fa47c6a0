"""The FM link: GD/J 085 frames to the county transmitter's exciter, 13 bytes each, at 1187.5 bit/s.

The exciter plays what it gets and answers nothing, so the bit clock is kept here: frame k leaves at its own time on
the monotonic clock, counted from the first one, never a drift and never faster on average. A lead of a few frames
bridges a busy event loop. When nothing is to be said, fillers are: the bit stream must not stop (clause 6.1.2).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from devices.exciter_connection import ExciterConnection
from devices.fm_announcement import Repeats, Type6, start_announcement
from devices.fm_besides import Besides, Habits, check_periods
from devices.fm_carousel import BurstDone, Carousel, NeverOnAir, PassDone
from devices.fm_manner import FmManner, PhysEncoding
from devices.fm_sharing import SharedAir, StationSigns
from devices.link import (
    NOT_STARTED,
    Command,
    EventSink,
    LinkCapabilities,
    LinkDown,
    LinkStatus,
    LinkUp,
    NoAnswer,
    Path,
    Sent,
    SetClock,
    Start,
    Stop,
    Verb,
)
from devices.maintenance import Air, Authorise
from devices.ports import Ports
from devices.roster import Device, DeviceKind, Roster
from protocols.codes import AreaCode, EbmId, ResourceCode
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.fm.bits import frame_to_air
from protocols.fm.frame import BIT_RATE, FILLER_FRAME, FRAME_BITS, VERSIONS, SourceLevel
from protocols.rds.block import Offset
from protocols.signature import FmScope

FRAME_S: Final = FRAME_BITS / BIT_RATE
TARGETS_MAX: Final = 97  # resource codes beside the content of a type 11 packet (GD/J 085 clause 5.1, arithmetic)
VERSIONS_SKIPPED: Final = 8  # after a restart: more than a crash can have left unkept
TIMER_SLACK_S: Final = 1e-4  # a timer may fire a rounding error early; that is not worth another one

OFFSETS_B: Final = {"198": Offset.B, "19C": Offset.B_PRINTED}


@dataclass(slots=True)
class AirTime:
    """Frames put on air since the start, each `FRAME_S` long: how full the subcarrier is."""

    carrying: int = 0  # frames of a message or of the clock
    idle: int = 0  # fillers

    def count(self, *, carries: bool) -> None:
        """One more."""
        if carries:
            self.carrying += 1
        else:
            self.idle += 1


LOOK_AGAIN_S = 5.0
"""How often the inventory is asked for a transmitter where it has none."""


@dataclass(frozen=True, slots=True)
class FmTransmitterConfig:
    """One [[links]] table of type `fm_transmitter`. Where the transmitter listens stands in the inventory."""

    name: str
    transmitter: str = ""
    """Resource code; empty: the first transmitter of the inventory."""
    source_level: int = SourceLevel.COUNTY.value
    lead_frames_max: int = 4
    """How far the frames run ahead of the air: 350 ms. A longer stall of the daemon is heard as a gap in the stream and
    costs a receiver a pass; a longer lead delays every start and stop by as much."""
    connect_timeout_s: float = 5.0
    reconnect_first_s: float = 0.5
    reconnect_last_s: float = 15.0
    unsent_bytes_max: int = 4096
    """An exciter that leaves so much in the socket plays nothing any more; it is dialled again."""
    start_burst: int = 3
    start_period_s: float = 10.0
    stop_burst: int = 5
    stop_period_s: float = 5.0
    stop_linger_s: float = 60.0
    stop_tail_period_s: float = 30.0
    stop_tail_s: float = 840.0
    """FM receivers know no end but the stop: one with bad reception that missed every pass so far would sound on for
    ever, so stops are said more rarely for a while longer. They give way to everything that is new."""
    resign_after_s: float = 240.0
    """A packet whose signature is older is signed anew under a new version; the receivers' window is 300 s."""
    packets_max: int = VERSIONS
    clock_period_s: float = 600.0
    """Between two clock packets, and one after each connect; 0: none."""
    sign_scope: FmScope = FmScope.CMD_TIME
    """Which bytes are signed: GD/J 081 clause 5.4 or GD/J 085 table 1 row 9. Whoever builds the link hands in a signer
    of this range."""
    offset_b: Literal["198", "19C"] = "198"
    """Offset word of block B: of EN 50067, which every decoder expects, or as GD/J 085 annex A prints it."""
    clock_zone: Literal["beijing", "utc"] = "beijing"
    """Of clock packets; GD/J 085 clause 5.2.5 names none."""
    maintenance_s: int = 0
    """Period of maintenance (clause 5.2.4): what was started ends by itself when nothing has been heard for so long.
    0: off, and nothing is said of it."""
    texts: bool = False
    """Whether a start brings its text along, as type 15."""
    text_period_s: float = 60.0
    """Between two times that a text is said."""
    phys_encoding: PhysEncoding = PhysEncoding.RAW
    """How a physical address becomes the bytes of a type 1 packet, which clause 5.2.3 leaves open."""
    type6: Type6 = Type6.LIST
    """What a packet with an authorisation list holds: the list, or 74 bytes as GD/J 085 clause 5.2.8 points at."""
    station_pi: str = ""
    """Four hexadecimal digits: what emergency frames leave of the air carries the station's own RDS groups. Empty: the
    subcarrier is ours alone (`fm.exclusive`)."""
    station_ps: str = ""
    station_pty: int = 0
    station_radio_text: str = ""
    share: float = 0.6
    """Of the frames that a message may take while the station has the rest."""
    first_version: int | None = None
    """None: some numbers behind the last one of the process before, by chance where there was none. A receiver may take
    a version that it knows for a repeat, so a restart must not begin with one that was on air just now."""

    def __post_init__(self) -> None:
        check_periods(self.maintenance_s, self.text_period_s)
        self.signs()

    def signs(self) -> StationSigns | None:
        """The station that shares the air. Raises ValueError."""
        if not self.station_pi:
            return None
        try:
            pi = int(self.station_pi, 16)
        except ValueError:
            raise ValueError(f"station_pi {self.station_pi!r}: give four hexadecimal digits") from None
        return StationSigns(pi, self.station_ps, self.station_pty, self.station_radio_text, self.share)


class FmTransmitter:
    """The driver. See `devices.link.Link`."""

    def __init__(self, config: FmTransmitterConfig, ports: Ports, sink: EventSink, roster: Roster) -> None:
        self.name = config.name
        self.path = Path.FM
        self.capabilities = _capabilities(config)
        self._config = config
        self._ports = ports
        self._sink = sink
        self._roster = roster
        self._carousel = Carousel(
            ports.sign,
            source_level=SourceLevel(config.source_level),
            first_version=_first_version(config, ports),
            resign_s=config.resign_after_s,
            stop_repeats=Repeats(
                config.stop_burst,
                config.stop_period_s,
                config.stop_linger_s,
                config.stop_tail_period_s,
                config.stop_tail_s,
            ),
            packets_max=config.packets_max,
        )
        self._start_repeats = Repeats(config.start_burst, config.start_period_s)
        self._offset_b = OFFSETS_B[config.offset_b]
        self._filler = frame_to_air(FILLER_FRAME, offset_b=self._offset_b)
        signs = config.signs()
        self._shared = None if signs is None else SharedAir(signs)
        self._kept_version = self._carousel.version
        self._up = False
        self._down_reason = NOT_STARTED
        self._besides = Besides(_habits(config), ports.clock, self._area, self._carousel.say, sink)
        self.air = AirTime()

    def _area(self) -> AreaCode | None:
        transmitter = self._transmitter
        return None if transmitter is None else transmitter.code.area

    @property
    def _transmitter(self) -> Device | None:
        """The one this link drives, as the inventory has it now; one that left is fed on, since its receivers know no
        end of what they play but a stop."""
        left = (device for device in self._roster.departed if device.kind is DeviceKind.TRANSMITTER)
        return _choose((*self._roster.transmitters, *left), self._config.transmitter)

    def status(self) -> LinkStatus:
        """What the link is doing now."""
        return LinkStatus(
            up=self._up,
            reason=self._down_reason,
            devices=int(self._up),
            outbox_depth=len(self._carousel),
            outbox_limit=min(self._config.packets_max, VERSIONS),
            dropped=self._carousel.dropped,
        )

    def offer(self, command: Command) -> None:
        """Queue a command and return at once; its first frame is next unless something better is on air.

        What no packet can carry is told as `NoAnswer` of each member. Raises OutboxFull.
        """
        now_s = self._ports.clock.monotonic()
        self._tell_never(self._carousel.expire(self._ports.clock.wall(), now_s))
        try:
            match command:
                case Start():
                    transmitter = self._transmitter
                    frequency_khz = transmitter.frequency_khz if transmitter else 0
                    said = start_announcement(command, self._start_repeats, frequency_khz=frequency_khz)
                    self._carousel.start(said, now_s)
                    self._besides.with_start(command, now_s)
                case Stop():
                    self._carousel.stop(command, now_s)
                case SetClock() | Authorise() | Air():
                    self._besides.offer(command, now_s)
                case _:
                    pass  # nothing comes back over FM
        except (LocalProtocolError, RemoteProtocolError, ValueError) as error:
            if isinstance(command, Start | Stop):
                verb = Verb.START if isinstance(command, Start) else Verb.STOP
                self._tell_unsent(command.ebm_id, verb, command.members, str(error))

    async def run(self) -> None:
        """Feed the exciter until cancelled; dial again with back-off when it is gone."""
        wait_s = self._config.reconnect_first_s
        while True:
            transmitter = self._transmitter
            if transmitter is None:
                self._is_down(f"the inventory has no transmitter {self._config.transmitter}".rstrip())
                await asyncio.sleep(LOOK_AGAIN_S)
                continue
            connection = await self._connect(transmitter)
            if connection is not None:
                wait_s = self._config.reconnect_first_s
                await self._serve(connection, transmitter)
            self._tell_never(self._carousel.expire(self._ports.clock.wall(), self._ports.clock.monotonic()))
            await asyncio.sleep(wait_s * self._ports.random.uniform(0.5, 1.0))
            wait_s = min(2 * wait_s, self._config.reconnect_last_s)

    async def _connect(self, transmitter: Device) -> ExciterConnection | None:
        try:
            async with asyncio.timeout(self._config.connect_timeout_s):
                _transport, connection = await self._ports.network.connect(
                    ExciterConnection, transmitter.host, transmitter.port
                )
        except TimeoutError:
            self._is_down(f"{transmitter.host}:{transmitter.port} did not answer")
        except OSError as error:
            self._is_down(f"{transmitter.host}:{transmitter.port}: {error}")
        else:
            return connection
        return None

    async def _serve(self, connection: ExciterConnection, transmitter: Device) -> None:
        self._up, self._down_reason = True, ""
        self._sink(LinkUp(self.name))
        now_s = self._ports.clock.monotonic()
        self._carousel.lost(now_s, anew=bool(self._config.maintenance_s))
        self._besides.restart(now_s)
        reason = "stopped"
        try:
            reason = await self._feed(connection, transmitter)
        finally:
            connection.close()
            self._is_down(reason)

    async def _feed(self, connection: ExciterConnection, transmitter: Device) -> str:
        """Write frames at their times until the connection is of no use; why."""
        clock = self._ports.clock
        lead = max(1, self._config.lead_frames_max)
        begin_s = clock.monotonic()
        sent = 0
        on_air: deque[tuple[float, PassDone | BurstDone]] = deque()
        while connection.lost is None:
            now_s = clock.monotonic()
            while on_air and on_air[0][0] <= now_s:
                self._tell_done(on_air.popleft()[1])
            early_s = begin_s + (sent - lead) * FRAME_S - now_s
            if early_s > TIMER_SLACK_S:
                await asyncio.sleep(early_s)
                continue
            if begin_s + sent * FRAME_S < now_s:
                begin_s = now_s - sent * FRAME_S  # the exciter ran dry and plays this frame at once; no time is made up
            here = self._transmitter
            if here is None or (here.host, here.port) != (transmitter.host, transmitter.port):
                return "the inventory has another address now"
            if connection.unsent_bytes > self._config.unsent_bytes_max:
                return f"the transmitter leaves {connection.unsent_bytes} bytes unread"
            self._besides.look(now_s)
            if self._shared is not None and not self._shared.is_ours():
                connection.write(self._shared.group())
                sent += 1
                self.air.count(carries=False)
                continue
            step = self._carousel.next_frame(clock.wall(), now_s)
            connection.write(self._on_air(step.frame))
            sent += 1
            self.air.count(carries=step.frame != FILLER_FRAME)
            for event in step.events:
                if isinstance(event, PassDone | BurstDone):
                    on_air.append((begin_s + (sent + 1) * FRAME_S, event))  # a frame's time for the way there
                else:
                    self._tell_never([event])
        return connection.lost

    def _on_air(self, frame: bytes) -> bytes:
        """The frame's bits; a number that it is the first to carry is kept."""
        if self._kept_version != self._carousel.version:
            self._kept_version = self._carousel.version
            if self._ports.numbers is not None:
                self._ports.numbers.keep(self.name, self._kept_version)
        if self._shared is not None:
            if frame == FILLER_FRAME:
                return self._shared.group()
            self._shared.spent()
        return self._filler if frame == FILLER_FRAME else frame_to_air(frame, offset_b=self._offset_b)

    def _tell_done(self, done: PassDone | BurstDone) -> None:
        if isinstance(done, PassDone):
            self._sink(Sent(self.name, done.ebm_id, done.verb, done.passes, done.bits))
        else:
            self._besides.said(done.token)

    def _tell_never(self, never: list[NeverOnAir]) -> None:
        for each in never:
            said = each.announcement
            if said.ebm_id is not None and said.verb is not None:
                self._tell_unsent(said.ebm_id, said.verb, said.members, each.reason)
            self._besides.dropped(said, each.reason)

    def _tell_unsent(self, ebm_id: EbmId, verb: Verb, members: tuple[ResourceCode, ...], reason: str) -> None:
        for code in members:
            self._sink(NoAnswer(self.name, code, ebm_id, verb, reason))

    def _is_down(self, reason: str) -> None:
        changed = self._up or self._down_reason != reason
        self._up, self._down_reason = False, reason
        if changed:
            self._sink(LinkDown(self.name, reason))


def _habits(config: FmTransmitterConfig) -> Habits:
    return Habits(
        config.name,
        config.start_burst,
        config.clock_zone,
        Type6(config.type6),
        config.clock_period_s,
        config.maintenance_s,
        config.texts,
        config.text_period_s,
    )


def _capabilities(config: FmTransmitterConfig) -> LinkCapabilities:
    share = config.share if config.station_pi else 1.0
    phys = PhysEncoding(config.phys_encoding)
    manner = FmManner(config.start_burst, share=share, phys_encoding=phys, maintenance_s=config.maintenance_s)
    return LinkCapabilities(returns=False, singles_out=False, targets_max=TARGETS_MAX, asks=False, fm=manner)


def _first_version(config: FmTransmitterConfig, ports: Ports) -> int:
    if config.first_version is not None:
        return config.first_version % VERSIONS
    kept = None if ports.numbers is None else ports.numbers.recall(config.name)
    return ports.random.randrange(VERSIONS) if kept is None else (kept + VERSIONS_SKIPPED) % VERSIONS


def _choose(transmitters: Iterable[Device], code: str) -> Device | None:
    """The transmitter of that code, or the first one."""
    return next((device for device in transmitters if code in ("", device.code)), None)
