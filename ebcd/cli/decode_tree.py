"""A decoded message as a tree for people."""

from __future__ import annotations

from dataclasses import replace

from rich.text import Text
from rich.tree import Tree

from ebcd.catalogue import text
from ebcd.cli.output import console, is_screen
from ebcd.decode import Crc, Field, Group, Items, Note, Reading, Signed
from ebcd.decode.explain import explained, label, meaning, parts
from ebcd.decode.tree import Scalar, Value

SHOWN_BYTES = 16
_GOOD = "green"
_BAD = "bold red"
_STYLES: dict[str, str] = {Crc.OK: _GOOD, Crc.BAD: _BAD, Signed.OK: _GOOD, Signed.BAD: _BAD, Signed.UNCHECKED: "yellow"}


def show_tree(reading: Reading, data: bytes, language: str) -> None:
    """Print it: folded to a screen's width, unfolded in a pipe."""
    console().print(tree_of(reading, data, language), highlight=False, soft_wrap=not is_screen())


def tree_of(reading: Reading, data: bytes, language: str) -> Tree:
    """The message, its fields with value, meaning and clause, the verdicts, and where it broke."""
    if reading.inside:
        return _several(reading, data, language)
    root = Tree(_title(reading, language), guide_style="dim")
    for field in reading.fields.fields:
        _add(root, field if field.clause else replace(field, clause=reading.clause), language)
    _add_errors(root, reading, data, language)
    if reading.protocol is not None:
        root.add(_verdicts(reading, language))
        for note in reading.notes:
            root.add(Text(_note(note, language), style="dim"))
    if reading.also:
        root.add(Text(text("decode.also", language, others=", ".join(reading.also)), style="yellow"))
    return root


def _several(reading: Reading, data: bytes, language: str) -> Tree:
    """Each whole message in its place, and why the bytes are not one message."""
    count = len(reading.inside)
    root = Tree(Text(text("decode.several", language, count=count, size=len(data)), style=_BAD), guide_style="dim")
    _add_errors(root, reading, data, language)
    for each in reading.inside:
        place = text("decode.place", language, start=each.start, end=each.end - 1)
        root.add(Text(place, style="bold")).add(tree_of(each.reading, data[each.start : each.end], language))
    return root


def _add_errors(root: Tree, reading: Reading, data: bytes, language: str) -> None:
    for error in reading.errors:
        said = explained(error, language)
        root.add(Text(printable(f"{said} ({error})" if said else error), style=_BAD))
    if reading.offset is not None and reading.errors and data:
        at = reading.offset
        shown = f"{data[max(at - SHOWN_BYTES, 0) : at].hex()} ▸ {data[at : at + SHOWN_BYTES].hex()}"
        root.add(Text(text("decode.broke", language, offset=at, shown=shown), style=_BAD))


def printable(value: str) -> str:
    """Without what would move a terminal's cursor or change its colours."""
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in value)


def _title(reading: Reading, language: str) -> Text:
    if reading.protocol is None:
        return Text(text("decode.unrecognised", language), style=_BAD)
    title = Text(reading.protocol, style="bold")
    if reading.message:
        title.append(f"  {printable(reading.message)}", style="bold cyan")
    if reading.clause:
        title.append(f"  {reading.clause}", style="dim")
    return title


def _add(parent: Tree, field: Field, language: str) -> None:
    head = Text(printable(field.name), style="bold")
    if said := label(field.name, language):
        head.append(f"  {said}", style="default")
    clause = Text(f"  [{field.clause}]" if field.clause else "", style="dim")
    match field.value:
        case Group(fields=fields):
            branch = parent.add(head + clause)
            for inner in fields:
                _add(branch, inner, language)
        case Items(values=values):
            branch = parent.add(head + Text(f"  ({len(values)})", style="dim") + clause)
            for number, item in enumerate(values, start=1):
                _add_item(branch, number, item, field.kind, language)
        case value:
            branch = parent.add(head + Text(": ") + _shown(value, field.kind, language) + clause)
            for name, part, said in parts(field.kind, value, language):
                branch.add(Text(f"{name}: ") + Text(part, style="cyan") + Text(f"  {said}" if said else ""))


def _add_item(parent: Tree, number: int, item: Value, kind: str, language: str) -> None:
    match item:
        case Group(fields=fields):
            branch = parent.add(Text(str(number), style="dim"))
            for inner in fields:
                _add(branch, inner, language)
        case Items(values=values):
            branch = parent.add(Text(str(number), style="dim"))
            for at, inner_item in enumerate(values, start=1):
                _add_item(branch, at, inner_item, kind, language)
        case value:
            parent.add(_shown(value, kind, language))


def _shown(value: Scalar, kind: str, language: str) -> Text:
    shown = Text(_words(value, language), style="cyan")
    if said := meaning(kind, value, language):
        shown.append(f"  {said}", style="default")
    return shown


def _words(value: Scalar, language: str) -> str:
    if isinstance(value, bool):
        return text(f"decode.bit.{int(value)}", language)
    return "-" if value is None else printable(str(value))


def _verdicts(reading: Reading, language: str) -> Text:
    style = _GOOD if reading.is_good else _BAD
    crc, signature = str(reading.crc), str(reading.signature)
    again = "true" if reading.roundtrip else "false"
    told = text(
        "decode.verdicts",
        language,
        crc=text(f"decode.crc.{crc}", language),
        signature=text(f"decode.signature.{signature}", language),
        roundtrip=text(f"decode.yes.{again}", language),
    )
    return Text(told, style=_STYLES.get(signature, style) if reading.is_good else _BAD)


def _note(note: Note, language: str) -> str:
    return printable(text(f"decode.note.{note.key}", language, **dict(note.values)))
