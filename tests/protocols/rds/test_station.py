"""The groups of an ordinary station: shares, texts, alternative frequencies, clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError
from protocols.rds import charset, station
from protocols.rds.groups import BasicTuning, ClockTime, Group, RadioText, SlowLabelling, decode, encode
from protocols.rds.station import Programme, Sequence

GROUPS_PER_S = 1187.5 / 104
STATION = Programme(0xC123, "EMERGTST", radio_text="TEST ALARM", ecc=0xF0, frequencies_khz=(87_600, 97_400))


def sent(programme: Programme, count: int, sequence: Sequence | None = None) -> list[Group]:
    sequence = sequence or Sequence()
    return [decode(encode(sequence.next(programme))) for _ in range(count)]


def radio_text_of(groups: list[Group]) -> bytes:
    segments = {g.content.segment: g.content.text for g in groups if isinstance(g.content, RadioText)}
    return b"".join(segments[at] for at in sorted(segments))


@pytest.mark.clause("EN 50067 clause 3.1.3")
def test_the_whole_name_goes_out_about_once_a_second() -> None:
    found = [g.content for g in sent(STATION, 110) if isinstance(g.content, BasicTuning)]
    assert len(found) / 110 * GROUPS_PER_S >= 4.0
    assert b"".join(each.name for each in found[:4]) == b"EMERGTST"


def test_the_radio_text_ends_with_its_mark_and_starts_anew_when_it_changes() -> None:
    sequence = Sequence()
    assert radio_text_of(sent(STATION, 22, sequence)) == b"TEST ALARM\r "
    other = Programme(0xC123, "EMERGTST", radio_text="ALL CLEAR", ab=True)
    first = next(g.content for g in sent(other, 4, sequence) if isinstance(g.content, RadioText))
    assert first == RadioText(True, 0, b"ALL ")


def test_a_full_radio_text_has_no_end_mark() -> None:
    assert station.radio_text_bytes("x" * 64) == b"x" * 64


def test_without_radio_text_only_names_and_slow_codes_are_sent() -> None:
    kinds = {type(g.content) for g in sent(Programme(0xC123, "A", ecc=0xF0), 33)}
    assert kinds == {BasicTuning, SlowLabelling}


@pytest.mark.clause("EN 50067 annex F")
def test_an_alarm_shows_in_every_group() -> None:
    alarm = Programme(0xC123, "A", pty=31, tp=True, ta=True)
    assert all(g.pty == 31 and g.tp for g in sent(alarm, 11))
    assert all(g.content.ta for g in sent(alarm, 11) if isinstance(g.content, BasicTuning))


@pytest.mark.clause("EN 50067 clause 3.2.1.6, table 10")
def test_alternative_frequencies_follow_their_number() -> None:
    assert station.af_pairs(()) == [(0xE0, 0xCD)]
    assert station.af_pairs((87_600, 97_400)) == [(0xE2, 1), (99, 0xCD)]
    with pytest.raises(LocalProtocolError, match="87550 kHz"):
        station.af_code(87_550)
    with pytest.raises(LocalProtocolError, match="at most 25"):
        station.af_pairs([87_600] * 26)


def test_a_clock_takes_the_place_of_one_group() -> None:
    noon = datetime(2026, 5, 12, 6, 28, tzinfo=UTC).timestamp()
    clock = station.clock_at(noon)
    assert clock == ClockTime(0, 61172, 6, 28, False, 16)
    assert Sequence().next(STATION, clock).content == clock
    assert station.clock_utc_s(clock) == noon
    assert station.clock_utc_s(ClockTime(0, 0, 0, 0, False, 0)) is None
    assert station.clock_at(noon, -7).west


@pytest.mark.clause("EN 50067 annex G")
@given(st.integers(0, 2**32))
def test_the_clock_of_any_time_is_its_minute(utc_s: int) -> None:
    assert station.clock_utc_s(station.clock_at(utc_s)) == utc_s - utc_s % 60


@pytest.mark.parametrize("wrong", [{"name": "NINE CHAR"}, {"name": "应急"}, {"radio_text": "x" * 65}, {"pi": 2**16}])
def test_what_rds_cannot_say_is_refused(wrong: dict[str, object]) -> None:
    programme = Programme(**({"pi": 1, "name": "A"} | wrong))  # type: ignore[arg-type]
    with pytest.raises(LocalProtocolError):
        sent(programme, 4)


@pytest.mark.clause("EN 50067 annex E")
def test_the_table_is_not_ascii_in_four_places_and_not_latin_1() -> None:
    assert charset.decode_text(bytes.fromhex("24 5E 60 7E AB 80 FE 0D")) == "¤―‖¯$áŧ\N{REPLACEMENT CHARACTER}"
    assert charset.encode_text("$é") == bytes.fromhex("AB 82")
