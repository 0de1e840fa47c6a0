"""The shape of a recogniser: one per protocol, in a module of its own, listed in `recognise.RECOGNISERS`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from ebcd.decode.keys import Keys
from ebcd.decode.reading import Reading
from protocols.errors import RemoteProtocolError


class Claim(IntEnum):
    """How sure a recogniser is that bytes are its own."""

    NONE = 0
    WEAK = 1
    """They begin like it, or every content of this length would do."""
    LIKELY = 2
    """Marks and lengths agree."""
    CERTAIN = 3
    """A checksum or a document's root agrees too."""


@dataclass(frozen=True, slots=True)
class Recogniser:
    """One protocol of `ebcd decode`.

    `claim` looks at any bytes; `read` must make a Reading of any bytes, whether it claimed them or not: what is wrong
    with them stands in `Reading.errors`.
    """

    protocol: str
    claim: Callable[[bytes], Claim]
    read: Callable[[bytes, Keys], Reading]


def told(error: RemoteProtocolError) -> str:
    """An error as it stands in `errors`: slug, place, detail."""
    return str(error)


def message_name(cls: type | str) -> str:
    """`StartBroadcast`, or its name -> start_broadcast."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls if isinstance(cls, str) else cls.__name__).lower()
