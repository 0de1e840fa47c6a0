"""What a captured packet is and says: any bytes of any protocol to named values with verdicts. Pure: no I/O."""

from __future__ import annotations

from ebcd.decode.keys import Keys
from ebcd.decode.reading import Aside, Crc, Note, Reading, Signed
from ebcd.decode.recognise import UnknownProtocol, decode_bytes, protocols
from ebcd.decode.tree import Field, Group, Items

__all__ = [
    "Aside",
    "Crc",
    "Field",
    "Group",
    "Items",
    "Keys",
    "Note",
    "Reading",
    "Signed",
    "UnknownProtocol",
    "decode_bytes",
    "protocols",
]
