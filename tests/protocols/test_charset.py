"""Characters of Chinese texts: everybody's dash and dot, and nothing that turns into a question mark."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.charset import CHARSETS, GB2312, GB18030, codec_of, decoded, encoded
from protocols.codes import EbmId
from protocols.fm import emergency

# GB 2312-1980, rows 1 and 16: A1AA is the dash, A1A4 the middle dot, B0A1 the first character 啊
WORKED = [("—", "A1AA"), ("·", "A1A4"), ("啊", "B0A1"), ("A", "41"), ("地震预警", "B5D8D5F0D4A4BEAF")]


@pytest.mark.parametrize(("text", "data"), WORKED)
def test_gb_2312_has_the_bytes_of_its_tables(text: str, data: str) -> None:
    assert encoded(text, GB2312) == bytes.fromhex(data)
    assert decoded(bytes.fromhex(data), GB2312) == text


@pytest.mark.parametrize(("text", "data"), WORKED)
def test_what_gb_2312_has_gb_18030_writes_the_same(text: str, data: str) -> None:
    assert encoded(text, GB18030) == bytes.fromhex(data)


@pytest.mark.parametrize("text", ["𠮷", "镕", "€", "\u2015", "\u30fb"])
def test_a_character_that_the_set_lacks_is_an_error(text: str) -> None:
    with pytest.raises(UnicodeEncodeError):
        encoded(f"转移{text}", GB2312)


def test_a_number_outside_the_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="charset 5"):
        codec_of(5)


@given(st.text(st.characters(codec="utf-8"), max_size=50), st.sampled_from(sorted(CHARSETS)))
def test_what_can_be_written_is_read_the_same(text: str, charset: int) -> None:
    try:
        data = encoded(text, charset)
    except UnicodeEncodeError:
        return
    assert decoded(data, charset) == text


def test_an_fm_text_shows_everybodys_dash() -> None:
    text = emergency.Text(emergency.TextKind.EMERGENCY, GB2312, EbmId("4" * 35), bytes.fromhex("A1AAA1A4"))
    assert text.text == "—·"
