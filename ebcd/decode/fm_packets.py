"""Data packets on the 57 kHz subcarrier, and the frames that carry them (GD/J 085-2018)."""

from __future__ import annotations

from dataclasses import replace

from ebcd.decode.cuts import cut, is_cut
from ebcd.decode.fm_content import CLAUSES, content_fields, content_name, name_so_far
from ebcd.decode.fm_runs import claim_run, of_frames, on_air, packet_in, read_part
from ebcd.decode.fm_words import words_of
from ebcd.decode.keys import Keys
from ebcd.decode.reading import UNSIGNED, Crc, Note, Reading, Signed
from ebcd.decode.recogniser import Claim, Recogniser, told
from ebcd.decode.signature_fields import block_fields, unread_fields
from ebcd.decode.tree import Field, Group, Items, fields_so_far, value_of
from protocols.codes import resource_code_of
from protocols.crc import crc16_ccitt_false
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.fm import packet as fm
from protocols.fm.bits import AIR_BYTES, hear_frame
from protocols.fm.frame import CRC_BYTES, FRAME_BYTES, PAYLOAD_BYTES, Frame, SourceLevel
from protocols.partial import Partial
from protocols.signature import BLOCK_BYTES, SignatureBlock

_PACKET_BYTES_MIN = fm.HEAD_BYTES + BLOCK_BYTES
WHOLE_BLOCKS_MIN = 2  # of four; two right checkwords are chance once in a hundred thousand
_PACKET_CLAUSE = "GD/J 085 5.1"
_FRAME_CLAUSE = "GD/J 085 5.4"


# ---- packets -------------------------------------------------------------------------------------------------------


def claim_packet(data: bytes) -> Claim:
    """Whether the length field fits, with or without the CRC-16 and the fill that frames add; or all frames of one."""
    if len(data) < _PACKET_BYTES_MIN:
        return claim_run(data) or _is_begun(data)
    length = fm.packet_bytes(data)
    if length >= _PACKET_BYTES_MIN:
        if length == len(data):
            return Claim.LIKELY if _is_addressed(data) else Claim.WEAK  # without codes the length alone speaks
        if _sealed(data, length):
            return Claim.CERTAIN
    return claim_run(data) or _is_begun(data)


def _is_addressed(data: bytes) -> bool:
    """Whether all of its resource codes are some; only type 1 goes without."""
    return len(_codes(data)[0]) == data[2] and (bool(data[2]) or data[0] >> 3 == fm.SET_CODE)


def _is_begun(data: bytes) -> Claim:
    """A packet that was cut: a type with a clause, a length beyond what is here, and a resource code behind it."""
    if not fm.HEAD_BYTES + fm.CODE_BYTES <= len(data) < fm.packet_bytes(data) <= fm.PACKET_BYTES_MAX:
        return Claim.NONE
    if not data[2] or data[0] >> 3 not in CLAUSES or not _codes(data)[0]:
        return Claim.NONE
    return Claim.LIKELY


def read_packet(data: bytes, keys: Keys) -> Reading:
    """One packet; behind it the CRC-16 and fill of its frames may stand, or it is still in its frames."""
    if claim_run(data):
        complete = packet_in(data)
        return read_part(data) if complete is None else of_frames(_read_one(complete.packet, keys), data, complete)
    return _read_one(data, keys)


def _read_one(data: bytes, keys: Keys) -> Reading:
    length = fm.packet_bytes(data) if len(data) >= fm.HEAD_BYTES else len(data)
    packed, crc = data, Crc.NONE
    if _sealed(data, length):
        packed, crc = data[:length], Crc.OK
    try:
        packet = fm.decode_packet(packed)
    except RemoteProtocolError as error:
        return _so_far(packed, crc, error, keys)
    signature, notes = keys.judge(packet.command, packet.signature)
    if packet.signature.is_empty:
        signature, notes = Signed.NONE, (Note("unsigned"),)
    name = content_name(packet.content)
    clause = f"GD/J 085 {CLAUSES[packet.type]}" if packet.type in CLAUSES else _PACKET_CLAUSE
    fields, same = _packet_fields(packet, packed), _packet_again(packet) == packed
    return Reading("fm-packet", name, fields, crc, signature, same, clause=clause, notes=notes)


def _so_far(data: bytes, crc: Crc, error: RemoteProtocolError, keys: Keys) -> Reading:
    """A packet that breaks: its fields up to there, and its signature where the length is right."""
    clause = f"GD/J 085 {CLAUSES[data[0] >> 3]}" if data and data[0] >> 3 in CLAUSES else _PACKET_CLAUSE
    broken = Reading("fm-packet", "", _head(data), crc, errors=(told(error),), clause=clause, offset=error.offset)
    if len(data) < fm.HEAD_BYTES:
        return broken
    is_whole = len(data) == fm.packet_bytes(data) >= _PACKET_BYTES_MIN
    end = max(fm.packet_bytes(data) - BLOCK_BYTES, fm.HEAD_BYTES)
    codes, at = _codes(data[:end])
    value, used = fm.content_so_far(data[0] >> 3, data[at:end])
    fields = broken.fields + Group((Field("resource_codes", Items(codes), "code", _PACKET_CLAUSE),))
    if len(codes) == data[2]:
        fields += fields_so_far(value) if isinstance(value, Partial) else content_fields(value)
        at += used
        broken = replace(broken, message=name_so_far(value))
    if not is_whole:
        broken = replace(broken, fields=fields + Group(unread_fields(data[at:])))
        whole = fm.packet_bytes(data)
        return cut(broken, len(data), whole) if is_cut(len(data), whole, fm.PACKET_BYTES_MAX) else broken
    block = SignatureBlock.decode(data[end:])
    signature, notes = (Signed.NONE, UNSIGNED) if block.is_empty else keys.judge(data[:end], block)
    fields += Group((*unread_fields(data[at:end]), *block_fields(block, "time")))
    return replace(broken, fields=fields, signature=signature, notes=notes)


def _codes(data: bytes) -> tuple[tuple[str, ...], int]:
    """The resource codes that are there and are some, and where they end."""
    found: list[str] = []
    at = fm.HEAD_BYTES
    while len(found) < data[2] and at + fm.CODE_BYTES <= len(data):
        try:
            found.append(str(resource_code_of(data[at : at + fm.CODE_BYTES])))
        except RemoteProtocolError:
            break
        at += fm.CODE_BYTES
    return tuple(found), at


def _sealed(data: bytes, length: int) -> bool:
    """Whether `length` bytes are followed by their CRC-16 and at most one frame's fill."""
    extra = len(data) - length
    if not (length > 0 and CRC_BYTES <= extra < CRC_BYTES + PAYLOAD_BYTES):
        return False
    return crc16_ccitt_false(data[:length]) == int.from_bytes(data[length : length + CRC_BYTES], "big")


def _packet_again(packet: fm.Packet) -> bytes | None:
    try:
        return fm.encode_again(packet)
    except LocalProtocolError:
        return None


def _head(data: bytes) -> Group:
    if len(data) < fm.HEAD_BYTES:
        return Group()
    fields = (
        Field("type", data[0] >> 3, "fm_type", _PACKET_CLAUSE),
        Field("length", fm.packet_bytes(data) - 2, "", _PACKET_CLAUSE),
        Field("resource_code_count", data[2], "", _PACKET_CLAUSE),
    )
    return Group(fields)


def _packet_fields(packet: fm.Packet, data: bytes) -> Group:
    return (
        _head(data)
        + Group((Field("resource_codes", value_of(packet.codes), "code", _PACKET_CLAUSE),))
        + content_fields(packet.content)
        + Group(block_fields(packet.signature, "time"))
    )


# ---- frames --------------------------------------------------------------------------------------------------------


def claim_frame(data: bytes) -> Claim:
    """Eight bytes are always a frame, of a level in use or not; thirteen are one where two checkwords are right."""
    if len(data) == AIR_BYTES:
        heard = hear_frame(int.from_bytes(data, "big"), 0)
        if sum(heard.whole) < WHOLE_BLOCKS_MIN:
            return Claim.NONE
        data = words_of(heard)
    if len(data) != FRAME_BYTES:
        return Claim.NONE
    frame = Frame.decode(data)
    in_use = SourceLevel.NATIONAL <= frame.level <= SourceLevel.VILLAGE
    return Claim.LIKELY if in_use and frame.index < frame.count else Claim.WEAK


def read_frame(data: bytes, _keys: Keys) -> Reading:
    """One frame: eight bytes, or the thirteen on air with the checkwords of its blocks."""
    whole, crc, errors = data, Crc.NONE, []
    if len(data) == AIR_BYTES:
        heard = hear_frame(int.from_bytes(data, "big"), 0)
        bad = [name for name, good in zip("ABCD", heard.whole, strict=True) if not good]
        crc = Crc.BAD if bad else Crc.OK
        if bad:
            errors.append(f"crc: checkword of block {' '.join(bad)} is wrong")
        whole = words_of(heard)
    try:
        frame = Frame.decode(whole)
        again: bytes | None = frame.encode()
    except RemoteProtocolError as error:
        return Reading("fm-frame", "", errors=(told(error),), clause=_FRAME_CLAUSE, offset=error.offset)
    if frame.index >= frame.count and frame.level:
        errors.append(f"value at byte 2: index {frame.index} of {frame.count} frames")
    if len(data) == AIR_BYTES and again is not None:
        again = next((air for air in on_air(again) if air == data), None)
    message = "filler" if not any(whole) else "frame"
    notes = () if SourceLevel.NATIONAL <= frame.level <= SourceLevel.VILLAGE else (Note("reserved_level"),)
    fields = (
        Field("level", frame.level, "source_level"),
        Field("version", frame.version),
        Field("number_of_frames", frame.count),
        Field("frame_index", frame.index),
        Field("payload", value_of(frame.payload)),
    )
    group = Group(tuple(replace(field, clause=_FRAME_CLAUSE) for field in fields))
    told_errors, same = tuple(errors), again == data
    return Reading("fm-frame", message, group, crc, Signed.NONE, same, (), told_errors, _FRAME_CLAUSE, notes)


PACKET = Recogniser("fm-packet", claim_packet, read_packet)
FRAME = Recogniser("fm-frame", claim_frame, read_frame)
