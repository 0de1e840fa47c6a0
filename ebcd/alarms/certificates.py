"""Which certificates end soon, told at 90, 30 and 7 days (R-X-13). Pure: trust and inventory in, endings out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from devices.ports import Clock
from ebcd.clock import beijing
from ebcd.signing import TrustStore
from protocols.signature import CertificateNumber, number_text

DAY_S = 86_400.0
AGAIN_S = 300.0
DEVICE = "device"
ENDED = 0
"""Stage of a certificate that has ended."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """Certificates of one role that end within `stage` days (0: that have ended). Devices' are told together: a batch
    ends on one day, and a thousand alarms would hide the one that matters. `days`: left of the first, rounded down."""

    subject: str  # number of the certificate; "device" for those of devices
    role: str  # own, root, peer, device
    stage: int
    days: int
    count: int = 1


def expiries(
    trust: TrustStore,
    roles: Mapping[str, Collection[CertificateNumber]],
    archived: Iterable[tuple[str, date]],
    now: float,
    stages: Sequence[int],
) -> tuple[Expiry, ...]:
    """Every certificate on file, and those that only the inventory knows (`archived`: number and last day), by how soon
    it ends. `now`: UTC seconds."""
    found: list[Expiry] = []
    devices: dict[int, list[int]] = {}
    on_file: set[str] = set()
    for each in trust:
        role = next((name for name, numbers in roles.items() if each.number in numbers), DEVICE)
        days = int((each.certificate.valid_until - now) // DAY_S)
        number = number_text(each.number)
        on_file.add(number)
        if (stage := stage_of(days, stages)) is None:
            continue
        if role == DEVICE:
            devices.setdefault(stage, []).append(days)
        else:
            found.append(Expiry(number, role, stage, days))
    today = beijing(now).date()
    for number, last_day in archived:
        days = (last_day - today).days
        if number not in on_file and (stage := stage_of(days, stages)) is not None:
            devices.setdefault(stage, []).append(days)
    found += [Expiry(DEVICE, DEVICE, stage, min(days), len(days)) for stage, days in sorted(devices.items())]
    return tuple(sorted(found, key=lambda each: (each.stage, each.role, each.subject)))


class Calendar:
    """The endings as they are, looked up again now and then, and when there is other trust: a province has 20,000."""

    def __init__(
        self,
        trust: Callable[[], TrustStore],
        roles: Mapping[str, Collection[CertificateNumber]],
        archived: Callable[[], Iterable[tuple[str, date]]],
        stages: Sequence[int],
        clock: Clock,
    ) -> None:
        self._trust = trust
        self._roles = roles
        self._archived = archived
        self._stages = stages
        self._clock = clock
        self._known: tuple[TrustStore, float, tuple[Expiry, ...]] | None = None

    def ending(self) -> tuple[Expiry, ...]:
        """What ends soon or has ended."""
        trust, now_s = self._trust(), self._clock.monotonic()
        if self._known is None or self._known[0] is not trust or now_s - self._known[1] >= AGAIN_S:
            found = expiries(trust, self._roles, self._archived(), self._clock.wall(), self._stages)
            self._known = trust, now_s, found
        return self._known[2]


def stage_of(days: int, stages: Sequence[int]) -> int | None:
    """The smallest stage that holds; None while more days are left than any names."""
    if days < 0:
        return ENDED
    return min((stage for stage in stages if days < stage), default=None)
