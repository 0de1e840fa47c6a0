"""Warning XML <-> values: CAP 1.2 (OASIS, 2010) and the Chinese profile of it (GB/T 35965.1-2018).

Read are both, in any order of the elements, with or without a namespace; written is what the dialect has. The parser is
the hardened one of the platform interface. GB/T 35965.1 was not available in full: its element names are those of
published samples.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from lxml import etree

from protocols.cap.texts import REFERENCES, severity_in, time_in, word_of
from protocols.cap.values import (
    Area,
    Dialect,
    Geocode,
    Info,
    Kind,
    NamedValue,
    PublicWarning,
    Resource,
    Severity,
    Status,
)
from protocols.ebd import document
from protocols.ebd.edition import Edition
from protocols.ebd.mapping import Element, Record
from protocols.ebd.values import INTEGER, TEXT, Scalar
from protocols.errors import LocalProtocolError, RemoteProtocolError

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
WARNING_BYTES_MAX: Final = 8 * 1024 * 1024  # pictures and sound may be inside, as Base64
EDITION: Final = Edition.Y2018  # the tables ask for one; nothing here depends on it

GB_ONLY: Final = ("sender_code", "classification")
CAP_ONLY: Final = ("source", "restriction", "addresses", "incidents")
CAP_ONLY_INFO: Final = ("categories", "response_types", "audience", "event_codes", "contact", "parameters")


class _GeocodeLayout:
    """A name and a value in CAP, the bare code in the Chinese profile; both are read."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def read(self, node: etree._Element, edition: Edition, where: str) -> Geocode:
        """As mapping.Structure."""
        if not document.children(node):
            return Geocode(document.text_of(node))
        named = _NAMED.read(node, edition, where)
        return Geocode(named.value, named.name)

    def write(self, node: etree._Element, value: Geocode, edition: Edition) -> None:
        """As mapping.Structure."""
        if self._dialect is Dialect.CAP:
            _NAMED.write(node, NamedValue(value.name, value.value), edition)
        elif value.name:
            raise LocalProtocolError(f"geocodes of the Chinese profile have no name; {value.name!r} was given")
        else:
            node.text = value.value or None


_NAMED: Final[Record[NamedValue]] = Record(
    NamedValue,
    (
        Element("name", "valueName", TEXT, default="", always=True),
        Element("value", "value", TEXT, default="", always=True),
    ),
)
_RESOURCE: Final[Record[Resource]] = Record(
    Resource,
    (
        Element("description", "resourceDesc", TEXT, default="", always=True),
        Element("mime_type", "mimeType", TEXT, default=""),
        Element("size", "size", INTEGER),
        Element("uri", "uri", TEXT, default=""),
        Element("content", "derefUri", TEXT, default=""),
        Element("digest", "digest", TEXT, default=""),
    ),
)


def _text(attribute: str, tag: str, *also: str, always: bool = False) -> Element:
    return Element(attribute, tag, TEXT, also=also, default="", always=always)


def _texts(attribute: str, tag: str) -> Element:
    return Element(attribute, tag, TEXT, many=True, default=())


def _area(dialect: Dialect) -> Record[Area]:
    return Record(
        Area,
        (
            _text("description", "areaDesc", always=True),
            _texts("polygons", "polygon"),
            _texts("circles", "circle"),
            Element("geocodes", "geocode", _GeocodeLayout(dialect), many=True, default=()),
            _text("altitude", "altitude"),
            _text("ceiling", "ceiling"),
        ),
    )


def _info(dialect: Dialect) -> Record[Info]:
    time: Scalar[int] = time_in(dialect)
    event = ("event", "eventType") if dialect is Dialect.CAP else ("eventType", "event")
    return Record(
        Info,
        (
            _text("language", "language"),
            _texts("categories", "category"),
            _text("event", *event, always=True),
            _texts("response_types", "responseType"),
            _text("urgency", "urgency", always=True),
            Element("severity", "severity", severity_in(dialect), default=Severity.UNKNOWN, always=True),
            _text("certainty", "certainty", always=True),
            _text("audience", "audience"),
            Element("event_codes", "eventCode", _NAMED, many=True, default=()),
            Element("effective", "effective", time),
            Element("onset", "onset", time),
            Element("expires", "expires", time),
            _text("sender_name", "senderName"),
            _text("headline", "headline"),
            _text("description", "description"),
            _text("instruction", "instruction"),
            _text("web", "web"),
            _text("contact", "contact"),
            Element("parameters", "parameter", _NAMED, many=True, default=()),
            Element("resources", "resource", _RESOURCE, many=True, default=()),
            Element("areas", "area", _area(dialect), many=True, default=()),
        ),
    )


def _warning(dialect: Dialect) -> Record[PublicWarning]:
    sent = ("sent", ("sendTime",)) if dialect is Dialect.CAP else ("sendTime", ("sent",))
    return Record(
        PublicWarning,
        (
            Element("identifier", "identifier", TEXT, required=True),
            Element("sender", "sender", TEXT, required=True),
            _text("sender_code", "senderCode"),
            Element("sent", sent[0], time_in(dialect), also=sent[1], required=True),
            Element("status", "status", word_of(Status), required=True),
            Element("kind", "msgType", word_of(Kind), required=True),
            _text("source", "source"),
            _text("scope", "scope", always=True),
            _text("restriction", "restriction"),
            _text("addresses", "addresses"),
            _texts("codes", "code"),
            _text("classification", "secClassification"),
            _text("note", "note"),
            Element("references", "references", REFERENCES, default=()),
            _text("incidents", "incidents"),
            Element("infos", "info", _info(dialect), many=True, default=()),
        ),
    )


RECORDS: Final = {dialect: _warning(dialect) for dialect in Dialect}


def decode(xml: bytes) -> PublicWarning:
    """Read a warning. Raises RemoteProtocolError: xml, doctype, xml-limit, type, missing, format, repeated."""
    root = document.parse(xml, xml_bytes_max=WARNING_BYTES_MAX)
    if document.local_name(root) != "alert":
        raise RemoteProtocolError("type", f"the document is a <{document.local_name(root)[:40]}>, not an <alert>")
    found = document.children(root)
    dialect = Dialect.GB if "sendtime" in found or "sendercode" in found else Dialect.CAP
    warning = RECORDS[dialect].read(root, EDITION, "alert")
    for name in ("identifier", "sender"):
        if not getattr(warning, name):
            raise RemoteProtocolError("missing", f"alert/{name}")
    return replace(warning, dialect=dialect)


def encode(warning: PublicWarning) -> bytes:
    """Write a warning in its dialect. Raises LocalProtocolError for what that dialect has no place for."""
    _refuse_foreign(warning, CAP_ONLY if warning.dialect is Dialect.GB else GB_ONLY, warning.dialect)
    if warning.dialect is Dialect.GB:
        for info in warning.infos:
            _refuse_foreign(info, CAP_ONLY_INFO, warning.dialect)
    if not (warning.identifier and warning.sender):
        raise LocalProtocolError("a warning needs an identifier and a sender")
    namespaces: dict[Any, str] = {None: NAMESPACE}
    root = etree.Element("alert", nsmap=namespaces if warning.dialect is Dialect.CAP else None)
    RECORDS[warning.dialect].write(root, warning, EDITION)
    if warning.dialect is Dialect.CAP:
        for element in root.iter():
            element.tag = f"{{{NAMESPACE}}}{element.tag}"
    return document.serialise(root)


def _refuse_foreign(value: Any, names: tuple[str, ...], dialect: Dialect) -> None:
    for name in names:
        if getattr(value, name):
            raise LocalProtocolError(f"{dialect} has no {name}; leave it empty")
