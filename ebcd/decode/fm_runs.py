"""Several frames of the subcarrier in a row: the packet that they carry (GD/J 085-2018 clause 5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ebcd.decode.fm_words import words_of
from ebcd.decode.reading import Crc, Note, Reading
from ebcd.decode.recogniser import Claim
from ebcd.decode.tree import Field, Group, Items
from protocols.fm.bits import AIR_BYTES, BLOCKS, HeardFrame, frame_to_air, hear_frame
from protocols.fm.frame import BIT_RATE, FRAME_BITS, FRAME_BYTES, Frame, SourceLevel, to_frames
from protocols.fm.reassembly import Complete, Reassembler
from protocols.rds.block import Offset

FRAMES_MIN = 2
FRAMES_MAX = 4_096  # six minutes of air
SHOWN_MAX = 16
SLOTS_MAX = 4
TIMEOUT_S = 1_000.0  # longer than FRAMES_MAX take
_CLAUSE = "GD/J 085 5.4"
_WHOLE = (True,) * BLOCKS


def heard_in(data: bytes) -> tuple[HeardFrame, ...]:
    """The frames of one packet, eight bytes each or thirteen on air; none where these bytes are nothing of the kind."""
    for size in (FRAME_BYTES, AIR_BYTES):
        count, rest = divmod(len(data), size)
        if rest or not FRAMES_MIN <= count <= FRAMES_MAX:
            continue
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        heard = tuple(_heard(piece, FRAME_BITS * (at + 1)) for at, piece in enumerate(pieces))
        good = [frame for frame in heard if all(frame.whole)]
        if 2 * len(good) > count and len({_packet_of(frame) for frame in good}) == 1 and _packet_of(good[0]):
            return heard
    return ()


def _heard(piece: bytes, bit: int) -> HeardFrame:
    if len(piece) == AIR_BYTES:
        return hear_frame(int.from_bytes(piece, "big"), bit)
    words = tuple(int.from_bytes(piece[at : at + 2], "big") for at in range(0, FRAME_BYTES, 2))
    return HeardFrame(words, _WHOLE, bit)


def _packet_of(heard: HeardFrame) -> tuple[int, int, int] | None:
    """Level, version and number of frames; None for what no receiver looks at."""
    frame = Frame.decode(words_of(heard))
    in_use = SourceLevel.NATIONAL <= frame.level <= SourceLevel.VILLAGE
    return (frame.level, frame.version, frame.count) if in_use and frame.index < frame.count else None


def claim_run(data: bytes) -> Claim:
    """Every frame names the same packet."""
    return Claim.LIKELY if heard_in(data) else Claim.NONE


def packet_in(data: bytes) -> Complete | None:
    """The packet of a run of frames, if it is whole."""
    reassembler = Reassembler(slots_max=SLOTS_MAX, timeout_s=TIMEOUT_S)
    for heard in heard_in(data):
        for event in reassembler.feed(heard, heard.bit / BIT_RATE):
            if isinstance(event, Complete):
                return event
    return None


def of_frames(reading: Reading, data: bytes, complete: Complete) -> Reading:
    """A packet's reading, as that of the frames it came in."""
    heard = heard_in(data)
    told = {"level": str(complete.level), "version": str(complete.version), "count": str(len(heard))}
    same = reading.roundtrip and _is_sent(complete, _pieces(data, len(heard)))
    crc = Crc.OK if all(all(each.whole) for each in heard) else Crc.BAD
    return replace(
        reading,
        crc=crc,
        roundtrip=same,
        errors=(*_bad_blocks(heard), *reading.errors),
        notes=(Note("of_frames", tuple(told.items())), *reading.notes),
    )


def _is_sent(complete: Complete, pieces: Sequence[bytes]) -> bool:
    """Whether these are all frames of the packet and no others, in any order and however often."""
    frames = to_frames(complete.packet, SourceLevel(complete.level), complete.version)
    forms = [(frame,) if len(pieces[0]) == FRAME_BYTES else on_air(frame) for frame in frames]
    index_of = {form: index for index, each in enumerate(forms) for form in each}
    return {index_of.get(piece) for piece in pieces} == set(range(len(frames)))


def on_air(frame: bytes) -> tuple[bytes, bytes]:
    """A frame with the offset B of EN 50067, and with the one that GD/J 085 annex A prints."""
    return frame_to_air(frame), frame_to_air(frame, offset_b=Offset.B_PRINTED)


def _pieces(data: bytes, count: int) -> tuple[bytes, ...]:
    size = len(data) // count
    return tuple(data[at : at + size] for at in range(0, len(data), size))


def read_part(data: bytes) -> Reading:
    """Frames that are not a whole packet yet: which are there, and which are not."""
    heard = heard_in(data)
    level, version, count = next(found for each in heard if all(each.whole) and (found := _packet_of(each)))
    here = sorted({Frame.decode(words_of(each)).index for each in heard if all(each.whole)})
    lacking = [str(index) for index in range(count) if index not in here]
    if lacking:
        shown = ", ".join(lacking[:SHOWN_MAX]) + (" ..." if len(lacking) > SHOWN_MAX else "")
        error = f"frames: {count - len(lacking)} of {count} frames are here; missing are {shown}"
    else:
        error = "packet-crc: all frames are here, and their length or CRC-16 is wrong"
    fields = (
        Field("level", level, "source_level", _CLAUSE),
        Field("version", version, "", _CLAUSE),
        Field("number_of_frames", count, "", _CLAUSE),
        Field("frame_indexes", Items(tuple(here)), "", _CLAUSE),
    )
    bad = _bad_blocks(heard)
    crc = Crc.BAD if bad else Crc.NONE if len(data) % AIR_BYTES else Crc.OK
    return Reading("fm-frame", "frames", Group(fields), crc, errors=(error, *bad), clause=_CLAUSE)


def _bad_blocks(heard: Sequence[HeardFrame]) -> tuple[str, ...]:
    """One sentence for each of the first frames whose checkwords are wrong."""
    found = [
        f"crc: checkword of block {' '.join(name for name, good in zip('ABCD', each.whole, strict=True) if not good)}"
        f" of frame {number} here is wrong"
        for number, each in enumerate(heard, start=1)
        if not all(each.whole)
    ]
    return tuple(found[:SHOWN_MAX])
