"""MP3 out, and proof that a file from outside is the sound it claims to be. FFmpeg's codecs through PyAV."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from av.error import FFmpegError

from devices.audio.pcm import AudioError, NotAudio, Pcm

MP3_BIT_RATE = 48_000  # bit/s: speech through horns gains nothing above
MP3_EFFORT = "7"  # LAME -q 7: half the time of its usual 5, and an alert waits for it (1.5 s for 100 s of speech)
CONVERTED_BIT_RATE, CONVERTED_RATE_HZ = 64_000, 48_000  # what every IP terminal and adapter plays
MP3_RATES_HZ = (16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
FILE_BYTES_MAX = 100_000_000
DURATION_S_MAX = 4 * 3600.0
DAMAGED_PACKETS_MAX = 10  # of captures and cut files; more is another thing than sound
_FRAME_SAMPLES = 1152


@dataclass(frozen=True, slots=True)
class Probe:
    """What a sound file really is."""

    format: str  # mp3, wav, aac, ogg, flac
    codec: str
    duration_s: float  # of what can be decoded, not what the head promises
    rate_hz: int
    channels: int


def to_mp3(sound: Pcm, *, bit_rate: int = MP3_BIT_RATE) -> bytes:
    """Constant-rate mono MP3 without tags, so that equal sounds give equal files. Raises AudioError."""
    if sound.rate_hz not in MP3_RATES_HZ:
        raise AudioError(f"{sound.rate_hz} Hz is no rate for MP3; use one of {MP3_RATES_HZ}")
    out = io.BytesIO()
    try:
        options = {"write_xing": "0", "id3v2_version": "0"}
        with av.open(out, "w", format="mp3", options=options) as container:
            effort = {"compression_level": MP3_EFFORT}
            stream = container.add_stream(
                "libmp3lame", rate=sound.rate_hz, options=effort, layout="mono", format="s16p"
            )
            stream.bit_rate = bit_rate
            step = 2 * _FRAME_SAMPLES
            for start in range(0, len(sound.samples), step):
                container.mux(stream.encode(_frame(sound, start, step)))
            container.mux(stream.encode(None))
    except FFmpegError as error:
        raise AudioError(f"the sound cannot be made an MP3: {error}") from error
    return out.getvalue()


def as_mp3(data: bytes) -> bytes:
    """Any file that we play as MP3: what is MP3 already stays as it is, byte for byte. Raises AudioError."""
    name = format_of(data)
    if name is None:
        raise NotAudio(f"the file starts with {data[:8].hex() or 'nothing'}: no sound that we play")
    try:
        with av.open(io.BytesIO(data), "r", format=name) as source:
            if source.streams.audio and source.streams.audio[0].codec_context.name.startswith("mp3"):
                return data
            return _converted(source, name)
    except (FFmpegError, ValueError, EOFError) as error:
        raise AudioError(f"the {name} file cannot be made an MP3: {error}") from error


def _converted(source: InputContainer, name: str) -> bytes:
    """Frame by frame, so that a long file takes no room as samples. Raises AudioError, and what FFmpeg does."""
    out = io.BytesIO()
    options = {"write_xing": "0", "id3v2_version": "0"}
    with av.open(out, "w", format="mp3", options=options) as container:
        effort = {"compression_level": MP3_EFFORT}
        stream = container.add_stream(
            "libmp3lame", rate=CONVERTED_RATE_HZ, options=effort, layout="mono", format="s16p"
        )
        stream.bit_rate = CONVERTED_BIT_RATE
        resampler = AudioResampler("s16p", "mono", CONVERTED_RATE_HZ, _FRAME_SAMPLES)
        for frame in itertools.chain(_frames(source, name), (None,)):
            for part in resampler.resample(frame):
                container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return out.getvalue()


def _frame(sound: Pcm, start: int, step: int) -> AudioFrame:
    part = sound.samples[start : start + step]
    frame = AudioFrame(format="s16p", layout="mono", samples=len(part) // 2)
    frame.planes[0].update(part.ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate = sound.rate_hz
    frame.time_base = Fraction(1, sound.rate_hz)
    frame.pts = start // 2
    return frame


def format_of(data: bytes) -> str | None:
    """The container by its first bytes; None for what we do not play.

    FFmpeg is told this name and never guesses: some of its formats are playlists that open further files.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "wav"
    if data[:4] in (b"OggS", b"fLaC"):
        return {b"OggS": "ogg", b"fLaC": "flac"}[data[:4]]
    if data[:3] == b"ID3":
        return "mp3"
    if len(data) > 2 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0:
        return "aac" if data[1] & 0xF6 == 0xF0 else "mp3"  # layer bits 00 are ADTS; MPEG layers I-III are one demuxer
    return None


def probe(data: bytes, enough_s: float = DURATION_S_MAX) -> Probe:
    """Decode the file, or its first `enough_s`, and tell what it is. Raises NotAudio with the reason; nothing else."""
    if len(data) > FILE_BYTES_MAX:
        raise NotAudio(f"the file has {len(data)} bytes, {FILE_BYTES_MAX} are the limit")
    name = format_of(data)
    if name is None:
        raise NotAudio(f"the file starts with {data[:8].hex() or 'nothing'}: neither MP3, AAC, WAV, Ogg nor FLAC")
    try:
        with av.open(io.BytesIO(data), "r", format=name) as container:
            return _decode(container, name, enough_s)
    except (FFmpegError, ValueError, EOFError) as error:
        raise NotAudio(f"the {name} file cannot be decoded: {error}") from error


def _frames(container: InputContainer, name: str) -> Iterator[AudioFrame]:
    """What can be decoded of the first sound in a file, with a few damaged packets left out. Raises NotAudio."""
    if not container.streams.audio:
        raise NotAudio(f"the {name} file holds no sound")
    damaged = 0
    for packet in container.demux(container.streams.audio[0]):
        try:
            yield from packet.decode()
        except FFmpegError as error:
            damaged += 1
            if damaged > DAMAGED_PACKETS_MAX:
                raise NotAudio(f"the {name} file is damaged: {error}") from error


def _decode(container: InputContainer, name: str, enough_s: float) -> Probe:
    duration_s = 0.0
    for frame in _frames(container, name):
        duration_s += frame.samples / frame.sample_rate
        if duration_s > DURATION_S_MAX:
            raise NotAudio(f"the {name} file is longer than {DURATION_S_MAX / 3600:.0f} hours")
        if duration_s >= enough_s:
            break
    if duration_s <= 0:
        raise NotAudio(f"the {name} file holds no sound that can be decoded")
    context = container.streams.audio[0].codec_context
    return Probe(name, context.name, duration_s, context.sample_rate, context.channels)
