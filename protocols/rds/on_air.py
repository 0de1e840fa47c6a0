"""The 104 bits of a group on air: four words, each with its checkword (EN 50067 clause 2)."""

from __future__ import annotations

from typing import Final

from protocols.errors import RemoteProtocolError
from protocols.rds.block import BLOCK_BITS, CHECK_BITS, SENT, Offset, encode_block, remainder
from protocols.rds.groups import WORDS, Words

GROUP_BITS: Final = WORDS * BLOCK_BITS
GROUP_BYTES: Final = GROUP_BITS // 8


def to_air(words: Words) -> bytes:
    """The 104 bits of a group as 13 bytes, first bit highest, before differential coding (EN 50067 clause 2)."""
    bits = 0
    for word, offset in zip(words, _offsets(words[1]), strict=True):
        bits = bits << BLOCK_BITS | encode_block(word, offset)
    return bits.to_bytes(GROUP_BYTES, "big")


def from_air(data: bytes) -> Words:
    """The words of 13 bytes that arrived whole; nothing is corrected. Raises RemoteProtocolError: body, check."""
    words, faults = heard_from_air(data)
    if faults:
        raise faults[0]
    return words


def heard_from_air(data: bytes) -> tuple[Words, tuple[RemoteProtocolError, ...]]:
    """The words of 13 bytes as they arrived, and one fault for each block whose checkword is wrong. Raises
    RemoteProtocolError: body."""
    if len(data) != GROUP_BYTES:
        raise RemoteProtocolError("body", f"a group has {GROUP_BYTES} bytes on air, not {len(data)}")
    bits = int.from_bytes(data, "big")
    blocks = [bits >> shift & ((1 << BLOCK_BITS) - 1) for shift in range(GROUP_BITS - BLOCK_BITS, -1, -BLOCK_BITS)]
    one, two, three, four = (block >> CHECK_BITS for block in blocks)
    faults = tuple(
        RemoteProtocolError("check", f"block {number} fails its checkword", offset=(number - 1) * GROUP_BYTES // WORDS)
        for number, (block, offset) in enumerate(zip(blocks, _offsets(two), strict=True), start=1)
        if remainder(block) != offset
    )
    return (one, two, three, four), faults


def _offsets(second_word: int) -> tuple[Offset, ...]:
    version_b = second_word >> 11 & 1
    return (*SENT[:2], Offset.C_PRIME if version_b else Offset.C, SENT[3])
