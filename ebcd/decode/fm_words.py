"""Blocks on air as the bytes they carry."""

from __future__ import annotations

from protocols.fm.bits import HeardFrame


def words_of(heard: HeardFrame) -> bytes:
    """The eight bytes of four blocks, as far as they could be read; zeros stand for the others."""
    return b"".join((word or 0).to_bytes(2, "big") for word in heard.words)
