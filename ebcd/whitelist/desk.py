"""The white list that operators keep: looked at, changed by rows, each change in the journal without names.

Whoever looks at it sees names and numbers, and the log says who looked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from devices.given import Permission
from devices.ports import Clock
from devices.roster import DeviceKind
from ebcd.archive.columns import PERSON_PREFIX
from ebcd.archive.keeper import refused
from ebcd.errors import ConfigError
from ebcd.inventory import Inventory
from ebcd.operator import Actor, Kind
from ebcd.store import Store
from ebcd.whitelist.book import IN_ONE_FACT_MAX, CallerBook, Listed, Right, whitelist_changed
from ebcd.whitelist.plan import CODE_DIGITS, People, Someone, adapters_at, wanted
from ebcd.whitelist.table import Entry, number_of, parse
from protocols.codes import AreaCode, InvalidCode, ResourceCode, covers

PEOPLE_AT_ONCE = 500
LISTED_MAX = 20_000

log = structlog.get_logger("ebcd.whitelist")


@dataclass(frozen=True, slots=True)
class CallerRow:
    """Somebody who is listed. `at`: an adapter's code, or an area's 12 digits; `areas`: none: wherever the adapter is;
    `adapters`: whose list it is, `taken`: how many of them have answered that they have exactly this."""

    person: str
    number: str
    name: str
    at: str
    place: str
    permission: str
    areas: tuple[str, ...]
    adapters: int
    taken: int


@dataclass(frozen=True, slots=True)
class CallerView:
    """The list. `open`: codes of adapters that have something else, to be mended by a push."""

    rows: tuple[CallerRow, ...]
    open: tuple[str, ...]


async def people_of(store: Store, ids: Iterable[int]) -> People:
    """The people behind ids, as far as they are known."""
    wanted_ids = sorted(ids)
    found: dict[int, Someone] = {}
    for at in range(0, len(wanted_ids), PEOPLE_AT_ONCE):
        people = await store.people(wanted_ids[at : at + PEOPLE_AT_ONCE])
        found |= {number: Someone(number, each.name, each.phone) for number, each in people.items()}
    return found


class WhitelistDesk:
    """One county's list. `numbers_max`: how many an adapter may be given."""

    def __init__(
        self,
        book: CallerBook,
        inventory: Inventory,
        store: Store,
        county: AreaCode,
        numbers_max: int,
        clock: Clock,
        enter: Callable[..., None],
        durable: Callable[[], Awaitable[object]],
    ) -> None:
        self._book = book
        self._inventory = inventory
        self._store = store
        self._county = county
        self._numbers_max = numbers_max
        self._clock = clock
        self._enter = enter
        self._durable = durable

    async def rows(self, actor: Actor, differing: Sequence[str]) -> CallerView:
        """Everybody, by place and number. `differing`: adapters that have something else."""
        people = await people_of(self._store, (person for person, _ in self._book.listed))
        log.info("whitelist.shown", actor=actor.name, rows=len(self._book.listed))
        return self._view(self._book.listed.items(), people, differing)

    async def put(self, content: str, actor: Actor, *, replace: bool, dry_run: bool) -> CallerView:
        """Rows of a table, each in the place of the one with its number and place; `replace`: they are the whole list.
        Raises ConfigError with everything that is wrong, OperationRefused."""
        entries, problems = parse(content, "whitelist", self._at, self._area)
        if problems:
            raise ConfigError(problems)
        if not entries and not replace:
            raise refused(Kind.INVALID, "whitelist_empty", "csv")
        people = dict(await people_of(self._store, self._book.people()))
        ids = {person.id: person for person in people.values()}
        made = self._strangers(entries, ids)
        put = {(made[e.number, e.name], e.at): Right(int(e.permission), e.areas) for e in entries}
        places = {(e.number, e.at) for e in entries}
        old = [key for key in self._book.listed if replace or self._same_place(key, ids, places)]
        removed = [key for key in old if key not in put]
        self._must_fit(removed, put, ids)
        if not dry_run:
            put = await self._written_down(put, ids)
            changed = {key: right for key, right in put.items() if self._book.listed.get(key) != right}
            await self._change(changed, removed, actor)
        return self._view(put.items(), ids, ())

    async def remove(self, number: str, at: str, actor: Actor) -> CallerView:
        """Take a number off the list, everywhere or at one place; who was. Raises OperationRefused."""
        wanted_number, places = number_of(number), self._at(at) if at else ()
        people = await people_of(self._store, (person for person, _ in self._book.listed))
        found = [
            key
            for key in self._book.listed
            if key[0] in people and people[key[0]].phone == wanted_number and (not at or key[1] in places)
        ]
        if not found or not wanted_number:
            raise refused(Kind.NOT_FOUND, "whitelist_unknown", "number", number[:40], at or "-")
        gone = [(key, self._book.listed[key]) for key in found]
        await self._change({}, found, actor)
        return self._view(gone, people, ())

    # ---- inside ----------------------------------------------------------------------------------------------------

    @staticmethod
    def _strangers(entries: Sequence[Entry], known: dict[int, Someone]) -> dict[tuple[str, str], int]:
        """An id for everybody by number and name; who is new gets one below zero until it is sure that they stay."""
        made = {(each.phone, each.name): each.id for each in known.values() if each.phone}
        for entry in entries:
            if (entry.number, entry.name) not in made:
                number = made[entry.number, entry.name] = -1 - len(made)
                known[number] = Someone(number, entry.name, entry.number)
        return made

    async def _written_down(self, put: dict[Listed, Right], people: dict[int, Someone]) -> dict[Listed, Right]:
        """The same with everybody beside the journal."""
        ids: dict[int, int] = {}
        for person in dict.fromkeys(person for person, _ in put if person < 0):
            who = people[person]
            number = ids[person] = await self._store.person(who.name, who.phone)
            people[number] = Someone(number, who.name, who.phone)
        return {(ids.get(person, person), at): right for (person, at), right in put.items()}

    @staticmethod
    def _same_place(key: Listed, people: dict[int, Someone], places: set[tuple[str, str]]) -> bool:
        person = people.get(key[0])
        return person is not None and (person.phone, key[1]) in places

    def _must_fit(self, removed: Sequence[Listed], put: dict[Listed, Right], people: People) -> None:
        """No adapter may be wanted to hold more than it can."""
        after = CallerBook({key: right for key, right in self._book.listed.items() if key not in removed} | put)
        if len(after.listed) > LISTED_MAX:
            raise refused(Kind.INVALID, "whitelist_full", "whitelist", len(after.listed), LISTED_MAX)
        for code, here in wanted(after, self._inventory).items():
            numbers = {people[person].phone for person in here if person in people}
            if len(numbers) > self._numbers_max:
                raise refused(Kind.INVALID, "whitelist_adapter_full", code, len(numbers), self._numbers_max)

    async def _change(self, put: dict[Listed, Right], removed: Sequence[Listed], actor: Actor) -> None:
        at, rows = self._clock.wall(), list(put.items())
        for begin in range(0, max(len(rows), len(removed)), IN_ONE_FACT_MAX):
            end = begin + IN_ONE_FACT_MAX
            self._enter(whitelist_changed(rows[begin:end], removed[begin:end], at, actor.name))
        log.info("whitelist.changed", actor=actor.name, put=len(rows), removed=len(removed))
        await self._durable()

    def _view(self, rows: Iterable[tuple[Listed, Right]], people: People, differing: Sequence[str]) -> CallerView:
        shown = []
        for (person, at), right in rows:
            who = people.get(person, Someone(person, "", ""))
            adapters = adapters_at(at, self._inventory)
            taken = sum(self._has(code, person, right) for code in adapters)
            permission = Permission(right.permission).name.lower()
            id_ = f"{PERSON_PREFIX}{person}" if person > 0 else ""
            shown.append(
                CallerRow(id_, who.phone, who.name, at, self._place(at), permission, right.areas, len(adapters), taken)
            )
        return CallerView(tuple(sorted(shown, key=lambda each: (each.at, each.number))), tuple(differing))

    def _has(self, code: ResourceCode, person: int, right: Right) -> bool:
        meant = Right(right.permission, right.areas or (str(code.area),))
        return self._book.taken.get(code, {}).get(person) == meant

    def _place(self, at: str) -> str:
        if len(at) != CODE_DIGITS:
            return self._inventory.name_of(AreaCode(at))
        device = self._inventory.roster.by_code(at)
        return "" if device is None else device.name

    def _at(self, words: str) -> tuple[str, ...]:
        """An adapter's code, or an area of the county."""
        device = self._inventory.roster.by_code(words)
        if device is not None:
            return (str(device.code),) if device.kind is DeviceKind.ADAPTER else ()
        return self._area(words)

    def _area(self, words: str) -> tuple[str, ...]:
        named = self._inventory.areas_named(words)
        try:
            found = named or (AreaCode.parse(words),)
        except InvalidCode:
            return ()
        return tuple(str(area) for area in found if covers(self._county, area))
