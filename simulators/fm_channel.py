"""The air between the county's transmitter and its FM terminals, and the exciter that fills it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from protocols.codes import EbmId
from simulators.fm_receiver import FmReceiver


@dataclass(frozen=True, slots=True)
class FmFaults:
    """How bad the air is, the same for every receiver, drawn for each by its own seed.

    `block_error_rate`: share of 26-bit blocks hit by one burst; `burst_bits_max`: bursts are 1 to this many bits long.
    """

    block_error_rate: float = 0.02
    burst_bits_max: int = 8


@dataclass(frozen=True, slots=True)
class AirTime:
    """What one message cost on air. `bits_limit` is 104 x frames of each distinct packet, once."""

    bits_on_air: int  # from the first bit of its first packet to the last receiver's begin
    bits_limit: int
    receivers_begun: int


@dataclass(frozen=True, slots=True)
class ExciterStats:
    """Counters since start."""

    bits_played: int
    bytes_received: int
    bytes_refused: int  # arrived while the play-out buffer was full: the sender is too fast
    underrun_bits: int  # played as zeros because nothing was there while a sender was connected
    connections: int


class Exciter:
    """TCP server that plays what it is sent at 1187.5 bit/s to every receiver, whatever the arrival rate."""

    def __init__(
        self,
        host: str,
        port: int,
        receivers: Sequence[FmReceiver],
        channel: FmFaults,
        seed: int,
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self.host = host
        self.port = port  # 0 lets the system choose; the real one stands here once `run` listens
        self.receivers = receivers
        self.channel = channel
        self.seed = seed
        self.monotonic = monotonic

    async def run(self) -> None:
        """Listen and play until cancelled."""

    def stats(self) -> ExciterStats:
        """Counters since start."""
        return ExciterStats(0, 0, 0, 0, 0)

    def air_time(self, ebm_id: EbmId) -> AirTime | None:
        """What a message's start has cost so far; None before its first packet is on air."""
        return None
