"""Changes of many devices in stages: one device, a tenth, all. What the journal's `change.` facts add up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any

from ebcd.facts import Fact

CHANGE_OPENED = "change.opened"
CHANGE_STAGED = "change.staged"
CHANGE_ENDED = "change.ended"
CHANGES_KEPT_MAX = 200
TENTH = 10


class ChangeState(StrEnum):
    """How far a change has got."""

    RUNNING = "running"
    DONE = "done"
    HALTED = "halted"  # too many failed, or somebody said so


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be changed. Firmware where `url` is set, certificates and lists where `trust` is, settings otherwise.
    `period_s`: between returns; `trust`: SM3 over all that is sent; `certificates`: numbers of those that go to
    everybody, besides those that a device's list names."""

    volume: int | None = None
    return_to: str = ""
    period_s: int | None = None
    url: str = ""
    version: str = ""  # 8 hexadecimal digits
    md5: str = ""
    back_url: str = ""
    """Of firmware: where its predecessor is, for a halt; "": as an earlier change had it, if one did."""
    back_version: str = ""
    back_md5: str = ""
    trust: str = ""
    certificates: tuple[str, ...] = ()

    def told(self) -> dict[str, Any]:
        """What is set, by name."""
        return {name: value for name, value in asdict(self).items() if value not in ("", None, ())}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Order:
        """The inverse of `told`, also of its JSON."""
        return cls(**{**told, "certificates": tuple(told.get("certificates", ()))})


@dataclass(slots=True)
class Change:
    """One change. `stages`: what came of each: how many were told, who failed. Times are UTC seconds."""

    id: str
    order: Order
    codes: tuple[str, ...]
    skipped: tuple[str, ...]  # could not be reached when it began
    actor: str
    opened_at: float
    state: ChangeState = ChangeState.RUNNING
    stages: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    ended_at: float = 0.0
    why: str = ""
    restored: int = 0
    left: tuple[str, ...] = ()
    """Of one that was halted: who may have the new value still, because it could not be given the old one."""
    unheard: tuple[str, ...] = ()  # were sent it and have no way to say whether they took it


def batches(codes: Sequence[str]) -> list[tuple[str, ...]]:
    """One device, then up to a tenth of all, then the rest; no empty stage."""
    tenth = min(len(codes), max(1, len(codes) // TENTH))
    cuts = sorted({0, min(1, len(codes)), tenth, len(codes)})
    return [tuple(codes[a:b]) for a, b in pairwise(cuts)]


def fails(told: int, failed: int, halt_share: float) -> bool:
    """Whether a stage halts the change."""
    return bool(failed) and failed / told > halt_share


def change_opened(
    number: str, order: Order, codes: Iterable[str], skipped: Iterable[str], at: float, actor: str
) -> Fact:
    """A change begins."""
    payload = {"id": number, "order": order.told(), "codes": list(codes), "skipped": list(skipped)}
    return Fact(CHANGE_OPENED, None, at, actor, payload)


def change_staged(
    number: str, told: int, failed: Iterable[str], at: float, actor: str, unheard: Iterable[str] = ()
) -> Fact:
    """One stage is over. `unheard`: devices without a way to answer."""
    payload = {"id": number, "told": told, "failed": list(failed), "unheard": list(unheard)}
    return Fact(CHANGE_STAGED, None, at, actor, payload)


def change_ended(
    number: str, state: ChangeState, why: str, restored: int, at: float, actor: str, left: Iterable[str] = ()
) -> Fact:
    """It is done, or halted; `restored`: devices that have their old values again, `left`: who has not."""
    payload = {"id": number, "state": state, "why": why, "restored": restored, "left": list(left)}
    return Fact(CHANGE_ENDED, None, at, actor, payload)


@dataclass(slots=True)
class ChangeBook:
    """Changes by id, oldest first."""

    changes: dict[str, Change] = field(default_factory=dict)

    def apply(self, fact: Fact) -> None:
        """Fold one fact in."""
        p = fact.payload
        if fact.kind == CHANGE_OPENED:
            order = Order.of(p["order"])
            codes, skipped = tuple(p["codes"]), tuple(p["skipped"])
            self.changes[p["id"]] = Change(p["id"], order, codes, skipped, fact.actor, fact.at)
            for number in list(self.changes)[:-CHANGES_KEPT_MAX]:
                del self.changes[number]
        elif (change := self.changes.get(p["id"])) is None:
            return
        elif fact.kind == CHANGE_STAGED:
            change.stages.append((p["told"], tuple(p["failed"])))
            change.unheard += tuple(p.get("unheard", ()))
        elif fact.kind == CHANGE_ENDED:
            change.state, change.why, change.restored = ChangeState(p["state"]), p["why"], p["restored"]
            change.ended_at, change.left = fact.at, tuple(p.get("left", ()))

    def image_of(self, version: str) -> tuple[str, str] | None:
        """Address and MD5 of the firmware that a change brought last as this version; None where none did."""
        known = (each.order for each in reversed(self.changes.values()) if each.order.url and each.stages)
        return next(((order.url, order.md5) for order in known if order.version == version), None)

    def dump(self) -> list[dict[str, Any]]:
        """For checkpoints: plain JSON values."""
        return [asdict(change) for change in self.changes.values()]

    @classmethod
    def load(cls, rows: Iterable[Mapping[str, Any]]) -> ChangeBook:
        """The inverse of `dump`."""
        book = cls()
        for row in rows:
            values = dict(row)
            values["order"], values["state"] = Order.of(row["order"]), ChangeState(row["state"])
            values["codes"], values["skipped"] = tuple(row["codes"]), tuple(row["skipped"])
            values["left"] = tuple(row.get("left", ()))
            values["unheard"] = tuple(row.get("unheard", ()))
            values["stages"] = [(told, tuple(failed)) for told, failed in row["stages"]]
            book.changes[row["id"]] = Change(**values)
        return book
