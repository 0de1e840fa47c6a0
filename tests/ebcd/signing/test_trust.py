"""Certificates on file: every problem is told, none of them hides a good certificate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ebcd.catalogue import Language
from ebcd.signing import TrustStore
from protocols.signature import number_from_text, number_text
from protocols.sm2 import PrivateKey
from tests.ebcd.signing.authority import OTHER, PEER, ROOT, Authority

NOW_S = 1_760_000_000


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def told(store: TrustStore) -> list[tuple[str, str]]:
    for problem in store.problems:
        for language in Language:
            assert problem.sentence(language)
    return [(Path(problem.file).name, problem.what) for problem in store.problems]


def test_a_good_folder_gives_every_certificate_and_no_problem(authority: Authority) -> None:
    authority.issue(PEER)
    certificate = authority.issue(OTHER)
    store = TrustStore.load(authority.folder, [ROOT])
    assert told(store) == []
    assert {each.number for each in store} == {ROOT, PEER, OTHER}
    found = store.get(OTHER)
    assert found is not None
    assert found.certificate == certificate
    assert store.get(number_from_text("00000000FFFF")) is None


def test_every_bad_file_is_told_at_once_and_the_good_ones_stay(authority: Authority) -> None:
    good = authority.issue(PEER)
    authority.write("a_short", good.encode()[:-1])
    authority.write("b_long", good.encode() + b"\0")
    authority.write("c_version", b"\x77" + good.encode()[1:])
    authority.write("d_point", good.encode()[:20] + bytes(64) + good.encode()[84:])
    authority.write("e_empty", b"")
    (authority.folder / "notes.txt").write_text("no certificate, no problem")
    store = TrustStore.load(authority.folder, [ROOT])
    assert told(store) == [
        (f"{name}.cer", "trust_not_certificate") for name in ("a_short", "b_long", "c_version", "d_point", "e_empty")
    ]
    assert len(store) == 2


def test_a_changed_certificate_is_refused(authority: Authority) -> None:
    good = authority.issue(PEER)
    authority.write(number_text(PEER), replace(good, year=good.year + 1).encode())
    assert told(TrustStore.load(authority.folder, [ROOT])) == [("000000000101.cer", "trust_issuer_signature")]


@pytest.mark.clause("GD/J 081 clause 5.5")
def test_a_certificate_of_a_stranger_is_refused(authority: Authority) -> None:
    authority.issue(PEER)
    (authority.folder / "000000000001.cer").unlink()
    store = TrustStore.load(authority.folder, [ROOT])
    assert sorted(told(store)) == [
        ("000000000101.cer", "trust_issuer_unknown"),
        (authority.folder.name, "trust_root_missing"),
    ]
    assert len(store) == 0


def test_a_self_signed_certificate_counts_only_when_pinned(authority: Authority) -> None:
    number = number_from_text("000000000002")
    authority.keys[number] = PrivateKey.from_scalar(99)
    authority.issue(number, number)
    assert told(TrustStore.load(authority.folder, [ROOT])) == [("000000000002.cer", "trust_not_root")]
    assert told(TrustStore.load(authority.folder, [ROOT, number])) == []


def test_a_root_whose_own_signature_is_wrong_is_refused_with_all_below_it(authority: Authority) -> None:
    root = authority.issue(ROOT, ROOT)
    authority.issue(PEER)
    authority.write(number_text(ROOT), replace(root, year=2050).encode())
    store = TrustStore.load(authority.folder, [ROOT])
    assert {what for _, what in told(store)} == {"trust_issuer_signature"}
    assert len(store) == 0


def test_a_device_cannot_issue_certificates(authority: Authority) -> None:
    device = number_from_text("000000010001")
    authority.issue(device)
    authority.issue(OTHER, device)
    assert told(TrustStore.load(authority.folder, [ROOT])) == [("000000000201.cer", "trust_issuer_rank")]


def test_a_reserved_number_between_root_and_peer_may_issue(authority: Authority) -> None:
    middle = number_from_text("00000000008D")
    authority.issue(middle)
    authority.issue(OTHER, middle)
    assert told(TrustStore.load(authority.folder, [ROOT])) == []


def test_a_chain_that_is_too_long_is_refused(authority: Authority) -> None:
    above = ROOT
    for last in range(2, 6):
        number = bytes((0, 0, 0, 0, 0, last))
        authority.issue(number, above)
        above = number
    assert [what for _, what in told(TrustStore.load(authority.folder, [ROOT]))] == ["trust_chain"] * 2


def test_certificates_that_issue_each_other_are_refused(authority: Authority) -> None:
    one, two = (bytes((0, 0, 0, 0, 0, last)) for last in (2, 3))
    authority.keys[one], authority.keys[two] = PrivateKey.from_scalar(2), PrivateKey.from_scalar(3)
    authority.issue(one, two)
    authority.issue(two, one)
    assert [what for _, what in told(TrustStore.load(authority.folder, [ROOT]))] == ["trust_chain"] * 2


def test_of_two_certificates_with_one_number_neither_is_used(authority: Authority) -> None:
    authority.issue(PEER)
    authority.write("z_other", authority.issue(PEER, year=2041).encode())
    authority.issue(PEER)
    store = TrustStore.load(authority.folder, [ROOT])
    assert told(store) == [("z_other.cer", "trust_double")]
    assert store.get(PEER) is None


def test_the_same_certificate_twice_is_no_problem(authority: Authority) -> None:
    authority.write("copy", authority.issue(PEER).encode())
    assert told(TrustStore.load(authority.folder, [ROOT])) == []


@pytest.mark.requirement("R-X-13")
def test_an_expired_certificate_is_kept_and_warned_of(authority: Authority) -> None:
    authority.issue(PEER, year=2024)
    store = TrustStore.load(authority.folder, [ROOT])
    assert told(store) == []
    assert [each.number for each in store.expired(NOW_S)] == [PEER]
    assert "2024-12-31" in str(store.warnings(NOW_S)[0])


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    store = TrustStore.load(tmp_path / "trust", [ROOT])
    assert told(store) == [("trust", "unreadable"), ("trust", "trust_root_missing")]
