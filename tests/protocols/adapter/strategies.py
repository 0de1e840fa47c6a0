"""Every message of annex A, for property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from protocols import adapter as a
from protocols.adapter import daily
from protocols.codes import AreaCode
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
    telephones,
    texts,
    u16,
    u32,
)

Strategy = st.SearchStrategy[Any]

targets: Strategy = st.one_of(
    st.builds(a.Targets, several(resource_codes)),
    st.builds(a.PhysicalTargets, several(phys)),
    st.builds(a.Targets, st.just(()), byte),
    st.builds(a.PhysicalTargets, st.just(()), byte),
)
one_target: Strategy = st.builds(lambda code: a.Targets((code,)), resource_codes) | st.builds(
    lambda address: a.PhysicalTargets((address,)), phys
)
chinese = st.text("暴雨橙色预警某县应急广播平台 abc019", max_size=20)
languages: Strategy = st.one_of(
    st.builds(a.Language, st.just("zho"), chinese, chinese, several(auxiliary, 2), st.just(a.GB2312)),
    st.builds(a.Language, st.just("eng"), texts, chinese, several(auxiliary, 2), st.just(a.GB18030)),
    st.builds(a.Language, st.just("bod"), texts, chinese, several(auxiliary, 2), st.sampled_from([2, 3, 4])),
)
starts: Strategy = st.builds(
    a.StartBroadcast,
    ebm_id=ebm_ids,
    class_=byte,
    event_type=event_types,
    level=byte,
    start=u32,
    end=u32,
    volume=byte,
    targets=targets,
    languages=several(languages, 2),
    input_channel=byte,
    outputs=several(byte),
    private=st.binary(max_size=20) | st.none(),
)
return_addresses: Strategy = st.one_of(
    st.builds(a.SmsReturn, digits(11)),
    st.builds(a.IpReturn, ipv4, u16),
    st.builds(a.DomainReturn, st.sampled_from(["eb.example", "a-b.cn"]), u16),
    st.builds(a.OtherReturn, st.integers(4, 255), st.binary(max_size=10)),
)
pid = st.integers(0, 0x1FFF)
some_codes = several(resource_codes)
local_times = st.builds(daily.LocalTime, u16, byte, byte, byte, byte, byte)
nibble = st.integers(0, 15)
daily_commands: Strategy = st.one_of(
    st.builds(daily.SwitchProgramme, ebm_ids, u16, u16, u16, pid, byte, pid, byte, byte, local_times, some_codes),
    st.builds(daily.StopProgramme, ebm_ids, u16, u16, u16, pid, pid, some_codes),
    st.builds(daily.DailyAmplifier, byte, some_codes),
    st.builds(daily.DailyText, nibble, nibble, ebm_ids, some_codes, st.binary(max_size=20)),
)
maybe_texts = texts | st.none()
other_codes: Strategy = st.builds(a.OtherCodes, st.just(0), st.integers(0, 11), st.just(b"")) | st.builds(
    lambda items: a.OtherCodes(len(items), 6, b"".join(items)),
    st.lists(st.binary(min_size=6, max_size=6), min_size=1, max_size=3),
)
whitelist_entries = st.builds(a.WhitelistEntry, byte, telephones, texts, byte, several(digits(12).map(AreaCode)))
query_records = st.builds(a.QueryRecords, resource_codes, ebm_ids | st.none(), byte, u32, u32)
lock_frequencies = st.builds(a.LockFrequency, u32, u32, byte, targets)

commands: Strategy = st.one_of(
    starts,
    st.builds(a.StopBroadcast, ebm_ids, targets),
    starts.map(lambda start: a.StopBroadcast(start.ebm_id, start.targets, start)),
    st.builds(a.SetResourceCodes, several(st.builds(a.CodeAssignment, phys, resource_codes))),
    st.builds(a.SetVolume, byte, targets),
    st.builds(a.SetReturnAddress, return_addresses, targets),
    st.builds(a.QueryTerminals, return_addresses, targets, several(byte)),
    st.builds(a.SetClock, u32),
    st.builds(a.SetNetwork, ipv4, ipv4, ipv4, one_target),
    st.builds(a.SetReturnPeriod, u32, targets),
    st.builds(a.SetWhitelist, several(whitelist_entries)),
    st.builds(a.SetAdapterReturn, return_addresses, u32),
    st.builds(a.QueryOutputs, resource_codes, byte, byte),
    st.builds(a.QueryInputs, resource_codes, byte, byte),
    query_records,
    st.builds(a.QueryFaults, resource_codes),
    st.builds(a.SwitchAmplifier, byte, targets),
    st.builds(a.UpdateTerminalCertificates, *certificates),
    st.builds(a.UpdateAdapterCertificates, *certificates),
    st.builds(a.TsSpecial, st.just(0), lock_frequencies),
    st.builds(a.TsSpecial, st.just(2), daily_commands),
    st.builds(a.TsSpecial, st.integers(3, 255), st.binary(max_size=30)),
    st.builds(a.RdsSpecial, byte, byte, several(resource_codes), st.binary(max_size=60), byte, byte),
    st.builds(a.IpSpecial, st.just(1), query_records),
    st.builds(a.IpSpecial, st.integers(2, 255), st.binary(max_size=30)),
    st.builds(a.PlatformReply, st.integers(-1, 1000), st.binary(max_size=10) | st.none()),
    st.builds(a.TaskReply, byte, ipv4, u16 | st.none()),
    st.builds(a.TaskReply, byte, st.none(), st.none()),
)


def _occupied(cls: Any, *fields: Strategy) -> Strategy:
    """State 2 comes with a message, any other without."""
    return st.one_of(
        st.builds(lambda args, id_: cls(*args, 2, id_), st.tuples(*fields), ebm_ids),
        st.builds(lambda args, state: cls(*args, state), st.tuples(*fields), st.sampled_from([1, 3])),
    )


_streams = several(st.builds(a.ElementaryStream, byte, u16))
fm_outputs = _occupied(a.FmOutput, st.integers(0, 999_999).map(lambda n: n * 10))
ts_outputs = _occupied(a.TsOutput, u16, u16, u16, u16, _streams)
outputs = st.one_of(
    st.builds(lambda id_, fm: a.OutputChannel(id_, 1, fm=fm), byte, several(fm_outputs)),
    st.builds(
        lambda id_, kind, ts: a.OutputChannel(id_, kind, ts=ts), byte, st.sampled_from([2, 3]), several(ts_outputs)
    ),
    st.builds(lambda id_: a.OutputChannel(id_, 4), byte),
)
output_refs = several(st.builds(a.OutputRef, byte, byte))


def with_telephone(cls: Any, field: str, **fields: Strategy) -> Strategy:
    """Source phone and SMS come with a number, the others without."""
    return st.one_of(
        st.builds(cls, **{field: st.sampled_from([3, 4])}, telephone=telephones, **fields),
        st.builds(cls, **{field: st.sampled_from([1, 2, 5])}, telephone=st.none(), **fields),
    )


records = with_telephone(
    a.Record,
    "source",
    ebm_id=ebm_ids,
    state=byte,
    class_=byte,
    level=byte,
    event_type=event_types,
    start=u32,
    end=u32,
    volume=byte,
    input_channel=byte,
    outputs=output_refs,
    codes=some_codes | other_codes,
)
reports: Strategy = st.one_of(
    st.builds(a.GeneralAnswer, st.integers(-1, 1000), maybe_texts),
    st.builds(a.Outputs, resource_codes, several(outputs)),
    st.builds(a.Inputs, resource_codes, several(st.builds(a.InputChannel, byte, texts, byte, byte))),
    st.builds(a.Records, resource_codes, several(records)),
    st.builds(a.FaultDetails, resource_codes, byte, maybe_texts),
    st.builds(a.StartAnswer, resource_codes, ebm_ids, byte, texts, maybe_texts),
    st.builds(a.StartAnswer, resource_codes, ebm_ids, byte, st.none(), st.none()),
    with_telephone(
        a.TaskBegan,
        "source",
        front=resource_codes,
        ebm_id=ebm_ids,
        class_=byte,
        level=byte,
        event_type=event_types,
        input_channel=byte,
        outputs=output_refs,
        volume=byte,
        codes=some_codes | other_codes,
    ),
    st.builds(a.TaskEnded, resource_codes, ebm_ids),
    st.builds(a.AdapterHeartbeat, resource_codes, byte, u32),
)
messages = commands | reports
