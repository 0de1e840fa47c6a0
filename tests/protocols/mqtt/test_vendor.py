"""Vendors' messages by their profiles: P6 and MW of terminal-ip.md section 4, and the words of any other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import mqtt_profiles
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.mqtt import Command, Means, Vendor, vendor
from protocols.mqtt.json_text import read_object

FOLDER = Path(__file__).parent
VECTORS: dict[str, Any] = json.loads((FOLDER.parents[1] / "vectors/mqtt/vendors.json").read_text(encoding="utf-8"))
TELLS = [(name, each) for name, group in VECTORS.items() for each in group["tells"]]
SAYS = [(name, each) for name, group in VECTORS.items() for each in group["says"]]
REASONS = {
    "topic", "unmatched", "id", "source", "value", "missing",
    "length", "charset", "depth", "duplicate", "number", "json",
}  # fmt: skip


def words(name: str) -> Vendor:
    found = mqtt_profiles.load(name).vendor
    assert found is not None
    return found


P6, MW = words("p6"), words("mw")
OTHER = words(str(FOLDER / "village.toml"))


@pytest.mark.parametrize(("name", "vector"), TELLS, ids=lambda each: each["name"] if isinstance(each, dict) else each)
def test_a_message_of_a_terminal_means_what_its_maker_says(name: str, vector: dict[str, Any]) -> None:
    topic = vector.get("topic", VECTORS[name]["topic"])
    told = vendor.decode(words(name), topic, vector["payload"].encode())
    assert (told.means, told.id) == (vector["means"], vector["id"])
    assert (told.volume, told.version) == (vector.get("volume", told.volume), vector.get("version", told.version))
    assert (told.command, told.request, told.result) == (
        vector.get("command"),
        vector.get("request", ""),
        vector.get("result", 0),
    )


@pytest.mark.parametrize(("name", "vector"), SAYS, ids=lambda each: each["command"] if isinstance(each, dict) else each)
def test_a_command_is_written_as_its_maker_reads_it(name: str, vector: dict[str, Any]) -> None:
    payloads = vendor.encode(words(name), Command(vector["command"]), vector["values"])
    assert [payload.decode() for payload in payloads] == vector["payloads"]


def test_topics_are_those_of_the_makers() -> None:
    assert vendor.subscriptions(P6) == ("pub6/broadcast/v2/sys",)
    assert vendor.subscriptions(MW) == ("/+/status/onoffline", "/+/user/pub_response")
    assert vendor.command_topic(P6, "8001") == "pub6/broadcast/v2/dev/8001"
    assert vendor.command_topic(MW, "898600") == "/898600/user/sub_control"


def test_p6_has_no_way_to_start_or_to_say_played() -> None:
    assert set(P6.commands) == {Command.VOLUME, Command.REBOOT}
    with pytest.raises(LocalProtocolError, match="no start"):
        vendor.encode(P6, Command.START, {"id": "8001"})


@pytest.mark.parametrize("percent", range(101))
def test_p6_volume_stays_on_its_scale_and_is_nearest(percent: int) -> None:
    steps = vendor.volume_of(P6, percent)
    assert 0 <= steps <= 31
    assert abs(steps * 100 - percent * 31) <= 50


STATUS = {"from": "8001", "to": "sys", "method": "report", "data": {"act": "status", "value": 1}}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (STATUS | {"data": {"act": "status", "value": True}}, "unmatched"),
        (STATUS | {"data": {"act": "status", "value": "1.0"}}, "unmatched"),
        (STATUS | {"data": {"act": "status", "value": "-1"}}, "unmatched"),
        (STATUS | {"data": {"act": "status", "value": ""}}, "unmatched"),
        (STATUS | {"data": {"act": "status", "value": "9" * 5000}}, "unmatched"),
        (STATUS | {"data": {"act": "static_props", "value": {"volume": "x"}}}, "value"),
        (STATUS | {"data": {"act": "static_props", "value": {"volume": "32"}}}, "value"),
        (STATUS | {"data": {"act": "status", "value": 5}}, "unmatched"),
        (STATUS | {"data": []}, "unmatched"),
        (STATUS | {"data": "{"}, "json"),
        (STATUS | {"from": None}, "id"),
        (STATUS | {"from": 8001}, "id"),
        (STATUS | {"from": "a/b"}, "id"),
        (STATUS | {"from": "x" * 65}, "id"),
        ({}, "unmatched"),
    ],
)
def test_a_p6_message_of_another_kind_is_refused_by_name(message: dict[str, Any], reason: str) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        vendor.decode(P6, "pub6/broadcast/v2/sys", json.dumps(message).encode())
    assert refused.value.reason == reason


@pytest.mark.parametrize(("value", "means"), [("0", Means.OFFLINE), ("1", Means.ONLINE), ("02", Means.FAULT)])
def test_firmware_that_writes_numbers_as_texts_is_understood(value: str, means: Means) -> None:
    payload = json.dumps(STATUS | {"data": {"value": value, "act": "status"}}).encode()
    assert vendor.decode(P6, "pub6/broadcast/v2/sys", payload).means is means
    told = STATUS | {"data": {"act": "static_props", "value": {"volume": "31", "version": 4}}}
    read = vendor.decode(P6, "pub6/broadcast/v2/sys", json.dumps(told).encode())
    assert (read.means, read.volume, read.version) == (Means.PROPERTIES, 100, "4")


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("pub6/broadcast/v2/dev/8001", "topic"),
        ("/898600/user/sub_control", "topic"),
        ("//status/onoffline", "topic"),
        ("/a b/status/onoffline", "topic"),
        ("/x/y/status/onoffline", "topic"),
        ("/status/onoffline", "topic"),
        ("/" + "x" * 300 + "/status/onoffline", "topic"),
        ("/2/status/onoffline", "source"),
    ],
)
def test_nobody_speaks_for_another_or_on_other_topics(topic: str, reason: str) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        vendor.decode(MW, topic, b'{"uuid":"1","state":"online"}')
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("result", "code"), [(0, 0), ("ok", 0), ("busy", 73), (9, 30), (True, 30), (None, None), ([], 30)]
)
def test_a_result_that_the_profile_does_not_know_is_no_success(result: object, code: int | None) -> None:
    payload = json.dumps({"what": "ack", "track": 5, "cmd": "play", "code": result}).encode()
    if code is None:
        with pytest.raises(RemoteProtocolError) as refused:
            vendor.decode(OTHER, "device/7/ack", payload)
        assert refused.value.reason == "missing"
    else:
        assert vendor.decode(OTHER, "device/7/ack", payload).result == code


def test_a_text_with_a_blank_inside_is_filled() -> None:
    values: dict[str, str | int] = {
        "id": "7", "code": "6" * 23, "seq": 5, "now_s": 1, "now_ms": 1000, "url": "http://x/a.mp3", "seconds": 60,
        "volume": 255, "ebm": "1" * 35, "class": 4, "level": 1, "event": "11A01", "text": "", "start": 1, "end": 61,
    }  # fmt: skip
    (payload,) = vendor.encode(OTHER, Command.START, values)
    assert read_object(payload) == {
        "cmd": "play",
        "track": 5,
        "list": [{"src": "http://x/a.mp3", "gain": 11}],
        "name": "EB-5 of 7",
        "for": 60,
        "live": False,
    }


@pytest.mark.parametrize("values", [{}, {"id": "7", "seq": "5"}, {"id": 7, "seq": 5}, {"id": "7", "seq": 5, "song": 1}])
def test_a_value_that_is_missing_or_of_another_kind_is_our_error(values: dict[str, Any]) -> None:
    with pytest.raises(LocalProtocolError):
        vendor.encode(OTHER, Command.STOP, values)


_topics = st.sampled_from(
    ["pub6/broadcast/v2/sys", "/1/status/onoffline", "/1/user/pub_response", "device/7/ack", "device/7/event"]
) | st.text(max_size=30)
_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["status", "report", "sys", "play", "online"])
    | st.text()
)
_messages = st.dictionaries(
    st.sampled_from(["method", "from", "data", "type", "state", "uuid", "other", "what", "track", "code", "to", "cmd"]),
    _leaves | st.dictionaries(st.sampled_from(["act", "value", "code"]), _leaves),
).map(lambda value: json.dumps(value).encode())


@given(words=st.sampled_from([P6, MW, OTHER]), topic=_topics, payload=_messages | st.binary(max_size=100))
def test_any_message_is_understood_or_refused_by_name(words: Vendor, topic: str, payload: bytes) -> None:
    reason = ""
    try:
        told = vendor.decode(words, topic, payload)
        assert vendor.is_id(told.id)
    except RemoteProtocolError as error:
        reason = error.reason
    assert reason in REASONS | {""}


@given(
    id_=st.text("0123456789abcXYZ_-", min_size=1, max_size=64),
    seq=st.integers(0, 2**32),
    url=st.text(st.characters(codec="utf-8"), max_size=100),
)
def test_what_is_put_into_a_message_stands_in_it_unchanged(id_: str, seq: int, url: str) -> None:
    values: dict[str, str | int] = {
        "id": id_, "code": "6" * 23, "seq": seq, "now_s": 1, "now_ms": 2, "url": url, "volume": 255, "ebm": "1" * 35,
        "class": 4, "level": 1, "event": "11A01", "text": "", "start": 1, "end": 2, "seconds": 1,
    }  # fmt: skip
    (payload,) = vendor.encode(MW, Command.START, values)
    told = read_object(payload)
    assert (told["DstDeviceName"], told["other"]["url"]) == (id_, url)
