"""Signature block, certificate and authorisation list (GD/J 081-2018 tables 1, 2, 6)."""

from __future__ import annotations

import base64
import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.signature import (
    UNSIGNED,
    AuthorisationList,
    Certificate,
    Scope,
    SignatureBlock,
    number_from_text,
    number_text,
    signed_bytes,
)
from protocols.sm2 import PublicKey, sign_with_nonce

ROOT = Path(__file__).parents[2]
VECTORS: dict[str, Any] = json.loads((ROOT / "tests/vectors/signature/worked_examples.json").read_text("utf-8"))
D, K = int(VECTORS["d"], 16), int(VECTORS["k"], 16)
PUBLIC = bytes.fromhex(VECTORS["public"])
KEY = PublicKey(PUBLIC)
NUMBER = bytes.fromhex("000000000201")
PEERS = ROOT / os.environ.get("EBCD_PEER_VECTORS", "../shared/vectors")

peer_vectors = pytest.mark.skipif(
    not (PEERS / "adapter/certificate.json").exists(), reason="EBCD_PEER_VECTORS names no folder with vendor vectors"
)

numbers = st.binary(min_size=6, max_size=6)
values = st.binary(min_size=64, max_size=64)


def example_sign(message: bytes) -> bytes:
    return sign_with_nonce(D, message, K)


@pytest.mark.clause("GD/J 081 clauses 5.4, 6.2.1")
def test_the_command_example_is_signed_over_command_and_time() -> None:
    example = VECTORS["command"]
    block = SignatureBlock(example["time"], NUMBER, bytes.fromhex(example["signature"]))
    message = signed_bytes(bytes.fromhex(example["command"]), block)
    assert message.hex().upper() == example["command"] + "68E77800"
    assert example_sign(message) == block.value


@pytest.mark.parametrize("name", VECTORS["frames"])
def test_signature_in_a_worked_frame_verifies(name: str) -> None:
    frame = bytes.fromhex(VECTORS["frames"][name])
    block = SignatureBlock.decode(frame[-78:-4])
    assert number_text(block.certificate) == "000000000201"
    assert KEY.verify(signed_bytes(frame[:-80], block, Scope.CMD_TIME), block.value)
    assert not KEY.verify(signed_bytes(frame[:-80], block, Scope.ALL_PRECEDING), block.value)


@pytest.mark.clause("GD/J 081 clause 6.1")
def test_the_certificate_example_is_made_again_byte_for_byte() -> None:
    made = Certificate(bytes.fromhex("000000000001"), NUMBER, 2030, 12, PUBLIC).signed_by(example_sign)
    assert made.encode().hex().upper() == VECTORS["certificate"]
    assert Certificate.decode(made.encode()) == made
    assert KEY.verify(made.signed_bytes(), made.signature)
    assert len(made.signed_bytes()) == 79


@pytest.mark.clause("GD/J 081 clause 6.5")
def test_the_list_example_is_made_again_byte_for_byte() -> None:
    made = AuthorisationList(bytes.fromhex("000000000301"), 1, (NUMBER,), bytes.fromhex("000000000001"))
    made = made.signed_by(example_sign)
    assert made.encode().hex().upper() == VECTORS["list"]
    assert AuthorisationList.decode(made.encode()) == made
    assert KEY.verify(made.signed_bytes(), made.signature)


@pytest.mark.clause("GD/J 081 clause 5.3")
@pytest.mark.parametrize(("value", "scope"), [("value_file", Scope.COMMAND), ("value_file_time", Scope.CMD_TIME)])
def test_both_profiles_of_a_signature_file_verify(value: str, scope: Scope) -> None:
    example = VECTORS["xml"]
    block = SignatureBlock.decode(base64.b64decode(example[value]))
    assert block.time == int(example["time"], 16)
    message = signed_bytes(example["file"].encode(), block, scope)
    assert KEY.verify(message, block.value)
    assert example_sign(message) == block.value


@peer_vectors
def test_a_vendors_certificate_and_list_keep_their_bytes() -> None:
    vendor = json.loads((PEERS / "adapter/certificate.json").read_text("utf-8"))
    raw = bytes.fromhex(vendor["cert_hex"])
    certificate = Certificate.decode(raw)
    assert certificate.encode() == raw
    assert (certificate.version, number_text(certificate.number), certificate.year, certificate.month) == (
        0x10,
        "00000000008D",
        2070,
        5,
    )
    assert certificate.public_key.hex().upper() == vendor["pub_x"] + vendor["pub_y"]
    assert certificate.is_reserved
    listed = AuthorisationList.decode(bytes.fromhex(vendor["auth_list_hex"]))
    assert listed.encode().hex().upper() == vendor["auth_list_hex"]
    assert listed.certificates == (certificate.number,)


@peer_vectors
def test_a_vendors_signed_frames_verify_with_the_certificate() -> None:
    vendor = json.loads((PEERS / "adapter/certificate.json").read_text("utf-8"))
    key = PublicKey(Certificate.decode(bytes.fromhex(vendor["cert_hex"])).public_key)
    frames = json.loads((PEERS / "adapter/frames.json").read_text("utf-8"))
    signed = [bytes.fromhex(frame["hex"]) for frame in frames if frame["signature_ok"]]
    assert signed
    for frame in signed:
        block = SignatureBlock.decode(frame[-78:-4])
        assert key.verify(signed_bytes(frame[:-80], block), block.value)


@given(st.integers(0, 2**32 - 1), numbers, values)
def test_blocks_come_back(time: int, number: bytes, value: bytes) -> None:
    block = SignatureBlock(time, number, value)
    assert len(block.encode()) == 74
    assert SignatureBlock.decode(block.encode()) == block


@given(
    numbers,
    numbers,
    st.integers(2000, 2255),
    st.integers(1, 12),
    values,
    values,
    st.sampled_from([0x00, 0x10]),
)
def test_certificates_come_back(
    issuer: bytes, number: bytes, year: int, month: int, key: bytes, signature: bytes, version: int
) -> None:
    certificate = Certificate(issuer, number, year, month, key, signature, version)
    assert Certificate.decode(certificate.encode()) == certificate


@given(numbers, st.integers(0, 255), st.lists(numbers, max_size=255).map(tuple), numbers, values)
def test_lists_come_back(
    receiver: bytes, serial: int, certificates: tuple[bytes, ...], signer: bytes, signature: bytes
) -> None:
    listed = AuthorisationList(receiver, serial, certificates, signer, signature)
    assert len(listed.encode()) == 78 + 6 * len(certificates)
    assert AuthorisationList.decode(listed.encode()) == listed


@given(st.one_of(st.binary(max_size=160), st.binary(min_size=143, max_size=143), st.binary(min_size=74, max_size=74)))
def test_any_bytes_are_a_structure_or_a_remote_protocol_error(data: bytes) -> None:
    for kind in (SignatureBlock, Certificate, AuthorisationList):
        with contextlib.suppress(RemoteProtocolError):
            assert kind.decode(data).encode() == data


@pytest.mark.parametrize(("version", "month"), [(0x01, 5), (0x20, 5), (0x00, 0), (0x00, 13)])
def test_an_unknown_version_or_month_is_refused(version: int, month: int) -> None:
    raw = bytearray(bytes.fromhex(VECTORS["certificate"]))
    raw[0], raw[14] = version, month
    with pytest.raises(RemoteProtocolError, match="certificate"):
        Certificate.decode(bytes(raw))


def test_a_certificate_ends_with_the_last_second_of_its_month_in_beijing() -> None:
    certificate = Certificate.decode(bytes.fromhex(VECTORS["certificate"]))  # 2030-12
    first_second_of_2031 = 1924992000 - 8 * 3600  # 2030-12-31 16:00:00 UTC
    assert certificate.valid_at(first_second_of_2031 - 1)
    assert not certificate.valid_at(first_second_of_2031)


def test_the_captured_validity_is_binary_not_bcd() -> None:
    august_2018 = Certificate(bytes(6), NUMBER, 2018, 8, PUBLIC)
    assert august_2018.encode()[13:15].hex() == "1208"


@pytest.mark.clause("GD/J 081 clause 6.5")
@pytest.mark.parametrize(
    ("old", "new", "follows"),
    [(1, 2, True), (1, 1, False), (2, 1, False), (250, 5, True), (0, 127, True), (0, 128, False)],
)
def test_a_list_follows_another_by_its_serial_modulo_256(old: int, new: int, follows: bool) -> None:
    assert AuthorisationList(bytes(6), new, (), bytes(6)).follows(old) is follows


def test_a_zero_block_is_known_as_unsigned() -> None:
    assert UNSIGNED.is_empty
    assert SignatureBlock.decode(bytes(74)) == UNSIGNED
    assert not SignatureBlock(1, bytes(6), bytes(64)).is_empty


@pytest.mark.clause("GD/J 081 annex B")
@pytest.mark.parametrize("text", ["000000000201", "0000000000000201", " 000000000201 "])
def test_numbers_are_read_as_12_or_16_hex_digits(text: str) -> None:
    assert number_from_text(text) == NUMBER


@pytest.mark.parametrize("text", ["", "201", "0001230000000001", "00000000020g", "00 00 00 00 02"])
def test_other_texts_are_no_number(text: str) -> None:
    with pytest.raises(LocalProtocolError, match="12 hex digits"):
        number_from_text(text)


def test_values_that_fit_no_field_are_our_own_mistake() -> None:
    with pytest.raises(LocalProtocolError, match="time"):
        SignatureBlock(2**32, bytes(6), bytes(64))
    with pytest.raises(LocalProtocolError, match="certificate number"):
        SignatureBlock(0, bytes(5), bytes(64))
    with pytest.raises(LocalProtocolError, match="year"):
        Certificate(bytes(6), bytes(6), 1999, 1, bytes(64))
    with pytest.raises(LocalProtocolError, match="255"):
        AuthorisationList(bytes(6), 1, (bytes(6),) * 256, bytes(6))
