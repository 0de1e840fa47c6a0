"""Computed tones."""

from __future__ import annotations

import array
from itertools import pairwise

import pytest

from devices.audio.pcm import Pcm
from devices.audio.tones import TONE_S_MAX, Tone, tone


def samples(sound: Pcm) -> array.array[int]:
    return array.array("h", sound.samples)


def crossings(sound: Pcm, start_s: float, end_s: float) -> int:
    """Upward zero crossings: the pitch, counted."""
    part = samples(sound)[round(start_s * sound.rate_hz) : round(end_s * sound.rate_hz)]
    return sum(one < 0 <= two for one, two in pairwise(part))


@pytest.mark.parametrize("kind", Tone)
def test_a_tone_has_its_length_starts_silent_and_never_clips(kind: Tone) -> None:
    sound = tone(kind, 0.5, 16_000)
    assert sound.duration_s == pytest.approx(0.5)
    wave = samples(sound)
    assert (wave[0], wave[-1]) == (0, 0)
    assert 8_000 < max(wave) < 20_000


def test_the_test_tone_is_one_kilohertz() -> None:
    assert crossings(tone(Tone.TEST, 1.0, 16_000), 0.1, 0.9) == pytest.approx(800, abs=2)


def test_the_siren_rises_and_falls() -> None:
    siren = tone(Tone.SIREN, 2.0, 16_000)
    low, high = crossings(siren, 0.0, 0.2), crossings(siren, 0.9, 1.1)
    assert low < 130 < 200 < high


def test_i5_a_drill_does_not_sound_like_an_alarm() -> None:
    assert tone(Tone.CHIME, 1.0, 16_000).samples != tone(Tone.SIREN, 1.0, 16_000).samples


@pytest.mark.parametrize("duration_s", [0, -1, TONE_S_MAX + 1])
def test_lengths_out_of_bounds_are_refused(duration_s: float) -> None:
    with pytest.raises(ValueError, match="tone of"):
        tone(Tone.TEST, duration_s, 16_000)
