"""Which authorisation lists devices were sent, and what they said to them: the rule of serials needs a memory, for no
device can be asked which list it has (GD/J 081 clause 6.5; GD/J 089 table E.5 has no parameter for it)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ebcd.facts import Fact
from protocols.signature import AuthorisationList, number_text
from protocols.sm2 import sm3

CHANGE_LISTS = "change.lists"
DEVICE_AUTHORISED = "device.authorised"
LISTS_MAX = 200_000
"""Receivers that are remembered: more than a province has. Beyond it goes the one that was sent to longest ago."""
IN_ONE_FACT_MAX = 2_000


class Outcome(StrEnum):
    """What became of certificates and a list on their way to one device."""

    SENT = "sent"  # under way, or the daemon ended before it knew
    TAKEN = "taken"  # the device's own answer
    PASSED_ON = "passed_on"  # its adapter has it, or it was on air; the device itself did not say
    REFUSED = "refused"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class SentList:
    """The newest list that was sent to a receiver. `digest`: its SM3; `at`: UTC seconds."""

    serial: int
    digest: str
    outcome: Outcome
    at: float


def digest_of(data: bytes) -> str:
    """By which a list is known again."""
    return sm3(data).hex()


def lists_sent(number: str, lists: Iterable[tuple[AuthorisationList, bytes]], at: float, actor: str) -> Fact:
    """These lists, each with its bytes, are about to be sent, as part of the change `number`."""
    told = {number_text(listed.receiver): [listed.serial, digest_of(data)] for listed, data in lists}
    return Fact(CHANGE_LISTS, None, at, actor, {"id": number, "lists": told})


def devices_authorised(number: str, results: Iterable[tuple[str, str, str, str]], at: float, actor: str) -> Fact:
    """What became of it: device, receiver, outcome, what was said to it."""
    return Fact(DEVICE_AUTHORISED, None, at, actor, {"id": number, "results": [list(each) for each in results]})


@dataclass(slots=True)
class ListBook:
    """By receiver, 12 hexadecimal digits; the one that was sent something last is last."""

    sent: dict[str, SentList] = field(default_factory=dict)

    def apply(self, fact: Fact) -> None:
        """Fold one fact in; kinds that are not ours change nothing."""
        if fact.kind == CHANGE_LISTS:
            for receiver, (serial, digest) in fact.payload["lists"].items():
                self.sent.pop(receiver, None)
                self.sent[receiver] = SentList(serial, digest, Outcome.SENT, fact.at)
            for receiver in list(self.sent)[: max(0, len(self.sent) - LISTS_MAX)]:
                del self.sent[receiver]
        elif fact.kind == DEVICE_AUTHORISED:
            for _code, receiver, outcome, _note in fact.payload["results"]:
                if (known := self.sent.get(receiver)) is not None:
                    self.sent[receiver] = SentList(known.serial, known.digest, Outcome(outcome), fact.at)

    def fault(self, listed: AuthorisationList, data: bytes) -> str | None:
        """Why a list must not be sent to its receiver any more: "older" or "conflict"; the same one may go again."""
        known = self.sent.get(number_text(listed.receiver))
        if known is None or listed.follows(known.serial):
            return None
        if listed.serial != known.serial:
            return "older"
        return None if digest_of(data) == known.digest else "conflict"

    def has_taken(self, listed: AuthorisationList, data: bytes) -> bool:
        """Whether the receiver said itself that it has exactly this list."""
        known = self.sent.get(number_text(listed.receiver))
        return known is not None and known.outcome is Outcome.TAKEN and known.digest == digest_of(data)

    def dump(self) -> dict[str, list[Any]]:
        """For checkpoints: plain JSON values."""
        return {receiver: [each.serial, each.digest, each.outcome, each.at] for receiver, each in self.sent.items()}

    @classmethod
    def load(cls, rows: Mapping[str, list[Any]]) -> ListBook:
        """The inverse of `dump`."""
        return cls({receiver: SentList(row[0], row[1], Outcome(row[2]), row[3]) for receiver, row in rows.items()})
