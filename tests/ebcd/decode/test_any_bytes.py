"""Any bytes give a reading: never an exception, and always something that JSON can carry and a tree can show."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from ebcd.cli.decode_tree import tree_of
from ebcd.decode import Keys, decode_bytes, protocols
from ebcd.decode.inputs import messages_in
from protocols.ebd import tar
from protocols.signature import Certificate
from tests.ebcd.decode.examples import CERTIFICATE, EXAMPLES

KEYS = Keys([Certificate.decode(CERTIFICATE)])
LANGUAGES = ("zh", "en")
PACKAGE = tar.write([tar.Entry("EBDB_1.xml", EXAMPLES["ebd-xml"]), tar.Entry("EBDS_1.xml", EXAMPLES["signature-xml"])])


def _show(data: bytes, protocol: str | None = None) -> None:
    reading = decode_bytes(data, KEYS, protocol)
    json.dumps(reading.as_json()).encode("utf-8")
    for language in LANGUAGES:
        Console(file=io.StringIO(), width=100).print(tree_of(reading, data, language))


@given(data=st.binary(max_size=400))
@settings(max_examples=100, deadline=None)
def test_any_bytes_can_be_shown(data: bytes) -> None:
    _show(data)


@pytest.mark.parametrize("protocol", protocols())
@given(data=st.binary(max_size=200))
@settings(max_examples=30, deadline=None)
def test_any_bytes_can_be_taken_for_any_protocol(protocol: str, data: bytes) -> None:
    _show(data, protocol)


@pytest.mark.parametrize("name", [*EXAMPLES, "ebd-tar"])
@given(changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4), cut=st.integers(0, 2000))
@settings(max_examples=40, deadline=None)
def test_damaged_messages_can_be_shown(name: str, changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(EXAMPLES.get(name, PACKAGE))
    for at, value in changes:
        data[at % len(data)] = value
    _show(bytes(data[: cut or None]))


@given(content=st.one_of(st.binary(max_size=200), st.text(alphabet="0123456789abcdefxX :,\n#\\<-", max_size=80)))
@settings(max_examples=100, deadline=None)
def test_any_input_gives_messages(content: bytes | str) -> None:
    data = content.encode() if isinstance(content, str) else content
    assert len(messages_in(data)) <= len(data) + 1
