"""FM packets by way of an adapter: 0x02 and the contents of GD/J 085 (GD/J 089 table A.24, A.4.2.3).

The adapter puts them into packets, signs and sends them. The text names types 0 and 2 (configuration), 12, 13 and 21;
a start travels as 0x04, of which the adapter makes type 11, 14 or 22 by itself.
"""

from __future__ import annotations

from protocols.adapter.commands import RdsSpecial
from protocols.codes import ResourceCode
from protocols.fm.packet import Content, Unknown, content_type, decode_content, encode_content

FOR_EVER = 255
TYPES_PER_COMMAND = 10
"""GD/J 085 table 2: 0-10 configuration, 11-20 emergency, 21 and more daily."""
COMMAND_MAX = 2


def carrying(
    content: Content | Unknown,
    targets: tuple[ResourceCode, ...],
    *,
    send_times: int = FOR_EVER,
    interval_ms: int = 100,
) -> RdsSpecial:
    """The command that has an adapter send `content`. Raises LocalProtocolError for a value that fits no field."""
    number = content_type(content)
    command = min(max(number - 1, 0) // TYPES_PER_COMMAND, COMMAND_MAX)
    return RdsSpecial(command, number, targets, encode_content(content), send_times, interval_ms)


def carried(command: RdsSpecial) -> Content | Unknown:
    """What an adapter is told to send; reserved types become Unknown. Raises RemoteProtocolError."""
    return decode_content(command.packet_type, command.data)
