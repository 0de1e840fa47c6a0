"""What people are told of a warning of another authority before it is handed in."""

from __future__ import annotations

from dataclasses import dataclass

from ebcd.operator import Category, DroppedArea, Preview


@dataclass(frozen=True, slots=True)
class WarningPart:
    """One alert that a warning would become."""

    title: str
    text: str
    sender: str
    category: Category
    level: int
    event_type: str
    preview: Preview
    unspoken: int = 0  # characters at the end of a text that is too long to be read out


@dataclass(frozen=True, slots=True)
class WarningPreview:
    """What a warning would do. `known`: it came before, nothing will happen. `stops`: live alerts that its approval, or
    a cancel's submission, ends. `never_came`: what a cancel names that was not taken in, and will not be."""

    identifier: str
    kind: str  # Alert, Update, Cancel
    known: bool
    parts: tuple[WarningPart, ...]
    left_out: tuple[DroppedArea, ...]  # information blocks by title that do not concern this county now, and why
    stops: tuple[str, ...]
    never_came: tuple[str, ...] = ()
