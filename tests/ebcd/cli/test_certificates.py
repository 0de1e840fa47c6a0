"""`ebcd cert`: a chain made by hand is good for decode and for the trust store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import Result

from protocols.signature import Certificate
from protocols.sm2 import PrivateKey
from tests.ebcd.cli.keyboard import typed

ROOT, COUNTY = "000000000001", "000000000201"


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    """A root and a county's certificate with their keys."""
    root = ("--number", ROOT, "--valid", "2040-12", "--key", f"{tmp_path}/root.pem", "--out", f"{tmp_path}/root.cer")
    assert typed("cert", "make", *root).exit_code == 0
    county = ("--number", COUNTY, "--valid", "2030-12", "--key", f"{tmp_path}/county.pem", "-o", f"{tmp_path}/c.cer")
    issuer = ("--issuer", f"{tmp_path}/root.cer", "--issuer-key", f"{tmp_path}/root.pem")
    made = typed("cert", "make", *county, *issuer, EBCD_KEY_PASSPHRASE="quiet")
    assert made.exit_code == 0, made.stderr
    return tmp_path


def test_a_certificate_is_signed_by_its_issuer_and_holds_its_keys_public_half(trust: Path) -> None:
    root = Certificate.decode((trust / "root.cer").read_bytes())
    county = Certificate.decode((trust / "c.cer").read_bytes())
    key = PrivateKey.from_pkcs8((trust / "county.pem").read_bytes(), b"quiet")
    assert (county.issuer, county.year, county.month) == (root.number, 2030, 12)
    assert key.public.raw == county.public_key


def test_a_private_key_is_for_its_owner_only_and_never_overwritten(trust: Path) -> None:
    assert (trust / "root.pem").stat().st_mode & 0o077 == 0
    before = (trust / "root.pem").read_bytes()
    again = ("--number", ROOT, "--valid", "2041-01", "--key", f"{trust}/root.pem", "--out", f"{trust}/next.cer")
    assert typed("cert", "make", *again).exit_code == 0
    assert (trust / "root.pem").read_bytes() == before


@pytest.mark.parametrize("out", ["root.pem", "new.pem"])
def test_what_a_certificate_would_be_written_over_stays_and_no_key_is_made(trust: Path, out: str) -> None:
    before = (trust / "root.pem").read_bytes()
    wanted = ("--number", COUNTY, "--valid", "2030-12", "--key", f"{trust}/new.pem", "-o", f"{trust}/{out}")
    result = typed("cert", "make", *wanted)
    assert (result.exit_code != 0, "was not overwritten" in result.stderr) == (True, True)
    assert ((trust / "root.pem").read_bytes(), (trust / "new.pem").exists()) == (before, False)


def test_a_chain_is_shown_with_its_verdicts(trust: Path) -> None:
    shown = typed("cert", "show", "--json", "--cert", f"{trust}/root.cer", f"{trust}/root.cer", f"{trust}/c.cer")
    assert [json.loads(line)["signature"] for line in shown.stdout.splitlines()] == ["ok", "ok"]
    assert shown.exit_code == 0


def test_a_trust_folder_is_listed_with_its_problems(trust: Path) -> None:
    good = typed("cert", "list", str(trust), "--root", ROOT, "--json")
    told = json.loads(good.stdout)
    assert [each["number"] for each in told["certificates"]] == [ROOT, COUNTY]
    assert (good.exit_code, told["problems"]) == (0, [])
    (trust / "torn.cer").write_bytes(b"\x00")
    torn = typed("cert", "list", str(trust), "--root", ROOT)
    assert torn.exit_code == 1
    assert COUNTY in torn.stdout
    assert "torn.cer" in torn.stderr


def test_a_device_gets_a_certificate_for_its_public_key_alone(trust: Path) -> None:
    public = PrivateKey.from_scalar(7).public.raw.hex()
    issuer = ("--issuer", f"{trust}/root.cer", "--issuer-key", f"{trust}/root.pem")
    wanted = ("--number", "000000000301", "--valid", "2030-12", "--public", public, "--out", f"{trust}/d.cer")
    assert typed("cert", "make", *wanted, *issuer).exit_code == 0
    assert Certificate.decode((trust / "d.cer").read_bytes()).public_key.hex() == public


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--number", "12", "--valid", "2030-12", "--key", "k"), "12 hex digits"),
        (("--number", ROOT, "--valid", "2030-13", "--key", "k"), "YYYY-MM"),
        (("--number", ROOT, "--valid", "9999-12", "--key", "k"), "9999"),
        (("--number", ROOT, "--valid", "2030-12"), "--key or --public"),
        (("--number", ROOT, "--valid", "2030-12", "--public", "00"), "public key"),
        (("--number", ROOT, "--valid", "2030-12", "--key", "k", "--issuer", "x"), "together"),
    ],
)
def test_a_wrong_order_is_named_and_leaves_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = typed("cert", "make", *arguments, "--out", "x.cer")
    assert result.exit_code == 2
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_another_key_than_the_issuers_is_refused(trust: Path) -> None:
    issuer = ("--issuer", f"{trust}/root.cer", "--issuer-key", f"{trust}/county.pem")
    wanted = ("--number", "000000000302", "--valid", "2030-12", "--key", f"{trust}/new.pem", "--out", f"{trust}/n.cer")
    result = typed("cert", "make", *wanted, *issuer, EBCD_ISSUER_PASSPHRASE="quiet")
    assert result.exit_code == 2
    assert "not the private key" in result.stderr
    assert not (trust / "new.pem").exists()


def authorise(trust: Path, serial: int, *numbers: str, receiver: str = COUNTY, key: str = "root") -> Path:
    """A list of the root, in a file outside the folder."""
    out = trust.parent / f"list-{serial}-{len(numbers)}.bin"
    trusted = [part for number in numbers for part in ("--trust", number)]
    signer = ("--issuer", f"{trust}/root.cer", "--issuer-key", f"{trust}/{key}.pem")
    made = typed(
        "cert", "authorise", "--receiver", receiver, "--serial", str(serial), *trusted, *signer, "--out", str(out)
    )
    assert made.exit_code == 0, made.stderr
    return out


def listed(trust: Path) -> dict[str, Any]:
    told = typed("cert", "list", str(trust), "--root", ROOT, "--receiver", COUNTY, "--json")
    return cast(dict[str, Any], json.loads(told.stdout))


def bring(trust: Path, *files: Path) -> Result:
    return typed(
        "cert", "import", *map(str, files), "--into", str(trust), "--root", ROOT, "--receiver", COUNTY, "--json"
    )


@pytest.fixture
def province(trust: Path) -> Path:
    """Two certificates that the county may trust, on file."""
    for number in ("000000000101", "000000000102"):
        own = ("--number", number, "--valid", "2040-12", "--key", f"{trust}/{number}.pem")
        issuer = ("--issuer", f"{trust}/root.cer", "--issuer-key", f"{trust}/root.pem")
        assert typed("cert", "make", *own, *issuer, "--out", f"{trust}/{number}.cer").exit_code == 0
    return trust


def test_a_list_is_made_shown_and_judged(province: Path) -> None:
    made = authorise(province, 1, "000000000101")
    shown = typed("cert", "show", "--json", "--cert", f"{province}/root.cer", str(made))
    told = json.loads(shown.stdout)
    assert (told["protocol"], told["signature"], shown.exit_code) == ("authorisation-list", "ok", 0)
    assert told["fields"]["cert_sns"] == ["000000000101"]


def test_a_newer_list_that_leaves_a_number_out_revokes_it(province: Path) -> None:
    assert bring(province, authorise(province, 1, "000000000101", "000000000102")).exit_code == 0
    assert {each["number"]: each["listed"] for each in listed(province)["certificates"]}["000000000102"]
    second = bring(province, authorise(province, 2, "000000000101"))
    assert json.loads(second.stdout) == {"imported": [f"{COUNTY}-002.lst"], "removed": []}
    assert [each["standing"] for each in listed(province)["lists"]] == ["before", "in_force"]
    third = bring(province, authorise(province, 3, "000000000101"))
    assert json.loads(third.stdout)["removed"] == [f"{COUNTY}-001.lst"]
    assert not {each["number"]: each["listed"] for each in listed(province)["certificates"]}["000000000102"]
    table = typed("cert", "list", str(province), "--root", ROOT, "--receiver", COUNTY)
    assert "revoked" in table.stdout
    assert "in force" in table.stdout


@pytest.mark.parametrize("serial", [5, 4, 133, 255])
def test_a_list_that_is_not_newer_changes_nothing(province: Path, serial: int) -> None:
    assert bring(province, authorise(province, 5, "000000000101")).exit_code == 0
    before = sorted(each.name for each in province.iterdir())
    refused = bring(province, authorise(province, serial, "000000000101", "000000000102"))
    assert refused.exit_code == 1
    assert f"list {serial} is not newer" in refused.stderr
    assert sorted(each.name for each in province.iterdir()) == before


def test_the_same_list_again_is_no_fault(province: Path) -> None:
    made = authorise(province, 5, "000000000101")
    assert [bring(province, made).exit_code for _ in range(2)] == [0, 0]


def test_one_bad_file_keeps_all_of_them_out(province: Path) -> None:
    good = authorise(province, 1, "000000000101")
    forged = bytearray(authorise(province, 2, "000000000102").read_bytes())
    forged[6] = 3
    (province.parent / "forged").write_bytes(forged)
    refused = bring(province, good, province.parent / "forged")
    assert refused.exit_code == 1
    assert "does not carry the signature" in refused.stderr
    assert not list(province.glob("*.lst"))


def test_neither_a_certificate_nor_a_list_is_named(province: Path) -> None:
    (province.parent / "stray").write_bytes(b"x" * 79)
    refused = bring(province, province.parent / "stray")
    assert refused.exit_code == 2
    assert "neither" in refused.stderr


def test_a_list_signed_with_another_key_than_its_issuers_is_not_made(province: Path) -> None:
    signer = ("--issuer", f"{province}/root.cer", "--issuer-key", f"{province}/000000000101.pem")
    made = typed("cert", "authorise", "--receiver", COUNTY, "--serial", "1", *signer, "--out", f"{province}/x.lst")
    assert made.exit_code == 2
    assert not (province / "x.lst").exists()
