"""The 57 kHz subcarrier: packets, frames, bits, samples (GD/J 085)."""

from __future__ import annotations

import io
import struct
import wave
from array import array
from pathlib import Path
from tempfile import TemporaryDirectory

from ebcd.cli.session import Failure
from ebcd.cli.subcarrier import run_receive
from protocols.fm import packet as fm
from protocols.fm.bits import BLOCKS, BitReceiver, HeardFrame
from protocols.fm.demodulator import Demodulator
from protocols.fm.frame import BIT_RATE, FRAME_BITS, FRAME_BYTES, Frame
from protocols.fm.reassembly import Complete, Reassembler
from tests.fuzz.properties import comes_back, pieces_of
from tests.fuzz.quiet import silenced

SLOTS_MAX = 4
TIMEOUT_S = 30.0
SAMPLE_MAX = 32_768
RATE_HZ = 171_000


fm_packet = comes_back(  # certificates of different lengths are read and not written
    fm.decode_packet, fm.encode_again, may_refuse=True
)
fm_frame = comes_back(Frame.decode, Frame.encode)


def fm_content(data: bytes) -> None:
    """Every packet type's content, without the packet around it."""
    if data:
        kind = data[0] & 31
        comes_back(lambda each: fm.decode_content(kind, each), fm.encode_content, may_refuse=True)(data[1:])


def fm_reassembly(data: bytes) -> None:
    """Frames with lost and doubtful blocks, as two bytes say before each of them: packets keep to their limit."""
    reassembler, now_s = Reassembler(slots_max=SLOTS_MAX, timeout_s=TIMEOUT_S), 0.0
    for at in range(0, len(data) - FRAME_BYTES - 1, FRAME_BYTES + 2):
        lost, whole = data[at] & 15 & data[at + 1] >> 4, data[at + 1] & 15
        words = struct.unpack(">4H", data[at + 2 : at + 2 + FRAME_BYTES])
        now_s += FRAME_BITS / BIT_RATE * (1 + (data[at] >> 4) * (data[at] >> 7))
        heard = HeardFrame(
            tuple(None if lost >> block & 1 else words[block] for block in range(BLOCKS)),
            tuple(bool(whole >> block & 1) and not lost >> block & 1 for block in range(BLOCKS)),
            round(now_s * BIT_RATE),
        )
        for event in reassembler.feed(heard, now_s):
            if isinstance(event, Complete):
                assert len(event.packet) <= fm.PACKET_BYTES_MAX
                assert fm.packet_bytes(event.packet) == len(event.packet)


def fm_bits(data: bytes) -> None:
    """How bits are handed over changes nothing in what is heard."""
    whole = list(BitReceiver().feed_bytes(data))
    receiver = BitReceiver()
    assert [event for piece in pieces_of(data) for event in receiver.feed_bytes(piece)] == whole
    for event in whole:
        if isinstance(event, HeardFrame):
            assert len(event.words) == BLOCKS
            assert all(word is not None or not good for word, good in zip(event.words, event.whole, strict=True))


def fm_samples(data: bytes) -> None:
    """Any samples give bits, as many as their time allows, however they were read."""
    samples = [sample / SAMPLE_MAX for sample in array("h", data[: len(data) // 2 * 2])]
    alone = Demodulator(RATE_HZ)
    whole = [*alone.feed(samples), *alone.finish()]
    assert len(whole) <= len(samples) * BIT_RATE / RATE_HZ + 2
    assert set(whole) <= {0, 1}
    demodulator, bits, at = Demodulator(RATE_HZ), list[int](), 0
    for piece in pieces_of(data):
        bits += demodulator.feed(samples[at : at + len(piece)])
        at += len(piece)
    bits += [*demodulator.feed(samples[at:]), *demodulator.finish()]
    assert bits == whole


def fm_recording(data: bytes) -> None:
    """`ebcd fm receive`: a file, or a WAV with these bytes as its samples, gives packets or a sentence."""
    for content in (data, _wav(data)):
        with TemporaryDirectory() as folder, silenced():
            file = Path(folder) / "recording"
            file.write_bytes(content)
            try:
                assert run_receive(str(file), [], "en", as_json=True) in (0, 1)
            except Failure as failure:
                said = failure.sentences
            else:
                continue
            assert said


def _wav(samples: bytes) -> bytes:
    sink = io.BytesIO()
    with wave.open(sink, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(RATE_HZ)
        writer.writeframes(samples)
    return sink.getvalue()
