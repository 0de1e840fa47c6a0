"""The daemon's answers as the frozen values they were made from: the reader's half of `ebcd.api`."""

from __future__ import annotations

from typing import TypeVar

from pydantic import TypeAdapter

ValueT = TypeVar("ValueT")


def decoded(kind: type[ValueT], content: bytes) -> ValueT:
    """An answer's JSON as a value of `ebcd.operator`. Raises ValueError when it is none of this kind."""
    return TypeAdapter(kind).validate_json(content)
