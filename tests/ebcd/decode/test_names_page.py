"""The names that programs read are written down, and change only on purpose."""

from __future__ import annotations

from tests.decode_names import PAGE, page


def test_the_page_of_names_is_what_the_records_give() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.decode_names"
