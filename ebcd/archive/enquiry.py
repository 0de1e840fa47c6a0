"""Settings and questions to devices over whatever link reaches them, and their answers, waited for.

Silence is an outcome of its own (I8): who has not answered when the time is up is not among the answers. Everything
goes through the links' outboxes as polls, which an alert pushes out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace

from devices.link import Event, Link, OutboxFull, Path
from devices.maintenance import (
    UNASKED,
    Air,
    AskValues,
    Authorise,
    Configure,
    Configured,
    Firmware,
    Given,
    PassedOn,
    Told,
    Unsaid,
    ValuesTold,
)
from devices.roster import DeviceKind, Roster
from ebcd.health import SPEAKING, HealthBook
from protocols.codes import ResourceCode
from protocols.fm.configuration import ScanEntry, ScanList

ANSWERS_S = 30.0
"""Longer than every link's own repeats, and than four exchanges with an adapter that takes five seconds for each."""
CODES_AT_ONCE_MAX = 200
"""Members of one command: its frame names them all."""
TOKENS = 2**31


@dataclass(slots=True)
class _Open:
    """What is waited for. `wanted`: who has not answered."""

    wanted: set[str]
    answers: dict[str, Configured] = field(default_factory=dict)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    links: int = 1  # that may put it on air
    unsaid: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Route:
    """How a device can be told something. `through`: the adapter that passes it on to a terminal."""

    path: Path
    through: ResourceCode | None = None


class Enquiries:
    """All of one daemon."""

    def __init__(
        self,
        links: Mapping[Path, Sequence[Link]],
        roster: Roster,
        health: HealthBook,
        adapter_of: Callable[[ResourceCode], ResourceCode | None],
    ) -> None:
        self._links = links
        self._roster = roster
        self._health = health
        self._adapter_of = adapter_of
        self._tokens = 0
        self._open: dict[int, _Open] = {}
        self._asked: dict[str, list[tuple[_Open, dict[str, Told]]]] = {}
        self._overheard: dict[str, list[int]] = {}

    def observe(self, event: Event) -> None:
        """Link events, answers among them."""
        match event:
            case Configured(code=code, token=token, result=result) if token == UNASKED:
                if code in self._overheard:
                    self._overheard[code].append(result)
            case PassedOn(token=token) if (waiting := self._open.get(token)) is not None:
                self._came(waiting, "*")
            case Unsaid(token=token, reason=reason) if (waiting := self._open.get(token)) is not None:
                waiting.unsaid.append(reason)
                if len(waiting.unsaid) >= waiting.links:
                    waiting.done.set()
            case Configured(code=code, token=token) if (waiting := self._open.get(token)) is not None:
                waiting.answers[code] = event
                self._came(waiting, code)
            case ValuesTold(code=code, told=told):
                for waiting, answers in self._asked.get(code, ()):
                    answers[code] = _merged(answers.get(code), told)
                    self._came(waiting, code)

    # ---- routes ----------------------------------------------------------------------------------------------------

    def route(self, code: ResourceCode) -> Route | None:
        """How to reach an adapter, whose address is known, or a terminal that speaks; None for one that does not, or
        cannot be reached singly."""
        health, device = self._health.of(code), self._roster.by_code(code)
        if device is None:
            return None
        if device.kind is DeviceKind.ADAPTER:
            return Route(Path.ADAPTER)
        if health.condition not in SPEAKING or health.path is None:
            return None
        if health.path is Path.ADAPTER:
            through = self._adapter_of(code)
            return None if through is None else Route(Path.ADAPTER, through)
        return Route(health.path)

    def asks(self, code: ResourceCode) -> bool:
        """Whether a device can be asked for its values where it is reached now."""
        route, device = self.route(code), self._roster.by_code(code)
        if route is None or device is None:
            return False
        if device.kind is DeviceKind.ADAPTER:
            return True
        return self.path_asks(route.path, device.mqtt_link if route.path is Path.MQTT else "")

    def path_asks(self, path: Path, link: str = "") -> bool:
        """Whether a path, or its link of this name, can bring the values of terminals."""
        links = (each for each in self._links.get(path, ()) if link in ("", each.name))
        return any(each.capabilities.asks for each in links)

    # ---- asking ----------------------------------------------------------------------------------------------------

    async def configure(self, codes: Iterable[ResourceCode], given: Given) -> dict[str, Configured]:
        """Give the same settings to devices; the answers by code. An adapter answers for the terminals behind it."""
        groups: dict[Route, list[ResourceCode]] = {}
        for code in codes:
            if (route := self.route(code)) is not None:
                groups.setdefault(route, []).append(code)
        found = await asyncio.gather(*(self._configure(route, group, given) for route, group in groups.items()))
        return {code: answer for answers in found for code, answer in answers.items()}

    async def _configure(self, route: Route, codes: list[ResourceCode], given: Given) -> dict[str, Configured]:
        if route.through is None:
            return await self.tell(route.path, lambda token: self._commands(codes, given, token), codes)
        through, targets = route.through, tuple(codes)
        told = await self.tell(
            Path.ADAPTER, lambda token: [Configure((through,), given, token, targets=targets)], [through]
        )
        answer = told.get(through)
        return {} if answer is None else {code: replace(answer, code=code) for code in codes}

    def _commands(self, codes: list[ResourceCode], given: Given, token: int) -> list[Configure]:
        step = CODES_AT_ONCE_MAX
        return [Configure(tuple(codes[at : at + step]), given, token) for at in range(0, len(codes), step)]

    async def tell(
        self,
        path: Path,
        commands: Callable[[int], Sequence[Configure | Firmware | Authorise]],
        codes: Iterable[str],
        *,
        link: str = "",
        any_code: bool = False,
    ) -> dict[str, Configured]:
        """Offer commands with one token and wait for the answers of `codes`, or of anybody to it."""
        self._tokens = self._tokens % TOKENS + 1
        token = self._tokens
        waiting = self._open[token] = _Open({"*"} if any_code else set(codes))
        try:
            for command in commands(token):
                self._offer(path, link, command)
            await self._wait(waiting)
        finally:
            del self._open[token]
        return waiting.answers

    async def air(self, command: Callable[[int], Authorise | Air], wait_s: float, *, link: str = "") -> str:
        """Have something put on air that nobody answers, by every FM link or the named one. "" when one of them had it
        on air within `wait_s`, otherwise why none had."""
        self._tokens = self._tokens % TOKENS + 1
        token = self._tokens
        waiting = self._open[token] = _Open({"*"})
        waiting.links = sum(link in ("", each.name) for each in self._links.get(Path.FM, ()))
        try:
            self._offer(Path.FM, link, command(token))
            await self._wait(waiting, wait_s)
        finally:
            del self._open[token]
        return "; ".join(waiting.unsaid or ("not on air in time",)) if waiting.wanted else ""

    @contextmanager
    def overhearing(self, codes: Iterable[ResourceCode]) -> Iterator[Mapping[str, Sequence[int]]]:
        """What terminals answer to what their adapter passes on, result by result, while it lasts."""
        mine = {str(code): list[int]() for code in codes if code not in self._overheard}
        self._overheard |= mine
        try:
            yield mine
        finally:
            for code in mine:
                del self._overheard[code]

    async def ask(
        self,
        codes: Iterable[ResourceCode],
        ids: tuple[int, ...],
        *,
        path: Path | None = None,
        link: str = "",
        phys: str = "",
        through: ResourceCode | None = None,
    ) -> dict[str, Told]:
        """Ask devices for values; what came by code. `path`, `link` and `phys`: of one that waits to be
        commissioned, which may answer under another code than it is asked by. Adapters ask the terminals behind them
        (0x08); asked themselves they tell of their channels."""
        groups: dict[Route, list[ResourceCode]] = {}
        for code in codes:
            route = Route(path, through) if path is not None else self.route(code)
            if route is not None:
                groups.setdefault(route, []).append(code)
        wanted = [code for group in groups.values() for code in group]
        answers: dict[str, Told] = {}
        waiting = _Open(set(wanted))
        for code in wanted:
            self._asked.setdefault(code, []).append((waiting, answers))
        try:
            for to, group in sorted(groups.items(), key=lambda each: each[0].through is None):  # adapters take long
                for at in range(0, len(group), CODES_AT_ONCE_MAX):
                    some = tuple(group[at : at + CODES_AT_ONCE_MAX])
                    passed_on = to.through and AskValues((to.through,), ids, targets=some)
                    self._offer(to.path, link, passed_on or AskValues(some, ids, phys))
            await self._wait(waiting)
        finally:
            for code in wanted:
                entries = self._asked[code]
                entries[:] = [entry for entry in entries if entry[0] is not waiting]
                if not entries:
                    del self._asked[code]
        return answers

    def tune(self, codes: Sequence[ResourceCode], carriers_khz: tuple[int, ...]) -> None:
        """Have the transmitters tell terminals which carriers to watch. Nobody answers over FM: whether they do is for
        them to say over another path."""
        watching = ScanList(tuple(ScanEntry(number, number, khz) for number, khz in enumerate(carriers_khz, 1)))
        for at in range(0, len(codes), CODES_AT_ONCE_MAX):
            some = tuple(codes[at : at + CODES_AT_ONCE_MAX])
            self._offer(Path.FM, "", Air(some, watching, UNASKED))

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _offer(self, path: Path, link: str, command: Configure | AskValues | Firmware | Authorise | Air) -> None:
        """To every link of a path, or the named one. A full outbox takes nothing: its devices then do not answer."""
        for each in self._links.get(path, ()):
            if link in ("", each.name):
                try:
                    each.offer(command)
                except OutboxFull:
                    continue

    async def _wait(self, waiting: _Open, wait_s: float = ANSWERS_S) -> None:
        if not waiting.wanted:
            return
        try:
            async with asyncio.timeout(wait_s):
                await waiting.done.wait()
        except TimeoutError:
            return

    def _came(self, waiting: _Open, code: str) -> None:
        waiting.wanted -= {code, "*"}
        if not waiting.wanted:
            waiting.done.set()


def _merged(known: Told | None, told: Told) -> Told:
    """Both, the later where both say something."""
    if known is None:
        return told
    both = ((each.name, getattr(told, each.name), getattr(known, each.name)) for each in fields(Told))
    return Told(**{name: old if new is None else new for name, new, old in both})
