"""Sounds that are being streamed: read once and cut into packets' payloads once, however many hear them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from devices.ports import ReadSound
from protocols import rtp

SOUND_BYTES_MAX = 256_000_000
"""Of all sounds that are held at the same time; each may have 100 MB, one of an hour has about 25."""
PIECES_AT_ONCE = 50


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class CutSound:
    """One sound, cut. It is held for as long as somebody holds it."""

    pieces: tuple[rtp.Piece, ...]
    size: int = field(repr=False)


class SoundShelf:
    """What is held, by the names of the files."""

    def __init__(self, read: ReadSound, datagram_bytes_max: int) -> None:
        self._read = read
        self._datagram_bytes_max = datagram_bytes_max
        self._held: WeakValueDictionary[str, CutSound] = WeakValueDictionary()
        self._reading: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def get(self, name: str) -> CutSound | None:
        """A sound; None where the file is not to be had, holds no MP3, or does not fit beside the others."""
        lock = self._reading.setdefault(name, asyncio.Lock())
        async with lock:
            if (held := self._held.get(name)) is not None:
                return held
            mp3 = await self._read(name)
            if not mp3 or len(mp3) + sum(sound.size for sound in self._held.values()) > SOUND_BYTES_MAX:
                return None
            cut = CutSound(await self._cut(mp3), len(mp3))
            if not cut.pieces:
                return None
            self._held[name] = cut
            return cut

    async def _cut(self, mp3: bytes) -> tuple[rtp.Piece, ...]:
        """Piece by piece, with room for others between: an hour of sound has 40,000."""
        found: list[rtp.Piece] = []
        for piece in rtp.pieces(mp3, self._datagram_bytes_max):
            found.append(piece)
            if not len(found) % PIECES_AT_ONCE:
                await asyncio.sleep(0)
        return tuple(found)
