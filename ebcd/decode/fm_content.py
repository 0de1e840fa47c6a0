"""Contents of FM packets as named values, on air and inside the adapter's command 0x02 (GD/J 085-2018 clause 5.2)."""

from __future__ import annotations

from ebcd.decode.recogniser import message_name
from ebcd.decode.signature_fields import block_fields, certificates_of, list_fields
from ebcd.decode.tree import Field, Group, fields_of, value_of
from protocols.errors import RemoteProtocolError
from protocols.fm import packet as fm
from protocols.fm.configuration import Authorisation, Certificates, Maintenance, ReturnAddress
from protocols.fm.daily import Alive
from protocols.fm.emergency import Text
from protocols.partial import Partial
from protocols.signature import BLOCK_BYTES, AuthorisationList, SignatureBlock

CLAUSES = {
    0: "5.2.2",
    1: "5.2.3",
    2: "5.2.4",
    3: "5.2.5",
    4: "5.2.6",
    5: "5.2.7",
    6: "5.2.8",
    7: "5.2.9",
    8: "5.2.10",
    11: "5.2.11",
    12: "5.2.12",
    13: "5.2.13",
    14: "5.2.14",
    15: "5.2.15",
    21: "5.2.16",
    22: "5.2.17",
    23: "5.2.18",
    24: "5.2.19",
}
"""Packet type -> clause of GD/J 085-2018."""

_STOP = 2
_NAMES: dict[type, str] = {
    Alive: "maintenance",  # type 21
    Authorisation: "authorisation_list",
    Maintenance: "maintenance_switch",  # type 2
    ReturnAddress: "return_parameters",
}
"""Where table 2 of GD/J 085 names a type otherwise than our record."""


def content_name(content: fm.Content | fm.Unknown) -> str:
    """The name of a message; starts and stops are told apart, as on the other bearers."""
    if isinstance(content, fm.Unknown):
        return "unknown"
    name = name_of(type(content))
    action = getattr(content, "action", None)
    return name if action is None else f"{name}_stop" if action == _STOP else f"{name}_start"


def name_so_far(content: fm.Content | fm.Unknown | Partial) -> str:
    """The same of a content that breaks, "" where nothing of it is there."""
    if not isinstance(content, Partial):
        return content_name(content)
    name = next((name for cls, name in _NAMES.items() if cls.__name__ == content.owner), message_name(content.owner))
    action = dict(content.members).get("action")
    return name if action is None else f"{name}_stop" if action == _STOP else f"{name}_start"


def name_of(cls: type) -> str:
    """The name of a kind of content."""
    return _NAMES.get(cls) or message_name(cls)


def content_fields(content: fm.Content | fm.Unknown) -> Group:
    """The fields of a content in the order of its table."""
    match content:
        case fm.Unknown(data=data):
            return Group((Field("content", value_of(data)),))
        case Text() if content.text is not None:
            return fields_of(content) + Group((Field("text", value_of(content.text)),))
        case Authorisation(data=data):
            return _authorisation(data)
        case Certificates(items=items):
            return Group(certificates_of((), items).fields[1:])
        case _:
            return fields_of(content)


def _authorisation(data: bytes) -> Group:
    """Clause 5.2.8 names the signature block of GD/J 081 6.2.1, its purpose the list of 6.5: whichever it is."""
    try:
        if len(data) == BLOCK_BYTES:
            return Group((Field("signature_data", Group(block_fields(SignatureBlock.decode(data), "sig_time"))),))
        return Group((Field("list", list_fields(AuthorisationList.decode(data))),))
    except RemoteProtocolError:
        return Group((Field("data", value_of(data)),))
