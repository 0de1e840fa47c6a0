"""Text to speech by espeak-ng in a process of its own.

espeak-ng is under the GPL and written in C: in a child it is a program that we use, and if it hangs or crashes on some
text, only that one sentence is lost.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass

from devices.audio.pcm import AudioError, NotAudio, Pcm

TEXT_CHARACTERS_MAX = 2000  # ten minutes of speech; longer messages need an announcer
SPEECH_S_MAX = 1200
TIMEOUT_S = 30.0
_CHILD = "devices.audio.speech_child"
# What an interpreter needs to start; the rest, such as a key's passphrase, is none of the child's business.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "SYSTEMROOT")


class SpeechFailed(AudioError):
    """No speech came out: text out of bounds, engine missing, crashed or too slow."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How the engine speaks."""

    language: str = "cmn"  # espeak-ng voice: cmn Mandarin, yue Cantonese, en English
    speed_wpm: int = 150  # words a minute; horns echo, so slower than at a desk (espeak-ng: 80-450)
    pitch: int = 45  # 0-99
    volume: int = 100  # 0-200, 100 is the engine's usual

    def __post_init__(self) -> None:
        if not self.language.replace("-", "").isalnum() or len(self.language) > 20:
            raise ValueError(f"voice language {self.language!r} is no espeak-ng voice; use cmn, yue or en")
        for name, value, low, high in (
            ("speed_wpm", self.speed_wpm, 80, 450),
            ("pitch", self.pitch, 0, 99),
            ("volume", self.volume, 0, 200),
        ):
            if not low <= value <= high:
                raise ValueError(f"voice {name} is {value}, {low} to {high} are possible")


def speak(text: str, voice: Voice | None = None, *, timeout_s: float = TIMEOUT_S) -> Pcm:
    """Speak `text`. Raises SpeechFailed; blocks up to `timeout_s`."""
    said = "".join(each if each.isprintable() else " " for each in text).strip()
    if not any(each.isalnum() for each in said):
        raise SpeechFailed("the text holds nothing that can be spoken")
    if len(said) > TEXT_CHARACTERS_MAX:
        raise SpeechFailed(f"the text has {len(said)} characters, {TEXT_CHARACTERS_MAX} can be spoken; shorten it")
    chosen = voice or Voice()
    order = {
        "text": said,
        "language": chosen.language,
        "speed_wpm": chosen.speed_wpm,
        "pitch": chosen.pitch,
        "volume": chosen.volume,
        "seconds_max": SPEECH_S_MAX,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", _CHILD],
            input=json.dumps(order).encode(),
            capture_output=True,
            timeout=timeout_s,
            check=False,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        )
    except subprocess.TimeoutExpired as error:
        raise SpeechFailed(f"the speech engine took longer than {timeout_s} s") from error
    except OSError as error:
        raise SpeechFailed(f"the speech engine cannot be started: {error}") from error
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no reason given"]
        raise SpeechFailed(f"the speech engine ended with status {done.returncode}: {last[0][:200]}")
    try:
        sound = Pcm.from_wav(done.stdout)
    except NotAudio as error:
        raise SpeechFailed(f"the speech engine answered with {error}") from error
    if not sound.samples:
        raise SpeechFailed("the speech engine stayed silent")
    return sound
