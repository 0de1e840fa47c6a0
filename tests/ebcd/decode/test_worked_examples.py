"""Every worked example of the specification, as a field engineer would hand it over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ebcd.cli.app import app
from ebcd.decode import Crc, Keys, Signed, decode_bytes
from protocols.fm.packet import packet_bytes
from protocols.signature import Certificate
from tests.ebcd.decode.examples import CERTIFICATE

VECTORS = Path(__file__).parents[2] / "vectors"
KEYS = Keys([Certificate.decode(CERTIFICATE)])


def _vector(name: str) -> Any:
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


FRAMES = {
    f"{protocol} {row['name']}": (protocol, bytes.fromhex(row["hex"]))
    for protocol in ("adapter", "terminal")
    for row in _vector(f"{protocol}/worked_examples.json")
}
UECP_FRAMES = [
    bytes.fromhex(row["frame"])
    for row in (*_vector("uecp/frames.json")["frames"], *_vector("uecp/elements.json")["elements"])
]
GROUPS = _vector("fm/rds_groups.json")["groups"]
ALSO_FRAMES = {row["name"] for row in GROUPS if row["name"].startswith(("1A variant 1", "1A variant 3"))}
"""Groups whose bytes are frame 20 of 35 of a county's packet just as well, with the same checkwords."""
PACKETS = [bytes.fromhex(_vector("fm/gdj085.json")[name]["packet"]) for name in ("start", "alive")]


@pytest.mark.parametrize("name", FRAMES)
def test_frames_of_ip_networks_are_good_and_their_signatures_are_judged(name: str) -> None:
    protocol, data = FRAMES[name]
    reading = decode_bytes(data, KEYS)
    signed = Signed.OK if bytes.fromhex("004A68E77800000000000201") in data else Signed.NONE
    assert (reading.protocol, reading.crc, reading.signature, reading.also) == (protocol, Crc.OK, signed, ())
    assert reading.message
    assert reading.is_good


@pytest.mark.parametrize("packet", PACKETS, ids=["start", "maintenance"])
def test_packets_on_the_subcarrier_are_good(packet: bytes) -> None:
    reading = decode_bytes(packet, KEYS)
    assert (reading.protocol, reading.signature, reading.is_good) == ("fm-packet", Signed.OK, True)
    assert packet_bytes(packet) == len(packet)


@pytest.mark.parametrize("data", UECP_FRAMES, ids=lambda data: data[5:6].hex())
def test_frames_of_rds_encoders_are_good(data: bytes) -> None:
    reading = decode_bytes(data)
    assert (reading.protocol, reading.crc, reading.is_good) == ("uecp", Crc.OK, True)


@pytest.mark.parametrize("row", GROUPS, ids=lambda row: row["name"].split()[0])
def test_groups_are_told_from_emergency_frames_in_words_and_on_air(row: dict[str, Any]) -> None:
    words = bytes.fromhex("".join(row["words"]))
    bits = "".join(
        f"{int(word, 16):016b}{int(check, 16):010b}" for word, check in zip(row["words"], row["checks"], strict=True)
    )
    for data, crc in ((words, Crc.NONE), (int(bits, 2).to_bytes(13, "big"), Crc.OK)):
        reading = decode_bytes(data)
        if row["name"] in ALSO_FRAMES:
            assert (reading.protocol, reading.also) == ("fm-frame", ("rds-group",))
            reading = decode_bytes(data, protocol="rds-group")
        assert (reading.protocol, reading.message) == ("rds-group", row["name"].split()[0])
        assert (reading.crc, reading.is_good) == (crc, True)


@pytest.mark.parametrize("spell", ["plain", "spaced", "colons", "prefixed", "cut", "log", "file", "hex file", "stdin"])
def test_one_frame_is_the_same_however_it_is_handed_over(spell: str, tmp_path: Path) -> None:
    data = next(data for name, (_, data) in FRAMES.items() if name.startswith("adapter"))
    file, digits, stdin = tmp_path / "captured", data.hex().upper(), b""
    match spell:
        case "plain":
            given = [digits]
        case "spaced":
            given = [data.hex(" ")]
        case "colons":
            given = [data.hex(":", 2)]
        case "prefixed":
            given = ["0x" + " 0x".join(data.hex(" ").split())]
        case "cut":  # a shell that was given no quotes
            given = data.hex(" ", 4).split()
        case "log":
            file.write_text(f"10:22:31.004 RX[{len(data)}] {data.hex(' ')} ok\n", encoding="utf-8")
            given = [str(file)]
        case "file":
            file.write_bytes(data)
            given = [str(file)]
        case "hex file":
            file.write_text(f"\ufeff{digits[:64]}\r\n{digits[64:128]}\r\n{digits[128:]}\r\n", encoding="utf-8")
            given = [str(file)]
        case _:
            given, stdin = ["-"], digits.encode()
    result = CliRunner().invoke(app, ["decode", "--json", *given], input=stdin)
    assert result.exit_code == 0
    assert json.loads(result.stdout) == decode_bytes(data).as_json()
