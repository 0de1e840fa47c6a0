"""Quick making of frozen values in hot decoders.

The `__init__` of a frozen dataclass goes through `object.__setattr__` for every field, which costs five times what
plain assignment does. A draft is its twin without the lock: fill it, then make it what it is to be.

    frame = FrameDraft(header, session, ...)
    frame.__class__ = Frame
"""

from __future__ import annotations

from dataclasses import fields, make_dataclass
from typing import Any, TypeVar, cast

ValueT = TypeVar("ValueT")


def draft_of(cls: type[ValueT]) -> type[ValueT]:
    """The twin of the frozen dataclass `cls`, taking all fields in order; to a type checker it is `cls` itself.

    Raises TypeError for a class whose values are checked when they are made, since a draft would not be.
    """
    if hasattr(cls, "__post_init__"):
        raise TypeError(f"{cls.__name__} checks its values; make them by its own name")
    twin = make_dataclass(f"{cls.__name__}Draft", [(field.name, Any) for field in fields(cast(Any, cls))], slots=True)
    return cast(type[ValueT], twin)
