"""Warnings (CAP, GB/T 35965) and JSON payloads of the 3G/4G path before `ebcd decode`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebcd.decode import Keys, Reading, decode_bytes
from ebcd.decode.inputs import message_of, messages_in
from ebcd.decode.reading import Crc, Signed
from protocols.signature import Certificate
from tests.ebcd.decode.examples import CERTIFICATE, TERMINAL_START
from tests.protocols.cap.samples import CAP_XML, GB_XML

KEYS = Keys([Certificate.decode(CERTIFICATE)])


def fields(reading: Reading) -> dict[str, Any]:
    told = reading.as_json()["fields"]
    assert isinstance(told, dict)
    return told


@pytest.mark.parametrize(("xml", "clause"), [(GB_XML, "GB/T 35965.1"), (CAP_XML, "CAP 1.2 3.2")], ids=["gb", "cap"])
def test_a_warning_is_no_broken_platform_document(xml: bytes, clause: str) -> None:
    reading = decode_bytes(xml)
    assert (reading.protocol, reading.is_good, reading.clause, reading.also) == ("cap", True, clause, ())


def test_a_warning_tells_its_elements_under_its_dialects_names() -> None:
    told = fields(decode_bytes(GB_XML))
    (info,) = told["info"]
    assert (told["identifier"], told["send_time"]) == ("34112341600000_20251009170000_1", "2025-10-09 17:00:00+08:00")
    assert (info["event_type"], info["severity"], info["headline"]) == ("11B03", 1, "暴雨红色预警")
    assert info["area"][0]["geocode"][0]["value"] == "341123"


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        (b"<status>Actual<", b"<status>Draft<", "not_broadcast"),
        (b"<geocode>", b"<!--", "no_area_codes"),
    ],
)
def test_what_would_come_of_a_warning_is_remarked(old: bytes, new: bytes, note: str) -> None:
    xml = GB_XML.replace(old, new).replace(b"</geocode>", b"-->" if new == b"<!--" else b"</geocode>")
    reading = decode_bytes(xml)
    assert (reading.is_good, [each.key for each in reading.notes]) == (True, [note])


def test_a_warning_that_breaks_is_shown_as_it_stands() -> None:
    reading = decode_bytes(GB_XML.replace(b"<severity>Red<", b"<severity>Purple<"))
    assert (reading.protocol, reading.is_good) == ("cap", False)
    assert "Purple" in reading.errors[0]
    assert fields(reading)["identifier"] == "34112341600000_20251009170000_1"


START = {
    "sid": 1,
    "type": "start",
    "from": "49999010000000314010201",
    "to": ["09999010000000314010400"],
    "ebm": "49999010000000103010101202510090001",
    "class": 4,
    "level": 2,
    "event": "11A01",
    "volume": 80,
    "start": 0x68E77800,
    "end": 0x68E77A58,
    "url": "rtp://239.1.1.10:5004",
    "sig": {"time": 0x68E77800, "cert": "000000000201", "value": TERMINAL_START[-68:-4].hex().upper()},
}
"""The worked start of terminal-ip.md 7 in the words of the mirror, field by field."""


def test_a_mirror_is_judged_as_the_frame_that_it_shows() -> None:
    reading = decode_bytes(json.dumps(START).encode(), KEYS)
    assert (reading.protocol, reading.message, reading.signature) == ("mqtt-json", "start", Signed.OK)
    assert (reading.is_good, reading.crc, fields(reading)["ebm_id"]) == (True, Crc.NONE, START["ebm"])
    changed = decode_bytes(json.dumps(START | {"volume": 99}).encode(), KEYS)
    assert (changed.signature, changed.is_good) == (Signed.BAD, False)
    broken = decode_bytes(json.dumps(START | {"volume": 256}).encode(), KEYS)
    assert (fields(broken)["volume"], "volume" in broken.errors[0]) == (256, True)


@pytest.mark.parametrize(
    ("message", "profile", "meaning"),
    [
        ({"from": "8001", "to": "sys", "method": "report", "data": {"act": "status", "value": 2}}, "p6", "fault"),
        ({"uuid": "898600", "state": "offline"}, "mw", "offline"),
        ({"DstDeviceName": "e", "SrcDeviceName": "898600", "type": "play", "other": {"code": 0}}, "mw", "answer"),
        (
            {"DstDeviceName": "898600", "SrcDeviceName": "ebcd", "type": "play", "other": {"url": "http://x/a.mp3"}},
            "mw",
            "command_start",
        ),
    ],
)
def test_a_vendors_payload_means_what_a_profile_says(message: dict[str, Any], profile: str, meaning: str) -> None:
    reading = decode_bytes(json.dumps(message).encode())
    assert (reading.protocol, reading.message, reading.is_good) == ("mqtt-json", meaning, True)
    assert reading.notes[0].values == (("profile", profile),)
    assert fields(reading) == message


@pytest.mark.parametrize("payload", [b'{"a":1}', b"{", b'{"type":"play","type":"stop"}', b'{"sid":1}', b'{"x":"\xff"}'])
def test_a_payload_that_nothing_explains_is_refused_by_name(payload: bytes) -> None:
    reading = decode_bytes(payload, protocol="mqtt-json")
    assert (reading.is_good, len(reading.errors)) == (False, 1)


@given(st.binary(max_size=200).map(lambda tail: b'{"' + tail))
def test_no_payload_makes_it_crash(payload: bytes) -> None:
    assert decode_bytes(payload).as_json()


def test_a_log_of_payloads_is_one_message_a_line_and_a_pretty_one_is_one() -> None:
    one, two = b'{"uuid":"1","state":"online"}', '{"uuid":"村","state":"online"}'.encode()
    assert messages_in(one + b"\n\n" + two + b"\n") == (one, two)
    pretty = json.dumps({"uuid": "1", "state": "online"}, indent=1).encode()
    assert messages_in(pretty) == (pretty,)
    assert message_of(one.decode()) == one
