"""`ebcd device` and `ebcd whitelist` for people, in both languages."""

from __future__ import annotations

from io import StringIO

import orjson
import pytest
from rich.console import Console, RenderableType

from ebcd.archive.setting import SetRow
from ebcd.cli.device import set_table
from ebcd.cli.whitelist import callers_table, push_table
from ebcd.whitelist.desk import CallerRow, CallerView
from ebcd.whitelist.push import AdapterRow, LineRow
from tests.ebcd.cli.conftest import ControlRoom

CODE = "6" * 23
OUTCOMES = ("ready", "unreached", "alert", "taken", "passed_on", "refused", "no_answer", "on_again", "left_off", "gone")
LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])


def printed(shown: RenderableType) -> str:
    paper = StringIO()
    Console(file=paper, width=220).print(shown, highlight=False)
    return paper.getvalue()


@LANGUAGES
def test_every_outcome_has_its_words_and_what_the_device_said(language: str) -> None:
    rows = [
        SetRow(CODE, f"喇叭[{n}]", "双河镇", "ip", "", each, "54 no", "volume 60", True)
        for n, each in enumerate(OUTCOMES)
    ]
    told = printed(set_table(orjson.dumps(rows), language, "off", "network"))
    assert not any(each in told for each in ("unreached", "passed_on", "no_answer", "on_again", "left_off"))
    assert ("喇叭[0]" in told, "54 no" in told, "volume 60" in told, "--amplifier on" in told) == (True,) * 4


@LANGUAGES
def test_what_a_push_tells_is_shown_by_adapter_with_its_counts(language: str) -> None:
    lines = (
        LineRow("delete", "13800000001", "张三", "both", ("341123001000",), "refused", "3 no"),
        LineRow("add", "13800000002", "李[四]", "sms", ("341123001000",), "taken"),
    )
    rows = [AdapterRow(CODE, "front", "双河镇", 2, lines), AdapterRow("7" * 23, "", "", 3, (), "gone")]
    told = printed(push_table(orjson.dumps(rows), language))
    assert ("13800000001" in told, "李[四]" in told, "3 no" in told, "7" * 23 in told) == (True,) * 4
    assert "CODE" not in printed(push_table(b"[]", language))


@LANGUAGES
def test_the_list_says_how_many_adapters_took_each_row_and_which_differ(language: str) -> None:
    row = CallerRow("P1", "13800000001", "张三", "341123001000", "双河镇", "both", (), 11, 9)
    view = CallerView((row,), tuple(f"{n:023d}" for n in range(7)))
    told = printed(callers_table(orjson.dumps(view), language))
    assert ("9/11" in told, "P1" in told, "00004 ..." in told, "00005" in told) == (True, True, True, False)
    assert "push" not in printed(callers_table(orjson.dumps(CallerView((), ())), language))


@pytest.mark.real
def test_what_is_written_wrong_is_named_and_nothing_is_sent_without_yes(room: ControlRoom) -> None:
    odd = room.type("device", "set", CODE, "--amplifier", "maybe", "--yes", "--lang", "en")
    assert (odd.status, "maybe" in odd.err) == (2, True)
    for command in (("device", "set", CODE, "--volume", "40"), ("whitelist", "push")):
        told = room.type(*command)
        assert (told.status, "--yes" in told.err) == (2, True)
