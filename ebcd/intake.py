"""A verified EBM becomes an alert: language, areas and sound (GD/J 082; platform digest 3.1, 6.3-6.5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from ebcd.alert import Alert, Media, Origin, ResolvedAreas, Window, classify, resolve_areas, sounds_alarm
from ebcd.errors import InvalidAlert
from protocols.codes import AreaCode, EbdId, EbmId, InvalidCode, ResourceCode
from protocols.ebd.messages import Auxiliary, Ebm, MsgBasicInfo, MsgContent

MSG_TYPE_CANCEL = 2
AUXILIARY_SOUND_FILES = frozenset({1, 2, 3, 4})
AUXILIARY_STREAM = 61
TEXT_CHARACTERS_MAX = 4000
"""What is kept of a text for frames; the whole stays in the package."""
SPOKEN_CHARACTERS_MAX = 1000
"""How much of a text is read out, some five minutes that take three seconds to make: the beginning of a warning now is
better than all of it after the ten seconds that level 1 may take (GD/J 088)."""
TITLE_CHARACTERS_MAX = 500
DROPPED_AREAS_MAX = 1000
"""How many foreign codes are kept by name with an alert, and how much of each."""
DROPPED_CHARACTERS_MAX = 24
LANGUAGE_DEFAULT = "zho"
_STREAM = re.compile(r"(?:rtp|rtsp|https?)://[!-~]{1,500}", re.ASCII)
"""Addresses that a terminal can go to by itself. `udp://@port` would make it open a port, answer 0 and hear nothing,
because nobody sends there (GD/J 089 table D.5): silence that counts as confirmed (I8)."""
"""What a device can be told to join (GD/J 089 table D.5); anything else is passed over and the text is spoken."""
SECONDS_32_MAX = 2**32 - 1
"""The last moment a frame can say (2106): a message "for ever" ends there."""

log = structlog.get_logger("ebcd.intake")


class UnusableSound(Exception):
    """A sound file is not what it claims: another digest, or no sound at all."""


class SoundKeeper(Protocol):
    """Keeps sound files under their SM3 and makes speech."""

    async def keep(self, data: bytes, name: str, digest: str) -> Media:
        """Store a sound file durably. Raises UnusableSound."""

    async def speak(self, text: str, *, alarm: bool) -> Media:
        """Make sound from text; `alarm` puts the siren before it, which no drill may have (I5).

        Raises UnusableSound.
        """


@dataclass(frozen=True, slots=True)
class Ordered:
    """What came in one package: who ordered it, when its last byte arrived (UTC seconds), and its files."""

    ebm: Ebm
    ebd_id: EbdId
    peer: ResourceCode
    received_at: float
    files: Mapping[str, bytes]


class Intake:
    """Builds alerts for one county."""

    def __init__(self, county: AreaCode, known: Callable[[AreaCode], bool], language: str, sounds: SoundKeeper) -> None:
        self._county = county
        self._known = known
        self._language = language
        self._sounds = sounds

    async def alert(self, ordered: Ordered, now_s: float) -> Alert:
        """The alert that a message orders. Raises InvalidAlert for one that cannot be carried out as written."""
        ebm = ordered.ebm
        if ebm.basic is None or not ebm.contents:
            raise InvalidAlert("a broadcast needs MsgBasicInfo and MsgContent")
        ebm_id, basic, content = _ebm_id(ebm.ebm_id), ebm.basic, self._content(ebm)
        severity = 0 if basic.severity is None else basic.severity
        class_, level, depth = classify(ebm_id, basic.msg_type, severity)
        areas = resolve_areas(content.area_codes, self._county, self._known)
        if len(areas.dropped) > DROPPED_AREAS_MAX:
            log.warning("areas.dropped", alert=ebm_id, named=DROPPED_AREAS_MAX, dropped=len(areas.dropped))
        window = _window(basic)
        needs_sound = bool(areas.inside) and now_s < window.end
        alarm = sounds_alarm(class_, level)
        media, stream_url = await self._sound(ordered, content, alarm) if needs_sound else (None, "")
        return Alert(
            id=ebm_id,
            origin=Origin.UPSTREAM,
            class_=class_,
            level=level,
            depth=depth,
            event_type=_event_type(basic),
            window=window,
            areas=areas.inside,
            dropped_areas=tuple(code[:DROPPED_CHARACTERS_MAX] for code in areas.dropped[:DROPPED_AREAS_MAX]),
            title=content.title[:TITLE_CHARACTERS_MAX],
            text=content.desc[:TEXT_CHARACTERS_MAX],
            agency=basic.sender_name[:TITLE_CHARACTERS_MAX],
            language=language_of(content.language_code),
            media=media,
            stream_url=stream_url,
            received_at=ordered.received_at,
            author=ordered.peer,
            peer=ordered.peer,
            ebd_id=ordered.ebd_id,
            replaces=_replaced(ebm),
            sender_code=basic.sender_code[:TITLE_CHARACTERS_MAX],
            sent_at=basic.send_time,
        )

    def areas(self, written: tuple[str, ...]) -> ResolvedAreas:
        """Area codes as this county understands them (I2)."""
        return resolve_areas(written, self._county, self._known)

    def _content(self, ebm: Ebm) -> MsgContent:
        """The content in the county's language, else the first one."""
        return next((c for c in ebm.contents if c.language_code == self._language), ebm.contents[0])

    async def _sound(self, ordered: Ordered, content: MsgContent, alarm: bool) -> tuple[Media | None, str]:
        """The programme file, a stream, or the spoken text. A file that is not what was signed is never played (I9)."""
        for auxiliary in content.auxiliaries:
            if auxiliary.type == AUXILIARY_STREAM:
                if _STREAM.fullmatch(auxiliary.desc):
                    return None, auxiliary.desc
                log.error("stream.refused", alert=ordered.ebm.ebm_id, address=auxiliary.desc[:200])
            if auxiliary.type in AUXILIARY_SOUND_FILES and (data := _file(ordered.files, auxiliary)) is not None:
                try:
                    return await self._sounds.keep(data, auxiliary.desc, auxiliary.digest), ""
                except UnusableSound as error:
                    log.error("sound.refused", alert=ordered.ebm.ebm_id, file=auxiliary.desc, reason=str(error))
        words = content.desc or content.title
        if len(words) > SPOKEN_CHARACTERS_MAX:
            log.warning("speech.cut", alert=ordered.ebm.ebm_id, characters=len(words), spoken=SPOKEN_CHARACTERS_MAX)
        return await self._sounds.speak(words[:SPOKEN_CHARACTERS_MAX], alarm=alarm), ""


def cancel_target(ebm: Ebm) -> EbmId | None:
    """Which message a cancel means: the related one, else the one of its own id. None for any other message."""
    if ebm.basic is None or ebm.basic.msg_type != MSG_TYPE_CANCEL:
        return None
    return _ebm_id(ebm.related_ebm_id or ebm.ebm_id)


def _ebm_id(text: str) -> EbmId:
    try:
        ebm_id = EbmId(text)
    except InvalidCode as error:
        raise InvalidAlert(str(error)) from None
    if ebm_id == EbmId.EVERYTHING:
        raise InvalidAlert("an EBM id of zeros means every message to a device; no message may carry it")
    return ebm_id


def _replaced(ebm: Ebm) -> EbmId | None:
    """The message that this one takes the place of; one that names itself replaces nothing."""
    if not ebm.related_ebm_id or ebm.related_ebm_id == ebm.ebm_id:
        return None
    return _ebm_id(ebm.related_ebm_id)


def language_of(code: str | None) -> str:
    """Three letters of ISO 639-2, as every frame has room for; what peers write otherwise ("zh-CN") is Chinese."""
    return code.lower() if code and len(code) == 3 and code.isascii() and code.isalpha() else LANGUAGE_DEFAULT


def _window(basic: MsgBasicInfo) -> Window:
    if basic.start_time is None or basic.end_time is None:
        raise InvalidAlert("a broadcast needs StartTime and EndTime")
    return Window(max(basic.start_time, 0), min(basic.end_time, SECONDS_32_MAX))


def _event_type(basic: MsgBasicInfo) -> str:
    """Five characters; anything else becomes "other incident" (GD/J 082 table C.1), and stays readable in the title."""
    text = basic.event_type or ""
    return text if len(text) == 5 and text.isascii() else "90000"


def _file(files: Mapping[str, bytes], auxiliary: Auxiliary) -> bytes | None:
    """The package entry an auxiliary names, with or without its path and prefix."""
    wanted = auxiliary.desc.replace("\\", "/").rsplit("/", 1)[-1]
    for name, data in files.items():
        if name in (wanted, f"EBDR_{wanted}"):
            return data
    return None
