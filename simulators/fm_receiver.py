"""The FM side of a terminal: what it hears, whom it believes, and when it plays (GD/J 085; GD/J 089 annex B)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from protocols.codes import EbmId, ResourceCode
from protocols.signature import Certificate

Heard = Callable[[ResourceCode, EbmId], None]
"""Called with the terminal's code and the message that begins or ends there."""


class FmReceiver:
    """One terminal's tuner, decoder and task logic. It speaks only through `on_begin` and `on_end`.

    `trusted` maps certificate numbers (6 bytes) to the certificates this terminal believes; `wall` is its clock in UTC
    seconds. A terminal with other ways in (IP, 3G/4G) merges by itself: `on_begin` tells what arrived over FM.
    """

    def __init__(
        self,
        code: ResourceCode,
        trusted: Mapping[bytes, Certificate],
        on_begin: Heard,
        on_end: Heard,
        *,
        wall: Callable[[], float],
    ) -> None:
        self.code = code
        self.trusted = trusted
        self.on_begin = on_begin
        self.on_end = on_end
        self.wall = wall
        self.powered = True
