"""Settings and values of a vendor's terminals over a broker: the volume, where the profile has words for it.

An answer that names its command by number is matched by it; one that names none is to the oldest setting that waits.
Whether the terminal really has the value is for its own telling to show (`Command.VALUES`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from devices.link import Event
from devices.maintenance import AskValues, Authorise, Configure, Configured, Firmware, Given, Told, ValuesTold
from devices.mqtt_conversation import Publication
from devices.mqtt_vendor_command import values_of
from devices.ports import Excused
from protocols import mqtt
from protocols.codes import ResourceCode
from protocols.mqtt import Vendor, vendor
from protocols.mqtt.vendor import PERCENT
from protocols.mqtt.vendor import Told as Said
from protocols.terminal import Result

NO_SETTINGS = "the profile of these terminals has no such command"
NO_EXCEPTION = "it cannot verify SM2, and no administrator has signed an exception for it"
WAITING_MAX = 8
"""Settings of one terminal whose answers may still come; the oldest goes."""


class VendorSettings:
    """Of one link. `take_seq` gives out the numbers of commands."""

    def __init__(self, link: str, words: Vendor, excused: Excused, take_seq: Callable[[], int]) -> None:
        self._link = link
        self._vendor = words
        self._excused = excused
        self._take_seq = take_seq
        self._waiting: dict[ResourceCode, deque[tuple[int, int]]] = {}  # (seq, token), oldest first

    def begin(
        self, command: Configure | AskValues | Firmware | Authorise, ids: Mapping[ResourceCode, str], utc_s: float
    ) -> tuple[list[Publication], list[Event]]:
        """What goes out to the members that `ids` names, and what is refused at once."""
        publications: list[Publication] = []
        events: list[Event] = []
        for code in (each for each in command.members if ids.get(each)):
            if isinstance(command, AskValues) and self._vendor.tells_values and self._excused(code, utc_s):
                publications += self._say(mqtt.Command.VALUES, code, ids[code], self._take_seq(), utc_s)
            elif isinstance(command, AskValues):
                events.append(ValuesTold(self._link, code))
            elif (why := self._refused(command, code, utc_s)) is not None:
                events.append(Configured(self._link, code, command.token, Result.NOT_SUPPORTED, why))
            elif isinstance(command, Configure):
                seq, volume = self._take_seq(), command.given.volume
                self._waiting.setdefault(code, deque(maxlen=WAITING_MAX)).append((seq, command.token))
                publications += self._say(mqtt.Command.VOLUME, code, ids[code], seq, utc_s, volume)
        return publications, events

    def answered(self, code: ResourceCode, said: Said) -> list[Event]:
        """An answer to a setting; nothing where nobody waits for one, as after the volume of a start."""
        waiting = self._waiting.get(code)
        if not waiting:
            return []
        found = next((each for each in waiting if said.request in ("", str(each[0]))), None)
        if found is None:
            return []
        waiting.remove(found)
        return [Configured(self._link, code, found[1], said.result, said.note)]

    def told(self, code: ResourceCode, said: Said) -> list[Event]:
        """What a terminal says it is set to."""
        if said.volume is None and not said.version:
            return []
        steps = self._vendor.volume_max if self._vendor.volume_max != PERCENT else None
        values = Told(volume=said.volume, volume_steps=steps, software=said.version or None)
        return [ValuesTold(self._link, code, values)]

    def _refused(self, command: Configure | Firmware | Authorise, code: ResourceCode, utc_s: float) -> str | None:
        if not isinstance(command, Configure) or command.given != Given(volume=command.given.volume):
            return NO_SETTINGS
        if mqtt.Command.VOLUME not in self._vendor.commands or command.given.volume is None:
            return NO_SETTINGS
        return None if self._excused(code, utc_s) else NO_EXCEPTION

    def _say(
        self, words: mqtt.Command, code: ResourceCode, id_: str, seq: int, utc_s: float, volume: int | None = None
    ) -> list[Publication]:
        values = values_of(id_, code, seq, utc_s)
        if volume is not None:
            values["volume"] = volume
        topic = vendor.command_topic(self._vendor, id_)
        return [Publication(topic, payload, None) for payload in vendor.encode(self._vendor, words, values)]
