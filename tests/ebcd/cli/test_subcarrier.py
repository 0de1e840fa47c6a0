"""`ebcd fm`: what is rendered is received again, in each format."""

from __future__ import annotations

import json
import struct
import wave
from array import array
from collections.abc import Sequence
from pathlib import Path

import pytest

from protocols.fm.bits import frame_to_air
from protocols.fm.frame import SourceLevel, to_frames
from tests.ebcd.cli.keyboard import typed
from tests.ebcd.decode.examples import CERTIFICATE, FM_PACKET

ALIVE = bytes.fromhex(
    "A85901F6999901000000031401040005FF68E77800000000000201623E99824A5D7972767DB982D3D76F0F529A1C4B3C256C6BC25872B1407B"
    "71443BB0BCC87004A5783AAB2F85829E4B8C3B9B724990C2867D87100956469F6A50"
)


@pytest.mark.parametrize("form", ["bits", "hex", "wav"])
def test_rendered_packets_are_received_and_judged(tmp_path: Path, form: str) -> None:
    out, cert = tmp_path / form, tmp_path / "k.cer"
    cert.write_bytes(CERTIFICATE)
    made = typed("fm", "render", "--out", str(out), "--format", form, "--version", "31", FM_PACKET.hex(), ALIVE.hex())
    assert made.exit_code == 0, made.stderr
    heard = typed("fm", "receive", "--json", "--cert", str(cert), str(out))
    told = [json.loads(line) for line in heard.stdout.splitlines()]
    assert [(each["level"], each["version"], bytes.fromhex(each["packet"])) for each in told] == [
        (4, 31, FM_PACKET),
        (4, 0, ALIVE),
    ]
    assert [each["signature"] for each in told] == ["ok", "ok"]
    assert heard.exit_code == 0


def test_bits_are_the_blocks_with_their_checkwords_and_nothing_else(tmp_path: Path) -> None:
    typed("fm", "render", "--out", f"{tmp_path}/b", "--level", "3", "--version", "7", "--repeat", "2", FM_PACKET.hex())
    frames = to_frames(FM_PACKET, SourceLevel.CITY, 7)
    wanted = "".join(f"{int.from_bytes(frame_to_air(frame), 'big'):0104b}" for frame in frames)
    assert (tmp_path / "b").read_text(encoding="ascii") == wanted * 2


def test_hexadecimal_is_four_words_a_line_and_decodes_line_by_line(tmp_path: Path) -> None:
    rendered = typed("fm", "render", "--out", "-", "--format", "hex", "--version", "1", FM_PACKET.hex())
    lines = rendered.stdout.splitlines()
    assert (len(lines), lines[0], lines[-1]) == (24, "8118 0058 7201 F699", "8118 17FD E8EC FFFF")
    decoded = typed("decode", "--json", "-", stdin=rendered.stdout.encode())
    told = [json.loads(line) for line in decoded.stdout.splitlines()]
    assert [each["fields"]["frame_index"] for each in told] == list(range(24))


@pytest.mark.parametrize("rate", [171_000, 190_000, 192_000, 228_000, 250_000])
def test_samples_are_16_bit_at_the_rate_asked_for(tmp_path: Path, rate: int) -> None:
    typed("fm", "render", "--out", f"{tmp_path}/w", "--format", "wav", "--rate", str(rate), ALIVE.hex())
    with wave.open(f"{tmp_path}/w", "rb") as reader:
        assert (reader.getsampwidth(), reader.getnchannels(), reader.getframerate()) == (2, 1, rate)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--format", "ogg", "00"), "bits, hex, wav"),
        (("--format", "wav", "--rate", "44100", FM_PACKET.hex()), "multiple of 100 from 125000"),
        (("not hex",), "neither a file nor hexadecimal"),
        (("00",), "does not fit"),
    ],
)
def test_what_cannot_be_rendered_is_named(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    result = typed("fm", "render", "--out", f"{tmp_path}/x", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("content", [b"", b"0102", b"hello", b"RIFF....", b"RIFF\x00\x00\x00\x00WAVE"])
def test_a_recording_without_a_packet_is_exit_status_1(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "r").write_bytes(content)
    assert typed("fm", "receive", str(tmp_path / "r")).exit_code == 1


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> array[int]:
    """One packet at 192 kHz."""
    file = tmp_path_factory.mktemp("fm") / "w"
    typed("fm", "render", "--out", str(file), "--format", "wav", "--rate", "192000", ALIVE.hex())
    with wave.open(str(file), "rb") as reader:
        return array("h", reader.readframes(reader.getnframes()))


def riff(chunk: bytes, data: bytes, *, says: int | None = None) -> bytes:
    """A WAVE file with a foreign chunk of odd length before its samples."""
    size = len(data) if says is None else says
    chunks = b"fmt " + struct.pack("<I", len(chunk)) + chunk + b"LIST" + struct.pack("<I", 3) + b"abc\0"
    return b"RIFF" + struct.pack("<I", 0xFFFFFFFF) + b"WAVE" + chunks + b"data" + struct.pack("<I", size) + data


def form(kind: int, channels: int, bits: int) -> bytes:
    return struct.pack("<HHIIHH", kind, channels, 192_000, 0, 0, bits)


def pcm24(samples: Sequence[int]) -> bytes:
    return b"".join((sample * 256).to_bytes(3, "little", signed=True) for sample in samples)


def heard_packets(file: Path) -> list[str]:
    result = typed("fm", "receive", "--json", str(file))
    return [json.loads(line)["packet"] for line in result.stdout.splitlines()]


def test_whatever_a_sound_card_writes_is_read(tmp_path: Path, samples: array[int]) -> None:
    """Floating point, 24 and 8 bits, the extensible header, the multiplex on the right channel only."""
    shares = array("f", (sample / 32768 for sample in samples))
    extensible = form(0xFFFE, 1, 16) + struct.pack("<HHI", 22, 16, 0) + struct.pack("<H", 1) + bytes(14)
    right = array("h", (sample for each in samples for sample in (0, each)))
    files = {
        "float": riff(form(3, 1, 32), shares.tobytes()),
        "double": riff(form(3, 1, 64), array("d", shares).tobytes()),
        "24 bits": riff(form(1, 1, 24), pcm24(samples)),
        "8 bits": riff(form(1, 1, 8), bytes(128 + min(127, max(-128, round(sample / 64))) for sample in samples)),
        "extensible": riff(extensible, samples.tobytes()),
        "right": riff(form(1, 2, 16), right.tobytes()),
        "streamed": riff(form(1, 1, 16), samples.tobytes(), says=0xFFFFFFFF),
        "interrupted": riff(form(1, 1, 16), samples.tobytes(), says=0),
        "float of 32 bits": riff(form(3, 1, 32), array("f", (sample * 65536.0 for sample in samples)).tobytes()),
        "odd end": riff(form(1, 2, 16), array("h", (s for each in samples for s in (each, each))).tobytes()[:-3]),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        assert heard_packets(tmp_path / name) == [ALIVE.hex().upper()], name


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (riff(form(2, 1, 4), b""), "format 2 with 4 bits"),
        (riff(form(1, 0, 16), b""), "0 channels"),
        (riff(form(1, 1, 16)[:9], b""), "cut short"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "before their format"),
        (riff(struct.pack("<HHIIHH", 1, 1, 48_000, 0, 0, 16), bytes(100)), "48000 Hz is no sampling rate"),
        (b"8118 0058 7201 F699\n8118 0199 0100\n", "line 2"),
        (b"8118 0058 7201 XXXX\n", "'XXXX' is no word"),
    ],
)
def test_what_cannot_be_demodulated_is_named(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "r").write_bytes(data)
    result = typed("fm", "receive", str(tmp_path / "r"))
    assert result.exit_code == 1
    assert said in result.stderr


def test_words_that_a_monitor_could_not_read_are_filled_by_the_repeat(tmp_path: Path) -> None:
    frames = to_frames(ALIVE, SourceLevel.COUNTY, 3)
    lines = [frame.hex(" ", 2).upper() for frame in frames] * 2
    lines[4] = lines[4][:10] + "---- ----"
    lines[9] = "---- ---- ---- ----"
    (tmp_path / "monitor").write_text("\r\n".join(lines), encoding="ascii")
    assert heard_packets(tmp_path / "monitor") == [ALIVE.hex().upper()]


def test_a_monitors_log_with_its_times_and_tags_is_read(tmp_path: Path) -> None:
    frames = to_frames(ALIVE, SourceLevel.COUNTY, 3)
    lines = [f"{frame.hex(' ', 2).upper()} @2026/01/02 12:20:{number:02d}.40" for number, frame in enumerate(frames)]
    tagged = ['<recorder="monitor" date="2026-01-02">', *lines, "</recorder>"]
    (tmp_path / "log").write_text("\r\n".join(tagged), encoding="utf-8-sig")
    assert heard_packets(tmp_path / "log") == [ALIVE.hex().upper()]


def test_an_hour_of_bits_is_read_in_pieces(tmp_path: Path) -> None:
    """Half an hour of nothing, then one pass: what is shifted as one number would take hours."""
    bits = "".join(
        f"{int.from_bytes(frame_to_air(frame), 'big'):0104b}" for frame in to_frames(ALIVE, SourceLevel(4), 1)
    )
    (tmp_path / "b").write_text("0" * 2_000_000 + "\n" + bits, encoding="ascii")
    assert heard_packets(tmp_path / "b") == [ALIVE.hex().upper()]


def test_a_packet_given_twice_keeps_its_version(tmp_path: Path) -> None:
    result = typed("fm", "render", "--out", "-", "--format", "hex", ALIVE.hex(), FM_PACKET.hex(), ALIVE.hex())
    firsts = [line[:2] for line in result.stdout.splitlines() if line[5:7] == "00"]
    assert firsts == ["80", "81", "80"]


def test_more_packets_than_versions_are_refused(tmp_path: Path) -> None:
    packets = [(ALIVE[:-1] + bytes((number,))).hex() for number in range(33)]
    result = typed("fm", "render", "--out", str(tmp_path / "x"), *packets)
    assert result.exit_code == 2
    assert "at most 32" in result.stderr


def test_a_packet_whose_length_lies_is_rendered_with_a_warning() -> None:
    made = typed("fm", "render", "--lang", "en", "--out", "-", FM_PACKET[:-1].hex())
    assert made.exit_code == 0
    assert "says 116 bytes and has 115: no receiver will take it" in made.stderr
    assert typed("fm", "render", "--lang", "en", "--out", "-", FM_PACKET.hex()).stderr == ""
