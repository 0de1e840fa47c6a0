"""What the FM carousel has to say: link commands as contents of GD/J 085 packets, with how often to say them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from math import inf
from typing import Final

from devices.link import Start, Stop, Verb
from devices.maintenance import Authorise
from protocols.codes import AreaCode, EbmId, ResourceCode, matches
from protocols.fm.configuration import Authorisation, Certificates, Clock, SetCode
from protocols.fm.daily import Amplifier, AmplifierState, Daily
from protocols.fm.emergency import (
    LEVEL_LEAST_SEVERE,
    LEVEL_MOST_SEVERE,
    Drill,
    DrillKind,
    DrillOperation,
    Emergency,
    FactoryReset,
    Reset,
)
from protocols.fm.fields import VOLUME_UNCHANGED, Action, Switch
from protocols.fm.frame import air_time_s, frame_count
from protocols.fm.packet import Content, encode_command, split_codes
from protocols.signature import BLOCK_BYTES, AuthorisationList, SignatureBlock

EMERGENCY_CLASS: Final = 4
DAILY_CLASS: Final = 5
TERMINAL_LEVELS: Final = (6, 5)  # villages, and towns that have terminals of their own
LOUDSPEAKERS: Final = ("0314", "00", "04", "00")  # every terminal of every loudspeaker system (GD/J 080 table B.1)


CERTIFICATES_MAX: Final = 7  # of a type 7 packet with at least ten addresses beside them (1,273 bytes in all)


class Type6(StrEnum):
    """Content of a type 6 packet: GD/J 085 clause 5.2.8 names clause 6.2.1 of GD/J 081, its purpose is clause 6.5."""

    LIST = "list"  # the whole list
    BLOCK = "block"  # 74 bytes by the letter: a time, the list's signer and its signature; no list is in them


class Kind(IntEnum):
    """Worth on air, best first (fm-rds.md section 9)."""

    EMERGENCY_STOP = 0
    EMERGENCY_START = 1
    DRILL = 2
    TEXT = 3
    ALIVE = 4
    DAILY = 5
    CONFIGURATION = 6

    @property
    def urgent(self) -> bool:
        """Whether it is worth a place beside other emergencies' repeats."""
        return self <= Kind.EMERGENCY_START


@dataclass(frozen=True, slots=True)
class Repeats:
    """First `burst` passes back-to-back, then one at least every `period_s`, for `linger_s` after the burst began; then
    one at least every `tail_period_s`, for `tail_s` more.

    No `period_s`: only the burst. No `linger_s`: until it is taken away or its `until` comes.
    """

    burst: int
    period_s: float | None = None
    linger_s: float | None = None
    tail_period_s: float = 0.0
    tail_s: float = 0.0

    def period_at(self, age_s: float) -> float | None:
        """Seconds between two passes at this age, once the burst is over; None: no further pass."""
        late = self.linger_s is not None and age_s >= self.linger_s
        return self.tail_period_s if late and self.tail_s else self.period_s

    def over_at(self, age_s: float) -> bool:
        """Whether it has been said for long enough."""
        return self.linger_s is not None and age_s >= self.linger_s + self.tail_s


@dataclass(frozen=True, slots=True)
class Announcement:
    """One thing to say, to whom and how often. `until`: UTC second from which it may not be said any more."""

    ebm_id: EbmId | None
    verb: Verb | None
    kind: Kind
    level: int
    targets: tuple[ResourceCode, ...]
    content: Content
    repeats: Repeats
    until: float | None = None
    stop: Stop | None = None  # what to say at `until`, once this has been on air: FM frames carry no end time
    token: int | None = None  # of whoever waits until the burst is over
    overtakes_at_s: float = inf  # monotonic second from which it goes before everybody's second pass

    @property
    def members(self) -> tuple[ResourceCode, ...]:
        """The devices whose start this is."""
        return () if self.stop is None else self.stop.members

    @property
    def ends_with_its_message(self) -> bool:
        """Whether the message's stop takes it away: its start, and the text that goes with it."""
        return self.verb is Verb.START or self.kind is Kind.TEXT

    def covered_by(self, targets: Iterable[ResourceCode]) -> bool:
        """Whether everybody it means is meant by `targets`, too."""
        wide = tuple(targets)
        return all(covered(target, wide) for target in self.targets)


def covered(target: ResourceCode, wide: Iterable[ResourceCode]) -> bool:
    """Whether an address lies inside one of the wider ones."""
    return any(matches(other, target) for other in wide)


def overlap(one: Iterable[ResourceCode], other: Iterable[ResourceCode]) -> bool:
    """Whether anybody may be meant by both."""
    wide = tuple(other)
    return any(matches(mine, theirs) or matches(theirs, mine) for mine in one for theirs in wide)


def disturbs(content: Content) -> bool:
    """Whether a terminal that obeys it stops sounding, or no longer hears the stop of what it sounds."""
    match content:
        case Reset() | FactoryReset() | SetCode() | Amplifier(state=AmplifierState.OFF):
            return True
        case _:
            return False


def in_the_way(said: Announcement, started: Announcement) -> bool:
    """Whether `said` would disturb what `started` began; a code by physical address may be anybody's."""
    targets = said.targets
    return disturbs(said.content) and (not targets or overlap(targets, started.targets))


def packets_of(targets: Sequence[ResourceCode], content: Content) -> list[tuple[tuple[ResourceCode, ...], bytes]]:
    """Codes and unsigned bytes of each packet that a content needs; the one of type 1 without codes is one packet.
    Raises LocalProtocolError for what no packet can carry."""
    portions = split_codes(targets, content) or ((),)
    return [(codes, encode_command(codes, content)) for codes in portions]


def start_announcement(command: Start, repeats: Repeats, *, frequency_khz: int) -> Announcement:
    """Class 4 is packet type 11, 1-3 type 14, 5 type 22 (fm-rds.md section 11). `frequency_khz` 0: stay."""
    stop = Stop(command.ebm_id, command.class_, command.level, command.event_type, command.targets, command.members)
    return Announcement(
        command.ebm_id,
        Verb.START,
        _kind(command.class_, Kind.EMERGENCY_START),
        level_on_air(command.level),
        command.targets,
        _content(command, Action.START, frequency_khz, _volume(command.volume)),
        repeats,
        until=command.end,
        stop=stop,
    )


def stop_announcement(command: Stop, repeats: Repeats) -> Announcement:
    """The stop of the same type as the start was; it names no frequency."""
    return Announcement(
        command.ebm_id,
        Verb.STOP,
        _kind(command.class_, Kind.EMERGENCY_STOP),
        level_on_air(command.level),
        command.targets,
        _content(command, Action.STOP, 0, VOLUME_UNCHANGED),
        repeats,
    )


def everybody_in(area: AreaCode) -> tuple[ResourceCode, ...]:
    """Every terminal of the area."""
    return tuple(ResourceCode.build(level, area, *LOUDSPEAKERS) for level in TERMINAL_LEVELS)


def clock_announcement(area: AreaCode, wall_s: float, *, valid_s: float, zone_offset_s: int) -> Announcement:
    """Type 3 to every terminal of the area. It is said once, at once or never: an old clock is a wrong one."""
    targets = everybody_in(area)
    command = encode_command(targets, Clock.from_utc(round(wall_s), zone_offset_s=zone_offset_s))
    on_air_s = air_time_s(frame_count(len(command) + BLOCK_BYTES))  # what it is when the last frame has arrived
    return Announcement(
        None,
        None,
        Kind.CONFIGURATION,
        LEVEL_LEAST_SEVERE,
        targets,
        Clock.from_utc(
            round(wall_s + on_air_s), zone_offset_s=zone_offset_s
        ),  # what it is when the last frame has arrived
        Repeats(burst=1),
        until=wall_s + valid_s,
    )


def authorise_announcements(
    command: Authorise, area: AreaCode | None, repeats: Repeats, *, type6: Type6, wall_s: float, valid_s: float
) -> list[Announcement]:
    """Certificates (type 7), then lists (type 6), as GD/J 085 clauses 5.2.8 and 5.2.9 have them; the last one bears the
    token, and its last pass comes after everybody's. Certificates alone are for everybody in the transmitter's `area`:
    they prove themselves, and two addresses are shorter than a hundred. Raises RemoteProtocolError for a list that is
    none."""
    targets = command.members if command.lists or area is None else everybody_in(area)
    lists = (data if type6 is Type6.LIST else _block_of(data, wall_s).encode() for data in command.lists)
    contents: list[Content] = [Certificates(portion) for portion in _portions(command.certificates)]
    contents += map(Authorisation, lists)
    last = len(contents) - 1
    packets = (frame_count(len(encode_command(targets[:1], content)) + BLOCK_BYTES) for content in contents)
    until = wall_s + valid_s + repeats.burst * sum(map(air_time_s, packets))
    return [
        Announcement(
            None,
            None,
            Kind.CONFIGURATION,
            LEVEL_LEAST_SEVERE,
            targets,
            content,
            repeats,
            until=until,
            token=command.token if number == last else None,
        )
        for number, content in enumerate(contents)
    ]


def _portions(certificates: Sequence[bytes]) -> Iterable[tuple[bytes, ...]]:
    return (tuple(certificates[at : at + CERTIFICATES_MAX]) for at in range(0, len(certificates), CERTIFICATES_MAX))


def _block_of(data: bytes, wall_s: float) -> SignatureBlock:
    listed = AuthorisationList.decode(data)
    return SignatureBlock(int(wall_s), listed.signer, listed.signature)


def _kind(class_: int, emergency: Kind) -> Kind:
    if class_ == EMERGENCY_CLASS:
        return emergency
    return Kind.DAILY if class_ == DAILY_CLASS else Kind.DRILL


def level_on_air(level: int) -> int:
    """Event level 0, "default", does not exist on air: the least severe stands for it (fm-rds.md section 11)."""
    return level if LEVEL_MOST_SEVERE <= level <= LEVEL_LEAST_SEVERE else LEVEL_LEAST_SEVERE


def _volume(volume: int) -> int:
    return volume if 0 <= volume <= 100 else VOLUME_UNCHANGED


def _content(command: Start | Stop, action: Action, frequency_khz: int, volume: int) -> Content:
    switch = Switch.TO_FREQUENCY if frequency_khz else Switch.STAY
    if command.class_ == EMERGENCY_CLASS:
        return Emergency(action, switch, level_on_air(command.level), command.event_type, command.ebm_id, frequency_khz)
    if command.class_ == DAILY_CLASS:
        return Daily(action, switch, command.ebm_id, frequency_khz, volume)
    operation = DrillOperation.PLAY_FREQUENCY if action is Action.START else DrillOperation.STOP
    return Drill(DrillKind(command.class_), operation, command.ebm_id)
