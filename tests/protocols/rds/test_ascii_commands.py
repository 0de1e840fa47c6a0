"""Lines of text for RDS encoders (rds-uecp.md C)."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.rds.ascii_commands import decode_command, encode_command

printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=64)


def test_the_lines_of_the_manuals_are_written_as_printed_there() -> None:
    assert encode_command("PI", "8123") == b"PI=8123\r"
    assert encode_command("PTY", 31) == b"PTY=31\r"
    assert encode_command("UECP", 1) == b"UECP=1\r"
    assert encode_command("G", "B475DEADBEEF") == b"G=B475DEADBEEF\r"
    assert encode_command("*ADR", "1") == b"*ADR=1\r"
    assert encode_command("RT1", "") == b"RT1=\r"


@given(name=st.sampled_from(["PS", "RT1", "TA", "UDG1", "*ADR"]), value=printable)
def test_a_line_comes_back_as_it_was(name: str, value: str) -> None:
    assert decode_command(encode_command(name, value)) == (name, value)


@given(st.binary(max_size=90))
def test_any_bytes_are_a_line_or_refused(data: bytes) -> None:
    with suppress(RemoteProtocolError):
        assert encode_command(*decode_command(data)) == data


@pytest.mark.parametrize(
    ("name", "value"),
    [("ps", "A"), ("", "A"), ("RT1", "应急"), ("RT1", "a\rTA=0"), ("RT1", "x" * 65), ("PS", "caf\xe9")],
)
def test_nothing_but_one_line_of_ascii_ever_leaves(name: str, value: str) -> None:
    with pytest.raises(LocalProtocolError):
        encode_command(name, value)
