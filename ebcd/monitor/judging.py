"""Whether what a monitor carries is the sound that was ordered. Pure, and slow: tens of milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

from devices.audio.likeness import FLOOR_DB, likeness, shape_of

SENT_S_MAX = 60.0
"""So much of the ordered sound is compared: a copy begins soon after its task does, and is half as long at most."""
SILENCE_DB = -50.0
"""Mean level below which a copy is silence: speech of ours lies at -20 to -15."""
HEARD_S_MIN = 4.0
"""A shorter copy proves nothing."""
LIKENESS_MIN = 0.8
LOST_SHARE_MAX = 0.2


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a copy is worth. `why`: same, nothing (no sound came), silent, short, losses, other."""

    why: str
    seconds: float = 0.0
    level_db: float = FLOOR_DB
    likeness: float = 0.0

    @property
    def same(self) -> bool:
        """Whether the sound that was ordered is proved; everything else is no proof (I8)."""
        return self.why == "same"


def judge(copy: bytes, lost_share: float, sent: bytes, seconds_max: float) -> Verdict:
    """Compare a copy (MPEG audio) with the file that was ordered."""
    heard = shape_of(copy, seconds_max)
    if not heard.loud:
        return Verdict("nothing")
    ordered = shape_of(sent, SENT_S_MAX)
    seconds, level_db = round(heard.seconds, 2), round(heard.level_db, 1)
    if level_db < SILENCE_DB:
        return Verdict("silent", seconds, level_db)
    if heard.seconds < HEARD_S_MIN:
        return Verdict("short", seconds, level_db)
    if lost_share > LOST_SHARE_MAX:
        return Verdict("losses", seconds, level_db)
    found = round(likeness(heard, ordered), 3)
    return Verdict("same" if found >= LIKENESS_MIN else "other", seconds, level_db, found)
