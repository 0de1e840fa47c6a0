"""Sound pushed to adapters: who is owed a stream, where to, and what becomes of it (GD/J 089 tables A.12, A.32).

A start whose sound is a file of ours names no address; the adapter answers with one of its own, and MP3 by RTP goes
there until the stop or the end. A start is told as answered only when its stream is open; an address that is not
streamed to, or a sound that is not to be had, makes it a refusal (I8).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

import structlog

from devices.audio.rtp_streams import RtpStream, RtpStreams
from devices.audio.sound_shelf import CutSound, SoundShelf
from devices.link import Answered, EventSink, Rejected, Start, Stop, Streaming, Verb
from devices.maintenance import HostPort
from devices.ports import Ports
from devices.push_address import PushRefused, PushRule
from protocols.codes import EbmId, ResourceCode, matches

REFUSED = 1
"""What an adapter would answer that cannot do it (table A.32)."""
BUFFERED_BYTES_MAX = 65_536
"""Of one stream, where the network takes nothing; what comes then is left out."""
TOLD_AGAIN_S = 60.0
"""A stream that fails all the time is told about so often."""

Spawn = Callable[[Callable[[], Coroutine[Any, Any, None]], str], object]

log = structlog.get_logger("devices.adapter_push")


@dataclass(slots=True, eq=False)
class _Owed:
    """One adapter's stream of one message. `to` once it has answered."""

    code: ResourceCode
    start: Start
    sound: CutSound | None = None
    to: HostPort | None = None


class _Wire(asyncio.DatagramProtocol):
    """The socket of an outlet."""

    def __init__(self, failed: Callable[[OSError], None]) -> None:
        self._failed = failed

    def error_received(self, exc: Exception) -> None:
        """asyncio: refused at the other end, or no way there now."""
        self._failed(exc if isinstance(exc, OSError) else OSError(str(exc)))


@dataclass(slots=True, eq=False)
class _Outlet:
    """One address. Of several messages that adapters want there one is streamed: a receiver has one pair of ears."""

    to: HostPort
    wanted: list[_Owed] = field(default_factory=list)
    transport: asyncio.DatagramTransport | None = None
    playing: _Owed | None = None
    stream: RtpStream | None = None
    told_s: float = float("-inf")


class Pusher:
    """All streams of one adapter link."""

    def __init__(
        self,
        link: str,
        rule: PushRule,
        streams_max: int,
        datagram_bytes_max: int,
        connect_timeout_s: float,
        ports: Ports,
        tell: EventSink,
        spawn: Spawn,
    ) -> None:
        """`spawn` starts a task of the link's."""
        self._link = link
        self._rule = rule
        self._streams_max = streams_max
        self._connect_timeout_s = connect_timeout_s
        self._ports = ports
        self._tell = tell
        self._spawn = spawn
        self._shelf = SoundShelf(ports.read_sound, datagram_bytes_max)
        self._streams = RtpStreams(ports.clock, ports.random)
        self._owed: dict[ResourceCode, dict[EbmId, _Owed]] = {}
        self._outlets: dict[HostPort, _Outlet] = {}
        self._failures = 0

    @property
    def figures(self) -> Streaming:
        """For the metrics."""
        is_open = sum(outlet.stream is not None for outlet in self._outlets.values())
        return Streaming(is_open, self._streams.packets, self._failures)

    # ---- orders ----------------------------------------------------------------------------------------------------

    def order(self, start: Start, code: ResourceCode) -> None:
        """A start is on its way to an adapter; one that is repeated tells a stream that runs its end anew."""
        known = self._owed_to(code, start.ebm_id)
        if known is None:
            self._owed.setdefault(code, {})[start.ebm_id] = _Owed(code, start)
            return
        known.start = start
        outlet = self._outlets.get(known.to) if known.to else None
        if outlet is not None and outlet.playing is known and outlet.stream is not None:
            outlet.stream.end_utc_s = start.end

    def stop(self, stop: Stop, code: ResourceCode) -> None:
        """Its streams end at once, whatever the adapter answers (I12)."""
        for owed in list(self._owed.get(code, {}).values()):
            if stop.ebm_id in (owed.start.ebm_id, EbmId.EVERYTHING):
                self._forget(owed)

    def answered(self, event: Answered, url: str, own_host: str) -> None:
        """An adapter has answered: tell it, at once or when its stream is open."""
        owed = self._owed_to(event.code, event.ebm_id) if event.verb is Verb.START else None
        if owed is None or event.result != 0 or owed.start.end <= self._ports.clock.wall():
            self._tell(event)
            return
        if not url and owed.to is not None:  # an update of what runs: the address is known
            self._spawn(partial(self._begin, owed, event, owed.to), f"push {event.code}")
            return
        try:
            to = self._rule.receiver(url, own_host)
        except PushRefused as refused:
            self._refuse(owed, event, refused)
            return
        self._spawn(partial(self._begin, owed, event, to), f"push {event.code}")

    def sweep(self) -> None:
        """Once a second: what is over is forgotten (I3)."""
        now_s = self._ports.clock.wall()
        for owed in [each for each in self._everything() if each.start.end <= now_s]:
            self._forget(owed)

    def resume(self) -> None:
        """The link runs again: so do its streams."""
        for owed in self._everything():
            if owed.to is not None:
                self._spawn(partial(self._begin, owed, None, owed.to), f"push {owed.code}")

    def close(self) -> None:
        """The link stops."""
        for outlet in list(self._outlets.values()):
            self._close(outlet)

    def _owed_to(self, code: ResourceCode, ebm_id: EbmId) -> _Owed | None:
        return self._owed.get(code, {}).get(ebm_id)

    def _everything(self) -> list[_Owed]:
        return [owed for by_message in self._owed.values() for owed in by_message.values()]

    # ---- streams ---------------------------------------------------------------------------------------------------

    async def _begin(self, owed: _Owed, event: Answered | None, to: HostPort) -> None:
        try:
            await self._open(owed, to)
        except PushRefused as refused:
            self._refuse(owed, event, refused)
        else:
            if event is not None:
                self._tell(event)

    async def _open(self, owed: _Owed, to: HostPort) -> None:
        """Raises PushRefused."""
        if owed.sound is None:
            owed.sound = await self._shelf.get(owed.start.audio.file)
        if owed.sound is None:
            raise PushRefused("push-sound", f"{owed.start.audio.file} cannot be read as MP3")
        outlet = self._outlets.get(to) or await self._connect(to)
        if self._owed_to(owed.code, owed.start.ebm_id) is not owed:  # stopped meanwhile
            self._choose(outlet)
            return
        self._judge(owed, outlet)
        before = owed.to
        if before is not None and before != to:
            self._leave(owed)
        owed.to = to
        if owed not in outlet.wanted:
            outlet.wanted.append(owed)
        self._choose(outlet, owed if before != to else None)

    async def _connect(self, to: HostPort) -> _Outlet:
        """Raises PushRefused."""
        outlet = _Outlet(to)
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                outlet.transport, _ = await self._ports.network.datagrams(
                    lambda: _Wire(lambda error: self._failed(outlet, error)), to.host, to.port
                )
        except (OSError, TimeoutError) as error:
            raise PushRefused("push-network", f"no way to {to}: {error or 'its name is not found in time'}") from error
        first = self._outlets.get(to)
        try:
            self._rule.judge(outlet.transport.get_extra_info("peername")[0])
            if first is None and len(self._outlets) >= self._streams_max:
                raise PushRefused("push-full", f"{self._streams_max} streams are open (push_streams_max)")
        except PushRefused:
            outlet.transport.abort()
            raise
        if first is not None:  # another message's or adapter's, opened meanwhile
            outlet.transport.abort()
            return first
        self._outlets[to] = outlet
        return outlet

    def _judge(self, owed: _Owed, outlet: _Outlet) -> None:
        """Whether it may have this address. Where another message is streamed there: one that takes its places over is
        above it by the daemon's own rules, else class and level decide (I4). Raises PushRefused."""
        other = outlet.playing
        if other is None or other.start.ebm_id == owed.start.ebm_id or other.start.end <= self._ports.clock.wall():
            return
        if owed.to == outlet.to or _rank(owed.start) < _rank(other.start) or _overlap(owed.start, other.start):
            return
        raise PushRefused("push-busy", f"{outlet.to} hears {other.start.ebm_id}")

    def _choose(self, outlet: _Outlet, newest: _Owed | None = None) -> None:
        """Stream what is wanted most: `newest`, else what goes on, else the best of those that gave way."""
        now_s = self._ports.clock.wall()
        wanted = [owed for owed in outlet.wanted if owed.start.end > now_s]
        if not wanted:
            self._close(outlet)
            return
        best = newest or (outlet.playing if outlet.playing in wanted else min(wanted, key=lambda o: _rank(o.start)))
        playing = outlet.playing
        outlet.playing = best
        if outlet.stream is not None and playing is not None and playing.start.ebm_id == best.start.ebm_id:
            outlet.stream.end_utc_s = best.start.end
            return
        if outlet.stream is not None:
            self._streams.close(outlet.stream)
            outlet.stream = None
        if best.sound is None or outlet.transport is None:
            self._close(outlet)
            return
        window = best.start.start, best.start.end
        outlet.stream = self._streams.open(
            best.sound.pieces, lambda data: self._send(outlet, data), *window, lambda: self._over(outlet)
        )
        log.debug("push.began", alert=best.start.ebm_id, device=best.code, to=str(outlet.to), instead=_id_of(playing))

    def _over(self, outlet: _Outlet) -> None:
        outlet.stream = None
        now_s = self._ports.clock.wall()
        for owed in [each for each in outlet.wanted if each.start.end <= now_s]:
            self._forget(owed)
        if outlet.stream is None and self._outlets.get(outlet.to) is outlet:
            self._choose(outlet)  # an end that was moved away meanwhile

    def _forget(self, owed: _Owed) -> None:
        """It is over, stopped or refused."""
        by_message = self._owed[owed.code]
        del by_message[owed.start.ebm_id]
        if not by_message:
            del self._owed[owed.code]
        self._leave(owed)

    def _leave(self, owed: _Owed) -> None:
        """Who gave way to it at its address goes on."""
        outlet = self._outlets.get(owed.to) if owed.to is not None else None
        if outlet is not None and owed in outlet.wanted:
            outlet.wanted.remove(owed)
            self._choose(outlet)

    def _close(self, outlet: _Outlet) -> None:
        if outlet.stream is not None:
            self._streams.close(outlet.stream)
            log.debug("push.ended", alert=_id_of(outlet.playing), to=str(outlet.to), packets=outlet.stream.sent)
        outlet.stream = outlet.playing = None
        if outlet.transport is not None:
            outlet.transport.abort()
        if self._outlets.get(outlet.to) is outlet:
            del self._outlets[outlet.to]

    def _send(self, outlet: _Outlet, data: bytes) -> None:
        transport = outlet.transport
        if transport is None or transport.is_closing():
            return
        if cast(asyncio.WriteTransport, transport).get_write_buffer_size() > BUFFERED_BYTES_MAX:
            self._failed(outlet, OSError("the network takes nothing"))
            return
        transport.sendto(data)

    def _failed(self, outlet: _Outlet, error: OSError) -> None:
        """Told, and tried on: the adapter may only be starting again."""
        self._failures += 1
        now_s = self._ports.clock.monotonic()
        if now_s - outlet.told_s >= TOLD_AGAIN_S:
            outlet.told_s = now_s
            alert, device = _id_of(outlet.playing), outlet.playing.code if outlet.playing else ""
            reason = error.strerror or str(error)
            log.warning("push.failing", alert=alert, device=device, to=str(outlet.to), reason=reason)

    def _refuse(self, owed: _Owed, event: Answered | None, refused: PushRefused) -> None:
        if self._owed_to(owed.code, owed.start.ebm_id) is owed:
            self._forget(owed)
        log.warning(
            "push.refused", alert=owed.start.ebm_id, device=owed.code, why=refused.reason, reason=refused.detail
        )
        self._tell(Rejected(self._link, refused.reason, owed.code, refused.detail))
        if event is not None:
            self._tell(replace(event, result=REFUSED, text=refused.detail))


def _rank(start: Start) -> tuple[int, int]:
    """Smaller is better, in the order of terminals (GD/J 084 clause 6.3)."""
    return (5 - start.class_ if start.class_ <= 4 else start.class_, start.level)


def _overlap(one: Start, other: Start) -> bool:
    """Whether some place is meant by both."""
    return any(matches(a, b) or matches(b, a) for a in one.targets for b in other.targets)


def _id_of(owed: _Owed | None) -> str:
    return "" if owed is None else owed.start.ebm_id
