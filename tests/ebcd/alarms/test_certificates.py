"""Certificates are told at 90, 30 and 7 days, and when they have ended."""

from __future__ import annotations

from datetime import date

import pytest

from ebcd.alarms import Expiry, expiries
from ebcd.alarms.certificates import AGAIN_S, Calendar
from ebcd.clock import beijing
from ebcd.signing import TrustStore
from tests.ebcd.signing.authority import OTHER, PEER, ROOT, Authority, FixedClock

STAGES = (90, 30, 7)
DAY_S = 86_400.0
DEVICES = tuple(bytes.fromhex(f"0000000009{n:02d}") for n in range(3))


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> TrustStore:
    """A root until 2040; ours, a peer's and three devices' until the end of 2030."""
    authority = Authority(tmp_path_factory.mktemp("trust"))
    for number in (OTHER, PEER, *DEVICES):
        authority.issue(number, year=2030)
    return TrustStore.load(authority.folder, [ROOT])


ROLES = {"own": [OTHER], "root": [ROOT], "peer": [PEER]}


def end_of(trust: TrustStore) -> float:
    found = trust.get(OTHER)
    assert found is not None
    return float(found.certificate.valid_until)


@pytest.mark.requirement("R-X-13")
@pytest.mark.parametrize(
    ("days_before", "stage"),
    [(90.5, None), (89.9, 90), (30.1, 90), (29.9, 30), (7.1, 30), (6.9, 7), (0.1, 7), (-0.1, 0), (-400.0, 0)],
)
def test_a_certificate_is_told_at_90_30_and_7_days_and_when_it_has_ended(
    trust: TrustStore, days_before: float, stage: int | None
) -> None:
    found = expiries(trust, ROLES, (), end_of(trust) - days_before * DAY_S, STAGES)
    told = {(each.role, each.subject, each.stage, each.count) for each in found}
    if stage is None:
        assert told == set()
    else:
        assert told == {
            ("own", "000000000201", stage, 1),
            ("peer", "000000000101", stage, 1),
            ("device", "device", stage, 3),
        }


def test_certificates_that_only_the_inventory_knows_count_with_the_devices(trust: TrustStore) -> None:
    now = end_of(trust) - 400 * DAY_S
    today = beijing(now).date()
    soon, later = date.fromordinal(today.toordinal() + 5), date.fromordinal(today.toordinal() + 200)
    known = [
        ("00000000AAAA", soon),
        ("00000000BBBB", later),
        ("000000000900", soon),
    ]  # the last is on file: its own end
    (found,) = expiries(trust, ROLES, known, now, STAGES)
    assert found == Expiry("device", "device", 7, found.days, 1)
    assert found.days == 5


def test_endings_are_looked_up_again_for_other_trust_and_after_a_while(trust: TrustStore) -> None:
    clock, asked = FixedClock(end_of(trust) - 91 * DAY_S), []

    def archived() -> list[tuple[str, date]]:
        asked.append(clock.now_s)
        return []

    mine = [trust]
    calendar = Calendar(lambda: mine[0], ROLES, archived, STAGES, clock)
    assert calendar.ending() == calendar.ending() == ()
    assert len(asked) == 1
    clock.now_s += 2 * DAY_S
    assert len(calendar.ending()) == 3
    mine[0] = TrustStore([])
    assert calendar.ending() == ()
    clock.now_s += AGAIN_S
    calendar.ending()
    assert len(asked) == 4
