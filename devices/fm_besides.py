"""What an FM link says besides alerts: the clock, maintenance, texts, certificates, and what people order.

Each is worth less than every start and stop (fm-rds.md section 9). The link's queue says when; this says what, and
tells whoever waits that something was dropped. No socket and no task of its own; the link's loop calls `look`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Final

import structlog

from devices.fm_announcement import (
    Announcement,
    Kind,
    Repeats,
    Type6,
    authorise_announcements,
    clock_announcement,
    everybody_in,
    packets_of,
)
from devices.fm_text import text_announcement
from devices.link import EventSink, OutboxFull, SetClock, Start
from devices.maintenance import Air, Authorise, PassedOn, Unsaid
from devices.ports import Clock
from protocols.codes import AreaCode, ResourceCode
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.fm.configuration import BEIJING_OFFSET_S, Maintenance
from protocols.fm.daily import Alive
from protocols.fm.emergency import LEVEL_LEAST_SEVERE
from protocols.fm.frame import air_time_s, frame_count
from protocols.fm.packet import Content
from protocols.signature import BLOCK_BYTES

ZONES: Final = {"beijing": BEIJING_OFFSET_S, "utc": 0}
CLOCK_VALID_S: Final = 5.0  # a clock packet that emergencies hold up longer is not said at all
AGAIN_S: Final = 5.0  # after alerts left no room for what is said by itself
ORDER_VALID_S: Final = 120.0  # besides its own time on air: what alerts hold up longer is dropped, and told
MAINTENANCE_EVERY_S: Final = 600.0  # where the link has no period of the clock
MAINTENANCE_S_MIN: Final = 30
"""One packet takes 1.8 s of air and three must fit a period beside everything else (fm-rds.md section 9)."""
TEXT_PERIOD_S_MIN: Final = 20.0  # three times the air of the longest
PERIOD_PARTS: Final = 3  # so many type 21 in each period, so that one may be lost or late
PERIOD_S_MAX: Final = 0xFFFF  # 16 bits (GD/J 085 clause 5.2.4)
COUNTER_VALUES: Final = 256

log = structlog.get_logger("devices.fm_besides")


@dataclass(frozen=True, slots=True)
class Habits:
    """Of one link, from its table. `burst`: passes of what is said once; `clock_period_s` 0: the clock is said when
    `SetClock` comes; `maintenance_s` 0: no maintenance."""

    link: str
    burst: int
    clock_zone: str
    type6: Type6
    clock_period_s: float = 0.0
    maintenance_s: int = 0
    texts: bool = False
    text_period_s: float = 60.0


def check_periods(maintenance_s: int, text_period_s: float) -> None:
    """Raises ValueError for a period that keeps nothing alive, or texts that fill the air."""
    if text_period_s < TEXT_PERIOD_S_MIN:
        raise ValueError(f"text_period_s {text_period_s:g}: use {TEXT_PERIOD_S_MIN:g} seconds or more")
    if maintenance_s and not MAINTENANCE_S_MIN <= maintenance_s <= PERIOD_S_MAX:
        raise ValueError(f"maintenance_s {maintenance_s}: use 0 (off) or {MAINTENANCE_S_MIN} to {PERIOD_S_MAX} seconds")


class Besides:
    """One link's. `area`: of its transmitter, None while there is none; `say` puts an announcement into the queue and
    raises OutboxFull or LocalProtocolError."""

    def __init__(
        self,
        habits: Habits,
        clock: Clock,
        area: Callable[[], AreaCode | None],
        say: Callable[[Announcement, float], None],
        tell: EventSink,
    ) -> None:
        self._habits = habits
        self._clock = clock
        self._area = area
        self._say = say
        self._tell = tell
        self._clock_due_s = self._maintenance_due_s = self._alive_due_s = inf
        self._counter = 0

    # ---- by itself -------------------------------------------------------------------------------------------------

    def restart(self, now_s: float) -> None:
        """Somebody listens anew: everything is due."""
        if self._habits.clock_period_s:
            self._clock_due_s = now_s
        if self._habits.maintenance_s:
            self._maintenance_due_s = self._alive_due_s = now_s

    def look(self, now_s: float) -> None:
        """Say what is due."""
        if now_s >= self._clock_due_s:
            self._clock_due_s = now_s + (self._habits.clock_period_s if self._say_clock(now_s) else CLOCK_VALID_S)
        if now_s >= self._maintenance_due_s:
            period_s = self._habits.clock_period_s or MAINTENANCE_EVERY_S
            self._maintenance_due_s = now_s + (period_s if self._say_maintenance(now_s) else AGAIN_S)
        if now_s >= self._alive_due_s:
            turn_s = self._habits.maintenance_s / PERIOD_PARTS
            self._alive_due_s = now_s + (turn_s if self._say_alive(now_s, turn_s) else AGAIN_S)

    def _say_clock(self, now_s: float) -> bool:
        area = self._area()
        if area is None:
            return True
        zone_s = ZONES[self._habits.clock_zone]
        said = clock_announcement(area, self._clock.wall(), valid_s=CLOCK_VALID_S, zone_offset_s=zone_s)
        return self._found_room(said, now_s)

    def _say_maintenance(self, now_s: float) -> bool:
        """Type 2 to everybody: with every connect and clock, for terminals that were switched on since."""
        content = Maintenance(enabled=True, period_s=self._habits.maintenance_s)
        area = self._area()
        return area is None or self._found_room(self._once(everybody_in(area), content), now_s)

    def _say_alive(self, now_s: float, turn_s: float) -> bool:
        """Type 21, its counter moved and so a packet of its own each time; said once. One that alerts have held up for
        a turn goes before everybody's second pass, since terminals fall silent when a whole period has none."""
        area = self._area()
        if area is None:
            return True
        content = Alive(self._counter)
        self._counter = (self._counter + 1) % COUNTER_VALUES
        return self._found_room(
            Announcement(
                None,
                None,
                Kind.ALIVE,
                LEVEL_LEAST_SEVERE,
                everybody_in(area),
                content,
                Repeats(1),
                until=self._clock.wall() + self._habits.maintenance_s,
                overtakes_at_s=now_s + turn_s,
            ),
            now_s,
        )

    def _found_room(self, said: Announcement, now_s: float) -> bool:
        try:
            self._say(said, now_s)
        except OutboxFull:  # alerts fill the air
            return False
        return True

    # ---- with alerts -----------------------------------------------------------------------------------------------

    def with_start(self, command: Start, now_s: float) -> None:
        """The text that goes with a start, where the link is to show texts."""
        if not self._habits.texts:
            return
        try:
            shown = text_announcement(command, self._habits.text_period_s)
        except LocalProtocolError as error:
            log.warning("fm.text_left_out", link=self._habits.link, alert=command.ebm_id, reason=str(error))
            return
        if shown is None:
            return
        if shown.left:
            log.warning("fm.text_cut", link=self._habits.link, alert=command.ebm_id, left=shown.left)
        if not self._found_room(shown.announcement, now_s):
            log.warning("fm.text_left_out", link=self._habits.link, alert=command.ebm_id, reason="no room")

    # ---- when told to ----------------------------------------------------------------------------------------------

    def offer(self, command: SetClock | Authorise | Air, now_s: float) -> None:
        """Say it; what cannot be said is told at once as `Unsaid`."""
        try:
            match command:
                case SetClock():
                    self._say_clock(now_s)
                case Authorise():
                    for said in self._authorising(command):
                        self._say(said, now_s)
                case Air():
                    self._say(replace(self._once(command.members, command.content), token=command.token), now_s)
        except (LocalProtocolError, RemoteProtocolError, OutboxFull) as error:
            if not isinstance(command, SetClock):
                self._tell(Unsaid(self._habits.link, command.token, str(error)))

    def said(self, token: int) -> None:
        """A burst is over."""
        self._tell(PassedOn(self._habits.link, token))

    def dropped(self, said: Announcement, reason: str) -> None:
        """Something left the queue before it was said as often as it should be."""
        if said.token is not None:
            self._tell(Unsaid(self._habits.link, said.token, reason))

    def _authorising(self, command: Authorise) -> list[Announcement]:
        habits, wall_s = self._habits, self._clock.wall()
        repeats = Repeats(habits.burst)
        return authorise_announcements(
            command, self._area(), repeats, type6=habits.type6, wall_s=wall_s, valid_s=ORDER_VALID_S
        )

    def _once(self, targets: tuple[ResourceCode, ...], content: Content) -> Announcement:
        """A burst and no more: who missed it can be told again. Raises LocalProtocolError."""
        frames = frames_of(targets, content)
        until = self._clock.wall() + ORDER_VALID_S + self._habits.burst * air_time_s(sum(frames))
        repeats = Repeats(self._habits.burst)
        return Announcement(None, None, Kind.CONFIGURATION, LEVEL_LEAST_SEVERE, targets, content, repeats, until=until)


def frames_of(targets: tuple[ResourceCode, ...], content: Content) -> list[int]:
    """Frames of each packet that a content needs. Raises LocalProtocolError for what no packet can carry."""
    return [frame_count(len(command) + BLOCK_BYTES) for _, command in packets_of(targets, content)]
