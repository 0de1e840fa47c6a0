"""Signatures and keys at the edges of their ranges; both engines give the same verdict (GB/T 32918.2 clause 7.1)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols import sm2_curve
from protocols.errors import RemoteProtocolError
from protocols.sm2 import PrivateKey, PublicKey, sm3
from protocols.sm2_gmssl import GmsslFast
from protocols.sm2_libcrypto import Libcrypto

try:
    ENGINES = (Libcrypto(), GmsslFast())
    ENGINES[0].verifier(PrivateKey.from_scalar(1).public.raw)
except OSError:
    pytest.skip("libcrypto has no SM2 here: there is one engine only", allow_module_level=True)

KEY = PrivateKey.from_scalar(0x1234567)
MESSAGE = b"stop"
GOOD = KEY.sign_repeatably(MESSAGE, random.Random(3).randbytes)
R, S = GOOD[:32], GOOD[32:]
N, P = sm2_curve.N, sm2_curve.P


def number(value: int) -> bytes:
    return value.to_bytes(32, "big")


def verdicts(message: bytes, signature: bytes, key: PublicKey = KEY.public) -> set[bool]:
    """Of the key as the daemon uses it, and of both engines by themselves."""
    return {key.verify(message, signature), *(each.verifier(key.raw)(message, signature) for each in ENGINES)}


def is_valid(message: bytes, signature: bytes, key: PublicKey) -> bool:
    """The standard's own steps, with the plain arithmetic of this house: R = e + x of s·G + t·P."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    t = (r + s) % N
    if not (1 <= r < N and 1 <= s < N and t):
        return False
    e = int.from_bytes(sm3(sm3(sm2_curve.za_input(key.raw)) + message), "big")
    d = 0x1234567  # the only key that this reference knows: s·G + t·d·G
    x, _ = sm2_curve.base_multiple((s + t * d) % N)
    return (e + x) % N == r


def test_a_good_signature_is_good_for_all() -> None:
    assert verdicts(MESSAGE, GOOD) == {True}
    assert is_valid(MESSAGE, GOOD, KEY.public)


@pytest.mark.parametrize("edge", [0, N, N + 1, 2**256 - 1])
@pytest.mark.parametrize("part", ["r", "s"])
def test_zero_and_n_and_more_are_refused_by_all(edge: int, part: str) -> None:
    signature = number(edge) + S if part == "r" else R + number(edge)
    assert verdicts(MESSAGE, signature) == {False}


@pytest.mark.parametrize(
    "signature",
    [
        R + number(N - int.from_bytes(S, "big")),  # what is malleable in ECDSA
        number(N - int.from_bytes(R, "big")) + S,
        S + R,
        R + number(N - int.from_bytes(R, "big")),  # t = r + s = n
        number(1) + number(N - 1),
    ],
)
def test_a_signature_has_no_second_form(signature: bytes) -> None:
    assert verdicts(MESSAGE, signature) == {False}


@pytest.mark.parametrize("size", [0, 1, 32, 63, 65, 72, 128])
def test_another_length_is_no_signature(size: int) -> None:
    assert KEY.public.verify(MESSAGE, (GOOD * 3)[:size]) is False


GX, GY = sm2_curve.GX, sm2_curve.GY


@pytest.mark.parametrize(
    "raw",
    [
        bytes(64),
        number(GX) + number(GY ^ 1),
        number(GX + 1) + number(GY),
        number(GY) + number(GX),
        number(P) + number(GY),  # x = 0 in disguise
        number(GX) + number(P),
        number(0) + number(0),
        (number(GX) + number(GY))[:63],
        b"\x04" + number(GX) + number(GY),
        b"\x02" + number(GX),
    ],
)
def test_what_is_no_point_or_not_whole_is_no_key(raw: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="public_key"):
        PublicKey(raw)


def test_the_negative_point_is_a_key_and_another_one() -> None:
    mirrored = PublicKey(KEY.public.raw[:32] + number(P - int.from_bytes(KEY.public.raw[32:], "big")))
    assert verdicts(MESSAGE, GOOD, mirrored) == {False}


@pytest.mark.parametrize("scalar", [1, 2, N - 2])
def test_keys_at_the_edges_sign_for_both_engines(scalar: int) -> None:
    key = PrivateKey.from_scalar(scalar)
    for engine in ENGINES:
        signature = engine.signer(number(scalar), key.public.raw)(MESSAGE)
        assert verdicts(MESSAGE, signature, key.public) == {True}


@given(st.binary(max_size=300), st.integers(0, 511))
@settings(max_examples=40, deadline=None)
def test_both_engines_and_the_standards_own_steps_agree(message: bytes, bit: int) -> None:
    good = KEY.sign(message)
    changed = bytearray(good)
    changed[bit // 8] ^= 1 << bit % 8
    for signature in (good, bytes(changed)):
        assert verdicts(message, signature) == {is_valid(message, signature, KEY.public)}


@pytest.mark.parametrize("size", [0, 1, 55, 56, 63, 64, 65, 119, 128, 10_000])
def test_both_engines_make_the_same_digest(size: int) -> None:
    data = bytes(index % 251 for index in range(size))
    assert len({each.sm3(data) for each in ENGINES}) == 1
