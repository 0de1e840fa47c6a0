"""Message elements and frames, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from protocols.uecp import control, data, message, programme, services
from protocols.uecp.frame import Frame

flag = st.booleans()
byte = st.integers(0, 255)
word = st.integers(0, 0xFFFF)
two_bits = st.integers(0, 3)
four_bits = st.integers(0, 15)
five_bits = st.integers(0, 31)
eight = st.binary(min_size=8, max_size=8)
rest = st.binary(max_size=20)

opaque = st.sampled_from(sorted(set(message.SHAPES) - set(message.MEC_OF.values()))).flatmap(
    lambda mec: rest.map(lambda body: message.Opaque(mec, _body(message.SHAPES[mec], body)))
)


def _body(shape: message.Shape, data_: bytes) -> bytes:
    prefix, inner = data_[: shape.prefix].ljust(shape.prefix, b"\1"), data_[shape.prefix :]
    return prefix + (
        bytes([len(inner)]) + inner if shape.size is None else inner.ljust(shape.size, b"\2")[: shape.size]
    )


numbers = st.lists(byte, max_size=20).map(tuple)
units = st.builds(data.TrafficUnit, five_bits, word, word, st.integers(0, 7))
switches = st.builds(services.ServiceSwitch, byte, byte)
sets = {"dsn": byte, "psn": byte}
elements = st.one_of(
    st.builds(programme.ProgrammeIdentification, word, **sets),
    st.builds(programme.ProgrammeServiceName, eight, **sets),
    st.builds(programme.TrafficFlags, flag, flag, st.integers(0, 63), **sets),
    st.builds(programme.DecoderInformation, flag, flag, flag, flag, four_bits, **sets),
    st.builds(programme.MusicSpeech, flag, st.integers(0, 127), **sets),
    st.builds(programme.ProgrammeItemNumber, five_bits, five_bits, st.integers(0, 63), **sets),
    st.builds(programme.ProgrammeType, five_bits, st.integers(0, 7), **sets),
    st.builds(programme.RadioText, st.binary(max_size=64), flag, four_bits, two_bits, st.integers(0, 1), **sets),
    st.builds(programme.RadioText, st.none(), **sets),
    st.builds(programme.AlternativeFrequencies, word, numbers, **sets),
    st.builds(programme.SlowLabelling, st.integers(0, 7), st.integers(0, 0xFFF), st.integers(0, 1), byte),
    st.builds(programme.ProgrammeTypeName, eight, **sets),
    st.builds(control.RealTimeClock, byte, byte, byte, byte, byte, byte, byte, byte),
    st.builds(control.GroupSequence, st.lists(byte, max_size=20).map(tuple), byte),
    st.builds(control.Request, byte, rest),
    st.builds(control.ClockTimeSwitch, flag, st.integers(0, 127)),
    st.builds(control.DataSetSelect, byte),
    st.builds(control.RdsSwitch, flag, st.integers(0, 127)),
    st.builds(control.SiteAddress, byte, word),
    st.builds(control.EncoderAddress, byte, byte),
    st.builds(control.CommunicationMode, byte),
    st.builds(control.ManufacturerCommand, st.binary(min_size=2, max_size=2), rest),
    st.builds(data.FreeFormatGroup, byte, two_bits, five_bits, word, word, st.integers(0, 1)),
    st.builds(data.EarlyWarning, five_bits, word, word, st.integers(0, 7)),
    st.builds(
        data.TrafficMessage, st.lists(units, max_size=4).map(tuple), flag, two_bits, four_bits, st.integers(0, 1)
    ),
    st.builds(data.OpenDataConfiguration, byte, word, two_bits, word, byte, st.integers(0, 63)),
    st.builds(
        data.OpenDataFreeFormat, byte, five_bits, word, word, two_bits, two_bits, two_bits, two_bits, st.integers(0, 7)
    ),
    st.builds(data.OpenData, word, rest, two_bits, two_bits, two_bits, flag, st.integers(0, 1)),
    st.builds(control.ClockCorrection, st.integers(-0x8000, 0x7FFF)),
    st.builds(control.RdsLevel, st.integers(0, 7), st.integers(0, 0x1FFF)),
    st.builds(control.ReferenceInput, byte),
    st.builds(control.RdsPhase, st.integers(0, 7), st.integers(0, 0xFFF), st.integers(0, 1)),
    st.builds(data.InHouse, byte, two_bits, five_bits, word, word, st.integers(0, 1)),
    st.builds(data.TransparentData, byte, rest),
    st.builds(services.ServiceSwitches, st.lists(switches, max_size=9).map(tuple), byte),
    st.builds(services.OtherNetworkFrequencies, word, byte, numbers, **sets),
    st.builds(services.OtherNetworkTraffic, byte, byte),
    st.builds(services.LongServiceName, rest, **sets),
    st.builds(services.ServiceList, numbers, byte),
    st.builds(services.GroupVariants, byte, numbers, byte),
    st.builds(services.TrafficControl, byte, byte),
    st.builds(services.Linkage, word, **sets),
    st.builds(services.ExtendedGroupSequence, byte, numbers, byte),
    st.builds(services.OpenDataGroups, numbers, byte),
    st.builds(control.AccessRight, byte, byte, flag, st.integers(0, 127)),
    st.builds(data.OpenDataAccess, word, st.binary(min_size=2, max_size=2)),
    opaque,
)
last_elements = st.one_of(
    elements,
    st.builds(control.Acknowledgement, byte, st.none() | byte),
    st.builds(message.Opaque, st.sampled_from([0x08, 0x20, 0x31, 0x99, 0xFD]), rest),
)
messages = st.tuples(st.lists(elements, max_size=3).map(tuple), last_elements).map(lambda both: (*both[0], both[1]))
frames = st.builds(Frame, st.integers(0, 1023), st.integers(0, 63), byte, st.binary(max_size=255))
