"""The two state tables of the daemon: what may happen to an alert, and to one terminal's share of it.

Everything that can happen is a row here; a pair that is not listed is refused. `docs/` draws its diagrams from these
tables, the tests walk them.
"""

from __future__ import annotations

from enum import StrEnum

from ebcd.errors import ForbiddenTransition


class AlertState(StrEnum):
    """Where an alert stands."""

    PENDING = "pending"  # waits for approvals (I1)
    HELD = "held"  # daily content inside quiet hours (I14)
    WAITING = "waiting"  # for its start, or for its turn everywhere
    ON_AIR = "on_air"  # started in at least one place
    CANCELLING = "cancelling"  # stops are out, their answers awaited
    DONE = "done"  # over; enough terminals confirmed
    FAILED = "failed"  # over; too few did
    CANCELLED = "cancelled"
    REJECTED = "rejected"  # by an approver
    DROPPED = "dropped"  # never processed: expired, or no area of ours (BrdStateCode 0)


class AlertEvent(StrEnum):
    """What moves an alert."""

    APPROVED = "approved"
    REJECTED = "rejected"
    HOLD = "hold"
    RELEASE = "release"
    START = "start"
    CANCEL = "cancel"
    STOPPED = "stopped"  # every stop is answered or its time is up
    SUCCEEDED = "succeeded"  # window over, ratio reached
    FELL_SHORT = "fell_short"  # window over, ratio missed
    EXPIRED = "expired"  # window over before it ever started


class DeliveryState(StrEnum):
    """How far one alert got at one terminal. The first two and STOPPING count as pending (I13)."""

    QUEUED = "queued"  # planned, its turn has not come
    SENT = "sent"  # an order is out on some path
    CONFIRMED = "confirmed"
    PLAYED = "played"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    UNCONFIRMED = "unconfirmed"  # sent over a medium without a way back
    STOPPING = "stopping"
    CANCELLED = "cancelled"


class DeliveryEvent(StrEnum):
    """What moves a delivery."""

    SEND = "send"
    CONFIRM = "confirm"
    PLAY = "play"
    FAIL = "fail"  # the device reports that it did not play (0x15 result 0)
    REFUSE = "refuse"
    TIME_OUT = "time_out"
    NO_RETURN = "no_return"
    STOP = "stop"
    STOP_CONFIRM = "stop_confirm"
    STOP_TIME_OUT = "stop_time_out"


_A, _E = AlertState, AlertEvent
ALERT: dict[tuple[AlertState, AlertEvent], AlertState] = {
    (_A.PENDING, _E.APPROVED): _A.WAITING,
    (_A.PENDING, _E.REJECTED): _A.REJECTED,
    (_A.PENDING, _E.CANCEL): _A.CANCELLED,
    (_A.PENDING, _E.EXPIRED): _A.DROPPED,
    (_A.HELD, _E.RELEASE): _A.WAITING,
    (_A.HELD, _E.CANCEL): _A.CANCELLED,
    (_A.HELD, _E.EXPIRED): _A.DROPPED,
    (_A.WAITING, _E.HOLD): _A.HELD,
    (_A.WAITING, _E.START): _A.ON_AIR,
    (_A.WAITING, _E.CANCEL): _A.CANCELLED,
    (_A.WAITING, _E.EXPIRED): _A.DROPPED,
    (_A.WAITING, _E.SUCCEEDED): _A.DONE,  # a drill that ends inside the platform
    (_A.WAITING, _E.FELL_SHORT): _A.FAILED,  # a higher one held every place to the end
    (_A.ON_AIR, _E.CANCEL): _A.CANCELLING,
    (_A.ON_AIR, _E.SUCCEEDED): _A.DONE,
    (_A.ON_AIR, _E.FELL_SHORT): _A.FAILED,
    (_A.CANCELLING, _E.STOPPED): _A.CANCELLED,
}

ALERT_FINAL = frozenset({_A.DONE, _A.FAILED, _A.CANCELLED, _A.REJECTED, _A.DROPPED})
ALERT_LIVE = frozenset(AlertState) - ALERT_FINAL

_D, _V = DeliveryState, DeliveryEvent
DELIVERY: dict[tuple[DeliveryState, DeliveryEvent], DeliveryState] = {
    (_D.QUEUED, _V.SEND): _D.SENT,
    (_D.QUEUED, _V.CONFIRM): _D.CONFIRMED,  # it heard the order over a path meant for its neighbours
    (_D.QUEUED, _V.STOP): _D.CANCELLED,
    (_D.QUEUED, _V.TIME_OUT): _D.TIMED_OUT,  # its turn never came
    (_D.SENT, _V.SEND): _D.SENT,  # the next path
    (_D.SENT, _V.CONFIRM): _D.CONFIRMED,
    (_D.SENT, _V.PLAY): _D.PLAYED,
    (_D.SENT, _V.FAIL): _D.REFUSED,
    (_D.SENT, _V.REFUSE): _D.REFUSED,
    (_D.SENT, _V.TIME_OUT): _D.TIMED_OUT,
    (_D.SENT, _V.NO_RETURN): _D.UNCONFIRMED,
    (_D.SENT, _V.STOP): _D.STOPPING,
    (_D.CONFIRMED, _V.SEND): _D.CONFIRMED,  # sent again after a pre-emption, to one seen idle
    (_D.CONFIRMED, _V.PLAY): _D.PLAYED,
    (_D.CONFIRMED, _V.FAIL): _D.REFUSED,
    (_D.CONFIRMED, _V.STOP): _D.STOPPING,
    (_D.REFUSED, _V.SEND): _D.SENT,  # another path came back that had not been tried
    (_D.REFUSED, _V.CONFIRM): _D.CONFIRMED,  # another path got through
    (_D.REFUSED, _V.PLAY): _D.PLAYED,
    (_D.TIMED_OUT, _V.SEND): _D.SENT,  # it came back while the window is open
    (_D.TIMED_OUT, _V.CONFIRM): _D.CONFIRMED,  # late, but true
    (_D.TIMED_OUT, _V.PLAY): _D.PLAYED,
    (_D.TIMED_OUT, _V.STOP): _D.STOPPING,
    (_D.UNCONFIRMED, _V.SEND): _D.UNCONFIRMED,
    (_D.UNCONFIRMED, _V.CONFIRM): _D.CONFIRMED,
    (_D.UNCONFIRMED, _V.PLAY): _D.PLAYED,
    (_D.UNCONFIRMED, _V.STOP): _D.STOPPING,
    (_D.STOPPING, _V.STOP_CONFIRM): _D.CANCELLED,
    (_D.STOPPING, _V.PLAY): _D.CANCELLED,  # a result means that it sounds no more
    (_D.STOPPING, _V.FAIL): _D.CANCELLED,
    (_D.STOPPING, _V.STOP_TIME_OUT): _D.TIMED_OUT,
    (_D.STOPPING, _V.NO_RETURN): _D.UNCONFIRMED,
    (_D.CANCELLED, _V.PLAY): _D.CANCELLED,
}

PENDING_STATES = frozenset({_D.QUEUED, _D.SENT, _D.STOPPING})
CONFIRMED_STATES = frozenset({_D.CONFIRMED, _D.PLAYED})


def next_alert_state(state: AlertState, event: AlertEvent) -> AlertState:
    """Where `event` leads from `state`. Raises ForbiddenTransition for a pair the table does not list."""
    try:
        return ALERT[state, event]
    except KeyError:
        raise ForbiddenTransition(f"an alert that is {state} cannot be {event}") from None


def next_delivery_state(state: DeliveryState, event: DeliveryEvent) -> DeliveryState | None:
    """Where `event` leads from `state`; None when it changes nothing, which late and repeated answers often do."""
    return DELIVERY.get((state, event))
