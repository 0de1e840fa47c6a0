"""How each point of the checklist is judged from a conversation (platform digest 11; GD/J 088 annex B). Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from ebcd.acceptance.conversation import SUCCESS, Conversation, refused, taken
from ebcd.acceptance.findings import Finding, Verdict, nothing
from ebcd.exchanges import Exchange
from protocols.ebd import EbdType

Judge = Callable[[Conversation], Finding]

BEATS_MIN = 2
LATE_SHARE, LATE_S = 1.2, 2.0
"""A heartbeat may come a fifth of its period late, and two seconds."""
CYCLE_SHARE = 0.1
CYCLES_WATCHED = 2.2
AT_ONCE_S = 10.0
"""A start within so many seconds of the message is "now"."""
SIGNATURE_FAILED = 4
SOUNDING = (1, 5)
DRILLS = (3, 4)
ON_AIR, DONE = 2, 3
FULL = "Full"
INFO_TYPES = ("EBRPSInfo", "EBRSTInfo", "EBRASInfo", "EBRBSInfo", "EBRDTInfo")
STATE_TYPES = ("EBRPSState", "EBRASState", "EBRBSState", "EBRDTState")


def heartbeats(talk: Conversation) -> Finding:
    """1: heartbeats each period both ways, each with receipt 1."""
    up, down = talk.up(EbdType.CONNECTION_CHECK), talk.down(EbdType.CONNECTION_CHECK)
    if bad := refused([*up, *down]):
        return Finding.of(Verdict.FAIL, "heartbeat_refused", bad[0], code=bad[0].code)
    up, down = taken(up), taken(down)
    values = {"up": len(up), "down": len(down)}
    if not (up or down):
        return nothing()
    if min(len(up), len(down)) < BEATS_MIN:
        return Finding.of(Verdict.OPEN, "few_heartbeats", *up[:1], *down[:1], **values)
    longest_s = max(later.at - earlier.at for beats in (up, down) for earlier, later in pairwise(beats))
    verdict = Verdict.PASS if longest_s <= talk.heartbeat_s * LATE_SHARE + LATE_S else Verdict.FAIL
    return Finding.of(verdict, "heartbeats", up[0], up[-1], down[0], down[-1], longest=round(longest_s, 1), **values)


def unasked(type_: str, *, items_min: int = 1) -> Judge:
    """The county tells this type by itself and gets receipt 1."""

    def judge(talk: Conversation) -> Finding:
        found = [each for each in talk.unasked(type_) if each.facts.get("items", 0) >= items_min]
        if good := taken(found):
            return Finding.of(Verdict.PASS, "told", *good[:3], type=type_, count=len(good))
        if bad := refused(found):
            return Finding.of(Verdict.FAIL, "told_refused", bad[0], type=type_, code=bad[0].code)
        return nothing()

    return judge


def again(type_: str) -> Judge:
    """After the first time the county tells this type once more, because something changed."""

    def judge(talk: Conversation) -> Finding:
        good = taken(each for each in talk.unasked(type_) if each.facts.get("items", 0))
        if len(good) < 2:
            return nothing("once", type=type_)
        return Finding.of(Verdict.PASS, "told", *good[:3], type=type_, count=len(good))

    return judge


def cycle(type_: str, period: Callable[[Conversation], float]) -> Judge:
    """The county tells this type in its cycle; it has failed to where two cycles were watched, and some time more."""

    def judge(talk: Conversation) -> Finding:
        good, period_s = taken(talk.unasked(type_)), period(talk)
        for earlier in good:
            for later in good:
                if abs(later.at - earlier.at - period_s) <= CYCLE_SHARE * period_s:
                    hours = round(period_s / 3600, 2)
                    return Finding.of(Verdict.PASS, "cycle", earlier, later, type=type_, hours=hours)
        missed = nothing("no_cycle", type=type_, hours=round(period_s / 3600, 2))
        watched = talk.span_s >= CYCLES_WATCHED * period_s
        return replace(missed, verdict=Verdict.FAIL) if watched else missed

    return judge


def on_request(type_: str, *, items_min: int = 1) -> Judge:
    """Full and Incremental on request: answers in packages of their own that name the request, each with receipt 1.

    Right after a full list an increment holds fewer records, or none.
    """

    def judge(talk: Conversation) -> Finding:
        requests = [each for each in talk.down(EbdType.OMD_REQUEST) if _means(each, type_)]
        if bad := refused(requests):
            return Finding.of(Verdict.FAIL, "request_refused", bad[0], type=type_, code=bad[0].code)
        full = [each for each in taken(requests) if each.facts.get("report", "") in ("", FULL)]
        part = [each for each in taken(requests) if each.facts.get("report", "") not in ("", FULL)]
        if not (full or part):
            return nothing("not_asked", type=type_)
        counts: dict[str, int] = {}
        evidence: list[Exchange] = []
        for name, asked in (("full", full), ("part", part)):
            if not asked:
                return Finding.of(Verdict.OPEN, "half_asked", *requests[:1], type=type_)
            answers = talk.answers(asked[-1], type_)
            if bad := refused(answers):
                return Finding.of(Verdict.FAIL, "answer_refused", bad[0], type=type_, code=bad[0].code)
            if not (good := taken(answers)):
                return Finding.of(Verdict.OPEN, "no_answer", asked[-1], type=type_)
            counts[name] = sum(each.facts.get("items", 0) for each in good)
            evidence += (asked[-1], good[0])
        if counts["full"] < items_min:
            return Finding.of(Verdict.FAIL, "full_too_small", *evidence, type=type_, **counts)
        if type_ in INFO_TYPES and 0 < counts["full"] <= counts["part"]:
            return Finding.of(Verdict.FAIL, "increment_is_full", *evidence, type=type_, **counts)
        return Finding.of(Verdict.PASS, "answered", *evidence, type=type_, **counts)

    return judge


def _means(request: Exchange, type_: str) -> bool:
    return str(request.facts.get("omd", "")).strip().lower() == type_.lower()


def state_told(type_: str, codes: tuple[str, ...]) -> Judge:
    """The county tells by itself that something of this type has one of these states."""

    def judge(talk: Conversation) -> Finding:
        found = [each for each in talk.unasked(type_) if set(codes) & set(each.facts.get("states", {}))]
        if good := taken(found):
            return Finding.of(Verdict.PASS, "state", good[0], type=type_, states=_states(good[0]))
        if bad := refused(found):
            return Finding.of(Verdict.FAIL, "told_refused", bad[0], type=type_, code=bad[0].code)
        return nothing("no_state", type=type_, states="/".join(codes))

    return judge


def _states(exchange: Exchange) -> str:
    return ", ".join(f"{code}×{count}" for code, count in sorted(exchange.facts.get("states", {}).items()))


def broadcast(wanted: tuple[int, ...]) -> Judge:
    """An EBM is fed back in this order of states; with 1 first, its start lies in the future."""
    ahead = wanted[0] == 1

    def judge(talk: Conversation) -> Finding:
        orders = [each for each in talk.down(EbdType.EBM) if _sounds(each) and _is_ahead(each) is ahead]
        if not orders:
            return nothing("no_order")
        order = orders[-1]
        if order.code != SUCCESS:
            return Finding.of(Verdict.FAIL, "order_refused", order, code=order.code)
        told = _fed_back(talk, order)
        if bad := refused(told):
            return Finding.of(Verdict.FAIL, "told_refused", bad[0], type="EBMStateResponse", code=bad[0].code)
        codes = _without_repeats([int(each.facts["state"]) for each in taken(told)])
        values = {"told": " → ".join(map(str, codes)) or "-", "wanted": " → ".join(map(str, wanted))}
        if codes == list(wanted):
            return Finding.of(Verdict.PASS, "fed_back", order, *told, **values)
        going_on = codes == list(wanted)[: len(codes)]
        return Finding.of(Verdict.OPEN if going_on else Verdict.FAIL, "fed_back", order, *told, **values)

    return judge


def _sounds(order: Exchange) -> bool:
    return order.facts.get("msg_type") in SOUNDING


def _is_ahead(order: Exchange) -> bool:
    return (order.facts.get("start") or 0) - order.at > AT_ONCE_S


def _fed_back(talk: Conversation, order: Exchange) -> list[Exchange]:
    told = talk.up(EbdType.EBM_STATE_RESPONSE)
    return [each for each in told if each.facts.get("ebm") == order.facts.get("ebm") and not _is_answer(talk, each)]


def _is_answer(talk: Conversation, told: Exchange) -> bool:
    """Whether it answers an EBMStateRequest: that may repeat any state."""
    return any(told.related == asked.ebd_id for asked in talk.down(EbdType.EBM_STATE_REQUEST))


def _without_repeats(codes: list[int]) -> list[int]:
    return [code for at, code in enumerate(codes) if at == 0 or codes[at - 1] != code]


def log_holds_the_broadcasts(talk: Conversation) -> Finding:
    """12: EBMBrdLog on request holds the messages that were broadcast before."""
    requests = [each for each in talk.down(EbdType.OMD_REQUEST) if _means(each, EbdType.EBM_BROADCAST_LOG)]
    if not requests:
        return nothing("not_asked", type="EBMBrdLog")
    asked = requests[-1]
    if asked.code != SUCCESS:
        return Finding.of(Verdict.FAIL, "request_refused", asked, type="EBMBrdLog", code=asked.code)
    answers = taken(talk.answers(asked, EbdType.EBM_BROADCAST_LOG))
    if not answers:
        return Finding.of(Verdict.OPEN, "no_answer", asked, type="EBMBrdLog")
    listed = {number for each in answers for number in each.facts.get("ebms", ())}
    played = [order for order in taken(talk.down(EbdType.EBM)) if order.number < asked.number and _is_over(talk, order)]
    lacking = [order.facts["ebm"] for order in played if order.facts["ebm"] not in listed]
    values = {"listed": len(listed), "played": len(played), "lacking": len(lacking)}
    if not played:
        return Finding.of(Verdict.NOT_SEEN, "logged", asked, *answers, **values)
    return Finding.of(Verdict.FAIL if lacking else Verdict.PASS, "logged", asked, *answers, **values)


def _is_over(talk: Conversation, order: Exchange) -> bool:
    return _sounds(order) and any(told.facts["state"] >= DONE for told in _fed_back(talk, order))


def state_answered(talk: Conversation) -> Finding:
    """13: EBMStateRequest is answered in a package of its own that names the request."""
    requests = talk.down(EbdType.EBM_STATE_REQUEST)
    if not requests:
        return nothing("not_asked", type="EBMStateRequest")
    asked = requests[-1]
    if asked.code != SUCCESS:
        return Finding.of(Verdict.FAIL, "request_refused", asked, type="EBMStateRequest", code=asked.code)
    if good := taken(talk.answers(asked, EbdType.EBM_STATE_RESPONSE)):
        return Finding.of(Verdict.PASS, "state_answered", asked, good[0], state=good[0].facts.get("state"))
    if talk.answers(asked, EbdType.EBD_NOTIFY):
        return Finding.of(Verdict.FAIL, "notified", asked)
    return Finding.of(Verdict.OPEN, "no_answer", asked, type="EBMStateRequest")


def bad_signature_refused(talk: Conversation) -> Finding:
    """B.1: a package whose signature does not fit gets receipt 4."""
    found = [each for each in talk.exchanges if each.outgoing == talk.upper and each.facts.get("bad_signature")]
    if not found:
        return nothing("not_sent")
    code = found[-1].code
    verdict = Verdict.PASS if code == SIGNATURE_FAILED else Verdict.FAIL
    return Finding.of(verdict, "bad_signature", found[-1], code=code)


def everything_signed(talk: Conversation) -> Finding:
    """B.1, seen from below: every package from above but heartbeats and receipts is signed, and verified here."""
    found = [each for each in talk.exchanges if each.outgoing == talk.upper and each.type != EbdType.CONNECTION_CHECK]
    if not taken(found):
        return nothing("not_sent")
    unsigned = [each for each in taken(found) if not each.signed]
    verdict = Verdict.FAIL if unsigned else Verdict.PASS
    return Finding.of(
        verdict, "signed", *(unsigned or taken(found))[:3], count=len(taken(found)), unsigned=len(unsigned)
    )


def drill_fed_back(talk: Conversation) -> Finding:
    """B.2: a drill that stays inside the platform or at the head-ends is taken and fed back."""
    orders = [each for each in talk.down(EbdType.EBM) if each.facts.get("msg_type") in DRILLS]
    if not orders:
        return nothing("no_drill")
    order = orders[-1]
    if order.code != SUCCESS:
        return Finding.of(Verdict.FAIL, "order_refused", order, code=order.code)
    if told := taken(_fed_back(talk, order)):
        return Finding.of(Verdict.PASS, "fed_back_drill", order, *told, told=[each.facts["state"] for each in told])
    return Finding.of(Verdict.OPEN, "no_answer", order, type="EBM")


def codes_valid(talk: Conversation) -> Finding:
    """B.3: every resource code that was told is built as GD/J 080 says."""
    told = [each for type_ in (*INFO_TYPES, *STATE_TYPES) for each in taken(talk.up(type_))]
    items = sum(each.facts.get("items", 0) for each in told)
    if not items:
        return nothing()
    bad = [each for each in told if each.facts.get("bad_codes")]
    count = sum(each.facts["bad_codes"] for each in bad)
    return Finding.of(Verdict.FAIL if bad else Verdict.PASS, "codes", *bad[:3], items=items, bad=count)
