"""What people say by SMS: crews take their steps, village officers report, everybody unknown is passed over.

报修 <pole number, code or name> <words>     REPORT ...; blanks and points between them as people like
受理|到场|修复|撤销 <order> <words>            ACCEPT|ARRIVE|MEND|WITHDRAW ...
听到|没听到 [<alert>] [<place>] <words>        HEARD|NOT HEARD ...
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from devices.gsm_modem import Short
from ebcd.archive.columns import PERSON_PREFIX
from ebcd.archive.contacts import Person
from ebcd.catalogue import text
from ebcd.operator import Actor, OperationRefused
from ebcd.workorders.office import OrderRow, WorkOffice

NUMBER_DIGITS = 11
"""Chinese mobile numbers; country codes in front of them differ in how they are written."""
STEP_WORDS = {
    "受理": "accept",
    "到场": "arrive",
    "修复": "mend",
    "撤销": "withdraw",
    "ACCEPT": "accept",
    "ARRIVE": "arrive",
    "MEND": "mend",
    "WITHDRAW": "withdraw",
}
REPORT_WORDS = ("报修", "REPORT")
_BREAKS = r"\s：:,，。;；、.!！"
_WORDS = "|".join(sorted((*STEP_WORDS, *REPORT_WORDS), key=len, reverse=True))
_SENTENCE = re.compile(rf"\s*({_WORDS})[{_BREAKS}]*([^{_BREAKS}]+)[{_BREAKS}]*(.*)", re.DOTALL | re.IGNORECASE)
_RUN_ON = re.compile(r"([0-9A-Za-z_/-]+)号?杆?(?=[^\x00-\x7f])(.*)", re.DOTALL)
"""A number with words directly behind it, as people write Chinese."""

_HEARD = re.compile(
    r"\s*(没有?|未|NOT\s+)?(?:听到|听见|HEARD)了?(?:$|[\s：:,，。.!！]+(.*))", re.DOTALL | re.IGNORECASE
)

log = structlog.get_logger("ebcd.sms")


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody whose number is configured. `area`: their own place, "" where that is not said. `is_crew`: the name is a
    crew's, which may stand in the journal; a person's may not."""

    name: str
    area: str = ""
    is_crew: bool = False


Hear = Callable[[Known, str, str, bool], Awaitable[tuple[str, str]]]
"""Takes a person's word about an alert: who, their number, what they wrote behind the first word, whether they heard.
Gives the alert's title and the place. Raises OperationRefused."""


@dataclass(frozen=True, slots=True)
class Ears:
    """What takes people's words about alerts, and what keeps a name and number beside the journal."""

    hear: Hear
    person: Person


class SmsReplies:
    """Takes messages of the modem. `people`: by telephone number."""

    def __init__(
        self,
        office: WorkOffice,
        people: Mapping[str, Known],
        answer: Callable[[str, str], None],
        count: Callable[[str], None],
        language: str,
        ears: Ears,
    ) -> None:
        """`answer` queues a text to a number; `count` is told each outcome: taken, stranger, unreadable, refused."""
        self._office = office
        self._people = {_tail(number): known for number, known in people.items() if number}
        self._ears = ears
        self._answer = answer
        self._count = count
        self._language = language

    async def take(self, message: Short) -> None:
        """One message. The number itself goes into no log: it is a person's."""
        known = self._people.get(_tail(message.number))
        if known is None:
            self._count("stranger")
            log.warning("sms.stranger", characters=len(message.text))
            return
        try:
            if (word := _HEARD.fullmatch(message.text)) is not None:
                answer = await self._heard(known, message.number, word)
            else:
                answer = await self._order(known, message.number, message.text)
        except OperationRefused as error:
            self._count("refused")
            problem = error.problem
            values = {"thing": problem.thing, "value": problem.value, "limit": problem.limit}
            answer = text(f"problem.{problem.code}", self._language, **values)
        self._answer(message.number, answer)

    async def _order(self, known: Known, number: str, words: str) -> str:
        """A step or a report; what is to be answered. A person acts as an id, a crew by its name. Raises
        OperationRefused."""
        found = _SENTENCE.fullmatch(words)
        if found is None:
            self._count("unreadable")
            return text("sms.help", self._language)
        word, subject, note = found[1].upper(), unicodedata.normalize("NFKC", found[2]), found[3]
        name = known.name if known.is_crew else f"{PERSON_PREFIX}{await self._ears.person(known.name, number)}"
        actor = Actor(name, "sms")
        if word in REPORT_WORDS:
            row = await self._report(subject, note, actor, known.area)
        else:
            run_on = _RUN_ON.fullmatch(subject)
            order, note = (run_on[1], f"{run_on[2]} {note}".strip()) if run_on else (subject, note)
            row = await self._office.step(order.upper(), STEP_WORDS[word], note, actor)
        self._count("taken")
        log.info("sms.taken", order=row.id, actor=name, word=word)
        state = text(f"order_state.{row.state}", self._language)
        return text("sms.done", self._language, id=row.id, state=state)

    async def _report(self, subject: str, note: str, actor: Actor, near: str) -> OrderRow:
        """A name may hold a number; only what is no name is looked at as a number with words behind it."""
        try:
            return await self._office.report(subject, note, actor, near)
        except OperationRefused:
            run_on = _RUN_ON.fullmatch(subject)
            if run_on is None:
                raise
            return await self._office.report(run_on[1], f"{run_on[2]} {note}".strip(), actor, near)

    async def _heard(self, known: Known, number: str, word: re.Match[str]) -> str:
        """Evidence of the best grade. Raises OperationRefused."""
        heard = not word[1]
        title, place = await self._ears.hear(known, number, word[2] or "", heard)
        self._count("heard" if heard else "not_heard")
        log.info("sms.heard", heard=heard)
        return text("sms.heard" if heard else "sms.not_heard", self._language, title=title, place=place)


def _tail(number: str) -> str:
    return "".join(character for character in number if character.isdigit())[-NUMBER_DIGITS:]
