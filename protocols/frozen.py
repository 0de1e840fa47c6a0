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


def draft_of(cls: type[ValueT], *, of_checked_values: bool = False) -> type[ValueT]:
    """The twin of the frozen dataclass `cls`, taking all fields in order; to a type checker it is `cls` itself.

    Raises TypeError for a class that checks its values when they are made, since a draft would not, unless the caller
    says that it has done so.
    """
    if hasattr(cls, "__post_init__") and not of_checked_values:
        raise TypeError(f"{cls.__name__} checks its values; make them by its own name")
    twin = make_dataclass(f"{cls.__name__}Draft", [(field.name, Any) for field in fields(cast(Any, cls))], slots=True)
    return cast(type[ValueT], twin)
