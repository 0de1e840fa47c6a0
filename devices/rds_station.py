"""What an ordinary station's RDS says around an alert, as UECP elements: pure, for `devices.rds_encoder`.

An emergency sets PTY 31 and TA, so that ordinary radios switch over, and tells itself in RadioText. A drill that
reaches listeners sets PTY 30, to which no receiver may react as to an alarm (EN 50067 annex F), and never TA (I5).
Other classes change nothing: daily programmes are no alarm, and deeper drills stay inside the platform.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from devices.link import Start
from protocols.errors import LocalProtocolError
from protocols.rds.charset import encode_text, fits
from protocols.rds.groups import PTY_ALARM, PTY_ALARM_TEST, RADIO_TEXT_CHARACTERS_MAX
from protocols.rds.station import name_bytes
from protocols.uecp.message import MEC_OF, Element
from protocols.uecp.programme import ProgrammeServiceName, ProgrammeType, RadioText, TrafficFlags

REAL_DRILL: Final = 3
EMERGENCY: Final = 4
ANNOUNCED: Final = {EMERGENCY: PTY_ALARM, REAL_DRILL: PTY_ALARM_TEST}
"""Broadcast class -> programme type. Classes that are not here change nothing."""

Look = dict[int, Element]
"""Element code -> what the encoder must know, in the order it is told."""


@dataclass(frozen=True, slots=True)
class Station:
    """The station's own signs, told again after an alert, and the texts of an alert.

    An empty `name` leaves the name alone; an empty `alert_name` leaves it also during an alert. An empty `radio_text`
    shows none. `alert_text` stands for an alert whose own text RDS has no characters for, such as Chinese.
    """

    name: str = ""
    pty: int = 0
    tp: bool = False
    radio_text: str = ""
    alert_name: str = ""
    alert_text: str = "EMERGENCY BROADCAST"
    ascii_only: bool = False  # the encoder is driven by lines of text

    def __post_init__(self) -> None:
        """Raises LocalProtocolError for what RDS cannot say."""
        name_bytes(self.name)
        name_bytes(self.alert_name)
        if not 0 <= self.pty < PTY_ALARM_TEST:
            raise LocalProtocolError(f"pty = {self.pty} is no programme type; use 0 to 29")
        for key in ("radio_text", "alert_text"):
            if len(encode_text(getattr(self, key))) > RADIO_TEXT_CHARACTERS_MAX:
                raise LocalProtocolError(f"{key} has more than {RADIO_TEXT_CHARACTERS_MAX} characters; shorten it")
        for each in (self.name, self.alert_name, self.radio_text, self.alert_text):
            if self.ascii_only and not each.isascii():
                raise LocalProtocolError(f"encoders of profile ascii take no {each!r}; use ASCII characters")
        if self.alert_name and not self.name:
            raise LocalProtocolError("a name during alerts needs the station's own to go back to; set ps, too")

    def look(self, alert: Start | None) -> Look:
        """What the encoder must know while `alert` is the one to announce, or none is."""
        elements: list[Element]
        if alert is None:
            elements = [ProgrammeType(self.pty), TrafficFlags(False, self.tp), shown_text(self.radio_text)]
            names = self.name
        else:
            emergency = alert.class_ == EMERGENCY
            elements = [ProgrammeType(ANNOUNCED[alert.class_])]
            elements += [TrafficFlags(emergency, emergency or self.tp), shown_text(self.text_of(alert))]
            names = self.alert_name or self.name
        if names:
            elements.append(ProgrammeServiceName(name_bytes(names)))
        return {MEC_OF[type(each)]: each for each in elements}

    def text_of(self, alert: Start) -> str:
        """The beginning of the alert's text as RadioText, cut between words; `alert_text` where it does not fit in."""
        text = " ".join(alert.text.split())
        if not text or not fits(text) or (self.ascii_only and not text.isascii()):
            return self.alert_text
        if len(text) <= RADIO_TEXT_CHARACTERS_MAX:
            return text
        words, _, last = text[: RADIO_TEXT_CHARACTERS_MAX + 1].rpartition(" ")
        return words or last[:RADIO_TEXT_CHARACTERS_MAX]


def shown_text(text: str) -> RadioText:
    """The RadioText element for a text without changing the A/B flag; none for an empty one."""
    return RadioText.showing(encode_text(text), toggle=False) if text else RadioText(None)


def toggled(element: Element) -> Element:
    """The same RadioText as a new message: receivers clear their display. Other elements stay."""
    return replace(element, toggle=True) if isinstance(element, RadioText) and element.text is not None else element


def untoggled(element: Element) -> Element:
    """The inverse of `toggled`."""
    return replace(element, toggle=False) if isinstance(element, RadioText) else element


def first_of(alerts: Iterable[Start]) -> Start | None:
    """The alert to announce: emergencies before drills, the more severe first, among equals the one that came first."""
    return min(alerts, key=lambda alert: (alert.class_ != EMERGENCY, alert.level), default=None)
