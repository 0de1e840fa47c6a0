"""Sound files of alerts: kept under their SM3, proved to be sound, or spoken from the text."""

from __future__ import annotations

import asyncio
import base64
import binascii

import structlog

from devices.audio.announcement import announce
from devices.audio.encode import as_mp3, format_of, probe, to_mp3
from devices.audio.pcm import AudioError
from devices.audio.tones import Tone, tone
from ebcd.alert import Media
from ebcd.intake import UnusableSound
from ebcd.media import MediaRefused, MediaStore
from protocols.sm2 import sm3

TONE_S = 3.0
CHIME_RATE_HZ = 24_000
PROVED_S = 20.0
"""So much of a file is decoded before the alert starts: that takes 8 ms, five minutes would take 130 ms."""

log = structlog.get_logger("ebcd.sounds")


class Sounds:
    """`ebcd.intake.SoundKeeper` on the media folder; slow work happens in threads."""

    def __init__(self, store: MediaStore, *, in_thread: bool = True) -> None:
        """`in_thread`: whether a file that links stream is read in a thread."""
        self.store = store
        self._in_thread = in_thread

    async def keep(self, data: bytes, name: str, digest: str) -> Media:
        """Store a file that is what it claims: its digest (hexadecimal or Base64 SM3, where one is given) and sound
        that can be decoded. Raises UnusableSound."""
        return await asyncio.to_thread(self._keep, data, name, digest)

    async def speak(self, text: str, *, alarm: bool) -> Media:
        """Siren or chime, then speech. Raises UnusableSound."""
        return await asyncio.to_thread(self._speak, text, Tone.SIREN if alarm else Tone.CHIME)

    async def chime(self, duration_s: float) -> Media:
        """The chime of drills alone, without words. Raises UnusableSound."""
        return await asyncio.to_thread(self._chime, duration_s)

    async def mp3(self, name: str) -> bytes | None:
        """A file for links that stream it (`devices.ports.ReadSound`): what is approved, whole (I9), as MP3."""
        return await asyncio.to_thread(self._mp3, name) if self._in_thread else self._mp3(name)

    def _mp3(self, name: str) -> bytes | None:
        stored = self.store.find(name)
        try:
            data = stored.path.read_bytes() if stored is not None else b""
            if stored is None or sm3(data).hex() != stored.sm3:
                log.error("sound.unreadable", file=name, reason="it is not the file that was approved")
                return None
            return as_mp3(data)
        except (OSError, AudioError) as error:
            log.error("sound.unreadable", file=name, reason=str(error))
            return None

    def _chime(self, duration_s: float) -> Media:
        try:
            sound = to_mp3(tone(Tone.CHIME, duration_s, CHIME_RATE_HZ))
        except AudioError as error:
            raise UnusableSound(str(error)) from error
        return self._put(sound, "mp3", spoken=False)

    def _keep(self, data: bytes, name: str, digest: str) -> Media:
        if digest and not _matches(digest, sm3(data)):
            raise UnusableSound(f"{name}: the file's SM3 is not the digest that was signed")
        try:
            probe(data, PROVED_S)
        except AudioError as error:
            raise UnusableSound(f"{name}: {error}") from error
        return self._put(data, format_of(data) or "mp3", spoken=False)

    def _speak(self, text: str, tone: Tone) -> Media:
        try:
            spoken = announce(text, before=tone, tone_s=TONE_S)
        except AudioError as error:
            raise UnusableSound(str(error)) from error
        return self._put(spoken.mp3, "mp3", spoken=True)

    def _put(self, data: bytes, extension: str, *, spoken: bool) -> Media:
        try:
            stored = self.store.put(data, extension)
        except (MediaRefused, OSError) as error:
            raise UnusableSound(f"the sound cannot be kept: {error}") from error
        return Media(stored.sm3, stored.name, stored.size_bytes, spoken)


def _matches(written: str, digest: bytes) -> bool:
    text = written.strip()
    if text.lower() == digest.hex():
        return True
    try:
        return base64.b64decode(text, validate=True) == digest
    except (binascii.Error, ValueError):
        return False
