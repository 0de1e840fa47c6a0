"""One command to one of a vendor's terminals: what is remembered of it, what is put into it, and how the terminal is
called."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from devices.link import Start, Stop, Verb
from devices.mqtt_conversation import Publication, Served
from devices.roster import Device
from protocols.codes import ResourceCode
from protocols.mqtt import Identity, Vendor, vendor

MILLISECONDS = 1000


@dataclass(slots=True)
class Request:
    """A start or stop under way to one terminal."""

    seq: int
    code: ResourceCode
    command: Start | Stop
    publications: list[Publication]
    asked_s: float  # monotonic
    next_at_s: float  # monotonic: the next try, or giving up
    repeats: bool
    tries: int = 1
    waiting: bool = True
    back: bool = False  # its terminal has come back since
    answer_due: bool = True

    @property
    def verb(self) -> Verb:
        """What is asked for."""
        return Verb.START if isinstance(self.command, Start) else Verb.STOP


def names_of(served: Served, words: Vendor) -> dict[ResourceCode, str]:
    """What stands for each terminal in topics; "" where nothing does, or where two share it: which of them is meant is
    for a person to say. Who has left keeps its name until somebody else has it."""
    names = {device.code: _name_of(device, words) for device in served.terminals}
    taken = set(names.values())
    left = {device.code: _name_of(device, words) for device in served.departed}
    left = {code: "" if name in taken else name for code, name in left.items()}
    times = Counter((*names.values(), *left.values()))
    return {code: name if times[name] == 1 else "" for code, name in (names | left).items()}


def _name_of(device: Device, words: Vendor) -> str:
    found = device.mqtt_id or (device.phys if words.identity is Identity.PHYS else str(device.code))
    return found if vendor.is_id(found) else ""


def values_of(id_: str, code: ResourceCode, seq: int, utc_s: float) -> dict[str, str | int]:
    """What every command can say."""
    now = {"now_s": int(utc_s), "now_ms": int(utc_s * MILLISECONDS)}
    return {"id": id_, "code": str(code), "seq": seq, "seq_text": str(seq), **now}


def message_values(command: Start | Stop, utc_s: float) -> dict[str, str | int]:
    """What a start or stop can say besides."""
    values: dict[str, str | int] = {
        "ebm": str(command.ebm_id),
        "class": command.class_,
        "level": command.level,
        "event": command.event_type,
    }
    if isinstance(command, Start):
        values |= {
            "url": command.audio.url,
            "text": command.text,
            "volume": command.volume,
            "start": command.start,
            "end": command.end,
            "seconds": max(1, int(command.end - utc_s)),
        }
    return values
