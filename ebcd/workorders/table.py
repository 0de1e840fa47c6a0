"""A work order's life (派单): one table. A pair that is not listed is refused."""

from __future__ import annotations

from enum import StrEnum

from ebcd.errors import ForbiddenTransition


class OrderState(StrEnum):
    """Where an order stands."""

    OPEN = "open"  # noticed and named; nobody has been sent yet
    DISPATCHED = "dispatched"  # its crew was told
    ACCEPTED = "accepted"  # the crew goes
    ON_SITE = "on_site"
    MENDED = "mended"  # the crew says so; the devices have to prove it
    CLOSED = "closed"  # proved, or it came back by itself and stayed
    WITHDRAWN = "withdrawn"  # a person found that nothing was wrong
    ABSORBED = "absorbed"  # it turned out to be part of another order's cause


class OrderEvent(StrEnum):
    """What moves an order."""

    DISPATCH = "dispatch"
    ACCEPT = "accept"
    ARRIVE = "arrive"
    MEND = "mend"
    PROVE = "prove"  # every device of it has been well for long enough, or a person heard it
    RELAPSE = "relapse"  # mended, they said, and it is silent again
    WITHDRAW = "withdraw"
    ABSORB = "absorb"


_S, _E = OrderState, OrderEvent
ORDER: dict[tuple[OrderState, OrderEvent], OrderState] = {
    (_S.OPEN, _E.DISPATCH): _S.DISPATCHED,
    (_S.OPEN, _E.ACCEPT): _S.ACCEPTED,
    (_S.OPEN, _E.PROVE): _S.CLOSED,
    (_S.OPEN, _E.WITHDRAW): _S.WITHDRAWN,
    (_S.OPEN, _E.ABSORB): _S.ABSORBED,
    (_S.DISPATCHED, _E.ACCEPT): _S.ACCEPTED,
    (_S.DISPATCHED, _E.ARRIVE): _S.ON_SITE,
    (_S.DISPATCHED, _E.MEND): _S.MENDED,
    (_S.DISPATCHED, _E.PROVE): _S.CLOSED,
    (_S.DISPATCHED, _E.WITHDRAW): _S.WITHDRAWN,
    (_S.DISPATCHED, _E.ABSORB): _S.ABSORBED,
    (_S.ACCEPTED, _E.ARRIVE): _S.ON_SITE,
    (_S.ACCEPTED, _E.MEND): _S.MENDED,
    (_S.ACCEPTED, _E.PROVE): _S.CLOSED,
    (_S.ACCEPTED, _E.WITHDRAW): _S.WITHDRAWN,
    (_S.ON_SITE, _E.MEND): _S.MENDED,
    (_S.ON_SITE, _E.PROVE): _S.CLOSED,
    (_S.ON_SITE, _E.WITHDRAW): _S.WITHDRAWN,
    (_S.MENDED, _E.PROVE): _S.CLOSED,
    (_S.MENDED, _E.RELAPSE): _S.DISPATCHED,
    (_S.MENDED, _E.WITHDRAW): _S.WITHDRAWN,
}

ORDER_FINAL = frozenset({_S.CLOSED, _S.WITHDRAWN, _S.ABSORBED})
MAY_BE_ABSORBED = frozenset(state for state, event in ORDER if event is _E.ABSORB)


def next_order_state(state: OrderState, event: OrderEvent) -> OrderState:
    """Where `event` leads from `state`. Raises ForbiddenTransition for a pair the table does not list."""
    try:
        return ORDER[state, event]
    except KeyError:
        raise ForbiddenTransition(f"a work order that is {state} cannot take {event}") from None
