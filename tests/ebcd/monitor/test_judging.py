"""A copy counts only where it is the sound that was ordered; silence, another text and a short piece prove nothing."""

from __future__ import annotations

import pytest

from devices.audio.likeness import likeness, shape_of
from ebcd.monitor.judging import HEARD_S_MIN, judge
from tests.ebcd.monitor.sounds import mp3, tone

SENT = mp3(1, 20.0)


def test_another_codec_rate_another_gain_and_a_late_begin_are_the_same_sound() -> None:
    quieter = mp3(1, 20.0, 0.05, 32_000)
    found = judge(quieter[len(quieter) // 5 :], 0.0, SENT, 12.0)
    assert found.why == "same"
    assert found.seconds == pytest.approx(12.0, abs=0.2)
    assert found.likeness > 0.9


def test_a_file_that_is_repeated_is_heard_over_its_end() -> None:
    short = mp3(3, 6.0)
    assert judge(short[len(short) // 2 :] + short, 0.0, short, 8.0).why == "same"


@pytest.mark.parametrize("seed", range(2, 12))
def test_i8_another_text_is_never_the_same(seed: int) -> None:
    found = judge(mp3(seed, 13.0), 0.0, SENT, 12.0)
    assert found.why == "other"
    assert found.likeness < 0.6


@pytest.mark.parametrize(
    ("copy", "why"),
    [
        (b"", "nothing"),
        (b"no MPEG audio at all" * 100, "nothing"),
        (tone(12.0, 0.0), "silent"),
        (mp3(1, 20.0, 0.001), "silent"),
        (tone(12.0, 0.3), "other"),
        (mp3(1, HEARD_S_MIN - 1), "short"),
    ],
)
def test_i8_what_has_no_shape_proves_nothing(copy: bytes, why: str) -> None:
    assert judge(copy, 0.0, SENT, 12.0).why == why


def test_i8_a_copy_with_too_many_losses_proves_nothing() -> None:
    assert judge(SENT, 0.3, SENT, 12.0).why == "losses"


def test_a_steady_tone_resembles_nothing_not_even_itself() -> None:
    shape = shape_of(tone(12.0, 0.3), 12.0)
    assert likeness(shape, shape) == 0.0
