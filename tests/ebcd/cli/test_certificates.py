"""`ebcd cert`: a chain made by hand is good for decode and for the trust store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
