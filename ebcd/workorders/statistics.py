"""What a month of orders shows (绩效): how long it took to notice, to arrive, to mend; by cause, town and crew."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from statistics import median

from ebcd.workorders.table import OrderState
from ebcd.workorders.values import WorkOrder

BEIJING = timezone(timedelta(hours=8))
BY = ("trouble", "town", "model", "crew")
TOWN_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Line:
    """One group of orders. Times are medians in seconds, None where no order of the group got so far."""

    group: str
    value: str
    orders: int
    open: int
    healed: int  # came back before anybody was sent
    withdrawn: int  # nothing was wrong
    relapses: int
    overdue: int
    notice_s: float | None  # from the first sign of the trouble
    dispatch_s: float | None
    arrive_s: float | None
    mend_s: float | None
    close_s: float | None


def month_of(at: float) -> str:
    """YYYY-MM in Beijing."""
    return f"{datetime.fromtimestamp(at, BEIJING):%Y-%m}"


def statistics(orders: Iterable[WorkOrder], month: str, model_of: Callable[[str], str]) -> tuple[Line, ...]:
    """All orders opened in a month (YYYY-MM), then by trouble, town, model and crew. Absorbed ones count with what
    absorbed them. `model_of`: a device's model by its code, "" where the archive has none; an order whose devices are
    of several models counts under "" as well."""
    counted = _opened_in(orders, month)
    keys: dict[str, Callable[[WorkOrder], str]] = {
        "trouble": lambda order: str(order.trouble),
        "town": lambda order: order.area[:TOWN_DIGITS].ljust(12, "0"),
        "model": lambda order: _model(order, model_of),
        "crew": lambda order: order.crew,
    }
    lines = [_line("all", "", counted)]
    for group in BY:
        values: dict[str, list[WorkOrder]] = {}
        for order in counted:
            values.setdefault(keys[group](order), []).append(order)
        lines += [_line(group, value, values[value]) for value in sorted(values)]
    return tuple(lines)


def all_of(orders: Iterable[WorkOrder], month: str) -> Line:
    """The first line of `statistics`, without the work of the others: a scrape asks for it."""
    return _line("all", "", _opened_in(orders, month))


def _opened_in(orders: Iterable[WorkOrder], month: str) -> list[WorkOrder]:
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=BEIJING)
    next_first = (first + timedelta(days=31)).replace(day=1)
    begin, end = first.timestamp(), next_first.timestamp()
    return [o for o in orders if begin <= o.opened_at < end and o.state is not OrderState.ABSORBED]


def _line(group: str, value: str, orders: list[WorkOrder]) -> Line:
    return Line(
        group,
        value,
        orders=len(orders),
        open=sum(order.live for order in orders),
        healed=sum(order.state is OrderState.CLOSED and not order.dispatched_at for order in orders),
        withdrawn=sum(order.state is OrderState.WITHDRAWN for order in orders),
        relapses=sum(order.relapses for order in orders),
        overdue=sum(bool(order.escalated) for order in orders),
        notice_s=_median(order.opened_at - order.since for order in orders if order.since),
        dispatch_s=_median(order.dispatched_at - order.opened_at for order in orders if order.dispatched_at),
        arrive_s=_median(order.arrived_at - order.opened_at for order in orders if order.arrived_at),
        mend_s=_median(order.mended_at - order.opened_at for order in orders if order.mended_at),
        close_s=_median(o.closed_at - o.opened_at for o in orders if o.state is OrderState.CLOSED),
    )


def _model(order: WorkOrder, model_of: Callable[[str], str]) -> str:
    models = {model_of(code) for code in order.devices}
    return models.pop() if len(models) == 1 else ""


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return median(found) if found else None
