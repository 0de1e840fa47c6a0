"""What a terminal keeps of packets that neither start nor stop anything (GD/J 085 clauses 5.2.2-5.2.10, 5.2.12-5.2.19).

It answers none of them over FM. A text is shown until its message ends: the standard has no packet that takes it down.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from protocols.codes import EbmId, ResourceCode
from protocols.fm.configuration import (
    Clock,
    Maintenance,
    Query,
    ReturnAddress,
    ReturnPeriod,
    ScanEntry,
    ScanList,
    SetCode,
)
from protocols.fm.daily import Amplifier, AmplifierState, DailyVolume
from protocols.fm.emergency import FactoryReset, Reset, Text
from protocols.fm.fields import VOLUME_UNCHANGED, Switch
from protocols.fm.packet import Content, Unknown

DAILY_VOLUME = 60
RETURN_PERIOD_S = 60


@dataclass(slots=True)
class FmSettings:
    """Of one terminal. `built_as`: the code it came with; `default_khz`: place 0 of the scan list (clause 5.2.12)."""

    built_as: ResourceCode
    code: ResourceCode = field(init=False)
    daily_volume: int = DAILY_VOLUME
    return_to: str = ""
    period_s: int = RETURN_PERIOD_S
    scan: tuple[ScanEntry, ...] = ()
    default_khz: int = 0
    maintenance_s: int | None = None
    amplifier_on: bool = True
    shown: tuple[EbmId, str] | None = None
    asked: tuple[int, ...] = ()  # parameters that it was last asked for
    clock: Clock | None = None
    restarts: int = 0

    def __post_init__(self) -> None:
        self.code = self.built_as

    def obey(self, content: Content | Unknown) -> None:
        """One packet that means this terminal."""
        match content:
            case SetCode(code=code):
                self.code = code
            case ScanList(entries=entries) if entries:
                self.scan = entries
            case Maintenance(enabled=enabled, period_s=period_s):
                self.maintenance_s = period_s if enabled else None
            case Clock():
                self.clock = content
            case ReturnAddress():
                self.return_to = str(content)
            case ReturnPeriod(period_s=period_s):
                self.period_s = period_s
            case Query(parameters=ids):
                self.asked = ids
            case DailyVolume(volume=volume) if volume != VOLUME_UNCHANGED:
                self.daily_volume = volume
            case Amplifier(state=state):
                self.amplifier_on = state is AmplifierState.ON
            case Text(ebm_id=ebm_id):
                self.shown = ebm_id, content.text
            case Reset(switch_default=switch, frequency_khz=khz):
                self.default_khz = khz if switch is Switch.TO_FREQUENCY else self.default_khz
                self._restart()
            case FactoryReset():
                as_new = FmSettings(self.built_as)
                for name in (each.name for each in fields(self) if each.name != "restarts"):
                    setattr(self, name, getattr(as_new, name))
                self._restart()
            case _:
                pass

    def ended(self, ebm_id: EbmId) -> None:
        """A message is over here: its text goes."""
        if self.shown is not None and ebm_id in (self.shown[0], EbmId.EVERYTHING):
            self.shown = None

    def powered_on(self) -> None:
        """What needs the current to last: the head-end says maintenance again (fm-rds.md section 9)."""
        self.maintenance_s, self.shown, self.amplifier_on = None, None, True

    def _restart(self) -> None:
        self.restarts += 1
        self.powered_on()
