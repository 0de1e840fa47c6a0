"""Frames that no driver reads, known by how they look: returns of an older provincial system (terminal-ip.md section
10) and the older draft of FEFD (`edition` 2016x, section 2.2).

The first begin with `%` (a head of 18 bytes) or `&` (12 bytes) and end in a CRC-16; no public source tells where the
function code stands or which CRC it is, so they are named and not read. The second are what `protocols.terminal.draft`
reads; a terminal that speaks it can be looked at with `ebcd decode`, and is told apart from noise here.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocols.terminal import draft
from protocols.terminal.frame import FRAME_BYTES_MAX, MARK

HEAD_BYTES = {0x25: 18, 0x26: 12}
"""First byte -> bytes of its head."""
_CRC_BYTES = 2
_SOURCE_AT = 12
_FIRST_NO_DIGITS = 0xA0


@dataclass(frozen=True, slots=True)
class Foreign:
    """What some bytes look like: a slug, and words for people."""

    reason: str
    sentence: str


def foreign_frame(data: bytes) -> Foreign | None:
    """What these bytes begin, where it is none of annex D or E but known; else None. `data` may be cut behind the
    business length."""
    if data[:2] == MARK:
        is_draft = data[_SOURCE_AT : _SOURCE_AT + 1] < bytes([_FIRST_NO_DIGITS])
        if is_draft and draft.measure(data, 0, FRAME_BYTES_MAX) > 0:
            return Foreign("draft-2016x", "a frame of the older provincial draft (edition 2016x, codes of 18 digits)")
        return None
    head_bytes = HEAD_BYTES.get(data[0]) if data else None
    if head_bytes is None or len(data) < head_bytes + _CRC_BYTES:
        return None
    return Foreign(
        "legacy-return", f"a return frame of an older provincial system ({chr(data[0])}, head of {head_bytes} bytes)"
    )
