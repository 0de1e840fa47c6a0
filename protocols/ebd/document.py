"""XML in and out: a hardened parser, names without namespaces, strict UTF-8 out (platform.md 1.5).

Documents come from outside. A DOCTYPE is refused before and after parsing, so no entity is ever declared; nothing is
loaded from anywhere; bytes, depth and number of elements have limits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast

from lxml import etree

from protocols.errors import LocalProtocolError, RemoteProtocolError

XML_BYTES_MAX = 64 * 1024 * 1024  # a province's terminal list is the largest document there is: 125,730 x 300 bytes
DEPTH_MAX = 32  # the deepest document of the standard has 9 levels
ELEMENTS_MAX = 2_000_000

RECOVERED_BYTES_MAX = 1024 * 1024

Node = etree._Element
"""One element of a document."""
SPELLINGS = {
    "ebeid": "ebrid",  # 2016 draft
    "brdstatedes": "brdstatedesc",  # GD/J 083, example of the annex
    "boradcastdatetime": "broadcastdatetime",  # GD/J 082, schema of the information body
    "boradcaststyles": "broadcaststyles",
    "boradcaststyle": "broadcaststyle",
    "publishfrequence": "publishfrequency",  # GD/J 082, table of the information body
}
"""Names that the standards and deployed peers misspell, in lower case -> the right one."""

_DECLARATION = b'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n'
_BLANKS = b"\x00 \t\r\n"
_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")  # how text of two bytes a character begins
_LYING = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["'](?:utf-?16|ucs-?2|unicode)""", re.IGNORECASE)
_NATIONAL = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["'](?:gb|x-gbk|cp936|windows-936)""", re.IGNORECASE)
_TWO_BYTES = re.compile(rb"[\xC2-\xDF]")
_too_deep = etree.XPath("boolean(" + "/*" * (DEPTH_MAX + 1) + ")")
_count = etree.XPath("count(//*)")


def parse(xml: bytes, *, xml_bytes_max: int = XML_BYTES_MAX) -> etree._Element:
    """The root element of a document. Raises RemoteProtocolError: xml, doctype, xml-limit."""
    if len(xml) > xml_bytes_max:
        raise RemoteProtocolError("xml-limit", f"{len(xml)} bytes, at most {xml_bytes_max}")
    if b"<!DOCTYPE" in xml:
        raise RemoteProtocolError("doctype", "a DOCTYPE is never accepted", offset=xml.index(b"<!DOCTYPE"))
    xml = _trimmed(xml)
    try:
        root = etree.fromstring(xml, _parser(xml))
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise RemoteProtocolError("xml", str(error)) from None
    # An encoding that hides the text above from the search (UTF-16, UTF-7) still ends here, nothing resolved.
    if root.getroottree().docinfo.internalDTD is not None:
        raise RemoteProtocolError("doctype", "a DOCTYPE is never accepted")
    if _too_deep(root):
        raise RemoteProtocolError("xml-limit", f"more than {DEPTH_MAX} levels")
    if int(cast(float, _count(root))) > ELEMENTS_MAX:
        raise RemoteProtocolError("xml-limit", f"more than {ELEMENTS_MAX} elements")
    return root


def recovered(xml: bytes) -> Node | None:
    """The root of bytes that may break, with the elements up to there; None where there is none, or for what is never
    accepted (DOCTYPE, over a limit). For people who look at a capture, never for what acts on a document."""
    try:
        return parse(xml)
    except RemoteProtocolError as error:
        if error.reason != "xml" or len(xml) > RECOVERED_BYTES_MAX:
            return None
    trimmed = _trimmed(xml)
    try:
        root = etree.fromstring(trimmed, _parser(trimmed, recover=True))
    except (etree.XMLSyntaxError, ValueError, LookupError):
        return None
    if root is None or root.getroottree().docinfo.internalDTD is not None or _too_deep(root):
        return None
    return root


def _parser(xml: bytes, *, recover: bool = False) -> etree.XMLParser:
    """Nothing from outside, no entities; `recover` reads on behind what breaks."""
    return etree.XMLParser(
        encoding=_encoding(xml),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        recover=recover,
    )


def _encoding(xml: bytes) -> str | None:
    """In which encoding a document is, where its declaration cannot be taken at its word; None: as it says."""
    if _LYING.match(xml):
        return "utf-8"
    if _NATIONAL.match(xml):
        return "utf-8" if _is_utf8(xml) else "gb18030"
    return None


def _is_utf8(xml: bytes) -> bool:
    """Whether it is more than ASCII and all of it reads as UTF-8 without a character of two bytes: no Chinese one has
    two, while two bytes of GBK may look like one (that for "colour" is C9 AB)."""
    if xml.isascii() or _TWO_BYTES.search(xml):
        return False
    try:
        return bool(xml.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _trimmed(xml: bytes) -> bytes:
    """Without what some writers put around a document: blanks, zeros, a byte order mark behind or before them.

    A declaration that can be read byte by byte and says UTF-16 (a text written by .NET through a string) is wrong by
    itself; such a document is read as UTF-8. One that says GB 2312 or GBK may hold any character of GB 18030, which
    has them all, or is UTF-8 that was passed on under an old declaration.
    """
    if xml.startswith(_WIDE):
        return xml
    return xml.strip(_BLANKS).removeprefix(_BOM).lstrip(_BLANKS)


def serialise(root: etree._Element) -> bytes:
    """A document as it is sent and signed: UTF-8, no BOM, the standard's declaration."""
    return _DECLARATION + etree.tostring(root, encoding="utf-8", xml_declaration=False)


def local_name(element: etree._Element) -> str:
    """The name without a namespace, in lower case and rightly spelt: peers differ in all three."""
    tag = element.tag
    if not isinstance(tag, str):  # an entity reference that was left unresolved
        return ""
    name = tag.rpartition("}")[2].lower()
    return SPELLINGS.get(name, name)


def children(element: etree._Element) -> dict[str, list[etree._Element]]:
    """The children by lower-case local name, each list in document order."""
    found: dict[str, list[etree._Element]] = {}
    for child in elements_of(element):
        found.setdefault(local_name(child), []).append(child)
    return found


def text_of(element: etree._Element) -> str:
    """The text, that of markup inside it included, without the blanks that some writers put around it."""
    if len(element):
        return "".join(map(str, element.itertext())).strip()
    return (element.text or "").strip()


def child(parent: etree._Element, tag: str, text: str | None = None) -> etree._Element:
    """Append an element. Raises LocalProtocolError for text that XML cannot carry."""
    try:
        element = etree.SubElement(parent, tag)
    except ValueError:
        raise LocalProtocolError(f"{tag!r} is no element name") from None
    if text is not None:
        try:
            element.text = text
        except ValueError:
            raise LocalProtocolError(f"{tag}: XML cannot carry {text!r}") from None
    return element


def elements_of(element: Node) -> Iterator[Node]:
    """The children that are elements, in document order."""
    return (child for child in element if isinstance(child.tag, str))


def stray_texts(element: Node) -> list[str]:
    """What stands between the children of an element, blanks apart."""
    texts = [element.text, *(child.tail for child in element)]
    return [text.strip() for text in texts if text and text.strip()]
