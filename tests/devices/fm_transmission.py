"""A carousel whose frames go out one after the other, for tests of the FM link."""

from __future__ import annotations

from dataclasses import dataclass

from devices.fm_announcement import Repeats, start_announcement
from devices.fm_carousel import BurstDone, Carousel, NeverOnAir, PassDone, Step
from devices.link import Start, Stop
from protocols.codes import EbmId
from protocols.fm.emergency import Emergency
from protocols.fm.fields import Action
from protocols.fm.frame import BIT_RATE, FILLER_FRAME, FRAME_BITS, SourceLevel
from protocols.fm.packet import Packet
from tests.devices.fm_county import UTC_S, Monitor, sign_at

FRAME_S = FRAME_BITS / BIT_RATE
ONE_AREA_FRAMES = 24
START_REPEATS = Repeats(burst=3, period_s=10.0)
STOP_REPEATS = Repeats(burst=5, period_s=5.0, linger_s=60.0)


@dataclass(frozen=True)
class OnAir:
    """A frame and the second of the test at which it went out."""

    at_s: float
    frame: bytes

    @property
    def version(self) -> int | None:
        """None for a filler."""
        return None if self.frame == FILLER_FRAME else self.frame[0] & 0x1F


class Transmission:
    """A carousel whose frames go out one after the other."""

    def __init__(self, *, first_version: int = 0, packets_max: int = 32, stop_repeats: Repeats = STOP_REPEATS) -> None:
        self.now_s = 0.0
        self.carousel = Carousel(
            lambda command: sign_at(self.wall_s, command),
            source_level=SourceLevel.COUNTY,
            first_version=first_version,
            resign_s=240.0,
            stop_repeats=stop_repeats,
            packets_max=packets_max,
        )
        self.log: list[OnAir] = []
        self.events: list[PassDone | BurstDone | NeverOnAir] = []
        self.monitor = Monitor()

    @property
    def wall_s(self) -> float:
        return UTC_S + self.now_s

    def offer(self, command: Start | Stop, frequency_khz: int = 98_500) -> None:
        if isinstance(command, Stop):
            self.carousel.stop(command, self.now_s)
        else:
            said = start_announcement(command, START_REPEATS, frequency_khz=frequency_khz)
            self.carousel.start(said, self.now_s)

    def frame(self) -> Step:
        step = self.carousel.next_frame(self.wall_s, self.now_s)
        self.log.append(OnAir(self.now_s, step.frame))
        self.events += step.events
        self.now_s += FRAME_S
        if step.frame != FILLER_FRAME:
            self.monitor.hear(step.frame, self.now_s)
        return step

    def play(self, seconds: float) -> None:
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.frame()

    def frames(self, count: int) -> None:
        for _ in range(count):
            self.frame()

    @property
    def packets(self) -> list[Packet]:
        return [packet for _version, packet in self.monitor.packets]

    def passes_at(self, version: int) -> list[float]:
        """When each pass of a packet began."""
        return [each.at_s for each in self.log if each.version == version and each.frame[2] == 0]


def emergency(packet: Packet) -> tuple[Action, EbmId]:
    assert isinstance(packet.content, Emergency)
    return packet.content.action, packet.content.ebm_id
