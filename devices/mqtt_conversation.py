"""What a conversation over a broker consists of, whichever profile it speaks: publications out, messages in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from devices.link import Command, Event, Path
from devices.roster import Device, Roster
from protocols.codes import EbmId, ResourceCode
from protocols.errors import RemoteProtocolError


@dataclass(frozen=True, slots=True)
class Publication:
    """One message for the broker. `end`: UTC seconds after which it is worth nothing, None where it has no window."""

    topic: str
    payload: bytes
    end: float | None
    once: bool = False
    """Never given to a broker twice, not even where the first broker was lost before it acknowledged (I7)."""
    start_of: tuple[EbmId, ResourceCode] | None = None
    """A start for one terminal: its stop takes it out of the queue (I12)."""
    urgent: bool = False
    """Goes before everything that waits (I12)."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one message of a terminal says: that it is there or gone, and what else."""

    code: ResourceCode
    online: bool | None
    """None: it is not one of ours, and nobody counts it."""
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class Served:
    """Whom a link commands, and whom other MQTT links of the same county do, as the inventory has it now: the terminals
    on MQTT whose row names this link or none."""

    link: str
    roster: Roster

    @property
    def edition(self) -> int:
        """Grows when anything of this may be different."""
        return self.roster.edition

    @property
    def terminals(self) -> tuple[Device, ...]:
        """Whom it commands. O(terminals)."""
        return tuple(each for each in self.roster.terminals if Path.MQTT in each.paths and self._is_own(each))

    @property
    def departed(self) -> tuple[Device, ...]:
        """Whom it commanded and may have to stop still: who left, or left this path."""
        return tuple(
            each
            for each in (*self.roster.departed, *self.roster.terminals)
            if self.knows(each.code) and (self.roster.by_code(each.code) is None or Path.MQTT not in each.paths)
        )

    def knows(self, code: ResourceCode) -> bool:
        """Whether it is one of ours on this path, now or lately."""
        device = self.roster.known(code)
        return device is not None and self.roster.carries(code, Path.MQTT) and self._is_own(device)

    def is_others(self, code: ResourceCode) -> bool:
        """Whether another MQTT link commands it."""
        device = self.roster.known(code)
        return device is not None and self.roster.carries(code, Path.MQTT) and not self._is_own(device)

    def _is_own(self, device: Device) -> bool:
        return device.mqtt_link in ("", self.link)


def refuse_retained(topic: str) -> RemoteProtocolError:
    """For an answer or a report that the broker had kept: it tells nothing about now."""
    return RemoteProtocolError("retained", f"{topic} was kept by the broker; only who is online may be")


class Conversation(Protocol):
    """One link's commands under way. `now_s` is monotonic, `utc_s` the wall clock."""

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """Topics to listen to."""

    def begin(self, command: Command, now_s: float, utc_s: float) -> tuple[list[Publication], list[Event]]:
        """What goes out for a command, and what is known about it already.

        Raises LocalProtocolError where no message can hold it.
        """

    def take(self, topic: str, payload: bytes, content_type: str | None, *, retained: bool = False) -> Heard:
        """A message of a terminal. `retained`: the broker had kept it, perhaps since yesterday; of such only that a
        terminal is there or gone is believed (I8). Raises RemoteProtocolError."""

    def due(self, now_s: float, utc_s: float) -> tuple[list[Publication], list[Event]]:
        """Retries whose time has come, and the silence of those whose tries are used up."""

    def again(self, now_s: float, utc_s: float) -> tuple[list[Publication], list[Event]]:
        """What must be said anew to a broker that came back and may have forgotten everything."""

    def next_at_s(self) -> float | None:
        """When `due` has something to do; None while nothing is awaited."""
