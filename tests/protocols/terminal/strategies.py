"""Every message and frame of annexes D and E, for property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from protocols import terminal as t
from protocols.terminal import Header
from tests.protocols.adapter.strategies import with_telephone
from tests.protocols.wire_strategies import (
    auxiliary,
    byte,
    certificates,
    digits,
    ebm_ids,
    event_types,
    ipv4,
    phys,
    resource_codes,
    several,
    signatures,
    telephones,
    texts,
    u16,
    u32,
)

Strategy = st.SearchStrategy[Any]

khz = st.integers(0, 999_999).map(lambda n: n * 10)
hosts: Strategy = st.builds(t.DomainReturn, st.sampled_from(["eb.example", "a-b.cn"]), u16)
local_addresses: Strategy = st.builds(t.LocalAddress, ipv4, ipv4, ipv4)
four = st.binary(min_size=4, max_size=4)


def numbers(id_: int, value: Strategy) -> Strategy:
    return st.builds(t.Number, st.just(id_), value)


def signals(id_: int) -> Strategy:
    return st.builds(t.Signal, st.just(id_), byte, byte)


parameters: Strategy = st.one_of(
    numbers(t.VOLUME, byte),
    numbers(t.WORK_STATE, byte),
    numbers(t.FAULT_CODE, byte),
    numbers(t.DTMB_FREQUENCY, u32),
    local_addresses,
    st.builds(t.ReturnTo, st.builds(t.IpReturn, ipv4, u16) | hosts | st.builds(t.SmsReturn, telephones)),
    st.builds(t.OwnCode, resource_codes),
    phys.map(t.PhysicalAddress.of),
    st.builds(t.Identity, st.just(t.DEVICE_TYPE), st.binary(min_size=2, max_size=2)),
    st.builds(t.Identity, st.sampled_from([t.HARDWARE_VERSION, t.SOFTWARE_VERSION]), four),
    signals(t.FM_SIGNAL),
    signals(t.CABLE_SIGNAL),
    signals(t.DTMB_SIGNAL),
    st.builds(t.CableFrequency, u32, u32, byte),
    st.builds(t.FmScanList, several(st.builds(t.ScanEntry, byte, byte, khz))),
    st.builds(t.CurrentFm, khz, khz),
    st.builds(t.FmMaintenance, byte, u16),
    st.builds(t.RawParameter, st.integers(0x20, 255), st.binary(max_size=20)),
)
settings: Strategy = st.one_of(
    numbers(t.SET_VOLUME, byte),
    numbers(t.SET_AMPLIFIER, byte),
    numbers(t.SET_CLOCK, u32),
    numbers(t.SET_RETURN_PERIOD, u32),
    local_addresses,
    st.builds(t.ReturnTo, st.builds(t.IpReturn, ipv4, u16) | hosts),
    st.builds(t.AssignCode, phys, resource_codes),
    st.builds(t.RawParameter, st.integers(0x20, 255), st.binary(max_size=20)),
)
hot: Strategy = st.one_of(
    st.builds(t.Heartbeat, byte, byte, phys),
    st.builds(t.TaskSwitch, byte, byte, ebm_ids, u32),
    st.builds(t.TaskResult, ebm_ids, byte, texts, u32, u32, byte, u32),
    st.builds(t.Start, ebm_ids, byte, byte, event_types, byte, u32, u32, several(auxiliary)),
)
fault_texts = st.text("功放输出电压过低abc", max_size=20)
records = with_telephone(
    t.ReturnRecord,
    "task",
    channel=u16,
    state=byte,
    ebm_id=ebm_ids,
    class_=byte,
    level=byte,
    event_type=event_types,
    start=u32,
    end=u32,
    volume=byte,
    codes=several(resource_codes),
)
upgrades = st.builds(
    t.Upgrade, phys, byte, four, four, st.text("0123456789abcdef", min_size=32, max_size=32), st.just("http://a/b")
)
requests: Strategy = st.one_of(
    hot,
    st.builds(t.Stop, ebm_ids),
    st.builds(t.StatusQuery, several(byte)),
    st.builds(t.ParameterSet, several(settings)),
    st.builds(t.FaultReport, byte, byte, fault_texts | st.none(), u32),
    st.builds(t.RecordReport, resource_codes, several(records)),
    st.builds(t.CertificateUpdate, *certificates),
    upgrades,
    st.builds(t.RecordQuery, resource_codes, ebm_ids, u32, u32),
    st.builds(t.OldTaskSwitch, byte, byte, digits(30).map(t.OldEbmId), u32),
    st.builds(t.Opaque, st.sampled_from([0x20, 0x30, 0x40, 0x41]), st.binary(max_size=30)),
)
answers: Strategy = st.one_of(
    st.builds(t.Answer, byte, byte, texts),
    st.builds(t.Answer, byte, byte, st.none()),
    st.builds(t.StatusAnswer, byte, texts, several(parameters)),
    st.builds(t.RecordAnswer, resource_codes, ebm_ids, byte, u32, u32),
)


def _frames(header: Header, packet_type: int, messages: Strategy) -> Strategy:
    return st.builds(
        t.Frame, st.just(header), u32, st.just(packet_type), resource_codes, several(resource_codes), messages
    )


unsigned_frames = st.one_of(
    [_frames(header, t.REQUEST, requests) for header in Header]
    + [_frames(header, t.ANSWER_PACKET, answers) for header in Header]
)
signed_frames: Strategy = st.builds(
    t.Frame,
    st.just(Header.D),
    u32,
    st.just(t.REQUEST),
    resource_codes,
    several(resource_codes),
    requests,
    signatures,
    flag_lies=st.booleans(),
)
odd_frames: Strategy = st.builds(
    t.Frame,
    st.just(Header.D),
    u32,
    st.just(t.REQUEST),
    resource_codes,
    several(resource_codes),
    requests,
    version=st.sampled_from([0x0100, 0x0101]),
    unsigned=st.sampled_from(t.Unsigned),
    flag_lies=st.booleans(),
)
frames: Strategy = unsigned_frames | signed_frames | odd_frames
"""Every form of a frame that has a value, odd ones included."""
