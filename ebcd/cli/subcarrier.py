"""`ebcd fm`: packets to bits or samples of the 57 kHz subcarrier, and back."""

from __future__ import annotations

import io
import sys
import wave
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson
import typer

from ebcd.catalogue import text
from ebcd.cli.files import STDIN, read_bytes, read_certificate, the_file, write_bytes
from ebcd.cli.output import forgive_narrow_charsets
from ebcd.cli.session import Failure
from ebcd.decode import Keys, decode_bytes
from ebcd.decode.inputs import from_hex, message_of, messages_in
from protocols.errors import LocalProtocolError
from protocols.fm.baseband import DEVIATION_HZ, MPX_FULL_SCALE_HZ, NEIGHBOURS, RATES_HZ, Demodulator, Modulator
from protocols.fm.bits import BitReceiver, HeardFrame, SyncLost, frame_to_air
from protocols.fm.frame import BIT_RATE, FILLER_FRAME, FRAME_BITS, FRAME_BYTES, VERSIONS, SourceLevel, to_frames
from protocols.fm.reassembly import Complete, Discarded, Reassembler

SAMPLE_MAX = 32_767
SAMPLE_BYTES = 2
LEAD_FRAMES = 2  # a demodulator needs some bits before it decides the first one
TAIL_FRAMES = 1
BLOCK_SAMPLES = 65_536
SLOTS_MAX = 192  # every version of every source level
SLOT_TIMEOUT_S = 30.0
BLANKS = b" \t\r\n"
FORMATS = ("bits", "hex", "wav")


# ---- out -----------------------------------------------------------------------------------------------------------


def run_render(
    packets: Sequence[str], out: str, form: str, language: str, *, level: int, version: int, repeat: int, rate_hz: int
) -> int:
    """Write packets, each under a version of its own, going round `repeat` times. Raises Failure."""
    if form not in FORMATS:
        raise Failure(text("fm.bad_format", language, value=form, known=", ".join(FORMATS)), status=2)
    frames: list[bytes] = []
    found = [packet for written in packets for packet in _packets(written, language)]
    for number, packet in enumerate(found):
        try:
            frames += to_frames(packet, SourceLevel(level), (version + number) % VERSIONS)
        except LocalProtocolError as error:
            raise Failure(text("fm.bad_packet", language, value=packet[:20].hex(), reason=error), status=2) from None
    frames *= repeat
    if form == "hex":
        lines = (" ".join(frame[at : at + 2].hex().upper() for at in range(0, FRAME_BYTES, 2)) for frame in frames)
        data = "".join(f"{line}\n" for line in lines).encode("ascii")
    elif form == "bits":
        data = "".join(f"{_air(frame):0{FRAME_BITS}b}" for frame in frames).encode("ascii")
    else:
        if rate_hz not in RATES_HZ:
            known = ", ".join(map(str, RATES_HZ))
            raise Failure(text("fm.bad_rate", language, value=rate_hz, known=known), status=2)
        data = _wav([FILLER_FRAME] * LEAD_FRAMES + frames + [FILLER_FRAME] * TAIL_FRAMES, rate_hz)
    write_bytes(out, data, language)
    return 0


def _packets(written: str, language: str) -> Iterator[bytes]:
    """One argument's packets: a file's or its own."""
    file = the_file(written)
    for message in (message_of(written),) if file is None else messages_in(read_bytes(file, language)):
        if isinstance(message, str):
            raise Failure(text("decode.not_hex", language, value=message[:40]), status=2)
        yield message


def _air(frame: bytes) -> int:
    return int.from_bytes(frame_to_air(frame), "big")


def _wav(frames: Sequence[bytes], rate_hz: int) -> bytes:
    """16-bit MPX with nothing but the subcarrier, at the advised deviation."""
    modulator = Modulator(rate_hz)
    scale = SAMPLE_MAX * DEVIATION_HZ / MPX_FULL_SCALE_HZ
    sink = io.BytesIO()
    with wave.open(sink, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(SAMPLE_BYTES)
        writer.setframerate(rate_hz)
        for samples in (*(modulator.feed(_air(frame), FRAME_BITS) for frame in frames), modulator.feed(0, NEIGHBOURS)):
            writer.writeframes(_little(array("h", (round(sample * scale) for sample in samples))).tobytes())
    return sink.getvalue()


def _little(samples: array[int]) -> array[int]:
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


# ---- in ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Heard:
    """Counts of one recording."""

    frames: int = 0
    lost: int = 0
    discarded: int = 0


def run_receive(file: str, certificates: Sequence[Path], language: str, *, as_json: bool) -> int:
    """Print each packet once; 0 only if there was one and all of them are good. Raises Failure."""
    forgive_narrow_charsets()
    keys = Keys(read_certificate(each, language) for each in certificates)
    heard, packets, good = _Heard(), 0, True
    for complete in _complete(_bits(file, language), heard):
        reading = decode_bytes(complete.packet, keys, "fm-packet")
        packets, good = packets + 1, good and reading.is_good
        if as_json:
            head = {"level": complete.level, "version": complete.version, "packet": complete.packet.hex().upper()}
            typer.echo(orjson.dumps({**head, **reading.as_json()}).decode())
            continue
        from ebcd.cli.decode_tree import show_tree

        typer.echo(text("fm.packet", language, level=complete.level, version=complete.version))
        show_tree(reading, complete.packet, language)
    counts = {"frames": heard.frames, "lost": heard.lost, "packets": packets, "discarded": heard.discarded}
    typer.echo(text("fm.heard", language, **counts), err=True)
    return 0 if packets and good else 1


def _complete(bits: Iterator[tuple[int, int]], heard: _Heard) -> Iterator[Complete]:
    """Runs of bits (value, count) to packets. Time is what the bits take on air."""
    receiver, reassembler = BitReceiver(), Reassembler(slots_max=SLOTS_MAX, timeout_s=SLOT_TIMEOUT_S)
    for value, count in bits:
        for event in receiver.feed(value, count):
            if isinstance(event, SyncLost):
                heard.lost += 1
            if not isinstance(event, HeardFrame):
                continue
            heard.frames += 1
            for found in reassembler.feed(event, event.bit / BIT_RATE):
                if isinstance(found, Complete):
                    yield found
                elif isinstance(found, Discarded):
                    heard.discarded += 1


def _bits(file: str, language: str) -> Iterator[tuple[int, int]]:
    """The bits of a recording, of a text of 0 and 1, or of frames in hexadecimal."""
    data = read_bytes(None if file == STDIN else Path(file), language)
    if data[:4] in (b"RIFF", b"RIFX"):
        yield from _demodulated(io.BytesIO(data), file, language)
        return
    digits = data.translate(None, BLANKS)
    if digits and not digits.strip(b"01"):
        yield int(digits, 2), len(digits)
        return
    for line in data.splitlines():
        frame = from_hex(line.decode("ascii", "replace"))
        if frame is None or len(frame) != FRAME_BYTES:
            raise Failure(text("fm.bad_recording", language, file=file, reason="RIFF, 0/1, or four words a line"))
        yield _air(frame), FRAME_BITS


def _demodulated(stream: BinaryIO, file: str, language: str) -> Iterator[tuple[int, int]]:
    try:
        with wave.open(stream, "rb") as reader:
            if reader.getsampwidth() != SAMPLE_BYTES:
                raise Failure(text("fm.bad_recording", language, file=file, reason=f"{8 * reader.getsampwidth()} bit"))
            channels = reader.getnchannels()
            demodulator = Demodulator(reader.getframerate())
            while block := reader.readframes(BLOCK_SAMPLES):
                samples = _little(array("h", block[: len(block) - len(block) % SAMPLE_BYTES]))[::channels]
                for bit in demodulator.feed(sample / SAMPLE_MAX for sample in samples):
                    yield bit, 1
    except (wave.Error, EOFError, RuntimeError, LocalProtocolError) as error:  # RuntimeError: a chunk that lies
        reason = str(error) or type(error).__name__
        raise Failure(text("fm.bad_recording", language, file=file, reason=reason)) from None
