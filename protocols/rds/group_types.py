"""Group types by name and code, and which of them applications may use (EN 50067 figure 9, table 6)."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from protocols.errors import LocalProtocolError

CODE_MAX: Final = 31
NOT_IN_A_GROUP: Final = 0
"""As the group of an application in 3A: it has no group of its own (clause 3.1.5.4)."""
DATA_FAULT: Final = 31
"""As the group of an application in 3A: the encoder has no data for a while (clause 3.1.5.4)."""


class Use(StrEnum):
    """What a group type is to open data applications (EN 50067 table 6)."""

    FREE = "free"
    SHARED = "shared"  # only where its own feature is not sent
    NEVER = "never"


_FREE: Final = frozenset({"3B", "4B", "7B", "8B", "9B", "10B", "11A", "11B", "12A", "12B", "13B"})
_SHARED: Final = frozenset({"5A", "5B", "6A", "6B", "7A", "8A", "9A", "13A"})


def group_code(name: str) -> int:
    """`11A` -> 16h, the application group type code (EN 50067 figure 9). Raises LocalProtocolError."""
    found = re.fullmatch(r"(\d{1,2})([AB])", name, re.ASCII)
    if found is None or int(found[1]) > 15:
        raise LocalProtocolError(f"{name!r} is no group type; use 0A to 15B")
    return int(found[1]) << 1 | (found[2] == "B")


def group_name(code: int) -> str:
    """16h -> `11A`; what is no group type code comes back in hexadecimal."""
    return f"{code >> 1}{'AB'[code & 1]}" if 0 <= code <= CODE_MAX else f"{code:02X}h"


def use_of(code: int) -> Use:
    """Whether an application may be carried in groups of this code (EN 50067 table 6)."""
    name = group_name(code)
    return Use.FREE if name in _FREE else Use.SHARED if name in _SHARED else Use.NEVER
