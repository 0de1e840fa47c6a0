"""What people say by SMS: crews take their steps, village officers report, everybody unknown is passed over.

报修 <pole number, code or name> <words>     REPORT ...
受理|到场|修复|撤销 <order> <words>            ACCEPT|ARRIVE|MEND|WITHDRAW ...
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import structlog

from devices.gsm_modem import Short
from ebcd.catalogue import text
from ebcd.operator import Actor, OperationRefused
from ebcd.workorders.office import WorkOffice

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
_SENTENCE = re.compile(r"\s*(\S+?)[\s：:,，]+(\S+)\s*(.*)", re.DOTALL)

log = structlog.get_logger("ebcd.sms")


class SmsReplies:
    """Takes messages of the modem. `people`: telephone number -> name."""

    def __init__(
        self,
        office: WorkOffice,
        people: Mapping[str, str],
        answer: Callable[[str, str], None],
        count: Callable[[str], None],
        language: str,
    ) -> None:
        """`answer` queues a text to a number; `count` is told each outcome: taken, stranger, unreadable, refused."""
        self._office = office
        self._people = {_tail(number): name for number, name in people.items() if number}
        self._answer = answer
        self._count = count
        self._language = language

    async def take(self, message: Short) -> None:
        """One message. The number itself goes into no log: it is a person's."""
        name = self._people.get(_tail(message.number))
        if name is None:
            self._count("stranger")
            log.warning("sms.stranger", characters=len(message.text))
            return
        found = _SENTENCE.fullmatch(message.text)
        word = found[1].upper() if found else ""
        if found is None or word not in (*STEP_WORDS, *REPORT_WORDS):
            self._count("unreadable")
            self._answer(message.number, text("sms.help", self._language))
            return
        try:
            actor = Actor(name, "sms")
            if word in REPORT_WORDS:
                row = await self._office.report(found[2], found[3], actor)
            else:
                row = await self._office.step(found[2].upper(), STEP_WORDS[word], found[3], actor)
        except OperationRefused as error:
            self._count("refused")
            problem = error.problem
            values = {"thing": problem.thing, "value": problem.value, "limit": problem.limit}
            self._answer(message.number, text(f"problem.{problem.code}", self._language, **values))
            return
        self._count("taken")
        log.info("sms.taken", order=row.id, actor=name, word=word)
        state = text(f"order_state.{row.state}", self._language)
        self._answer(message.number, text("sms.done", self._language, id=row.id, state=state))


def _tail(number: str) -> str:
    return "".join(character for character in number if character.isdigit())[-NUMBER_DIGITS:]
