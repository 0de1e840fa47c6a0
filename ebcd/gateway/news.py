"""What the sending side of the gateway tells the daemon."""

from __future__ import annotations

from dataclasses import dataclass

from ebcd.gateway.peers import Peer
from protocols.ebd import ResultCode

PUSHED_OUT = "pushed-out"
REFUSED_AGAIN = "refused-5"


@dataclass(frozen=True, slots=True)
class Delivered:
    """The peer has answered; `code` 2-5 means that it will do nothing with the package."""

    peer: Peer
    ebd_id: str
    code: ResultCode
    desc: str
    tries: int


@dataclass(frozen=True, slots=True)
class Undelivered:
    """No receipt after all tries, or pushed out of a full outbox (`reason` PUSHED_OUT). Told once a letter; what must
    arrive waits for the peer to come back, and `Delivered` follows then."""

    peer: Peer
    ebd_id: str
    reason: str
    tries: int


@dataclass(frozen=True, slots=True)
class PeerUp:
    """The peer answers, for the first time or again."""

    peer: Peer


@dataclass(frozen=True, slots=True)
class PeerDown:
    """The peer has answered nothing for `unanswered_s`. `speaks`: its own packages still arrive here."""

    peer: Peer
    unanswered_s: float
    speaks: bool


@dataclass(frozen=True, slots=True)
class RouteSwitched:
    """Packages for the peer go to another of its addresses from now on."""

    peer: Peer
    url: str
    standby: bool


@dataclass(frozen=True, slots=True)
class Exchanged:
    """One POST of ours is over. `code` None: no receipt, for `reason`."""

    peer: Peer
    ebd_id: str
    begun_at: float  # UTC seconds
    took_s: float
    code: ResultCode | None
    reason: str = ""


ClientEvent = Delivered | Undelivered | PeerUp | PeerDown | RouteSwitched | Exchanged


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """For `ebcd links` and the metrics."""

    code: str
    up: bool
    silent_s: float | None  # None: never heard
    outbox_depth: int
    dropped: int
    last_failure: str
    standby: bool = False  # the standby line is in use
    switches: int = 0
    spare: str = ""  # the line that is not in use: "main" or "standby"; "" where there is one line only
    spare_failure: str = ""  # why that one would not do, as far as it was tried
