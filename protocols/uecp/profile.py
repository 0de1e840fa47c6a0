"""What an encoder can do, as data, and what to do about what it says (rds-uecp.md B.3, B.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from protocols.uecp.control import Code

AIR_GROUPS_PER_S: Final = 1187.5 / 104
GROUP_MECS: Final = frozenset({0x24, 0x2B, 0x30, 0x40, 0x42, 0x46})
"""Elements that put a group into the encoder's queue for the air."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of encoder.

    `mecs` None: every element. `groups_outstanding_max`: groups it may hold that are not on air yet, `group_share` the
    part of the air they get. `frame_gap_s`: rest between two frames that nobody acknowledges.
    """

    name: str
    mecs: frozenset[int] | None = None
    answers: bool = True
    groups_outstanding_max: int = 3
    group_share: float = 0.4
    frame_gap_s: float = 0.0

    @property
    def group_s(self) -> float:
        """Seconds in which one pushed group goes on air."""
        return 1 / (AIR_GROUPS_PER_S * self.group_share)

    def knows(self, mec: int) -> bool:
        """Whether it acts on elements of this code."""
        return self.mecs is None or mec in self.mecs


FULL: Final = Profile("full")
"""Answers, and takes every element."""

WEAK: Final = Profile(
    "weak",
    mecs=frozenset({0x01, 0x02, 0x03, 0x04, 0x05, 0x07, 0x0A, 0x0D, 0x13, 0x24, 0x30, 0x40, 0x42}),
    answers=False,
    frame_gap_s=0.1,
)
"""FMUSER and Pira family: never answers, has a queue of four groups, and reads the first element of a frame only; no
encoder is sent more than one element a frame for their sake."""

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType({each.name: each for each in (WEAK, FULL)})


class Reaction(Enum):
    """What to do after an acknowledgement."""

    DONE = "done"
    RESEND = "resend"  # the same frame under the same number
    SLOW_DOWN = "slow down"  # the same, after a pause
    USE_PLAINER = "use plainer"  # not this element again on this encoder, until somebody wants it tried
    GIVE_UP = "give up"  # repeating helps nothing


REACTIONS: Final[Mapping[int, Reaction]] = MappingProxyType(
    {
        Code.OK: Reaction.DONE,
        Code.CRC: Reaction.RESEND,
        Code.NOT_RECEIVED: Reaction.RESEND,
        Code.UNKNOWN_MESSAGE: Reaction.USE_PLAINER,
        Code.DATA_SET: Reaction.GIVE_UP,
        Code.SERVICE_NUMBER: Reaction.GIVE_UP,
        Code.OUT_OF_RANGE: Reaction.GIVE_UP,
        Code.ELEMENT_LENGTH: Reaction.GIVE_UP,
        Code.FIELD_LENGTH: Reaction.GIVE_UP,
        Code.NOT_ACCEPTABLE: Reaction.GIVE_UP,
        Code.END_MISSING: Reaction.RESEND,
        Code.BUFFER_OVERFLOW: Reaction.SLOW_DOWN,
        Code.BAD_STUFFING: Reaction.RESEND,
        Code.UNEXPECTED_END: Reaction.RESEND,
        Code.NOT_INTERPRETED: Reaction.USE_PLAINER,
    }
)
"""A code that is not here is new to everybody: give up."""

CODES: Final[Mapping[str, Code]] = MappingProxyType(
    {
        "crc": Code.CRC,
        "mec": Code.UNKNOWN_MESSAGE,
        "element-length": Code.ELEMENT_LENGTH,
        "length": Code.ELEMENT_LENGTH,
        "body": Code.FIELD_LENGTH,
        "trailing": Code.FIELD_LENGTH,
        "overlong": Code.END_MISSING,
        "truncated": Code.END_MISSING,
        "stuffing": Code.BAD_STUFFING,
        "restart": Code.UNEXPECTED_END,
    }
)
"""What an encoder answers to the reasons of a BadFrame or RemoteProtocolError; noise is not answered."""
