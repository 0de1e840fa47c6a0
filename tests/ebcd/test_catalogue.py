"""Sentences exist in both languages and are asked for as they are."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest

from ebcd.catalogue import Language, UnknownText, catalogue, has, text

SOURCE = Path(__file__).parents[2] / "ebcd"


def _placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def test_every_sentence_is_there_in_both_languages() -> None:
    wanted = {str(language) for language in Language}
    assert {key: set(found) for key, found in catalogue().items() if set(found) != wanted} == {}


def test_both_languages_of_a_sentence_take_the_same_values() -> None:
    different = {
        key
        for key, found in catalogue().items()
        if len({frozenset(_placeholders(each)) for each in found.values()}) > 1
    }
    assert different == set()


def test_no_value_is_taken_by_position() -> None:
    assert not [key for key, found in catalogue().items() for each in found.values() if "" in _placeholders(each)]


def test_every_text_asked_for_by_a_literal_key_exists_and_gets_its_values() -> None:
    wrong = []
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "text"):
                continue
            if not (node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)):
                continue
            key, given = node.args[0].value, {keyword.arg for keyword in node.keywords}
            if not has(key):
                wrong.append(f"{file.name}:{node.lineno}: {key} is in no file of ebcd/texts")
            elif None not in given and (missing := _placeholders(catalogue()[key]["en"]) - given):
                wrong.append(f"{file.name}:{node.lineno}: {key} lacks {sorted(missing)}")
    assert not wrong, "\n".join(wrong)


def test_a_sentence_is_filled_in() -> None:
    assert text("config.count", "en", count=3) == "3 problems"
    assert text("config.count", "zh", count=3) == "共 3 处问题"


@pytest.mark.parametrize(("key", "language", "values"), [("no.such", "zh", {}), ("config.count", "fr", {"count": 1})])
def test_an_unknown_text_is_named(key: str, language: str, values: dict[str, object]) -> None:
    with pytest.raises(UnknownText, match=key):
        text(key, language, **values)


def test_a_missing_value_is_named() -> None:
    with pytest.raises(UnknownText, match="'count' is missing"):
        text("config.count", "zh")
