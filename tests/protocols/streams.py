"""Streams as networks deliver them: cut anywhere, and damaged."""

from __future__ import annotations

from hypothesis import strategies as st


def cut(data: st.DataObject, stream: bytes) -> list[bytes]:
    """The stream in pieces, some of them empty."""
    ends = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12), label="cuts"))
    return [stream[begin:end] for begin, end in zip([0, *ends], [*ends, len(stream)], strict=True)]


def corrupted(data: st.DataObject, stream: bytes) -> bytes:
    """The stream with a few bytes changed, inserted or lost."""
    changed = bytearray(stream)
    for at, how, byte in data.draw(
        st.lists(st.tuples(st.integers(0, 400), st.sampled_from("=+-"), st.integers(0, 255)), max_size=3),
        label="damage",
    ):
        if at < len(changed):
            changed[at : at + (how != "+")] = b"" if how == "-" else bytes([byte])
    return bytes(changed)
