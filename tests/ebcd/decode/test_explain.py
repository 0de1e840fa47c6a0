"""Values are explained in the reader's language, and every table that is named has its words."""

from __future__ import annotations

import pytest

from ebcd.catalogue import catalogue
from ebcd.decode.ebd_names import snake
from ebcd.decode.explain import label, meaning
from ebcd.decode.names import KINDS

WITHOUT_TABLE = {
    "time",
    "code",
    "ebm_id",
    "agt",
    "mjd",
    "clock_offset",
    "seconds",
    "hexadecimal",
    "physical_address",
}  # functions, or nothing to add


@pytest.mark.parametrize("kind", sorted(set(KINDS.values()) - WITHOUT_TABLE))
def test_every_table_of_values_that_is_named_exists(kind: str) -> None:
    assert any(key.startswith(f"value.{kind}.") for key in catalogue())


@pytest.mark.parametrize(
    ("kind", "value", "zh", "en"),
    [
        ("class", 4, "应急广播", "emergency"),
        ("volume", 255, "保持不变", "unchanged"),
        ("volume", 80, "80 %", "80 %"),
        ("adapter_result", -1, "未知错误", "unknown error"),
        ("time", 1_760_000_000, "2025-10-09 16:53:20", "2025-10-09 16:53:20"),
        ("signature_time", 138, "签名设备的计数，不是时间", "a counter of the signing box, no time"),
        ("code", "63415230000000314010400", "村级", "village"),
        ("ebm_id", "0" * 35, "全部消息", "every message"),
        ("code", "no code", "", ""),
        ("class", 77, "", ""),
        ("af", 110, "98.5 MHz", "98.5 MHz"),
        ("af", 1, "87.6 MHz", "87.6 MHz"),
        ("af", 226, "其后有 2 个频率", "2 frequencies follow"),
        ("af", 0, "列表结束", "end of the list"),
        ("af", 206, "", ""),
        ("mjd", 61172, "2026-05-12", "2026-05-12"),
        ("mjd", 0, "", ""),
        ("clock_offset", 16, "UTC+08:00", "UTC+08:00"),
        ("clock_offset", 0x27, "UTC-03:30", "UTC-03:30"),
        ("clock_offset", 255, "保持编码器的时差", "the encoder's own stays"),
        ("application_group", 0x16, "11A, 应用可自由使用", "11A, free for applications"),
        ("application_group", 0x12, "9A, 仅在", "9A, for applications only where"),
        ("application_group", 4, "2A, 不可", "2A, never"),
        ("application_group", 0, "不在任何组中发送", "in no group of its own"),
        ("application_group", 31, "暂时无数据", "no data for a while"),
        ("application_group", 32, "", ""),
        ("unopened", "0102", "没有公开的格式", "no layout of it is public"),
        ("physical_address", "012345678901", "按 BCD 读：012345678901", "as BCD 012345678901"),
        ("physical_address", "12345F", "按 BCD 读：12345", "as BCD 12345"),
        ("physical_address", "303132", "按 BCD 读：303132, 按 ASCII 读：012", "as BCD 303132, as ASCII 012"),
        ("physical_address", "4D39", "按 ASCII 读：M9", "as ASCII M9"),
        ("physical_address", "0123456789AB", "", ""),
        ("", 1, "", ""),
    ],
)
def test_a_value_is_explained_in_both_languages(kind: str, value: int | str, zh: str, en: str) -> None:
    assert meaning(kind, value, "zh").startswith(zh)
    assert meaning(kind, value, "en").startswith(en)


def test_a_field_is_explained_in_both_languages() -> None:
    assert (label("event_type", "zh"), label("event_type", "en")) == ("事件类型", "event type")
    assert label("no_such_field", "zh") == ""


@pytest.mark.parametrize(
    ("element", "name"),
    [
        ("EBDID", "ebd_id"),
        ("EBDType", "ebd_type"),
        ("EBRID", "ebr_id"),
        ("EBRPS", "ebrps"),
        ("EBRDTState", "ebrdt_state"),
        ("BrdStateCode", "brd_state_code"),
        ("FileURL", "file_url"),
        ("SRC", "src"),
        ("TVParams", "tv_params"),
        ("IsTTS", "is_tts"),
    ],
)
def test_element_names_become_snake_case(element: str, name: str) -> None:
    assert snake(element) == name


def test_a_digit_that_cannot_be_is_remarked_and_the_code_still_explained() -> None:
    told = meaning("code", "63415231002000414010401", "en")
    assert "341523100200" in told
    assert "digits 14-17 (resource type) are 0414" in told
    assert "第 24-31 位（日期）是 20230229" in meaning("ebm_id", "24300000000000102010101202302290001", "zh")
    assert "digit" not in meaning("code", "03415230000000314010400", "en")  # an address to all of them
