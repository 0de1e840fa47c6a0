"""Bytes to FEFD frames: exactly one, or cut from a stream."""

from __future__ import annotations

import re
from functools import partial
from struct import Struct as Packed
from struct import error as StructError

from protocols.codes import ResourceCode, resource_code_of
from protocols.crc import crc32_mpeg2, ends_in_crc32_mpeg2
from protocols.errors import RemoteProtocolError
from protocols.frozen import draft_of
from protocols.signature import SignatureBlock
from protocols.stream import MORE, NOT_HERE, Cutter
from protocols.terminal.codec import ANSWER_PACKET, QUICK_READERS, quick_answer, read_data
from protocols.terminal.frame import (
    FRAME_BYTES_MAX,
    MARK,
    SIGNATURE_BYTES,
    VERSIONS,
    Frame,
    Header,
    Unsigned,
    measure,
)
from protocols.terminal.parameters import ParameterTable

_HEAD_D = Packed(">2sHIBBH12sH")
_HEAD_E = Packed(">2sHIBH12sH")
_BUSINESS = Packed(">BH")
_ONE_D = Packed(">2sHIBBH12sH12sBH")
_ONE_E = Packed(">2sHIBH12sH12sBH")
"""Either head with one target and the business head behind it: what nearly every frame has."""
_CODE_BYTES = 12
_CRC_BYTES = 4
_CRC_AND_BLOCK_BYTES = 2 + SIGNATURE_BYTES + _CRC_BYTES
_unpack_block = Packed(">HI6s64s").unpack_from
_unpack_d, _unpack_e = _ONE_D.unpack_from, _ONE_E.unpack_from
_HEADER_D, _HEADER_E = Header.D, Header.E
_NOTHING = Unsigned.NOTHING
_FrameDraft = draft_of(Frame)
_SignatureDraft = draft_of(SignatureBlock, of_checked_values=True)  # 32 bits, 6 and 64 bytes, cut by struct


def decode(data: bytes, table: ParameterTable = ParameterTable.OF_2018) -> Frame:
    """Read exactly one frame; its CRC is over everything before it (GD/J 089 clause E.2.4, annex G). Raises
    RemoteProtocolError: head, length, crc, signature, packet-type, or the data's."""
    frame = decode_plain(data)
    if frame is not None:
        return frame
    size = measure(data, 0, FRAME_BYTES_MAX)
    if size == NOT_HERE or data[:2] != MARK:
        raise RemoteProtocolError("head", f"{data[:16].hex()} begins no frame whose lengths agree", offset=0)
    if size != len(data):
        needed = "more" if size == MORE else str(size)
        raise RemoteProtocolError("length", f"{len(data)} bytes are here, {needed} are needed", offset=9)
    if not ends_in_crc32_mpeg2(data):
        found, computed = data[-_CRC_BYTES:].hex().upper(), crc32_mpeg2(data[:-_CRC_BYTES])
        raise RemoteProtocolError("crc", f"CRC {found}, {computed:08X} computed", offset=len(data) - _CRC_BYTES)
    return decode_checked(data, table)


def decode_checked(data: bytes, table: ParameterTable = ParameterTable.OF_2018) -> Frame:
    """The same for a frame whose lengths and CRC a deframer has checked."""
    flag = 0
    if data[12] >= 0xF0:
        header = Header.D
        _, version, session, packet_type, flag, _, _, count = _HEAD_D.unpack_from(data)
        at = _HEAD_D.size
    else:
        header = Header.E
        _, version, session, packet_type, _, _, count = _HEAD_E.unpack_from(data)
        at = _HEAD_E.size
    end = at + _CODE_BYTES * count
    targets = tuple([_code_at(data, i) for i in range(at, end, _CODE_BYTES)])
    type_, length = _BUSINESS.unpack_from(data, end)
    at = end + _BUSINESS.size
    end = at + length
    try:
        message, trailing = read_data(type_, packet_type, data[at:end], table)
    except RemoteProtocolError as error:
        raise error.moved(0 if error.reason == "packet-type" else at) from error
    block = data[end:-_CRC_BYTES]
    has_signature = block not in _UNSIGNED
    return Frame(
        header,
        session,
        packet_type,
        _code_at(data, _SOURCE_AT[header]),
        targets,
        message,
        SignatureBlock.decode(block[2:]) if has_signature else None,
        version,
        Unsigned.NOTHING if has_signature else Unsigned(block),
        bool(flag) is not has_signature,
        trailing,
        data[:end],
    )


def _code_at(data: bytes, at: int) -> ResourceCode:
    try:
        return resource_code_of(data[at : at + _CODE_BYTES])
    except RemoteProtocolError as error:
        raise error.moved(at) from error


_SOURCE_AT = {Header.D: 12, Header.E: 11}
_UNSIGNED = frozenset(form.value for form in Unsigned)


def decode_plain(data: bytes) -> Frame | None:
    """The same as `decode` where `data` is exactly one frame with one target, a right CRC and a message that has a
    struct path; else None, and `decode` says what it is. A property test holds the two equal."""
    size = len(data)
    if size < _ONE_D.size + _CRC_BYTES:
        return None
    signature = None
    if data[12] >= 0xF0:
        header, at = _HEADER_D, 41
        mark, version, session, packet_type, flag, total, source, count, target, type_, length = _unpack_d(data)
        end = at + length
        if flag:
            if flag != 1 or end + _CRC_AND_BLOCK_BYTES != size:
                return None
            block_length, time, certificate, value = _unpack_block(data, end)
            if block_length != SIGNATURE_BYTES or not (time or any(certificate) or any(value)):
                return None
            signature = _SignatureDraft(time, certificate, value)
            signature.__class__ = SignatureBlock
        elif end + 4 != size:
            return None
    else:
        header, at = _HEADER_E, 40
        mark, version, session, packet_type, total, source, count, target, type_, length = _unpack_e(data)
        end = at + length
        if end + 4 != size:
            return None
    if count != 1 or total != size or mark != MARK or version not in VERSIONS or not ends_in_crc32_mpeg2(data):
        return None
    try:
        if packet_type == 1 and type_ in QUICK_READERS:
            message = QUICK_READERS[type_](data, at, end)
        else:
            message = quick_answer(type_, packet_type, data, at, end)
        if message is None:
            return None
        source, target = resource_code_of(source), resource_code_of(target)
    except (StructError, IndexError, ValueError, RemoteProtocolError):
        return None
    frame = _FrameDraft(
        header,
        session,
        packet_type,
        source,
        (target,),
        message,
        signature,
        version,
        _NOTHING,
        False,
        b"",
        data[:end],
    )
    frame.__class__ = Frame
    return frame


_D_ANSWER = Packed(">2sHIBBH12sH12sBHBHI")
_E_ANSWER = Packed(">2sHIBH12sH12sBHBHI")


def short_answer(data: bytes, source: bytes, target: bytes) -> tuple[int, int, int] | None:
    """Session, business type and result of a D.10 answer without text from `source` to `target` (codes in wire form),
    if `data` is exactly one such frame with a right CRC; else None, and `decode` says what it is.

    What thousands of terminals send in the same moment; a property test holds it equal to `decode`.
    """
    if len(data) == _D_ANSWER.size:
        mark, version, session, packet, flag, total, from_, count, to, type_, length, result, text, _ = (
            _D_ANSWER.unpack(data)
        )
    elif len(data) == _E_ANSWER.size:
        mark, version, session, packet, total, from_, count, to, type_, length, result, text, _ = _E_ANSWER.unpack(data)
        flag = 0
    else:
        return None
    if (mark, packet, flag, total, count, length, text) != (MARK, ANSWER_PACKET, 0, len(data), 1, 3, 0):
        return None
    if from_ != source or to != target or version not in VERSIONS or not ends_in_crc32_mpeg2(data):
        return None
    return session, type_, result


_MARK = re.compile(rb"\xfe(?:\xfd(?:\x01[\x00\x01]|\x01?\Z)|\Z)")


class Deframer(Cutter[Frame]):
    """Cuts a TCP stream into frames of either header; see `protocols.stream`."""

    __slots__ = ()

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX, table: ParameterTable = ParameterTable.OF_2018) -> None:
        super().__init__(
            frame_bytes_max,
            _MARK,
            measure,
            partial(decode_checked, table=table),
            decode_plain,
        )
