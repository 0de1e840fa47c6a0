"""What a message of the province becomes: language, areas, window, sound."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ebcd.alert import Alert, AlertClass, DrillDepth, Origin, Window
from ebcd.errors import InvalidAlert
from ebcd.intake import TEXT_CHARACTERS_MAX, Intake, Ordered, UnusableSound, cancel_target
from protocols.codes import EbdId
from protocols.ebd.messages import Auxiliary, Ebm, MsgContent
from tests.ebcd.county import COUNTY, PROVINCE, TOWN_A, VILLAGE_A1, all_ip, small_county
from tests.ebcd.office import Speaker, ebm_id, message, sound_file

NOW = 1_760_000_000
EBD = EbdId.build(EbdId.MESSAGE, PROVINCE, 1)
INVENTORY = small_county(all_ip)


class Desk:
    """An intake and its sound keeper."""

    def __init__(self, language: str = "zho") -> None:
        self.sounds = Speaker()
        self.intake = Intake(COUNTY, lambda area: bool(INVENTORY.places_in(area)), language, self.sounds)

    def alert(self, ebm: Ebm, files: Mapping[str, bytes] | None = None, now_s: float = NOW) -> Alert:
        """Keeping and speaking never wait here."""
        return asyncio.run(self.intake.alert(Ordered(ebm, EBD, PROVINCE, NOW - 0.5, files or {}), now_s))


def with_basic(ebm: Ebm, **changes: Any) -> Ebm:
    assert ebm.basic is not None
    return replace(ebm, basic=replace(ebm.basic, **changes))


def test_a_message_becomes_an_alert_with_everything_it_says() -> None:
    alert = Desk().alert(message(1, NOW, area_codes=(TOWN_A, "350000")))
    assert (alert.id, alert.origin, alert.class_, alert.level) == (ebm_id(1), Origin.UPSTREAM, AlertClass.EMERGENCY, 1)
    assert (alert.areas, alert.dropped_areas) == ((TOWN_A,), ("350000",))
    assert alert.window == Window(NOW, NOW + 60)
    assert (alert.peer, alert.author, alert.ebd_id, alert.received_at) == (PROVINCE, PROVINCE, EBD, NOW - 0.5)
    assert (alert.title, alert.text, alert.agency, alert.event_type) == ("暴雨", "转移。", "省应急", "11A01")


@pytest.mark.requirement("R-SYS-03")
@pytest.mark.clause("GD/J 082 LanguageCode")
@pytest.mark.parametrize(("language", "title"), [("zho", "暴雨"), ("bod", "ཆར"), ("uig", "rain")])
def test_the_countys_language_is_chosen_and_else_the_first(language: str, title: str) -> None:
    ebm = message(1, NOW)
    contents = tuple(
        MsgContent(language_code=code, title=words, desc=words, area_codes=(VILLAGE_A1,))
        for code, words in (("eng", "rain"), ("bod", "ཆར"), ("zho", "暴雨"))
    )
    alert = Desk(language).alert(replace(ebm, contents=contents))
    assert alert.title == title


# ---- sound -----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-SYS-02", "R-PLT-06")
def test_a_text_is_spoken_with_the_siren_for_the_severe_only() -> None:
    desk = Desk()
    alert = desk.alert(message(1, NOW))
    assert desk.sounds.spoken == ["转移。"]
    assert alert.media is not None
    assert alert.media.spoken


def test_a_message_without_a_text_speaks_its_title() -> None:
    desk = Desk()
    desk.alert(message(1, NOW, desc=""))
    assert desk.sounds.spoken == ["暴雨"]


@pytest.mark.requirement("R-SYS-02")
@pytest.mark.clause("GD/J 082 Auxiliary")
@pytest.mark.parametrize("name", ["a.mp3", "EBDR_a.mp3"])
@pytest.mark.parametrize("desc", ["a.mp3", "files/a.mp3", "files\\a.mp3"])
def test_the_programme_file_is_found_with_or_without_path_and_prefix(name: str, desc: str) -> None:
    desk = Desk()
    alert = desk.alert(message(1, NOW, auxiliaries=(sound_file(desc),)), {name: b"sound"})
    assert desk.sounds.kept == [(desc, "ab" * 32)]
    assert desk.sounds.spoken == []
    assert alert.media is not None
    assert not alert.media.spoken


def test_i9_a_file_whose_digest_differs_is_never_played_and_the_text_is_spoken_instead() -> None:
    desk = Desk()
    desk.sounds.refuses.add("a.mp3")
    alert = desk.alert(message(1, NOW, auxiliaries=(sound_file("a.mp3"),)), {"a.mp3": b"changed"})
    assert desk.sounds.spoken == ["转移。"]
    assert alert.media is not None
    assert alert.media.spoken


def test_a_file_that_is_not_in_the_package_is_replaced_by_the_spoken_text() -> None:
    desk = Desk()
    desk.alert(message(1, NOW, auxiliaries=(sound_file("a.mp3"),)), {"b.mp3": b"sound"})
    assert desk.sounds.spoken == ["转移。"]


def test_a_stream_is_passed_on_and_nothing_is_kept() -> None:
    desk = Desk()
    alert = desk.alert(message(1, NOW, auxiliaries=(Auxiliary(61, "rtp://239.0.0.1:5004"),)))
    assert (alert.stream_url, alert.media) == ("rtp://239.0.0.1:5004", None)
    assert (desk.sounds.kept, desk.sounds.spoken) == ([], [])


@pytest.mark.parametrize(
    "address", ["udp://@5004", "udp://@:5004", "udp://239.0.0.1:5004", "ftp://x/y", "rtp://", "音"]
)
def test_i8_a_stream_that_nobody_could_hear_is_replaced_by_the_spoken_text(address: str) -> None:
    desk = Desk()
    alert = desk.alert(message(1, NOW, auxiliaries=(Auxiliary(61, address),)))
    assert alert.stream_url == ""
    assert desk.sounds.spoken == ["转移。"]


def test_pictures_are_passed_over() -> None:
    desk = Desk()
    desk.alert(message(1, NOW, auxiliaries=(Auxiliary(21, "map.png"),)), {"map.png": b"picture"})
    assert desk.sounds.spoken == ["转移。"]


def test_a_text_that_cannot_be_spoken_is_told() -> None:
    desk = Desk()
    desk.sounds.refuses.add("转移。")
    with pytest.raises(UnusableSound, match="no voice"):
        desk.alert(message(1, NOW))


@pytest.mark.parametrize("nobody", [{"area_codes": ("350000",)}, {}])
def test_no_sound_is_made_for_what_will_not_be_heard(nobody: dict[str, Any]) -> None:
    desk = Desk()
    alert = desk.alert(message(1, NOW, **nobody), now_s=NOW if nobody else NOW + 60)
    assert alert.media is None
    assert desk.sounds.spoken == []


# ---- what is not as it should be -------------------------------------------------------------------------------------


def test_a_broadcast_without_times_or_contents_is_refused() -> None:
    ebm = message(1, NOW)
    for bad in (with_basic(ebm, start_time=None), with_basic(ebm, end_time=None), replace(ebm, contents=())):
        with pytest.raises(InvalidAlert, match="a broadcast needs"):
            Desk().alert(bad)


def test_i3_a_window_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(InvalidAlert, match="later end"):
        Desk().alert(with_basic(message(1, NOW), end_time=NOW))


def test_i2_a_broadcast_without_areas_is_refused() -> None:
    with pytest.raises(InvalidAlert, match="names no area"):
        Desk().alert(message(1, NOW, area_codes=()))


@pytest.mark.parametrize("ids", [{"ebm_id": "12"}, {"related_ebm_id": "x" * 35}])
def test_ids_that_are_none_are_refused(ids: dict[str, str]) -> None:
    with pytest.raises(InvalidAlert):
        Desk().alert(replace(message(1, NOW), **ids))  # type: ignore[arg-type]


@pytest.mark.clause("GD/J 082 EventType")
@pytest.mark.parametrize("event_type", [None, "", "11A", "暴雨洪水灾"])
def test_an_event_type_that_is_none_becomes_other_incident(event_type: str | None) -> None:
    assert Desk().alert(with_basic(message(1, NOW), event_type=event_type)).event_type == "90000"


def test_a_message_without_severity_has_the_least_level() -> None:
    assert Desk().alert(with_basic(message(1, NOW), severity=None)).level == 4


def test_i5_a_drill_says_how_deep_it_goes() -> None:
    alert = Desk().alert(with_basic(message(1, NOW), msg_type=4))
    assert (alert.class_, alert.depth) == (AlertClass.SIMULATED_DRILL, DrillDepth.HEADEND)


def test_what_is_kept_of_a_text_is_bounded() -> None:
    assert len(Desk().alert(message(1, NOW, desc="长" * 5000)).text) == TEXT_CHARACTERS_MAX


def test_an_update_names_the_message_it_replaces() -> None:
    assert Desk().alert(message(2, NOW, related=ebm_id(1))).replaces == ebm_id(1)


def test_a_message_that_names_itself_replaces_nothing() -> None:
    assert Desk().alert(message(1, NOW, related=ebm_id(1))).replaces is None


# ---- cancels ---------------------------------------------------------------------------------------------------------


@pytest.mark.clause("GD/J 082 RelatedInfo")
def test_a_cancel_means_the_related_message_and_else_its_own_id() -> None:
    assert cancel_target(message(2, NOW, msg_type=2, related=ebm_id(1))) == ebm_id(1)
    assert cancel_target(message(2, NOW, msg_type=2)) == ebm_id(2)


def test_other_messages_cancel_nothing() -> None:
    assert cancel_target(message(2, NOW, related=ebm_id(1))) is None
    assert cancel_target(Ebm(ebm_id(1))) is None


def test_a_cancel_of_what_is_no_id_is_refused() -> None:
    with pytest.raises(InvalidAlert):
        cancel_target(message(2, NOW, msg_type=2, related="17"))
