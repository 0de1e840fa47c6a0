"""`ebcd tone` for people."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from ebcd.cli.tone import tone_table
from ebcd.tone.desk import ToneView

NONE = ToneView(
    next=None,
    for_s=60,
    volume=10,
    part=0,
    parts=7,
    places=(),
    terminals=(),
    terminals_total=0,
    left_out=0,
    approvals=1,
    written="",
    state="",
    held="",
    proved=3,
    hearable=25,
    proof_days=8,
)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_where_no_tone_is_configured_the_key_is_named(language: str) -> None:
    paper = StringIO()
    Console(file=paper, width=200).print(tone_table(NONE, language))
    assert "[tone] days" in paper.getvalue()
    assert "3" in paper.getvalue()
