"""The link to a village's old RDS encoder on a serial line: loudspeakers on, loudspeakers off (fm-rds.md section 13).

These loudspeakers verify nothing, answer nothing and cannot be told apart, and what the encoder sends is in no
standard. So the link is an extra for villages that still have them: no terminal is counted on it, and only alerts for
the whole of its area are told to it. Each village's encoder has a table of its own.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import inf
from typing import Final

from devices.encoder_link import Announces, EncoderLink, OpenSerial, Turn
from devices.link import EventSink, Start
from devices.ports import Ports
from devices.roster import Roster
from devices.serial_line import open_serial
from protocols.codes import AreaCode
from protocols.errors import LocalProtocolError
from protocols.fm import village

SOUNDING: Final = frozenset({3, 4, 5})
"""Broadcast classes that sound in a village: real drills, emergencies, daily programmes. Others stay above it (I5)."""


@dataclass(frozen=True, slots=True)
class VillageEncoderConfig:
    """One [[links]] table of type `village_encoder`."""

    name: str
    serial: str = ""
    """Device of the serial line, such as /dev/ttyS0; empty: TCP, to a serial server in the village."""
    baud: int = 9600
    host: str = ""
    port: int = 4001
    area: str = ""
    """Region, 12 digits, whose loudspeakers hear this encoder. All of them sound together, so only alerts that cover
    all of it are told. Empty: nothing is."""
    pi: str = "1234"
    """Programme identification, four hexadecimal digits: what the receivers of this system are tuned by."""
    repeat_period_s: float = village.REPEAT_S
    """Between two "on" while something sounds; receivers switch off 30 s after the last input went idle."""
    reset_wait_s: float = village.RESET_WAIT_S
    off_repeats: int = 5
    """How often "off" is said: nobody can ask for it again."""
    connect_timeout_s: float = 5.0
    reconnect_first_s: float = 0.5
    reconnect_last_s: float = 15.0
    unsent_bytes_max: int = 4096
    alerts_max: int = 64

    def __post_init__(self) -> None:
        """Raises LocalProtocolError for a programme identification that is none, InvalidCode for an area."""
        pi_of(self)
        if self.area:
            AreaCode(self.area)
        if self.repeat_period_s <= 0 or self.off_repeats < 1:
            raise LocalProtocolError("repeat_period_s must be more than 0 and off_repeats at least 1")

    @property
    def commands(self) -> bool:
        """False: it is no path to any terminal, so the planner does not count on it."""
        return False


def pi_of(config: VillageEncoderConfig) -> int:
    """The programme identification as a number. Raises LocalProtocolError."""
    try:
        pi = int(config.pi, 16)
        village.set_up(pi)
    except ValueError:
        raise LocalProtocolError(f"pi = {config.pi!r} is no number of four hexadecimal digits") from None
    return pi


class VillageDialogue:
    """Reset, set-up, then the wanted command as often as it takes. The chip answers nothing: written is said."""

    def __init__(self, config: VillageEncoderConfig) -> None:
        self.clock_wanted = False  # there is none to set
        self._config = config
        self._set_up = village.set_up(pi_of(config))
        self._steps = 0  # 0: reset is next, 1: set-up, 2: commands
        self._due_s = 0.0
        self._said: bool | None = None
        self._times = 0  # how often `_said` was said in a row

    @property
    def answers(self) -> bool:
        """Never."""
        return False

    def begin(self, now_s: float) -> None:
        """A line is open; whoever was on may still be."""
        self._steps, self._due_s, self._said, self._times = 0, now_s, None, 0

    def turn(self, wanted: bool, arrived: bytes, now_s: float, utc_s: float) -> Turn:
        """`wanted`: whether the loudspeakers are to be on. Nothing is expected of `arrived`."""
        turn = Turn()
        if self._steps == 2 and self._said is not wanted:
            self._due_s, self._times = now_s, 0
        if now_s >= self._due_s:
            turn.data = self._next(wanted, now_s)
        turn.settled = self._said is wanted
        turn.wake_s = inf if self._is_through else self._due_s
        return turn

    @property
    def _is_through(self) -> bool:
        return self._said is False and self._times >= self._config.off_repeats

    def _next(self, wanted: bool, now_s: float) -> bytes:
        if self._steps == 0:
            self._steps, self._due_s = 1, now_s + self._config.reset_wait_s
            return village.reset()
        data = b"" if self._steps == 2 else self._set_up
        self._steps = 2
        if self._said is wanted and self._is_through:
            return data
        self._said = wanted
        self._times += 1
        self._due_s = now_s + self._config.repeat_period_s
        return data + village.say(village.EVERYBODY_ON if wanted else village.EVERYBODY_OFF)


def _sounds(alerts: Collection[Start]) -> bool:
    return bool(alerts)


class VillageEncoder(EncoderLink[bool]):
    """The driver. See `devices.link.Link`."""

    def __init__(
        self,
        config: VillageEncoderConfig,
        ports: Ports,
        sink: EventSink,
        roster: Roster,
        open_line: OpenSerial = open_serial,
    ) -> None:
        announces = Announces(
            classes=SOUNDING if config.area else (),
            look=_sounds,
            area=AreaCode(config.area) if config.area else None,
            otherwise="a village encoder is told emergencies, real drills and daily programmes of its area only",
        )
        super().__init__(config, ports, sink, VillageDialogue(config), announces, open_line)
