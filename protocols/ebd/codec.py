"""A whole EBD document <-> values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lxml import etree

from protocols.ebd import codec_messages, codec_reports, document, messages, reports
from protocols.ebd.edition import Edition
from protocols.ebd.envelope import ENVELOPE, EbdType, Envelope, check_edition, envelope_of
from protocols.ebd.mapping import Record
from protocols.errors import LocalProtocolError, RemoteProtocolError

Detail = (
    messages.Ebm
    | messages.EbmStateRequest
    | messages.EbmStateResponse
    | messages.OmdRequest
    | reports.EbrpsInfo
    | reports.EbrstInfo
    | reports.EbrasInfo
    | reports.EbrbsInfo
    | reports.EbrdtInfo
    | reports.EbmBroadcastLog
    | reports.EbrpsState
    | reports.EbrasState
    | reports.EbrbsState
    | reports.EbrdtState
    | messages.ConnectionCheck
    | messages.EbdNotify
    | messages.EbdResponse
)


@dataclass(frozen=True, slots=True)
class Ebd:
    """One document: the envelope, and what it carries."""

    envelope: Envelope
    detail: Detail


RECORDS: dict[EbdType, Record[Any]] = {
    EbdType.EBM: codec_messages.EBM,
    EbdType.EBM_STATE_REQUEST: codec_messages.STATE_REQUEST,
    EbdType.EBM_STATE_RESPONSE: codec_messages.STATE_RESPONSE,
    EbdType.OMD_REQUEST: codec_messages.OMD_REQUEST,
    EbdType.EBRPS_INFO: codec_reports.EBRPS_INFO,
    EbdType.EBRST_INFO: codec_reports.EBRST_INFO,
    EbdType.EBRAS_INFO: codec_reports.EBRAS_INFO,
    EbdType.EBRBS_INFO: codec_reports.EBRBS_INFO,
    EbdType.EBRDT_INFO: codec_reports.EBRDT_INFO,
    EbdType.EBM_BROADCAST_LOG: codec_reports.EBM_BROADCAST_LOG,
    EbdType.EBRPS_STATE: codec_reports.EBRPS_STATE,
    EbdType.EBRAS_STATE: codec_reports.EBRAS_STATE,
    EbdType.EBRBS_STATE: codec_reports.EBRBS_STATE,
    EbdType.EBRDT_STATE: codec_reports.EBRDT_STATE,
    EbdType.CONNECTION_CHECK: codec_messages.CONNECTION_CHECK,
    EbdType.EBD_NOTIFY: codec_messages.NOTIFY,
    EbdType.EBD_RESPONSE: codec_messages.RESPONSE,
}
TYPE_OF: dict[type, EbdType] = {record.make: kind for kind, record in RECORDS.items()}  # type: ignore[misc]


def decode(xml: bytes, *, edition: Edition = Edition.Y2018) -> Ebd:
    """Read a document of a peer of this edition.

    Raises RemoteProtocolError: what `read_envelope` raises, then edition, type, missing, format, repeated;
    `result_code` gives the code that the receipt must carry.
    """
    root = document.parse(xml)
    envelope = envelope_of(root)
    check_edition(envelope, edition)
    try:
        kind = EbdType(envelope.ebd_type)
    except ValueError:
        raise RemoteProtocolError("type", f"EBDType {envelope.ebd_type[:60]!r} is not supported") from None
    nodes = document.children(root).get(kind.lower(), [])
    if len(nodes) != 1:
        reason = "repeated" if nodes else "missing"
        raise RemoteProtocolError(reason, f"EBD/{kind} is there {len(nodes)} times, once is needed")
    return Ebd(envelope, RECORDS[kind].read(nodes[0], edition, str(kind)))


def encode(ebd: Ebd, *, edition: Edition = Edition.Y2018) -> bytes:
    """Write a document as this edition has it: UTF-8, no namespace, the standard's order.

    Raises LocalProtocolError for a value that the wire cannot carry or that the standard makes mandatory.
    """
    kind = TYPE_OF[type(ebd.detail)]
    if ebd.envelope.ebd_type not in ("", kind):
        raise LocalProtocolError(f"the envelope says {ebd.envelope.ebd_type}, the detail is {kind}")
    if isinstance(ebd.detail, messages.Ebm):
        codec_messages.refuse_incomplete(ebd.detail, edition)
    root = etree.Element("EBD")
    ENVELOPE.write(root, replace(ebd.envelope, ebd_type=str(kind)), edition)
    detail = document.child(root, kind)
    RECORDS[kind].write(detail, ebd.detail, edition)
    return document.serialise(root)
