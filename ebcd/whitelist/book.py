"""What the journal says of white lists: who is listed for which adapters, and what each adapter said it took.

Nothing asks an adapter for its list, so what it has is what it answered 0 to (I8). Names and numbers stand beside the
journal; here are their ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ebcd.facts import Fact

WHITELIST_CHANGED = "whitelist.changed"
WHITELIST_TOLD = "whitelist.told"
WHITELIST_EMPTIED = "whitelist.emptied"
IN_ONE_FACT_MAX = 500


@dataclass(frozen=True, slots=True)
class Right:
    """How somebody may speak (1 SMS, 2 phone, 3 both) and where: 12 digits each; listed without any, it is wherever
    the adapter is."""

    permission: int
    areas: tuple[str, ...] = ()


Listed = tuple[int, str]
"""A person's id, and whose list: a 23-digit adapter, or the 12 digits of an area for every adapter in it."""


def whitelist_changed(put: Iterable[tuple[Listed, Right]], removed: Iterable[Listed], at: float, actor: str) -> Fact:
    """Somebody changed the list that operators keep."""
    rows = [[person, where, right.permission, list(right.areas)] for (person, where), right in put]
    payload = {"put": rows, "removed": [list(each) for each in removed]}
    return Fact(WHITELIST_CHANGED, None, at, actor, payload)


def whitelist_told(
    adapter: str, taken: Mapping[int, Right], removed: Iterable[int], said: str, at: float, actor: str
) -> Fact:
    """What an adapter answered to one 0x0C. `said`: why it took nothing, "" where it took all of it."""
    rows = [[person, right.permission, list(right.areas)] for person, right in taken.items()]
    payload = {"adapter": adapter, "taken": rows, "removed": list(removed), "said": said}
    return Fact(WHITELIST_TOLD, None, at, actor, payload)


def whitelist_emptied(adapter: str, at: float, actor: str) -> Fact:
    """Somebody says that an adapter's list is empty: it was reset."""
    return Fact(WHITELIST_EMPTIED, None, at, actor, {"adapter": adapter})


@dataclass(slots=True)
class CallerBook:
    """`taken`: by adapter, whom it has."""

    listed: dict[Listed, Right] = field(default_factory=dict)
    taken: dict[str, dict[int, Right]] = field(default_factory=dict)

    def apply(self, fact: Fact) -> None:
        """Fold one fact in; kinds that are not ours change nothing."""
        payload = fact.payload
        match fact.kind:
            case "whitelist.changed":
                for person, where in payload["removed"]:
                    self.listed.pop((person, where), None)
                for person, where, permission, areas in payload["put"]:
                    self.listed[person, where] = Right(permission, tuple(areas))
            case "whitelist.told":
                here = self.taken.setdefault(str(payload["adapter"]), {})  # a plain key, as checkpoints need it
                for person in payload["removed"]:
                    here.pop(person, None)
                for person, permission, areas in payload["taken"]:
                    here[person] = Right(permission, tuple(areas))
                if not here:
                    del self.taken[str(payload["adapter"])]
            case "whitelist.emptied":
                self.taken.pop(payload["adapter"], None)
            case "device.swapped":
                self.taken.pop(payload["code"], None)  # the new unit knows nobody

    def held_by(self, person: int) -> tuple[str, ...]:
        """Where somebody is listed, and which adapters have the number: they must be told before it is forgotten."""
        listed = [where for each, where in self.listed if each == person]
        return (*listed, *(adapter for adapter, here in self.taken.items() if person in here))

    def people(self) -> frozenset[int]:
        """Everybody in it."""
        return frozenset(person for person, _ in self.listed).union(*self.taken.values())

    def dump(self) -> dict[str, Any]:
        """For checkpoints: plain JSON values."""
        listed = [[*key, right.permission, list(right.areas)] for key, right in self.listed.items()]
        taken = {
            adapter: [[person, right.permission, list(right.areas)] for person, right in here.items()]
            for adapter, here in self.taken.items()
        }
        return {"listed": listed, "taken": taken}

    @classmethod
    def load(cls, value: Mapping[str, Any]) -> CallerBook:
        """The inverse of `dump`; an empty mapping is an empty book."""
        listed = {(row[0], row[1]): Right(row[2], tuple(row[3])) for row in value.get("listed", ())}
        taken = {
            adapter: {row[0]: Right(row[1], tuple(row[2])) for row in rows}
            for adapter, rows in value.get("taken", {}).items()
        }
        return cls(listed, taken)
