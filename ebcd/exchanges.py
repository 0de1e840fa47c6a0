"""The last exchanges with each platform: what went and came, when, and which receipt it got. For people and for
`ebcd accept`; memory only, since the journal and the packages are the evidence.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ebcd.gateway import Answer, Exchanged, Posted, Received
from protocols.codes import EbdId
from protocols.ebd import Detail, EbdType
from protocols.ebd import messages as m
from protocols.ebd import reports as r

EXCHANGES_MAX = 5000
DETAILS_MAX = 2000
"""Documents whose content is remembered until their receipt is here."""
NUMBERS_LISTED_MAX = 500
LEVELS = "123456"
SUBTYPES = ("01", "02", "03", "04")

State = r.EbrpsState | r.EbrasState | r.EbrbsState | r.EbrdtState
Info = r.EbrpsInfo | r.EbrstInfo | r.EbrasInfo | r.EbrbsInfo | r.EbrdtInfo


@dataclass(frozen=True, slots=True)
class Exchange:
    """One POST. `at`: UTC seconds at its beginning, or at its last byte where it came in. `code`: the receipt's, None
    where there was none. `facts`: what the document says, as far as anybody asks (see `facts_of`)."""

    number: int
    peer: str
    outgoing: bool
    type: str
    ebd_id: str
    related: str
    at: float
    took_s: float
    code: int | None
    reason: str = ""
    signed: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)


class ExchangeLog:
    """The newest `EXCHANGES_MAX`, numbered from 1."""

    def __init__(self) -> None:
        self._exchanges: deque[Exchange] = deque(maxlen=EXCHANGES_MAX)
        self._details: OrderedDict[str, tuple[str, str, dict[str, Any], bool]] = OrderedDict()
        self._next = 1

    def since(self, number: int, peer: str = "", rows_max: int = EXCHANGES_MAX) -> tuple[Exchange, ...]:
        """Those after `number`, of one peer or of all, the oldest first."""
        known = self._next - 1 - len(self._exchanges)  # the number of the newest that was forgotten
        later = islice(self._exchanges, min(max(number - known, 0), EXCHANGES_MAX), None)
        found = (each for each in later if peer in ("", each.peer))
        return tuple(islice(found, max(rows_max, 0)))

    # ---- out -------------------------------------------------------------------------------------------------------

    def writing(self, ebd_id: str, detail: Detail, related: str, **more: Any) -> None:
        """A document of ours gets its number; `more` is added to what is known of it."""
        self._details[ebd_id] = (_TYPE_OF[type(detail)], related, facts_of(detail) | more, True)
        self._trim()

    def sent(self, event: Exchanged) -> None:
        """An exchange of ours is over."""
        beat = event.ebd_id.startswith(EbdId.HEARTBEAT)
        known = (str(EbdType.CONNECTION_CHECK), "", {}, False) if beat else self._details.get(event.ebd_id)
        type_, related, facts, signed = known or ("", "", {}, True)
        code = None if event.code is None else int(event.code)
        self._add(
            event.peer.code, True, type_, event.ebd_id, related, event.begun_at, event.took_s, code, event.reason,
            signed, facts,
        )  # fmt: skip

    # ---- in --------------------------------------------------------------------------------------------------------

    def received(self, received: Received) -> None:
        """A package of a peer passed every check."""
        envelope = received.ebd.envelope
        facts, signed = facts_of(received.ebd.detail), received.signature is not None
        self._details[envelope.ebd_id] = (envelope.ebd_type, envelope.related_ebd_id or "", facts, signed)
        self._trim()

    def answered(self, posted: Posted, answer: Answer, took_s: float) -> None:
        """A package of a peer has its receipt."""
        if answer.peer is None or answer.envelope is None:
            return
        envelope = answer.envelope
        _, _, facts, signed = self._details.get(envelope.ebd_id) or ("", "", {}, False)
        code, related = int(answer.code), envelope.related_ebd_id or ""
        self._add(
            answer.peer.code, False, envelope.ebd_type, envelope.ebd_id, related, posted.arrived_at, took_s, code,
            answer.desc, signed, facts,
        )  # fmt: skip

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _trim(self) -> None:
        while len(self._details) > DETAILS_MAX:
            self._details.popitem(last=False)

    def _add(self, *values: Any) -> None:
        self._exchanges.append(Exchange(self._next, *values))
        self._next += 1


_TYPE_OF: Mapping[type, str] = {
    m.Ebm: EbdType.EBM,
    m.EbmStateRequest: EbdType.EBM_STATE_REQUEST,
    m.EbmStateResponse: EbdType.EBM_STATE_RESPONSE,
    m.OmdRequest: EbdType.OMD_REQUEST,
    m.ConnectionCheck: EbdType.CONNECTION_CHECK,
    m.EbdNotify: EbdType.EBD_NOTIFY,
    m.EbdResponse: EbdType.EBD_RESPONSE,
    r.EbrpsInfo: EbdType.EBRPS_INFO,
    r.EbrstInfo: EbdType.EBRST_INFO,
    r.EbrasInfo: EbdType.EBRAS_INFO,
    r.EbrbsInfo: EbdType.EBRBS_INFO,
    r.EbrdtInfo: EbdType.EBRDT_INFO,
    r.EbrpsState: EbdType.EBRPS_STATE,
    r.EbrasState: EbdType.EBRAS_STATE,
    r.EbrbsState: EbdType.EBRBS_STATE,
    r.EbrdtState: EbdType.EBRDT_STATE,
    r.EbmBroadcastLog: EbdType.EBM_BROADCAST_LOG,
}


def facts_of(detail: Detail) -> dict[str, Any]:
    """What a document says, in plain values: `ebm`, `state`, `start`, `msg_type`, `omd`, `report`, `items`, `states`
    (StateCode -> how many), `deleted`, `bad_codes`, `ebms`, `code`, `desc`."""
    match detail:
        case m.Ebm():
            basic = detail.basic
            told = {"msg_type": basic.msg_type, "start": basic.start_time, "end": basic.end_time} if basic else {}
            return {"ebm": detail.ebm_id, **told}
        case m.EbmStateRequest():
            return {"ebm": detail.ebm_id}
        case m.EbmStateResponse():
            return {"ebm": detail.ebm_id, "state": detail.state_code}
        case m.OmdRequest():
            return {"omd": detail.omd_type, "report": detail.params.type if detail.params else ""}
        case m.EbdNotify():
            return {"code": int(detail.code), "desc": detail.desc}
        case r.EbmBroadcastLog():
            numbers = [item.message.ebm_id for item in detail.items[:NUMBERS_LISTED_MAX]]
            return {"items": len(detail.items), "ebms": numbers}
        case r.EbrpsState() | r.EbrasState() | r.EbrbsState() | r.EbrdtState():
            return {"items": len(detail.items), "states": _states(detail), "bad_codes": _bad_codes(detail.items)}
        case r.EbrpsInfo() | r.EbrstInfo() | r.EbrasInfo() | r.EbrbsInfo() | r.EbrdtInfo():
            deleted = sum(item.rpt_type.strip().lower() == "delete" for item in detail.items)
            return {"items": len(detail.items), "deleted": deleted, "bad_codes": _bad_codes(detail.items)}
        case _:
            return {}


def _states(detail: State) -> dict[str, int]:
    return dict(Counter(str(item.code) for item in detail.items))


def _bad_codes(items: Iterable[Any]) -> int:
    return sum(not valid_resource_code(item.ebr_id) for item in items)


def valid_resource_code(code: str) -> bool:
    """Whether a code names one resource by GD/J 080 tables 2 to 5: level, type, sub-type, serials from 01."""
    if len(code) != 23 or not (code.isascii() and code.isdigit()):
        return False
    level, type_, type_serial, subtype, serial = code[0], code[13:17], code[17:19], code[19:21], code[21:23]
    typed = type_ == "0001" or type_[:2] in ("01", "02", "03")
    return level in LEVELS and typed and subtype in SUBTYPES and "00" not in (type_serial, serial)
