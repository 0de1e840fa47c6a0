"""The names that programs read are written down, change only on purpose, and have words for people."""

from __future__ import annotations

import re

import pytest

from ebcd.decode.explain import label
from tests.decode_names import PAGE, page

_REMARK = re.compile(r"\((?:as|and)[^)]*\)|, or [a-z]+")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def names() -> set[str]:
    """Every name in the last column of the page's tables."""
    cells = [line.split("|")[-2] for line in page().splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in _NAME.findall(_REMARK.sub("", cell))} - {"none"}


def test_the_page_of_names_is_what_the_records_give() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.decode_names"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_name_has_its_words(language: str) -> None:
    assert [name for name in sorted(names()) if not label(name, language)] == []
