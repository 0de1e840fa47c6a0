"""What the journal says of devices: which inventory counts, who was commissioned, swapped, set to something.

A device's history stands under its resource code, so that a replacement inherits it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ebcd.archive.listed import DEVICE_AUTHORISED, ListBook
from ebcd.archive.rollout import ChangeBook
from ebcd.facts import Fact
from ebcd.whitelist.book import WHITELIST_TOLD, CallerBook

INVENTORY_CHANGED = "inventory.changed"
DEVICE_COMMISSIONED = "device.commissioned"
DEVICE_SWAPPED = "device.swapped"
DEVICE_SET = "device.set"
NOTHING: Mapping[str, str] = MappingProxyType({})
EVENTS_MAX = 50
"""Of one device that are kept in memory and in checkpoints; older ones are found in the journal only."""


@dataclass(frozen=True, slots=True)
class DeviceEvent:
    """One line of a device's history. `at`: UTC seconds; `what`: the kind of fact, or "repaired"."""

    at: float
    actor: str
    what: str
    note: str


def inventory_changed(sm3: str, before: str, counts: Mapping[str, int], source: str, at: float, actor: str) -> Fact:
    """Another inventory counts from now on. `source`: the file it came from, or how it came to be."""
    return Fact(INVENTORY_CHANGED, None, at, actor, {"sm3": sm3, "before": before, "source": source, **counts})


def device_commissioned(acceptance: Mapping[str, Any], signature: str, at: float, actor: str) -> Fact:
    """A device was taken into service; `acceptance` is what was asked and answered, `signature` the platform's block
    over its canonical JSON, hexadecimal."""
    payload = {"code": acceptance["code"], "acceptance": dict(acceptance), "signature": signature}
    return Fact(DEVICE_COMMISSIONED, None, at, actor, payload)


def device_swapped(
    code: str, old: str, new: str, at: float, actor: str, note: str = "", was: Mapping[str, str] = NOTHING
) -> Fact:
    """Another unit stands under this code. `old` and `new`: physical addresses, or host:port of adapters; `was`: what
    the archive said of the old unit alone."""
    payload = {"code": code, "old": old, "new": new, "note": note} | ({"was": dict(was)} if was else {})
    return Fact(DEVICE_SWAPPED, None, at, actor, payload)


def device_set(
    codes: Iterable[str], settings: Mapping[str, Any], failed: Iterable[str], why: str, at: float, actor: str
) -> Fact:
    """These devices were told to take settings; those in `failed` did not answer that they had."""
    payload = {"codes": list(codes), "settings": dict(settings), "failed": list(failed), "why": why}
    return Fact(DEVICE_SET, None, at, actor, payload)


@dataclass(slots=True)
class DeviceBook:
    """What the facts add up to; the only place that changes it is `apply`."""

    inventory_sm3: str = ""
    history: dict[str, list[DeviceEvent]] = field(default_factory=dict)
    rollout: ChangeBook = field(default_factory=ChangeBook)
    lists: ListBook = field(default_factory=ListBook)
    callers: CallerBook = field(default_factory=CallerBook)
    switched_off: dict[str, float] = field(default_factory=dict)
    """Devices whose amplifier was told to be off and that took it, and since when: no alert sounds there."""

    def apply(self, fact: Fact) -> None:
        """Fold one fact in; kinds that are not ours change nothing."""
        payload = fact.payload
        if fact.kind.startswith("change."):
            self.rollout.apply(fact)
        self.lists.apply(fact)
        self.callers.apply(fact)
        match fact.kind:
            case "inventory.changed":
                self.inventory_sm3 = payload["sm3"]
            case "device.commissioned":
                self._note(payload["code"], fact, f"{payload['acceptance'].get('phys', '')}")
            case "device.swapped":
                was = ", ".join(f"{name} {value}" for name, value in payload.get("was", NOTHING).items())
                note = f"{payload['old']} -> {payload['new']} {payload['note']}".rstrip()
                self._note(payload["code"], fact, f"{note} ({was})" if was else note)
                self.switched_off.pop(payload["code"], None)
            case kind if kind == WHITELIST_TOLD:
                told = f"{len(payload['taken'])} taken, {len(payload['removed'])} removed {payload['said']}"
                self._note(payload["adapter"], fact, told.rstrip())
            case kind if kind == DEVICE_AUTHORISED:
                for code, receiver, outcome, note in payload["results"]:
                    sent = self.lists.sent.get(receiver)
                    serial = "" if sent is None else f"list {sent.serial} "
                    self._note(code, fact, f"{serial}{outcome} {note}".rstrip())
            case "fm.said":
                told = " ".join((payload["what"], *payload["values"].values()))
                on_air = ", ".join(link if until else f"{link}: {why}" for link, until, why in payload["results"])
                for code in payload["codes"]:
                    self._note(code, fact, f"{told} ({on_air})")
            case "device.set":
                told = ", ".join(f"{name} {value}" for name, value in payload["settings"].items())
                failed = frozenset(payload["failed"])
                taken = [code for code in payload["codes"] if code not in failed]
                self._switch(payload["settings"].get("amplifier"), taken, fact.at)
                for code in payload["codes"]:
                    self._note(code, fact, f"{told} ({'no answer' if code in failed else payload['why']})")

    def of(self, code: str) -> tuple[DeviceEvent, ...]:
        """A device's history, oldest first."""
        return tuple(self.history.get(code, ()))

    def _switch(self, amplifier: str | None, codes: Iterable[str], at: float) -> None:
        for code in codes if amplifier is not None else ():
            self.switched_off.pop(code, None)
            if amplifier == "off":
                self.switched_off[str(code)] = at

    def dump(self) -> dict[str, Any]:
        """For checkpoints: plain JSON values."""
        rows = {code: [[e.at, e.actor, e.what, e.note] for e in events] for code, events in self.history.items()}
        books = {"changes": self.rollout.dump(), "lists": self.lists.dump(), "callers": self.callers.dump()}
        return {"sm3": self.inventory_sm3, "history": rows, "off": self.switched_off, **books}

    @classmethod
    def load(cls, value: Mapping[str, Any]) -> DeviceBook:
        """The inverse of `dump`; an empty mapping is an empty book."""
        rows = value.get("history", {})
        history = {code: [DeviceEvent(*row) for row in each] for code, each in rows.items()}
        changes, lists = ChangeBook.load(value.get("changes", ())), ListBook.load(value.get("lists", {}))
        callers, off = CallerBook.load(value.get("callers", {})), dict(value.get("off", {}))
        return cls(value.get("sm3", ""), history, changes, lists, callers, off)

    def _note(self, code: str, fact: Fact, note: str) -> None:
        events = self.history.setdefault(code, [])
        events.append(DeviceEvent(fact.at, fact.actor, fact.kind, note))
        del events[:-EVENTS_MAX]
