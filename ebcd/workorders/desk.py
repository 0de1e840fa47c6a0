"""Work orders kept true: findings become orders, recovered devices close them, people take their steps.

The desk decides and enters facts; the book (`WorkBook`) is what the facts add up to. One root cause has one order, and
a device that an order already covers gets no second one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone

from ebcd.facts import DAEMON, Fact
from ebcd.health import Condition, DeviceHealth
from ebcd.workorders.book import (
    WorkBook,
    order_moved,
    order_narrowed,
    order_noted,
    order_opened,
    order_recast,
    order_spread,
)
from ebcd.workorders.cover import Cover
from ebcd.workorders.crews import Crew, OrderRule, area_of, crew_for, is_overdue
from ebcd.workorders.table import MAY_BE_ABSORBED, OrderEvent, OrderState
from ebcd.workorders.values import Finding, Trouble, WorkOrder
from protocols.codes import AreaCode, ResourceCode

BEIJING = timezone(timedelta(hours=8))
ESCALATED, REPORTED_AGAIN = "escalated", "reported"
OBSERVED = frozenset(Trouble) - {Trouble.REPORTED, Trouble.RECEIPT, Trouble.MESSAGE, Trouble.SOUND}
"""What health can see; the others come from people and from alerts."""
GROUPS = OBSERVED - {Trouble.DEVICE, Trouble.FAULT, Trouble.FLAPPING}
PLAINER = frozenset({Trouble.FAULT, Trouble.FLAPPING})
"""What a silent device may turn out to suffer from: it says so itself, or comes and goes."""

RETURNING_S = 60.0
"""What came back so shortly ago may have others behind it: a heartbeat period of the slowest."""
LISTENED_S = 240.0
"""After a start nobody goes anywhere before the slowest head-end can have been missed three times."""
BEFORE_S = 120.0
"""What died so long before a head-end did not die of it."""


class UnknownOrder(LookupError):
    """There is no such order."""


class Desk:
    """One county's orders."""

    def __init__(
        self,
        book: WorkBook,
        enter: Callable[..., None],
        health_of: Callable[[ResourceCode], DeviceHealth],
        county: AreaCode,
        crews: Sequence[Crew],
        rule: OrderRule,
        confirmed_at: Callable[[str], float],
        listening_since: float = 0.0,
    ) -> None:
        """`enter` takes facts into the ledger; `confirmed_at`: when a device last confirmed an alert, UTC seconds;
        `listening_since`: when this process began to hear devices, since what happened before it only they can tell."""
        self.book = book
        self.crews = tuple(crews)
        self.rule = rule
        self._enter = enter
        self._health_of = health_of
        self._county = county
        self._confirmed_at = confirmed_at
        self._listening_since = listening_since
        self._day, self._serial = "", 0  # of the newest order's number

    # ---- what health tells -----------------------------------------------------------------------------------------

    def reconcile(self, findings: Iterable[Finding], now: float) -> None:
        """Open, widen, absorb. `now`: UTC seconds."""
        findings = tuple(findings)
        self._narrow({finding.key: finding for finding in findings}, now)
        cover = Cover(order for order in self.book.live() if order.trouble in OBSERVED)
        settled = self._withdrawn_at()
        reported = {o.devices: o for o in self.book.live() if o.trouble is Trouble.REPORTED}
        for finding in findings:
            if finding.key in settled and finding.since <= settled[finding.key]:
                continue  # a person has said that this is no trouble, and nothing has happened since
            order = cover.for_cause(finding)
            if order is not None:
                if fresh := [code for code in finding.devices if code not in cover.devices_of(order)]:
                    self._enter(order_spread(order.id, fresh, now, DAEMON))
            elif cover.holds(finding):
                self._recast(cover.lone(finding), finding, now)
                continue
            elif (said := reported.get(finding.devices)) is not None:
                self._enter(order_recast(said.id, finding.trouble, finding.why, now, DAEMON))
                order = said
            else:
                order = self._open(finding, now, DAEMON)
            self._absorb(cover, finding, order, now)

    def _absorb(self, cover: Cover, finding: Finding, into: WorkOrder, now: float) -> None:
        """Orders about parts of a cause join the order about the whole."""
        for order in cover.within(finding):
            if order is not into and order.state in MAY_BE_ABSORBED and _explains(finding, order):
                self._enter(order_moved(order.id, OrderEvent.ABSORB, now, DAEMON, by=into.id))
                cover.remove(order)
        cover.add(into)

    def _recast(self, lone: WorkOrder | None, finding: Finding, now: float) -> None:
        """A silent device has shown what it suffers from."""
        if lone is not None and lone.trouble is Trouble.DEVICE and finding.trouble in PLAINER:
            self._enter(order_recast(lone.id, finding.trouble, finding.why, now, DAEMON))

    def _narrow(self, found: Mapping[tuple[Trouble, str], Finding], now: float) -> None:
        """A common cause that is gone lets go of the devices that stay silent: they have causes of their own."""
        explained = {code for f in found.values() if f.trouble is not Trouble.WIDESPREAD for code in f.devices}
        for order in self.book.live():
            if order.trouble not in GROUPS or order.key in found or self._returning(order, now):
                continue
            left = [code for code in order.devices if code in explained]
            if left and 2 * len(left) <= len(order.devices):
                self._enter(order_narrowed(order.id, left, now, DAEMON))

    def _returning(self, order: WorkOrder, now: float) -> bool:
        """Whether its devices are coming back just now: who is left is known when that has stopped."""
        pause_s = self.rule.dispatch_after_s if order.trouble is Trouble.WIDESPREAD else RETURNING_S
        healths = [self._health_of(ResourceCode(code)) for code in order.devices]
        return any(h.condition is Condition.ONLINE and now - h.since < pause_s for h in healths)

    def _withdrawn_at(self) -> dict[tuple[Trouble, str], float]:
        """When a person last withdrew an order of each cause."""
        return {o.key: o.closed_at for o in self.book.orders.values() if o.state is OrderState.WITHDRAWN}

    def missed(self, findings: Iterable[Finding], now: float) -> None:
        """Open orders for devices that live and did not confirm, unless an order covers them already."""
        covered = {code for order in self.book.live() for code in order.devices}
        for finding in findings:
            if not covered.issuperset(finding.devices):
                covered.update(self._open(finding, now, DAEMON).devices)

    def look(self, now: float) -> None:
        """What time brings: dispatch, proof, relapse, escalation."""
        for order in self.book.live():
            well = self._well(order, now)
            if well and order.state is not OrderState.MENDED and order.trouble is not Trouble.REPORTED:
                self._enter(order_moved(order.id, OrderEvent.PROVE, now, DAEMON, "recovered"))
            elif order.state is OrderState.MENDED and well and self._sounded(order):
                self._enter(order_moved(order.id, OrderEvent.PROVE, now, DAEMON, "proved"))
            elif order.state is OrderState.MENDED and self._silent_again(order, now):
                self._enter(order_moved(order.id, OrderEvent.RELAPSE, now, DAEMON))
            elif order.state is OrderState.OPEN and self._must_go(order, now):
                self._enter(order_moved(order.id, OrderEvent.DISPATCH, now, DAEMON, order.crew))
            elif is_overdue(order, now, self.rule):
                self._enter(order_noted(order.id, ESCALATED, str(order.state), now, DAEMON))

    def _well(self, order: WorkOrder, now: float) -> bool:
        """Every device of it has been online and at rest for the time of proof; one without a way back never proves
        anything by itself."""
        if not order.devices:
            return False
        confirmed = sum(self._confirmed_at(code) > order.opened_at for code in order.devices)
        if order.trouble is Trouble.MESSAGE:  # what they had in common is gone; who still misses has a cause of its own
            return 2 * confirmed > len(order.devices)
        if order.trouble is Trouble.SOUND:  # only an ear proves it
            return self._confirmed_at(order.root) > order.opened_at
        if order.trouble is Trouble.RECEIPT:
            return confirmed == len(order.devices)
        healths = [self._health_of(ResourceCode(code)) for code in order.devices]
        return all(
            h.condition is Condition.ONLINE and not h.flapping and now - h.since >= self.rule.proof_s for h in healths
        )

    def _sounded(self, order: WorkOrder) -> bool:
        """Whether what a person missed was heard of since: that a device lives proves nothing about its horn."""
        if order.trouble is not Trouble.REPORTED:
            return True
        return all(self._confirmed_at(code) > order.mended_at for code in order.devices)

    def contradicts(self, order: WorkOrder) -> int:
        """How many of its devices say themselves that they are not well: nobody's ear can prove the contrary."""
        bad = (Condition.OFFLINE, Condition.FAULT)
        return sum(self._health_of(ResourceCode(code)).condition in bad for code in order.devices)

    def _must_go(self, order: WorkOrder, now: float) -> bool:
        """Whether a crew is to be told: it has lasted, we have listened for as long, and something is wrong still."""
        rule = self.rule
        in_storm = order.trouble is Trouble.WIDESPREAD or self._may_be_of_a_storm(order)
        patience_s = rule.widespread_after_s if in_storm else rule.dispatch_after_s
        listened = now - self._listening_since >= max(patience_s, LISTENED_S)
        return (
            listened and now - order.opened_at >= patience_s and (order.trouble not in OBSERVED or self._bad_now(order))
        )

    def _may_be_of_a_storm(self, order: WorkOrder) -> bool:
        """Whether a horn fell silent, or was missed for the first time, while a storm lasts of which nobody was told
        yet: of one behind a head-end just come back, or found so after a restart, nobody knows when it died."""
        return order.trouble is Trouble.DEVICE and any(
            storm.trouble is Trouble.WIDESPREAD and storm.state is OrderState.OPEN and storm.since <= order.opened_at
            for storm in self.book.live()
        )

    def _bad_now(self, order: WorkOrder) -> bool:
        """Whether one of its devices is not well; of what a storm took, most."""
        bad = (Condition.OFFLINE, Condition.FAULT, Condition.UNREACHABLE)
        healths = [self._health_of(ResourceCode(code)) for code in order.devices]
        count = sum(health.condition in bad or health.flapping for health in healths)
        return 2 * count > len(healths) if order.trouble is Trouble.WIDESPREAD else count > 0

    def _silent_again(self, order: WorkOrder, now: float) -> bool:
        """Mended a while ago, and one of its devices is still or again not well."""
        if now - order.mended_at < self.rule.proof_s:
            return False
        return self._bad_now(order)

    # ---- what people do --------------------------------------------------------------------------------------------

    def report(self, root: str, devices: Sequence[str], words: str, now: float, actor: str) -> WorkOrder:
        """A person says that something is wrong (下单)."""
        return self.complain(Finding(Trouble.REPORTED, root, tuple(devices), words), now, actor)

    def complain(self, finding: Finding, now: float, actor: str) -> WorkOrder:
        """Somebody or a monitor says so. What an order is about already gets no second one, however often it is said;
        what was called mended goes back to the crew."""
        told = next((order for order in self.book.live() if _is_about(order, finding)), None)
        if told is None and finding.trouble is Trouble.SOUND:
            told = self._together_about(finding)
        if told is None:
            return self._open(finding, now, actor)
        if told.state is OrderState.MENDED:
            self._enter(order_moved(told.id, OrderEvent.RELAPSE, now, actor, finding.why))
        else:
            self._enter(order_noted(told.id, REPORTED_AGAIN, finding.why, now, actor))
        return told

    def _together_about(self, finding: Finding) -> WorkOrder | None:
        """The first of the live orders that together are about all its devices: why they are silent is known."""
        left, first = set(finding.devices), None
        for order in self.book.live():
            if left & set(order.devices):
                left, first = left - set(order.devices), first or order
        return None if left else first

    def step(self, number: str, event: OrderEvent, now: float, actor: str, note: str = "") -> WorkOrder:
        """A crew or operator takes a step. Raises UnknownOrder, ForbiddenTransition."""
        order = self.of(number)
        self._enter(order_moved(number, event, now, actor, note))
        return order

    def note(self, number: str, words: str, now: float, actor: str) -> WorkOrder:
        """Something worth remembering. Raises UnknownOrder."""
        order = self.of(number)
        self._enter(order_noted(number, "note", words, now, actor))
        return order

    def of(self, number: str) -> WorkOrder:
        """One order. Raises UnknownOrder."""
        try:
            return self.book.orders[number]
        except KeyError:
            raise UnknownOrder(number) from None

    def _open(self, finding: Finding, now: float, actor: str) -> WorkOrder:
        area = area_of(finding.devices, self._county)
        number = self._next_number(now)
        fact: Fact = order_opened(number, finding, area, crew_for(area, self.crews), now, actor)
        self._enter(fact)
        return self.book.orders[number]

    def _next_number(self, now: float) -> str:
        """W, Beijing date, serial of the day; never given twice, since the book remembers the day's orders."""
        today = f"W{datetime.fromtimestamp(now, BEIJING):%Y%m%d}"
        if self._day != today:
            used = [int(number[len(today) :]) for number in self.book.orders if number.startswith(today)]
            self._day, self._serial = today, max(used, default=0)
        self._serial += 1
        return f"{today}{self._serial:04d}"


def _explains(finding: Finding, order: WorkOrder) -> bool:
    """Whether a larger cause makes an order about some of its devices needless. Silence explains no fault that a device
    reported, and a head-end not what was dead behind it before."""
    if order.trouble is Trouble.FAULT:
        return False
    return finding.trouble is not Trouble.HEAD_END or order.since >= finding.since - BEFORE_S


def _is_about(order: WorkOrder, finding: Finding) -> bool:
    """Whether an order is about what is reported: these devices, or this place."""
    if finding.devices and set(finding.devices) <= set(order.devices):
        return True
    return (order.trouble, order.root) == finding.key and (not finding.devices or finding.trouble is Trouble.SOUND)
