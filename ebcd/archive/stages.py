"""Carries changes out, stage by stage; halts and restores where too many devices fail.

A device has failed when it did not take the order, or does not answer with the new value within `return_within_s`. No
stage begins while an alert is on air: a horn that restarts cannot warn. Certificates and lists cannot be asked for: an
answer is what there is, and nothing is given back, since an older list is never sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from devices.maintenance import Given, HostPort, Told, has_volume
from devices.ports import Clock
from devices.roster import Roster
from ebcd.archive.courier import Courier, sort_out
from ebcd.archive.distribution import TrustPlan
from ebcd.archive.enquiry import Enquiries
from ebcd.archive.firmware import Upgrader
from ebcd.archive.images import Image, ImageRefused, Images
from ebcd.archive.rollout import (
    Change,
    ChangeBook,
    ChangeState,
    Order,
    batches,
    change_ended,
    change_opened,
    change_staged,
    fails,
)
from ebcd.facts import DAEMON
from protocols import terminal
from protocols.codes import ResourceCode

DEVICES_MAX = 20_000
"""Of one change: a fact of the journal has room for twice as many codes."""
RUNNING_MAX = 10
"""Changes that may be open at once."""
AGAIN_S = 30.0
"""How often those are asked that have not shown the new value."""
BEIJING = timedelta(hours=8)
VALUES = (terminal.VOLUME, terminal.RETURN_ADDRESS, terminal.SOFTWARE_VERSION)

log = structlog.get_logger("ebcd.archive")


@dataclass(frozen=True, slots=True)
class StageRule:
    """`[changes]` of the configuration."""

    halt_share: float = 0.02
    return_within_s: float = 900.0


class TooManyChanges(Exception):
    """`RUNNING_MAX` are open already."""


class TooManyDevices(Exception):
    """More than `DEVICES_MAX` in one change."""


class NobodyReached(Exception):
    """None of the devices can be told anything now."""


class Stages:
    """Runs the changes of one county, one after the other."""

    def __init__(
        self,
        book: ChangeBook,
        enquiries: Enquiries,
        roster: Roster,
        enter: Callable[..., None],
        busy: Callable[[], bool],
        clock: Clock,
        rule: StageRule,
        courier: Courier,
        images: Images,
        settle: Callable[[Change], Awaitable[None]] | None = None,
    ) -> None:
        """`busy`: whether an alert is on air; `courier`: carries certificates and lists; `settle`: has the archive say
        what a change has made true."""
        self._settle = settle
        self._courier = courier
        self._plans: dict[str, TrustPlan] = {}  # of changes that run: what was shown is what is sent
        self._book = book
        self._enquiries = enquiries
        self._roster = roster
        self._upgrader = Upgrader(enquiries, roster, images, clock, rule.return_within_s)
        self._enter = enter
        self._busy = busy
        self._clock = clock
        self._rule = rule
        self._wake = asyncio.Event()
        self._halted: dict[str, str] = {}  # by whom, until the stage that runs is over

    def open(self, order: Order, codes: Sequence[ResourceCode], actor: str, plan: TrustPlan | None = None) -> Change:
        """Begin a change of the devices that can be reached now; `plan`: of certificates and lists, who gets what.
        Raises TooManyChanges, TooManyDevices, NobodyReached."""
        if len(codes) > DEVICES_MAX:
            raise TooManyDevices
        if sum(change.state is ChangeState.RUNNING for change in self._book.changes.values()) >= RUNNING_MAX:
            raise TooManyChanges
        if plan is None:
            reached = {code for code in codes if self._reaches(order, code)}
        else:
            reached = {code for code in codes if code in plan.parcels}
        skipped = [code for code in codes if code not in reached]
        if not reached:
            raise NobodyReached
        number = self._next_number()
        if plan is not None:
            self._plans[number] = plan
        told = [code for code in codes if code in reached]
        self._enter(change_opened(number, order, told, skipped, self._clock.wall(), actor))
        self._wake.set()
        return self._book.changes[number]

    def _reaches(self, order: Order, code: ResourceCode) -> bool:
        """Whether a device can be told and then asked. Firmware names a physical address, and no adapter passes it
        on."""
        route, device = self._enquiries.route(code), self._roster.by_code(code)
        if route is None or device is None or not self._enquiries.asks(code):
            return False
        return not order.url or (route.through is None and bool(device.phys))

    def halt(self, number: str, actor: str) -> bool:
        """Stop behind the running stage; False where nothing of that number runs."""
        change = self._book.changes.get(number)
        if change is None or change.state is not ChangeState.RUNNING:
            return False
        self._halted[number] = actor
        self._wake.set()
        return True

    async def run(self) -> None:
        """Until cancelled. What an earlier life had begun is halted: nobody knows what its devices have done since."""
        for change in list(self._book.changes.values()):
            if change.state is ChangeState.RUNNING:
                self._end(change, ChangeState.HALTED, "restart", 0, DAEMON, _may_have_it(change))
        while True:
            await self._wake.wait()
            self._wake.clear()
            for change in list(self._book.changes.values()):
                if change.state is ChangeState.RUNNING:
                    await self._carry_out(change)

    # ---- one change ------------------------------------------------------------------------------------------------

    async def _carry_out(self, change: Change) -> None:
        old: dict[str, Told] = {}
        told: list[ResourceCode] = []
        for batch in batches(change.codes):
            while self._busy():  # noqa: ASYNC110 - an alert takes minutes, and nothing here is in a hurry
                await asyncio.sleep(AGAIN_S)
            if change.id in self._halted:
                await self._give_back(change, "by_hand", self._halted.pop(change.id), old, told)
                return
            if change.order.url and (why := await self._image_refused(change.order)):
                self._end(change, ChangeState.HALTED, why, 0, DAEMON, _left(change, told))
                return
            codes = [ResourceCode(code) for code in batch]
            told += codes
            unheard: list[str] = []
            if change.order.trust:
                failed, unheard = await self._authorise(change, codes)
            else:
                old |= await self._enquiries.ask(codes, VALUES)
                failed = await self._stage(change, codes)
            self._enter(change_staged(change.id, len(codes), failed, self._clock.wall(), DAEMON, unheard))
            log.info("change.staged", change=change.id, told=len(codes), failed=len(failed))
            if fails(len(codes), len(failed), self._rule.halt_share):
                who = self._halted.pop(change.id, DAEMON)
                why = f"{len(failed)}/{len(codes)}" if who == DAEMON else "by_hand"
                await self._give_back(change, why, who, old, told)
                return
        if self._settle is not None:
            await self._settle(change)
        self._end(change, ChangeState.DONE, "", 0, DAEMON)

    async def _give_back(
        self, change: Change, why: str, actor: str, old: dict[str, Told], told: Sequence[ResourceCode]
    ) -> None:
        """Halt, and give old values back where they can be given back; `told`: who was told new ones."""
        left: Sequence[str] = ()
        restored = 0
        if change.order.url:
            restored, left = await self._upgrader.roll_back(change.order.version, old, self._former(change))
        elif not change.order.trust:
            back = await self._restore(change.order, old)
            restored, left = len(back), _left(change, [code for code in told if code not in back])
        self._end(change, ChangeState.HALTED, why, restored, actor, left)

    async def _authorise(self, change: Change, codes: list[ResourceCode]) -> tuple[list[str], list[str]]:
        """Certificates and lists to a batch: who failed, and who has no way to say. The silent ones are tried again
        until the time is up or somebody says halt."""
        plan = self._plans[change.id]
        deadline_s = self._clock.monotonic() + self._rule.return_within_s

        def over() -> bool:
            return self._clock.monotonic() >= deadline_s or change.id in self._halted

        parcels = [plan.parcels[code] for code in codes]
        return sort_out(await self._courier.deliver(change.id, parcels, change.actor, over))

    async def _stage(self, change: Change, codes: list[ResourceCode]) -> list[str]:
        """Tell a batch, and wait until everybody shows the new value; who did not. Somebody who says halt waits for
        nobody: who has not shown it by then counts as failed. Of firmware the version alone decides: who said no is
        asked once, who said nothing may be restarting already."""
        order = change.order
        answers = await self._tell(order, codes)
        refused = {code for code in codes if answers.get(code, 0 if order.url else 1) != 0}
        failed = [] if order.url else [code for code in codes if code in refused]
        waiting = [code for code in codes if code not in failed]
        deadline_s = self._clock.monotonic() + self._rule.return_within_s
        while waiting:
            told = await self._enquiries.ask(waiting, VALUES)
            waiting = [code for code in waiting if (value := told.get(code)) is None or not _shows(value, order)]
            failed += [code for code in waiting if code in refused]
            waiting = [code for code in waiting if code not in refused]
            if self._clock.monotonic() >= deadline_s or change.id in self._halted:
                return [*failed, *waiting]
            if waiting:
                await asyncio.sleep(AGAIN_S)
        return list(failed)

    async def _tell(self, order: Order, codes: list[ResourceCode]) -> dict[str, int]:
        if not order.url:
            answers = await self._enquiries.configure(codes, _given(order))
            return {code: answer.result for code, answer in answers.items()}
        return await self._upgrader.tell(_image(order), codes)

    async def _image_refused(self, order: Order) -> str:
        """Why the image may not go out now; "" where it may. Somebody may have replaced it since the change began."""
        try:
            await self._upgrader.images.check(_image(order))
        except ImageRefused as refused:
            log.error("change.image_refused", url=order.url, reason=refused.what, detail=refused.detail)
            return f"image_{refused.what}"
        return ""

    def _former(self, change: Change) -> Callable[[str], Image | None]:
        """Where the image of a version is: as the change says, else as an earlier one had it."""

        def image(version: str) -> Image | None:
            order = change.order
            if order.back_url and order.back_version == version:
                return Image(order.back_url, version, order.back_md5)
            known = self._book.image_of(version)
            return None if known is None else Image(known[0], version, known[1])

        return image

    async def _restore(self, order: Order, old: dict[str, Told]) -> set[str]:
        """Give back what was asked before, where it can be given back: volume and return address; who took it."""
        groups: dict[Given, list[ResourceCode]] = {}
        for code, told in old.items():
            given = Given(
                volume=told.volume if order.volume is not None else None,
                return_to=_host_port(told.return_to) if order.return_to else None,
            )
            if given != Given():
                groups.setdefault(given, []).append(ResourceCode(code))
        back: set[str] = set()
        for given, codes in groups.items():
            answers = await self._enquiries.configure(codes, given)
            back |= {str(code) for code, answer in answers.items() if answer.result == 0}
        return back

    def _end(
        self, change: Change, state: ChangeState, why: str, restored: int, actor: str, left: Sequence[str] = ()
    ) -> None:
        self._halted.pop(change.id, None)
        self._plans.pop(change.id, None)
        self._enter(change_ended(change.id, state, why, restored, self._clock.wall(), actor, left))
        log.warning("change.ended", change=change.id, state=state, why=why, restored=restored, left=len(left))

    def _next_number(self) -> str:
        today = f"C{datetime.fromtimestamp(self._clock.wall(), UTC) + BEIJING:%Y%m%d}"
        used = [int(number[len(today) :]) for number in self._book.changes if number.startswith(today)]
        return f"{today}{max(used, default=0) + 1:04d}"


def _left(change: Change, codes: Iterable[str]) -> list[str]:
    """Who was told and has not got its old values again. Of certificates and lists nothing is taken back."""
    return [] if change.order.trust else sorted(codes)


def _may_have_it(change: Change) -> list[str]:
    """Of a change that an earlier life began: everybody up to the stage that ran."""
    told = batches(change.codes)[: len(change.stages) + 1]
    return _left(change, [code for batch in told for code in batch])


def _image(order: Order) -> Image:
    return Image(order.url, order.version, order.md5)


def _given(order: Order) -> Given:
    return Given(order.volume, _host_port(order.return_to), order.period_s)


def _host_port(text: str | None) -> HostPort | None:
    try:
        return HostPort.parse(text) if text else None
    except ValueError:
        return None  # a telephone number, which 0x12 cannot set


def _shows(told: Told, order: Order) -> bool:
    """Whether a device has the new value. The period cannot be asked for (table E.5): an answer is what there is."""
    wanted = (
        (order.return_to or None, told.return_to),
        (order.version or None, told.software),
    )
    is_loud = order.volume is None or has_volume(told, order.volume)
    return is_loud and all(want is None or want == value for want, value in wanted)
