"""Tells the platforms above: at first contact, on change, in cycles and on request; what was due while one was away
goes out once when it is back.

One package at a time and platform, letters about alerts always first. A record counts as told when its receipt says 1.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from devices.ports import Clock
from ebcd.operation_data.flags import Flags
from ebcd.operation_data.kinds import INFO, Kind, document
from ebcd.operation_data.observer import Observer
from ebcd.operation_data.requests import REQUESTS_MAX, Refusal, Wanted, echo, judge, select
from ebcd.operation_data.rules import ReportRule
from ebcd.operation_data.writing import Pen
from ebcd.store import ReportRow, StoreError, StoreStats
from protocols.codes import EbdId, ResourceCode
from protocols.ebd import Detail, ResultCode
from protocols.ebd.messages import OmdRequest, ReportParams

LOOK_S = 5.0
"""How often changes are looked for: they gather and go up together."""
TURN_S = 5.0
"""How often a platform is thought of when nothing wakes us."""
AGAIN_S = 60.0
"""A type whose package got no receipt from a platform that is there is tried again after so long."""
UNWELL_AGAIN_S = 300.0
"""The same for one that was answered with 5: the platform is there and unwell."""
UNWELL_MAX = 12
"""How often a request's answer may be refused with 5 before it is given up."""
REFUSED_AGAIN_S = 3600.0
"""A type that a platform refused for what it is (2-4) is tried again after so long, or with the next cycle."""
ROWS_AT_ONCE_MAX = 500
ROWS_WAITING_MAX = 2000
"""Rows of flags go to the disk only while fewer rows than these wait for it: facts come first."""
CLOCK_BACK_S = 60.0
LOG_ITEMS_MAX = 20
"""Alerts in one package of the broadcast log: each has its text and its head-ends with it."""
BETWEEN_TURNS = 50
"""Records that are written before others get their turn; an alert of the log is one turn."""

ORDER = (
    Kind.PLATFORM_INFO,
    Kind.PLATFORM_STATE,
    Kind.STATION_INFO,
    Kind.ADAPTER_INFO,
    Kind.TRANSMITTER_INFO,
    Kind.ADAPTER_STATE,
    Kind.TRANSMITTER_STATE,
    Kind.TERMINAL_STATE,
    Kind.TERMINAL_INFO,
)
"""What is told first; the broadcast log is told on request only."""
WHOLE_CYCLES = frozenset(
    {Kind.PLATFORM_INFO, Kind.PLATFORM_STATE, Kind.ADAPTER_STATE, Kind.TRANSMITTER_STATE, Kind.TERMINAL_STATE}
)
"""Types whose cycle tells everything; the others tell what is out of step, an empty list where nothing is."""

log = structlog.get_logger("ebcd.reports")


class Mail(Protocol):
    """The part of the mailroom that reports need."""

    def report(
        self, peer: ResourceCode, detail: Detail, related: str, settled: Callable[[ResultCode | None], None]
    ) -> None: ...

    def is_up(self, peer: str) -> bool: ...


class Keeps(Protocol):
    """The part of the store that keeps the flags."""

    async def reports(self) -> list[ReportRow]: ...

    def reports_soon(self, rows: Sequence[ReportRow], gone: Sequence[tuple[str, str, str]]) -> None: ...

    def stats(self) -> StoreStats: ...


@dataclass(frozen=True, slots=True)
class ReporterDoors:
    """Who sends, who keeps, and who is told that a request is answered."""

    mail: Mail
    store: Keeps
    clock: Clock
    answered: Callable[[EbdId], None]
    count: Callable[[str, str], None] = lambda kind, outcome: None


class Reporter:
    """All operation data of one county, to all platforms above."""

    def __init__(self, flags: Flags, observer: Observer, pen: Pen, rule: ReportRule, doors: ReporterDoors) -> None:
        self.observer = observer
        self._flags = flags
        self._pen = pen
        self._rule = rule
        self._doors = doors
        self._requests: dict[str, deque[Wanted]] = {peer: deque() for peer in flags.peers}
        self._retry_s: dict[tuple[str, Kind], float] = {}
        self._wake = {peer: asyncio.Event() for peer in flags.peers}
        self._looking = asyncio.Lock()
        self._restored = False

    # ---- what others tell ------------------------------------------------------------------------------------------

    def take(self, peer: ResourceCode, ebd_id: EbdId, request: OmdRequest) -> Refusal | None:
        """A request for operation data; None where it will be answered, and `answered` called then. The same one again,
        after a restart of whoever asks, is not answered twice."""
        waiting = self._requests.get(peer)
        if waiting is None:
            return Refusal("not_supported", ResultCode.OTHER, {"type": request.omd_type[:60]})
        if any(each.ebd_id == ebd_id for each in waiting):
            return None
        wanted = judge(peer, ebd_id, request)
        if isinstance(wanted, Refusal):
            return wanted
        if len(waiting) >= REQUESTS_MAX:
            return Refusal("too_many_requests", ResultCode.OTHER, {"limit": REQUESTS_MAX})
        waiting.append(wanted)
        self._wake[peer].set()
        return None

    def back(self, peer: str) -> None:
        """A platform answers again: what was due is due now."""
        if peer not in self._requests:
            return
        for kind in Kind:
            self._retry_s.pop((peer, kind), None)
        for wanted in self._requests[peer]:
            wanted.retry_s = 0.0
        self._wake[peer].set()

    # ---- running ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Look and tell until cancelled."""
        if not self._restored:
            self._flags.restore(await self._doors.store.reports())
            self._restored = True
        await self._look()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_again())
            for peer in self._flags.peers:
                group.create_task(self._tell(ResourceCode(peer)))

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            if not self.observer.busy:
                await self._look()

    async def _look(self) -> None:
        async with self._looking:
            news = await self.observer.look()
        if news:
            for wake in self._wake.values():
                wake.set()
        self._keep()

    def _keep(self) -> None:
        if self._doors.store.stats().waiting >= ROWS_WAITING_MAX:
            return
        self._write(*self._flags.unwritten(ROWS_AT_ONCE_MAX))

    def _write(self, rows: list[ReportRow], gone: list[tuple[str, str, str]]) -> None:
        if rows or gone:
            try:
                self._doors.store.reports_soon(rows, gone)
            except StoreError as error:
                log.error("reports.not_kept", reason=str(error), rows=len(rows))  # told again after a restart: no harm

    async def _tell(self, peer: ResourceCode) -> None:
        wake = self._wake[peer]
        while True:
            wake.clear()
            if self._doors.mail.is_up(peer) and await self._one(peer):
                await asyncio.sleep(0)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TURN_S):
                    await wake.wait()

    async def _one(self, peer: ResourceCode) -> bool:
        """Do the first thing that is due; False where nothing is."""
        now_s = self._doors.clock.monotonic()
        for wanted in self._requests[peer]:
            if wanted.retry_s <= now_s:
                await self._answer(wanted)
                return True
        if self.observer.busy:
            return False
        for kind in ORDER:
            if self._retry_s.get((peer, kind), 0.0) > now_s:
                continue
            if self._cycle_is_due(peer, kind):
                await self._cycle(peer, kind)
                return True
            if self._flags.count_lacking(peer, kind):
                self._note(peer, kind, await self._send(peer, kind, self._flags.lacks(peer, kind)))
                return True
        return False

    # ---- cycles ----------------------------------------------------------------------------------------------------

    def _cycle_is_due(self, peer: str, kind: Kind) -> bool:
        every_s = self._rule.every_s.get(kind)
        if every_s is None:
            return False
        told_at, now = self._flags.told_at(peer, kind), self._doors.clock.wall()
        return told_at is None or not -CLOCK_BACK_S < now - told_at < every_s

    async def _cycle(self, peer: ResourceCode, kind: Kind) -> None:
        everything = self._pen.everything(peer, kind)
        codes = everything if kind in WHOLE_CYCLES else self._flags.lacks(peer, kind)
        begun_at = self._doors.clock.wall()
        outcome: ResultCode | None = ResultCode.SUCCESS
        if codes or (everything and kind in INFO.values()):
            outcome = await self._send(peer, kind, codes, empty=True)
        self._note(peer, kind, outcome)
        if outcome is ResultCode.SUCCESS:
            self._flags.cycle_told(peer, kind, begun_at)

    def _note(self, peer: str, kind: Kind, outcome: ResultCode | None) -> None:
        """When a type that was not taken is tried again."""
        if outcome is not ResultCode.SUCCESS:
            pause_s = {None: AGAIN_S, ResultCode.OTHER: UNWELL_AGAIN_S}.get(outcome, REFUSED_AGAIN_S)
            self._retry_s[peer, kind] = self._doors.clock.monotonic() + pause_s

    # ---- requests --------------------------------------------------------------------------------------------------

    async def _answer(self, wanted: Wanted) -> None:
        """Answer one request, or go on where its answer was interrupted."""
        peer, kind = wanted.peer, wanted.kind
        if wanted.codes is None:
            await self._look()
            everything = self._pen.everything(peer, kind)
            wanted.codes = select(wanted, everything, self._flags, lambda code: self._pen.time_of(peer, kind, code))
        params = echo(wanted, self._doors.clock.wall())
        outcome = await self._send(peer, kind, wanted.codes, params, wanted.ebd_id, empty=True, dated=wanted.has_period)
        if outcome is None or (outcome is ResultCode.OTHER and wanted.unwell < UNWELL_MAX):
            wanted.unwell += outcome is not None
            pause_s = AGAIN_S if outcome is None else UNWELL_AGAIN_S
            wanted.retry_s = self._doors.clock.monotonic() + pause_s
            return
        if outcome is not ResultCode.SUCCESS:
            log.error("reports.answer_refused", peer=peer, type=str(kind), related=wanted.ebd_id, code=int(outcome))
        self._requests[peer].remove(wanted)
        self._doors.answered(wanted.ebd_id)

    # ---- sending ---------------------------------------------------------------------------------------------------

    async def _send(
        self,
        peer: ResourceCode,
        kind: Kind,
        codes: list[str],
        params: ReportParams | None = None,
        related: str = "",
        *,
        empty: bool = False,
        dated: bool = False,
    ) -> ResultCode | None:
        """Tell these records in packages of `items_max`; what was taken is removed from `codes`. `empty`: say so where
        there is none. `dated`: each record carries the time of its change. The first outcome other than 1 ends it."""
        told = False
        while codes:
            batch = codes[: LOG_ITEMS_MAX if kind is Kind.LOG else self._rule.items_max]
            items, values = await self._written(peer, kind, batch, dated=dated)
            if items:
                outcome = await self._post(peer, kind, items, params, related)
                if outcome is not ResultCode.SUCCESS:
                    return outcome
                self._flags.took(peer, kind, values)
                told = True
            del codes[: len(batch)]
        if not told and empty:
            return await self._post(peer, kind, [], params, related)
        return ResultCode.SUCCESS if told else None

    async def _written(
        self, peer: str, kind: Kind, codes: list[str], *, dated: bool
    ) -> tuple[list[Any], dict[str, str]]:
        items: list[Any] = []
        values: dict[str, str] = {}
        now = self._doors.clock.wall()
        for number, code in enumerate(codes):
            if kind is Kind.LOG or number % BETWEEN_TURNS == 0:
                await asyncio.sleep(0)
            at = self._pen.time_of(peer, kind, code) if dated and kind is not Kind.LOG else now
            written = self._pen.write(peer, kind, code, now if at is None else at)
            if written is not None:
                items.append(written[0])
                values[code] = written[1]
        return items, values

    async def _post(
        self, peer: ResourceCode, kind: Kind, items: list[Any], params: ReportParams | None, related: str
    ) -> ResultCode | None:
        receipt: asyncio.Future[ResultCode | None] = asyncio.get_running_loop().create_future()

        def settled(code: ResultCode | None) -> None:
            if not receipt.done():
                receipt.set_result(code)

        self._doors.mail.report(peer, document(kind, items, params), related, settled)
        code = await receipt
        self._doors.count(kind, "none" if code is None else code.name.lower())
        told = None if code is None else int(code)
        log.info("reports.told", peer=peer, type=str(kind), items=len(items), related=related, code=told)
        return code

    async def farewell(self, say: Callable[[ResourceCode, Detail], Awaitable[ResultCode | None]]) -> None:
        """Tell that we stop (StateCode 2), and remember who knows: the next life tells those at once that we are back.
        What is still out of step waits for it, too."""
        kind, now = Kind.PLATFORM_STATE, self._doors.clock.wall()

        async def tell(peer: ResourceCode) -> None:
            item, values = self._pen.stopping(now)
            if await say(peer, document(kind, [item], None)) is ResultCode.SUCCESS:
                for code, value in values.items():
                    self._flags.see_at(peer, kind, code, value, now)
                self._flags.took(peer, kind, values)
                log.info("reports.farewell", peer=peer)

        await asyncio.gather(*(tell(ResourceCode(peer)) for peer in self._flags.peers))
        self._write(*self._flags.unwritten(ROWS_AT_ONCE_MAX, kind))

    def waiting(self) -> Iterator[tuple[str, int, int]]:
        """For the metrics: per platform, records out of step and requests without their answer."""
        for peer in self._flags.peers:
            yield peer, sum(self._flags.count_lacking(peer, kind) for kind in ORDER), len(self._requests[peer])
