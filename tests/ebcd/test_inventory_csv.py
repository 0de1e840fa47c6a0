"""Every wrong row is named; the sound ones can be used."""

from __future__ import annotations

from pathlib import Path as FilePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.link import Path
from devices.roster import Device, DeviceKind
from ebcd.errors import ConfigError
from ebcd.inventory_csv import PROBLEMS_MAX, load, read, read_rows
from protocols.codes import AreaCode, ResourceCode

HEADER = "kind,code,phys,name,host,port,paths,frequency_mhz"
ADAPTER = "adapter,53411231000000314010201,,鹿洞镇适配器,127.0.0.1,7521,,"
TERMINAL = "terminal,63411231002010314010401,20480000000a,石潭村喇叭1,,,ip;fm,"
TRANSMITTER = "transmitter,43411230000000301010301,,发射机,127.0.0.1,7508,fm,88.40"
COUNTY = AreaCode("341123000000")


@pytest.fixture
def file(tmp_path: FilePath) -> FilePath:
    return tmp_path / "inventory.csv"


def _write(file: FilePath, *rows: str, header: str = HEADER) -> FilePath:
    file.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return file


def _problems(file: FilePath, *rows: str, header: str = HEADER) -> list[str]:
    _, problems = read(_write(file, *rows, header=header), area=COUNTY)
    return [str(problem).removeprefix(f"{file}: ") for problem in problems]


@pytest.mark.requirement("R-PLT-09", "R-SUP-04", "R-PLT-23")
def test_each_kind_of_row_becomes_its_device(file: FilePath) -> None:
    roster = load(_write(file, ADAPTER, TERMINAL, TRANSMITTER), area=COUNTY).roster
    assert roster.adapters == (
        Device(DeviceKind.ADAPTER, ResourceCode("53411231000000314010201"), "", "鹿洞镇适配器", "127.0.0.1", 7521),
    )
    (terminal,) = roster.terminals
    assert (terminal.phys, terminal.paths) == ("20480000000A", (Path.IP, Path.FM))
    assert roster.transmitters[0].frequency_khz == 88_400
    assert roster.by_phys("20480000000A") is terminal


def test_columns_may_stand_in_any_order_with_others_between(file: FilePath) -> None:
    header = "note,paths,kind,code,phys,name,host,port,frequency_mhz"
    row = "x,ip,terminal,63411231002010314010401,,a,,,"
    assert [each.paths for each in load(_write(file, row, header=header)).roster.terminals] == [(Path.IP,)]


def test_places_are_named_after_their_adapters_or_by_a_column(file: FilePath) -> None:
    inventory = load(_write(file, ADAPTER + ",", TERMINAL + ",石潭村", header=HEADER + ",place"))
    assert inventory.name_of(AreaCode("341123100000")) == "鹿洞镇"
    assert inventory.areas_named("石潭村") == (AreaCode("341123100201"),)


def test_a_byte_order_mark_and_empty_lines_do_no_harm(file: FilePath) -> None:
    file.write_text(f"\ufeff{HEADER}\r\n\r\n{TERMINAL}\r\n", encoding="utf-8")
    assert len(load(file).roster.terminals) == 1


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("x,63411231002010314010401,,a,,,ip,", "row 2 kind = 'x' is unknown; use adapter, terminal, transmitter"),
        ("terminal,6341123,,a,,,ip,", "row 2 code = '6341123' is no valid code (resource code '6341123' has 7 char"),
        ("terminal,63411231002010314010401,20480,a,,,ip,", "row 2 phys = '20480' is no physical address"),
        ("terminal,63411231002010314010401,,a,,,ip;sms,", "row 2 paths = 'ip;sms' is unknown; use ip, adapter, cell"),
        ("terminal,63411231002010314010401,,a,,,,", "row 2 paths is empty: nothing reaches this terminal"),
        ("terminal,63411231002010314010401,,a,h,0,ip,", "row 2 port = '0' is no port; use 1 to 65535"),
        (
            "terminal,63411231002010314010400,,a,,,ip,",
            "row 2 code = '63411231002010314010400' has the serial 00 in digits 22-23",
        ),
        (
            "terminal,63411231000000314010401,,a,,,ip,",
            "row 2 code = '63411231000000314010401' has level 6 (digit 1), but its area",
        ),
        ("terminal,63411231002010314010201,,a,,,ip,", "row 2 code = '63411231002010314010201' is no code of the kind"),
        ("terminal,63411241002010314010401,,a,,,ip,", "row 2 code = '63411241002010314010401' stands in 341124100201,"),
        ("terminal,63411231002010314010401,,a,,,adapter,", "row 2 paths = 'adapter' has no adapter whose area covers"),
        ("adapter,53411231000000314010201,,a,,,,", "row 2 host lacks an address: adapter rows need host and port"),
        ("transmitter,43411230000000301010301,,a,h,1,fm,8.8", "row 2 frequency_mhz = '8.8' is no FM frequency"),
        ("transmitter,43411230000000301010301,,a,h,1,fm,NaN", "row 2 frequency_mhz = 'NaN' is no FM frequency"),
        ("adapter,53411231000000314010201,,a,h,0000801234,,", "row 2 port = '0000801234' is no port"),
        ("terminal,63411231002010314010401,,a,,ip,", "row 2 has 7 cells instead of 8; check its commas and quotes"),
    ],
)
def test_a_wrong_row_is_named_with_its_number_and_the_next_step(file: FilePath, row: str, sentence: str) -> None:
    (problem,) = _problems(file, row)
    assert problem.startswith(sentence)
    assert "; " in problem


def test_a_device_that_stands_twice_is_named_with_its_first_row(file: FilePath) -> None:
    again = TERMINAL.replace("010401", "010402")
    assert [line.split(";")[0] for line in _problems(file, TERMINAL, ADAPTER, TERMINAL, again)] == [
        "row 4 code = '63411231002010314010401' stands in row 2 already",
        "row 4 phys = '20480000000A' stands in row 2 already",
        "row 5 phys = '20480000000A' stands in row 2 already",
    ]


def test_sound_rows_are_used_beside_dirty_ones(file: FilePath) -> None:
    inventory, problems = read(_write(file, ADAPTER, "terminal,1,,a,,,ip,", TERMINAL))
    assert len(inventory.roster.terminals) == 1
    assert [problem.row for problem in problems] == [3]


def test_load_refuses_a_file_with_problems_and_holds_them_all(file: FilePath) -> None:
    with pytest.raises(ConfigError) as caught:
        load(_write(file, "x", "y"))
    assert [problem.row for problem in caught.value.problems] == [2, 3]


def test_missing_columns_are_named(file: FilePath) -> None:
    assert [line.split(";")[0] for line in _problems(file, header="kind,code,name,host,port,frequency_mhz")] == [
        "row 1 phys is a column that is missing",
        "row 1 paths is a column that is missing",
    ]


def test_a_file_full_of_problems_is_cut_short(file: FilePath) -> None:
    problems = _problems(file, *["x"] * (PROBLEMS_MAX + 50))
    assert len(problems) == PROBLEMS_MAX + 1
    assert problems[-1].startswith(f"has more than {PROBLEMS_MAX} problems")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("镇".encode("gbk"), "is not UTF-8 from byte 0 on"), (None, "cannot be read (No such file")],
)
def test_a_file_that_cannot_be_read_is_a_problem(file: FilePath, content: bytes | None, sentence: str) -> None:
    if content is not None:
        file.write_bytes(content)
    _, (problem,) = read(file)
    assert str(problem).startswith(f"{file}: {sentence}")


def test_problems_of_rows_are_told_in_chinese_too(file: FilePath) -> None:
    _, (problem,) = read(_write(file, "terminal,63411231002010314010401,,a,,,,"))
    assert problem.sentence("zh").startswith(f"{file}：第 2 行 paths 没有通路；用分号连接：")


_cells = st.one_of(
    st.sampled_from(
        [
            "",
            "adapter",
            "terminal",
            "transmitter",
            "63411231002010314010401",
            "53411231000000314010201",
            "ip;fm",
            "1e999",
        ]
    ),
    st.text(max_size=12),
)


@given(rows=st.lists(st.lists(_cells, min_size=7, max_size=9), max_size=12))
def test_any_rows_give_devices_or_problems_and_never_break(rows: list[list[str]]) -> None:
    inventory, problems = read_rows([HEADER.split(","), *rows], "x.csv", area=COUNTY)
    roster = inventory.roster
    used = len(roster.adapters) + len(roster.terminals) + len(roster.transmitters)
    wrong = {problem.row for problem in problems}
    assert used + len(wrong) >= len([row for row in rows if any(row)])
    assert all(problem.sentence("zh") and problem.sentence("en") for problem in problems)


@pytest.mark.parametrize(
    ("value", "link", "id_"),
    [("", "", ""), ("p6", "p6", ""), ("p6:8001", "p6", "8001"), (":8986-00_a", "", "8986-00_a")],
)
def test_a_terminal_may_name_its_mqtt_link_and_what_its_vendor_calls_it(
    file: FilePath, value: str, link: str, id_: str
) -> None:
    rows = _write(file, f"{TERMINAL.replace('ip;fm', 'mqtt')},{value}", header=f"{HEADER},mqtt")
    (device,) = load(rows, area=COUNTY).roster.terminals
    assert (device.mqtt_link, device.mqtt_id) == (link, id_)


@pytest.mark.parametrize("value", ["p6:", "p6:a/b", "p6:+", "p6:a b", "p6:" + "x" * 65])
def test_an_id_that_no_topic_can_hold_is_told(file: FilePath, value: str) -> None:
    (problem,) = _problems(file, f"{TERMINAL},{value}", header=f"{HEADER},mqtt")
    assert "is not LINK:ID of a terminal" in problem


def test_an_id_names_one_terminal(file: FilePath) -> None:
    second = TERMINAL.replace("0401,", "0402,").replace("20480000000a", "20480000000b")
    (problem,) = _problems(file, f"{TERMINAL},p6:1", f"{second},p6:1", header=f"{HEADER},mqtt")
    assert "stands in row 2 already" in problem


def test_only_terminals_have_one(file: FilePath) -> None:
    (problem,) = _problems(file, f"{ADAPTER},p6:1", header=f"{HEADER},mqtt")
    assert "is not LINK:ID of a terminal" in problem
