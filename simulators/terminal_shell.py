"""A terminal's ways in and out: what its behaviour decides becomes bytes on live paths, fetches and timers.

All paths of a terminal lead to one `Terminal`, so a village told over two paths starts once. A report goes back where
its message came from; when that path is dead, over any other with a way back; when none is alive it waits.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from protocols.codes import EbmId
from protocols.fm.packet import Content, Unknown
from protocols.terminal import Header
from simulators.audio_fetch import AudioFetcher, FetchFailed
from simulators.leisure import Aside, Leisure, at_once
from simulators.terminal import Terminal
from simulators.terminal_actions import Action, Fetch, Install, Redial, Reply, Report
from simulators.terminal_fm import obey
from simulators.terminal_tasks import Order
from simulators.trust import Heard

REPORTS_WAITING_MAX = 16  # of one terminal without a live path; the oldest goes
RETURN_PATHS = ("ip", "adapter", "cellular", "mqtt")
FETCH_TRIES_AFTER_S = (0.0, 1.0, 2.0, 5.0)
SETTLE_S = 0.5  # between an answer and what it announces
RESTART_S = 20.0  # to write an image and start with it
DETOURED_PATHS = frozenset({"cellular", "mqtt"})  # their audio comes over the bad link, too

Send = Callable[[bytes], None]
HangUp = Callable[[], None]
Spawn = Callable[[Coroutine[Any, Any, None]], object]


@dataclass(frozen=True, slots=True)
class FleetDoors:
    """What all terminals of a process use."""

    wall: Callable[[], float]
    fetcher: AudioFetcher
    spawn: Spawn  # starts a coroutine in the fleet's task group
    leisure: Leisure = field(default_factory=Leisure)
    aside: Aside = at_once  # for what adapters do with their signatures


class TerminalShell:
    """One terminal and its live paths."""

    __slots__ = (
        "_answers_only",
        "_doors",
        "_hang_ups",
        "_outlets",
        "_timer",
        "_timer_at",
        "_waiting",
        "powered",
        "terminal",
    )

    def __init__(self, terminal: Terminal, doors: FleetDoors, *, answers_only: bool = False) -> None:
        self.terminal = terminal
        self.powered = True
        self._answers_only = answers_only  # for the floor of a measurement: no audio, no reports
        self._doors = doors
        self._outlets: dict[str, Send] = {}
        self._hang_ups: dict[str, HangUp] = {}
        self._waiting: deque[Report] = deque(maxlen=REPORTS_WAITING_MAX)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def opened(self, path: str, send: Send, hang_up: HangUp | None = None) -> None:
        """A path with a way back is alive; what waited goes out. `hang_up` ends it, where it is the terminal's own."""
        self._outlets[path] = send
        if hang_up is not None:
            self._hang_ups[path] = hang_up
        while self._waiting:
            send(self._waiting.popleft().data)

    def closed(self, path: str) -> None:
        """A path is dead."""
        self._outlets.pop(path, None)
        self._hang_ups.pop(path, None)

    def heartbeat(self, header: Header) -> bytes:
        """The next 0x10."""
        return self.terminal.heartbeat(header)

    def receive(self, heard: Heard, path: str, reply: Send, *, shared: bool = False) -> None:
        """A frame that came over a path; answers go by `reply`."""
        self._doors.leisure.stir()
        self._do(self.terminal.receive(heard, path, self._doors.wall(), shared=shared), reply)

    def fm_start(self, order: Order) -> None:
        """From the FM receiver (`simulators.fm_receiver.FmOrders`)."""
        self._do(self.terminal.hear_fm(order, self._doors.wall()), None)

    def fm_stop(self, ebm_id: EbmId) -> None:
        """From the FM receiver."""
        self._do(self.terminal.stop_fm(ebm_id, self._doors.wall()), None)

    def fm_told(self, content: Content | Unknown) -> None:
        """From the FM receiver."""
        obey(self.terminal, content)

    def fm_lapse(self) -> None:
        """From the FM receiver."""
        self._do(self.terminal.lapse_fm(self._doors.wall()), None)

    def _do(self, actions: list[Action], reply: Send | None) -> None:
        for action in actions:
            match action:
                case Reply(data=data):
                    if reply is not None:
                        reply(data)
                case _ if self._answers_only:
                    pass
                case Report():
                    self._report(action)
                case Redial():
                    asyncio.get_running_loop().call_later(SETTLE_S, self._redial)
                case Install():
                    self._doors.spawn(self._install(action))
                case Fetch(ebm_id=ebm_id, url=url):
                    self._doors.leisure.later(partial(self._begin_fetch, ebm_id, url))
        self._arm()

    def _redial(self) -> None:
        """Its answer is out: leave its own connections, and say on others that it is here."""
        for path, send in list(self._outlets.items()):
            if (hang_up := self._hang_ups.get(path)) is not None:
                hang_up()
            else:
                send(self.heartbeat(Header.E))

    def _report(self, report: Report) -> None:
        outlets = self._outlets
        send = outlets.get(report.path) or next((outlets[path] for path in RETURN_PATHS if path in outlets), None)
        if send is None:
            self._waiting.append(report)
        else:
            send(report.data)

    def _arm(self) -> None:
        """One timer for the next thing that time alone does."""
        now = self._doors.wall()
        at = self.terminal.next_at(now)
        if self._timer is not None:
            if at == self._timer_at:
                return
            self._timer.cancel()
            self._timer = None
        if at is not None and at != float("inf"):
            self._timer_at = at
            self._timer = asyncio.get_running_loop().call_later(max(0.0, at - now), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._do(self.terminal.tick(self._doors.wall()), None)

    async def _install(self, install: Install) -> None:
        try:
            _, body = await self._doors.fetcher.get(install.url, on_first=_heard, detour=False)
        except FetchFailed:
            return
        await asyncio.sleep(RESTART_S)
        found = hashlib.md5(body, usedforsecurity=False).hexdigest()
        self.terminal.installed(install.version, md5_ok=found == install.md5)

    def _begin_fetch(self, ebm_id: EbmId, url: str) -> None:
        self._doors.spawn(self._fetch(ebm_id, url))

    async def _fetch(self, ebm_id: EbmId, url: str) -> None:
        """Get the audio, with some patience while the message is live."""
        detour = not self._outlets.keys() - DETOURED_PATHS

        def began() -> None:
            self._do(self.terminal.audio_began(ebm_id, self._doors.wall()), None)

        for wait_s in FETCH_TRIES_AFTER_S:
            await asyncio.sleep(wait_s)
            if not self.terminal.wants(ebm_id):
                return
            try:
                got = await self._doors.fetcher.fetch(url, on_first=began, detour=detour)
            except FetchFailed:
                continue
            now = self._doors.wall()
            actions = self.terminal.audio_ended(ebm_id, now, sm3_ok=got.sm3_ok, duration_s=got.duration_s)
            self._do(actions, None)
            return
        self._do(self.terminal.audio_failed(ebm_id, self._doors.wall()), None)


def _heard() -> None:
    """An image makes no sound."""
