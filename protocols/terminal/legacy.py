"""Returns of an older provincial system, known by name only (terminal-ip.md section 10).

Their frames begin with `%` (a head of 18 bytes) or `&` (12 bytes) and end in a CRC-16; no public source tells where
the function code stands or which CRC it is, so they are named and not read.
"""

from __future__ import annotations

HEAD_BYTES = {0x25: 18, 0x26: 12}
"""First byte -> bytes of its head."""
_CRC_BYTES = 2


def legacy_return(data: bytes) -> str | None:
    """The name of what these bytes look like, or None: nothing of annex D or E begins so."""
    head_bytes = HEAD_BYTES.get(data[0]) if data else None
    if head_bytes is None or len(data) < head_bytes + _CRC_BYTES:
        return None
    return f"a return frame of an older provincial system ({chr(data[0])}, head of {head_bytes} bytes)"
