"""The doors a link driver may use, as it sees them; `ebcd.world` and the tests provide them.

A driver never reads a clock, draws a random number or opens a socket any other way. `asyncio.sleep` and
`asyncio.timeout` are allowed: they follow the loop, which tests run in virtual time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeVar

from devices.maintenance import HostPort
from protocols.codes import EbmId, ResourceCode
from protocols.signature import SignatureBlock

ProtocolT = TypeVar("ProtocolT", bound=asyncio.BaseProtocol)
DatagramT = TypeVar("DatagramT", bound=asyncio.DatagramProtocol)

Sign = Callable[[bytes], SignatureBlock]
"""Signs a transmission command: takes the bytes before the time, appends its own time, returns the 74-byte block
(GD/J 081 clause 5.4)."""


class Belief(Enum):
    """What a device's signature is worth (GD/J 081 clause 5.4; signature.md 3)."""

    NEW = "new"
    AGAIN = "again"  # the same was signed in the same moment before, nothing later since: a retry, or an equal answer
    COPY = "copy"  # the same came before, and later things since: a late retry, or captured bytes
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Judged:
    """One signature's worth, and why."""

    belief: Belief
    why: str = ""

    @property
    def answers(self) -> bool:
        """Whether it counts for an answer to what we have asked. Annex A numbers no answers: two that say the same in
        one second are signed over the same bytes."""
        return self.belief in (Belief.NEW, Belief.AGAIN)


Verify = Callable[[bytes, SignatureBlock], Judged]
"""Judges a device's signature over the bytes before the time."""


Excused = Callable[[ResourceCode, float], bool]
"""Whether a device that cannot verify SM2 may be commanded at this UTC second: an administrator has signed for it."""


CopyTo = Callable[[ResourceCode, EbmId], HostPort | None]
"""Where an adapter that has begun a message shall send a copy of its sound; None: nowhere."""


ReadSound = Callable[[str], Awaitable[bytes | None]]
"""A sound file of ours by its name, as MP3 whatever it was kept as; None where it is not to be had undamaged."""


class Clock(Protocol):
    """Two readings that are never mixed."""

    def wall(self) -> float:
        """UTC seconds since 1970-01-01."""

    def monotonic(self) -> float:
        """Seconds on a clock that never steps; only differences mean anything."""


class Network(Protocol):
    """TCP and UDP as asyncio Protocol classes use them."""

    async def connect(
        self, factory: Callable[[], ProtocolT], host: str, port: int
    ) -> tuple[asyncio.Transport, ProtocolT]:
        """Open one connection. Raises OSError; the caller puts `asyncio.timeout` around it."""

    async def listen(self, factory: Callable[[], asyncio.BaseProtocol], host: str, port: int) -> asyncio.Server:
        """Listen; `factory` is called once per connection. Raises OSError when the address is taken."""

    async def datagrams(
        self, factory: Callable[[], DatagramT], host: str, port: int
    ) -> tuple[asyncio.DatagramTransport, DatagramT]:
        """A socket for datagrams to one address; its protocol is told that they are refused there. Raises OSError where
        no way leads to it."""


def nobody_excused(_code: ResourceCode, _utc_s: float) -> bool:
    """Where nothing is known of exceptions there is none."""
    return False


def no_copy(_front: ResourceCode, _ebm_id: EbmId) -> HostPort | None:
    """Where nobody listens to monitors no copy is wanted."""
    return None


async def no_sounds(_name: str) -> bytes | None:
    """Where nothing is pushed nothing need be read."""
    return None


class Numbers(Protocol):
    """Small numbers that a link must know again after a restart, each under a name of its own."""

    def recall(self, name: str) -> int | None:
        """What was kept last, by this or an earlier process. A crash may have lost the latest few."""

    def keep(self, name: str, value: int) -> None:
        """Write it soon; never blocks."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What every driver is given."""

    clock: Clock
    random: random.Random
    network: Network
    sign: Sign
    verify: Verify | None = None  # None believes every signature: for links whose devices never sign
    excused: Excused = nobody_excused
    numbers: Numbers | None = None  # None remembers nothing: for links that need nothing again
    copy_to: CopyTo = no_copy
    read_sound: ReadSound = no_sounds
