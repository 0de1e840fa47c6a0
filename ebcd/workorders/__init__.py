"""Work orders (派单): one per root cause, followed until the devices prove that it is mended.

`ebcd.workorders.missed`, which looks at alerts, stands outside this list: the live state itself holds the work book.
"""

from ebcd.workorders.book import WorkBook
from ebcd.workorders.cause import findings
from ebcd.workorders.crews import Crew, OrderRule, crew_for
from ebcd.workorders.desk import Desk, UnknownOrder
from ebcd.workorders.sites import Site, Sites, sites_of
from ebcd.workorders.table import ORDER, ORDER_FINAL, OrderEvent, OrderState
from ebcd.workorders.values import Finding, Step, Trouble, WorkOrder

__all__ = [
    "ORDER",
    "ORDER_FINAL",
    "Crew",
    "Desk",
    "Finding",
    "OrderEvent",
    "OrderRule",
    "OrderState",
    "Site",
    "Sites",
    "Step",
    "Trouble",
    "UnknownOrder",
    "WorkBook",
    "WorkOrder",
    "crew_for",
    "findings",
    "sites_of",
]
