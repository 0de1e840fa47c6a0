"""Lines of text that drive RDS encoders of the Pira and FMUSER family and those that imitate them (rds-uecp.md C).

    NAME=value CR

Such an encoder takes them on its serial line or a TCP connection whether or not it has UECP, which is off in these
devices until `UECP=1` is sent. It answers nothing that could be relied on.
"""

from __future__ import annotations

import re
from typing import Final

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.rds.groups import RADIO_TEXT_CHARACTERS_MAX

END: Final = "\r"
VALUE_CHARACTERS_MAX: Final = RADIO_TEXT_CHARACTERS_MAX
_NAME: Final = re.compile(r"[A-Z*][A-Z0-9]{0,7}")
_LINE: Final = re.compile(r"([A-Z*][A-Z0-9]{0,7})=([ -~]*)\r", re.ASCII)


def encode_command(name: str, value: str | int) -> bytes:
    """One line. Raises LocalProtocolError for a character that is not printable ASCII, or a value that is too long."""
    text = str(value)
    if not _NAME.fullmatch(name):
        raise LocalProtocolError(f"{name!r} is no command of an RDS encoder")
    if not (text.isascii() and (text.isprintable() or not text)):
        raise LocalProtocolError(f"{name}: {text!r} has characters that are not ASCII")
    if len(text) > VALUE_CHARACTERS_MAX:
        raise LocalProtocolError(f"{name}: {len(text)} characters, {VALUE_CHARACTERS_MAX} are possible")
    return f"{name}={text}{END}".encode("ascii")


def decode_command(line: bytes) -> tuple[str, str]:
    """Name and value of one line. Raises RemoteProtocolError("command")."""
    found = _LINE.fullmatch(line.decode("ascii", "replace"))
    if found is None or len(found[2]) > VALUE_CHARACTERS_MAX:
        raise RemoteProtocolError("command", f"{line[:40]!r} is no line NAME=value")
    return found[1], found[2]
