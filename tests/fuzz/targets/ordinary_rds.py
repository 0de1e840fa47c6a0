"""Ordinary RDS groups and the frames of their encoders (EN 50067, UECP)."""

from __future__ import annotations

from protocols.rds import groups as rds
from protocols.rds import on_air
from protocols.rds.charset import decode_text
from protocols.uecp import frame as uecp
from protocols.uecp import message
from protocols.uecp.control import Mode
from protocols.uecp.profile import PROFILES
from protocols.uecp.programme import ProgrammeType
from protocols.uecp.session import Session
from tests.fuzz.properties import comes_back, pieces_of, streams

STEP_S = 0.05

uecp_stream = streams(uecp.Deframer, 1 + uecp.STUFFED_BYTES_MAX)
uecp_frame = comes_back(uecp.decode, uecp.encode)
uecp_message = comes_back(message.decode_message, lambda elements: message.encode_message(*elements))
rds_on_air = comes_back(on_air.from_air, on_air.to_air)


def rds_group(data: bytes) -> None:
    """Any four words; what is shown of a text is text."""
    if len(data) >= rds.WORDS * 2:
        words = tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, 2 * rds.WORDS, 2))
        comes_back(lambda _data: rds.decode(words), lambda group: _bytes(rds.encode(group)))(b"")
    assert decode_text(data).isprintable() or data


def _bytes(words: rds.Words) -> bytes:
    return b"".join(word.to_bytes(2, "big") for word in words)


def uecp_session(data: bytes) -> None:
    """An encoder may say anything at any time: the queue drains or is given up, and nothing else happens."""
    session, now_s = Session(PROFILES["full"], Mode(len(data) % len(Mode)), queue_max=4), 0.0
    for piece in pieces_of(data):
        if len(session) < session.queue_max:
            session.offer(ProgrammeType(piece[0] & 31))
        session.receive(piece, now_s)
        session.step(now_s)
        now_s += STEP_S * piece[0]
        assert len(session) <= session.queue_max + 1
