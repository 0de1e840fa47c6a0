"""The county's own key."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from ebcd.errors import ConfigError
from ebcd.signing import FileProfile, FileSigner
from ebcd.signing.signer import passphrase_from
from protocols.signature import Certificate, Scope
from protocols.sm2 import PrivateKey
from tests.ebcd.signing.authority import OTHER, FixedClock

KEY = PrivateKey.from_scalar(7)
COMMAND = b"I\0\1\6"
TIME = (1_760_000_000).to_bytes(4, "big")


@pytest.fixture
def signer() -> FileSigner:
    return FileSigner(KEY, OTHER, FixedClock(1_760_000_000.9))


def test_a_command_is_signed_with_the_second_of_the_clock_behind_it(signer: FileSigner) -> None:
    block = signer.sign(COMMAND)
    assert (block.time, block.certificate) == (1_760_000_000, OTHER)
    assert KEY.public.verify(COMMAND + TIME, block.value)


def test_a_command_can_be_signed_over_all_preceding_bytes(signer: FileSigner) -> None:
    block = signer.sign_scope(COMMAND, Scope.ALL_PRECEDING)
    assert KEY.public.verify(COMMAND + TIME + OTHER, block.value)


@pytest.mark.parametrize(("profile", "behind"), [("xml", b""), ("xml+time", TIME)])
def test_a_file_is_signed_as_the_peers_profile_says(signer: FileSigner, profile: str, behind: bytes) -> None:
    block = signer.sign_file(b"<EBD/>", FileProfile(profile))
    assert block.time == 1_760_000_000
    assert KEY.public.verify(b"<EBD/>" + behind, block.value)


def test_a_seeded_signer_repeats_itself() -> None:
    one, two = (FileSigner(KEY, OTHER, FixedClock(), entropy=random.Random(3).randbytes) for _ in range(2))
    assert one.sign(COMMAND) == two.sign(COMMAND)


@pytest.mark.parametrize("passphrase", [None, b"geheim"])
def test_the_key_is_read_from_its_file(tmp_path: Path, passphrase: bytes | None) -> None:
    path = tmp_path / "platform.pem"
    path.write_bytes(KEY.to_pkcs8(passphrase))
    signer = FileSigner.load(path, OTHER, FixedClock(), passphrase)
    assert signer.public == KEY.public


def test_a_missing_key_file_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        FileSigner.load(tmp_path / "platform.pem", OTHER, FixedClock())


@pytest.mark.parametrize("passphrase", [None, b"wrong"])
def test_a_key_that_cannot_be_opened_says_what_to_do(tmp_path: Path, passphrase: bytes | None) -> None:
    path = tmp_path / "platform.pem"
    path.write_bytes(KEY.to_pkcs8(b"right"))
    with pytest.raises(ConfigError, match="key_passphrase_env") as caught:
        FileSigner.load(path, OTHER, FixedClock(), passphrase)
    assert [problem.what for problem in caught.value.problems] == ["key_unusable"]


def test_a_certificate_fits_only_its_own_key_and_number(signer: FileSigner) -> None:
    own = Certificate(OTHER, OTHER, 2040, 1, KEY.public.raw)
    assert signer.fits(own)
    assert not signer.fits(replace(own, number=bytes(6)))
    assert not signer.fits(replace(own, public_key=PrivateKey.from_scalar(8).public.raw))


def test_the_passphrase_comes_from_the_named_variable() -> None:
    assert passphrase_from({"NAME": "口令"}, "NAME") == "口令".encode()
    assert passphrase_from({"NAME": ""}, "NAME") is None
    assert passphrase_from({}, "NAME") is None
