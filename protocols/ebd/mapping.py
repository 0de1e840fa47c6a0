"""Tables that tie a dataclass to XML elements: one table reads and writes a record.

Reading takes children in any order, ignores names it does not know, and accepts the spellings a table lists; writing
follows the table from top to bottom with the standard's own names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

from lxml import etree

from protocols.ebd.document import child, children, text_of
from protocols.ebd.edition import Edition
from protocols.ebd.values import TEXT, Scalar
from protocols.errors import LocalProtocolError, RemoteProtocolError

RecordT = TypeVar("RecordT")

REPEATS_MAX = 200_000  # items of one list: a province has 125,730 terminals


class Structure(Protocol):
    """An element with children, as a table sees it."""

    def read(self, node: etree._Element, edition: Edition, where: str) -> Any:
        """Raises RemoteProtocolError: missing, format, repeated."""

    def write(self, node: etree._Element, value: Any, edition: Edition) -> None:
        """Append the children to `node`. Raises LocalProtocolError."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a record.

    `path` names it, with the element around it where the standard has one: "RelatedEBRPS/EBRID". `also` are other
    spellings of the last name. `required`: absent is an error, both ways. `always`: written even when it holds the
    default. `tag_2016`: its name in the 2016 draft. `bare`: also accepted without the element around it.
    """

    attribute: str
    path: str
    kind: Scalar[Any] | Structure
    also: tuple[str, ...] = ()
    required: bool = False
    many: bool = False
    always: bool = False
    default: Any = None
    tag_2016: str = ""
    bare: bool = False
    names: tuple[str, ...] = field(init=False)
    outer: str = field(init=False)
    tag: str = field(init=False)

    def __post_init__(self) -> None:
        outer, _, tag = self.path.rpartition("/")
        spellings = (tag, *self.also, *((self.tag_2016,) if self.tag_2016 else ()))
        object.__setattr__(self, "outer", outer)
        object.__setattr__(self, "tag", tag)
        object.__setattr__(self, "names", tuple(name.lower() for name in spellings))

    def tag_for(self, edition: Edition) -> str:
        """The name to write."""
        return self.tag_2016 if self.tag_2016 and edition is Edition.Y2016 else self.tag


@dataclass(frozen=True, slots=True)
class Record(Generic[RecordT]):
    """A dataclass and its elements in the order they are written.

    `before` may put misplaced children right in a document that was just parsed; `check` judges the value.
    `constants` are elements with a fixed text, written first and not read.
    """

    make: Callable[..., RecordT]
    elements: tuple[Element, ...]
    check: Callable[[RecordT, Edition], None] | None = None
    before: Callable[[etree._Element], None] | None = None
    constants: tuple[tuple[str, str], ...] = ()

    def read(self, node: etree._Element, edition: Edition, where: str) -> RecordT:
        """Raises RemoteProtocolError: missing, format, repeated."""
        if self.before is not None:
            self.before(node)
        found = children(node)
        inside: dict[str, dict[str, list[etree._Element]]] = {}
        values: dict[str, Any] = {}
        for element in self.elements:
            scope = found
            if element.outer:
                if element.outer not in inside:
                    inside[element.outer] = _merged(found.get(element.outer.lower(), []))
                scope = inside[element.outer]
                if element.bare and not scope:
                    scope = found
            values[element.attribute] = _read_element(element, scope, edition, where)
        value = self.make(**values)
        if self.check is not None:
            self.check(value, edition)
        return value

    def write(self, node: etree._Element, value: RecordT, edition: Edition) -> None:
        """Append the elements to `node`. Raises LocalProtocolError for what the wire cannot carry."""
        for tag, text in self.constants:
            child(node, tag, text)
        containers: dict[str, etree._Element] = {}
        for element in self.elements:
            content = getattr(value, element.attribute)
            if content == element.default and not element.always:
                if element.required:
                    raise LocalProtocolError(f"{element.path} is mandatory and has no value")
                continue
            parent = node
            if element.outer:
                if element.outer not in containers:
                    containers[element.outer] = child(node, element.outer)
                parent = containers[element.outer]
            for item in content if element.many else (content,):
                _write_element(element, parent, item, edition)


def renamed(record: Record[RecordT], value: RecordT, change: Mapping[int, Callable[[str], str]]) -> RecordT:
    """The same value with every text of certain kinds changed; `change` by `id` of the Scalar."""
    changed: dict[str, Any] = {}
    for element in record.elements:
        content = getattr(value, element.attribute)
        if content == element.default:
            continue
        if isinstance(element.kind, Record):
            inner = element.kind
            changed[element.attribute] = (
                tuple(renamed(inner, item, change) for item in content)
                if element.many
                else renamed(inner, content, change)
            )
        elif (rename := change.get(id(element.kind))) is not None:
            changed[element.attribute] = rename(content)
    return replace(value, **changed)  # type: ignore[type-var]


def _merged(nodes: list[etree._Element]) -> dict[str, list[etree._Element]]:
    """The children of all elements of one name together: some peers repeat the container, not the item."""
    merged: dict[str, list[etree._Element]] = {}
    for node in nodes:
        for name, items in children(node).items():
            merged.setdefault(name, []).extend(items)
    return merged


def _read_element(element: Element, scope: dict[str, list[etree._Element]], edition: Edition, where: str) -> Any:
    path = f"{where}/{element.path}"
    nodes: list[etree._Element] = []
    for name in element.names:
        nodes += scope.get(name, [])
        if nodes and not element.many:
            break  # the standard's own spelling counts where a peer writes two
    if isinstance(element.kind, Record):  # templates of some vendors leave empty elements standing
        nodes = [node for node in nodes if not _is_hollow(node)]
    if element.many:
        if len(nodes) > REPEATS_MAX:
            raise RemoteProtocolError("xml-limit", f"{path}: {len(nodes)} items, at most {REPEATS_MAX}")
        return tuple(_read_kind(element, node, edition, path) for node in nodes)
    absent = element.default is None and not element.required  # a text that can be there or not, and not just empty
    if isinstance(element.kind, Scalar) and (element.kind is not TEXT or absent):
        nodes = [node for node in nodes if text_of(node)]  # empty is absent, except for plain text
    if not nodes:
        if element.required:
            raise RemoteProtocolError("missing", path)
        return element.default
    value = _read_kind(element, nodes[0], edition, path)
    if any(_read_kind(element, other, edition, path) != value for other in nodes[1:]):
        raise RemoteProtocolError("repeated", f"{path} is there {len(nodes)} times with different content")
    return value


def _is_hollow(node: etree._Element) -> bool:
    return not any(text.strip() for text in node.itertext())


def _read_kind(element: Element, node: etree._Element, edition: Edition, path: str) -> Any:
    if not isinstance(element.kind, Scalar):
        return element.kind.read(node, edition, path)
    try:
        return element.kind.read(text_of(node), edition)
    except ValueError as error:
        raise RemoteProtocolError("format", f"{path}: {error}") from None


def _write_element(element: Element, parent: etree._Element, item: Any, edition: Edition) -> None:
    tag = element.tag_for(edition)
    if not isinstance(element.kind, Scalar):
        node = child(parent, tag)
        element.kind.write(node, item, edition)
        if isinstance(element.kind, Record) and _is_hollow(node):
            parent.remove(node)  # a record that says nothing would lack what the standard makes mandatory inside
        return
    try:
        text = "" if item is None else element.kind.write(item, edition)
    except ValueError as error:
        raise LocalProtocolError(f"{element.path}: {error}") from None
    child(parent, tag, text or None)
