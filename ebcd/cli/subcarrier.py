"""`ebcd fm`: packets to bits or samples of the 57 kHz subcarrier, and back."""

from __future__ import annotations

import io
import sys
import wave
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import typer

from ebcd.catalogue import text
from ebcd.cli.files import STDIN, read_bytes, read_certificate, the_file, write_bytes
from ebcd.cli.output import forgive_narrow_charsets
from ebcd.cli.recordings import MAGICS, BadRecording, Recording, read_recording
from ebcd.cli.session import Failure
from ebcd.decode import Keys, decode_bytes
from ebcd.decode.hexadecimal import from_hex
from ebcd.decode.inputs import message_of, messages_in
from protocols.errors import LocalProtocolError
from protocols.fm.baseband import Modulator
from protocols.fm.bits import BitReceiver, HeardFrame, SyncLost, frame_to_air
from protocols.fm.demodulator import Demodulator
from protocols.fm.frame import BIT_RATE, FILLER_FRAME, FRAME_BITS, FRAME_BYTES, VERSIONS, SourceLevel, to_frames
from protocols.fm.packet import packet_bytes
from protocols.fm.pulse import DEVIATION_HZ, MPX_FULL_SCALE_HZ, NEIGHBOURS, PILOT_DEVIATION_HZ
from protocols.fm.reassembly import Complete, Discarded, Reassembler

SAMPLE_MAX = 32_767
SAMPLE_BYTES = 2
LEAD_FRAMES = 12  # a receiver's loops need a second before its first bits are right
TAIL_FRAMES = 6  # and its filters hold the last ones back
PIECE_BITS = 64 * FRAME_BITS  # a long recording is not shifted as one number
SLOTS_MAX = 192  # every version of every source level
SLOT_TIMEOUT_S = 30.0
BLANKS = b" \t\r\n"
FORMATS = ("bits", "hex", "wav")
FRAME_WORDS = 4
WORD_BYTES = 2
LOST_WORD = "----"  # how monitors print a block that they could not read
TIME_MARK = "@"  # and when they heard it
TAG_MARK = "<"  # lines of theirs that are no blocks
BOM = b"\xef\xbb\xbf"  # what some editors put before a text


# ---- out -----------------------------------------------------------------------------------------------------------


def run_render(
    packets: Sequence[str], out: str, form: str, language: str, *, level: int, version: int, repeat: int, rate_hz: int
) -> int:
    """Write packets, each under a version of its own, going round `repeat` times. Raises Failure."""
    if form not in FORMATS:
        raise Failure(text("fm.bad_format", language, value=form, known=", ".join(FORMATS)), status=2)
    frames: list[bytes] = []
    found = [packet for written in packets for packet in _packets(written, language)]
    numbers = {packet: number for number, packet in enumerate(dict.fromkeys(found))}  # a repeat keeps its version
    if len(numbers) > VERSIONS:
        raise Failure(text("fm.too_many", language, count=len(numbers), limit=VERSIONS), status=2)
    for packet in found:
        try:
            frames += to_frames(packet, SourceLevel(level), (version + numbers[packet]) % VERSIONS)
        except LocalProtocolError as error:
            raise Failure(text("fm.bad_packet", language, value=packet[:20].hex(), reason=error), status=2) from None
    for packet in numbers:
        if (told := packet_bytes(packet)) != len(packet):
            said = text("fm.never_received", language, value=packet[:20].hex(), told=told, size=len(packet))
            typer.echo(said, err=True)
    frames *= repeat
    if form == "hex":
        lines = (" ".join(frame[at : at + 2].hex().upper() for at in range(0, FRAME_BYTES, 2)) for frame in frames)
        data = "".join(f"{line}\n" for line in lines).encode("ascii")
    elif form == "bits":
        data = "".join(f"{_air(frame):0{FRAME_BITS}b}" for frame in frames).encode("ascii")
    else:
        try:
            modulator = Modulator(rate_hz, pilot=PILOT_DEVIATION_HZ / DEVIATION_HZ)
        except LocalProtocolError as error:
            raise Failure(text("fm.bad_rate", language, reason=error), status=2) from None
        data = _wav([FILLER_FRAME] * LEAD_FRAMES + frames + [FILLER_FRAME] * TAIL_FRAMES, modulator, rate_hz)
    write_bytes(out, data, language)
    return 0


def _packets(written: str, language: str) -> Iterator[bytes]:
    """One argument's packets: a file's or its own."""
    file = the_file(written)
    for message in (message_of(written),) if file is None else messages_in(read_bytes(file, language)):
        if not isinstance(message, bytes):
            message = message if isinstance(message, str) else message.error
            raise Failure(text("decode.not_hex", language, value=message[:40]), status=2)
        yield message


def _air(frame: bytes) -> int:
    return int.from_bytes(frame_to_air(frame), "big")


def _wav(frames: Sequence[bytes], modulator: Modulator, rate_hz: int) -> bytes:
    """16-bit MPX: the subcarrier at the advised deviation and the pilot it is locked to; no programme."""
    scale = SAMPLE_MAX * DEVIATION_HZ / MPX_FULL_SCALE_HZ
    sink = io.BytesIO()
    with wave.open(sink, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(SAMPLE_BYTES)
        writer.setframerate(rate_hz)
        for samples in (*(modulator.feed(_air(frame), FRAME_BITS) for frame in frames), modulator.feed(0, NEIGHBOURS)):
            numbers = array("h", (round(sample * scale) for sample in samples))
            if sys.byteorder == "big":
                numbers.byteswap()
            writer.writeframes(numbers.tobytes())
    return sink.getvalue()


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
    for complete in _received(file, heard, language):
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


def _received(file: str, heard: _Heard, language: str) -> Iterator[Complete]:
    """The packets of a recording, of a text of 0 and 1, or of frames in hexadecimal. Raises Failure."""
    data = read_bytes(None if file == STDIN else Path(file), language).removeprefix(BOM)
    digits = data.translate(None, BLANKS)
    try:
        if data[:4] in MAGICS:
            yield from _recorded(read_recording(data), heard)
        elif not digits.strip(b"01"):
            yield from _complete(_heard_in(_pieces(digits), heard), heard)
        else:
            yield from _complete(_read_frames(data), heard)
    except (BadRecording, LocalProtocolError) as error:
        raise Failure(text("fm.bad_recording", language, file=file, reason=error)) from None


def _recorded(recording: Recording, heard: _Heard) -> Iterator[Complete]:
    """The packets of the first channel that has any: the multiplex may be on either side of a stereo recording."""
    for channel in range(recording.channels):
        heard.frames = heard.lost = heard.discarded = 0
        silent = True
        for complete in _complete(_heard_in(_demodulated(recording, channel), heard), heard):
            silent = False
            yield complete
        if not silent:
            return


def _demodulated(recording: Recording, channel: int) -> Iterator[tuple[int, int]]:
    demodulator = Demodulator(recording.rate_hz)
    for samples in recording.blocks(channel):
        yield from ((bit, 1) for bit in demodulator.feed(samples))
    yield from ((bit, 1) for bit in demodulator.finish())


def _pieces(digits: bytes) -> Iterator[tuple[int, int]]:
    for at in range(0, len(digits), PIECE_BITS):
        piece = digits[at : at + PIECE_BITS]
        yield int(piece, 2), len(piece)


def _heard_in(bits: Iterator[tuple[int, int]], heard: _Heard) -> Iterator[HeardFrame]:
    """Runs of bits (value, count) to frames."""
    receiver = BitReceiver()
    for value, count in bits:
        for event in receiver.feed(value, count):
            if isinstance(event, SyncLost):
                heard.lost += 1
            elif isinstance(event, HeardFrame):
                yield event


def _read_frames(data: bytes) -> Iterator[HeardFrame]:
    """Four words a line in hexadecimal, as monitors print them; a time behind `@` and tags around them are nothing to
    us. Raises BadRecording."""
    written_lines = (line.partition(TIME_MARK)[0].strip() for line in data.decode("ascii", "replace").splitlines())
    lines = (line for line in written_lines if line and not line.startswith(TAG_MARK))
    for number, line in enumerate(lines, start=1):
        written = line.split() if len(line.split()) > 1 else [line.strip()[at : at + 4] for at in range(0, 16, 4)]
        if "".join(written) != line.replace(" ", "").replace("\t", "").strip() or len(written) != FRAME_WORDS:
            raise BadRecording(f"line {number} has no four words, and the file is neither RIFF nor 0 and 1")
        words = tuple(_word(each, number) for each in written)
        yield HeardFrame(words, tuple(word is not None for word in words), number * FRAME_BITS)


def _word(written: str, number: int) -> int | None:
    if written == LOST_WORD:
        return None
    found = from_hex(written)
    if found is None or len(found) != WORD_BYTES:
        raise BadRecording(f"line {number}: {written[:20]!r} is no word of four hexadecimal digits")
    return int.from_bytes(found, "big")


def _complete(frames: Iterator[HeardFrame], heard: _Heard) -> Iterator[Complete]:
    """Frames to packets. Time is what the bits take on air."""
    reassembler = Reassembler(slots_max=SLOTS_MAX, timeout_s=SLOT_TIMEOUT_S)
    for frame in frames:
        heard.frames += 1
        for found in reassembler.feed(frame, frame.bit / BIT_RATE):
            if isinstance(found, Complete):
                yield found
            elif isinstance(found, Discarded):
                heard.discarded += 1
