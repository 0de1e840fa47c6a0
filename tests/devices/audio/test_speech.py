"""Speech in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from devices.audio import speech
from devices.audio.announcement import announce
from devices.audio.encode import probe
from devices.audio.speech import TEXT_CHARACTERS_MAX, SpeechFailed, Voice, speak
from devices.audio.tones import Tone

WARNING = "暴雨橙色预警：请低洼地区群众立即转移。"


@pytest.mark.real
def test_a_chinese_sentence_is_spoken() -> None:
    sound = speak(WARNING)
    assert 3 < sound.duration_s < 15
    assert max(sound.samples) > 0


@pytest.mark.real
def test_a_slower_voice_takes_longer() -> None:
    slow, fast = (speak(WARNING, Voice(speed_wpm=speed)).duration_s for speed in (110, 220))
    assert slow > 1.3 * fast


@pytest.mark.real
def test_text_is_text_whatever_stands_in_it() -> None:
    assert speak('<break time="90s"/> [[h@l]] & \x00\x1b[0m 停').duration_s < 30


@pytest.mark.requirement("R-PLT-06", "R-X-07")
@pytest.mark.real
def test_an_announcement_is_an_mp3_with_its_tone_and_repeats() -> None:
    once = announce(WARNING)
    twice = announce(WARNING, before=Tone.SIREN, tone_s=2.0, repeats=2)
    assert probe(twice.mp3).duration_s == pytest.approx(twice.duration_s, abs=0.2)
    assert twice.duration_s == pytest.approx(2 * once.duration_s + 2.0 + 1.6, abs=0.1)


@pytest.mark.real
def test_an_unknown_voice_is_told_by_name() -> None:
    with pytest.raises(SpeechFailed, match="no voice qqq"):
        speak(WARNING, Voice(language="qqq"))


@pytest.mark.real
def test_the_engine_is_never_loaded_into_this_process() -> None:
    speak(WARNING)
    assert "espeakng_loader" not in sys.modules
    assert "libespeak-ng" not in Path("/proc/self/maps").read_text()


@pytest.mark.real
def test_a_child_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "_CHILD", "asyncio")  # an interpreter that waits for more
    with pytest.raises(SpeechFailed, match=r"longer than 0\.01 s"):
        speak(WARNING, timeout_s=0.01)


@pytest.mark.real
@pytest.mark.parametrize(("child", "said"), [("this", "no WAV file"), ("no_such_module_anywhere", "status 1")])
def test_a_child_that_answers_nonsense_or_fails_is_told(child: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "_CHILD", child)
    with pytest.raises(SpeechFailed, match=said):
        speak(WARNING)


def test_the_child_sees_no_secret_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    def run(*_arguments: object, **options: object) -> SimpleNamespace:
        seen.update(options)
        return SimpleNamespace(returncode=1, stderr=b"", stdout=b"")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv("EBCD_KEY_PASSPHRASE", "geheim")
    with pytest.raises(SpeechFailed, match="no reason given"):
        speak(WARNING)
    assert "geheim" not in str(seen)


@pytest.mark.parametrize("text", ["", "  \n", "！！！", "\x00"])
def test_a_text_without_words_is_refused(text: str) -> None:
    with pytest.raises(SpeechFailed, match="nothing that can be spoken"):
        speak(text)


def test_a_text_that_is_too_long_is_refused_by_its_length() -> None:
    with pytest.raises(SpeechFailed, match=f"{TEXT_CHARACTERS_MAX} can be spoken"):
        speak("雨" * (TEXT_CHARACTERS_MAX + 1))


@pytest.mark.parametrize(
    "wrong", [{"language": "../x"}, {"language": ""}, {"speed_wpm": 79}, {"pitch": 100}, {"volume": -1}]
)
def test_voices_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="voice"):
        Voice(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("repeats", [0, 11])
def test_repeats_out_of_range_are_refused(repeats: int) -> None:
    with pytest.raises(ValueError, match="repeats"):
        announce(WARNING, repeats=repeats)
