"""Sync flags: what a platform lacks is exactly what it has not acknowledged, whatever the order of events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ebcd.operation_data import Flags, Kind
from ebcd.operation_data.flags import GONE

PEER, OTHER = "2" * 23, "3" * 23
KIND = Kind.ADAPTER_INFO


def test_a_record_is_lacking_from_its_change_to_the_receipt_for_that_very_value() -> None:
    flags = Flags([PEER])
    assert flags.see(KIND, "a", "v1", 1.0)
    assert flags.lacks(PEER, KIND) == ["a"]
    flags.see(KIND, "a", "v2", 2.0)  # while v1 is on its way
    flags.took(PEER, KIND, {"a": "v1"})
    assert flags.lacks(PEER, KIND) == ["a"]
    flags.took(PEER, KIND, {"a": "v2"})
    assert flags.lacks(PEER, KIND) == []
    assert not flags.see(KIND, "a", "v2", 3.0)


def test_each_platform_has_flags_of_its_own() -> None:
    flags = Flags([PEER, OTHER])
    flags.see(KIND, "a", "v1", 1.0)
    flags.took(PEER, KIND, {"a": "v1"})
    assert (flags.lacks(PEER, KIND), flags.lacks(OTHER, KIND)) == ([], ["a"])


def test_the_loss_of_what_was_never_told_is_no_news_and_that_of_a_told_one_is_until_it_is_taken() -> None:
    flags = Flags([PEER])
    flags.see(KIND, "a", "v1", 1.0)
    assert not flags.lose(KIND, "a", 2.0)
    assert flags.mark(PEER, KIND, "a") is None
    flags.see(KIND, "b", "v1", 1.0)
    flags.took(PEER, KIND, {"b": "v1"})
    assert flags.lose(KIND, "b", 2.0)
    assert flags.lacks(PEER, KIND) == ["b"]
    flags.took(PEER, KIND, {"b": GONE})
    assert (flags.lacks(PEER, KIND), flags.mark(PEER, KIND, "b")) == ([], None)


def test_terminals_are_never_deleted_upward_and_their_rows_go() -> None:
    flags = Flags([PEER])
    flags.see(Kind.TERMINAL_INFO, "t", "v1", 1.0)
    flags.took(PEER, Kind.TERMINAL_INFO, {"t": "v1"})
    flags.unwritten(100)
    assert not flags.lose(Kind.TERMINAL_INFO, "t", 2.0)
    assert flags.unwritten(100) == ([], [(PEER, Kind.TERMINAL_INFO, "t")])


def test_a_resource_that_returns_while_its_deletion_is_on_its_way_is_told_again() -> None:
    flags = Flags([PEER])
    flags.see(KIND, "a", "v1", 1.0)
    flags.took(PEER, KIND, {"a": "v1"})
    flags.lose(KIND, "a", 2.0)
    flags.see(KIND, "a", "v1", 3.0)
    flags.took(PEER, KIND, {"a": GONE})
    assert flags.lacks(PEER, KIND) == ["a"]


def test_rows_are_handed_out_in_portions_each_once() -> None:
    flags = Flags([PEER])
    for number in range(5):
        flags.see(KIND, str(number), "v", 1.0)
    assert [len(flags.unwritten(2)[0]) for _ in range(4)] == [2, 2, 1, 0]


STORIES = st.lists(
    st.tuples(
        st.sampled_from(["see", "lose", "took", "restart"]),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["v1", "v2"]),
        st.sampled_from([KIND, Kind.TERMINAL_INFO]),
    ),
    max_size=40,
)


@given(STORIES)
def test_whatever_happens_a_record_is_lacking_exactly_while_it_differs_and_a_restart_changes_nothing(
    story: list[tuple[str, str, str, Kind]],
) -> None:
    flags, disk = Flags([PEER]), dict[tuple[str, str, str], object]()
    truth: dict[tuple[Kind, str], str] = {}
    told: dict[tuple[Kind, str], str] = {}
    for act, code, value, kind in story:
        key = (kind, code)
        if act == "see":
            flags.see(kind, code, value, 1.0)
            truth[key] = value
        elif act == "lose":
            flags.lose(kind, code, 1.0)
            truth.pop(key, None)
            if kind is Kind.TERMINAL_INFO:
                told.pop(key, None)
        elif act == "took" and key in truth:
            flags.took(PEER, kind, {code: value})
            told[key] = value
        rows, gone = flags.unwritten(1000)
        disk.update({(row.peer, row.kind, row.code): row for row in rows})
        for row_key in gone:
            disk.pop(row_key, None)
        if act == "restart":
            flags = Flags([PEER])
            flags.restore(disk.values())  # type: ignore[arg-type]
        for each in (KIND, Kind.TERMINAL_INFO):
            lacking = {code for code in "abc" if truth.get((each, code), GONE) != told.get((each, code), GONE)}
            assert set(flags.lacks(PEER, each)) == lacking
            assert set(flags.codes(PEER, each)) == {code for of, code in truth if of is each}
