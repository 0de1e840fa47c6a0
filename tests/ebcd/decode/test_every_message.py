"""Whatever our codecs can write is recognised, read to the end, and encodes again."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from ebcd.cli.decode_tree import tree_of
from ebcd.decode import decode_bytes
from protocols import adapter, terminal
from protocols.adapter import TypeTable
from protocols.ebd import Edition, decode, encode
from protocols.ebd.codec import Ebd
from protocols.ebd.envelope import EbdType
from protocols.terminal import Frame
from tests.protocols.adapter.strategies import messages
from tests.protocols.ebd.samples import documents
from tests.protocols.terminal.strategies import unsigned_frames


def _read(data: bytes, protocol: str) -> None:
    reading = decode_bytes(data)
    assert (reading.protocol, reading.errors, reading.roundtrip) == (protocol, (), True)
    json.dumps(reading.as_json()).encode("utf-8")
    Console(file=io.StringIO(), width=120).print(tree_of(reading, data, "zh"))


@given(messages)
@settings(max_examples=60, deadline=None)
def test_every_message_between_platform_and_adapter_is_read(message: adapter.Message) -> None:
    _read(adapter.encode(message, table=TypeTable.A4), "adapter")


@given(unsigned_frames)
@settings(max_examples=60, deadline=None)
def test_every_frame_of_a_terminal_is_read(frame: Frame) -> None:
    _read(terminal.encode(frame), "terminal")


@pytest.mark.parametrize("edition", Edition)
@pytest.mark.parametrize("kind", EbdType)
@given(data=st.data())
@settings(max_examples=3, deadline=None)
def test_every_document_of_a_platform_is_read(kind: EbdType, edition: Edition, data: st.DataObject) -> None:
    ebd: Ebd = data.draw(documents(kind, edition))
    xml = encode(ebd, edition=edition)
    if decode(xml, edition=edition) == ebd:
        _read(xml, "ebd-xml")
