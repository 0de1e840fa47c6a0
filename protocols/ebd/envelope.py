"""The EBD envelope (GD/J 083; platform.md 2), readable alone.

The receiver reads the envelope first: SRC picks the peer's key, signature profile and edition, and only a verified
document has its detail parsed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from lxml import etree

from protocols.ebd import document
from protocols.ebd.edition import RULES, Edition
from protocols.ebd.mapping import Element, Record
from protocols.ebd.values import EBD_ID, RESOURCE_CODE, TEXT, TIME
from protocols.errors import RemoteProtocolError


class EbdType(StrEnum):
    """The 17 types of GD/J 083 (platform.md 3)."""

    EBM = "EBM"
    EBM_STATE_REQUEST = "EBMStateRequest"
    EBM_STATE_RESPONSE = "EBMStateResponse"
    OMD_REQUEST = "OMDRequest"
    EBRPS_INFO = "EBRPSInfo"
    EBRST_INFO = "EBRSTInfo"
    EBRAS_INFO = "EBRASInfo"
    EBRBS_INFO = "EBRBSInfo"
    EBRDT_INFO = "EBRDTInfo"
    EBM_BROADCAST_LOG = "EBMBrdLog"
    EBRPS_STATE = "EBRPSState"
    EBRAS_STATE = "EBRASState"
    EBRBS_STATE = "EBRBSState"
    EBRDT_STATE = "EBRDTState"
    CONNECTION_CHECK = "ConnectionCheck"
    EBD_NOTIFY = "EBDNotify"
    EBD_RESPONSE = "EBDResponse"


@dataclass(frozen=True, slots=True)
class Envelope:
    """EBD: who sends what to whom.

    `ebd_id` 41 digits (36 in 2016), `source` and `destination` resource codes, `time` UTC seconds, `source_url` where
    the sender takes requests, `related_ebd_id` the package this one answers. `ebd_type` is one of `EbdType` in whatever
    case the peer wrote it, or else the peer's own text, which is judged with the detail.
    """

    ebd_id: str
    ebd_type: str
    source: str
    time: int
    source_url: str = ""
    destination: str | None = None
    related_ebd_id: str | None = None

    @property
    def edition(self) -> Edition:
        """The edition whose codes the package number and the sender have."""
        rules = RULES[Edition.Y2018]
        later = len(self.ebd_id) == rules.ebd_id_digits and len(self.source) == rules.resource_code_digits
        return Edition.Y2018 if later else Edition.Y2016


_TYPES = {kind.lower(): str(kind) for kind in EbdType}

ENVELOPE = Record(
    Envelope,
    (
        Element("ebd_id", "EBDID", EBD_ID, required=True),
        Element("ebd_type", "EBDType", TEXT, required=True),
        Element("source", "SRC/EBRID", RESOURCE_CODE, required=True),
        Element("source_url", "SRC/URL", TEXT, default=""),
        Element("destination", "DEST/EBRID", RESOURCE_CODE),
        Element("time", "EBDTime", TIME, required=True),
        Element("related_ebd_id", "RelatedEBD/EBDID", EBD_ID),
    ),
    constants=(("EBDVersion", "1"),),
)


def read_envelope(xml: bytes) -> Envelope:
    """The envelope of a document, of either edition; the detail is not looked at.

    Raises RemoteProtocolError: xml, doctype, xml-limit, root (result 2); missing, format, repeated (result 3).
    """
    return envelope_of(document.parse(xml))


def envelope_of(root: etree._Element) -> Envelope:
    """The same of a document that is parsed already."""
    if document.local_name(root) != "ebd":
        raise RemoteProtocolError("root", f"the document is a <{document.local_name(root)[:40]}>, an <EBD> is needed")
    if "ebdversion" not in document.children(root):
        raise RemoteProtocolError("missing", "EBD/EBDVersion")
    envelope = ENVELOPE.read(root, Edition.Y2016, "EBD")
    if not envelope.ebd_type:
        raise RemoteProtocolError("missing", "EBD/EBDType")
    return replace(envelope, ebd_type=_TYPES.get(envelope.ebd_type.lower(), envelope.ebd_type))


def check_edition(envelope: Envelope, edition: Edition) -> None:
    """Whether a peer of this edition may send it. Raises RemoteProtocolError("edition")."""
    if edition is Edition.Y2018 and envelope.edition is Edition.Y2016:
        raise RemoteProtocolError(
            "edition",
            f"package {envelope.ebd_id} of {envelope.source} has codes of the 2016 edition; "
            'set edition = "2016" for this peer to accept it',
        )
