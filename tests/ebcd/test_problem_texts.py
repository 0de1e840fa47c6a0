"""Every refusal has a sentence and a next step in the catalogue."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ebcd.catalogue import has, text
from ebcd.lifecycle import AlertState

SOURCES = Path(__file__).parents[2] / "ebcd"


def codes() -> set[str]:
    """The second argument of every `Problem(Kind..., "code", ...)` and `refused(Kind..., "code", ...)`."""
    found = set()
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name in ("Problem", "refused") and len(node.args) > 1 and ast.unparse(node.args[0]).startswith("Kind."):
                code = node.args[1]
                found |= {code.value} if isinstance(code, ast.Constant) else set()
    return {code for code in found if isinstance(code, str)}


def test_the_search_finds_the_codes() -> None:
    assert {"bad_token", "own_approval", "body_too_large"} <= codes()


@pytest.mark.parametrize("code", sorted({*codes(), "unknown_area", "ambiguous_area"}))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_code_has_a_sentence_and_a_next_step(code: str, language: str) -> None:
    values = {"thing": "T", "value": "V", "limit": "L", "code": code}
    assert text(f"problem.{code}", language, **values)
    assert text(f"problem.{code}.next", language, **values)


def test_each_state_of_an_alert_has_a_word() -> None:
    assert [state for state in AlertState if not has(f"alert_state.{state}")] == []
