"""Reasons are told in both languages; what others wrote is left alone."""

from __future__ import annotations

import pytest

from ebcd.reasons import said

ID = "43411230000000101010101202510090001"


@pytest.mark.parametrize(
    ("reason", "zh", "en"),
    [
        ("expired", "已过结束时间", "its end has passed"),
        ("nobody was ordered", "没有向任何终端下发", "no terminal was ordered to sound"),
        ("found working", "查询时正在播发", "asked, it was working"),
        ("ordered from above", "上级指令", "ordered from above"),
        ("confirmed 0.7800 of targeted", "目标中 78.0 % 已确认", "78.0 % of those targeted confirmed"),
        (f"replaced by {ID}", f"被 {ID} 取代", f"replaced by {ID}"),
        ("cancelled by warning W-2", "由预警 W-2 解除", "cancelled by the warning W-2"),
        ("cancelled_by_warning", "cancelled_by_warning", "cancelled_by_warning"),
        ("cause 3", "功放输出电压过低", "amplifier output voltage low"),
        ("52", "代码 52：证书非法", "code 52: illegal certificate"),
        ("31 all lines taken", "代码 31：忙 (all lines taken)", "code 31: busy (all lines taken)"),
        ("adapter -1", "适配器拒绝，代码 -1 (未知错误)", "the adapter refused, code -1 (unknown error)"),
        ("adapter 4", "适配器拒绝，代码 4 (签名验证失败)", "the adapter refused, code 4 (signature check failed)"),
        ("adapter 1 通道占用", "适配器拒绝，代码 1 (通道占用)", "the adapter refused, code 1 (通道占用)"),
        ("adapter 255", "适配器拒绝，代码 255", "the adapter refused, code 255"),
        ("too loud for the hospital", "too loud for the hospital", "too loud for the hospital"),
        ("confirmed_share", "confirmed_share", "confirmed_share"),
        ("", "", ""),
    ],
)
def test_a_reason_is_told_in_the_readers_language(reason: str, zh: str, en: str) -> None:
    assert (said(reason, "zh"), said(reason, "en")) == (zh, en)
