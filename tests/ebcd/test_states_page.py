"""docs/states.md shows the tables as they are."""

from __future__ import annotations

from ebcd.health import Condition
from ebcd.lifecycle import AlertState, DeliveryState
from ebcd.workorders import OrderState
from tests.state_diagrams import ALERT_STATES, CONDITIONS, DELIVERY_STATES, ORDER_STATES, PAGE, page


def test_the_page_is_drawn_from_the_tables_of_today() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.state_diagrams"


def test_every_state_is_explained() -> None:
    assert set(ALERT_STATES) == set(AlertState)
    assert set(DELIVERY_STATES) == set(DeliveryState)
    assert set(CONDITIONS) == set(Condition)
    assert set(ORDER_STATES) == set(OrderState)
