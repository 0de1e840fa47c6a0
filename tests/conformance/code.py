"""The citations in the source: every docstring and comment, with the module, and the function or class around it."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.conformance.citations import Citation, citations, standards_named

PACKAGES: Final = ("protocols", "devices", "ebcd", "simulators")
_ABOVE_LINES_MAX: Final = 6  # how far above a statement its comment may begin


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something is done: `protocols.adapter.commands` and `StartBroadcast`; no name for the module itself."""

    module: str
    name: str = ""

    @property
    def simulated(self) -> bool:
        """Whether somebody else does it here, not the daemon."""
        return self.module.startswith("simulators.")

    def __str__(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module


@dataclass(frozen=True, slots=True)
class CodeCitation:
    """A citation at a place; `context` are the standards that the module speaks of when it names none."""

    citation: Citation
    place: Place
    context: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Span:
    """Lines of a definition or assignment, with its name."""

    first: int
    last: int
    name: str


def cited_in_source(root: Path) -> Iterator[CodeCitation]:
    """Everything that the four packages under `root` cite."""
    for package in PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            inits = [file.parent / "__init__.py", *(parent / "__init__.py" for parent in file.parent.parents)]
            outer = next((text for init in inits if (text := _docstring(init))), "")
            module = ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            yield from cited_in_module(file.read_text(encoding="utf-8"), module, outer)


def _docstring(file: Path) -> str:
    return (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "") if file.is_file() else ""


def cited_in_module(source: str, module: str, package_docstring: str = "") -> Iterator[CodeCitation]:
    """What one module cites. A range in the module's own docstring, or of types, tells a subject and cites nothing."""
    tree = ast.parse(source)
    context = standards_named(ast.get_docstring(tree) or "") or standards_named(package_docstring)
    spans = list(_spans(tree, ""))
    for text, name in [*_docstrings(tree, ""), *_comments(source, spans)]:
        for citation in citations(text):
            if not citation.in_range or (name and not citation.place.startswith("type ")):
                yield CodeCitation(citation, Place(module, name), context)


def _spans(node: ast.AST, outer: str) -> Iterator[_Span]:
    for child in ast.iter_child_nodes(node):
        name = _name(child)
        if name and isinstance(child, ast.stmt):
            first = min([child.lineno, *(each.lineno for each in getattr(child, "decorator_list", []))])
            yield _Span(first, child.end_lineno or child.lineno, f"{outer}{name}")
        if isinstance(child, ast.ClassDef):
            yield from _spans(child, f"{outer}{name}.")


def _name(node: ast.AST) -> str:
    """What a statement defines: a function, a class, or the one name it assigns to."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else ""


def _docstrings(node: ast.AST, name: str) -> Iterator[tuple[str, str]]:
    """Docstrings of modules, classes and functions, and the strings that stand below an assignment."""
    body: list[ast.stmt] = getattr(node, "body", [])
    above = name
    for statement in body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            if isinstance(statement.value.value, str):
                yield statement.value.value, above
            continue
        inner = _name(statement)
        qualified = f"{name}.{inner}" if name and inner else inner or name
        above = qualified
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _docstrings(statement, qualified)


def _comments(source: str, spans: list[_Span]) -> Iterator[tuple[str, str]]:
    """Comments, those on lines that follow each other as one text."""
    text, first, last = "", 0, 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        line = token.start[0]
        alone = token.line.lstrip().startswith("#")
        if text and line == last + 1 and alone:
            text = f"{text} {token.string.lstrip('# ')}"
        else:
            if text:
                yield text, _owner(spans, first, last)
            text, first = token.string.lstrip("# "), line
        last = line
    if text:
        yield text, _owner(spans, first, last)


def _owner(spans: list[_Span], first: int, last: int) -> str:
    """The smallest definition around the lines, or the one they stand above."""
    around = [span for span in spans if span.first <= first <= span.last]
    if around:
        return min(around, key=lambda span: span.last - span.first).name
    below = [span for span in spans if last < span.first <= last + _ABOVE_LINES_MAX]
    return min(below, key=lambda span: span.first).name if below else ""
