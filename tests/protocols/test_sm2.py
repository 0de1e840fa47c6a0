"""SM2 and SM3 against the standard's example, against OpenSSL's own command, and against garbage."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols import der, sm2, sm2_curve, sm2_libcrypto
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.sm2 import PrivateKey, PublicKey, implementation, sign_with_nonce, sm3
from protocols.sm2_gmssl import GmsslFast
from protocols.sm2_libcrypto import Libcrypto

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/signature/worked_examples.json").read_text("utf-8"))
D = int(VECTORS["d"], 16)
K = int(VECTORS["k"], 16)
PUBLIC = bytes.fromhex(VECTORS["public"])
MESSAGE = bytes.fromhex(VECTORS["standard"]["message"])
SIGNATURE = bytes.fromhex(VECTORS["standard"]["signature"])

openssl_command = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not installed")


@pytest.mark.clause("GB/T 32905 clause 5, annex A", "GD/J 081 clause 5.1")
def test_sm3_of_the_standards_two_examples() -> None:
    assert sm3(b"abc").hex().upper() == "66C7F0F462EEEDD9D1F2D46BDC10E4E24167C4875CF2F7A2297DA02B8F4BA8E0"
    assert sm3(b"abcd" * 16).hex().upper() == "DEBE9FF92275B8A138604889C18E5A4D6FDB70E5387E5765293DCBA39C0C5732"


def test_public_key_of_the_example() -> None:
    assert PrivateKey.from_scalar(D).public.raw == PUBLIC


@pytest.mark.clause("GB/T 32918 clause 5.5")
def test_za_of_the_example() -> None:
    assert sm3(sm2_curve.za_input(PUBLIC)).hex().upper() == VECTORS["za"]


@pytest.mark.requirement("R-SEC-01")
@pytest.mark.clause("GB/T 32918 clause 6.1, annex A", "GD/J 081 clause 5.1")
def test_signature_of_the_example_with_its_nonce() -> None:
    assert sign_with_nonce(D, MESSAGE, K) == SIGNATURE


@pytest.mark.clause("GB/T 32918 clause 7.1")
def test_signature_of_the_example_verifies() -> None:
    assert PublicKey(PUBLIC).verify(MESSAGE, SIGNATURE)


def test_one_wrong_bit_anywhere_is_refused() -> None:
    key = PublicKey(PUBLIC)
    for at in range(0, 512, 17):
        wrong = bytearray(SIGNATURE)
        wrong[at // 8] ^= 1 << at % 8
        assert not key.verify(MESSAGE, bytes(wrong))
    assert not key.verify(MESSAGE + b" ", SIGNATURE)


@given(st.binary(max_size=400))
def test_what_was_signed_verifies_and_nothing_else(message: bytes) -> None:
    key = PrivateKey.from_scalar(D)
    signature = key.sign(message)
    assert len(signature) == 64
    assert key.public.verify(message, signature)
    assert not key.public.verify(message + b"\0", signature)


@given(st.one_of(st.binary(max_size=80), st.binary(min_size=64, max_size=64)))
def test_a_garbage_signature_is_false_and_nothing_is_raised(signature: bytes) -> None:
    assert PublicKey(PUBLIC).verify(MESSAGE, signature) is False


@pytest.mark.parametrize("value", [0, sm2_curve.N, 2**256 - 1])
def test_numbers_out_of_range_are_false(value: int) -> None:
    part = value.to_bytes(32, "big")
    key = PublicKey(PUBLIC)
    assert not key.verify(MESSAGE, part + SIGNATURE[32:])
    assert not key.verify(MESSAGE, SIGNATURE[:32] + part)


@pytest.mark.parametrize("raw", [b"", PUBLIC[:-1], b"\x04" + PUBLIC, bytes(64), b"\xff" * 64, PUBLIC[::-1]])
def test_what_is_no_point_of_the_curve_is_no_key(raw: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="public_key"):
        PublicKey(raw)


@pytest.mark.parametrize("scalar", [0, -1, sm2_curve.N - 1, sm2_curve.N, 2**256])
def test_private_numbers_out_of_range_are_refused(scalar: int) -> None:
    with pytest.raises(LocalProtocolError, match="between 1 and n-2"):
        PrivateKey.from_scalar(scalar)


def test_keys_are_equal_by_their_bytes() -> None:
    assert PublicKey(PUBLIC) == PrivateKey.from_scalar(D).public
    assert len({PublicKey(PUBLIC), PublicKey(PUBLIC)}) == 1


def test_a_seeded_source_gives_the_same_key_and_the_same_signature() -> None:
    one, two = (PrivateKey.generate(random.Random(7).randbytes) for _ in range(2))
    assert one.public == two.public
    signatures = [key.sign_repeatably(b"x", random.Random(9).randbytes) for key in (one, two)]
    assert signatures[0] == signatures[1]
    assert one.public.verify(b"x", signatures[0])


def test_a_broken_source_of_chance_is_told() -> None:
    with pytest.raises(LocalProtocolError, match="entropy"):
        PrivateKey.generate(bytes)


def test_the_key_number_is_not_shown() -> None:
    key = PrivateKey.from_scalar(D)
    assert VECTORS["d"].lower() not in repr(key).lower()


@given(st.integers(1, sm2_curve.N - 1), st.integers(1, sm2_curve.N - 1))
def test_points_add_like_their_numbers(a: int, b: int) -> None:
    if (a + b) % sm2_curve.N == 0:
        return
    x, y = sm2_curve.base_multiple((a + b) % sm2_curve.N)
    assert sm2_curve.is_on_curve(x, y)
    left, right = (*sm2_curve.base_multiple(a), 1), (*sm2_curve.base_multiple(b), 1)
    jx, jy, jz = sm2_curve._add(left, right)
    inverse = pow(jz, -1, sm2_curve.P)
    assert (jx * inverse**2 % sm2_curve.P, jy * inverse**3 % sm2_curve.P) == (x, y)


@given(st.binary(min_size=64, max_size=64))
def test_der_form_of_a_signature_comes_back(raw: bytes) -> None:
    assert der.raw_signature(der.signature(raw)) == raw


@pytest.mark.parametrize("passphrase", [None, b"geheim", "口令".encode()])
def test_keys_survive_pkcs8(passphrase: bytes | None) -> None:
    key = PrivateKey.from_scalar(D)
    pem = key.to_pkcs8(passphrase)
    assert (b"ENCRYPTED" in pem) == (passphrase is not None)
    assert PrivateKey.from_pkcs8(pem, passphrase).public == key.public


def test_a_wrong_or_missing_passphrase_is_told_without_asking_the_terminal() -> None:
    pem = PrivateKey.from_scalar(D).to_pkcs8(b"right")
    for wrong in (b"wrong", b"", None):
        with pytest.raises(RemoteProtocolError, match="passphrase"):
            PrivateKey.from_pkcs8(pem, wrong)


@given(st.binary(max_size=200))
@settings(max_examples=30)
def test_any_bytes_are_a_key_file_or_a_remote_protocol_error(data: bytes) -> None:
    for pem in (data, b"-----BEGIN PRIVATE KEY-----\n" + data + b"\n-----END PRIVATE KEY-----\n"):
        with pytest.raises(RemoteProtocolError):
            PrivateKey.from_pkcs8(pem)


def test_many_threads_share_one_key() -> None:
    key = PrivateKey.from_scalar(D)

    def work(number: int) -> bool:
        message = number.to_bytes(4, "big")
        signature = key.sign(message)
        return key.public.verify(message, signature) and not key.public.verify(b"other", signature)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(100)))


def test_the_engine_names_itself() -> None:
    assert implementation().startswith(("libcrypto", "gmssl-fast"))


@pytest.mark.parametrize("name", ["libc.so.6", "libno_such_library.so.3"])
def test_a_library_that_is_no_openssl_3_is_refused(name: str) -> None:
    with pytest.raises(OSError, match="lib"):
        Libcrypto(name)


def test_without_sm2_in_libcrypto_the_spare_engine_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Libcrypto:
        raise OSError("built without SM2")

    monkeypatch.setattr(sm2_libcrypto, "Libcrypto", missing)
    assert sm2._engine.__wrapped__().name.startswith("gmssl-fast")


def test_the_spare_engine_agrees(capfd: pytest.CaptureFixture[str]) -> None:
    spare, key = GmsslFast(), PrivateKey.from_scalar(D)
    assert spare.sm3(b"abc") == sm3(b"abc")
    assert spare.verifier(PUBLIC)(MESSAGE, SIGNATURE)
    assert not spare.verifier(PUBLIC)(MESSAGE + b"!", SIGNATURE)
    assert key.public.verify(MESSAGE, spare.signer(D.to_bytes(32, "big"), PUBLIC)(MESSAGE))
    assert spare.read_pkcs8(key.to_pkcs8(), None) == D
    with pytest.raises(RemoteProtocolError, match="encrypted"):
        spare.read_pkcs8(key.to_pkcs8(b"x"), b"x")
    capfd.readouterr()  # the library writes its own complaints to stderr


@pytest.mark.real
@openssl_command
def test_openssl_accepts_our_signature(tmp_path: Path) -> None:
    key = PrivateKey.generate(os.urandom)
    (tmp_path / "key.pem").write_bytes(key.to_pkcs8(b"pass"))
    (tmp_path / "message").write_bytes(MESSAGE)
    (tmp_path / "signature").write_bytes(der.signature(key.sign(MESSAGE)))
    ask = "openssl pkeyutl -verify -inkey key.pem -passin pass:pass -in message -sigfile signature -rawin -digest sm3"
    told = subprocess.run(
        [*ask.split(), "-pkeyopt", "distid:1234567812345678"],
        cwd=tmp_path,
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert b"Verified Successfully" in told.stdout, told.stderr


@pytest.mark.real
@openssl_command
def test_we_accept_a_signature_by_openssl_with_its_own_key(tmp_path: Path) -> None:
    def run(command: str) -> None:
        subprocess.run(command.split(), cwd=tmp_path, capture_output=True, timeout=20, check=True)

    (tmp_path / "message").write_bytes(MESSAGE)
    run("openssl genpkey -algorithm SM2 -out key.pem")
    run("openssl pkeyutl -sign -inkey key.pem -in message -out s -rawin -digest sm3 -pkeyopt distid:1234567812345678")
    key = PrivateKey.from_pkcs8((tmp_path / "key.pem").read_bytes())
    assert key.public.verify(MESSAGE, der.raw_signature((tmp_path / "s").read_bytes()))


@pytest.mark.real
@openssl_command
def test_a_key_on_another_curve_is_refused_by_name(tmp_path: Path) -> None:
    make = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem"
    subprocess.run(make.split(), cwd=tmp_path, capture_output=True, timeout=20, check=True)
    with pytest.raises(RemoteProtocolError, match="not on the SM2 curve"):
        PrivateKey.from_pkcs8((tmp_path / "key.pem").read_bytes())
