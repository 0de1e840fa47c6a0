"""What is asked of devices besides alerts: to take settings, certificates and firmware, to tell their values.

Polls to every outbox: an alert pushes them out. Whoever asks counts the time; silence is told by nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from devices.given import Caller, Network
from protocols.codes import ResourceCode
from protocols.fm.packet import Content

PERCENT = 100
PORT_MAX = 65535


@dataclass(frozen=True, slots=True)
class HostPort:
    """Where something listens: an IPv4 address or a name, and a port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> HostPort:
        """host:port. Raises ValueError."""
        host, _, port = text.rpartition(":")
        if not host or not (port.isascii() and port.isdecimal() and 1 <= int(port) <= PORT_MAX):
            raise ValueError(f"{text!r} is no host:port")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Given:
    """Settings; None leaves one as it is (GD/J 089 tables D.9, A.5, A.6, A.13-A.15, A.18-A.20). A device that cannot
    take all of them takes none, and its link says so: answer 55 of terminals, 3 of adapters."""

    volume: int | None = None  # percent
    return_to: HostPort | None = None
    period_s: int | None = None  # between returns
    code: ResourceCode | None = None  # taken by the device with the physical address `phys` only
    phys: str = ""
    amplifier: bool | None = None  # on or off: what is off sounds for no alert
    network: Network | None = None  # of one terminal, which dials anew
    callers: tuple[Caller, ...] | None = None  # of an adapter's white list: as many as one 0x0C has room for


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of an adapter as it tells it (GD/J 089 tables A.28, A.29). `kind`: of an output fm, cable, dtmb, ip or
    the number of an unknown kind, of an input its name. `state`: idle, occupied, fault or an unknown number; an output
    with several carriers has one entry for each."""

    id: int
    kind: str
    state: str
    frequency_khz: int = 0  # of an FM output; 0 for all others


@dataclass(frozen=True, slots=True)
class Told:
    """Values as a device tells them; None where it did not (GD/J 089 tables E.5, A.28, A.29)."""

    volume: int | None = None
    address: str | None = None  # ip/mask/gateway
    return_to: str | None = None  # host:port, or a telephone number
    code: str | None = None
    phys: str | None = None
    type: str | None = None  # vendor's, hexadecimal
    hardware: str | None = None
    software: str | None = None
    command_khz: int | None = None  # the FM carrier it takes commands from
    programme_khz: int | None = None
    scan_khz: tuple[int, ...] | None = None  # carriers it polls
    volume_steps: int | None = None  # of one that knows so many steps instead of percent
    outputs: tuple[Channel, ...] | None = None  # of an adapter (0x13)
    inputs: tuple[Channel, ...] | None = None  # of an adapter (0x14)


def has_volume(told: Told, percent: int) -> bool:
    """Whether a told volume is this one: of a device with few steps, whether both are the same step."""
    if told.volume is None or told.volume_steps is None:
        return told.volume == percent
    half = PERCENT // 2
    step, wanted = ((each * told.volume_steps + half) // PERCENT for each in (told.volume, percent))
    return step == wanted


# ---- commands ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Configure:
    """Set `given` at the members. On an adapter link the members are adapters: with `targets` they pass the settings on
    to these terminals, without it the settings are their own. `phys`: the member is no device of the inventory so far,
    but whoever registered with this physical address. Each member that answers is told of by `Configured`."""

    members: tuple[ResourceCode, ...]
    given: Given
    token: int  # of the asker's choice, to know the answers by
    targets: tuple[ResourceCode, ...] = ()
    phys: str = ""


@dataclass(frozen=True, slots=True)
class AskValues:
    """Ask terminals for parameters by their ids (GD/J 089 table E.5). Answered by `ValuesTold`.

    On an adapter link the members are adapters: with `targets` they ask these terminals (0x08), which answer on the
    link for returns; without it they tell their own channels (0x0E, 0x0F) and faults (0x11)."""

    members: tuple[ResourceCode, ...]
    ids: tuple[int, ...]
    phys: str = ""
    targets: tuple[ResourceCode, ...] = ()


@dataclass(frozen=True, slots=True)
class Firmware:
    """Have one terminal fetch firmware (0xA1, an extension outside the standard: only links that are configured for it
    send it, others answer 55). Mode 0 forced, 1 if newer, 2 only from `old_version`. Versions are 8 hexadecimal digits.
    """

    members: tuple[ResourceCode, ...]
    phys: str
    mode: int
    new_version: str
    old_version: str
    md5: str
    url: str
    token: int


UNASKED = 0
"""Token of answers to what somebody else passed on: nobody here gives this number to a command."""


@dataclass(frozen=True, slots=True)
class Authorise:
    """Hand certificates and authorisation lists to the members' security modules (GD/J 081 clause 5.5): 0x17 to a
    terminal, 0x41 to an adapter, types 7 and 6 over FM. On an adapter link with `targets` the members pass them on to
    these terminals (0x40). Certificates of 143 bytes, lists of 78 + 6 n; each module picks its own list out.

    Each member that answers is told of by `Configured`; a link without a way back tells `PassedOn`. A terminal behind
    an adapter may answer by itself, too: `Configured` with the token `UNASKED`.
    """

    members: tuple[ResourceCode, ...]
    lists: tuple[bytes, ...]
    certificates: tuple[bytes, ...]
    token: int
    targets: tuple[ResourceCode, ...] = ()


@dataclass(frozen=True, slots=True)
class Air:
    """Put one content of GD/J 085 on air for whoever hears FM: a burst and no more, below every alert. `members` are
    the addresses in its packets, of groups where they end in zeros; a code by physical address (type 1) goes without.

    Nobody answers: `PassedOn` says that the burst is over, `Unsaid` that it was dropped. Only FM links take it.
    """

    members: tuple[ResourceCode, ...]
    content: Content
    token: int


Maintenance = Configure | AskValues | Firmware | Authorise | Air


# ---- events --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stranger:
    """A device speaks that the inventory does not have, or not with this physical address. `code`: what it calls
    itself; `phys`: "" where its protocol has none."""

    link: str
    code: ResourceCode
    phys: str
    peer: str


@dataclass(frozen=True, slots=True)
class Configured:
    """A device's answer to `Configure`, `Firmware` or `Authorise`; result 0 is ok (GD/J 089 table D.12, A.26)."""

    link: str
    code: ResourceCode
    token: int
    result: int
    text: str


@dataclass(frozen=True, slots=True)
class PassedOn:
    """A link without a way back has put an `Air` or `Authorise` on the medium as often as it does; whether anybody took
    it nobody can say (I8)."""

    link: str
    token: int


@dataclass(frozen=True, slots=True)
class Unsaid:
    """A link without a way back has dropped an `Air` or `Authorise` before it was said as often as it should be."""

    link: str
    token: int
    reason: str


@dataclass(frozen=True, slots=True)
class ValuesTold:
    """A device's answer to `AskValues`. An empty one: it may not be asked, or says nothing of what was asked for."""

    link: str
    code: ResourceCode
    told: Told = field(default_factory=Told)
