"""The information body (应急广播信息主体, EBDI file) of a message package (GD/J 082; platform.md 3.16)."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from protocols.ebd import document
from protocols.ebd.codec_reports import VENDOR_PARAMETERS
from protocols.ebd.edition import Edition
from protocols.ebd.mapping import Element, Record
from protocols.ebd.reports import VendorParameter
from protocols.ebd.values import INTEGER, LIST, TEXT, TIME, limited_text
from protocols.errors import RemoteProtocolError

INFO_ID_CHARACTERS_MAX = 40


@dataclass(frozen=True, slots=True)
class MainInfo:
    """EBMainInfo. Levels 01 red ... 04 blue; status 01 first, 02 update, 03 cancel, 04 error (table C.5)."""

    info_id: str  # platform code 23, event type 5, date 8, sequence 4; older peers write less
    ebi_id: str = ""
    identifier: str = ""  # of the source
    sender: str = ""
    sender_code: str = ""
    event_type: str = ""  # digits of GB/T 35561
    event_level: str = ""
    info_type: str = ""  # 01 actual, 02 exercise, 03 test
    info_status: str = ""
    reference_id: str = ""
    instructions: str = ""
    is_media_res: int | None = None  # 1 has means of publishing, 0 none
    is_tts: int | None = None  # 1 made, 2 will not be made, 3 video made, 4 no video


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file or address that belongs to a content. `type` 01 video, 02 audio, 03 picture, 04 document."""

    name: str = ""
    description: str = ""
    size: str = ""
    type: str = ""
    suffix: str = ""
    url: str = ""
    digest: str = ""  # SM3


@dataclass(frozen=True, slots=True)
class InformationContent:
    """EBContent: the text in one language."""

    language: str = ""
    language_code: str = ""
    code_set: str = ""
    headline: str = ""
    event_description: str = ""
    program_num: int | None = None
    signer: str = ""
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class BroadcastStyle:
    """How one kind of resource publishes. Presentation as in platform.md 5.10, frequency such as 1t/3min."""

    publish_means: str = ""
    presentation: str = ""
    publish_frequency: str = ""
    roll_frequency: str = ""


@dataclass(frozen=True, slots=True)
class PublishStrategy:
    """Where, when and how to publish. Times are UTC seconds."""

    regions: tuple[str, ...] = ()
    begin: int | None = None
    over: int | None = None
    styles: tuple[BroadcastStyle, ...] = ()


@dataclass(frozen=True, slots=True)
class InformationArea:
    """Where the event is, in words and shapes."""

    description: str = ""
    polygon: str = ""
    circle: str = ""


@dataclass(frozen=True, slots=True)
class InformationBody:
    """EBI. `extension` holds the free fields of earthquakes and airports."""

    main: MainInfo
    contents: tuple[InformationContent, ...] = ()
    strategy: PublishStrategy | None = None
    area: InformationArea | None = None
    extension: tuple[VendorParameter, ...] = ()


def _text(attribute: str, tag: str, *, always: bool = False) -> Element:
    return Element(attribute, tag, TEXT, default="", always=always)


MAIN = Record(
    MainInfo,
    (
        Element("info_id", "InfoID", limited_text("InfoID", INFO_ID_CHARACTERS_MAX), required=True),
        _text("ebi_id", "EBIID", always=True),
        _text("identifier", "Identifier"),
        _text("sender", "Sender"),
        _text("sender_code", "SenderCode"),
        _text("event_type", "EventType", always=True),
        _text("event_level", "EventLevel", always=True),
        _text("info_type", "InfoType", always=True),
        _text("info_status", "InfoStatus", always=True),
        _text("reference_id", "ReferenceID"),
        _text("instructions", "Instructions"),
        Element("is_media_res", "IsMediaRes", INTEGER, always=True),
        Element("is_tts", "IsTTS", INTEGER, always=True),
    ),
    constants=(("EBIVersion", "1"),),
)
ATTACHMENT = Record(
    Attachment,
    (
        _text("name", "AttName"),
        _text("description", "AttDescription"),
        _text("size", "AttSize"),
        _text("type", "AttType"),
        _text("suffix", "AttSuffix"),
        _text("url", "AttURL"),
        _text("digest", "Digest"),
    ),
)
CONTENT = Record(
    InformationContent,
    (
        _text("language", "Language", always=True),
        _text("language_code", "LanguageCode", always=True),
        _text("code_set", "CodeSet", always=True),
        _text("headline", "Headline", always=True),
        _text("event_description", "EventDescription", always=True),
        Element("program_num", "ProgramNum", INTEGER),
        _text("signer", "Signer"),
        Element("attachments", "Attachment", ATTACHMENT, many=True, default=()),
    ),
)
STYLE = Record(
    BroadcastStyle,
    (
        _text("publish_means", "PublishMeans", always=True),
        _text("presentation", "Presentation", always=True),
        _text("publish_frequency", "PublishFrequency", always=True),
        _text("roll_frequency", "RollFrequency", always=True),
    ),
)
STRATEGY = Record(
    PublishStrategy,
    (
        Element("regions", "PublishRegion", LIST, default=(), always=True),
        Element("begin", "BroadcastDateTime", TIME, always=True),
        Element("over", "OverDateTime", TIME),
        Element("styles", "BroadcastStyles/BroadcastStyle", STYLE, many=True, default=()),
    ),
)
AREA = Record(
    InformationArea,
    (_text("description", "AreaDescription"), _text("polygon", "AreaPolygon"), _text("circle", "AreaCircle")),
)
BODY = Record(
    InformationBody,
    (
        Element("main", "EBMainInfo", MAIN, required=True),
        Element("contents", "EBContents/EBContent", CONTENT, many=True, default=(), always=True),
        Element("strategy", "PublishStrategy", STRATEGY),
        Element("area", "Area", AREA),
        Element("extension", "ExtendInfo", VENDOR_PARAMETERS, default=()),
    ),
)


def decode_information(xml: bytes) -> InformationBody:
    """Read an EBDI file. Raises RemoteProtocolError: xml, doctype, xml-limit, root, missing, format, repeated."""
    root = document.parse(xml)
    if document.local_name(root) != "ebi":
        raise RemoteProtocolError("root", f"the document is a <{document.local_name(root)[:40]}>, an <EBI> is needed")
    return BODY.read(root, Edition.Y2018, "EBI")


def encode_information(body: InformationBody) -> bytes:
    """Write an EBDI file. Raises LocalProtocolError."""
    root = etree.Element("EBI")
    BODY.write(root, body, Edition.Y2018)
    return document.serialise(root)


def information_name(info_id: str) -> str:
    """File name of an information body in a package."""
    return f"EBDI_{info_id}.xml"
