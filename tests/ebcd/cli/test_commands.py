"""The command line against a daemon's API on a real unix socket."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ebcd.operator import Category
from tests.ebcd.cli.conftest import ControlRoom
from tests.ebcd.fake_operations import FAILED, NOW, row

pytestmark = pytest.mark.real

SEND = ("send", "--level", "2", "--area", "双河镇", "--title", "暴雨", "--text", "请转移。")


def waiting(room: ControlRoom, serial: int = 1, author: str = "chen") -> str:
    alert = row(serial, author=author)
    room.operations.rows[alert.ebm_id] = alert
    return alert.ebm_id


def test_send_shows_areas_paths_volume_and_air_time_before_it_submits(room: ControlRoom) -> None:
    told = room.type(*SEND, "--for", "10m", "--start", "+15", "--yes")
    assert told.status == 0
    for part in ("双河镇 341123101000", "58", "IP 40", "调频 18", "终端自身设置", "单次 12.5 秒", "9" * 35):
        assert part in told.out, part
    assert told.out.index("单次") < told.out.index("待审批")
    draft, author = room.operations.drafts[0]
    assert (author, draft.level, draft.areas, draft.duration_s) == ("chen", 2, ("双河镇",), 600)
    assert draft.start == NOW + 900
    assert "还需要 1 人审批：ebcd approve" in told.out


def test_send_takes_a_sound_file_a_class_and_many_areas(room: ControlRoom) -> None:
    sound = room.folder / "siren.mp3"
    sound.write_bytes(b"ID3")
    told = room.type(*SEND, "--area", "341123", "--audio", str(sound), "--class", "daily", "--yes")
    draft, _author = room.operations.drafts[0]
    assert told.status == 0
    assert "代码或名称不存在" in told.out
    assert draft.category is Category.DAILY
    assert draft.audio is not None
    assert (draft.audio.name, draft.audio.content) == ("siren.mp3", b"ID3")


def test_send_with_json_prints_the_alert_alone(room: ControlRoom) -> None:
    told = room.type(*SEND, "--yes", "--json")
    assert json.loads(told.out)["title"] == "暴雨"


def test_send_without_a_terminal_wants_yes_and_submits_nothing(room: ControlRoom) -> None:
    told = room.type(*SEND)
    assert told.status == 2
    assert "--yes" in told.err
    assert room.operations.drafts == []


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [("--for", "soon", "soon"), ("--start", "later", "later"), ("--audio", "/no/such/file", "/no/such/file")],
)
def test_what_is_written_wrong_is_named_with_status_2(room: ControlRoom, option: str, value: str, named: str) -> None:
    told = room.type(*SEND, "--yes", option, value)
    assert told.status == 2
    assert named in told.err
    assert room.operations.drafts == []


def test_a_refused_draft_tells_why_with_status_1(room: ControlRoom) -> None:
    told = room.type("send", "--level", "1", "--area", "350000", "--title", "t", "--text", "t", "--yes", "--lang", "en")
    assert told.status == 1
    assert told.err == "No area to serve (350000). Give codes of 6, 9 or 12 digits or names of this county.\n"


def test_the_authors_own_approval_is_refused_and_anothers_counts(room: ControlRoom) -> None:
    ebm_id = waiting(room, author="chen")
    own = room.type("approve", ebm_id, operator="chen")
    other = room.type("approve", ebm_id, operator="wang")
    assert own.status == 1
    assert own.err == "chen 是这条消息的作者，不能审批自己的消息。 请由另一位操作员审批。\n"
    assert other.status == 0
    assert "等待播发" in other.out


def test_a_refusal_with_json_prints_the_daemons_error(room: ControlRoom) -> None:
    told = room.type("approve", "404", "--json")
    assert told.status == 1
    assert json.loads(told.out)["error"]["code"] == "no_such_alert"


def test_reject_carries_the_reason(room: ControlRoom) -> None:
    told = room.type("reject", waiting(room), "--reason", "地区写错", operator="wang")
    assert told.status == 0
    assert "已驳回" in told.out
    assert ("reject", "wang", "地区写错") in room.operations.acts


def test_cancel_all_stops_everything(room: ControlRoom) -> None:
    waiting(room, 1)
    waiting(room, 2)
    told = room.type("cancel", "all", "--json")
    assert [one["state"] for one in json.loads(told.out)] == ["cancelled", "cancelled"]


def test_show_tells_progress_by_town_and_path_and_names_who_failed(room: ControlRoom) -> None:
    ebm_id = waiting(room)
    chinese = room.type("show", ebm_id)
    english = room.type("show", ebm_id, "--lang", "en")
    assert chinese.status == english.status == 0
    for part in (
        "55/60 91%",
        "IP 40/42 95%",
        "石桥村 7 号喇叭",
        "超时",
        "wang 审批通过",
        "0.0212",
        "不在本县",
        "未成功的终端：1 / 4",
        "不符",
        "没听到",
    ):
        assert part in chinese.out, part
    for part in ("55/60 91%", "timed out", "wang approved", "outside the county", "Terminals that failed: 1 of 4"):
        assert part in english.out, part


def test_lists_are_tables_for_people_and_json_for_programs(room: ControlRoom) -> None:
    ebm_id = waiting(room)
    assert ebm_id in room.type("alerts").out
    assert json.loads(room.type("alerts", "--json", "--state", "pending").out)[0]["ebm_id"] == ebm_id
    assert room.type("alerts", "--state", "done").out.strip() == "没有消息。"
    terminals = room.type("terminals", "--state", "offline", "--town", "双河镇", "--path", "ip").out
    assert FAILED.name in terminals
    assert "离线" in terminals
    assert "(IP) 调频" in terminals
    assert json.loads(room.type("terminals", "--json").out)["total"] == 1
    links = room.type("links", "--lang", "en").out
    assert "connection refused" in links
    assert "3/512" in links
    assert [link["name"] for link in json.loads(room.type("links", "--json").out)] == ["ip", "fm"]


def test_a_reload_says_what_took_effect_and_how_many_devices_differ(room: ControlRoom) -> None:
    told = room.type("reload", "--lang", "en")
    assert told.status == 0
    for part in ("approval.level_1", "4 certificates", "3 devices"):
        assert part in told.out, part
    assert "已生效" in room.type("reload").out
    assert json.loads(room.type("reload", "--json").out)["changed"] == ["approval.level_1"]
    assert room.operations.acts[-1] == ("reload", "chen")


def test_a_refused_reload_gives_every_reason(room: ControlRoom) -> None:
    room.operations.defect = True
    told = room.type("reload", "--lang", "en")
    assert told.status == 1
    assert "links[0].port was changed and cannot take effect" in told.err
    assert "x = 1 is missing" in told.err
    assert "不能在运行中生效" in room.type("reload").err


def test_text_of_an_alert_is_never_read_as_markup(room: ControlRoom) -> None:
    told = room.type(
        "send", "--level", "2", "--area", "双河镇", "--title", "[bold]x[/bold] [/nope]", "--text", "t", "-y"
    )
    assert told.status == 0
    assert "[bold]x[/bold] [/nope]" in told.out


def test_without_a_daemon_the_socket_is_named(room: ControlRoom, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('[api]\nsocket = "nobody"\n', encoding="utf-8")
    told = room.type("links", "-c", str(tmp_path / "other.toml"), "--lang", "en")
    assert told.status == 1
    assert str(tmp_path / "nobody") in told.err


def test_a_wrong_token_is_told_and_a_missing_file_is_a_usage_error(room: ControlRoom) -> None:
    (room.folder / "stolen").write_text("guess", encoding="ascii")
    assert room.type("links", operator="stolen").status == 1
    assert room.type("links", "--token-file", "/no/such/file").status == 2


def test_an_unreadable_configuration_is_a_usage_error(room: ControlRoom, tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("[api\n", encoding="utf-8")
    assert room.type("links", "-c", str(tmp_path / "broken.toml")).status == 2
    assert room.type("links", "-c", "/no/such/file").status == 2
    assert room.type("alerts", "--rows", "many").status == 2


def test_a_mistake_elsewhere_in_the_configuration_does_not_stop_a_cancel(room: ControlRoom) -> None:
    ebm_id = waiting(room)
    file = room.folder / "ebcd.toml"
    file.write_text(file.read_text(encoding="utf-8") + '[no_such_table]\nkey = "typo"\n', encoding="utf-8")
    assert room.type("cancel", ebm_id).status == 0


@pytest.mark.parametrize("module", ["ebcd.cli.app", "ebcd.cli.client"])
def test_neither_help_nor_a_question_to_the_daemon_imports_what_the_daemon_needs(module: str) -> None:
    heavy = ("sqlalchemy", "httpx", "starlette", "uvicorn", "pydantic", "lxml", "av", "structlog")
    probe = f"import sys, {module}; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
