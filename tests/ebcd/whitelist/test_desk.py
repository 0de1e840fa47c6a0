"""The list that operators keep: rows as people write them, everything that is wrong at once, changes by row."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.given import Permission
from ebcd.errors import ConfigError
from ebcd.operator import OperationRefused
from ebcd.whitelist.table import ROWS_MAX, Entry, number_of, parse
from tests.ebcd.archive.behind_adapter import FRONT
from tests.ebcd.county import TOWN_A
from tests.ebcd.whitelist.office import CHEN, HEAD, LI, ZHANG, office
from tests.virtual_time import VirtualClock

AT = str(FRONT)
PLACES = {"双河镇": (str(TOWN_A),), "新村": ("341123001001", "341123002001"), AT: (AT,), str(TOWN_A): (str(TOWN_A),)}


def places(words: str) -> tuple[str, ...]:
    return PLACES.get(words, ())


def read(content: str) -> tuple[tuple[Entry, ...], list[tuple[str, str, int]]]:
    entries, problems = parse(content, "whitelist", places, places)
    return entries, [(each.where, each.what, each.row) for each in problems]


def test_chinese_and_english_columns_say_the_same() -> None:
    english, _ = read(HEAD + f"138 0000-0001,张三,双河镇,sms,双河镇;{TOWN_A}\n")
    chinese, _ = read("\ufeff姓名,号码,范围,区域,权限\n张三,13800000001,双河镇,双河镇、" + str(TOWN_A) + ",短信\n")
    assert english == chinese == ((Entry(ZHANG, "张三", str(TOWN_A), Permission.SMS, (str(TOWN_A),))),)


def test_without_a_permission_it_is_both_and_empty_lines_are_nothing() -> None:
    entries, problems = read("number,name,at\n\n13800000001,张三,双河镇\n,,\n")
    assert ([(e.permission, e.areas) for e in entries], problems) == ([(Permission.BOTH, ())], [])


def test_everything_that_is_wrong_is_told_with_its_line_and_without_names_and_numbers() -> None:
    content = HEAD + "12,张三,双河镇,both,\n13800000001,,何处,maybe,别处\n13800000001,李四,新村,sms,\n"
    entries, problems = parse(content, "whitelist", places, places)
    assert entries == ()
    assert [(each.where, each.what, each.row) for each in problems] == [
        ("number", "whitelist_number", 2),
        ("name", "whitelist_name", 3),
        ("permission", "whitelist_permission", 3),
        ("at", "whitelist_place", 3),
        ("areas", "whitelist_place", 3),
        ("at", "whitelist_places", 4),
    ]
    told = "\n".join(each.sentence(language) for each in problems for language in ("zh", "en"))
    assert "张三" not in told
    assert "13800000001" not in told


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "whitelist_columns"),
        ("number,name\n1,2\n", "whitelist_columns"),
        (HEAD + "x\n" * ROWS_MAX, "whitelist_long"),
        (HEAD + "13800000001,张三,双河镇,,\n13800000001,李四,双河镇,,\n", "whitelist_twice"),
        (HEAD + "13800000001," + "张" * 41 + ",双河镇,,\n", "whitelist_name"),
    ],
)
def test_a_table_that_cannot_be_a_list_is_refused(content: str, what: str) -> None:
    _, problems = read(content)
    assert what in [each for _, each, _ in problems]


@pytest.mark.parametrize(
    ("words", "number"),
    [("+86 138-0000-0001", "+8613800000001"), ("(0550) 1234567", "05501234567"), ("110", "110"), ("1+1", ""), ("", "")],
)
def test_what_stands_between_digits_is_left_out(words: str, number: str) -> None:
    assert number_of(words) == number


async def test_a_row_takes_the_place_of_the_one_with_its_number_and_place(clock: VirtualClock, tmp_path: Path) -> None:
    async with office(clock, tmp_path) as at:
        await at.put(f"{ZHANG},张三,{AT},both,", f"{ZHANG},张三,{TOWN_A},sms,")
        await at.put(f"{ZHANG},张三丰,{AT},phone,")
        view = await at.desk.rows(CHEN, ())
        assert {(row.at, row.name, row.permission) for row in view.rows} == {
            (AT, "张三丰", "phone"),
            (str(TOWN_A), "张三", "sms"),
        }
        plan = await at.pusher.plan()
        assert [(line.name, line.permission) for row in plan.rows for line in row.lines] == [("张三丰", "phone")]
        await at.put(f"{LI},李四,{AT},both,", replace=True)
        assert [row.number for row in (await at.desk.rows(CHEN, ())).rows] == [LI]
        assert all("13800000001" not in str(fact) for fact in at.facts("whitelist.changed"))


async def test_a_dry_run_changes_nothing_and_writes_nobody_down(clock: VirtualClock, tmp_path: Path) -> None:
    async with office(clock, tmp_path) as at:
        view = await at.desk.put(HEAD + f"{ZHANG},张三,{AT},both,\n", CHEN, replace=False, dry_run=True)
        assert [(row.person, row.number) for row in view.rows] == [("", ZHANG)]
        assert at.book.listed == {}
        assert await at.store.people([1]) == {}


async def test_an_adapter_is_not_wanted_to_hold_more_than_it_can(clock: VirtualClock, tmp_path: Path) -> None:
    async with office(clock, tmp_path, numbers_max=1) as at:
        await at.put(f"{ZHANG},张三,{AT},both,")
        with pytest.raises(OperationRefused, match="whitelist_adapter_full"):
            await at.put(f"{LI},李四,{TOWN_A},both,")
        assert await at.store.people([2]) == {}  # nobody is written down for nothing
        await at.put(f"{LI},李四,{TOWN_A},both,", replace=True)
        assert len(at.book.listed) == 1


async def test_what_is_not_there_cannot_be_removed_nor_can_nothing_be_added(
    clock: VirtualClock, tmp_path: Path
) -> None:
    async with office(clock, tmp_path) as at:
        for number, where in ((ZHANG, ""), ("", ""), (ZHANG, "别处")):
            with pytest.raises(OperationRefused, match="whitelist_unknown"):
                await at.desk.remove(number, where, CHEN)
        with pytest.raises(OperationRefused, match="whitelist_empty"):
            await at.put()
        with pytest.raises(ConfigError):
            await at.put("x,y,z,,")
