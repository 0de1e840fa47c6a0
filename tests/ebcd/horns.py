"""Simulated terminals and links that lose, delay, repeat and disconnect by a seed, for whole-county tests."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from devices.link import (
    Answered,
    AskState,
    Began,
    Command,
    Connected,
    DeviceState,
    Disconnected,
    Ended,
    Event,
    Heartbeat,
    LinkCapabilities,
    LinkStatus,
    LinkUp,
    NoAnswer,
    OutboxFull,
    Path,
    Played,
    Sent,
    Start,
    StateTold,
    Stop,
    Verb,
)
from devices.ports import Clock
from ebcd.inventory import Inventory
from protocols.codes import EbmId, ResourceCode, matches

DIALLED = (Path.IP, Path.CELLULAR, Path.MQTT)


@dataclass(frozen=True, slots=True)
class Cruelty:
    """What may go wrong, as probabilities and seconds."""

    lost: float = 0.1  # of commands, and of answers
    repeated: float = 0.1
    refused: float = 0.03
    told_lost: float = 0.5  # of the lost ones the driver notices and says so
    full: float = 0.03  # of offers that find no room
    delay_s_max: float = 4.0


@dataclass
class Horn:
    """One terminal. It forgets everything when its power goes."""

    code: ResourceCode
    playing: dict[EbmId, int] = field(default_factory=dict)  # until
    stopped: set[EbmId] = field(default_factory=set)
    begun: set[EbmId] = field(default_factory=set)  # ever, by the test's own memory
    connected: set[Path] = field(default_factory=set)

    def start(self, command: Start, now_s: float) -> bool:
        """Begin, unless it is over, or plays or was stopped already (I3, I7, I11). Whether it sounds now."""
        if command.ebm_id in self.stopped or now_s >= command.end:
            return False
        self.playing[command.ebm_id] = command.end
        self.begun.add(command.ebm_id)
        return True

    def stop(self, ebm_id: EbmId) -> None:
        self.stopped.add(ebm_id)
        self.playing.pop(ebm_id, None)

    def over(self, now_s: float) -> list[EbmId]:
        """Take out what has reached its end."""
        ended = [ebm_id for ebm_id, end in self.playing.items() if now_s >= end]
        for ebm_id in ended:
            del self.playing[ebm_id]
        return ended

    @property
    def state(self) -> DeviceState:
        return DeviceState.WORKING if self.playing else DeviceState.IDLE


class Field:
    """All terminals of a county, and the air between them and whoever leads the county at the moment."""

    def __init__(self, inventory: Inventory, horns: Iterable[Horn], clock: Clock, chance: random.Random) -> None:
        self.inventory = inventory
        self.horns = {horn.code: horn for horn in horns}
        self.clock = clock
        self.chance = chance
        self.cruelty = Cruelty(lost=chance.choice((0.02, 0.1, 0.4)), delay_s_max=chance.choice((1.0, 4.0, 15.0)))
        self._fm = {t.code for t in inventory.terminals_in(inventory.places) if Path.FM in t.paths}
        self.sink: Callable[[Event], None] | None = None
        self.starts: list[tuple[float, Path, Start]] = []

    def later(self, call: Callable[[], object]) -> None:
        """Some time from now, if at all, or twice."""
        if self.chance.random() < self.cruelty.lost:
            return
        loop, repeat = asyncio.get_running_loop(), self.chance.random() < self.cruelty.repeated
        for _ in range(2 if repeat else 1):
            delay_s = self.chance.random() ** 4 * self.cruelty.delay_s_max
            loop.call_later(delay_s, call)

    def tell(self, event: Event) -> None:
        """An event reaches the daemon of this life, if one lives."""
        if self.sink is not None:
            self.sink(event)

    def behind(self, adapter: ResourceCode, targets: Iterable[ResourceCode]) -> list[Horn]:
        """Terminals that an adapter passes a command on to."""
        return [
            horn
            for horn in self.horns.values()
            if self.inventory.adapter_of(horn.code) == adapter and any(matches(t, horn.code) for t in targets)
        ]

    def hearing(self, targets: Iterable[ResourceCode]) -> list[Horn]:
        """Terminals with an FM receiver that are meant."""
        return [
            horn
            for horn in self.horns.values()
            if horn.code in self._fm and any(matches(t, horn.code) for t in targets)
        ]

    def connect(self, horn: Horn, path: Path, *, rebooted: bool = False) -> None:
        horn.connected.add(path)
        self.tell(Connected(path.value, horn.code))
        self.tell(Heartbeat(path.value, horn.code, "", horn.state, rebooted))

    def disconnect(self, horn: Horn, path: Path) -> None:
        horn.connected.discard(path)
        self.tell(Disconnected(path.value, horn.code, "reset"))

    def reboot(self, horn: Horn) -> None:
        """Power off and on."""
        horn.playing.clear()
        horn.stopped.clear()
        for path in list(horn.connected):
            self.disconnect(horn, path)
            self.connect(horn, path, rebooted=True)

    def tick(self) -> None:
        """Terminals whose message is over report it."""
        for horn in self.horns.values():
            for ebm_id in horn.over(self.clock.wall()):
                path = next(iter(sorted(horn.connected)), Path.ADAPTER)
                played = Played(path.value, horn.code, ebm_id, True, 1, "")
                self.later(lambda played=played: self.tell(played))  # type: ignore[misc]


class CruelLink:
    """One path of one life of the daemon."""

    def __init__(self, path: Path, field_: Field) -> None:
        self.name, self.path = path.value, path
        self.capabilities = LinkCapabilities(path is not Path.FM, path is not Path.FM, 255)
        self._field = field_

    async def run(self) -> None:
        """Works by timers."""

    def status(self) -> LinkStatus:
        """Always up."""
        return LinkStatus(True, "", 0, 0, 1, 0)

    def offer(self, command: Command) -> None:
        """Carry it out sometime; also after the daemon that asked is dead."""
        here = self._field
        if here.chance.random() < here.cruelty.full and not isinstance(command, Stop):
            raise OutboxFull("no room")
        if isinstance(command, Start):
            here.starts.append((here.clock.wall(), self.path, command))
        if self.path is Path.FM:
            self._on_air(command)
            return
        for member in command.members:
            here.later(lambda member=member: self._arrives(command, member))  # type: ignore[misc]
            noticed = here.chance.random() < here.cruelty.lost * here.cruelty.told_lost
            if noticed and isinstance(command, Start | Stop):
                verb = Verb.START if isinstance(command, Start) else Verb.STOP
                here.tell(NoAnswer(self.name, member, command.ebm_id, verb, "lost"))

    def _on_air(self, command: Command) -> None:
        here = self._field
        if not isinstance(command, Start | Stop):
            return
        for horn in here.hearing(command.targets):
            here.later(lambda horn=horn: self._obey(horn, command))  # type: ignore[misc]
        verb = Verb.START if isinstance(command, Start) else Verb.STOP
        here.later(lambda: here.tell(Sent(self.name, command.ebm_id, verb, 1, 2496)))

    def _obey(self, horn: Horn, command: Start | Stop) -> bool:
        if isinstance(command, Start):
            return horn.start(command, self._field.clock.wall())
        horn.stop(command.ebm_id)
        return True

    def _arrives(self, command: Command, member: ResourceCode) -> None:
        if self.path is Path.ADAPTER:
            self._at_adapter(command, member)
        elif (horn := self._field.horns[member]).connected & {self.path}:
            self._at_terminal(command, horn)

    def _at_adapter(self, command: Command, adapter: ResourceCode) -> None:
        here = self._field
        if isinstance(command, AskState):
            served = [h for h in here.horns.values() if here.inventory.adapter_of(h.code) == adapter]
            playing = {ebm_id for horn in served for ebm_id in horn.playing}
            state = DeviceState.WORKING if playing else DeviceState.IDLE
            here.later(lambda: here.tell(StateTold(self.name, adapter, state, tuple(sorted(playing)))))
            return
        if not isinstance(command, Start | Stop):
            return
        verb = Verb.START if isinstance(command, Start) else Verb.STOP
        here.later(lambda: here.tell(Answered(self.name, adapter, command.ebm_id, verb, 0, "")))
        for horn in here.behind(adapter, command.targets):
            if isinstance(command, Start) and self._obey(horn, command):
                began = Began(self.name, horn.code, command.ebm_id, int(here.clock.wall()))
                here.later(lambda began=began: here.tell(began))  # type: ignore[misc]
            elif isinstance(command, Stop):
                self._obey(horn, command)
                ended = Ended(self.name, horn.code, command.ebm_id, int(here.clock.wall()))
                here.later(lambda ended=ended: here.tell(ended))  # type: ignore[misc]

    def _at_terminal(self, command: Command, horn: Horn) -> None:
        here = self._field
        match command:
            case AskState():
                here.later(lambda: here.tell(StateTold(self.name, horn.code, horn.state, None)))
            case Start():
                refuses = here.chance.random() < here.cruelty.refused
                result = 0 if not refuses and self._obey(horn, command) else 3
                answer = Answered(self.name, horn.code, command.ebm_id, Verb.START, result, "")
                here.later(lambda: here.tell(answer))
            case Stop():
                self._obey(horn, command)
                answer = Answered(self.name, horn.code, command.ebm_id, Verb.STOP, 0, "")
                here.later(lambda: here.tell(answer))


def up(field_: Field) -> None:
    """What a new life of the daemon hears first: the transmitter is there, terminals dial in again within seconds."""
    field_.tell(LinkUp(Path.FM.value))
    for horn in field_.horns.values():
        for path in sorted(horn.connected):
            delay_s = field_.chance.random() * 5
            asyncio.get_running_loop().call_later(delay_s, field_.connect, horn, path)
