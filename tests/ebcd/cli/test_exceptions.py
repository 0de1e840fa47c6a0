"""`ebcd cert exception`: an administrator makes one, anybody looks, the daemon's rules judge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ebcd.cli.keyboard import typed

ROOT, COUNTY, ADMINISTRATOR = "000000000001", "000000000201", "000000000301"
HORN = "63411231002010314010401"
TOML = f"""
[platform]
code = "43411230000000101010101"
name = "某县应急广播平台"
area = "341123000000"
certificate = "{COUNTY}"
key = "keys/platform.pem"
[trust]
administrators = ["{ADMINISTRATOR}"]
"""


@pytest.fixture
def county(tmp_path: Path) -> Path:
    """A configuration, a root and an administrator's certificate with its key."""
    (tmp_path / "trust").mkdir()
    (tmp_path / "exceptions").mkdir()
    (tmp_path / "ebcd.toml").write_text(TOML, encoding="utf-8")
    root = ("--key", f"{tmp_path}/root.pem", "--out", f"{tmp_path}/trust/root.cer")
    assert typed("cert", "make", "--number", ROOT, "--valid", "2060-12", *root).exit_code == 0
    issuer = ("--issuer", f"{tmp_path}/trust/root.cer", "--issuer-key", f"{tmp_path}/root.pem")
    admin = ("--number", ADMINISTRATOR, "--valid", "2060-12", "--key", f"{tmp_path}/admin.pem")
    assert typed("cert", "make", *admin, "--out", f"{tmp_path}/trust/admin.cer", *issuer).exit_code == 0
    return tmp_path


def make(county: Path, *more: str, until: str = "2026-12-01", begin: str = "2026-06-01") -> int:
    told = (
        "cert", "exception", "make", "--reason", "旧终端", "--by", "王建国", "--from", begin, "--until", until,
        "--key", f"{county}/admin.pem", "--number", ADMINISTRATOR, "--config", f"{county}/ebcd.toml", *more,
    )  # fmt: skip
    return typed(*told).exit_code


def shown(county: Path) -> tuple[int, list[dict[str, object]]]:
    found = typed("cert", "exception", "show", "--json", "--config", f"{county}/ebcd.toml")
    return found.exit_code, json.loads(found.stdout)["exceptions"]


def test_what_was_made_is_shown_with_everything_it_says(county: Path) -> None:
    out = f"{county}/exceptions/old.exception"
    assert make(county, "--terminal", HORN, "--area", "341123101", "--out", out) == 0
    status, (row,) = shown(county)
    assert status == 0
    assert (row["terminals"], row["areas"], row["by"], row["reason"], row["certificate"]) == (
        [HORN],
        ["341123101000"],
        "王建国",
        "旧终端",
        ADMINISTRATOR,
    )
    assert row["state"] in ("in_force", "expired", "not_yet")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_people_get_a_table(county: Path, language: str) -> None:
    assert make(county, "--terminal", HORN, "--out", f"{county}/exceptions/old.exception") == 0
    found = typed("cert", "exception", "show", "--lang", language, "--config", f"{county}/ebcd.toml")
    assert found.exit_code == 0
    assert "王建国" in found.stdout


def test_a_file_changed_by_hand_is_refused_and_named(county: Path) -> None:
    out = county / "exceptions/old.exception"
    assert make(county, "--terminal", HORN, "--out", str(out)) == 0
    out.write_text(out.read_text(encoding="utf-8").replace("王建国", "王建军"), encoding="utf-8")
    status, (row,) = shown(county)
    assert (status, row["state"]) == (1, "refused")
    told = typed("cert", "exception", "show", "--config", f"{county}/ebcd.toml")
    assert "old.exception" in told.stderr
    assert "was changed" in told.stderr


def test_no_exceptions_is_said(county: Path) -> None:
    assert "No exceptions" in typed("cert", "exception", "show", "--config", f"{county}/ebcd.toml").stdout


@pytest.mark.parametrize(
    "more",
    [
        ("--terminal", "123"),
        ("--area", "99"),
        ("--area", "341124"),
        (),
    ],
)
def test_what_cannot_be_meant_is_not_signed(county: Path, more: tuple[str, ...]) -> None:
    out = county / "x.exception"
    assert make(county, *more, "--out", str(out)) == 2
    assert not out.exists()


@pytest.mark.parametrize(
    ("begin", "until"), [("2026-06-01", "2028-01-01"), ("2026-06-01", "soon"), ("x", "2026-07-01")]
)
def test_an_exception_without_an_end_within_a_year_is_not_signed(county: Path, begin: str, until: str) -> None:
    assert make(county, "--terminal", HORN, "--out", f"{county}/x.exception", until=until, begin=begin) == 2
