"""Listens to adapters' monitors: names a port in the answer to "task begun", and judges what comes there.

An adapter that reports the begin of an alert (0x18) is told in 0x22 where a copy of the sound is wanted, as long as
ports are free; which of many head-ends is listened to is a matter of who reports first. What comes in `listen_s` is
compared with the sound that was ordered, and the verdict is evidence in the journal. None of it delays an alert.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from devices.copies import Copy, CopyPorts
from devices.maintenance import HostPort
from devices.ports import Clock
from ebcd.evaluation.evidence import evidence_monitored
from ebcd.ledger import Ledger
from ebcd.lifecycle import AlertState
from ebcd.media import MediaStore
from ebcd.monitor.judging import Verdict, judge
from ebcd.settings import Settings
from protocols.codes import EbmId, ResourceCode

COME_S = 15.0
"""A copy that has not begun by then will not."""
MORE_S = 5.0
"""Listened longer than `listen_s`, so that jitter does not cut what is judged."""
REOPEN_S = 30.0

log = structlog.get_logger("ebcd.monitor")


@dataclass(frozen=True, slots=True)
class MonitorRule:
    """`[monitor]`. `address`: how adapters reach us, "" for no monitoring; `listen_s`: of each copy."""

    address: str = ""
    host: str = "127.0.0.1"
    first_port: int = 0
    copies_max: int = 8
    listen_s: float = 12.0


class Monitor:
    """One county's."""

    def __init__(self, rule: MonitorRule, ledger: Ledger, media: MediaStore, clock: Clock, *, in_thread: bool) -> None:
        self._rule = rule
        self._ledger = ledger
        self._media = media
        self._clock = clock
        self._in_thread = in_thread
        self._ports = CopyPorts(rule.host, rule.first_port, rule.copies_max)
        self._asked: set[tuple[EbmId, ResourceCode]] = set()
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Until cancelled."""
        if not self._rule.address:
            await asyncio.Event().wait()
        while True:
            try:
                await self._ports.open()
                break
            except OSError as error:
                self._ports.close()
                log.error("monitor.no_ports", host=self._rule.host, reason=error.strerror or str(error))
                await asyncio.sleep(REOPEN_S)
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                await asyncio.Event().wait()
        finally:
            self._group = None
            self._ports.close()

    def copy_to(self, front: ResourceCode, ebm_id: EbmId) -> HostPort | None:
        """Where an adapter that has begun a task shall send a copy; None: nowhere. Each task is asked for once."""
        record = self._ledger.state.alerts.get(ebm_id)
        if self._group is None or record is None or record.alert.media is None or (ebm_id, front) in self._asked:
            return None
        if record.state is not AlertState.ON_AIR or (taken := self._ports.take()) is None:
            return None
        port, copy = taken
        self._asked = {key for key in self._asked if key[0] in self._ledger.state.alerts} | {(ebm_id, front)}
        self._group.create_task(self._listen(port, copy, front, ebm_id, record.alert.media.name))
        return HostPort(self._rule.address, port)

    async def _listen(self, port: int, copy: Copy, front: ResourceCode, ebm_id: EbmId, name: str) -> None:
        try:
            async with asyncio.timeout(COME_S):
                await copy.began.wait()
            await asyncio.sleep(self._rule.listen_s + MORE_S)
        except TimeoutError:
            pass  # nothing came, and that is what is judged
        finally:
            self._ports.free(port)
        verdict = await self._judge(copy, name)
        if ebm_id in self._ledger.state.alerts:
            fact = evidence_monitored(ebm_id, front, verdict.same, verdict.why, _figures(verdict), self._clock.wall())
            self._ledger.enter(fact)
        log.info("monitor.judged", alert=ebm_id, device=front, verdict=verdict.why, **_figures(verdict))

    async def _judge(self, copy: Copy, name: str) -> Verdict:
        lost_share = copy.lost / (copy.packets + copy.lost) if copy.packets else 1.0
        if self._in_thread:
            return await asyncio.to_thread(self._compare, bytes(copy.sound), lost_share, name)
        return self._compare(bytes(copy.sound), lost_share, name)

    def _compare(self, sound: bytes, lost_share: float, name: str) -> Verdict:
        stored = self._media.find(name)
        if stored is None or not sound:
            return Verdict("nothing")
        try:
            sent = stored.path.read_bytes()
        except OSError:
            return Verdict("nothing")
        return judge(sound, lost_share, sent, self._rule.listen_s)


def monitor_rule(settings: Settings) -> MonitorRule:
    """The configuration as the monitor wants it."""
    m = settings.monitor
    return MonitorRule(m.address, m.host, m.first_port, m.copies_max, m.listen_s)


def _figures(verdict: Verdict) -> dict[str, float]:
    return {"seconds": verdict.seconds, "level_db": verdict.level_db, "likeness": verdict.likeness}
