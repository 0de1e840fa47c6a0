"""Alerts cannot be built wrong; areas never widen; classes and ranks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebcd.alert import (
    Alert,
    AlertClass,
    DrillDepth,
    Media,
    Window,
    classify,
    resolve_areas,
)
from ebcd.errors import InvalidAlert
from protocols.codes import AreaCode, EbmId, covers
from tests.ebcd.county import COUNTY, PROVINCE, TOWN_A, VILLAGE_A1, VILLAGE_B1, VILLAGES
from tests.ebcd.test_scheduler import alert

EMERGENCY_ID = EbmId(f"{PROVINCE}202510090001")
DAILY_ID = EbmId(f"{PROVINCE}202510090000")


def known(area: AreaCode) -> bool:
    return any(covers(area, village) for village in VILLAGES)


# ---- areas ---------------------------------------------------------------------------------------------------------

digits = st.text("0123456789", min_size=0, max_size=14)
near = st.sampled_from(["3", "34", "349", "3499", "349901", "349901101", "349901102"]).flatmap(
    lambda stem: st.text("0129", max_size=6).map(lambda rest: stem + rest)
)
codes = st.one_of(digits, near, st.sampled_from([str(v) for v in VILLAGES]), st.text(max_size=13))


@given(st.lists(codes, max_size=6))
def test_i2_nothing_widens_except_an_enclosing_code_to_the_own_county(written: list[str]) -> None:
    try:
        found = resolve_areas(written, COUNTY, known)
    except InvalidAlert:
        assert not any(code.strip() for code in written)
        return
    for area in found.inside:
        assert covers(COUNTY, area)
        padded = {code.strip().ljust(12, "0") for code in written if len(code.strip()) in (6, 9, 12)}
        encloses = any(p.isascii() and p.isdigit() and covers(AreaCode(p), COUNTY) for p in padded)
        assert area in padded or (area == COUNTY and encloses)
    assert not any(covers(a, b) for a in found.inside for b in found.inside if a != b)


@given(st.lists(codes, max_size=6))
def test_i2_every_code_is_either_inside_or_dropped_and_named(written: list[str]) -> None:
    if any(code.strip() for code in written):
        found = resolve_areas(written, COUNTY, known)
        for code in (c.strip() for c in written):
            if code not in found.dropped:
                area = AreaCode.parse(code)
                assert covers(area, COUNTY) or any(covers(kept, area) for kept in found.inside)


@pytest.mark.parametrize("written", [(), ("",), (" ", "")])
def test_i2_a_message_without_an_area_is_refused(written: tuple[str, ...]) -> None:
    with pytest.raises(InvalidAlert, match="names no area"):
        resolve_areas(written, COUNTY, known)


@pytest.mark.parametrize("enclosing", ["000000000000", "340000000000", "349900000000", "349900", "000000"])
def test_i2_an_enclosing_code_means_the_own_county(enclosing: str) -> None:
    assert resolve_areas([enclosing], COUNTY, known).inside == (COUNTY,)


@pytest.mark.parametrize(("written", "meant"), [("349901", COUNTY), ("349901101", TOWN_A), (VILLAGE_B1, VILLAGE_B1)])
def test_i2_six_and_nine_digits_are_padded(written: str, meant: AreaCode) -> None:
    assert resolve_areas([written], COUNTY, known).inside == (meant,)


@pytest.mark.parametrize("written", ["34990", "3499011", "34990110120", "3499011012011", "34990x", "３４９９０１"])
def test_i2_other_lengths_and_letters_are_dropped_and_named(written: str) -> None:
    found = resolve_areas([written, VILLAGE_A1], COUNTY, known)
    assert (found.inside, found.dropped) == ((VILLAGE_A1,), (written,))


@pytest.mark.clause("GD/J 082 AreaCode")
def test_i2_unknown_and_outside_codes_are_dropped_and_named() -> None:
    found = resolve_areas(["350000000000", "349901999000"], COUNTY, known)
    assert (found.inside, found.dropped) == ((), ("350000000000", "349901999000"))


def test_codes_that_another_one_covers_are_folded_into_it() -> None:
    assert resolve_areas([VILLAGE_A1, TOWN_A, VILLAGE_A1], COUNTY, known).inside == (TOWN_A,)


# ---- class, level, depth -------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-SYS-03")
@pytest.mark.clause("GD/J 082 MsgType, Severity")
@pytest.mark.parametrize(
    ("ebm_id", "msg_type", "severity", "expected"),
    [
        (EMERGENCY_ID, 1, 1, (AlertClass.EMERGENCY, 1, DrillDepth.TERMINAL)),
        (EMERGENCY_ID, 1, 4, (AlertClass.EMERGENCY, 4, DrillDepth.TERMINAL)),
        (EMERGENCY_ID, 1, 0, (AlertClass.EMERGENCY, 4, DrillDepth.TERMINAL)),
        (EMERGENCY_ID, 1, 99, (AlertClass.EMERGENCY, 4, DrillDepth.TERMINAL)),
        (EMERGENCY_ID, 1, 10, (AlertClass.DAILY, 4, DrillDepth.TERMINAL)),
        (DAILY_ID, 1, 2, (AlertClass.DAILY, 2, DrillDepth.TERMINAL)),
        (EMERGENCY_ID, 3, 1, (AlertClass.SYSTEM_DRILL, 1, DrillDepth.PLATFORM)),
        (EMERGENCY_ID, 4, 2, (AlertClass.SIMULATED_DRILL, 2, DrillDepth.HEADEND)),
        (EMERGENCY_ID, 5, 3, (AlertClass.REAL_DRILL, 3, DrillDepth.TERMINAL)),
        (EMERGENCY_ID, 1, 15, (AlertClass.SYSTEM_DRILL, 4, DrillDepth.PLATFORM)),
        (EMERGENCY_ID, 1, 21, (AlertClass.SYSTEM_DRILL, 4, DrillDepth.PLATFORM)),
        (EMERGENCY_ID, 1, 22, (AlertClass.SIMULATED_DRILL, 4, DrillDepth.HEADEND)),
        (EMERGENCY_ID, 1, 23, (AlertClass.REAL_DRILL, 4, DrillDepth.TERMINAL)),
        (DAILY_ID, 3, 10, (AlertClass.SYSTEM_DRILL, 4, DrillDepth.PLATFORM)),
    ],
)
def test_classes_levels_and_depths(
    ebm_id: EbmId, msg_type: int, severity: int, expected: tuple[AlertClass, int, DrillDepth]
) -> None:
    assert classify(ebm_id, msg_type, severity) == expected


@given(st.integers(0, 9), st.integers(-5, 300))
def test_i5_whatever_is_marked_as_a_drill_never_becomes_an_emergency(msg_type: int, severity: int) -> None:
    class_, level, depth = classify(EMERGENCY_ID, msg_type, severity)
    assert 1 <= level <= 4
    if msg_type in (3, 4, 5) or severity in (15, 21, 22, 23):
        assert class_ in (AlertClass.SYSTEM_DRILL, AlertClass.SIMULATED_DRILL, AlertClass.REAL_DRILL)
    if class_ is AlertClass.SYSTEM_DRILL:
        assert depth is DrillDepth.PLATFORM


@given(st.integers(3, 5), st.sampled_from([15, 21, 22, 23]))
def test_i5_of_two_marks_of_a_drill_the_shallower_decides(msg_type: int, severity: int) -> None:
    depths = list(DrillDepth)
    marks = {15: 0, 21: 0, 22: 1, 23: 2}
    depth = classify(EMERGENCY_ID, msg_type, severity)[2]
    assert depths.index(depth) == min(msg_type - 3, marks[severity])


# ---- values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "end"), [(10, 10), (10, 9)])
def test_a_window_ends_after_its_start(start: int, end: int) -> None:
    with pytest.raises(InvalidAlert, match="give a later end"):
        Window(start, end)


@given(st.integers(0, 100), st.integers(1, 100), st.integers(0, 300))
def test_i3_a_window_holds_its_start_and_not_its_end(start: int, length: int, now_s: int) -> None:
    window = Window(start, start + length)
    assert window.is_open(start)
    assert not window.is_open(start + length)
    assert window.is_open(now_s) == (start <= now_s < start + length)


@pytest.mark.parametrize("level", [0, 5, -1])
def test_levels_are_one_to_four(level: int) -> None:
    with pytest.raises(InvalidAlert, match="not one of 1 2 3 4"):
        replace(alert(1), level=level)


def test_event_types_have_five_characters() -> None:
    with pytest.raises(InvalidAlert, match="five characters"):
        replace(alert(1), event_type="11A")


def test_a_digest_has_its_length() -> None:
    with pytest.raises(InvalidAlert, match="64"):
        Media("00", "a.mp3", 1, False)


@given(st.booleans(), st.text(max_size=5), st.lists(st.sampled_from(VILLAGES), unique=True))
def test_an_alert_survives_json(with_media: bool, text: str, areas: list[AreaCode]) -> None:
    media = Media("a" * 64, "a.mp3", 5, True) if with_media else None
    each = replace(alert(3), media=media, text=text, areas=tuple(areas), replaces=EMERGENCY_ID, peer=PROVINCE)
    assert Alert.from_json(each.to_json()) == each
