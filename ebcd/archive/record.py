"""What the equipment archive (电子档案) knows of a device besides what drivers need (`devices.roster.Device`)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum

from protocols.codes import AreaCode

BATCH_CHARACTERS = 13
"""Of an ICCID: issuer, province, year and card maker stand before the serial of the card (ITU-T E.118)."""


class Status(StrEnum):
    """How far a device has got. Only planned ones are no devices yet: nothing is sent to them, nothing expected."""

    PLANNED = "planned"  # a place is kept for it; it counts in the plan only
    ENROLLED = "enrolled"  # entered (录入): known with its code, not opened so far
    OPENED = "opened"  # opened (开通): installed and handed over


@dataclass(frozen=True, slots=True)
class Record:
    """One device's archive. Empty texts and None mean that nothing is known.

    `contact` is the id of a person who stands beside the journal (`Store.person`), or the words of a file that has not
    been taken in so far; words never go into the journal, logs or answers.
    """

    status: Status = Status.OPENED
    model: str = ""
    hardware_version: str = ""
    software_version: str = ""
    certificate: str = ""  # number, 12 upper-case hexadecimal digits
    certificate_expiry: date | None = None
    longitude: float | None = None  # degrees east, as the file has it (WGS 84 or GCJ-02: the county's own choice)
    latitude: float | None = None  # degrees north
    population: int | None = None  # people who hear it
    contact: str = ""
    pole: str = ""  # the number painted on the pole
    feeder: str = ""  # the cable it hangs on
    sim_iccid: str = ""
    sim_expiry: date | None = None
    sim_traffic_mb: int | None = None  # a month
    sim_batch: str = ""
    installed: date | None = None
    guarantee_until: date | None = None
    supplier: str = ""
    crew_area: AreaCode | None = None
    volume: int | None = None  # percent, as it should be set
    return_to: str = ""  # host:port, where it should report to
    power_w: int | None = None  # a transmitter's
    backup: bool | None = None  # whether there is a second transmitter behind it,
    auto_switch: bool | None = None  # which takes over by itself
    remote_control: bool | None = None  # whether it can be controlled from afar
    frequency_khz: int | None = None  # the carrier a terminal should take commands from, an adapter send on

    @property
    def batch(self) -> str:
        """The batch its SIM card came with: as written, else by the card's number."""
        return self.sim_batch or self.sim_iccid[:BATCH_CHARACTERS]

    def told(self) -> dict[str, object]:
        """What is known, by name; what is not is left out."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in values.items() if value not in ("", None)}


EMPTY = Record()
"""Of a device that the file says nothing more about."""
