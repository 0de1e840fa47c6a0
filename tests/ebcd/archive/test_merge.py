"""What an import would do: added, changed field by field, missing, and wrong rows put aside."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from ebcd.archive.mapping import ColumnMap, load_mapping
from ebcd.archive.merge import FieldChange, Merge, Merger
from ebcd.archive.table import Table
from ebcd.errors import ConfigError
from protocols.codes import AreaCode

COUNTY = AreaCode("341123000000")
HEADER = "kind,code,phys,name,host,port,paths,frequency_mhz,contact,pole,note"
HORN1, HORN2, HORN3 = (f"6341123100201031401040{n}" for n in (1, 2, 3))
OURS = f"""{HEADER}
adapter,63411231002010314010201,,石潭村适配器,192.0.2.12,8799,,,,,
terminal,{HORN1},204800000001,石潭村喇叭1,,,adapter;fm,,P7,0412,keep me
terminal,{HORN2},204800000002,石潭村喇叭2,,,ip,,,,
terminal,broken,,,,,,,,,people write this
"""
FILE = Path("devices.csv")


def _merge(*rows: str, ours: str = OURS, mapping: ColumnMap | None = None, remove_missing: bool = False) -> Merge:
    table = Table.parse(ours.encode(), Path("inventory.csv"))
    numbered = [(number, row.split(",")) for number, row in enumerate(rows, 1)]
    return Merger(table, FILE, mapping or ColumnMap(), COUNTY).run(numbered, remove_missing=remove_missing)


def _row(merge: Merge, code: str) -> str:
    return next(",".join(row) for row in merge.table.rows if code in row)


def _reasons(merge: Merge) -> list[str]:
    return [str(reason) for each in merge.quarantined for reason in each.reasons]


def test_changes_are_told_field_by_field_and_rows_that_are_missing_stay() -> None:
    merge = _merge("code,name,pole", f"{HORN1},石潭村口,0413", f"{HORN2},石潭村喇叭2,")
    (change,) = merge.changed
    assert (change.row, change.code, change.name) == (2, HORN1, "石潭村口")
    assert change.fields == (FieldChange("name", "石潭村喇叭1", "石潭村口"), FieldChange("pole", "0412", "0413"))
    assert [each.code for each in merge.missing] == ["63411231002010314010201", "broken"]
    assert merge.counts == {
        "added": 0, "changed": 1, "unchanged": 1, "missing": 2, "removed": 0, "quarantined": 0, "incomplete": 0
    }  # fmt: skip


def test_what_people_wrote_stays_word_for_word_where_the_import_says_nothing() -> None:
    merge = _merge("code,name", f"{HORN1},x")
    assert merge.table.content().decode() == OURS.replace("石潭村喇叭1", "x")


def test_columns_of_the_archive_are_added_to_the_file_when_they_are_needed() -> None:
    merge = _merge("code,model", f"{HORN2},LB-50")
    assert merge.table.header == [*HEADER.split(","), "model"]
    assert _row(merge, HORN2).endswith(",LB-50")
    assert {len(row) for row in merge.table.rows} == {12}


def test_an_empty_cell_changes_nothing_and_a_dash_empties() -> None:
    assert _merge("code,pole", f"{HORN1},").counts["unchanged"] == 1
    assert _merge("code,pole", f"{HORN1},-").changed[0].fields == (FieldChange("pole", "0412", ""),)


def test_a_row_without_code_is_known_by_its_physical_address() -> None:
    assert _merge("phys,pole", "204800000002,7").changed[0].code == HORN2
    assert _reasons(_merge("phys,pole", "AA,7")) == [
        "devices.csv: row 2 code has no resource code, and no device of the inventory has its physical address; "
        "write its code"
    ]


def test_a_new_device_that_is_wrong_is_put_aside_and_the_others_come_in() -> None:
    head = "kind,code,phys,name,paths"
    merge = _merge(
        head,
        f"terminal,{HORN3},204800000003,c,ip",
        "terminal,63411231002010314010404,204800000003,twice,ip",
        "terminal,63411231002010314010405,204800000001,taken,ip",
        "terminal,63419991002010314010401,,outside,ip",
        f"terminal,{HORN3},,again,ip",
    )
    assert [each.code for each in merge.added] == [HORN3]
    assert [(each.row, each.taken) for each in merge.quarantined] == [(3, False), (4, False), (5, False), (6, False)]
    told = _reasons(merge)
    assert told[0].startswith("devices.csv: row 3 phys = '204800000003' stands in row 2 already")
    assert told[1].startswith("devices.csv: row 4 phys = '204800000001' belongs to another device of the inventory")
    assert told[2].startswith("devices.csv: row 5 code = '63419991002010314010401' stands in 341999100201, outside")
    assert told[3].startswith(f"devices.csv: row 6 code = '{HORN3}' stands in row 2 already")
    assert "341999" not in merge.table.content().decode()


def test_a_known_device_keeps_what_it_had_where_the_new_row_is_wrong() -> None:
    merge = _merge("code,paths,name", f"{HORN2},pigeon,x")
    assert _row(merge, HORN2) == f"terminal,{HORN2},204800000002,石潭村喇叭2,,,ip,,,,"
    assert merge.counts["quarantined"] == 1
    assert merge.changed == []


def test_a_wrong_value_of_the_archive_is_left_out_alone() -> None:
    merge = _merge("code,installed,pole", f"{HORN2},gestern,99")
    assert [each.fields for each in merge.changed] == [(FieldChange("pole", "", "99"),)]
    assert [(each.row, each.taken) for each in merge.quarantined] == [(2, True)]


def test_the_horns_of_an_adapter_that_is_put_aside_are_put_aside_with_it() -> None:
    merge = _merge(
        "kind,code,name,host,port,paths",
        "adapter,63411231003010314010201,x,192.0.2.13,0,",
        "terminal,63411231003010314010401,y,,,adapter",
    )
    assert merge.added == []
    assert [each.row for each in merge.quarantined] == [2, 3]


def test_missing_devices_go_only_where_that_was_asked_for() -> None:
    merge = _merge("code,name", f"{HORN1},石潭村喇叭1", remove_missing=True)
    assert merge.counts["removed"] == 3
    assert [row[1] for row in merge.table.rows] == [HORN1]


@pytest.mark.parametrize(
    "row",
    [
        "terminal,6.34112310020103E+22,,石潭村喇叭2,ip",  # a spreadsheet was at work
        f"terminal,{HORN3},204800000009,new,pigeon",
        "terminal,,AA,no code,ip",
        "terminal,63411231002010314010409,,x,y,ip",  # a comma too many
    ],
)
def test_nothing_is_removed_while_a_wrong_row_may_mean_one_of_those_that_are_missing(row: str) -> None:
    merge = _merge("kind,code,phys,name,paths", row, remove_missing=True)
    assert (merge.counts["quarantined"], merge.counts["removed"], merge.kept_back) == (1, 0, True)
    assert _row(merge, HORN2)


def test_a_device_that_a_wrong_row_means_is_not_missing() -> None:
    garbled = "terminal,6.34112310020103E+22,204800000002,x,ip"
    shifted = f"terminal,{HORN1},,石潭村,喇叭1,adapter"
    merge = _merge("kind,code,phys,name,paths", garbled, shifted, remove_missing=True)
    assert [(each.row, each.taken) for each in merge.quarantined] == [(2, False), (3, False)]
    assert (merge.kept_back, [each.code for each in merge.missing]) == (False, ["63411231002010314010201", "broken"])
    assert (_row(merge, HORN1), _row(merge, HORN2)) == tuple(OURS.splitlines()[2:4])


def test_columns_that_nothing_is_taken_from_are_told() -> None:
    mapping = ColumnMap(columns={"杆": "pole", "流量": "sim_traffic_mb"})
    merge = _merge("code,杆 号,备注", f"{HORN1},9,x", mapping=mapping)
    assert (merge.unused, merge.absent) == (("杆 号", "备注"), ("杆", "流量"))


def test_a_new_device_is_shown_with_all_its_cells() -> None:
    (change,) = _merge("kind,code,name,paths,contact", f"terminal,{HORN3},c,ip,王 13800000001").added
    assert change.fields == (
        FieldChange("kind", "", "terminal"), FieldChange("paths", "", "ip"), FieldChange("contact", "", "***")
    )  # fmt: skip


def test_a_card_is_in_one_device() -> None:
    card = "89860012345678901234"
    merge = _merge("code,sim_iccid,pole", f"{HORN1},{card},1", f"{HORN2},{card},2")
    assert [(each.row, each.taken) for each in merge.quarantined] == [(3, True)]
    assert f"is the card of {HORN1} already" in _reasons(merge)[0]
    assert _row(merge, HORN2).endswith(",2,,")


def test_names_and_numbers_of_people_are_not_shown() -> None:
    merge = _merge("code,contact", f"{HORN1},张三 13800001111", f"{HORN2},李四 13800002222")
    assert [each.fields for each in merge.changed] == [
        (FieldChange("contact", "***", "***"),), (FieldChange("contact", "", "***"),)
    ]  # fmt: skip


def test_rows_of_ours_that_were_wrong_before_are_not_the_imports_business() -> None:
    merge = _merge("code,pole", f"{HORN2},1")
    assert merge.quarantined == []
    assert "people write this" in merge.table.content().decode()


def test_a_first_import_makes_the_file() -> None:
    merge = _merge("kind,code,name,paths", f"terminal,{HORN1},a,ip", ours="")
    assert merge.table.content().decode().splitlines() == [
        "kind,code,phys,name,host,port,paths,frequency_mhz", f"terminal,{HORN1},,a,,,ip,"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "sentence"),
    [("name,pole", "has neither a column code nor phys"), ("code,CODE", "has several columns for one of ours: code")],
)
def test_a_table_without_a_key_or_with_two_is_refused_as_a_whole(header: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        _merge(header, "a,b")


MAP = """
[file]
encoding = "gb18030"
header_row = 2
[columns]
"编号" = "code"
"类别" = "kind"
"流量GB" = "sim_traffic_mb"
"日期" = "installed"
[values.kind]
"喇叭" = "terminal"
[dates]
formats = ["%Y/%m/%d", "%Y年%m月%d日"]
[units]
sim_traffic_mb = 1024
[defaults]
paths = "ip"
"""


def test_foreign_words_become_ours(tmp_path: Path) -> None:
    file = tmp_path / "map.toml"
    file.write_text(MAP, encoding="utf-8")
    mapping = load_mapping(file)
    assert (mapping.encoding, mapping.units) == ("gb18030", {"sim_traffic_mb": Decimal(1024)})
    rows = ("某县设备表", "编号,类别,流量GB,日期,经办", f"{HORN3},喇叭,0.5,2026年5月31日,x")
    merge = _merge(*rows, mapping=mapping)
    assert merge.quarantined == []
    row = dict(zip(merge.table.header, merge.table.rows[-1], strict=True))
    assert {name: value for name, value in row.items() if value} == {
        "kind": "terminal", "code": HORN3, "sim_traffic_mb": "512", "installed": "2026-05-31", "paths": "ip"
    }  # fmt: skip


def test_what_cannot_be_translated_is_told_as_it_stood(tmp_path: Path) -> None:
    file = tmp_path / "map.toml"
    file.write_text(MAP.replace("header_row = 2\n", ""), encoding="utf-8")
    merge = _merge("编号,流量GB,日期", f"{HORN1},viel,morgen", mapping=load_mapping(file))
    assert [reason.split(";")[0] for reason in _reasons(merge)] == [
        "devices.csv: row 2 sim_traffic_mb = 'viel' is no number of this column",
        "devices.csv: row 2 installed = 'morgen' is no date",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[colums]\n", "colums is nothing that a mapping may hold; use file, columns, values"),
        ('[columns]\n"a" = "b"\n', "columns.a is no column that may stand here"),
        ("columns = 3\n", "columns is no table"),
        ("[values]\nkind = 3\n", "values.kind is no column"),
        ("[units]\nname = 3\n", "units.name is no column that may stand here; use frequency_mhz"),
        ("[dates]\nformats = 3\n", "dates is nothing that a mapping may hold; use formats"),
        ("[file]\nheader_row = 'x'\n", "file.header_row is nothing that a mapping may hold"),
        ("[defaults]\nnobody = 'x'\n", "defaults.nobody is no column"),
        ("[columns\n", "is not TOML"),
        (f"form = {'9' * 5_000}\n", "is not TOML"),
    ],
)
def test_a_mapping_that_is_wrong_says_where(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "map.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_mapping(file)
    assert sentence in str(error.value)
