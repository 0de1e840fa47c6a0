"""`ebcd cert request`: asked for, signed, imported, and nothing is left to ask for."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from protocols.signature import AuthorisationList, number_from_text
from protocols.sm2 import PrivateKey
from simulators.county import main as county
from tests.ebcd.cli.keyboard import typed

ROOT = number_from_text("000000000001")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A county whose inventory has the number of each adapter's and terminal's security module but one's."""
    made = tmp_path / "county"
    assert county(["--out", str(made), "--terminals", "20", "--seed", "1"]) == 0
    file = made / "inventory.csv"
    head, *rows = csv.reader(io.StringIO(file.read_text(encoding="utf-8")))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*head, "certificate"])
    for number, row in enumerate(rows):
        writer.writerow([*row, "" if row[0] == "transmitter" or number == len(rows) - 1 else f"{0x5000 + number:012X}"])
    file.write_text(text.getvalue(), encoding="utf-8")
    return made


def test_what_was_asked_for_signed_and_imported_needs_not_be_asked_for_again(folder: Path) -> None:
    config, out = ("-c", str(folder / "ebcd.toml")), folder / "request.json"
    first = typed("cert", "request", *config, "-o", str(out), "--lang", "en")
    told = json.loads(out.read_text(encoding="utf-8"))
    assert (first.exit_code, told["format"]) == (1, "ebcd-list-request-1")  # one device has no number
    assert f"{len(told['lists'])} lists are asked for" in first.stderr
    assert [each["reason"] for each in told["left_out"]] == ["no_number"]
    assert "column certificate" in first.stderr
    key = PrivateKey.from_pkcs8((folder / "sim/keys/root.pem").read_bytes())
    files = []
    for number, wanted in enumerate(told["lists"]):
        trusted = tuple(map(number_from_text, wanted["certificates"]))
        plain = AuthorisationList(number_from_text(wanted["receiver"]), wanted["serial"], trusted, ROOT)
        files.append(folder / f"signed-{number}")
        files[-1].write_bytes(plain.signed_by(key.sign).encode())
    missing = told["missing"]  # adapters' modules: of their numbers no certificate is on file yet
    assert missing == sorted(missing)
    assert typed("cert", "import", *map(str, files), *config).exit_code == 0
    again = typed("cert", "request", *config, "-o", "-", "--lang", "en")
    assert json.loads(again.stdout)["lists"] == []


def test_a_table_names_one_list_a_row_and_nothing_is_written_over(folder: Path) -> None:
    out = folder / "request.csv"
    asked = ("cert", "request", "-c", str(folder / "ebcd.toml"), "-o", str(out), "--lang", "zh")
    town = next(row["name"] for row in _rows(folder / "inventory.csv") if row["name"].endswith("镇适配器"))[:-3]
    assert typed(*asked, "--town", town).exit_code == 0
    rows = _rows(out)
    assert list(rows[0]) == ["receiver", "serial", "certificates", "code", "name", "kind", "serial_before", "before"]
    assert {row["serial"] for row in rows} == {"1"}
    before = out.read_bytes()
    assert typed(*asked).exit_code == 1
    assert out.read_bytes() == before


@pytest.mark.parametrize("wrong", [("--town", "nowhere"), ("--code", "1"), ("--certificate", "12"), ("--revoke", "x")])
def test_what_nobody_has_is_refused_by_name(folder: Path, wrong: tuple[str, str]) -> None:
    out = folder / "request.json"
    result = typed("cert", "request", "-c", str(folder / "ebcd.toml"), "-o", str(out), *wrong, "--lang", "en")
    assert (result.exit_code, wrong[1] in result.stderr, out.exists()) == (2, True, False)


def _rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
