"""The message of a frame: one or more elements, each a code (MEC) and what the code asks for (SPB 490 clause 2.3).

There is no length that all elements share, so a reader must know an element to find the next one. Codes of the standard
that have no type here are cut out by the table below; a code that nobody knows takes the rest of the message.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from construct import Construct

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.partial import Partial, read_as_far
from protocols.uecp import control, data, programme, services
from protocols.uecp.frame import MESSAGE_BYTES_MAX
from protocols.wire import Layout, build, parse

MEC_MAX: Final = 0xFD


@dataclass(frozen=True, slots=True)
class Shape:
    """How to find the end of an element: DSN and PSN, then so many bytes; `size` None: a length byte and as many."""

    name: str
    prefix: int
    size: int | None


@dataclass(frozen=True, slots=True)
class Opaque:
    """An element without a type here: its code, and everything behind the code, DSN, PSN and length included."""

    mec: int
    body: bytes


Element = (
    programme.ProgrammeIdentification
    | programme.ProgrammeServiceName
    | programme.TrafficFlags
    | programme.DecoderInformation
    | programme.MusicSpeech
    | programme.ProgrammeItemNumber
    | programme.ProgrammeType
    | programme.RadioText
    | programme.AlternativeFrequencies
    | programme.SlowLabelling
    | programme.ProgrammeTypeName
    | control.ClockCorrection
    | control.RdsLevel
    | control.ReferenceInput
    | control.RdsPhase
    | control.RealTimeClock
    | control.GroupSequence
    | control.Request
    | control.Acknowledgement
    | control.ClockTimeSwitch
    | control.DataSetSelect
    | control.RdsSwitch
    | control.SiteAddress
    | control.EncoderAddress
    | control.CommunicationMode
    | control.ManufacturerCommand
    | control.AccessRight
    | data.FreeFormatGroup
    | data.InHouse
    | data.TransparentData
    | data.EarlyWarning
    | data.TrafficMessage
    | data.OpenDataConfiguration
    | data.OpenDataFreeFormat
    | data.OpenData
    | data.OpenDataAccess
    | services.ServiceSwitches
    | services.OtherNetworkFrequencies
    | services.OtherNetworkTraffic
    | services.LongServiceName
    | services.ServiceList
    | services.GroupVariants
    | services.TrafficControl
    | services.Linkage
    | services.ExtendedGroupSequence
    | services.OpenDataGroups
    | Opaque
)

ACKNOWLEDGEMENT: Final = 0x18


def _shapes(table: str) -> dict[int, Shape]:
    """Lines of code, DSN and PSN bytes, size (n: counted), name."""
    rows = (line.split(None, 3) for line in table.strip().splitlines())
    return {int(mec, 16): Shape(name, int(prefix), None if n == "n" else int(n)) for mec, prefix, n, name in rows}


SHAPES: Final = MappingProxyType(
    _shapes("""
    01 2 2 programme identification
    02 2 8 programme service name
    03 2 1 TA/TP
    04 2 1 decoder information
    05 2 1 music/speech
    06 2 2 programme item number
    07 2 1 programme type
    09 0 2 clock correction
    0A 2 n RadioText
    0B 1 n programme service enable
    0D 0 8 real-time clock
    0E 0 2 RDS level
    13 2 n alternative frequencies
    14 2 n alternative frequencies of other networks
    15 0 2 TA control of other networks
    16 1 n group sequence
    17 0 n request
    19 0 1 clock time switch
    1A 1 2 slow labelling codes
    1C 0 1 data set select
    1D 0 1 reference input
    1E 0 1 RDS switch
    21 2 n long programme service name
    22 0 2 RDS phase
    23 0 3 site address
    24 0 6 free-format group
    25 0 6 in-house data
    26 0 n transparent data channel
    27 0 2 encoder address
    28 1 n programme service list
    29 1 n group variant sequence
    2A 0 2 TA control
    2B 0 5 emergency warning system
    2C 0 1 communication mode
    2D 0 n manufacturer command
    2E 2 2 linkage
    30 0 n traffic message channel
    38 1 n extended group sequence
    3A 0 3 access right
    3B 0 2 port mode
    3C 0 2 port speed
    3D 0 2 port timeout
    3E 2 8 programme type name
    40 0 7 open data configuration
    41 1 n open data groups
    42 0 7 open data free-format group
    43 0 n open data relative priority
    44 0 2 open data burst mode
    45 0 4 open data spinning wheel
    46 0 n open data
    47 0 4 open data access right
    48 0 n DAB dynamic label command
    AA 0 n DAB dynamic label message
    """)
)
"""Every code whose length two sources agree on. 18 is not among them: its length depends on what it says.

Of elements 3B, 3C, 3D, 43, 44, 45, 48, AA no more than the length is known; they come and go as `Opaque`.
"""

_LAYOUTS: Final[dict[int, tuple[type, Layout]]] = programme.LAYOUTS | services.LAYOUTS | control.LAYOUTS | data.LAYOUTS
MEC_OF: Final = MappingProxyType({cls: mec for mec, (cls, _layout) in _LAYOUTS.items()})
"""Element type -> its code."""
CLASS_OF: Final = MappingProxyType({mec: cls for cls, mec in MEC_OF.items()})
"""The way back."""


def mec_of(element: Element) -> int:
    """The message element code."""
    return element.mec if isinstance(element, Opaque) else MEC_OF[type(element)]


def decode_message(message: bytes) -> tuple[Element, ...]:
    """All elements. Raises RemoteProtocolError: mec, element-length, body, trailing."""
    elements, error = read_elements(message)
    if error is not None:
        raise error
    return elements


def read_elements(message: bytes) -> tuple[tuple[Element, ...], RemoteProtocolError | None]:
    """The elements before one that cannot be read, and what is wrong with it: `offset` is where it begins."""
    elements: list[Element] = []
    at = 0
    while at < len(message):
        try:
            end = _end_of_element(message, at)
            elements.append(_decode_element(message[at], message[at + 1 : end]))
        except RemoteProtocolError as error:
            return tuple(elements), RemoteProtocolError(error.reason, error.detail, offset=at)
        at = end
    return tuple(elements), None


def element_so_far(data: bytes) -> tuple[Element | Partial, int]:
    """The element that begins `data`, or a `Partial` of what is there of it, and how many bytes were understood."""
    known, shape = _LAYOUTS.get(data[0]), SHAPES.get(data[0])
    if known is None or shape is None:
        return Partial("", ()), 1
    cls, layout = known
    body, is_counted = data[1:], shape.size is None and len(data) > 1 + shape.prefix
    if is_counted:
        body = body[: shape.prefix] + body[shape.prefix + 1 :]
    try:
        element: Element = parse(layout, body)
        return element, len(data)
    except RemoteProtocolError:
        value, used = read_as_far(layout, body) if isinstance(layout, Construct) else (None, 0)
    members = value.members if isinstance(value, Partial) else ()
    return Partial(cls.__name__, members), 1 + used + (is_counted and used >= shape.prefix)


def encode_message(*elements: Element) -> bytes:
    """The message of a frame. Raises LocalProtocolError, also where a reader could not find the end of an element."""
    message = b"".join(bytes([mec_of(each)]) + _body(mec_of(each), each) for each in elements)
    if any(mec_of(each) not in SHAPES for each in elements[:-1]) and not _reads_back(message, elements):
        raise LocalProtocolError("an element without a length of its own stands before another one; put it last")
    if len(message) > MESSAGE_BYTES_MAX:
        raise LocalProtocolError(f"a message has at most {MESSAGE_BYTES_MAX} bytes; these elements have {len(message)}")
    return message


def _reads_back(message: bytes, elements: tuple[Element, ...]) -> bool:
    try:
        return decode_message(message) == elements
    except RemoteProtocolError:
        return False


def _end_of_element(message: bytes, at: int) -> int:
    mec = message[at]
    if not 1 <= mec <= MEC_MAX:
        raise RemoteProtocolError("mec", f"{mec:02X} is no message element code")
    if mec == ACKNOWLEDGEMENT:  # a second byte follows a code that is not 0, and is taken where it is the last of all
        second = message[at + 1 : at + 2] != b"\0" or len(message) == at + 3
        return min(len(message), at + 2 + second)
    if (shape := SHAPES.get(mec)) is None:
        return len(message)
    end = at + 1 + shape.prefix
    if shape.size is not None:
        end += shape.size
    elif end < len(message):
        end += 1 + message[end]
    else:
        end += 1
    if end > len(message):
        detail = f"{shape.name} ({mec:02X}) goes on for {end - len(message)} bytes after the end of the message"
        raise RemoteProtocolError("element-length", detail)
    return end


def _decode_element(mec: int, body: bytes) -> Element:
    if mec not in _LAYOUTS:
        return Opaque(mec, body)
    shape = SHAPES.get(mec)
    if shape is not None and shape.size is None:
        body = body[: shape.prefix] + body[shape.prefix + 1 :]
    element: Element = parse(_LAYOUTS[mec][1], body)
    return element


def _body(mec: int, element: Element) -> bytes:
    shape = SHAPES.get(mec)
    if isinstance(element, Opaque):
        if mec in _LAYOUTS:
            raise LocalProtocolError(f"element {mec:02X} has a type of its own")
        if not 1 <= mec <= MEC_MAX or (shape is not None and _end(shape, element.body) != len(element.body)):
            raise LocalProtocolError(f"{len(element.body)} bytes are no body of an element {mec:02X}")
        return element.body
    body = build(_LAYOUTS[mec][1], element)
    if shape is not None and shape.size is None:
        size = len(body) - shape.prefix
        if size > MESSAGE_BYTES_MAX:
            raise LocalProtocolError(f"{shape.name} ({mec:02X}) has {size} bytes, at most {MESSAGE_BYTES_MAX}")
        body = body[: shape.prefix] + bytes([size]) + body[shape.prefix :]
    return body


def _end(shape: Shape, body: bytes) -> int:
    if shape.size is not None:
        return shape.prefix + shape.size
    return shape.prefix + 1 + body[shape.prefix] if len(body) > shape.prefix else -1
