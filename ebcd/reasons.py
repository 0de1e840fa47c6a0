"""Why something is as it is, in the reader's language. What a device or a person wrote stays as it was written."""

from __future__ import annotations

import re

from ebcd.catalogue import has, text

_WITH_VALUES = frozenset(
    f"reason.{name}"
    for name in ("confirmed_share", "replaced", "refused", "cancelled_by_warning", "adapter_refused", "alert_there")
)
_SHARE = re.compile(r"confirmed (\d(?:\.\d+)?) of targeted")
_REPLACED = re.compile(r"replaced by (\d{35})")
_WARNING = re.compile(r"cancelled by warning (\S+)")
_ON_AIR = re.compile(r"(\d{35}) is on air there")
_CAUSE = re.compile(r"cause (\d{1,3})")
_ADAPTER = re.compile(r"adapter (-?\d{1,10})(?: (.*))?", re.DOTALL)
_RESULT = re.compile(r"(\d{1,3})(?: (.*))?", re.DOTALL)


def said(reason: str, language: str) -> str:
    """The sentence for a reason of the core; the reason itself where there is none."""
    key = f"reason.{reason.replace(' ', '_')}"
    if reason and key not in _WITH_VALUES and has(key):
        return text(key, language)
    if found := _SHARE.fullmatch(reason):
        return text("reason.confirmed_share", language, percent=f"{100 * float(found[1]):.1f}")
    if found := _REPLACED.fullmatch(reason):
        return text("reason.replaced", language, ebm_id=found[1])
    if found := _WARNING.fullmatch(reason):
        return text("reason.cancelled_by_warning", language, identifier=found[1])
    if found := _ON_AIR.fullmatch(reason):
        return text("reason.alert_there", language, ebm_id=found[1])
    if (found := _CAUSE.fullmatch(reason)) and has(f"value.fault.{found[1]}"):
        return text(f"value.fault.{found[1]}", language)
    if "; " in reason:  # several faults of one device
        return "; ".join(said(part, language) for part in reason.split("; "))
    if (found := _RESULT.fullmatch(reason)) and has(f"value.terminal_result.{found[1]}"):
        meaning = text(f"value.terminal_result.{found[1]}", language)
        told = text("reason.refused", language, code=found[1], meaning=meaning)
        return f"{told} ({found[2]})" if found[2] else told
    if found := _ADAPTER.fullmatch(reason):
        key = f"value.adapter_result.{found[1]}"
        # 1 is "wrong length" of 0x12 and "failed" of 0x17 (GD/J 089 tables A.26, A.32)
        meaning = text(key, language) if found[1] != "1" and has(key) else ""
        told = text("reason.adapter_refused", language, code=found[1])
        return told + "".join(f" ({words})" for words in (meaning, found[2]) if words)
    return reason
