"""Which frame is next on air: the FM link's scheduler, without a clock, a socket or a task of its own.

Its rules, with their clauses in fm-rds.md sections 5 and 9:

- A better kind goes first, frame by frame: an interrupted packet goes on where it was, receivers do not mind. Among
  emergencies everybody's first pass comes before anybody's second, so a fresh start waits at most for one pass of a
  stop and never for a burst of repeats; the burst of a start of level 1 or 2 comes before the second pass of all else.
- Of stops in the same round the newest goes first: the others were said before, or before a restart, and a receiver
  that missed the end of the last message is the one that would not begin the next.
- A repeat is byte-identical: same signature, same version. Near the end of the receivers' time window a packet is
  signed anew and gets a new version; a version on air is never given to another packet.
- Nothing is said after its end (I3), and no start after its stop. FM frames carry no end time, so the end of a start
  that was on air is said by a stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from math import inf
from typing import Final

from devices.fm_announcement import (
    Announcement,
    Kind,
    Repeats,
    covered,
    in_the_way,
    packets_of,
    stop_announcement,
)
from devices.link import OutboxFull, Stop, Verb
from protocols.codes import EbmId
from protocols.errors import LocalProtocolError
from protocols.fm.frame import FILLER_FRAME, FRAME_BITS, VERSIONS, SourceLevel, Versions, to_frames
from protocols.signature import SignatureBlock

STOPPED_MAX: Final = 1024
SEVERE_LEVEL_LEAST: Final = 2
SEVERE_ROUND: Final = 0.25  # the whole burst of a severe start comes before anybody's second pass
OVERDUE_ROUND: Final = 0.125  # what must not wait any longer: behind first passes, before all others
STOP_PACKETS_RESERVED: Final = 4  # of the 32, so that a cancel always finds room (I12)
ROTATIONS_PER_MESSAGE_MAX: Final = 4  # a message told to ever more places joins its packets instead of adding one


@dataclass(frozen=True, slots=True)
class PassDone:
    """A message's packets have all been on air, `passes` times; `bits` of air so far."""

    ebm_id: EbmId
    verb: Verb
    passes: int
    bits: int


@dataclass(frozen=True, slots=True)
class BurstDone:
    """The burst of an announcement with a token is over."""

    token: int


@dataclass(frozen=True, slots=True)
class NeverOnAir:
    """It left before it was said as often as it should have been: its end came first, or something better."""

    announcement: Announcement
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """One frame of eight bytes, and what came true with it."""

    frame: bytes
    events: tuple[PassDone | BurstDone | NeverOnAir, ...]


class _Rotation:
    """One announcement on its way round."""

    __slots__ = (
        "announcement", "began_s", "bits", "commands", "cursor", "due_s", "frames", "number", "pass_began_s", "passes",
        "round", "signed_s", "versions",
    )  # fmt: skip

    def __init__(self, announcement: Announcement, number: int, now_s: float) -> None:
        self.announcement = announcement
        self.commands = [command for _, command in packets_of(announcement.targets, announcement.content)]
        self.number = number
        self.frames: tuple[bytes, ...] = ()
        self.versions: tuple[int, ...] = ()
        self.signed_s = 0.0
        self.cursor = 0
        self.passes = 0
        self.round = 0  # passes of the present burst
        self.bits = 0
        self.due_s = self.pass_began_s = self.began_s = now_s

    @property
    def worth(self) -> tuple[float, ...]:
        """Smaller goes first: bursts by round, repeats after them by how overdue they are."""
        kind, level = self.announcement.kind, self.announcement.level
        severe = kind is Kind.EMERGENCY_START and level <= SEVERE_LEVEL_LEAST
        burst_round = self.round * SEVERE_ROUND if severe else self.round
        age = -self.number if self.announcement.verb is Verb.STOP else self.number
        turn = (inf, 0.0, self.due_s) if self.told else (burst_round, level, age)
        if kind.urgent:
            return (0, turn[0], 0.0 if self.told else kind, *turn[1:])
        return (1, kind, *turn)

    def worth_at(self, now_s: float) -> tuple[float, ...]:
        """The same where it has waited too long: behind everybody's first pass, before everybody's second."""
        return self.worth if now_s < self.announcement.overtakes_at_s else (0, OVERDUE_ROUND)

    @property
    def told(self) -> bool:
        """Whether the burst is over."""
        return self.round >= self.announcement.repeats.burst

    def over(self, now_s: float) -> bool:
        """Whether it has been said for long enough; a pass that has begun is finished."""
        return self.announcement.repeats.over_at(now_s - self.began_s) and self.told and not self.cursor

    def says(self, ebm_id: EbmId | None, verb: Verb | None) -> bool:
        """Whether it is this message's start or stop."""
        return ebm_id is not None and self.announcement.ebm_id == ebm_id and self.announcement.verb is verb

    def again(self, now_s: float) -> None:
        """Somebody new listens, or what was on its way is lost: say it from the beginning, as if it were new."""
        self.cursor = self.round = 0
        self.due_s = self.began_s = now_s


class Carousel:
    """Everything that rotates on one transmitter."""

    def __init__(
        self,
        sign: Callable[[bytes], SignatureBlock],
        *,
        source_level: SourceLevel,
        first_version: int,
        resign_s: float,
        stop_repeats: Repeats,
        packets_max: int = VERSIONS,
    ) -> None:
        """`resign_s`: the age at which a signature is replaced, well inside the receivers' time window (300 s).
        At most `packets_max` packets rotate (GD/J 085 clause 5.4: 32)."""
        self._sign = sign
        self._source_level = source_level
        self._numbers = Versions(first_version)
        self._resign_s = resign_s
        self._stop_repeats = stop_repeats
        self._packets_max = min(packets_max, VERSIONS)
        self._rotations: list[_Rotation] = []
        self._stopped: dict[EbmId, Stop] = {}
        self._made = 0
        self._gone: list[NeverOnAir] = []  # pushed out or withdrawn, and not told of so far
        self.dropped = 0
        """Announcements pushed out by better ones, or too late to be said."""

    def __len__(self) -> int:
        """Packets in rotation."""
        return sum(len(rotation.commands) for rotation in self._rotations)

    @property
    def version(self) -> int:
        """The next version number that will be given out."""
        return self._numbers.next

    @property
    def _apart(self) -> int:
        """Packets that keep terminals sounding: they take nobody's place but one of those that wait for stops."""
        return sum(len(r.commands) for r in self._rotations if r.announcement.kind is Kind.ALIVE)

    def start(self, announcement: Announcement, now_s: float) -> None:
        """Say a message, or say it to more places. What was stopped is not started again.

        Raises OutboxFull when 32 packets rotate and none is worth less, LocalProtocolError when it fits no packet.
        """
        known = self._stopped.get(announcement.ebm_id) if announcement.ebm_id is not None else None
        if known is None or not announcement.covered_by(known.targets):
            self._withdraw(lambda r: in_the_way(r.announcement, announcement), "an alert came first")
            self._tell_more(announcement, now_s)

    def stop(self, command: Stop, now_s: float) -> None:
        """End a message for some places or, with the id of zeros, every message; its start is not said once more.

        Raises OutboxFull and LocalProtocolError as `start` does.
        """
        announcement = stop_announcement(command, self._stop_repeats)
        for rotation in [r for r in self._rotations if r.announcement.ends_with_its_message]:
            if command.ebm_id in (EbmId.EVERYTHING, rotation.announcement.ebm_id):
                self._silence(rotation, command, now_s)
        if command.ebm_id != EbmId.EVERYTHING:
            if len(self._stopped) >= STOPPED_MAX:
                del self._stopped[next(iter(self._stopped))]
            self._stopped[command.ebm_id] = command
        self._tell_more(announcement, now_s)

    def say(self, announcement: Announcement, now_s: float) -> None:
        """Anything that is neither start nor stop. Of type 21 the one that waits already stands for another; a text is
        said beside its message only. Raises OutboxFull, LocalProtocolError, also for what a running alert forbids."""
        running = next((r for r in self._rotations if _starts(r) and in_the_way(announcement, r.announcement)), None)
        if running is not None:
            raise LocalProtocolError(f"{running.announcement.ebm_id} is on air there")
        mine = [r for r in self._rotations if r.announcement.kind is announcement.kind]
        if announcement.kind is Kind.TEXT:
            self._show(announcement, [r for r in mine if r.says(announcement.ebm_id, None)], now_s)
        elif announcement.kind is not Kind.ALIVE or not mine:
            self._enter(announcement, now_s)

    def _show(self, text: Announcement, shown: list[_Rotation], now_s: float) -> None:
        """Show a message's text where it is said, and not twice at one place."""
        if not any(r.says(text.ebm_id, Verb.START) for r in self._rotations):
            return
        before = tuple(chain.from_iterable(r.announcement.targets for r in shown))
        missing = tuple(target for target in text.targets if not covered(target, before))
        if missing:
            self._enter(replace(text, targets=(*before, *missing)), now_s, shown)

    def lost(self, now_s: float, *, anew: bool = False) -> None:
        """What was on its way to the transmitter may never have been on air: every burst begins anew. `anew`: under new
        signatures, for receivers that have fallen silent meanwhile and take a packet that they know for a repeat."""
        for rotation in self._rotations:
            rotation.again(now_s)
            if anew:
                rotation.frames = ()

    def next_frame(self, wall_s: float, now_s: float) -> Step:
        """The next frame; a filler when nothing is due. `wall_s` judges ends, `now_s` (monotonic) everything else."""
        events: list[PassDone | BurstDone | NeverOnAir] = list(self.expire(wall_s, now_s))
        due = [rotation for rotation in self._rotations if rotation.due_s <= now_s]
        if not due:
            return Step(FILLER_FRAME, tuple(events))
        rotation = min(due, key=lambda each: each.worth_at(now_s))
        if not rotation.cursor:
            self._begin_pass(rotation, now_s)
        frame = rotation.frames[rotation.cursor]
        rotation.cursor += 1
        rotation.bits += FRAME_BITS
        if rotation.cursor == len(rotation.frames):
            events += self._end_pass(rotation, now_s)
        return Step(frame, tuple(events))

    def _tell_more(self, announcement: Announcement, now_s: float) -> None:
        """Say it to those to whom it is not said yet. A start that was told often enough is told anew to the others:
        somebody there was given up by a better path."""
        mine = [r for r in self._rotations if r.says(announcement.ebm_id, announcement.verb)]
        missing = []
        for target in announcement.targets:
            heard = [r for r in mine if covered(target, r.announcement.targets)]
            if not heard:
                missing.append(target)
            elif announcement.verb is Verb.START and all(r.told for r in heard):
                heard[0].again(now_s)
        if not missing:
            return
        # Places that nobody has been told yet may share a packet; a packet on air keeps its bytes.
        joined = [r for r in mine if not r.bits] if len(mine) < ROTATIONS_PER_MESSAGE_MAX else mine
        before = chain.from_iterable(r.announcement.targets for r in joined)
        targets = tuple(dict.fromkeys((*before, *missing)))
        stop = announcement.stop
        if stop is not None:
            members = chain.from_iterable(r.announcement.members for r in joined)
            stop = replace(stop, targets=targets, members=tuple(dict.fromkeys((*members, *stop.members))))
        self._enter(replace(announcement, targets=targets, stop=stop), now_s, instead_of=joined)

    def _enter(self, announcement: Announcement, now_s: float, instead_of: list[_Rotation] | None = None) -> None:
        rotation = _Rotation(announcement, self._made, now_s)
        leaving = instead_of or []
        most = self._packets_max
        if announcement.verb is not Verb.STOP and announcement.kind is not Kind.ALIVE:
            most -= STOP_PACKETS_RESERVED
        held = len(self) - (0 if announcement.verb is Verb.STOP else self._apart)
        free = most - held + sum(len(r.commands) for r in leaving)
        victims: list[_Rotation] = []
        for victim in sorted(self._rotations, key=lambda r: r.worth, reverse=True):
            if free >= len(rotation.commands):
                break
            if victim not in leaving and _worth_less(victim, announcement):
                victims.append(victim)
                free += len(victim.commands)
        if free < len(rotation.commands):
            raise OutboxFull(f"{len(self)} packets rotate, {most} may; none is worth less than this one")
        self.dropped += len(victims)
        self._gone += [
            NeverOnAir(victim.announcement, "pushed out by something better") for victim in victims if not victim.told
        ]
        self._made += 1
        self._rotations = [r for r in self._rotations if r not in victims and r not in leaving] + [rotation]

    def _silence(self, rotation: _Rotation, command: Stop, now_s: float) -> None:
        """Take a start away, or leave it to the places the stop does not mean."""
        said = rotation.announcement
        left = tuple(target for target in said.targets if not covered(target, command.targets))
        if left == said.targets:
            return
        self._rotations.remove(rotation)
        if left:
            stop = None if said.stop is None else replace(said.stop, targets=left)
            smaller = _Rotation(replace(said, targets=left, stop=stop), rotation.number, now_s)
            smaller.passes, smaller.bits = rotation.passes, rotation.bits
            self._rotations.append(smaller)

    def expire(self, wall_s: float, now_s: float) -> list[NeverOnAir]:
        """Take away what is over. `next_frame` does it by itself; while no frames are asked for, call this."""
        never, self._gone = self._gone, []
        for rotation in list(self._rotations):
            said = rotation.announcement
            if rotation not in self._rotations:
                continue  # the stop of another part of the same message has just taken it away
            if said.until is not None and said.until <= wall_s:
                self._rotations.remove(rotation)
                if rotation.bits and said.stop is not None:
                    self.stop(said.stop, now_s)
                elif not rotation.passes or (said.verb is None and not rotation.told):
                    self.dropped += not rotation.passes
                    never.append(NeverOnAir(said, _how_far(rotation)))
            elif rotation.over(now_s):
                self._rotations.remove(rotation)
        return never

    def _withdraw(self, which: Callable[[_Rotation], bool], reason: str) -> None:
        """Take away what may not be said now."""
        leaving = [rotation for rotation in self._rotations if which(rotation)]
        self.dropped += len(leaving)
        self._gone += [NeverOnAir(rotation.announcement, reason) for rotation in leaving]
        self._rotations = [rotation for rotation in self._rotations if rotation not in leaving]

    def _begin_pass(self, rotation: _Rotation, now_s: float) -> None:
        rotation.pass_began_s = now_s
        if rotation.frames and now_s - rotation.signed_s < self._resign_s:
            return
        rotation.signed_s = now_s
        taken = {version for other in self._rotations if other is not rotation for version in other.versions}
        frames: list[bytes] = []
        versions: list[int] = []
        for command in rotation.commands:
            version = self._numbers.take(taken)
            taken.add(version)
            versions.append(version)
            frames += to_frames(command + self._sign(command).encode(), self._source_level, version)
        rotation.frames, rotation.versions = tuple(frames), tuple(versions)

    def _end_pass(self, rotation: _Rotation, now_s: float) -> Iterator[PassDone | BurstDone]:
        said = rotation.announcement
        rotation.cursor = 0
        rotation.passes += 1
        rotation.round += 1
        if rotation.told:
            period_s = said.repeats.period_at(now_s - rotation.began_s)
            if period_s is None:
                self._rotations.remove(rotation)
            else:
                rotation.due_s = rotation.pass_began_s + period_s
            if said.token is not None:
                yield BurstDone(said.token)
        if said.ebm_id is not None and said.verb is not None:
            others = [r for r in self._rotations if r.says(said.ebm_id, said.verb)] or [rotation]
            passes = min(r.passes for r in others)
            if passes:
                yield PassDone(said.ebm_id, said.verb, passes, sum(r.bits for r in others))


def _starts(rotation: _Rotation) -> bool:
    return rotation.announcement.verb is Verb.START


def _how_far(rotation: _Rotation) -> str:
    if not rotation.passes:
        return "over before it was on air"
    return f"its time was over when {rotation.passes} of {rotation.announcement.repeats.burst} passes were on air"


def _worth_less(victim: _Rotation, better: Announcement) -> bool:
    """Whether `victim` may be pushed out: worse in kind and no alert, or a stop that has been told often enough. What
    is no message itself pushes none out; what keeps terminals sounding goes for a stop alone, whose place it has."""
    said = victim.announcement
    if said.verb is Verb.STOP:
        return victim.told
    if said.kind is Kind.ALIVE:
        return better.verb is Verb.STOP
    if said.verb is not None and better.verb is None:
        return False
    return said.kind > max(better.kind, Kind.EMERGENCY_START)
