"""The characters of ordinary RDS against the table of EN 50067, typed code by code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError
from protocols.rds import charset

TABLE = json.loads((Path(__file__).parents[2] / "vectors/fm/rds_characters.json").read_text("utf-8"))
CHARACTERS = {
    int(high, 16) << 4 | low: chr(int(point, 16))
    for high, row in TABLE["rows"].items()
    for low, point in enumerate(row.split())
    if point != "----"
}
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def test_every_code_of_the_typed_table_is_its_character_and_comes_back() -> None:
    for code, character in CHARACTERS.items():
        assert charset.decode_text(bytes([code])) == character
        assert charset.encode_text(character) == bytes([code])


def test_a_code_that_the_table_lacks_is_shown_as_unknown() -> None:
    lacking = [code for code in range(256) if code not in CHARACTERS]
    assert lacking == [*range(0x20), 0x7F, 0xFF]
    assert all(charset.decode_text(bytes([code])) == UNKNOWN for code in lacking)


@pytest.mark.clause("EN 50067 annex E")
def test_a_pair_that_changes_the_table_takes_no_place() -> None:
    first, second, third = (bytes.fromhex(pair) for pair in TABLE["tables"])
    assert charset.decode_text(first + b"A\xab") == "A$"
    for other in (second, third):
        assert charset.decode_text(b"\xab" + other + b"A\xab" + first + b"\xab") == f"$A{UNKNOWN}$"
    assert charset.decode_text(first[:1]) == charset.decode_text(third[:1]) == UNKNOWN


@given(st.text(st.characters(codec="latin-1"), max_size=64))
def test_a_text_that_fits_comes_back_and_another_is_refused(text: str) -> None:
    if charset.fits(text):
        assert charset.decode_text(charset.encode_text(text)) == text
    else:
        with pytest.raises(LocalProtocolError, match="have no"):
            charset.encode_text(text)


@given(st.binary(max_size=64))
def test_any_bytes_are_shown_with_no_more_characters_than_bytes(data: bytes) -> None:
    assert len(charset.decode_text(data)) <= len(data)
