"""What the journal says of orders over FM: who ordered what for whom, and when it was on air on which link."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ebcd.airing.values import AirPlan, LinkSaid
from ebcd.facts import Fact
from ebcd.personal import masked
from protocols.codes import ResourceCode

FM_ORDERED = "fm.ordered"
FM_SAID = "fm.said"
CODES_MAX = 200
"""Devices that a fact names one by one; beyond, their places and number."""


def fm_ordered(number: str, plan: AirPlan, codes: Sequence[ResourceCode], at: float, actor: str) -> Fact:
    """Written before it is handed to the links. `digest`: SM3 of the packets, which may hold a telephone number."""
    links = [[part.link, part.frames, part.passes] for part in plan.links]
    places = [[place.code, place.terminals] for place in plan.places]
    payload = {"addresses": list(plan.addresses), "places": places, "links": links, "digest": plan.digest}
    return Fact(FM_ORDERED, None, at, actor, _what(number, plan, codes) | payload)


def fm_said(
    number: str, plan: AirPlan, links: Iterable[LinkSaid], codes: Sequence[ResourceCode], at: float, actor: str
) -> Fact:
    """What each link did: UTC second at which its burst was over, or why it was not said."""
    results = [[each.link, each.until, each.reason] for each in links]
    return Fact(FM_SAID, None, at, actor, _what(number, plan, codes) | {"results": results})


def _what(number: str, plan: AirPlan, codes: Sequence[ResourceCode]) -> dict[str, Any]:
    values = {name: masked(value) for name, value in plan.values.items()}
    named = list(codes) if len(codes) <= CODES_MAX else []
    return {"number": number, "what": plan.what, "values": values, "devices": plan.devices, "codes": named}
