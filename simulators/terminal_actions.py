"""What a simulated terminal decides to do; its shell does it."""

from __future__ import annotations

from dataclasses import dataclass

from protocols.codes import EbmId


@dataclass(frozen=True, slots=True)
class Reply:
    """Bytes for the peer that asked, on the path it asked over."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """A return (header E); `path` is where the message came from, any other way back will do when it is dead."""

    data: bytes
    path: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """Get the audio; tell `audio_began`, then `audio_ended`."""

    ebm_id: EbmId
    url: str


@dataclass(frozen=True, slots=True)
class Install:
    """Get firmware, compare its MD5, restart with it; tell `installed`."""

    url: str
    md5: str
    version: bytes


@dataclass(frozen=True, slots=True)
class Redial:
    """It has another network: leave every connection and come back."""


Action = Reply | Report | Fetch | Install | Redial
