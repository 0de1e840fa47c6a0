"""`ebcd submit --cap` against a daemon's API on a real unix socket."""

from __future__ import annotations

import json

import pytest

from protocols.cap.codec import WARNING_BYTES_MAX
from tests.ebcd.cli.conftest import ControlRoom

pytestmark = pytest.mark.real


def submit(room: ControlRoom, *arguments: str, content: bytes = b"<alert/>") -> tuple[int, str, str]:
    file = room.folder / "warning.xml"
    file.write_bytes(content)
    told = room.type("submit", "--cap", str(file), *arguments)
    return told.status, told.out, told.err


def test_a_warning_is_shown_before_it_is_handed_in(room: ControlRoom) -> None:
    status, out, _err = submit(room, "--yes")
    assert status == 0
    for part in ("W-2", "更新", "暴雨红色预警", "县气象台", "转移。", "双河镇", "邻县: 不涉及本县", "9" * 35):
        assert part in out, part
    assert "还需要 1 人审批：ebcd approve" in out
    assert room.operations.acts == [("preview_warning", "chen"), ("submit_warning", "chen")]


def test_a_preview_hands_nothing_in(room: ControlRoom) -> None:
    status, out, _err = submit(room, "--preview", "--json")
    assert status == 0
    assert json.loads(out)["parts"][0]["preview"]["targeted"] == 58
    assert room.operations.acts == [("preview_warning", "chen")]


def test_json_prints_the_alerts_alone(room: ControlRoom) -> None:
    status, out, _err = submit(room, "--yes", "--json")
    assert status == 0
    assert [each["state"] for each in json.loads(out)] == ["pending"]


def test_without_a_terminal_yes_is_wanted_and_nothing_is_handed_in(room: ControlRoom) -> None:
    status, _out, err = submit(room)
    assert status == 2
    assert "--yes" in err
    assert room.operations.acts == []


def test_a_refusal_is_told_with_status_1(room: ControlRoom) -> None:
    status, _out, err = submit(room, "--yes", content=b"<alert><status>Draft</status></alert>")
    assert status == 1
    assert "W-2 is a draft" in err


def test_a_file_that_is_missing_or_too_long_is_named_with_status_2(room: ControlRoom) -> None:
    assert submit(room, "--yes", content=b"x" * (WARNING_BYTES_MAX + 1))[0] == 2
    missing = room.type("submit", "--cap", str(room.folder / "none.xml"), "--yes")
    assert missing.status == 2
    assert "none.xml" in missing.err
    assert room.operations.acts == []


def test_a_stranger_hands_nothing_in(room: ControlRoom) -> None:
    (room.folder / "eve").write_text("eve\n", encoding="ascii")
    file = room.folder / "warning.xml"
    file.write_bytes(b"<alert/>")
    assert room.type("submit", "--cap", str(file), "--yes", operator="eve").status == 1
    assert room.operations.acts == []
