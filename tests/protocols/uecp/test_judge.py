"""The PyPI package `uecp`, where it is installed, reads our frames as we mean them and writes them the same."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from protocols.uecp.frame import Frame, encode
from protocols.uecp.message import encode_message
from tests.protocols.uecp.vectors import ELEMENT_MEANINGS, MEANINGS

KNOWN_TO_THE_JUDGE = frozenset(
    {0x01, 0x02, 0x03, 0x04, 0x07, 0x09, 0x0A, 0x0D, 0x0E, 0x17, 0x18, 0x19, 0x1C, 0x1E, 0x22, 0x23, 0x27, 0x2C, 0x3E}
)


def test_another_implementation_reads_our_frames_and_writes_them_the_same() -> None:
    pytest.importorskip("uecp", reason="the PyPI package uecp is not installed")
    judge: Any = importlib.import_module("uecp.frame")
    importlib.import_module("uecp.commands")
    frames = [
        (site, encoder, sqc, elements) for site, encoder, sqc, elements in MEANINGS.values() if len(elements) == 1
    ]
    frames += [(1, 1, number, (each,)) for number, each in enumerate(ELEMENT_MEANINGS.values(), start=1)]
    judged = set()
    for site, encoder, sqc, elements in frames:
        message = encode_message(*elements)
        if message[0] not in KNOWN_TO_THE_JUDGE:
            continue
        wire = encode(Frame(site, encoder, sqc, message))
        found, rest = judge.UECPFrameDecoder().decode(wire)
        assert (found.site_address, found.encoder_address, found.sequence_counter) == (site, encoder, sqc)
        assert (bytes(found.encode()), rest) == (wire, b""), f"element {message[0]:02X}"
        judged.add(message[0])
    assert judged == KNOWN_TO_THE_JUDGE
