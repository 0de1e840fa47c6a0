"""Certificates and lists at a simulated terminal, and every reading of what is signed: revocation end to end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.ports import Clock
from ebcd.signing import FileSigner
from protocols import terminal as fefd
from protocols.signature import FEFD_RANGES, AuthorisationList, Certificate, FefdScope
from protocols.terminal import Header, Result
from simulators.fleet_log import FleetLog
from simulators.terminal import Terminal
from simulators.trust import FrameReader
from tests.simulators.signing import ADAPTER_CERTIFICATE, NOW, PLATFORM_CERTIFICATE, ROOT, certificate, key, trust
from tests.simulators.test_terminal import CODE, COUNTY, OTHER, PLATFORM, SOURCE, START, Bench, answer_of

MODULE = bytes.fromhex("204800000007")  # the terminal's physical address
NEW = bytes.fromhex("000000000555")
STOP = fefd.Stop(OTHER)


class Village(Bench):
    """A terminal that takes certificate updates."""

    def __init__(self) -> None:
        super().__init__()
        self.trust = trust()
        self.log = FleetLog()
        self.reader = FrameReader(self.trust)
        self.terminal = Terminal(CODE, "204800000007", PLATFORM, self.log, self.trust)

    def update(
        self, *lists: AuthorisationList, certificates: tuple[Certificate, ...] = (), by: bytes = PLATFORM_CERTIFICATE
    ) -> Result:
        message = fefd.CertificateUpdate(
            tuple(each.encode() for each in lists), tuple(each.encode() for each in certificates)
        )
        return self.result(message, by)

    def result(self, message: fefd.Message, by: bytes = PLATFORM_CERTIFICATE) -> Result:
        return Result(answer_of(self.tell(message, certificate=by)).result)


def listed(serial: int, *numbers: bytes, receiver: bytes = MODULE, signer: bytes = ROOT) -> AuthorisationList:
    return AuthorisationList(receiver, serial, numbers, signer).signed_by(key(signer).sign)


def test_a_revoked_certificate_starts_nothing_any_more() -> None:
    village = Village()
    assert village.result(STOP, ADAPTER_CERTIFICATE) is Result.OK
    assert village.update(listed(1, PLATFORM_CERTIFICATE, ADAPTER_CERTIFICATE)) is Result.OK
    assert village.update(listed(2, PLATFORM_CERTIFICATE)) is Result.OK
    assert village.result(START) is Result.OK  # the first command under list 2 ends list 1
    assert village.result(STOP, ADAPTER_CERTIFICATE) is Result.CERTIFICATE
    assert village.log.refusals["certificate not authorised"] == 1


def test_the_list_before_serves_until_the_new_one_has_verified_a_command() -> None:
    village = Village()
    assert village.update(listed(1, PLATFORM_CERTIFICATE)) is Result.OK
    assert village.update(listed(2, NEW)) is Result.OK  # whose certificate nobody has brought yet
    assert village.result(START) is Result.OK
    assert village.update(listed(3, NEW), certificates=(certificate(NEW),)) is Result.OK
    assert village.result(STOP, NEW) is Result.OK
    assert village.result(START) is Result.CERTIFICATE


def test_a_certificate_and_the_list_that_names_it_come_in_one_frame() -> None:
    village = Village()
    assert village.result(STOP, NEW) is Result.CERTIFICATE
    update = listed(1, NEW, PLATFORM_CERTIFICATE)
    assert village.update(update, certificates=(certificate(NEW),)) is Result.OK
    assert village.result(STOP, NEW) is Result.OK


@pytest.mark.parametrize(
    "wrong",
    [
        listed(9, PLATFORM_CERTIFICATE, signer=ADAPTER_CERTIFICATE),
        replace(listed(9, PLATFORM_CERTIFICATE), certificates=(ADAPTER_CERTIFICATE,)),
        listed(4, PLATFORM_CERTIFICATE),
        listed(133, PLATFORM_CERTIFICATE),  # 128 ahead
        listed(5, PLATFORM_CERTIFICATE, NEW),
    ],
)
def test_a_list_that_does_not_count_is_refused_and_changes_nothing(wrong: AuthorisationList) -> None:
    village = Village()
    assert village.update(listed(5, PLATFORM_CERTIFICATE)) is Result.OK
    assert village.update(wrong, certificates=(certificate(NEW),)) is Result.CERTIFICATE
    assert NEW not in village.trust.certificates
    assert village.result(START) is Result.OK
    assert village.result(STOP, ADAPTER_CERTIFICATE) is Result.CERTIFICATE


def test_a_list_for_another_device_is_answered_with_0_and_passed_over() -> None:
    village = Village()
    assert village.update(listed(1, receiver=bytes.fromhex("204800000008"))) is Result.OK
    assert village.result(START) is Result.OK


def test_i11_a_captured_update_brings_no_revoked_certificate_back() -> None:
    village = Village()
    frame = village.frame(fefd.CertificateUpdate((listed(1, PLATFORM_CERTIFICATE, ADAPTER_CERTIFICATE).encode(),), ()))
    captured = fefd.encode(frame, sign=FileSigner(key(PLATFORM_CERTIFICATE), PLATFORM_CERTIFICATE, Now()).sign)
    assert answer_of(village.hear(captured)).result == Result.OK
    assert village.update(listed(2, PLATFORM_CERTIFICATE)) is Result.OK
    assert village.result(START) is Result.OK
    village.hear(captured)
    assert village.result(STOP, ADAPTER_CERTIFICATE) is Result.CERTIFICATE


def test_an_unsigned_update_is_refused() -> None:
    village = Village()
    update = fefd.CertificateUpdate((listed(1).encode(),), ())
    refused = village.hear(fefd.encode(village.frame(update)))
    assert answer_of(refused).result == Result.VERIFICATION
    assert village.result(START) is Result.OK


class Now(Clock):
    """Stands still."""

    def wall(self) -> float:
        return NOW

    def monotonic(self) -> float:
        return 0.0


@pytest.mark.parametrize("scope", FefdScope)
def test_a_terminal_takes_every_reading_of_what_is_signed_and_reports_it(scope: FefdScope) -> None:
    village = Village()
    county = FileSigner(key(PLATFORM_CERTIFICATE), PLATFORM_CERTIFICATE, Now())
    frame = fefd.request(Header.D, 1, SOURCE, (COUNTY,), STOP)
    data = fefd.encode(frame, sign=county.signs(FEFD_RANGES[scope]))
    assert answer_of(village.hear(data)).result == Result.OK
    assert village.trust.matched == {scope.value: 1}
