"""Authorisation lists and certificate updates at a receiver (GD/J 081 6.5; signature.md 5 and 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.authorisation import Authorisation, CheckedUpdate, ListVerdict, check_update
from protocols.errors import RemoteProtocolError
from protocols.signature import AuthorisationList, Certificate, CertificateNumber
from protocols.sm2 import PrivateKey


def number(last: int) -> CertificateNumber:
    return last.to_bytes(6, "big")


ROOT, MIDDLE, DEEP, ME, OTHER, COUNTY, TOWN = map(number, (1, 2, 3, 0x301, 0x302, 0x201, 0x202))
KEYS = {each: PrivateKey.from_scalar(int.from_bytes(each, "big") + 5) for each in (ROOT, MIDDLE, DEEP, COUNTY, TOWN)}


def certificate(own: CertificateNumber, issuer: CertificateNumber = ROOT, year: int = 2040) -> Certificate:
    return Certificate(issuer, own, year, 12, KEYS[own].public.raw).signed_by(KEYS[issuer].sign)


def listed(
    serial: int, *numbers: CertificateNumber, receiver: CertificateNumber = ME, signer: CertificateNumber = ROOT
) -> AuthorisationList:
    return AuthorisationList(receiver, serial, numbers, signer).signed_by(KEYS[signer].sign)


KNOWN: Mapping[CertificateNumber, Certificate] = {ROOT: certificate(ROOT), COUNTY: certificate(COUNTY)}


def check(
    lists: tuple[AuthorisationList, ...],
    certificates: tuple[Certificate, ...] = (),
    authorisation: Authorisation | None = None,
) -> CheckedUpdate:
    return check_update(
        tuple(each.encode() for each in lists),
        tuple(each.encode() for each in certificates),
        known=dict(KNOWN),
        root=ROOT,
        authorisation=authorisation or Authorisation(ME),
    )


def test_without_a_list_everybody_with_a_certificate_is_trusted() -> None:
    assert Authorisation(ME).permits(COUNTY)


def test_exactly_the_certificates_of_the_newest_list_are_trusted() -> None:
    mine = Authorisation(ME, listed(1, COUNTY))
    assert mine.permits(COUNTY)
    assert not mine.permits(TOWN)
    assert not Authorisation(ME, listed(1)).permits(COUNTY)


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        (8, 9, ListVerdict.NEWER),
        (8, 135, ListVerdict.NEWER),  # 127 ahead
        (8, 136, ListVerdict.OLD),  # 128 ahead: as far behind
        (255, 0, ListVerdict.NEWER),
        (200, 71, ListVerdict.NEWER),  # 71 + 256 - 200 = 127
        (0, 255, ListVerdict.OLD),
        (8, 7, ListVerdict.OLD),
    ],
)
def test_a_serial_of_1_to_127_ahead_is_newer(old: int, new: int, verdict: ListVerdict) -> None:
    assert Authorisation(ME, listed(old)).judge(listed(new)) is verdict


def test_the_same_list_again_is_nothing_new_and_another_with_its_serial_a_conflict() -> None:
    first = listed(8, COUNTY)
    mine = Authorisation(ME, first)
    assert mine.judge(AuthorisationList.decode(first.encode())) is ListVerdict.SAME
    assert mine.judge(listed(8, COUNTY, TOWN)) is ListVerdict.CONFLICT
    assert mine.judge(replace(first, signature=listed(8, COUNTY).signature)) is ListVerdict.CONFLICT


@pytest.mark.parametrize("receiver", [OTHER, bytes(6), b"\xff" * 6])
def test_a_list_for_another_receiver_or_for_everybody_is_passed_over(receiver: bytes) -> None:
    assert Authorisation(ME, listed(1)).judge(listed(2, receiver=receiver)) is ListVerdict.FOREIGN
    assert check((listed(2, receiver=receiver),)).newer is None


def test_the_list_before_counts_until_the_new_one_has_verified_a_command() -> None:
    mine = Authorisation(ME, listed(1, COUNTY))
    mine.apply(listed(2, TOWN))
    assert mine.permits(COUNTY)
    assert mine.permits(TOWN)
    assert not mine.verified(COUNTY)  # under the old list: proves nothing
    assert mine.permits(COUNTY)
    assert mine.verified(TOWN)
    assert not mine.permits(COUNTY)


def test_a_list_that_verified_nothing_leaves_the_one_before_it_in_place() -> None:
    mine = Authorisation(ME, listed(1, COUNTY))
    mine.apply(listed(2, MIDDLE))  # wrong: nobody can sign under it
    mine.apply(listed(3, TOWN))
    assert mine.permits(COUNTY)
    assert not mine.permits(MIDDLE)


def test_certificates_and_the_list_that_names_them_come_in_one_update() -> None:
    update = check((listed(1, COUNTY, TOWN),), (certificate(TOWN),))
    assert update.newer == listed_again(update)
    assert [each.number for each in update.certificates] == [TOWN]


def listed_again(update: CheckedUpdate) -> AuthorisationList | None:
    return update.newer and AuthorisationList.decode(update.newer.encode())


def test_a_certificate_may_come_before_the_management_certificate_that_issued_it() -> None:
    update = check((), (certificate(TOWN, MIDDLE), certificate(MIDDLE)))
    assert {each.number for each in update.certificates} == {TOWN, MIDDLE}


@pytest.mark.parametrize(
    ("certificates", "reason"),
    [
        ((certificate(TOWN, COUNTY),), "may not issue"),
        ((certificate(TOWN, MIDDLE),), "not known"),
        ((replace(certificate(TOWN), year=2041),), "not signed by its issuer"),
        ((certificate(ROOT, ROOT, 2041),), "pinned root"),
        ((certificate(MIDDLE, MIDDLE),), "not known"),  # signed by itself
        ((certificate(MIDDLE), certificate(DEEP, MIDDLE), certificate(TOWN, DEEP)), "more than 3"),
    ],
)
def test_an_update_with_one_bad_certificate_is_refused_whole(
    certificates: tuple[Certificate, ...], reason: str
) -> None:
    with pytest.raises(RemoteProtocolError, match=reason):
        check((listed(1, COUNTY),), certificates)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (listed(2, COUNTY, signer=COUNTY), "wrong_signer"),
        (replace(listed(2, COUNTY), signer=number(9)), "unknown_signer"),
        (replace(listed(2, COUNTY), certificates=(COUNTY, TOWN)), "bad_signature"),
        (replace(listed(2, COUNTY), serial=3), "bad_signature"),
        (listed(0, COUNTY), "old"),
        (listed(1, TOWN), "conflict"),
    ],
)
def test_a_list_that_does_not_count_refuses_the_update(wrong: AuthorisationList, reason: str) -> None:
    with pytest.raises(RemoteProtocolError, match=reason):
        check((wrong,), authorisation=Authorisation(ME, listed(1, COUNTY)))


def test_of_two_newer_lists_in_one_update_the_newest_counts_in_any_order() -> None:
    one, two = listed(5, COUNTY), listed(6, TOWN)
    for lists in ((one, two), (two, one)):
        update = check(lists, authorisation=Authorisation(ME, listed(4)))
        assert update.newer is not None
        assert update.newer.serial == 6


@given(st.lists(st.integers(0, 255), max_size=20))
def test_a_receiver_never_goes_back_by_any_sequence_of_lists(serials: list[int]) -> None:
    mine = Authorisation(ME, AuthorisationList(ME, 0, (), ROOT))
    for serial in serials:
        before = mine.current
        assert before is not None
        new = AuthorisationList(ME, serial, (), ROOT)
        if mine.judge(new) is ListVerdict.NEWER:
            mine.apply(new)
            assert mine.judge(before) is ListVerdict.OLD
