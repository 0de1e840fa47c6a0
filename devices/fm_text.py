"""The text that a start brings along on air: packet type 15 (GD/J 085 clause 5.2.15, GD/J 089 A.4.2.3.6).

GD/J 085 has no way to take a text away. It is said while its message is on air and carries that message's id, so a
terminal knows from the stop, or from the end of maintenance, when to take it down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from devices.fm_announcement import Announcement, Kind, Repeats, level_on_air
from devices.link import Start
from protocols.charset import GB2312, GB18030, encoded
from protocols.fm.emergency import HALF_WIDTH, TEXT_BYTES_MAX, Text, TextKind

KINDS: Final = {4: TextKind.EMERGENCY, 5: TextKind.DAILY, 3: TextKind.TEST}
"""By class of the message; the lesser drills are for no terminal."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is said, and how many characters of the text did not fit."""

    announcement: Announcement
    left: int


def text_announcement(command: Start, period_s: float) -> Shown | None:
    """Said once with the start and then rarely, until its end; None where there is nothing to show. Raises
    LocalProtocolError for characters that no set has."""
    kind = KINDS.get(command.class_)
    words = command.text.translate(HALF_WIDTH)
    if kind is None or not words:
        return None
    charset = _charset(words)
    fits = _fitting(words, charset)
    content = Text.saying(kind, command.ebm_id, words[:fits], charset)
    said = Announcement(
        command.ebm_id,
        None,
        Kind.TEXT,
        level_on_air(command.level),
        command.targets,
        content,
        Repeats(1, period_s),
        until=command.end,
    )
    return Shown(said, len(words) - fits)


def _charset(words: str) -> int:
    """GB 2312, which every terminal must understand (GD/J 085 table 16), wherever it has all characters."""
    try:
        encoded(words, GB2312)
    except UnicodeEncodeError:
        return GB18030
    return GB2312


def _fitting(words: str, charset: int) -> int:
    """How many characters the packet has room for."""
    room = TEXT_BYTES_MAX
    for at, character in enumerate(words):
        room -= len(encoded(character, charset, "replace"))
        if room < 0:
            return at
    return len(words)
