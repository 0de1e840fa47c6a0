"""Puts the parts of the work orders together from the configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from devices.gsm_line import ModemGone
from devices.gsm_modem import GsmModem, GsmModemConfig
from devices.ports import Clock
from ebcd.health import HealthBook
from ebcd.inventory import Inventory
from ebcd.ledger import Ledger
from ebcd.settings import Settings
from ebcd.workorders.channels import EmailChannel, MailServer, SmsChannel, WebhookChannel
from ebcd.workorders.crews import Crew, OrderRule
from ebcd.workorders.desk import Desk
from ebcd.workorders.notify import Channel, Notifier
from ebcd.workorders.office import WorkOffice, payer_words
from ebcd.workorders.part import Confirmations, WorkPart
from ebcd.workorders.replies import Ears, Known, SmsReplies
from ebcd.workorders.sites import sites_of
from ebcd.workorders.table import OrderState


@dataclass(frozen=True, slots=True)
class Work:
    """What runs and what answers people."""

    part: WorkPart
    office: WorkOffice
    notifier: Notifier
    modem: GsmModem | None
    channels: tuple[Channel, ...]


def rule_of(settings: Settings) -> OrderRule:
    """`[orders]`."""
    o = settings.orders
    overdue_s = {
        OrderState.DISPATCHED: o.accept_within_s,
        OrderState.ACCEPTED: o.arrive_within_s,
        OrderState.ON_SITE: o.mend_within_s,
        OrderState.MENDED: o.mend_within_s,
    }
    return OrderRule(o.dispatch_after_s, o.widespread_after_s, o.proof_s, overdue_s, o.escalations_max)


def assemble(
    settings: Settings,
    ledger: Ledger,
    health: HealthBook,
    inventory: Inventory,
    clock: Clock,
    confirmations: Confirmations,
    count: Callable[[str, int], None],
    ears: Ears,
    on_duty: Callable[[], Sequence[Crew]],
) -> Work:
    """Everything, watching the ledger. `count` feeds the metrics; `ears` takes people's words about alerts; `on_duty`:
    whom the roster names now."""
    crews = [Crew(c.name, c.areas, c.phone, c.email, c.webhook) for c in settings.crews]
    state, county, language = ledger.state, settings.platform.area, settings.platform.language
    rule, now = rule_of(settings), clock.wall()
    desk = Desk(state.work, ledger.enter, health.of, county, crews, rule, confirmations.of, listening_since=now)
    sites = sites_of(inventory, health.ways, inventory.archive.records)
    part = WorkPart(desk, health, sites, state, inventory.adapter_of, clock)
    office = WorkOffice(desk, inventory, clock, ledger.mark)
    modem = _modem(settings, office, count, ears)
    channels = tuple(_channels(settings, modem, clock))
    notifier = Notifier(
        state.work,
        ledger.enter,
        crews,
        channels,
        office.names_of,
        clock,
        language,
        settings.orders.supervisor,
        lambda order: payer_words(office.bill_of(order), language),
        on_duty,
    )
    ledger.watched_by(part.watch)
    ledger.watched_by(notifier.watch)
    return Work(part, office, notifier, modem, channels)


def _channels(settings: Settings, modem: GsmModem | None, clock: Clock) -> Iterator[Channel]:
    if modem is not None:
        yield SmsChannel(modem)
    if settings.email.host:
        e = settings.email
        yield EmailChannel(MailServer(e.host, e.port, e.starttls, e.user, e.password, e.sender), clock)
    yield WebhookChannel()


def _modem(settings: Settings, office: WorkOffice, count: Callable[[str, int], None], ears: Ears) -> GsmModem | None:
    if not settings.sms.device:
        return None
    people = {crew.phone: Known(crew.name, is_crew=True) for crew in settings.crews}
    people |= {each.phone: Known(each.name, each.area) for each in settings.sms.reporters}

    def answer(number: str, words: str) -> None:
        try:
            modem.offer(number, words).add_done_callback(answered)
        except ModemGone:
            count("sms_unanswered", 1)

    def answered(done: asyncio.Future[None]) -> None:
        if not done.cancelled() and done.exception() is not None:
            count("sms_unanswered", 1)

    language = settings.platform.language
    outcome = partial(_outcome, count)
    replies = SmsReplies(office, people, answer, outcome, language, ears)
    modem = GsmModem(GsmModemConfig(settings.sms.device, settings.sms.baud, settings.sms.pin), replies.take)
    return modem


def _outcome(count: Callable[[str, int], None], outcome: str) -> None:
    count(f"sms_{outcome}", 1)
