"""The places that each live alert would sound at, worked out once."""

from __future__ import annotations

from ebcd.lifecycle import AlertState
from ebcd.orders import Orders
from ebcd.state import AlertRecord
from protocols.codes import AreaCode, EbmId


class ClaimedPlaces:
    """Kept until the alert is over or the inventory another one."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._places_of: dict[EbmId, frozenset[AreaCode]] = {}

    def of(self, record: AlertRecord) -> frozenset[AreaCode]:
        """What it asks for; of one that is being cancelled, what it still holds."""
        alert = record.alert
        if record.state is AlertState.CANCELLING:
            return frozenset(record.holds)
        if alert.id not in self._places_of:
            self._places_of[alert.id] = self._orders.places_of(alert)
        return self._places_of[alert.id]

    def forget(self, alert_id: EbmId) -> None:
        """It is over."""
        self._places_of.pop(alert_id, None)

    def forget_all(self) -> None:
        """The inventory has changed (`ebcd.archive.turnover`)."""
        self._places_of.clear()
