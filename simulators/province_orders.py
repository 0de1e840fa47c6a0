"""What the simulated province can be told on stdin: one JSON object a line, field "cmd" first of all.

`ebm`            posts a message, whole or with a `fault` (fields: see `Message`)
`repost`         posts the package of tag `of` again: the very same bytes, or (`sigtime` "patched") with the current
                 time written over the signature's
`state_request`  posts an EBMStateRequest for `ebmid`
`omd`            posts an OMDRequest for `type`, `report` being "", "Full" or "Incremental"
`heartbeat`      posts a ConnectionCheck now
`answer`         answers the county's next `times` packages with this `code` (0-5) or HTTP `status`, taking none in

Every command may carry a `tag`, which comes back in its events; without one it gets its number.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar

from protocols.ebd.edition import RULES
from protocols.ebd.values import check_digits

EBM_ID_DIGITS = tuple(rules.ebm_id_digits for rules in RULES.values())
OMD_TYPES = (
    *("EBRPSInfo", "EBRSTInfo", "EBRASInfo", "EBRBSInfo", "EBRDTInfo", "EBMBrdLog"),
    *("EBRPSState", "EBRASState", "EBRBSState", "EBRDTState"),
)


class BadCommand(ValueError):
    """A line on stdin that is no command; the message names the field."""


class Fault(StrEnum):
    """What is wrong with a message on purpose, and the receipt that the standard asks for."""

    NONE = ""
    WRONG_SIGNATURE = "wrong_signature"  # signed with another key under our certificate number: 4
    TAMPERED = "tampered"  # the title changed after signing: 4
    UNSIGNED = "unsigned"  # no EBDS file: 4
    OLD_SIGTIME = "old_sigtime"  # made and signed an hour ago, delivered only now: 4
    STALE_EBDTIME = "stale_ebdtime"  # the same, with the current time written over the signature's
    DEST = "dest"  # for another county's platform: 5
    NO_AREA = "no_area"  # AreaCode missing: 3
    EMPTY_AREA = "empty_area"  # AreaCode empty: 3
    AREAS_OUTSIDE = "areas_outside"  # another county's area only: 1, then state 0
    EXPIRED = "expired"  # its window ended an hour ago: 1, then state 0


@dataclass(frozen=True, slots=True)
class Message:
    """An EBM. `areas` empty means the whole county; `with_audio` is the length of a siren in seconds, 0 for none."""

    tag: str
    title: str = "应急广播测试"
    text: str = "这是一条应急广播消息。"
    severity: int = 1
    areas: tuple[str, ...] = ()
    start_in_s: float = 0.0
    duration_s: float = 60.0
    with_audio: float = 0.0
    msg_type: int = 1  # 2 cancels
    related: str = ""  # EBM id
    event_type: str = "11B03"
    serial: int | None = None  # last four digits of the EBM id; 0 is not compulsory (daily); None: the next
    ebmid: str = ""  # a whole EBM id instead
    fault: Fault = Fault.NONE


@dataclass(frozen=True, slots=True)
class Repost:
    """An earlier package again."""

    tag: str
    of: str
    sigtime: str = "kept"


@dataclass(frozen=True, slots=True)
class StateRequest:
    """EBMStateRequest."""

    tag: str
    ebmid: str


@dataclass(frozen=True, slots=True)
class OmdRequested:
    """OMDRequest."""

    tag: str
    type: str
    report: str = ""


@dataclass(frozen=True, slots=True)
class Beat:
    """A heartbeat outside its period."""

    tag: str


@dataclass(frozen=True, slots=True)
class AnswerWith:
    """How to treat the county's next packages."""

    tag: str
    code: int | None = None
    status: int | None = None
    times: int = 1


Command = Message | Repost | StateRequest | OmdRequested | Beat | AnswerWith
KINDS: dict[str, type[Command]] = {
    "ebm": Message,
    "repost": Repost,
    "state_request": StateRequest,
    "omd": OmdRequested,
    "heartbeat": Beat,
    "answer": AnswerWith,
}
CommandT = TypeVar("CommandT", bound=Command)


def command_of(told: object, number: int) -> Command:
    """Check one line's object; `number` becomes the tag of a command without one. Raises BadCommand."""
    if not isinstance(told, dict) or told.get("cmd") not in KINDS:
        raise BadCommand(f"cmd must be one of {', '.join(KINDS)}")
    values = {"tag": str(number), **{name: value for name, value in told.items() if name != "cmd"}}
    command = _built(KINDS[told["cmd"]], values)
    if isinstance(command, Message) and command.ebmid:
        _check(lambda: check_digits(command.ebmid, EBM_ID_DIGITS, "EBM id"), "ebmid")
    if isinstance(command, OmdRequested) and command.type not in OMD_TYPES:
        raise BadCommand(f"type must be one of {', '.join(OMD_TYPES)}")
    if isinstance(command, Repost) and command.sigtime not in ("kept", "patched"):
        raise BadCommand("sigtime must be kept or patched")
    if isinstance(command, AnswerWith) and (command.code is None) == (command.status is None):
        raise BadCommand("give either code or status")
    return command


_FORMS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "int | None": (int, type(None)),
}


def _built(kind: type[CommandT], values: dict[str, Any]) -> CommandT:
    known = {field.name: str(field.type) for field in fields(kind)}
    if unknown := set(values) - set(known):
        raise BadCommand(f"{sorted(unknown)[0]} is unknown here; {', '.join(known)} are known")
    for name, value in values.items():
        form = known[name]
        if form == "tuple[str, ...]":
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise BadCommand(f"{name} must be a list of texts")
            values[name] = tuple(value)
        elif form == "Fault":
            values[name] = _check(lambda value=value: Fault(value), name)
        elif isinstance(value, bool) or not isinstance(value, _FORMS[form]):
            raise BadCommand(f"{name} must be {form}, not {value!r}")
    try:
        return kind(**values)
    except TypeError as error:
        raise BadCommand(str(error).partition(") ")[2] or str(error)) from None


def _check(build: Any, name: str) -> Any:
    try:
        return build()
    except ValueError as error:
        raise BadCommand(f"{name}: {error}") from None
