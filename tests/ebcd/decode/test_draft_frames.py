"""Frames of the older provincial draft are recognised too, and named as such."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ebcd.cli.decode_tree import tree_of
from ebcd.decode import Crc, Keys, Note, Signed, decode_bytes
from protocols.signature import Certificate
from protocols.terminal import draft
from tests.ebcd.decode.examples import CERTIFICATE
from tests.protocols.worked_key import sign

VECTORS = Path(__file__).parents[2] / "vectors" / "terminal" / "draft.json"
BYTES = {
    entry["name"]: bytes.fromhex("".join(digits for _, digits in entry["working"]) + entry["crc"])
    for entry in json.loads(VECTORS.read_text(encoding="utf-8"))
}
MESSAGES = {
    "start": "old_start",
    "stop": "old_stop",
    "heartbeat": "heartbeat",
    "task_began": "old_task_switch",
    "answer": "answer",
}


@pytest.mark.parametrize("name", BYTES)
@pytest.mark.parametrize("protocol", [None, "terminal"])
def test_each_vector_is_recognised_and_encodes_again(name: str, protocol: str | None) -> None:
    reading = decode_bytes(BYTES[name], protocol=protocol)
    assert (reading.protocol, reading.message, reading.crc) == ("terminal", MESSAGES[name], Crc.OK)
    assert reading.is_good
    assert Note("edition_2016x") in reading.notes
    for language in ("zh", "en"):
        Console(file=io.StringIO(), width=120).print(tree_of(reading, BYTES[name], language))


def test_its_fields_have_the_names_of_2018() -> None:
    told: Any = decode_bytes(BYTES["start"]).as_json()["fields"]
    assert (told["source_code"], told["target_codes"]) == ("499990100000001031", ["699990110020314010"])
    assert (told["ebm_id"], told["class"], told["level"]) == ("499990100000001031202510090001", 4, 1)
    assert (told["duration_s"], told["url"]) == (600, "rtp://239.1.1.10:5004")


def test_its_signature_is_judged() -> None:
    keys = Keys([Certificate.decode(CERTIFICATE)])
    signed = draft.encode(draft.decode(BYTES["stop"]), sign=sign)
    assert decode_bytes(signed, keys).signature is Signed.OK
    assert decode_bytes(signed).signature is Signed.UNCHECKED


def test_a_wrong_checksum_makes_it_a_frame_of_neither() -> None:
    reading = decode_bytes(BYTES["start"][:-1] + b"\0")
    assert (reading.protocol, reading.is_good) == ("terminal", False)
