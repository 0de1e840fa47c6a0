"""HTTP heads, MQTT topics, payloads and packets, copies of sound, text messages."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import cast

from uvicorn.protocols.http.h11_impl import H11Protocol

from devices.copies import Copy
from ebcd import media_request
from ebcd.gateway.http_head import TolerantHead
from protocols import mqtt, rtp
from protocols.errors import RemoteProtocolError
from protocols.gsm.pdu import decode_deliver
from protocols.mqtt.packets import PACKET_BYTES_MAX, PacketReader
from protocols.rtp.mpeg_audio import mpeg_frames
from tests.fuzz.properties import decodes, pieces_of

HEAD_BYTES_MAX = 1_024
FILE_BYTES = 1_000


class _Inner:
    """What the strict parser would get."""

    def __init__(self) -> None:
        self.taken = b""

    def data_received(self, data: bytes) -> None:
        self.taken += data


def http_head(data: bytes) -> None:
    """What passes is what came, with at most a Host line more, however it came; a head without end is not kept."""
    found = []
    for reads in ([data], list(pieces_of(data))):
        inner = _Inner()
        head: asyncio.Protocol = TolerantHead(cast(H11Protocol, inner), head_bytes_max=HEAD_BYTES_MAX)
        for read in reads:
            head.data_received(read)
        found.append(inner.taken.replace(b"Host: ebcd\r\n", b"", 1))
    for taken in found:
        assert data.replace(b"Host: ebcd\r\n", b"", 1).startswith(taken) or data.startswith(taken)
    assert len(data) <= HEAD_BYTES_MAX or all(found)


def media_head(data: bytes) -> None:
    """A loudspeaker's request: a decision, and a range that lies in the file."""
    request = media_request.parse(data)
    if request.status is HTTPStatus.OK:
        media_request.is_current(request)
    for text in (request.range_text, data.decode("latin-1")):
        found = media_request.byte_range(text, FILE_BYTES)
        assert found is None or 0 <= found[0] < found[1] <= FILE_BYTES


def mqtt_topic(data: bytes) -> None:
    """A topic of the grammar is written as it was read, and says who must hear a command."""
    try:
        topic = mqtt.parse_topic(data.decode("utf-8", "replace"))
    except RemoteProtocolError:
        return
    assert mqtt.parse_topic(str(topic)) == topic
    if isinstance(topic, mqtt.DeviceTopic):
        mqtt.terminal_subscriptions(topic.code)
        mqtt.command_topics((topic.code,))


def mqtt_payload(data: bytes) -> None:
    """A status, or the envelope of a frame."""
    content_type, _, payload = data.partition(b"\0")
    for judge in (
        lambda: mqtt.parse_status(data),
        lambda: mqtt.check_envelope(payload, content_type.decode("latin-1")),
    ):
        try:
            judge()
        except RemoteProtocolError:
            continue


def mqtt_packets(data: bytes) -> None:
    """A broker's bytes: packets until the first wrong one, however they came."""
    assert _packets([data]) == _packets(list(pieces_of(data)))


def _packets(reads: list[bytes]) -> list[object]:
    reader, found = PacketReader(), list[object]()
    try:
        for read in reads:
            found += reader.feed(read)
    except RemoteProtocolError as error:
        found.append(error.reason)
    assert sum(map(len, reads)) <= PACKET_BYTES_MAX or found
    return found


def rtp_datagram(data: bytes) -> None:
    """A packet with sound in it, or refused; as sound of a file, frames that lie in it. A copy keeps what was whole."""
    copy = Copy()
    copy.take(data)
    assert copy.packets + copy.refused == 1
    assert sum(len(each.data) for each in rtp.mpeg_frames(data)) <= len(data)


def mpeg_audio(data: bytes) -> None:
    """What an adapter's monitor sends has whole frames, or none; none lies outside it or upon another."""
    frames = list(mpeg_frames(data))
    assert sum(len(frame.data) for frame in frames) <= len(data)
    assert all(frame.duration_s > 0 for frame in frames)


def text_message(data: bytes) -> None:
    """What a modem lists is a message, or RemoteProtocolError."""
    decodes(lambda each: decode_deliver(each.decode("latin-1")))(data)
