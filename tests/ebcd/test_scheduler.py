"""Who may sound where: properties over any claims."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebcd.alert import Alert, AlertClass, DrillDepth, Origin, RankRule, Window
from ebcd.scheduler import Changes, Claim, decide, next_moment
from protocols.codes import AreaCode, EbmId

RULE = RankRule(tuple(AlertClass(n) for n in (4, 3, 2, 1, 5)))
PLACES = tuple(AreaCode(f"3499011012{n:02d}") for n in range(1, 5))
NOW_S = 1_000.0


def alert(number: int, level: int = 1, start: int = 900, end: int = 1100, class_: int = 4, origin: int = 2) -> Alert:
    return Alert(
        id=EbmId(f"{origin}3400000000000101010101{20251009}{number:04d}"),
        origin=Origin.UPSTREAM,
        class_=AlertClass(class_),
        level=level,
        depth=DrillDepth.TERMINAL,
        event_type="11A01",
        window=Window(start, end),
        areas=(AreaCode("349901101000"),),
        dropped_areas=(),
        title="",
        text="",
        agency="",
        language="zho",
        media=None,
        stream_url="",
        received_at=float(number),
        author="",
    )


@st.composite
def counties(draw: st.DrawFn) -> list[Claim]:
    """Live alerts; each place is held by at most one of those whose window is open."""
    numbers = range(draw(st.integers(1, 5)))
    alerts = [
        alert(
            n,
            draw(st.integers(1, 4)),
            draw(st.sampled_from([800, 900, 1000, 1001])) if n else 800,
            draw(st.sampled_from([1002, 1100])) if n else 1000,
            draw(st.integers(1, 5)),
            draw(st.integers(1, 4)),
        )
        for n in numbers
    ]
    open_ones = [a for a in alerts if a.window.is_open(NOW_S)]
    holder = {place: draw(st.sampled_from([None, *open_ones])) for place in PLACES}
    claims = []
    for each in alerts:
        holds = frozenset(p for p in PLACES if holder[p] is each)
        places = frozenset(draw(st.sets(st.sampled_from(PLACES)))) | holds
        claims.append(Claim(each, places, holds))
    return claims


def after(claims: list[Claim], changes: Changes) -> dict[EbmId, frozenset[AreaCode]]:
    """Who holds what once the changes are made; the ended hold nothing."""
    return {
        c.alert.id: (c.holds | changes.gained.get(c.alert.id, frozenset())) - changes.lost.get(c.alert.id, frozenset())
        for c in claims
        if c.alert.id not in changes.ended
    }


@pytest.mark.requirement("R-PRI-04")
@given(counties())
def test_a_place_has_one_winner_and_is_never_left_silent(claims: list[Claim]) -> None:
    held = after(claims, decide(claims, RULE, NOW_S))
    for place in PLACES:
        holders = [e for e, places in held.items() if place in places]
        wanted = any(place in c.places and c.alert.window.is_open(NOW_S) for c in claims)
        assert len(holders) == wanted


@given(counties())
def test_i4_a_lower_or_equal_rank_never_takes_from_another(claims: list[Claim]) -> None:
    changes = decide(claims, RULE, NOW_S)
    by_id = {c.alert.id: c.alert for c in claims}
    for loser, places in changes.lost.items():
        for place in places:
            (winner,) = [e for e, gained in changes.gained.items() if place in gained]
            assert RULE.outranks(by_id[winner], by_id[loser])


@given(counties())
def test_i4_no_higher_one_is_left_waiting_under_a_lower_one(claims: list[Claim]) -> None:
    held = after(claims, decide(claims, RULE, NOW_S))
    for challenger in claims:
        if challenger.alert.window.is_open(NOW_S):
            for running in claims:
                shared = challenger.places & held.get(running.alert.id, frozenset())
                assert not (shared and RULE.outranks(challenger.alert, running.alert))


@given(counties())
def test_i3_what_is_over_or_not_yet_begun_gains_nothing(claims: list[Claim]) -> None:
    changes = decide(claims, RULE, NOW_S)
    for claim in claims:
        if not claim.alert.window.is_open(NOW_S):
            assert claim.alert.id not in changes.gained
        assert (claim.alert.id in changes.ended) == (claim.alert.window.end <= NOW_S)


@given(counties())
def test_the_order_of_asking_does_not_matter(claims: list[Claim]) -> None:
    answers = [decide(list(order), RULE, NOW_S) for order in list(permutations(claims))[:24]]
    assert all((a.gained, a.lost) == (answers[0].gained, answers[0].lost) for a in answers)


@given(counties())
def test_a_second_decision_at_the_same_moment_changes_nothing(claims: list[Claim]) -> None:
    first = decide(claims, RULE, NOW_S)
    held = after(claims, first)
    again = [Claim(c.alert, c.places, held[c.alert.id]) for c in claims if c.alert.id in held]
    assert not decide(again, RULE, NOW_S)


@pytest.mark.requirement("R-PRI-05")
@pytest.mark.clause("GD/J 084 clause 6.4")
def test_an_equal_one_waits_even_if_its_window_began_earlier() -> None:
    running, equal = alert(1, start=950), alert(2, start=900)
    claims = [Claim(running, frozenset(PLACES), frozenset(PLACES)), Claim(equal, frozenset(PLACES), frozenset())]
    assert not decide(claims, RULE, NOW_S)


@pytest.mark.requirement("R-PRI-05")
@pytest.mark.clause("GD/J 084 clause 6.4")
def test_what_was_pre_empted_regains_its_places_when_the_higher_one_ends() -> None:
    low, high = alert(1, level=4, end=1200), alert(2, level=1, end=1050)
    some = frozenset(PLACES[:2])
    taken = decide([Claim(low, frozenset(PLACES), frozenset(PLACES)), Claim(high, some, frozenset())], RULE, NOW_S)
    assert (taken.gained, taken.lost) == ({high.id: some}, {low.id: some})
    back = decide([Claim(low, frozenset(PLACES), frozenset(PLACES[2:])), Claim(high, some, some)], RULE, 1050.0)
    assert (back.gained, back.lost, back.ended) == ({low.id: some}, {}, (high.id,))


@pytest.mark.requirement("R-PRI-01", "R-PRI-03", "R-SYS-09")
def test_the_order_of_classes_is_configuration() -> None:
    daily, emergency = alert(1, level=4, class_=5), alert(2, level=1)
    claims = [Claim(daily, frozenset(PLACES), frozenset(PLACES)), Claim(emergency, frozenset(PLACES), frozenset())]
    daily_first = RankRule(tuple(AlertClass(n) for n in (5, 4, 3, 2, 1)))
    assert decide(claims, RULE, NOW_S).gained
    assert not decide(claims, daily_first, NOW_S)


@pytest.mark.requirement("R-PRI-06", "R-X-29")
@pytest.mark.clause("GD/J 084 clause 6.3", "GD/J 086 annex C")
def test_event_level_or_origin_level_decides_first_as_configured() -> None:
    village_red, nation_blue = alert(1, level=1, origin=6), alert(2, level=4, origin=1)
    assert RULE.outranks(village_red, nation_blue)
    assert RankRule(RULE.classes, origin_first=True).outranks(nation_blue, village_red)


def test_an_equal_rank_never_interrupts() -> None:
    one, other = alert(1, start=900), alert(2, start=950)
    assert not RULE.outranks(one, other)
    assert not RULE.outranks(other, one)


def test_the_next_moment_is_the_nearest_start_or_end_ahead() -> None:
    alerts = [alert(1, start=900, end=1100), alert(2, start=1010, end=1200)]
    assert next_moment(alerts, NOW_S) == 1010.0
    assert next_moment(alerts, 1100.0) == 1200.0
    assert next_moment(alerts, 1200.0) is None
