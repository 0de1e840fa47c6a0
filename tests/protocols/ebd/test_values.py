"""Times, lists, numbers and the grammar of BrdSysInfo."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.ebd import EbdType, decode, encode
from protocols.ebd.codec import Ebd
from protocols.ebd.edition import Edition
from protocols.ebd.messages import EbdNotify
from protocols.ebd.result import ResultCode
from protocols.ebd.values import (
    RATE,
    BroadcastParameter,
    format_broadcast_parameters,
    format_time,
    parse_broadcast_parameters,
    parse_time,
    split_list,
)
from protocols.errors import LocalProtocolError, RemoteProtocolError
from tests.protocols.ebd import samples


def test_platform_time_is_beijing_time() -> None:
    """1970-01-01 00:00 UTC is 08:00 there; the second pair is the Yunnan package of 2019-04-28."""
    assert format_time(0) == "1970-01-01 08:00:00"
    assert parse_time("2019-04-28 15:58:42") == 1556438322


@given(st.integers(-60_000_000_000, 250_000_000_000))
def test_every_second_reads_back(seconds: int) -> None:
    assert parse_time(format_time(seconds)) == seconds


def test_the_first_and_the_last_hours_of_the_calendar_are_times_too() -> None:
    assert parse_time("0001-01-01 00:00:00") == -62_135_625_600
    assert parse_time("9999-12-31 23:59:59") == 253_402_271_999


@pytest.mark.parametrize("text", ["2026-11-22T14:00:00", "2026-11-22 14:00:00.123", "2026-11-22  14:0:0"])
def test_other_spellings_of_a_time_are_read(text: str) -> None:
    assert parse_time(text) == samples.START


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-22",
        "14:00:00",
        "2026-02-29 00:00:00",
        "2026-11-22 24:00:00",
        "２０２６-11-22 14:00:00",
        "0000-01-01 00:00:00",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_time(text)


@pytest.mark.parametrize("seconds", [10**12, -(10**12), 10**30])
def test_a_second_outside_the_calendar_is_our_error(seconds: int) -> None:
    with pytest.raises(LocalProtocolError):
        format_time(seconds)


def test_lists_are_split_at_what_people_type() -> None:
    assert split_list(" 1,2，3;4\n5、6 ,,") == ("1", "2", "3", "4", "5", "6")


@pytest.mark.parametrize(
    ("text", "share"),
    [("0.99", 0.99), ("99", 0.99), ("1", 1.0), ("0", 0.0), ("50%", 0.5), ("100", 1), ("9.88", 0.0988)],
)
def test_a_rate_is_a_share_of_one(text: str, share: float) -> None:
    assert RATE.read(text, Edition.Y2018) == share


@pytest.mark.parametrize("text", ["101", "-1", "x", "1e3", "nan"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        RATE.read(text, Edition.Y2018)


FM = BroadcastParameter("23400000000000301010301", "3", "97400")
NAME = BroadcastParameter("43415230000000301010201", "1", "")


@pytest.mark.clause("GD/J 083 BrdSysInfo")
def test_broadcast_parameters_read_as_the_standard_writes_them() -> None:
    assert parse_broadcast_parameters("(23400000000000301010301,3,97400)") == (FM,)
    assert parse_broadcast_parameters("(23400000000000301010301,3,97400),(43415230000000301010201,1,)") == (FM, NAME)
    assert format_broadcast_parameters((FM, NAME)) == "(23400000000000301010301,3,97400),(43415230000000301010201,1,)"


def test_broadcast_parameters_without_brackets_are_read() -> None:
    assert parse_broadcast_parameters("23400000000000301010301,3,97400,43415230000000301010201,1") == (FM, NAME)
    assert parse_broadcast_parameters(" ") == ()


def test_broadcast_parameters_that_name_no_resource_are_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        parse_broadcast_parameters("(FM,3,97400)")
    with pytest.raises(LocalProtocolError):
        format_broadcast_parameters((BroadcastParameter("1", "1", ")"),))


@given(st.text(max_size=40))
def test_any_text_that_xml_carries_reads_back(text: str) -> None:
    ebd = Ebd(samples.envelope(EbdType.EBD_NOTIFY), EbdNotify(ResultCode.OTHER, text.strip(" \t\r\n").strip()))
    try:
        written = encode(ebd)
    except LocalProtocolError:
        assert any(ord(c) < 32 or 0xD800 <= ord(c) <= 0xDFFF or ord(c) in (0xFFFE, 0xFFFF) for c in text)
    else:
        assert decode(written) == ebd
