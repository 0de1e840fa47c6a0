"""Packets that other vendors wrote: real ones are read to the last byte, stubs are refused by name."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ebcd.decode import Crc, Keys, Signed, decode_bytes
from protocols.signature import Certificate

FOLDER = Path(os.environ.get("EBCD_PEER_VECTORS", Path(__file__).parents[4] / "shared" / "vectors"))
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no vectors of other vendors at {FOLDER}")


def _frames() -> list[dict[str, Any]]:
    file = FOLDER / "adapter" / "frames.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []


def _files() -> list[Path]:
    return sorted((FOLDER / "platform").glob("*/*.xml"))


def _keys() -> Keys:
    told = json.loads((FOLDER / "adapter" / "certificate.json").read_text(encoding="utf-8"))
    return Keys([Certificate.decode(bytes.fromhex(told["cert_hex"]))])


@pytest.mark.parametrize("frame", _frames(), ids=lambda frame: frame["type"])
def test_frames_of_other_vendors_are_judged_as_they_are(frame: dict[str, Any]) -> None:
    reading = decode_bytes(bytes.fromhex(frame["hex"]), _keys())
    assert reading.protocol == "adapter"
    if not frame["crc_ok"]:
        assert reading.errors
        assert not reading.is_good
        return
    assert (reading.crc, reading.roundtrip, reading.errors, reading.also) == (Crc.OK, True, (), ())
    assert reading.signature is (Signed.OK if frame["signature_ok"] else Signed.NONE)


def test_certificate_and_list_of_another_vendor_are_read() -> None:
    told = json.loads((FOLDER / "adapter" / "certificate.json").read_text(encoding="utf-8"))
    for key, protocol in (("cert_hex", "certificate"), ("auth_list_hex", "authorisation-list")):
        reading = decode_bytes(bytes.fromhex(told[key]))
        assert (reading.protocol, reading.roundtrip, reading.signature) == (protocol, True, Signed.UNCHECKED)


@pytest.mark.parametrize("file", _files(), ids=lambda file: f"{file.parent.name}-{file.name[:4]}")
def test_documents_of_other_vendors_are_parsed(file: Path) -> None:
    reading = decode_bytes(file.read_bytes())
    signs = file.name.startswith("EBDS")
    assert reading.protocol == ("signature-xml" if signs else "ebd-xml")
    assert (reading.errors, reading.roundtrip) == ((), True)
    assert reading.signature is (Signed.UNCHECKED if signs else Signed.NONE)
