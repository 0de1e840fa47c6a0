"""MQTT 5 packets of a simulated terminal. Vectors are worked by hand from the OASIS text, sections named."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import RemoteProtocolError
from protocols.mqtt import packets as m


def read(data: bytes) -> list[m.Packet]:
    return list(m.PacketReader().feed(data))


def test_connect_carries_session_expiry_and_a_retained_will_at_qos_1() -> None:
    data = m.connect("t1", keepalive_s=60, session_s=120, will_topic="w", will_payload=b"off")
    assert data == bytes.fromhex(
        "10 1D"  # 3.1.1: type 1; 7 + 3 + 6 + 4 + 9 = 29 bytes
        "0004 4D515454 05"  # 3.1.2.1: MQTT, version 5
        "2C 003C"  # will retained, QoS 1, present; no clean start; 60 s
        "05 11 00000078"  # 3.1.2.11.2: the session is kept for 120 s
        "0002 7431"  # 3.1.3.1: client id t1
        "00 0001 77 0003 6F6666"  # no will properties, topic w, payload off
    )


def test_subscribe_asks_for_qos_1() -> None:
    assert m.subscribe(1, ["a/b", "c"]) == bytes.fromhex("82 0D 0001 00 0003 612F62 01 0001 63 01")


def test_publish_carries_its_content_type_and_a_status_is_retained() -> None:
    assert m.publish(7, "t", b"xy", retain=False, content_type="c") == bytes.fromhex(
        "32 0C 0001 74 0007 04 03 0001 63 7879"
    )
    assert m.publish(7, "t", b"xy", retain=True, content_type="") == bytes.fromhex("33 08 0001 74 0007 00 7879")


@pytest.mark.parametrize(
    ("data", "packet"),
    [
        ("20 06 00 00 03 22 1000", m.Connack(0)),
        ("20 03 00 87 00", m.Connack(0x87)),
        ("90 05 0001 00 01 01", m.Suback(b"\x01\x01")),
        ("40 02 0007", m.Puback(7)),
        ("40 04 0007 10 00", m.Puback(7)),
        ("32 0A 0001 74 0009 03 010101 78", None),
        ("30 05 0001 74 00 78", m.Publish("t", b"x", None)),
        ("D0 00", m.Pingresp()),
        ("E0 01 8E", m.Disconnect(0x8E)),
        ("E0 00", m.Disconnect(0)),
    ],
)
def test_packets_of_a_broker_are_read(data: str, packet: m.Packet | None) -> None:
    expected = packet or m.Publish("t", b"x", 9)
    assert read(bytes.fromhex(data)) == [expected]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("F0 00", "type"),
        ("20 01 00", "body"),
        ("30 01 00", "body"),
        ("32 04 0001 74 00", "body"),
        ("30 04 0001 FF 00", "body"),
        ("30 05 0001 74 09 78", "body"),
        ("30 FF FF FF FF 01", "length"),
        ("30 FF FF FF 7F", "length"),
    ],
)
def test_what_no_broker_may_send_is_refused_by_name(data: str, reason: str) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        read(bytes.fromhex(data))
    assert refused.value.reason == reason


def test_the_content_type_is_found_among_all_properties_of_a_publication() -> None:
    before = bytes.fromhex(
        "01 01"  # 3.3.2.3.2: the payload is text
        "02 0000003C"  # 3.3.2.3.3: expires after 60 s
        "23 0005"  # 3.3.2.3.4: topic alias 5
        "08 0001 72"  # 3.3.2.3.5: response topic r
        "09 0002 0102"  # 3.3.2.3.6: correlation data
        "26 0001 6B 0001 76"  # 3.3.2.3.7: user property k = v
        "0B 8001"  # 3.3.2.3.8: subscription identifier 128
    )
    content = bytes.fromhex("03 0003 612F62")  # 3.3.2.3.9: a/b
    for properties, expected in ((before + content, "a/b"), (before, None), (b"", None)):
        block = bytes((len(properties),)) + properties
        _, payload, packet_id, read_block = m.publication(2, bytes.fromhex("0001 74 0009") + block + b"x")
        assert (payload, packet_id, read_block) == (b"x", 9, block)
        assert m.content_type(read_block) == expected


@pytest.mark.parametrize("properties", ["7F", "0B 80", "03 0003 61", "26 0001", "03 0001 FF", "02 00"])
def test_properties_that_no_publication_has_are_refused(properties: str) -> None:
    data = bytes.fromhex(properties)
    block = bytes((len(data),)) + data
    with pytest.raises(RemoteProtocolError) as refused:
        m.content_type(block)
    assert refused.value.reason == "body"


@given(st.binary(max_size=60))
def test_any_property_block_gives_a_text_or_one_named_error(data: bytes) -> None:
    reason, found = "none", ""
    try:
        found = m.content_type(bytes((len(data),)) + data) or ""
    except RemoteProtocolError as error:
        reason = error.reason
    assert reason in ("none", "body")
    assert len(found) <= len(data)


@given(
    topic=st.text(max_size=30),
    payload=st.binary(max_size=300),
    cuts=st.lists(st.integers(0, 400), max_size=5),
    count=st.integers(1, 3),
)
def test_splitting_reads_does_not_change_the_packets(topic: str, payload: bytes, cuts: list[int], count: int) -> None:
    stream = m.publish(5, topic, payload, retain=False, content_type="x") * count + m.puback(5)
    reader = m.PacketReader()
    found: list[m.Packet] = []
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    for begin, end in itertools.pairwise(edges):
        found += reader.feed(stream[begin:end])
    assert found == [m.Publish(topic, payload, 5)] * count + [m.Puback(5)]


@given(st.binary(max_size=200))
def test_any_bytes_give_packets_or_one_named_error(data: bytes) -> None:
    reason = "none"
    try:
        read(data)
    except RemoteProtocolError as error:
        reason = error.reason
    assert reason in ("none", "type", "body", "length")
