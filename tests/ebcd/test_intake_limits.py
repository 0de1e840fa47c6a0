"""Messages at the edge of what devices and the journal can carry: cut, refused or taken, and never a silent county."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from ebcd.alert import Alert, Media, resolve_areas
from ebcd.errors import InvalidAlert
from ebcd.intake import DROPPED_AREAS_MAX, SECONDS_32_MAX, SPOKEN_CHARACTERS_MAX, Intake, Ordered
from ebcd.store.events import PAYLOAD_BYTES_MAX, canonical
from protocols.codes import AreaCode, EbdId, EbmId
from protocols.ebd.messages import Auxiliary, Ebm, MsgBasicInfo, MsgContent
from tests.ebcd.county import COUNTY, PROVINCE, VILLAGE_A1

NOW = 1_760_000_000
EBM = EbmId(f"{PROVINCE}202510090001")


class Voice:
    """Remembers what it was to say."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def keep(self, data: bytes, name: str, digest: str) -> Media:
        return Media("1" * 64, name, len(data), False)

    async def speak(self, text: str, *, alarm: bool) -> Media:
        self.said.append(text)
        return Media("2" * 64, "spoken.mp3", len(text), True)


def alert_of(
    voice: Voice | None = None,
    *,
    content: MsgContent | None = None,
    basic: MsgBasicInfo | None = None,
    ebm_id: str = EBM,
    related: str | None = None,
) -> Alert:
    said = content or MsgContent("zho", "暴雨", "转移。", (VILLAGE_A1,))
    info = basic or MsgBasicInfo(1, "省应急", PROVINCE, NOW, "11A01", 1, NOW, NOW + 60)
    intake = Intake(COUNTY, lambda area: area.startswith(COUNTY.stem), "zho", voice or Voice())
    ebd_id = EbdId.build(EbdId.MESSAGE, PROVINCE, 1)
    ordered = Ordered(Ebm(ebm_id, info, (said,), related_ebm_id=related), ebd_id, PROVINCE, NOW, {})
    return asyncio.run(intake.alert(ordered, NOW))


def test_of_a_text_too_long_to_speak_the_beginning_is_spoken() -> None:
    voice = Voice()
    alert_of(voice, content=MsgContent("zho", "暴雨", "洪水来了，" * 2000, (VILLAGE_A1,)))
    (said,) = voice.said
    assert len(said) == SPOKEN_CHARACTERS_MAX


@pytest.mark.parametrize(
    ("written", "sent"), [("zho", "zho"), ("ENG", "eng"), ("zh-CN", "zho"), ("中文字", "zho"), ("", "zho")]
)
def test_a_language_is_three_letters_whatever_a_peer_writes(written: str, sent: str) -> None:
    assert alert_of(content=MsgContent(written, "暴雨", "转移。", (VILLAGE_A1,))).language == sent


def test_i3_a_window_for_ever_is_cut_to_what_a_frame_can_say() -> None:
    basic = MsgBasicInfo(1, "省应急", PROVINCE, NOW, "11A01", 1, -300_000_000, 253_402_271_999)
    window = alert_of(basic=basic).window
    assert (window.start, window.end) == (0, SECONDS_32_MAX)
    with pytest.raises(InvalidAlert):
        alert_of(basic=replace(basic, start_time=SECONDS_32_MAX))


def test_the_id_that_means_every_message_is_refused() -> None:
    with pytest.raises(InvalidAlert, match="every message"):
        alert_of(ebm_id=EbmId.EVERYTHING)
    with pytest.raises(InvalidAlert, match="every message"):
        alert_of(related=EbmId.EVERYTHING)


def test_an_alert_fits_its_journal_entry_however_much_is_written() -> None:
    content = MsgContent(
        "zho", '"' * 400_000, '"' * 400_000, (VILLAGE_A1, *("7" * 300_000 for _ in range(3)), *["1"] * 300_000)
    )
    basic = MsgBasicInfo(1, '"' * 200_000, PROVINCE, NOW, "11A01", 1, NOW, NOW + 60)
    alert = alert_of(content=content, basic=basic)
    assert alert.areas == (VILLAGE_A1,)
    assert len(alert.dropped_areas) == DROPPED_AREAS_MAX
    assert len(canonical(alert.to_json())) < PAYLOAD_BYTES_MAX // 4


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://邪/a", "rtp://" + "x" * 600, "rtp://239.0.0.1 5004", ""])
def test_what_no_device_can_join_is_passed_over_and_the_text_spoken(url: str) -> None:
    voice = Voice()
    content = MsgContent("zho", "暴雨", "转移。", (VILLAGE_A1,), auxiliaries=(Auxiliary(61, url),))
    assert alert_of(voice, content=content).stream_url == ""
    assert voice.said == ["转移。"]


def test_i6_folding_ten_thousand_villages_looks_at_each_once() -> None:
    looks = 0

    def known(_area: AreaCode) -> bool:
        nonlocal looks
        looks += 1
        return True

    written = [f"{COUNTY[:6]}{n:06d}" for n in range(1, 10_001)]
    found = resolve_areas([*written, COUNTY], COUNTY, known)
    assert (found.inside, looks) == ((COUNTY,), 10_000)
    assert len(resolve_areas(written, COUNTY, known).inside) < 10_000
