"""Where a start says that its sound comes from (GD/J 089 table A.12)."""

from __future__ import annotations

from protocols import adapter as annex_a


def wants_push(message: annex_a.Message) -> bool:
    """Whether a start asks where its sound shall be streamed to: type 62, or 0x62 as table A.32 has it."""
    return isinstance(message, annex_a.StartBroadcast) and any(
        aux.type in (annex_a.AUX_PUSH, annex_a.AUX_PUSH_HEX)
        for language in message.languages
        for aux in language.auxiliary
    )


def sound_url(start: annex_a.StartBroadcast) -> str:
    """The first stream address among all languages, or ""."""
    for language in start.languages:
        for aux in language.auxiliary:
            if aux.type == annex_a.AUX_URL:
                return aux.data.decode("utf-8", "replace")
    return ""
