"""Uncompressed sound."""

from __future__ import annotations

import io
import wave

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.audio.pcm import NotAudio, Pcm


@given(st.binary(max_size=400), st.sampled_from([8000, 22050, 48000]))
def test_wav_keeps_every_sample(raw: bytes, rate_hz: int) -> None:
    sound = Pcm(raw[: len(raw) // 2 * 2], rate_hz)
    assert Pcm.from_wav(sound.to_wav()) == sound


@given(st.binary(max_size=100))
def test_any_bytes_are_a_wav_file_or_not_audio(data: bytes) -> None:
    for text in (data, Pcm(b"\0\0" * 50, 8000).to_wav()[: len(data)] + data):
        try:
            sound = Pcm.from_wav(text)
        except NotAudio:
            continue
        assert Pcm.from_wav(sound.to_wav()) == sound


def test_stereo_is_refused_by_name() -> None:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(40))
    with pytest.raises(NotAudio, match="2 channels of 16 bits"):
        Pcm.from_wav(out.getvalue())


def test_sounds_follow_each_other_with_a_pause() -> None:
    one, two = Pcm(b"\1\0" * 800, 8000), Pcm(b"\2\0" * 400, 8000)
    whole = one.then(two, pause_s=0.05)
    assert whole.duration_s == pytest.approx(0.1 + 0.05 + 0.05)
    assert whole.samples == one.samples + bytes(800) + two.samples
    with pytest.raises(ValueError, match="16000 Hz does not follow 8000 Hz"):
        one.then(Pcm(b"", 16000))


@pytest.mark.parametrize(("samples", "rate_hz"), [(b"\0", 8000), (b"", 0)])
def test_half_samples_and_no_rate_are_refused(samples: bytes, rate_hz: int) -> None:
    with pytest.raises(ValueError, match="no 16-bit samples"):
        Pcm(samples, rate_hz)
