"""Where devices say that they play and nobody hears it, somebody is sent; only an ear proves that it is mended."""

from __future__ import annotations

import pytest

from ebcd.evaluation.evidence import evidence_heard, evidence_monitored
from ebcd.facts import Fact
from ebcd.workorders import OrderState, Trouble
from ebcd.workorders.part import Confirmations, WorkPart
from protocols.codes import AreaCode
from tests.ebcd.workorders.test_part import ADAPTER, ALERT, ALONE, BEHIND, adapter_of, after
from tests.ebcd.workorders.yard import TOWNS, Yard, village

PLACE = village(TOWNS[0], 1)


class Ears:
    """A yard after an alert, its work part, and people and monitors that say what they hear."""

    def __init__(self) -> None:
        self.yard = Yard()
        self._confirmations = Confirmations(lambda: [*BEHIND, ALONE])
        self._part = WorkPart(
            self.yard.desk, self.yard.health, self.yard.sites, self.yard.state, adapter_of, self.yard.clock
        )
        after(self.yard.state, at=self.yard.wall_s)

    def person(self, heard: bool, place: AreaCode = PLACE) -> None:
        self._take(evidence_heard(ALERT.id, place, 1, heard, "by the bridge", self._later(), "P1"))

    def monitor(self, why: str) -> None:
        self._take(evidence_monitored(ALERT.id, ADAPTER, why == "same", why, {}, self._later()))

    def _later(self) -> float:
        self.at = getattr(self, "at", self.yard.wall_s) + 1
        return self.at

    def _take(self, fact: Fact) -> None:
        self._confirmations.watch(fact, self.yard.state)
        self._part.watch(fact, self.yard.state)
        for code in (PLACE, ADAPTER):
            self.yard.confirmed[code] = self._confirmations.of(code)
        self._part.look()


def test_a_village_that_heard_nothing_is_one_order_until_somebody_there_hears_an_alert() -> None:
    ears = Ears()
    ears.person(heard=False)
    ears.person(heard=False)
    (order,) = ears.yard.orders()
    assert (order.trouble, order.root, set(order.devices)) == (Trouble.SOUND, PLACE, set(BEHIND))
    assert "by the bridge" in order.history[-1].note
    ears.person(heard=True)
    assert ears.yard.orders() == []
    assert order.state is OrderState.CLOSED


@pytest.mark.parametrize(("why", "orders"), [("silent", 1), ("other", 1), ("short", 0), ("losses", 0), ("nothing", 0)])
def test_a_monitor_that_hears_nothing_or_another_sound_is_an_order_until_it_hears_what_was_ordered(
    why: str, orders: int
) -> None:
    ears = Ears()
    ears.monitor(why)
    assert [(o.trouble, o.root) for o in ears.yard.orders()] == [(Trouble.SOUND, ADAPTER)] * orders
    ears.monitor("same")
    assert ears.yard.orders() == []


def test_silence_where_the_alert_was_not_for_is_right() -> None:
    ears = Ears()
    ears.person(heard=False, place=TOWNS[2])
    assert ears.yard.orders() == []


def test_what_nobody_heard_from_devices_that_an_order_names_already_is_a_note_on_it() -> None:
    ears = Ears()
    order = ears.yard.desk.report(BEHIND[0], BEHIND, "no power", ears.yard.wall_s, "li")
    ears.person(heard=False)
    assert ears.yard.orders() == [order]
    assert ALERT.id in order.history[-1].note
