"""Orders over FM: planned and shown, refused where they make no sense, said when confirmed, kept in the journal.

Nobody answers. What the journal says is that a link has had it on air, or why not; whether a terminal does it, only the
terminal can show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import structlog

from devices.fm_announcement import disturbs, packets_of
from devices.fm_besides import MAINTENANCE_S_MIN, ORDER_VALID_S
from devices.fm_manner import FmManner
from devices.link import Link, Path
from devices.maintenance import Air
from devices.ports import Clock
from ebcd.airing.meant import Meant, meant_by
from ebcd.airing.record import fm_ordered, fm_said
from ebcd.airing.values import AirLink, AirPlan, AirSaid, LinkSaid, Note
from ebcd.airing.wish import What, Wish, content_of, terminal_code
from ebcd.archive.keeper import refused
from ebcd.inventory import Inventory
from ebcd.lifecycle import AlertState
from ebcd.operator import Actor, Kind
from ebcd.state import CountyState
from protocols.codes import AreaCode, ResourceCode
from protocols.errors import LocalProtocolError
from protocols.fm.frame import air_time_s, frame_count
from protocols.fm.packet import Content, content_type
from protocols.signature import BLOCK_BYTES
from protocols.sm2 import sm3

RUNNING_MAX = 8
"""Orders that may wait for the air at the same time."""
MARGIN_S = 30.0
"""Over which a link has told what became of an order at the latest."""

log = structlog.get_logger("ebcd.airing")


@dataclass(frozen=True, slots=True)
class AirDoors:
    """What the desk works with. `air` has a link say a command and returns "" or why it was not said."""

    links: Sequence[Link]
    air: Callable[[str, Callable[[int], Air], float], Awaitable[str]]
    enter: Callable[..., None]
    durable: Callable[[], Awaitable[object]]
    state: CountyState
    clock: Clock


class AirDesk:
    """Of one county."""

    def __init__(self, inventory: Inventory, county: AreaCode, doors: AirDoors) -> None:
        self._inventory = inventory
        self._county = county
        self._doors = doors
        self._running = 0
        self._number = 0

    def preview(self, wish: Wish) -> AirPlan:
        """What would be said, to whom, and what it costs. Raises OperationRefused."""
        return self._plan(wish)[0]

    async def say(self, wish: Wish, digest: str, actor: Actor) -> AirSaid:
        """Say what was shown; returns when it has been on air or was dropped. Raises OperationRefused."""
        plan, contents, meant = self._plan(wish)
        if plan.digest != digest:
            raise refused(Kind.CONFLICT, "fm_changed", "digest", digest[:12], plan.digest[:12])
        if plan.twice and set(wish.again) != set(wish.to):
            raise refused(Kind.CONFLICT, "fm_twice", wish.what, ", ".join(wish.to), plan.devices)
        if self._running >= RUNNING_MAX:
            raise refused(Kind.CONFLICT, "fm_busy", "orders", self._running, RUNNING_MAX)
        self._number += 1
        number = f"F{self._doors.clock.wall():.0f}-{self._number}"
        codes = meant.codes
        self._running += 1
        try:
            self._doors.enter(fm_ordered(number, plan, codes, self._doors.clock.wall(), actor.name))
            await self._doors.durable()
            parts = zip(plan.links, contents, strict=True)
            links = await asyncio.gather(*(self._on_air(part, meant, content, plan) for part, content in parts))
            self._doors.enter(fm_said(number, plan, links, codes, self._doors.clock.wall(), actor.name))
            await self._doors.durable()
        finally:
            self._running -= 1
        for link in links:
            if link.said:
                log.info("fm.told", number=number, what=plan.what, link=link.link, devices=plan.devices)
            else:
                log.warning("fm.left_out", number=number, what=plan.what, link=link.link, reason=link.reason)
        return AirSaid(number, plan, tuple(links))

    async def _on_air(self, part: AirLink, meant: Meant, content: Content, plan: AirPlan) -> LinkSaid:
        def command(token: int) -> Air:
            return Air(meant.addresses, content, token)

        why_not = await self._doors.air(part.link, command, plan.longest_s)
        over = self._doors.clock.wall() + (part.burst_s if part.relayed else 0.0)
        return LinkSaid(part.link, not why_not, None if why_not else int(over), why_not)

    # ---- planning --------------------------------------------------------------------------------------------------

    def _plan(self, wish: Wish) -> tuple[AirPlan, list[Content], Meant]:
        links = [(link, manner) for link in self._doors.links if (manner := link.capabilities.fm) is not None]
        if not links:
            raise refused(Kind.UNAVAILABLE, "fm_no_link", "links")
        if wish.what is What.CODE and (wish.to or wish.again):
            raise refused(Kind.INVALID, "fm_to_with_code", "to", ", ".join(wish.to))
        if wish.what is What.MAINTENANCE:
            wish = self._kept_alive(wish, links)
        meant = self._by_code(wish) if wish.what is What.CODE else meant_by(wish.to, self._inventory, self._county)
        contents = [content_of(wish, manner) for _, manner in links]
        if disturbs(contents[0]):
            self._nothing_sounds(wish.what is What.CODE, meant)
        parts = tuple(_part(link, manner, meant, each) for (link, manner), each in zip(links, contents, strict=True))
        longest_s = ORDER_VALID_S + MARGIN_S + 2 * max(part.burst_s for part in parts)
        packets = "".join(f"{part.link} {' '.join(part.packets)}\n" for part in parts)
        plan = AirPlan(
            what=wish.what.value,
            type=content_type(contents[0]),
            values=wish.told(),
            addresses=meant.addresses,
            devices=len(meant.codes),
            places=meant.places(self._inventory),
            links=parts,
            notes=tuple(self._notes(wish, links)),
            twice=self._is_asked_twice(wish, meant, contents[0]),
            longest_s=longest_s,
            digest=sm3(f"{packets}{''.join(meant.codes)}".encode()).hex(),
        )
        return plan, contents, meant

    def _by_code(self, wish: Wish) -> Meant:
        """A code goes to whoever has the physical address, in the inventory or not; it must be nobody else's."""
        code, roster = terminal_code(wish.code), self._inventory.roster
        if not code.area.startswith(self._county.stem):
            raise refused(Kind.INVALID, "fm_outside", "code", code, self._county)
        holder, device = roster.by_code(code), roster.by_phys(wish.phys.upper())
        if holder is not None and holder.phys and holder.phys != wish.phys.upper():
            raise refused(Kind.CONFLICT, "fm_code_taken", "code", code, holder.phys)
        return Meant((), () if device is None else (device.code,))

    def _kept_alive(self, wish: Wish, links: Sequence[tuple[Link, FmManner]]) -> Wish:
        """Maintenance is switched on only where a link says type 21 often enough; otherwise terminals would fall silent
        in the middle of an alert."""
        if not wish.on:
            return wish
        off = next((link.name for link, manner in links if not manner.maintenance_s), None)
        if off is not None:
            raise refused(Kind.CONFLICT, "fm_not_kept_alive", "maintenance_s", off, MAINTENANCE_S_MIN)
        least = max(manner.maintenance_s for _, manner in links)
        if wish.seconds is not None and wish.seconds < least:
            raise refused(Kind.INVALID, "fm_period_short", "maintenance", wish.seconds, least)
        return replace(wish, seconds=wish.seconds or least)

    def _nothing_sounds(self, anywhere: bool, meant: Meant) -> None:
        """What would silence an alert, or keep its stop away, waits until that is over; the links see to it, too."""
        places = {code.area for code in meant.codes}
        for record in self._doors.state.live_alerts():
            if record.state is AlertState.ON_AIR and (anywhere or not places.isdisjoint(record.holds)):
                raise refused(Kind.CONFLICT, "fm_alert_on_air", "alert", record.alert.id)

    def _is_asked_twice(self, wish: Wish, meant: Meant, content: Content) -> bool:
        """A factory reset of more than one terminal; a restart or silence of everybody."""
        several = len(meant.codes) > 1
        if wish.what is What.FACTORY_RESET:
            return several
        if not several or wish.what is What.CODE or not disturbs(content):
            return False
        everybody = sum(Path.FM in terminal.paths for terminal in self._inventory.terminals_in([self._county]))
        return len(meant.codes) == everybody

    def _notes(self, wish: Wish, links: Sequence[tuple[Link, FmManner]]) -> Iterator[Note]:
        roster = self._inventory.roster
        if wish.what is What.CODE:
            known = roster.by_phys(wish.phys.upper())
            if roster.by_code(ResourceCode(wish.code)) is None:
                yield Note.NOT_KEPT
            if known is not None and known.code != wish.code:
                yield Note.OTHER_CODE
        if wish.what is What.FACTORY_RESET:
            yield Note.LOSES_ALL
        if wish.default_khz and all(each.frequency_khz != wish.default_khz for each in roster.transmitters):
            yield Note.NO_CARRIER
        if wish.what is What.MAINTENANCE and not wish.on and any(manner.maintenance_s for _, manner in links):
            yield Note.SAID_AGAIN
        if not all(link.status().up for link, _ in links):
            yield Note.LINK_DOWN


def _part(link: Link, manner: FmManner, meant: Meant, content: Content) -> AirLink:
    try:
        packets = [command for _, command in packets_of(meant.addresses, content)]
    except LocalProtocolError as error:
        raise refused(Kind.INVALID, "fm_bad_value", "packet", link.name, str(error)) from None
    frames = sum(frame_count(len(command) + BLOCK_BYTES) for command in packets)
    shown = tuple(command.hex().upper() for command in packets)
    pass_s, burst_s = air_time_s(frames) / manner.share, manner.burst_s(frames)
    costs = (frames, manner.passes, round(pass_s, 2), round(burst_s, 2))
    return AirLink(link.name, link.status().up, shown, *costs, manner.relayed)
