"""What every link understands and tells: commands in, events out.

A link carries orders to devices over one medium. It knows frames, sockets and retries of its own protocol; it knows no
alert, no plan and no store. Devices are named by their 23-digit resource code (GD/J 080), messages by their EBM id.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from devices.fm_manner import FmManner
from devices.maintenance import (
    Air,
    AskValues,
    Authorise,
    Configure,
    Configured,
    Firmware,
    PassedOn,
    Stranger,
    Unsaid,
    ValuesTold,
)
from protocols.codes import EbmId, ResourceCode


class Path(StrEnum):
    """How a terminal can be reached. Metrics, tables and reports use these words."""

    IP = "ip"  # FEFD over a direct connection (GD/J 089 annex D)
    ADAPTER = "adapter"  # behind a head-end adapter (annex A down, annex E back)
    CELLULAR = "cellular"  # FEFD over TCP through the operator's NAT
    MQTT = "mqtt"  # the same frames over a broker
    FM = "fm"  # GD/J 085 packets on the subcarrier


class Verb(StrEnum):
    """What was asked for, in answers."""

    START = "start"
    STOP = "stop"


class Refusal(StrEnum):
    """Why a link does not send."""

    NO_EXCEPTION = "no_exception"  # the device cannot verify SM2, and no administrator has signed an exception for it
    NO_COMMAND = "no_command"  # its protocol has no such command
    NO_ADDRESS = "no_address"  # the inventory does not say how its protocol names it


class DeviceState(StrEnum):
    """State byte of heartbeats and of parameter 06 (GD/J 089 tables A.35, E.5)."""

    IDLE = "idle"
    WORKING = "working"
    FAULT = "fault"


# ---- commands ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Audio:
    """Where the sound is: the address a device fetches or joins (auxiliary type 61). `file`: its name among our sound
    files, "" where it is a stream of others."""

    url: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """Begin one message on the named devices.

    `targets` are the address codes written into the frame (zero-ended codes address groups); `members` are the devices
    this link must reach: terminals, or adapters on an adapter link. A link with no way to single out devices (FM)
    sends to `targets` and only reports.
    """

    ebm_id: EbmId
    class_: int  # 1-3 drills, 4 emergency, 5 daily (GD/J 089)
    level: int  # 1 most severe ... 4
    event_type: str  # five characters
    start: int  # UTC seconds
    end: int  # UTC seconds; nothing sounds from then on (I3)
    volume: int  # 0-100, 255 leaves the device's own setting
    targets: tuple[ResourceCode, ...]
    members: tuple[ResourceCode, ...]
    audio: Audio
    text: str = ""
    agency: str = ""
    language: str = "zho"


@dataclass(frozen=True, slots=True)
class Stop:
    """End one message on the named devices; overtakes everything queued (I12)."""

    ebm_id: EbmId
    class_: int
    level: int
    event_type: str
    targets: tuple[ResourceCode, ...]
    members: tuple[ResourceCode, ...]
    at_end: bool = False
    """The window is over: for devices that know no end of their own, nobody else need be told."""
    elsewhere: frozenset[ResourceCode] = frozenset()
    """Members where another message sounds by now: devices that cannot tell messages apart must not be stopped (I4)."""


@dataclass(frozen=True, slots=True)
class AskState:
    """Ask devices what they are doing: parameter 06 of terminals, records (0x10) of adapters.

    Answered by `StateTold` per device that answers.
    """

    members: tuple[ResourceCode, ...]


@dataclass(frozen=True, slots=True)
class SetClock:
    """Set the devices' clocks to the link's own wall clock (0x09, parameter 06 of a set, FM type 3)."""

    members: tuple[ResourceCode, ...]


Poll = AskState | SetClock | Configure | AskValues | Firmware | Authorise | Air
"""What an alert pushes out."""

Command = Start | Stop | Poll


# ---- events --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The link's own listener, broker or transmitter is usable."""

    link: str


@dataclass(frozen=True, slots=True)
class LinkDown:
    """It is not; the driver goes on trying by itself."""

    link: str
    reason: str


@dataclass(frozen=True, slots=True)
class Connected:
    """A device can be commanded over this link now."""

    link: str
    code: ResourceCode


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A device's connection over this link is gone."""

    link: str
    code: ResourceCode
    reason: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A device said that it lives. `rebooted`: its first registration after power-on. `clock`: UTC seconds by its own
    clock, None where its heartbeat carries none (FEFD 0x10 does not, annex A 0x20 does)."""

    link: str
    code: ResourceCode
    phys: str  # physical address, upper-case hex; "" where the protocol has none
    state: DeviceState
    rebooted: bool
    clock: int | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A device's own answer to a command: D.10 of a terminal, 0x17 of an adapter. `result` 0 is ok."""

    link: str
    code: ResourceCode
    ebm_id: EbmId
    verb: Verb
    result: int
    text: str


@dataclass(frozen=True, slots=True)
class Began:
    """A device reports that a message sounds there (0x14 begin, 0x18)."""

    link: str
    code: ResourceCode
    ebm_id: EbmId
    at: int  # UTC seconds by the device's clock


@dataclass(frozen=True, slots=True)
class Ended:
    """A device reports that a message no longer sounds (0x14 end, 0x19)."""

    link: str
    code: ResourceCode
    ebm_id: EbmId
    at: int


@dataclass(frozen=True, slots=True)
class Played:
    """The final result of a task (0x15): played or not, and how often."""

    link: str
    code: ResourceCode
    ebm_id: EbmId
    success: bool
    times: int
    text: str


@dataclass(frozen=True, slots=True)
class StateTold:
    """The answer to `AskState`. `ebm_ids`: what the device says is on air, where its protocol can say it."""

    link: str
    code: ResourceCode
    state: DeviceState
    ebm_ids: tuple[EbmId, ...] | None  # None: FEFD tells the state only; (): working, and nobody says at what


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """A command went out and its retries are used up without an answer (I8), or it could not be written at all."""

    link: str
    code: ResourceCode
    ebm_id: EbmId
    verb: Verb
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The link does not send a command to a device, although it could: `why` is a slug, see `Refusal`."""

    link: str
    code: ResourceCode
    ebm_id: EbmId
    verb: Verb
    why: Refusal


@dataclass(frozen=True, slots=True)
class Sent:
    """A link without a way back has put the whole command on the medium `passes` times; `bits` so far on air for it."""

    link: str
    ebm_id: EbmId
    verb: Verb
    passes: int
    bits: int


@dataclass(frozen=True, slots=True)
class Fault:
    """A device reports a fault or its end (0x13, 0x16). `cause` as in GD/J 089 table A.31."""

    link: str
    code: ResourceCode
    cause: int
    cleared: bool
    text: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Bytes from outside were refused, or are doubted (a clock eight hours off). `reason` is a short slug fit for a
    metric label."""

    link: str
    reason: str
    peer: str
    detail: str


Event = (
    LinkUp
    | LinkDown
    | Connected
    | Disconnected
    | Heartbeat
    | Answered
    | Began
    | Ended
    | Played
    | StateTold
    | NoAnswer
    | Refused
    | Sent
    | Fault
    | Rejected
    | Stranger
    | Configured
    | PassedOn
    | Unsaid
    | ValuesTold
)

EventSink = Callable[[Event], None]
"""Takes one event at once and never blocks; the daemon acts on what it holds in batches."""


# ---- the link itself -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LinkCapabilities:
    """What the planner may expect."""

    returns: bool  # answers come back over this link
    singles_out: bool  # can deliver to chosen devices; False: everything in `targets` hears it
    targets_max: int  # address codes one frame can hold
    ends_itself: bool = True  # what was started stops at its end without being told (FM has a wave of its own for it)
    asks: bool = True  # terminals can be asked over it for what they are set to (`AskValues`)
    streams: bool = False  # it sends the sound itself: what runs is started again after a restart of ours
    fm: FmManner | None = None  # how an `Air` is said over it; None: it takes none


@dataclass(frozen=True, slots=True)
class Streaming:
    """What a link streams. `packets` and `failures` since the start."""

    open: int
    packets: int
    failures: int  # datagrams that were refused there, or that no way led for


Elsewhere = Callable[[ResourceCode], bool]
"""Whether another link of the same path carries the commands to this device."""


def nowhere_else(_code: ResourceCode) -> bool:
    """Where a path has one link only."""
    return False


NOT_STARTED = "not started"
"""Reason of a link that has not tried anything yet."""


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """For `ebcd links` and the metrics."""

    up: bool
    reason: str
    devices: int  # connected now (adapters: answered within the last period)
    outbox_depth: int
    outbox_limit: int
    dropped: int  # commands that the outbox's policy pushed out since start
    streaming: Streaming | None = None  # None: it streams nothing

    @property
    def tried(self) -> bool:
        """Whether its listener, broker or transmitter was tried at least once, with whatever result."""
        return self.up or self.reason != NOT_STARTED


class OutboxFull(Exception):
    """A command found no room and nothing of lower worth to push out."""


class Link(Protocol):
    """One configured link."""

    name: str
    path: Path
    capabilities: LinkCapabilities

    async def run(self) -> None:
        """Work until cancelled. Reconnects by itself; what escapes is restarted by `daemon.supervise`."""

    def offer(self, command: Command) -> None:
        """Queue a command and return at once. Raises OutboxFull."""

    def status(self) -> LinkStatus:
        """What the link is doing now."""
