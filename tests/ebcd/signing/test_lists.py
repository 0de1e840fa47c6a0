"""Authorisation lists on file: who is trusted, what is told, what a restart remembers."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from ebcd.catalogue import Language
from ebcd.signing import Policy, Refusal, SignatureVerifier, TrustStore
from protocols.signature import CertificateNumber, SignatureBlock, number_from_text
from tests.ebcd.signing.authority import OTHER, PEER, ROOT, Authority

NOW = 1_760_000_000
ME = number_from_text("000000000301")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path)
    made.issue(PEER)
    made.issue(OTHER)
    return made


def load(authority: Authority, proven: int | None = None) -> TrustStore:
    return TrustStore.load(authority.folder, [ROOT], ME, proven)


def standings(store: TrustStore) -> dict[str, str]:
    return {Path(each.file).stem: str(each.standing) for each in store.lists}


def told(store: TrustStore) -> list[tuple[str, str]]:
    for problem in store.problems:
        for language in Language:
            assert problem.sentence(language)
    return [(Path(problem.file).name, problem.what) for problem in store.problems]


def judge(authority: Authority, store: TrustStore, signer: CertificateNumber) -> Refusal | None:
    verifier = SignatureVerifier(store, Policy(), CollectorRegistry())
    message = b"command"
    value = authority.keys[signer].sign(message + NOW.to_bytes(4, "big"))
    return verifier.verify(message, SignatureBlock(NOW, signer, value), NOW).refusal


def test_without_a_list_the_folder_is_the_list(authority: Authority) -> None:
    authority.list_for(OTHER, 1, PEER)  # for another receiver
    store = load(authority)
    assert standings(store) == {"000000000201-001": "foreign"}
    assert judge(authority, store, OTHER) is None
    assert told(store) == []


def test_a_certificate_that_the_newest_list_leaves_out_is_revoked(authority: Authority) -> None:
    authority.list_for(ME, 1, PEER)
    store = load(authority)
    assert judge(authority, store, PEER) is None
    assert judge(authority, store, OTHER) is Refusal.NOT_LISTED


def test_the_newest_list_is_found_by_its_serial_across_the_wrap(authority: Authority) -> None:
    for serial in (253, 254, 2):
        authority.list_for(ME, serial, PEER if serial == 2 else OTHER)
    store = load(authority, proven=2)
    assert standings(store) == {
        "000000000301-002": "in_force",
        "000000000301-253": "old",
        "000000000301-254": "old",
    }
    assert judge(authority, store, OTHER) is Refusal.NOT_LISTED


def test_the_list_before_counts_until_the_new_one_has_verified_something(authority: Authority) -> None:
    authority.list_for(ME, 1, OTHER)
    authority.list_for(ME, 2, PEER)
    store = load(authority)
    assert standings(store) == {"000000000301-001": "before", "000000000301-002": "in_force"}
    assert judge(authority, store, OTHER) is None
    assert store.proven_serial is None
    assert judge(authority, store, PEER) is None
    assert store.proven_serial == 2
    assert judge(authority, store, OTHER) is Refusal.NOT_LISTED
    assert judge(authority, load(authority, store.proven_serial), OTHER) is Refusal.NOT_LISTED


def test_a_forged_command_proves_no_list(authority: Authority) -> None:
    authority.list_for(ME, 1, OTHER)
    authority.list_for(ME, 2, PEER)
    store = load(authority)
    verifier = SignatureVerifier(store, Policy(), CollectorRegistry())
    assert verifier.verify(b"x", SignatureBlock(NOW, PEER, bytes(64)), NOW).refusal is Refusal.BAD_SIGNATURE
    assert store.permits(OTHER)


def test_every_bad_list_is_told_and_counts_for_nothing(authority: Authority) -> None:
    authority.list_for(ME, 1, PEER)
    good = authority.list_for(ME, 2, OTHER)
    files = {
        "a_changed": good.encode()[:6] + b"\x03" + good.encode()[7:],
        "b_torn": good.encode()[:-1],
        "c_empty": b"",
    }
    for name, data in files.items():
        (authority.folder / f"{name}.lst").write_bytes(data)
    authority.list_for(ME, 4, OTHER, signer=PEER, name="d_device")
    (authority.folder / "000000000301-002.lst").unlink()
    store = load(authority)
    assert told(store) == [
        ("a_changed.lst", "trust_list_bad_signature"),
        ("b_torn.lst", "trust_not_list"),
        ("c_empty.lst", "trust_not_list"),
        ("d_device.lst", "trust_list_wrong_signer"),
    ]
    assert judge(authority, store, PEER) is None
    assert judge(authority, store, OTHER) is Refusal.NOT_LISTED


def test_of_two_lists_with_one_serial_the_first_counts_and_the_second_is_told(authority: Authority) -> None:
    authority.list_for(ME, 1, PEER, name="a")
    authority.list_for(ME, 1, PEER, OTHER, name="b")
    store = load(authority)
    assert told(store) == [("b.lst", "trust_list_conflict")]
    assert standings(store) == {"a": "in_force", "b": "conflict"}
    assert not store.permits(OTHER)


def test_a_list_signed_by_a_stranger_counts_for_nothing(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other", keys={}, chance=random.Random(99))
    forged = stranger.list_for(ME, 9, OTHER)
    (authority.folder / "forged.lst").write_bytes(forged.encode())
    store = load(authority)
    assert told(store) == [("forged.lst", "trust_list_bad_signature")]
    assert store.permits(PEER)
