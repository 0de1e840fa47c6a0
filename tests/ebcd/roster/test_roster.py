"""The duty roster: read as people write it, laid over what was planned, told where nobody is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ebcd.alarms import AlarmKind
from ebcd.errors import ConfigError
from ebcd.facts import Fact
from ebcd.operator import Actor, OperationRefused
from ebcd.roster import Roster, Turn, parse
from ebcd.roster.desk import RosterDesk
from tests.virtual_time import VirtualClock

PEOPLE = frozenset({"chen", "li"})
CHEN = Actor("chen", "token")
NIGHT = 1_796_083_200.0  # 2026-12-01 08:00 in Beijing
HOUR = 3600.0
PLAN = """开始,结束,值班员,电话
2026-12-01 08:00,2026-12-01 20:00,chen,13800100055
2026/12/01 20:00,2026-12-02T08:00,li,+8613900200066

2026-12-02 10:00,2026-12-02 20:00,chen,
"""


def turn(begin_h: float, end_h: float, who: str = "chen") -> Turn:
    """Hours after the first morning."""
    return Turn(NIGHT + begin_h * HOUR, NIGHT + end_h * HOUR, who)


class Office:
    """A roster whose clock is set by hand, and what it journaled."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock(epoch_utc_s=NIGHT)
        self.facts: list[Fact] = []
        self.file = folder / "roster.csv"
        self.desk = RosterDesk(self.file, self.clock, lambda: PEOPLE, self.facts.append, self.durable, 24 * HOUR, 900.0)

    async def durable(self, _thing: str, _value: str) -> None:
        assert self.facts, "only what is journaled is waited for"

    def seen(self, on_duty: str = "chen") -> list[tuple[AlarmKind, str, str]]:
        return [(each.kind, each.subject, each.detail) for each in self.desk.sightings(on_duty)]


def test_a_table_is_read_in_chinese_and_in_the_ways_people_write_moments() -> None:
    turns, problems = parse(PLAN.encode("utf-8-sig"), "roster.csv", PEOPLE)
    assert problems == []
    assert [(t.begin, t.end, t.operator, t.phone) for t in turns] == [
        (NIGHT, NIGHT + 12 * HOUR, "chen", "13800100055"),
        (NIGHT + 12 * HOUR, NIGHT + 24 * HOUR, "li", "+8613900200066"),
        (NIGHT + 26 * HOUR, NIGHT + 36 * HOUR, "chen", ""),
    ]


@pytest.mark.parametrize(
    ("row", "column", "what"),
    [
        ("tomorrow,2026-12-01 20:00,chen,,", "begin", "roster_moment"),
        ("2026-12-01 20:00,2026-12-01 08:00,chen,,", "end", "roster_span"),
        ("2026-12-01 08:00,2027-12-01 08:00,chen,,", "end", "roster_span"),
        ("2026-12-01 08:00,2026-12-01 20:00,nobody,,", "operator", "roster_person"),
        ("2026-12-01 08:00,2026-12-01 20:00,chen,call me,", "phone", "roster_phone"),
        ("2026-12-01 08:00,2026-12-01 20:00,chen,,no address", "email", "roster_email"),
        ("2026-12-01 08:00", "end", "roster_moment"),
    ],
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_wrong_is_told_by_row_and_column(row: str, column: str, what: str, language: str) -> None:
    turns, problems = parse(f"begin,end,operator,phone,email\n{row}\n".encode(), "roster.csv", PEOPLE)
    assert turns == ()
    assert (problems[0].row, problems[0].where, problems[0].what) == (2, column, what)
    assert "roster.csv" in problems[0].sentence(language)


@pytest.mark.parametrize("content", [b"", b"a,b\n", b"\xff\xfe", "值班".encode("gbk"), b'begin,end,operator\n"'])
def test_what_is_no_roster_is_no_turns(content: bytes) -> None:
    assert parse(content, "roster.csv", PEOPLE)[0] == ()


def test_gaps_are_where_nobody_is_and_behind_the_last_turn() -> None:
    roster = Roster([turn(0, 12), turn(6, 24, "li"), turn(26, 36)])
    assert [(b - NIGHT, e - NIGHT) for b, e in roster.gaps(NIGHT, NIGHT + 40 * HOUR)] == [
        (24 * HOUR, 26 * HOUR),
        (36 * HOUR, float("inf")),
    ]
    assert list(roster.gaps(NIGHT, NIGHT + 23 * HOUR)) == []
    assert [b - NIGHT for b, _ in roster.gaps(NIGHT + 25 * HOUR, NIGHT + 26 * HOUR)] == [24 * HOUR], "one that is on"
    assert list(Roster().gaps(NIGHT, NIGHT + 1e9)) == [], "nobody plans"


def test_a_newer_turn_takes_its_time_from_the_older_ones() -> None:
    changed = Roster([turn(0, 12), turn(12, 24, "li")]).overlaid([turn(10, 14, "wang")])
    assert changed.turns == (turn(0, 10), turn(10, 14, "wang"), turn(14, 24, "li"))
    assert Roster([turn(0, 12)]).overlaid([turn(4, 8, "li")]).turns == (turn(0, 4), turn(4, 8, "li"), turn(8, 12))


TURNS = st.lists(
    st.tuples(st.integers(0, 48), st.integers(1, 24), st.sampled_from(["chen", "li"])).map(
        lambda t: turn(t[0], t[0] + t[1], t[2])
    ),
    max_size=6,
)


@given(TURNS, TURNS)
def test_at_every_hour_the_newer_plan_holds_where_it_says_something_and_the_older_elsewhere(
    older: list[Turn], newer: list[Turn]
) -> None:
    both = Roster(older).overlaid(newer)
    for hour in range(72):
        moment = NIGHT + (hour + 0.5) * HOUR
        said = {t.operator for t in Roster(newer).at(moment)} or {t.operator for t in Roster(older).at(moment)}
        assert {t.operator for t in both.at(moment)} == said
        if both.turns and moment >= both.turns[0].begin:
            assert any(b <= moment < e for b, e in both.gaps(moment, moment + 1)) == (not said)


@pytest.mark.requirement("R-X-11")
async def test_who_is_on_duty_is_told_and_a_gap_is_an_alarm_a_day_ahead(tmp_path: Path) -> None:
    office = Office(tmp_path)
    assert (office.seen(), office.desk.recipients()) == ([], ())
    office.file.write_text(PLAN, encoding="utf-8")
    assert [(crew.name, crew.phone) for crew in office.desk.recipients()] == [("chen", "13800100055")]
    assert office.seen() == []
    office.clock.step(HOUR)
    absent = (AlarmKind.DUTY_ABSENT, "chen", "")
    assert office.seen() == [(AlarmKind.ROSTER_GAP, "2026-12-02 08:00", "2026-12-02 10:00")]
    assert office.seen("") == [*office.seen(), absent]
    office.clock.step(24 * HOUR)
    assert office.desk.recipients() == ()


async def test_a_file_that_is_wrong_leaves_the_plan_as_it_was(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.file.write_text(PLAN, encoding="utf-8")
    before = office.desk.now().turns
    office.file.write_text(PLAN + "now,then,chen,139002000667x\n", encoding="utf-8")
    with capture_logs() as lines:
        assert office.desk.now().turns == before
    (line,) = lines
    assert (line["event"], line["problems"]) == ("roster.unusable", 3)
    assert "139002000667x" not in str(line), "a number is nobody's to read in a log"


async def test_people_change_the_plan_and_the_journal_knows_who_but_nobodys_number(tmp_path: Path) -> None:
    office = Office(tmp_path)
    assert len(await office.desk.put(PLAN, CHEN, dry_run=True)) == 3
    assert (office.desk.now().turns, office.facts) == ((), [])
    await office.desk.put(PLAN, CHEN, dry_run=False)
    swap = "begin,end,operator,phone\n2026-12-01 18:00,2026-12-01 20:00,li,13900200066\n"
    await office.desk.put(swap, CHEN, dry_run=False)
    told = [(row.operator, (row.begin - NIGHT) / HOUR, row.now) for row in office.desk.rows(2)]
    assert told[:4] == [("chen", 0, True), ("li", 10, False), ("li", 12, False), ("", 24, False)]
    assert told[4:] == [("chen", 26, False), ("", 36, False)]
    assert [(fact.kind, fact.actor) for fact in office.facts] == [("shift.rostered", "chen")] * 2
    assert "139" not in str(office.facts[-1].payload)


async def test_what_is_wrong_or_empty_changes_nothing(tmp_path: Path) -> None:
    office = Office(tmp_path)
    with pytest.raises(ConfigError):
        await office.desk.put(PLAN + "now,then,chen\n", CHEN, dry_run=False)
    with pytest.raises(OperationRefused, match="roster_empty"):
        await office.desk.put("begin,end,operator\n", CHEN, dry_run=False)
    assert not office.file.exists()
