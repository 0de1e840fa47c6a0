"""The default alphabet of short messages: seven bits a character, packed (3GPP TS 23.038 section 6.2.1)."""

from __future__ import annotations

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = {0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|"} | {
    0x65: "€"
}
_ESCAPE = 0x1B


def decode_septets(data: bytes, count: int, skipped_bits: int = 0) -> str:
    """`count` characters out of packed septets; `skipped_bits` are fill bits behind a header. An escape that leads
    nowhere is a blank, as the standard asks."""
    bits = int.from_bytes(data, "little") >> skipped_bits
    septets = [bits >> 7 * at & 0x7F for at in range(count)]
    text, escaped = [], False
    for septet in septets:
        if escaped:
            text.append(_EXTENDED.get(septet, _BASIC[septet]))
            escaped = False
        elif septet == _ESCAPE:
            escaped = True
        else:
            text.append(_BASIC[septet])
    return "".join(text) + (" " if escaped else "")
