"""Values are explained in the reader's language, and every table that is named has its words."""

from __future__ import annotations

import pytest

from ebcd.catalogue import catalogue
from ebcd.decode.ebd_names import snake
from ebcd.decode.explain import label, meaning
from ebcd.decode.names import KINDS

WITHOUT_TABLE = {"time", "code", "ebm_id", "agt", "hexadecimal"}  # functions, or nothing to add


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
