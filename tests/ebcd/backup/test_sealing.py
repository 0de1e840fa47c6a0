"""The seal: opened by its passphrase alone, and any change anywhere is noticed."""

from __future__ import annotations

import hashlib
import io
import random

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from ebcd.backup import sealing
from ebcd.backup.errors import BackupError
from ebcd.backup.sealing import HEADER_BYTES, Opener, Sealer

PASSPHRASE = b"correct horse battery staple"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pieces and a cheap key, so that a test sees many of both."""
    monkeypatch.setattr(sealing, "PIECE_BYTES", 64)
    monkeypatch.setattr(sealing, "COST_LOG2", 4)


def sealed(plain: bytes, passphrase: bytes = PASSPHRASE, step: int = 50) -> bytes:
    """Sealed in writes of `step` bytes."""
    sink = io.BytesIO()
    with Sealer(sink, passphrase, random.Random(7).randbytes) as sealer:
        for at in range(0, len(plain), step):
            sealer.write(plain[at : at + step])
    return sink.getvalue()


def opened(data: bytes, passphrase: bytes = PASSPHRASE) -> bytes:
    """To the end."""
    return Opener(io.BytesIO(data), passphrase, "f").readall() or b""


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 127, 128, 129, 1000])
@pytest.mark.parametrize("step", [1, 64, 1000])
def test_what_was_sealed_is_opened(size: int, step: int) -> None:
    plain = random.Random(size).randbytes(size)
    assert opened(sealed(plain, step=step)) == plain


def test_the_format_is_what_the_head_of_the_file_says() -> None:
    """Opened here with the primitives alone: header, check, two whole pieces and the rest."""
    plain = bytes(range(150))
    data = sealed(plain)
    header = data[:HEADER_BYTES]
    assert header[:11] == b"EBCDSEAL\x04\x08\x01"
    key = AESGCM(hashlib.scrypt(PASSPHRASE, salt=header[11:27], n=16, r=8, p=1, dklen=32))
    nonce = header[27:34]
    rest = data[HEADER_BYTES:]
    assert key.decrypt(nonce + bytes(4) + b"\x02", rest[:16], header) == b""
    pieces = [rest[16:96], rest[96:176], rest[176:]]
    found = [
        key.decrypt(nonce + number.to_bytes(4, "big") + bytes((number == 2,)), piece, header)
        for number, piece in enumerate(pieces)
    ]
    assert b"".join(found) == plain


def test_another_passphrase_is_told_from_damage() -> None:
    with pytest.raises(BackupError) as caught:
        opened(sealed(b"x" * 200), b"another")
    assert caught.value.what == "wrong_passphrase"


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_one_flipped_bit_anywhere_is_noticed(at: int, bit: int) -> None:
    data = bytearray(sealed(b"y" * 200))
    data[at % len(data)] ^= 1 << bit
    with pytest.raises(BackupError) as caught:
        opened(bytes(data))
    assert caught.value.what in ("damaged", "wrong_passphrase")


@given(cut=st.integers(0, 10_000))
def test_a_cut_anywhere_is_noticed(cut: int) -> None:
    data = sealed(b"y" * 192)
    with pytest.raises(BackupError):
        opened(data[: cut % len(data)])


def test_pieces_cannot_change_places_or_be_left_out() -> None:
    data = sealed(random.Random(1).randbytes(200))
    start = HEADER_BYTES + 16
    head, pieces = data[:start], [data[at : at + 80] for at in range(start, len(data), 80)]
    for other in ([pieces[1], pieces[0], *pieces[2:]], pieces[1:], [pieces[0], *pieces[2:]]):
        with pytest.raises(BackupError):
            opened(head + b"".join(other))


def test_two_seals_of_the_same_share_no_key() -> None:
    chance = random.Random(3)
    sinks = [io.BytesIO(), io.BytesIO()]
    for sink in sinks:
        with Sealer(sink, PASSPHRASE, chance.randbytes) as sealer:
            sealer.write(b"same")
    assert sinks[0].getvalue()[11:] != sinks[1].getvalue()[11:]


def test_a_foreign_head_does_not_take_the_machines_memory() -> None:
    data = bytearray(sealed(b""))
    data[8] = 31
    with pytest.raises(BackupError, match="impossible key"):
        opened(bytes(data))


def test_an_abandoned_seal_cannot_be_opened() -> None:
    sink = io.BytesIO()
    sealer = Sealer(sink, PASSPHRASE, random.Random(7).randbytes)
    sealer.write(b"z" * 128)
    sealer.abandon()
    with pytest.raises(BackupError):
        opened(sink.getvalue())
