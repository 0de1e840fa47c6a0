"""An alert's state as the platform above wants it (GD/J 083 EBMStateResponse, BrdStateCode)."""

from __future__ import annotations

from enum import IntEnum

from ebcd.decision import Report
from ebcd.lifecycle import AlertState
from ebcd.state import AlertRecord


class BrdState(IntEnum):
    """播发状态 (GD/J 083)."""

    NOT_PROCESSED = 0
    WAITING = 1
    ON_AIR = 2
    DONE = 3
    FAILED = 4
    CANCELLED = 5


BRD_STATE = {
    AlertState.PENDING: BrdState.NOT_PROCESSED,
    AlertState.HELD: BrdState.NOT_PROCESSED,
    AlertState.REJECTED: BrdState.NOT_PROCESSED,
    AlertState.DROPPED: BrdState.NOT_PROCESSED,
    AlertState.WAITING: BrdState.WAITING,
    AlertState.ON_AIR: BrdState.ON_AIR,
    AlertState.CANCELLING: BrdState.ON_AIR,
    AlertState.DONE: BrdState.DONE,
    AlertState.FAILED: BrdState.FAILED,
    AlertState.CANCELLED: BrdState.CANCELLED,
}


def report_for(record: AlertRecord) -> Report:
    """What is to be told about an alert now."""
    return Report(record.alert.id, BRD_STATE[record.state], record.why)
