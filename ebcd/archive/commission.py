"""Taking a device into service, and putting another unit in the place of one (开通, 换机).

A device that waits is given code, volume and return address over the connection it made, asked back what it took, and
entered into inventory.csv; what was asked and answered is signed with the platform's key and stands in the journal.
Nothing is entered that the device has not confirmed, and no device is told what the inventory could not hold. A
replacement keeps the resource code, and with it the history; what belonged to the old unit alone goes into the history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from devices.link import Path
from devices.maintenance import Configure, Given, HostPort, Told
from devices.ports import Clock, Sign
from devices.roster import Device, DeviceKind
from ebcd.archive.enquiry import Enquiries
from ebcd.archive.history import device_commissioned, device_swapped
from ebcd.archive.keeper import Keeper, refused
from ebcd.archive.pending import Pending, Waiting
from ebcd.archive.record import Status
from ebcd.archive.table import Table
from ebcd.facts import Fact
from ebcd.inventory import Inventory
from ebcd.operator import Actor, Kind
from protocols import terminal
from protocols.codes import AreaCode, InvalidCode, ResourceCode, covers

BEIJING = timedelta(hours=8)
NOTHING_TOLD = Told()
VALUES = (
    terminal.VOLUME,
    terminal.LOCAL_ADDRESS,
    terminal.RETURN_ADDRESS,
    terminal.RESOURCE_CODE,
    terminal.PHYSICAL_ADDRESS,
    terminal.DEVICE_TYPE,
    terminal.HARDWARE_VERSION,
    terminal.SOFTWARE_VERSION,
)
OF_THE_UNIT = (
    "model",
    "hardware_version",
    "software_version",
    "certificate",
    "certificate_expiry",
    "supplier",
    "guarantee_until",
)
"""Columns that say something of one unit: its successor's security module has another certificate, and nobody pays for
it by the old guarantee."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants a device to be. Empty texts and None leave things as they are."""

    code: str
    volume: int | None = None
    return_to: str = ""
    name: str = ""
    place: str = ""
    pole: str = ""
    contact: str = ""
    paths: str = ""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What was asked and answered, and the platform's signature over it: 74 bytes in hexadecimal over the canonical
    JSON of `document` and the time (GD/J 081 clause 5.4). `tone`: the EBM id of the first sound, which waits for its
    approval."""

    code: str
    phys: str
    document: Mapping[str, Any]
    signature: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """What the commissioner works with."""

    inventory: Inventory
    pending: Pending
    enquiries: Enquiries
    keeper: Keeper
    paths: Mapping[str, Path]  # of links, by name
    county: AreaCode
    sign: Sign
    clock: Clock
    enter: Callable[..., None] = field(repr=False)


class Commissioner:
    """One county's."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._in_hand: set[str] = set()  # codes and physical addresses that somebody is giving out now

    async def commission(self, phys: str, wish: Wish, actor: Actor) -> Acceptance:
        """Take the device with this physical address into service. Raises OperationRefused; nothing is entered then."""
        waiting, code = self._waiting(phys), self._free_code(wish.code, phys)
        given = Given(wish.volume, _host_port(wish.return_to), None, code, waiting.phys)
        with self._reserved(code, waiting.phys):
            await self._check(waiting, code, wish)
            told, asked_back = await self._give(waiting, code, given)
            acceptance = self._accept(waiting, code, wish, told, asked_back, actor)
            fact = device_commissioned(acceptance.document, acceptance.signature, self._site.clock.wall(), actor.name)
            await self._enter(waiting, code, self._row(waiting, code, wish, told), fact, actor)
        return acceptance

    async def swap(self, old: str, phys: str, note: str, actor: Actor) -> Acceptance:
        """Put a terminal that waits in the place of one: it gets code, volume and return address of its predecessor.
        Raises OperationRefused."""
        device = self._known(old)
        waiting = self._waiting(phys)
        if device.kind is not DeviceKind.TERMINAL:
            raise refused(Kind.INVALID, "swap_adapter_needs_address", "code", old)
        code, record = device.code, self._site.inventory.archive.of(device.code)
        wish = Wish(code, record.volume, record.return_to)
        given = Given(record.volume, _host_port(record.return_to), None, code, waiting.phys)
        was = self._of_the_unit(code)
        with self._reserved(code, waiting.phys):
            await self._check(waiting, code, wish)
            told, asked_back = await self._give(waiting, code, given)
            acceptance = self._accept(waiting, code, wish, told, asked_back, actor)
            at = self._site.clock.wall()
            commissioned = device_commissioned(acceptance.document, acceptance.signature, at, actor.name)
            swapped = device_swapped(code, device.phys, waiting.phys, at, actor.name, note, was)
            values = dict.fromkeys(was, "") | self._row(waiting, code, wish, told)
            await self._enter(waiting, code, values, swapped, actor, commissioned)
        return acceptance

    async def swap_adapter(self, old: str, phys: str, address: str, report_to: str, note: str, actor: Actor) -> str:
        """Another adapter in the place of one: entered at its address, given the code (0x05) and where to report
        (0x0D). Where it does not take them the inventory becomes what it was. Raises OperationRefused."""
        device, to = self._known(old), _host_port(address)
        if device.kind is not DeviceKind.ADAPTER or to is None:
            raise refused(Kind.INVALID, "no_adapter", "code", old, address)
        at, code = self._site.clock.wall(), device.code
        before = HostPort(device.host, device.port)
        was = self._of_the_unit(code)
        given = Given(return_to=_host_port(report_to), code=code if phys else None, phys=phys)
        with self._reserved(code):
            await self._readdress(code, phys or device.phys, to, dict.fromkeys(was, ""), actor)
            if phys or report_to:
                answers = await self._site.enquiries.tell(
                    Path.ADAPTER, lambda token: [Configure((code,), given, token)], [code]
                )
                answer = answers.get(code)
                if answer is None or answer.result:
                    await self._readdress(code, device.phys, before, was, actor)
                    said = "no_answer" if answer is None else f"{answer.result} {answer.text}".rstrip()
                    raise refused(Kind.CONFLICT, "device_refused", "adapter", code, said)
            self._site.enter(
                device_swapped(code, device.phys or str(before), phys or str(to), at, actor.name, note, was)
            )
            await self._site.keeper.durable()
        self._site.pending.forget(code)
        return code

    # ---- what is asked for -----------------------------------------------------------------------------------------

    @contextmanager
    def _reserved(self, *things: str) -> Iterator[None]:
        """Nobody else gives out this code, or sets up this device, meanwhile. Raises OperationRefused."""
        if taken := self._in_hand.intersection(things):
            raise refused(Kind.CONFLICT, "in_hand", "device", min(taken))
        self._in_hand.update(things)
        try:
            yield
        finally:
            self._in_hand.difference_update(things)

    async def _check(self, waiting: Waiting, code: ResourceCode, wish: Wish) -> None:
        """What the inventory cannot hold is refused before the device is told anything."""
        values = self._row(waiting, code, wish, NOTHING_TOLD)
        await self._site.keeper.check(lambda table: _put(table, code, values), _is_at(code, waiting.phys))

    def _of_the_unit(self, code: ResourceCode) -> dict[str, str]:
        told = self._site.inventory.archive.of(code).told()
        return {name: str(value) for name, value in told.items() if name in OF_THE_UNIT}

    def _waiting(self, phys: str) -> Waiting:
        waiting = self._site.pending.of(phys)
        if waiting is None or not waiting.phys:
            raise refused(Kind.NOT_FOUND, "device_not_waiting", "phys", phys)
        return waiting

    def _known(self, code: str) -> Device:
        device = self._site.inventory.roster.by_code(code)
        if device is None:
            raise refused(Kind.NOT_FOUND, "unknown_device", "code", code)
        return device

    def _free_code(self, text: str, phys: str) -> ResourceCode:
        """A terminal's code inside the county that no other unit has."""
        try:
            code = ResourceCode(text)
        except InvalidCode as error:
            raise refused(Kind.INVALID, "bad_code", "code", text, error) from None
        if code[19:21] != "04" or not covers(self._site.county, code.area):
            raise refused(Kind.INVALID, "no_terminal_code", "code", text, self._site.county)
        holder = self._site.inventory.roster.by_code(code)
        if holder is not None and holder.phys and holder.phys != phys.upper():
            raise refused(Kind.CONFLICT, "code_taken", "code", code, holder.phys)
        return code

    # ---- the conversation ------------------------------------------------------------------------------------------

    async def _give(self, waiting: Waiting, code: ResourceCode, given: Given) -> tuple[Told, bool]:
        """Tell the device, and ask it back where that is possible. Raises OperationRefused where it does not do it."""
        path = self._site.paths[waiting.link]
        if path is Path.ADAPTER:
            through = await self._give_through_adapter(code, given)
            return await self._ask_back(waiting, code, given, through)
        command = Configure((waiting.code,), given, 0, phys=waiting.phys)
        answers = await self._site.enquiries.tell(
            path, lambda token: [replace(command, token=token)], (), link=waiting.link, any_code=True
        )
        answer = next(iter(answers.values()), None)
        if answer is None or answer.result:
            said = "no_answer" if answer is None else f"{answer.result} {answer.text}".rstrip()
            raise refused(Kind.CONFLICT, "device_refused", "device", waiting.phys, said)
        return await self._ask_back(waiting, code, given, None)

    async def _ask_back(
        self, waiting: Waiting, code: ResourceCode, given: Given, through: ResourceCode | None
    ) -> tuple[Told, bool]:
        """What it says it is set to now, where its path can bring that: elsewhere its new code is proved when it
        registers. Raises OperationRefused where it says something else, or nothing."""
        path, link = self._site.paths[waiting.link], waiting.link if through is None else ""
        if not self._site.enquiries.path_asks(path, link):
            return Told(code=code, phys=waiting.phys), False
        phys = waiting.phys if through is None else ""
        found = await self._site.enquiries.ask((code,), VALUES, path=path, link=link, phys=phys, through=through)
        told = found.get(code)
        if told is None:
            raise refused(Kind.CONFLICT, "device_refused", "device", waiting.phys, "no_answer")
        if kept := _kept_other(given, told):
            raise refused(Kind.CONFLICT, "device_kept_other", "device", waiting.phys, ", ".join(kept))
        return told, True

    async def _give_through_adapter(self, code: ResourceCode, given: Given) -> ResourceCode:
        through = self._site.inventory.adapter_of(code)
        if through is None:
            raise refused(Kind.INVALID, "no_adapter", "code", code)
        answers = await self._site.enquiries.tell(
            Path.ADAPTER, lambda token: [Configure((through,), given, token, targets=(code,))], [through]
        )
        answer = answers.get(through)
        if answer is None or answer.result:
            said = "no_answer" if answer is None else f"{answer.result} {answer.text}".rstrip()
            raise refused(Kind.CONFLICT, "device_refused", "adapter", through, said)
        return through

    # ---- what is written -------------------------------------------------------------------------------------------

    def _accept(
        self, waiting: Waiting, code: ResourceCode, wish: Wish, told: Told, asked_back: bool, actor: Actor
    ) -> Acceptance:
        """The signed acceptance. A contact is no part of it: the journal names nobody."""
        document = {
            "code": str(code),
            "phys": waiting.phys,
            "place": self._site.inventory.name_of(code.area),
            "wished": {k: v for k, v in asdict(wish).items() if v not in ("", None) and k != "contact"},
            "told": {k: v for k, v in asdict(told).items() if v is not None},
            "asked_back": asked_back,
            "link": waiting.link,
            "dialled_from": waiting.peer,
            "at": int(self._site.clock.wall()),
            "by": actor.name,
        }
        signature = self._site.sign(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).encode().hex()
        return Acceptance(code, waiting.phys, document, signature)

    async def _enter(
        self, waiting: Waiting, code: ResourceCode, values: dict[str, str], fact: Fact, actor: Actor, *more: Fact
    ) -> None:
        holds = _is_at(code, waiting.phys)
        await self._site.keeper.edit(
            lambda table: _put(table, code, values), holds, actor.name, fact.kind, (*more, fact)
        )
        self._site.pending.forget(waiting.phys)

    def _row(self, waiting: Waiting, code: ResourceCode, wish: Wish, told: Told) -> dict[str, str]:
        device = self._site.inventory.roster.by_code(code) or self._site.inventory.archive.planned.get(code)
        today = (datetime.fromtimestamp(self._site.clock.wall(), UTC) + BEIJING).date().isoformat()
        path = self._site.paths[waiting.link].value
        paths = wish.paths or ("" if device and device.paths else path)
        name = wish.name or ("" if device and device.name else f"{self._site.inventory.name_of(code.area)} {code[-8:]}")
        wanted = {
            "kind": DeviceKind.TERMINAL.value,
            "code": str(code),
            "phys": waiting.phys,
            "status": Status.OPENED.value,
            "installed": today,
            "name": name,
            "paths": paths,
            "place": wish.place,
            "pole": wish.pole,
            "contact": wish.contact,
            "volume": "" if wish.volume is None else str(wish.volume),
            "return_to": wish.return_to,
            "hardware_version": told.hardware or "",
            "software_version": told.software or "",
        }
        return {column: value for column, value in wanted.items() if value}

    async def _readdress(
        self, code: ResourceCode, phys: str, to: HostPort, values: Mapping[str, str], actor: Actor
    ) -> None:
        row = {"phys": phys, "host": to.host, "port": str(to.port), **values}

        def holds(inventory: Inventory) -> bool:
            device = inventory.roster.by_code(code)
            return device is not None and (device.host, device.port) == (to.host, to.port)

        await self._site.keeper.edit(lambda table: _put(table, code, row), holds, actor.name, "device.swapped")


def _put(table: Table, code: ResourceCode, values: dict[str, str]) -> None:
    table.put(table.find("code", code), values)


def _is_at(code: ResourceCode, phys: str) -> Callable[[Inventory], bool]:
    def holds(inventory: Inventory) -> bool:
        device = inventory.roster.by_code(code)
        return device is not None and device.phys == phys

    return holds


def _host_port(text: str) -> HostPort | None:
    if not text:
        return None
    try:
        return HostPort.parse(text)
    except ValueError:
        raise refused(Kind.INVALID, "bad_address", "address", text) from None


def _kept_other(given: Given, told: Told) -> list[str]:
    """What a device was given and did not take, as `name told`. Another physical address is another device, which had
    the code before."""
    wanted = {
        "phys": given.phys or None,
        "code": given.code and str(given.code),
        "volume": given.volume,
        "return_to": given.return_to and str(given.return_to),
    }
    return [f"{k} {getattr(told, k)}" for k, v in wanted.items() if v is not None and getattr(told, k) not in (None, v)]
