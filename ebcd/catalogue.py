"""Every sentence for people, in Chinese and in English, by key.

The tables are the files of `ebcd/texts/`: one TOML table per sentence, `zh` and `en` side by side, with the same
`{names}` in both. Programs read keys and `--json`, never sentences.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from importlib import resources
from types import MappingProxyType


class Language(StrEnum):
    """Languages of people."""

    ZH = "zh"
    EN = "en"


class UnknownText(LookupError):
    """No such key, language or value: a mistake of ours, which the tests of the catalogue look for."""


def text(key: str, language: str, /, **values: object) -> str:
    """The sentence `key` in `language` with its `{names}` filled in. Raises UnknownText."""
    try:
        return catalogue()[key][language].format_map(values)
    except KeyError as error:
        raise UnknownText(f"text {key!r} in {language!r} with {sorted(values)}: {error} is missing") from None


def has(key: str) -> bool:
    """Whether there is a sentence of this name."""
    return key in catalogue()


@functools.cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Key -> language -> sentence. Raises ValueError when two files define one key."""
    found: dict[str, Mapping[str, str]] = {}
    for file in sorted(resources.files("ebcd").joinpath("texts").iterdir(), key=lambda each: each.name):
        if not file.name.endswith(".toml"):
            continue
        for key, sentence in _flatten(tomllib.loads(file.read_text(encoding="utf-8"))):
            if key in found:
                raise ValueError(f"{file.name}: text {key!r} is defined a second time")
            found[key] = sentence
    return MappingProxyType(found)


def _flatten(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, Mapping[str, str]]]:
    """Walk nested TOML tables: one with the keys zh or en is a sentence, and may hold longer keys beside them."""
    sentence = {name: value for name, value in table.items() if isinstance(value, str)}
    if sentence:
        yield prefix, MappingProxyType(sentence)
    for name, inner in table.items():
        if isinstance(inner, dict):
            yield from _flatten(inner, f"{prefix}.{name}" if prefix else name)
