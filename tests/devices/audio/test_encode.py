"""MP3 out, and files from outside judged by decoding them."""

from __future__ import annotations

import io
from pathlib import Path

import av
import pytest
from av.audio.stream import AudioStream
from hypothesis import given
from hypothesis import strategies as st

from devices.audio import encode
from devices.audio.encode import as_mp3, format_of, probe, to_mp3
from devices.audio.pcm import AudioError, NotAudio, Pcm
from devices.audio.tones import Tone, tone
from protocols.rtp import mpeg_frames

SOUND = tone(Tone.TEST, 2.0, 22_050)
MP3 = to_mp3(SOUND)


def other(container: str, codec: str) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format=container) as made:
        stream = made.add_stream(codec, rate=44_100, layout="mono")
        assert isinstance(stream, AudioStream)
        with av.open(io.BytesIO(SOUND.to_wav()), "r", format="wav") as source:
            resampler = av.AudioResampler(format="s16" if codec == "flac" else "fltp", layout="mono", rate=44_100)
            for frame in source.decode(audio=0):
                for ready in resampler.resample(frame):
                    made.mux(stream.encode(ready))
        made.mux(stream.encode(None))
    return out.getvalue()


@pytest.mark.requirement("R-X-26")
def test_an_mp3_has_the_length_of_its_sound_and_the_rate_asked_for() -> None:
    found = probe(MP3)
    assert (found.format, found.rate_hz, found.channels) == ("mp3", 22_050, 1)
    assert found.duration_s == pytest.approx(2.0, abs=0.15)  # the encoder's delay and the last frame's filling
    assert len(MP3) * 8 / found.duration_s == pytest.approx(48_000, rel=0.02)


def test_a_long_file_is_proved_by_its_beginning_where_that_is_enough() -> None:
    begun = probe(MP3, enough_s=0.5)
    assert begun.duration_s == pytest.approx(0.5, abs=0.06)


def test_equal_sounds_give_equal_files() -> None:
    assert to_mp3(SOUND) == MP3


@pytest.mark.parametrize(
    ("container", "codec"), [("wav", "pcm_s16le"), ("flac", "flac"), ("adts", "aac"), ("mp2", "mp2")]
)
def test_any_file_that_we_play_becomes_an_mp3_that_every_device_plays(container: str, codec: str) -> None:
    made = as_mp3(SOUND.to_wav() if container == "wav" else other(container, codec))
    found = probe(made)
    assert (found.codec, found.rate_hz, found.channels) == ("mp3float", 48_000, 1)
    assert found.duration_s == pytest.approx(2.0, abs=0.15)
    assert b"".join(frame.data for frame in mpeg_frames(made)) == made


def test_what_is_mp3_already_stays_as_it_is() -> None:
    assert as_mp3(MP3) is MP3


@given(
    st.binary(max_size=200),
    st.sampled_from([b"RIFF\0\0\0\0WAVE", b"OggS", b"fLaC", b"ID3", b"\xff\xf1", b"\xff\xfd", b""]),
)
def test_what_is_no_sound_makes_no_mp3(data: bytes, head: bytes) -> None:
    try:
        made = as_mp3(head + data)
    except AudioError:
        return
    assert isinstance(made, bytes)


def test_a_rate_that_mp3_lacks_is_refused() -> None:
    with pytest.raises(AudioError, match="11000 Hz"):
        to_mp3(Pcm(bytes(2000), 11_000))


@pytest.mark.parametrize(
    ("data", "format_"),
    [
        (SOUND.to_wav(), "wav"),
        (other("adts", "aac"), "aac"),
        (other("flac", "flac"), "flac"),
        (other("ogg", "flac"), "ogg"),
    ],
    ids=["wav", "aac", "flac", "ogg"],
)
def test_other_sound_files_are_known_too(data: bytes, format_: str) -> None:
    found = probe(data)
    assert found.format == format_
    assert found.duration_s == pytest.approx(2.0, abs=0.15)


def test_the_length_is_what_is_there_not_what_the_head_promises() -> None:
    half = probe(SOUND.to_wav()[: 44 + 22_050 * 2])
    assert half.duration_s == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<?xml version='1.0'?><EBD/>",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ID3" + bytes(500),
        b"\xff\xfb" + bytes(2000),
        b"\xff\xf1" + bytes(2000),
        b"OggS" + bytes(500),
        b"fLaC" + bytes(500),
        b"RIFF\0\0\0\0WAVE" + bytes(500),
    ],
)
def test_what_is_no_sound_is_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(NotAudio, match="file"):
        probe(data)


@given(
    st.sampled_from([b"", b"ID3\3\0\0\0\0\0\x7f", b"\xff\xfb\x50\xc4", b"\xff\xf1", b"OggS\0\2", b"fLaC"]),
    st.binary(max_size=400),
)
def test_any_bytes_are_sound_or_not_audio(start: bytes, rest: bytes) -> None:
    try:
        found = probe(start + rest)
    except NotAudio:
        return
    assert found.duration_s > 0


@given(st.integers(0, len(MP3) - 1), st.binary(min_size=1, max_size=60))
def test_a_damaged_mp3_is_sound_or_not_audio(at: int, noise: bytes) -> None:
    try:
        found = probe(MP3[:at] + noise + MP3[at + len(noise) :])
    except NotAudio:
        return
    assert found.duration_s < 4


def test_ffmpeg_is_never_left_to_guess_a_playlist(tmp_path: Path) -> None:
    (tmp_path / "secret.wav").write_bytes(SOUND.to_wav())
    playlist = f"ffconcat version 1.0\nfile '{tmp_path}/secret.wav'\n".encode()
    assert format_of(playlist) is None
    with pytest.raises(NotAudio, match="neither MP3"):
        probe(playlist)


def test_files_beyond_the_limits_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "DURATION_S_MAX", 1.0)
    with pytest.raises(NotAudio, match="longer than"):
        probe(MP3)
    monkeypatch.setattr(encode, "FILE_BYTES_MAX", 100)
    with pytest.raises(NotAudio, match="100 are the limit"):
        probe(MP3)
