"""The signed protocol: whoever changes a letter of it breaks its seal."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from ebcd.acceptance import CHECKLIST, Finding, Protocol, Result, Verdict, seal, verify
from ebcd.acceptance.acts import AskData, AskMessageState, AtCounty, OrderBroadcast, OrderDrill, SpoilSignature
from ebcd.signing import FileSigner, TrustStore
from tests.ebcd.signing.authority import OTHER, PEER, ROOT, Authority, FixedClock

ACTS = (
    AskData("EBRPSInfo"),
    OrderBroadcast(True),
    OrderBroadcast(False),
    OrderDrill(),
    AskMessageState(),
    SpoilSignature(),
)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path)
    made.issue(OTHER)
    return made


def protocol(*verdicts: Verdict) -> Protocol:
    finding = [Finding(verdict, "nothing", {}, (1_760_000_000.123,), ("1" * 41,)) for verdict in verdicts]
    results = [
        Result(point, tuple((act, True) for act in (*ACTS, *point.acts)), each, 1_760_000_000.5, 1_760_000_060.5)
        for point, each in zip(CHECKLIST, finding, strict=False)
    ]
    return Protocol(
        True, "2" * 23, "某省", "4" * 23, "http://county/x", "0.1", 1_760_000_000.0, 1_760_000_600.0, results
    )


def signer(authority: Authority) -> FileSigner:
    return FileSigner(authority.keys[OTHER], OTHER, FixedClock())


def test_a_sealed_protocol_is_verified_with_the_certificate_of_its_judge(authority: Authority, tmp_path: Path) -> None:
    told = protocol(Verdict.PASS, Verdict.NOT_SEEN).to_json()
    found = verify(seal(told, signer(authority)), TrustStore.load(tmp_path, [ROOT]))
    assert (found.good, found.reason, found.certificate) == (True, "good", "000000000201")
    assert found.protocol == told
    assert found.signed_at == 1_760_000_000
    assert told["points"][0]["at"] == ["2025-10-09T16:53:20.123+08:00"]
    assert told["points"][0]["done"][0]["en"] == "the platform above asks for EBRPSInfo (Full)"


def test_a_changed_verdict_breaks_the_seal(authority: Authority, tmp_path: Path) -> None:
    file = seal(protocol(Verdict.FAIL).to_json(), signer(authority))
    changed = file.replace(b'"verdict": "fail"', b'"verdict": "pass"')
    assert changed != file
    assert verify(changed, TrustStore.load(tmp_path, [ROOT])).reason == "bad_signature"


def test_a_seal_of_somebody_unknown_is_named(authority: Authority, tmp_path: Path) -> None:
    file = seal(protocol(Verdict.PASS).to_json(), signer(authority))
    (tmp_path / "000000000201.cer").unlink()
    found = verify(file, TrustStore.load(tmp_path, [ROOT]))
    assert (found.reason, found.certificate) == ("unknown_certificate", "000000000201")


@pytest.mark.parametrize("certificate", [PEER])
def test_a_good_signature_under_another_number_is_none(
    authority: Authority, tmp_path: Path, certificate: bytes
) -> None:
    authority.issue(certificate)
    forged = FileSigner(authority.keys[OTHER], certificate, FixedClock())
    file = seal(protocol(Verdict.PASS).to_json(), forged)
    assert verify(file, TrustStore.load(tmp_path, [ROOT])).reason == "bad_signature"


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"[]",
        b"{}",
        b'{"protocol": {}, "signature": {"block": "AAAA"}}',
        b'{"protocol": {}, "signature": {"block": "!"}}',
        b'{"protocol": 1, "signature": 2}',
        orjson.dumps({"protocol": {"format": "another"}, "signature": {"block": "A" * 96}}),
    ],
)
def test_anything_else_is_no_protocol(file: bytes, tmp_path: Path) -> None:
    found = verify(file, TrustStore.load(tmp_path, [ROOT]))
    assert (found.good, found.reason) == (False, "format")


@pytest.mark.parametrize(
    ("verdicts", "passed"),
    [
        ((Verdict.PASS, Verdict.PASS), True),
        ((Verdict.PASS, Verdict.NOT_SEEN), True),
        ((Verdict.NOT_SEEN, Verdict.NOT_SEEN), False),
        ((Verdict.PASS, Verdict.FAIL), False),
    ],
)
def test_a_protocol_passes_where_something_was_seen_and_nothing_failed(
    verdicts: tuple[Verdict, ...], passed: bool
) -> None:
    assert protocol(*verdicts).passed is passed


def test_what_a_person_has_to_do_has_words() -> None:
    acts = [act for point in CHECKLIST for act in point.acts if isinstance(act, AtCounty)]
    assert {act.what for act in acts} == {"change_platform", "cause_fault", "add_terminal", "cut_terminal"}
