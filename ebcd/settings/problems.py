"""What pydantic found wrong -> problems with a place, the value, the limit and the next step (style habit 12)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ebcd.errors import Problem

VALUE_CHARACTERS_MAX = 60
_SECRET = re.compile(r"password|passphrase|token|secret|digest", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(?<=:)[^:@/]+(?=@)")
_TYPES = {
    "int": "integer",
    "int_parsing": "integer",
    "int_from_float": "integer",
    "float": "number",
    "string": "text",
    "bool": "boolean",
    "list": "list",
    "tuple": "list",
    "dict": "table",
    "model": "table",
    "model_attributes": "table",
    "path": "text",
    "enum": "text",
}
_LIMITS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at_least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at_most", "le"),
    "string_too_short": ("too_short", "min_length"),
    "string_too_long": ("too_long", "max_length"),
}


def problems_of(error: ValidationError, file: str, model: type[BaseModel] | None = None, at: str = "") -> list[Problem]:
    """Every error as a problem; `at` is put before the places, `model` gives the keys that an unknown one may mean."""
    return [_problem(each, file, model, at) for each in error.errors(include_url=False)]


def shown(where: str, value: object) -> str:
    """A value as it stands in the file, shortened; secrets are never shown."""
    if _SECRET.search(where.rsplit(".", 1)[-1]):
        return "***"
    if isinstance(value, dict | list):
        return ""
    written = str(value).lower() if isinstance(value, bool) else repr(value)
    written = _URL_PASSWORD.sub("***", written)
    return written if len(written) <= VALUE_CHARACTERS_MAX else written[: VALUE_CHARACTERS_MAX - 1] + "…"


def place(path: Sequence[int | str], at: str = "") -> str:
    """`links[3].type` of ("links", 3, "type")."""
    for part in path:
        at += f"[{part}]" if isinstance(part, int) else f".{part}" if at else part
    return at


def unknown_key(file: str, where: str, key: str, value: object, known: Sequence[str]) -> Problem:
    """A key that nothing reads, with the one that was probably meant."""
    close = difflib.get_close_matches(key, known, n=1)
    values = {"known": ", ".join(close or sorted(known))}
    return Problem(file, where, shown(where, value), "unknown_key", values)


def _problem(error: ErrorDetails, file: str, model: type[BaseModel] | None, at: str) -> Problem:
    kind, found = error["type"], error["input"]
    context = error.get("ctx", {})
    where = place(error["loc"], at)
    value = shown(where, found)
    if kind == "ebcd":
        return Problem(file, where, value, str(context["what"]), {k: v for k, v in context.items() if k != "what"})
    if kind == "missing":
        return Problem(file, where, "", "missing")
    if kind == "extra_forbidden":
        return unknown_key(file, where, str(error["loc"][-1]), found, _keys(model, error["loc"][:-1]))
    if kind in ("literal_error", "enum"):
        return Problem(file, where, value, "choice", {"choices": str(context["expected"])})
    if kind in _LIMITS:
        what, name = _LIMITS[kind]
        return Problem(file, where, value, what, {"limit": context[name]})
    if kind.startswith("time"):
        return Problem(file, where, value, "time_of_day")
    if (wanted := _TYPES.get(kind.removesuffix("_type"))) is not None:
        return Problem(file, where, value, f"type.{wanted}")
    return Problem(file, where, value, "other", {"detail": error["msg"]})


def _keys(model: type[BaseModel] | None, path: Sequence[int | str]) -> list[str]:
    """The keys that the table at `path` may have."""
    for part in path:
        if model is None or isinstance(part, int):
            continue
        annotation = next((f.annotation for n, f in model.model_fields.items() if (f.alias or n) == part), None)
        inner = [annotation, *get_args(annotation)]
        model = next((each for each in inner if isinstance(each, type) and issubclass(each, BaseModel)), None)
    return [field.alias or name for name, field in model.model_fields.items()] if model else []
