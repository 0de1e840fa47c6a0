"""Plays the checklist: each point's acts, then a patient look at what is said, then everything judged once more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from devices.ports import Clock
from ebcd.acceptance.acts import Act, AskData, AtCounty, Hands, OrderBroadcast
from ebcd.acceptance.checklist import Point
from ebcd.acceptance.conversation import Conversation, Gathered, taken
from ebcd.acceptance.findings import Finding, Verdict
from ebcd.exchanges import Exchange
from protocols.ebd import EbdType

LOOK_S = 0.5
WATCH_S = 60.0

Fetch = Callable[[int], Awaitable[Sequence[Exchange]]]
"""Exchanges with the peer behind a number."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things may take, in seconds. `watch_s`: how long cycles are watched for at the end."""

    answer_s: float = 60.0
    by_hand_s: float = 300.0
    lead_s: float = 300.0
    duration_s: float = 60.0
    watch_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Result:
    """One point: what was done (and whether it could be), what was found, when it began and ended (UTC seconds)."""

    point: Point
    acts: tuple[tuple[Act, bool], ...]
    finding: Finding
    begun_at: float
    ended_at: float
    after: int | None = None  # somebody did it at the county: what counts was said after this exchange


class _Play:
    def __init__(self, talk: Conversation, fetch: Fetch, hands: Hands, clock: Clock, pace: Pace) -> None:
        self._talk = talk
        self._fetch = fetch
        self._hands = hands
        self._clock = clock
        self._pace = pace
        self._gathered = Gathered()

    async def point(self, point: Point) -> Result:
        """Do what is to be done and wait for what follows from it. What a person at the county has done must be
        followed by what it should cause; a county that judges the platform above has seen it before, or asks nobody,
        and where no time is given to people nobody is asked either."""
        begun_at = self._clock.wall()
        done: list[tuple[Act, bool]] = []
        seen, by_hand = (await self.look(point)).settled, any(isinstance(act, AtCounty) for act in point.acts)
        before = self._gathered.last
        if not (seen and by_hand and not self._talk.upper):
            for act in point.acts:
                asked = self._pace.by_hand_s > 0 or not isinstance(act, AtCounty)
                done.append((act, asked and await self._hands.act(act)))
                await self._answer_to(act)
        able = not point.acts or any(could for _, could in done)
        after = before if by_hand and done and able else None
        finding = await self._wait(point, self._patience(point.acts) if able and not point.long else 0.0, after)
        return Result(point, tuple(done), finding, begun_at, self._clock.wall(), after)

    async def _answer_to(self, act: Act) -> None:
        """Before the next question the answer to this one is awaited: an increment counts from it."""
        if not isinstance(act, AskData):
            return
        end_s = self._clock.monotonic() + self._pace.answer_s
        while self._clock.monotonic() < end_s:
            talk = await self._fetched()
            asked = [each for each in talk.down(EbdType.OMD_REQUEST) if each.facts.get("omd") == act.type]
            if asked and taken(talk.answers(asked[-1], act.type)):
                return
            await asyncio.sleep(LOOK_S)

    async def _wait(self, point: Point, patience_s: float, after: int | None) -> Finding:
        end_s = self._clock.monotonic() + patience_s
        while True:
            finding = await self.look(point, after)
            if (finding.settled and not _still_on_air(finding)) or self._clock.monotonic() >= end_s:
                return finding
            await asyncio.sleep(LOOK_S)

    def _patience(self, acts: Sequence[Act]) -> float:
        pace = self._pace
        patience_s = pace.answer_s if acts else 3 * self._talk.heartbeat_s
        for act in acts:
            if isinstance(act, OrderBroadcast):
                patience_s += pace.duration_s + (pace.lead_s if act.ahead else 0.0)
            elif isinstance(act, AtCounty):
                patience_s = max(patience_s, pace.by_hand_s)
        return patience_s

    async def watch(self, seconds: float) -> None:
        """Let time pass, and fetch what is said meanwhile: nobody keeps it for us for a day."""
        end_s = self._clock.monotonic() + seconds
        while (left_s := end_s - self._clock.monotonic()) > 0:
            await asyncio.sleep(min(left_s, WATCH_S))
            await self._fetched()

    async def look(self, point: Point, after: int | None = None) -> Finding:
        """The point as it stands now; `after` somebody did what was asked, silence is no longer nothing."""
        talk = await self._fetched()
        if after is None:
            return point.judge(talk)
        since = replace(talk, exchanges=[each for each in talk.exchanges if each.number > after])
        finding = (point.judge_after or point.judge)(since)
        return replace(finding, verdict=Verdict.OPEN) if finding.verdict is Verdict.NOT_SEEN else finding

    async def _fetched(self) -> Conversation:
        self._gathered.exchanges += await self._fetch(self._gathered.last)
        return replace(self._talk, exchanges=self._gathered.exchanges)


async def play(
    points: Sequence[Point],
    talk: Conversation,
    fetch: Fetch,
    hands: Hands,
    clock: Clock,
    pace: Pace,
    tell: Callable[[Result], None] = lambda result: None,
) -> tuple[Result, ...]:
    """Every point once; `tell` hears of each as soon as it is played. At the end all are judged again over the whole
    conversation, and what is still open has failed, since it was due and did not come."""
    game = _Play(talk, fetch, hands, clock, pace)
    results = []
    for point in points:
        result = await game.point(point)
        results.append(result)
        tell(result)
    await game.watch(pace.watch_s)
    return tuple([replace(each, finding=_final(await game.look(each.point, each.after))) for each in results])


def _still_on_air(finding: Finding) -> bool:
    """A broadcast whose feedback went wrong goes on to its end, and the next one must not meet it."""
    return finding.verdict is Verdict.FAIL and finding.said == "fed_back"


def _final(finding: Finding) -> Finding:
    return replace(finding, verdict=Verdict.FAIL) if finding.verdict is Verdict.OPEN else finding
