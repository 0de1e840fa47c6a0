"""What our values of a platform document leave out: elements nobody knows, text where none belongs, and a document that
breaks, as it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ebcd.decode.ebd_names import snake
from ebcd.decode.tree import Field, Group, Items, Value, value_of
from protocols.ebd.codec import RECORDS
from protocols.ebd.document import Node, children, elements_of, local_name, parse, recovered, stray_texts, text_of
from protocols.ebd.envelope import ENVELOPE
from protocols.ebd.information import BODY
from protocols.ebd.mapping import Element, Record

SHOWN_MAX = 40
"""Unknown elements, pieces of stray text, and items of one list of a broken document that are shown."""
DEPTH_MAX = 16
_ANY_NAME = "params"  # whose children have names of their vendor's making
_SIGNATURE = (
    *("version", "relatedebd", "relatedebinfo", "ebdid", "ebinfoid", "certsn", "signaturealgorithm", "signaturevalue"),
    *("signaturecert", "certtype", "issuerid", "signaturetime", "digestalgorithm"),
)
_ROOTS = ("ebd", "ebi", "signature", "ebdversion", "ebmversion", "ebiversion", "ebmaininfo")


def _names_of(record: Record[Any]) -> Iterator[str]:
    for tag, _ in record.constants:
        yield tag.lower()
    for element in record.elements:
        yield from _names_of_element(element)


def _names_of_element(element: Element) -> Iterator[str]:
    yield from element.names
    if element.outer:
        yield element.outer.lower()
    if isinstance(element.kind, Record):
        yield from _names_of(element.kind)


_KNOWN = frozenset(
    (
        *_ROOTS,
        *_SIGNATURE,
        *(str(kind).lower() for kind in RECORDS),
        *(name for record in (*RECORDS.values(), ENVELOPE, BODY) for name in _names_of(record)),
    )
)


def unknown_elements(xml: bytes) -> Group:
    """The elements of a document that parses which no table has, by their paths; vendors add such."""
    found = [path for path, node in _walk(parse(xml), ()) if local_name(node) not in _KNOWN]
    shown = tuple("/".join(path) for path in found[:SHOWN_MAX])
    return Group((Field("unknown_elements", Items(shown)),)) if found else Group()


def stray_text_errors(xml: bytes) -> tuple[str, ...]:
    """One sentence for each text that stands between elements, where none belongs."""
    errors: list[str] = []
    for path, node in _walk(parse(xml), ()):
        if len(errors) < SHOWN_MAX and not _KNOWN.isdisjoint(children(node)):
            errors += [f"stray-text: {text!r} stands between the elements of {path[-1]}" for text in stray_texts(node)]
    return tuple(errors[:SHOWN_MAX])


def as_it_stands(xml: bytes) -> Group:
    """The elements of a document that breaks, up to there, by their own names; empty for what is no XML at all, and for
    a form that is never read."""
    root = recovered(xml)
    return Group() if root is None else _fields(root, 0)


def _walk(node: Node, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Node]]:
    path = (*above, _written(node))
    yield path, node
    if local_name(node) == _ANY_NAME or ((node_children := children(node)) and _KNOWN.isdisjoint(node_children)):
        return  # a vendor's own, or markup inside a text
    for child in elements_of(node):
        yield from _walk(child, path)


def _written(node: Node) -> str:
    return str(node.tag).rpartition("}")[2]


def _fields(node: Node, depth: int) -> Group:
    together: dict[str, list[Value]] = {}
    for child in elements_of(node):
        name = snake(_written(child)) or _written(child)
        together.setdefault(name, []).append(_value(child, depth + 1))
    return Group(
        tuple(
            Field(name, values[0] if len(values) == 1 else Items(tuple(values[:SHOWN_MAX])))
            for name, values in together.items()
        )
    )


def _value(node: Node, depth: int) -> Value:
    if depth < DEPTH_MAX and children(node):
        return _fields(node, depth)
    return value_of(text_of(node))
