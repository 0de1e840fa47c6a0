"""What FEFD frames say, as named values (GD/J 089-2018 annexes D and E)."""

from __future__ import annotations

from dataclasses import replace

from ebcd.decode.signature_fields import certificates_of
from ebcd.decode.tree import Field, Group, Items, fields_of, fields_so_far, value_of
from protocols import terminal
from protocols.adapter.targets import DomainReturn, IpReturn, SmsReturn
from protocols.partial import Partial
from protocols.terminal import Message, ParameterSet, StatusAnswer, parameter_id

CLAUSES = {
    0x01: "D.5",
    0x02: "D.6",
    0x10: "D.7",
    0x11: "D.8, E.4, E.5",
    0x12: "D.9",
    0x13: "annex E",
    0x14: "annex E",
    0x15: "annex E",
    0x16: "annex E",
    0x17: "D.11",
}
"""Business type -> table of GD/J 089-2018."""
_SETTING_KINDS = {0x01: "volume", 0x05: "amplifier", 0x06: "time", 0x07: "seconds"}
_PARAMETER_KINDS = {0x01: "volume", 0x06: "work_state", 0x0F: "kilohertz"}


def body_fields(message: Message | Partial) -> Group:
    """The fields of a message, or of as much of it as could be read."""
    match message:
        case Partial():
            return fields_so_far(message)
        case ParameterSet(settings=settings):
            return Group((Field("parameters", Items(tuple(_parameter(each, of_set=True) for each in settings))),))
        case StatusAnswer(result=result, text=text, parameters=parameters):
            items = Items(tuple(_parameter(each, of_set=False) for each in parameters))
            head = fields_of(terminal.Answer(StatusAnswer.type, result, text)).fields[1:]
            return Group((*head, Field("parameters", items)))
        case terminal.Opaque(data=data):
            return Group((Field("data", value_of(data)),))
        case terminal.CertificateUpdate(lists=lists, certificates=certificates):
            return certificates_of(lists, certificates)
        case terminal.Answer() as answer:
            return Group(fields_of(answer).fields[1:])
        case _:
            return fields_of(message)


def _parameter(parameter: terminal.Parameter | terminal.Setting, *, of_set: bool) -> Group:
    """Id and value; the tables of queries (E.5) and of settings (D.9) differ from 05 on."""
    number = parameter_id(parameter)
    head = Field("id", number, "setting" if of_set else "parameter")
    if isinstance(parameter, terminal.ReturnTo):
        return Group((head, *_return_to(parameter.address).fields))
    own = tuple(field for field in fields_of(parameter).fields if field.name != "id")
    kind = (_SETTING_KINDS if of_set else _PARAMETER_KINDS).get(number, "")
    return Group((head, *(replace(each, kind=each.kind or kind) for each in own)))


def _return_to(address: SmsReturn | IpReturn | DomainReturn) -> Group:
    """Parameter 03 numbers the ways otherwise than annex A."""
    match address:
        case IpReturn(ip=ip, port=port):
            kind, shown = 1, f"{ip}:{port}"
        case DomainReturn(domain=domain, port=port):
            kind, shown = 2, f"{domain}:{port}"
        case SmsReturn(number=number):
            kind, shown = 3, number
    return Group((Field("ret_type", kind, "parameter_return"), Field("addr", value_of(shown))))
