"""What adapters would be told: what is listed for them against what they took. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from devices.given import Caller, ListOperation, Permission
from ebcd.inventory import Inventory
from ebcd.whitelist.book import CallerBook, Right
from protocols.codes import AreaCode, InvalidCode, ResourceCode

ORDER = (ListOperation.DELETE, ListOperation.MODIFY, ListOperation.ADD)
"""Room is made first: an adapter holds so many numbers."""
CODE_DIGITS = 23


@dataclass(frozen=True, slots=True)
class Someone:
    """A person behind an id. Personal data; empty: erased."""

    id: int
    name: str
    phone: str


People = Mapping[int, Someone]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a 0x0C. `former`: whom the adapter has under this number now."""

    person: int
    former: int | None
    right: Right
    caller: Caller


def wanted(book: CallerBook, inventory: Inventory) -> dict[ResourceCode, dict[int, Right]]:
    """Who is listed for each adapter of the inventory, by person, with the places that are meant. What is said of the
    adapter itself goes before what is said of a village, and that before what is said of a town."""
    found: dict[ResourceCode, dict[int, Right]] = {adapter.code: {} for adapter in inventory.roster.adapters}
    by_place: dict[str, list[tuple[int, Right]]] = {}
    for (person, where), right in book.listed.items():
        by_place.setdefault(where, []).append((person, right))
    for where in sorted(by_place, key=_width):
        for code in adapters_at(where, inventory):
            here = found.get(code, {})  # of an adapter that left nothing is wanted
            for person, right in by_place[where]:
                here.pop(person, None)  # of several names under one number the last counts
                here[person] = Right(right.permission, right.areas or (str(code.area),))
    return found


def _width(where: str) -> int:
    """Wide places first, so that a narrower one overrides them."""
    return CODE_DIGITS if len(where) == CODE_DIGITS else len(AreaCode(where).stem)


def adapters_at(where: str, inventory: Inventory) -> tuple[ResourceCode, ...]:
    """The adapters that a list's place means."""
    try:
        if len(where) == CODE_DIGITS:
            return (ResourceCode(where),)
        return inventory.adapters_in((AreaCode.parse(where),))
    except InvalidCode:
        return ()


def difference(here: Mapping[int, Right], taken: Mapping[int, Right], people: People) -> tuple[Line, ...]:
    """What an adapter that has `taken` must be told so that it has `here`. Numbers are compared, not people: somebody
    under the same number with another name is changed. Whom nobody knows any more cannot be told."""
    new = _by_number(here, people)
    old = _by_number(taken, people)
    lines = []
    for number, person in new.items():
        former = old.get(number)
        right = here[person]
        if former is None:
            lines.append(_line(ListOperation.ADD, people[person], None, right))
        elif (former, taken[former]) != (person, right):
            lines.append(_line(ListOperation.MODIFY, people[person], former, right))
    gone = (person for number, person in old.items() if number not in new)
    lines += (_line(ListOperation.DELETE, people[person], person, taken[person]) for person in gone)
    return tuple(sorted(lines, key=lambda each: (ORDER.index(each.caller.operation), each.caller.phone)))


def _by_number(rights: Iterable[int], people: People) -> dict[str, int]:
    """Of several names under one number the one that came last."""
    known = (people.get(person) for person in rights)
    return {each.phone: each.id for each in known if each is not None and each.phone}


def _line(operation: ListOperation, person: Someone, former: int | None, right: Right) -> Line:
    areas = tuple(AreaCode(area) for area in right.areas)
    caller = Caller(operation, person.phone, person.name, Permission(right.permission), areas)
    return Line(person.id, former, right, caller)
