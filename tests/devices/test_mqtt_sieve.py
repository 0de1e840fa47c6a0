"""What stands between paho and a broker's socket: publications and their acknowledgements pass by, the rest goes on."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.mqtt_sieve import UNSENT_BYTES_MAX, Sieve
from protocols import mqtt
from protocols.mqtt import packets

SUBACK = bytes.fromhex("90 04 0001 00 01")
PINGRESP = bytes.fromhex("D0 00")
CONNACK = bytes.fromhex("20 03 00 00 00")
AT_QOS_0 = bytes.fromhex("30 05 0001 74 00 78")
CONTENT = "application/eb-frame"


@dataclass
class Wire:
    """A socket that gives `reads` one after another and takes `room` bytes."""

    reads: list[bytes] = field(default_factory=list)
    room: int = 1_000_000
    sent: bytes = b""

    def recv(self, buffer_size: int, /) -> bytes:
        if not self.reads:
            raise BlockingIOError
        read = self.reads.pop(0)
        if len(read) > buffer_size:
            self.reads.insert(0, read[buffer_size:])
        return read[:buffer_size]

    def send(self, buffer: bytes | bytearray, /) -> int:
        taken = bytes(buffer[: self.room])
        if not taken:
            raise BlockingIOError
        self.room -= len(taken)
        self.sent += taken
        return len(taken)

    def close(self) -> None:
        self.reads.append(b"")

    def fileno(self) -> int:
        return 7

    def setblocking(self, flag: bool, /) -> None:
        assert not flag


class Bench:
    """A sieve, its wire and what it delivered."""

    def __init__(self, *reads: bytes) -> None:
        self.wire = Wire(list(reads))
        self.heard: list[tuple[str, bytes, str | None, bool]] = []
        self.sieve = Sieve(self.wire, lambda *message: self.heard.append(message))

    def read_all(self) -> bytes:
        """As paho reads: by one byte, then by what the length says; here by three."""
        taken = b""
        while self.wire.reads or self.sieve.pending():
            try:
                taken += self.sieve.recv(3)
            except BlockingIOError:
                continue
        return taken


def publication(number: int, payload: bytes = b"x") -> bytes:
    return packets.publish(number, "t", payload, retain=False, content_type=CONTENT)


@given(
    kinds=st.lists(st.sampled_from(("publish", "qos0", "suback", "pingresp")), max_size=12),
    cuts=st.lists(st.integers(0, 600), max_size=6),
)
def test_however_the_reads_are_cut_publications_are_delivered_and_acknowledged_and_paho_gets_the_rest(
    kinds: list[str], cuts: list[int]
) -> None:
    made = {"qos0": AT_QOS_0, "suback": SUBACK, "pingresp": PINGRESP}
    stream = b"".join(made.get(kind) or publication(number) for number, kind in enumerate(kinds, 1))
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    bench = Bench(*(stream[begin:end] for begin, end in itertools.pairwise(edges) if end > begin))
    assert bench.read_all() == b"".join(made[kind] for kind in kinds if kind in ("suback", "pingresp"))
    content = {"publish": CONTENT, "qos0": None}
    assert bench.heard == [("t", b"x", content[kind], False) for kind in kinds if kind in content]
    acked = [number for number, kind in enumerate(kinds, 1) if kind == "publish"]
    assert bench.wire.sent == b"".join(map(packets.puback, acked))


def test_what_the_broker_kept_from_before_is_told_apart() -> None:
    kept = packets.publish(1, "t", b"x", retain=True, content_type=CONTENT)
    bench = Bench(kept + publication(2))
    bench.read_all()
    assert [retained for _, _, _, retained in bench.heard] == [True, False]


def test_one_write_acknowledges_what_one_read_brought() -> None:
    bench = Bench(publication(1) + publication(2) + publication(3))
    writes: list[bytes] = []
    send = bench.wire.send
    bench.wire.send = lambda data: writes.append(bytes(data)) or send(data)  # type: ignore[method-assign,func-returns-value]
    bench.read_all()
    assert writes == [packets.puback(1) + packets.puback(2) + packets.puback(3)]


def test_an_acknowledgement_that_finds_no_room_goes_before_the_next_packet_and_never_into_one() -> None:
    bench = Bench(publication(1), publication(2))
    bench.wire.room = 2
    bench.read_all()
    with pytest.raises(BlockingIOError):
        bench.sieve.send(packets.PINGREQ)
    bench.wire.room = 7  # the rest of both, and half of the packet
    assert bench.sieve.send(packets.PINGREQ) == 1
    bench.wire.reads.append(publication(3))
    bench.wire.room = 100
    bench.read_all()  # its acknowledgement waits for the packet's end
    assert bench.sieve.send(packets.PINGREQ[1:]) == 1
    bench.wire.reads.append(publication(4))
    bench.read_all()
    first, second, third, fourth = map(packets.puback, (1, 2, 3, 4))
    assert bench.wire.sent == first + second + packets.PINGREQ + third + fourth


def test_a_publication_longer_than_any_frame_is_cut_so_that_it_can_be_refused_by_name_and_the_next_is_whole() -> None:
    bench = Bench(packets.publish(1, "t", b"x" * 1_000_000, retain=False, content_type="") + publication(2))
    assert bench.read_all() == b""
    (_, long, *_), (_, payload, *_) = bench.heard
    assert mqtt.PAYLOAD_BYTES_MAX < len(long) <= packets.PACKET_BYTES_MAX
    assert payload == b"x"
    assert bench.wire.sent == packets.puback(1) + packets.puback(2)


def test_a_topic_that_is_no_utf8_is_handed_on_for_refusal() -> None:
    bench = Bench(bytes.fromhex("30 05 0001 FF 00 78"))
    bench.read_all()
    assert bench.heard == [("\\xff", b"x", None, False)]


@pytest.mark.parametrize(
    "data",
    [
        "34 08 0001 74 0007 00 7878",  # QoS 2, never granted
        "32 04 0001 74 00",  # no packet id
        "30 07 0001 74 02 0307 78",  # a content type longer than the properties
        "30 06 0001 74 01 7F 78",  # a property that no publication has
        "20 FF FF FF 7F",  # a CONNACK of 256 MiB
        "30 FF FF FF FF 01",  # a length of five bytes
    ],
)
def test_a_broker_that_breaks_the_protocol_is_a_broken_connection(data: str) -> None:
    bench = Bench(CONNACK, bytes.fromhex(data))
    assert bench.sieve.recv(5) == CONNACK
    with pytest.raises(ConnectionError, match="breaks the protocol"):
        bench.read_all()


def test_acknowledgements_that_a_broker_never_reads_have_a_limit() -> None:
    bench = Bench(*(publication(1) * 1000 for _ in range(UNSENT_BYTES_MAX // 4000 + 1)))
    bench.wire.room = 0
    with pytest.raises(ConnectionError, match="unread"):
        bench.read_all()


def test_the_end_of_the_socket_is_the_end_for_paho() -> None:
    bench = Bench()
    bench.sieve.setblocking(False)
    bench.sieve.close()
    assert bench.sieve.fileno() == 7
    assert bench.sieve.recv(1) == b""
