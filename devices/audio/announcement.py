"""From a text to the file that terminals fetch: tone, pause, speech, again and again."""

from __future__ import annotations

from dataclasses import dataclass

from devices.audio.encode import MP3_BIT_RATE, to_mp3
from devices.audio.speech import TIMEOUT_S, Voice, speak
from devices.audio.tones import Tone, tone

REPEATS_MAX = 10
_PAUSE_S = 0.8


@dataclass(frozen=True, slots=True)
class Announcement:
    """A finished MP3."""

    mp3: bytes
    duration_s: float


def announce(
    text: str,
    voice: Voice | None = None,
    *,
    before: Tone | None = None,
    tone_s: float = 4.0,
    repeats: int = 1,
    bit_rate: int = MP3_BIT_RATE,
    timeout_s: float = TIMEOUT_S,
) -> Announcement:
    """Speak `text` `repeats` times, after a tone if one is named. Raises AudioError; blocks up to `timeout_s`."""
    if not 1 <= repeats <= REPEATS_MAX:
        raise ValueError(f"{repeats} repeats; 1 to {REPEATS_MAX} are possible")
    spoken = speak(text, voice, timeout_s=timeout_s)
    whole = spoken if before is None else tone(before, tone_s, spoken.rate_hz).then(spoken, pause_s=_PAUSE_S)
    for _ in range(repeats - 1):
        whole = whole.then(spoken, pause_s=_PAUSE_S)
    return Announcement(to_mp3(whole, bit_rate=bit_rate), whole.duration_s)
