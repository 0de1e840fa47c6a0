"""One subcarrier for two: emergency frames of GD/J 085 and the ordinary RDS groups of the station (fm-rds.md 9).

The standard does not foresee it. Receivers of emergency frames pass over source levels 0 and 7, so the station's PI
must begin with 0, 1, E or F; ordinary radios hear nonsense in the frames between their groups, and less of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocols.errors import LocalProtocolError
from protocols.rds.groups import encode
from protocols.rds.on_air import to_air
from protocols.rds.station import Programme, Sequence, name_bytes, radio_text_bytes

LEVELS_PASSED_OVER = (0b000, 0b111)
"""GD/J 085 clause 5.4: reserved source levels, the three highest bits of block A."""


@dataclass(frozen=True, slots=True)
class StationSigns:
    """What the station says of itself, and how much of the air a message may take. Raises ValueError."""

    pi: int
    name: str
    pty: int
    radio_text: str
    share: float

    def __post_init__(self) -> None:
        if not 0 <= self.pi <= 0xFFFF or self.pi >> 13 not in LEVELS_PASSED_OVER:
            raise ValueError(
                f"station_pi {self.pi:04X}: emergency receivers would take it for a source level; use 0000 to 1FFF or "
                "E000 to FFFF, or leave it empty for a subcarrier of our own"
            )
        if not 0 < self.share <= 1:
            raise ValueError(f"share {self.share:g}: use more than 0 and at most 1")
        try:
            name_bytes(self.name)
            radio_text_bytes(self.radio_text)
        except LocalProtocolError as error:
            raise ValueError(str(error)) from error


class SharedAir:
    """Whose turn the next frame is: every message's first frame at once, then `share` of all frames."""

    def __init__(self, signs: StationSigns) -> None:
        self._signs = signs
        self._programme = Programme(signs.pi, signs.name, pty=signs.pty, radio_text=signs.radio_text)
        self._sequence = Sequence()
        self._credit = 1.0

    def is_ours(self) -> bool:
        """Whether a message may have the next frame, if there is any."""
        self._credit = min(self._credit + self._signs.share, 1.0 + self._signs.share)
        return self._credit >= 1.0

    def spent(self) -> None:
        """A message had it."""
        self._credit -= 1.0

    def group(self) -> bytes:
        """The station's next group, 104 bits."""
        return to_air(encode(self._sequence.next(self._programme)))
