"""Whom simulated devices believe, and for how long."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocols.errors import RemoteProtocolError
from protocols.signature import SignatureBlock
from simulators.trust import COUNTER_SLACK, UTC_FIRST, TimeRule, Trust, Verdict
from tests.simulators.signing import (
    ADAPTER_CERTIFICATE,
    NOW,
    PLATFORM_CERTIFICATE,
    ROOT,
    certificate,
    key,
    signer,
    trust,
)


def block(time: float) -> SignatureBlock:
    return SignatureBlock(int(time), PLATFORM_CERTIFICATE, bytes(64))


@pytest.mark.parametrize(
    ("times", "accepted"),
    [
        ([NOW, NOW - 60, NOW - 61], [True, True, False]),
        ([NOW + 300, NOW + 301], [True, False]),
        ([NOW - 300], [True]),
        ([100, 101, 100 - COUNTER_SLACK + 2, 101 - COUNTER_SLACK], [True, True, True, False]),
        ([100, NOW, 101], [True, True, False]),
        ([UTC_FIRST], [False]),
    ],
)
def test_signature_times_near_the_clock_or_of_a_growing_counter_are_taken(
    times: list[float], accepted: list[bool]
) -> None:
    rule = TimeRule()
    assert [rule.accepts(block(time), NOW) for time in times] == accepted


def test_certificates_count_apart() -> None:
    rule = TimeRule()
    assert rule.accepts(block(NOW), NOW)
    assert rule.accepts(SignatureBlock(5, ADAPTER_CERTIFICATE, bytes(64)), NOW)


def test_a_good_signature_is_good_until_its_certificate_expires() -> None:
    made = signer()(b"command")
    assert trust().judge(b"command", made) is Verdict.GOOD
    assert trust().judge(b"Command", made) is Verdict.BAD_SIGNATURE
    assert trust().judge(b"command", None) is Verdict.UNSIGNED
    expired = Trust({PLATFORM_CERTIFICATE: certificate(PLATFORM_CERTIFICATE, 2024)}, lambda: NOW)
    assert expired.judge(b"command", made) is Verdict.UNKNOWN_CERTIFICATE


def test_only_certificates_that_the_pinned_root_has_signed_are_read(tmp_path: Path) -> None:
    (tmp_path / "root.cer").write_bytes(certificate(ROOT).encode())
    (tmp_path / "good.cer").write_bytes(certificate(PLATFORM_CERTIFICATE).encode())
    foreign = certificate(ADAPTER_CERTIFICATE).signed_by(key(ADAPTER_CERTIFICATE).sign)
    (tmp_path / "foreign.cer").write_bytes(foreign.encode())
    assert set(Trust.read(tmp_path, "000000000001", lambda: NOW).certificates) == {ROOT, PLATFORM_CERTIFICATE}


def test_a_folder_without_its_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RemoteProtocolError, match="no root"):
        Trust.read(tmp_path, "000000000001", lambda: NOW)
