"""Single points of the checklist, from conversations written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from ebcd.acceptance import CHECKLIST, Conversation, Verdict
from ebcd.acceptance.findings import Finding
from ebcd.catalogue import Language, has, text
from ebcd.exchanges import Exchange, facts_of, valid_resource_code
from protocols.ebd import messages as m
from protocols.ebd import reports as r

POINTS = {each.number: each for each in CHECKLIST}
PEER = "2" * 23
NOW = 1_760_000_000.0


class Talk:
    """Writes a conversation down; we are the upper platform."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def say(self, type_: str, at: float, *, up: bool, code: int | None = 1, related: str = "", **facts: Any) -> str:
        number = len(self.exchanges) + 1
        ebd_id = f"{number:041d}"
        self.exchanges.append(
            Exchange(number, PEER, not up, type_, ebd_id, related, NOW + at, 0.01, code, "", True, facts)
        )
        return ebd_id

    def ask(self, at: float, omd: str, report: str, items: int | None, code: int = 1) -> None:
        number = self.say("OMDRequest", at, up=False, omd=omd, report=report)
        if items is not None:
            self.say(omd, at + 1, up=True, related=number, items=items, code=code)

    def judged(self, point: str, *, upper: bool = True) -> Finding:
        return POINTS[point].judge(Conversation(self.exchanges, upper=upper))

    def broadcast(self, lead_s: float, *states: int, code: int = 1, ebm: str = "e1") -> None:
        start = int(NOW + lead_s)
        self.say("EBM", 0, up=False, code=code, ebm=ebm, msg_type=5, start=start, end=start + 60)
        for at, state in enumerate(states):
            self.say("EBMStateResponse", lead_s + at, up=True, ebm=ebm, state=state)


def beats(talk: Talk, period_s: float, *, code: int = 1) -> None:
    for number in range(4):
        talk.say("ConnectionCheck", number * period_s, up=True, code=code)
        talk.say("ConnectionCheck", number * period_s + 3, up=False)


@pytest.mark.parametrize(
    ("period_s", "code", "verdict"), [(30, 1, "pass"), (37, 1, "pass"), (45, 1, "fail"), (30, 5, "fail")]
)
def test_heartbeats_have_a_period_and_receipt_1(period_s: float, code: int, verdict: str) -> None:
    talk = Talk()
    beats(talk, period_s, code=code)
    assert talk.judged("1").verdict == verdict


def test_heartbeats_of_one_side_only_are_awaited() -> None:
    talk = Talk()
    talk.say("ConnectionCheck", 0, up=True)
    talk.say("ConnectionCheck", 30, up=True)
    assert talk.judged("1").verdict is Verdict.OPEN
    assert Talk().judged("1").verdict is Verdict.NOT_SEEN


@pytest.mark.parametrize(
    ("full", "part", "verdict"),
    [(1, 0, "pass"), (0, 0, "fail"), (1, 1, "fail"), (None, 0, "open"), (1, None, "open"), (500, 3, "pass")],
)
def test_a_full_list_holds_something_and_an_increment_right_after_it_less(
    full: int | None, part: int | None, verdict: str
) -> None:
    talk = Talk()
    talk.ask(0, "EBRPSInfo", "Full", full)
    talk.ask(5, "EBRPSInfo", "Incremental", part)
    assert talk.judged("3").verdict == verdict


def test_an_answer_without_related_ebd_is_no_answer() -> None:
    talk = Talk()
    talk.ask(0, "EBRPSInfo", "Full", None)
    talk.say("EBRPSInfo", 1, up=True, items=1)
    talk.ask(5, "EBRPSInfo", "Incremental", 0)
    assert (talk.judged("3").verdict, talk.judged("3").said) == (Verdict.OPEN, "no_answer")


def test_the_same_conversation_is_judged_alike_from_the_other_side() -> None:
    talk = Talk()
    talk.ask(0, "EBRPSInfo", "Full", 1)
    talk.ask(5, "EBRPSInfo", "Incremental", 0)
    talk.broadcast(300, 1, 2, 3)
    mirrored = [
        Exchange(e.number, e.peer, not e.outgoing, e.type, e.ebd_id, e.related, e.at, 0.0, e.code, "", True, e.facts)
        for e in talk.exchanges
    ]
    for point in CHECKLIST:
        ours = point.judge(Conversation(talk.exchanges, upper=True))
        theirs = point.judge(Conversation(mirrored, upper=False))
        assert ours == theirs, point.number


@pytest.mark.parametrize(
    ("point", "lead_s", "states", "verdict"),
    [
        ("10", 300, (1, 2, 3), "pass"),
        ("10", 300, (1, 1, 2, 2, 3), "pass"),
        ("10", 300, (1, 2), "open"),
        ("10", 300, (2, 3), "fail"),
        ("10", 300, (1, 2, 4), "fail"),
        ("10", 300, (1, 3, 2), "fail"),
        ("11", 0, (2, 3), "pass"),
        ("11", 0, (1, 2, 3), "fail"),
        ("11", 0, (), "open"),
        ("11", 300, (1, 2, 3), "not_seen"),
    ],
)
def test_a_broadcast_is_fed_back_in_order(point: str, lead_s: float, states: tuple[int, ...], verdict: str) -> None:
    talk = Talk()
    talk.broadcast(lead_s, *states)
    assert talk.judged(point).verdict == verdict


def test_the_answer_to_a_question_for_the_state_is_no_feedback() -> None:
    talk = Talk()
    talk.broadcast(0, 2)
    asked = talk.say("EBMStateRequest", 5, up=False, ebm="e1")
    talk.say("EBMStateResponse", 6, up=True, related=asked, ebm="e1", state=2)
    talk.say("EBMStateResponse", 7, up=True, ebm="e1", state=3)
    assert talk.judged("11").verdict is Verdict.PASS
    assert talk.judged("13").verdict is Verdict.PASS


def test_the_log_must_hold_what_was_broadcast_before_it_was_asked_for() -> None:
    talk = Talk()
    talk.broadcast(0, 2, 3)
    asked = talk.say("OMDRequest", 70, up=False, omd="EBMBrdLog", report="")
    assert talk.judged("12").verdict is Verdict.OPEN
    talk.say("EBMBrdLog", 71, up=True, related=asked, items=1, ebms=["another"])
    assert talk.judged("12").verdict is Verdict.FAIL
    talk.say("EBMBrdLog", 72, up=True, related=asked, items=1, ebms=["e1"])
    assert talk.judged("12").verdict is Verdict.PASS


def test_cycles_are_seen_only_where_they_came() -> None:
    talk = Talk()
    talk.say("EBRPSState", 0, up=True, items=1, states={"1": 1})
    talk.say("EBRPSState", 600, up=True, items=1, states={"3": 1})
    assert talk.judged("4.half_hour").verdict is Verdict.NOT_SEEN
    talk.say("EBRPSState", 1790, up=True, items=1, states={"1": 1})
    assert talk.judged("4.half_hour").verdict is Verdict.PASS
    assert talk.judged("4.fault").verdict is Verdict.PASS


@pytest.mark.parametrize(("code", "verdict"), [(4, "pass"), (1, "fail"), (5, "fail"), (None, "fail")])
def test_a_forged_package_must_get_4_and_is_no_request(code: int | None, verdict: str) -> None:
    talk = Talk()
    talk.say("OMDRequest", 0, up=False, code=code, omd="EBRPSInfo", report="", bad_signature=True)
    assert talk.judged("B.signature").verdict == verdict
    assert talk.judged("3").verdict is Verdict.NOT_SEEN


def test_wrong_resource_codes_are_counted() -> None:
    talk = Talk()
    talk.say("EBRDTInfo", 0, up=True, items=3, bad_codes=1, deleted=0)
    assert (talk.judged("B.codes").verdict, talk.judged("B.codes").values["bad"]) == (Verdict.FAIL, 1)


@pytest.mark.clause("GD/J 080 table 2", "GD/J 080 table 5")
@pytest.mark.parametrize(
    ("code", "valid"),
    [
        ("63415231002000314010401", True),
        ("43415230000000301010201", True),
        ("03415231002000314010401", False),  # level 0 means any
        ("63415231002000314010400", False),  # serial 00 means all
        ("63415231002000314010501", False),  # sub-type 05
        ("63415231002009914010401", False),
        ("634152310020003140104", False),
    ],
)
def test_a_code_names_one_resource(code: str, valid: bool) -> None:
    assert valid_resource_code(code) is valid


def test_the_facts_of_a_document_are_what_the_checklist_reads() -> None:
    states = r.EbrdtState((r.ResourceState(1, "6" * 23, 3), r.ResourceState(1, "63415231002000314010401", 3)))
    assert facts_of(states) == {"items": 2, "states": {"3": 2}, "bad_codes": 1}
    assert facts_of(m.OmdRequest("EBRPSInfo")) == {"omd": "EBRPSInfo", "report": ""}
    assert facts_of(m.EbmStateResponse(1, "e", 2)) == {"ebm": "e", "state": 2}
    gone = r.EbrasInfo((r.AdapterInfo(1, "43415230000000301010201", "Delete"),))
    assert facts_of(gone) == {"items": 1, "deleted": 1, "bad_codes": 0}


@pytest.mark.parametrize("point", CHECKLIST, ids=lambda each: each.number)
@pytest.mark.parametrize("language", list(Language))
def test_every_point_has_a_sentence_in_both_languages(point: Any, language: str) -> None:
    assert has(point.key)
    assert text(point.key, language)
