"""`ebcd fm`: what is rendered is received again, in each format."""

from __future__ import annotations

import json
import wave
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


@pytest.mark.parametrize("rate", [171_000, 190_000, 228_000])
def test_samples_are_16_bit_at_the_rate_asked_for(tmp_path: Path, rate: int) -> None:
    typed("fm", "render", "--out", f"{tmp_path}/w", "--format", "wav", "--rate", str(rate), ALIVE.hex())
    with wave.open(f"{tmp_path}/w", "rb") as reader:
        assert (reader.getsampwidth(), reader.getnchannels(), reader.getframerate()) == (2, 1, rate)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--format", "ogg", "00"), "bits, hex, wav"),
        (("--format", "wav", "--rate", "44100", FM_PACKET.hex()), "171000"),
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
