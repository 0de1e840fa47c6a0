"""The bodies of annex A as construct declarations (GD/J 089 tables A.5-A.38), one per message class."""

from __future__ import annotations

from construct import (
    Bytes,
    Const,
    ExprAdapter,
    If,
    IfThenElse,
    Int8ub,
    Int16ub,
    Int32sb,
    Int32ub,
    Struct,
    this,
)

from protocols.adapter import commands as down
from protocols.adapter import reports as up
from protocols.adapter.targets import (
    areas,
    codes,
    one_target,
    return_address,
    return_address_from,
    return_address_to,
    targets,
)
from protocols.adapter.text import language
from protocols.codes import EbmId
from protocols.wire import (
    Layout,
    Named,
    counted,
    digits,
    ebm_id,
    frequency_khz,
    hexadecimal,
    if_there,
    ipv4,
    loose_event_type,
    read_part,
    record,
    resource_code,
    sized,
    sized_code,
    text,
)

START = 1
STOP = 2
ANY_ID = b"\xff" * 18

_front: Layout = "front" / resource_code
_id: Layout = "ebm_id" / ebm_id
_any_id: Layout = ExprAdapter(
    Bytes(18),
    lambda data, _: None if data == ANY_ID else read_part(EbmId.from_bcd, data),
    lambda value, _: ANY_ID if value is None else value.to_bcd(),
)
QUERY_RECORDS: Layout = record(
    down.QueryRecords, _front, "ebm_id" / _any_id, "task" / Int8ub, "from_time" / Int32ub, "to_time" / Int32ub
)
LOCK_FREQUENCY_CONTENT: Layout = record(
    down.LockFrequency,
    "frequency_khz" / Int32ub,
    "symbol_rate_kbaud" / Int32ub,
    "qam" / Int8ub,
    "targets" / targets,
)
LOCK_FREQUENCY: Layout = Struct(Const(4, Int8ub), "content" / sized(Int16ub))


def start_layout(switch: int) -> Layout:
    """0x04 in full; `switch` 2 is the long form of a stop that some peers send."""
    return record(
        down.StartBroadcast,
        _id,
        Const(switch, Int8ub),
        "class_" / Int8ub,
        "event_type" / loose_event_type,
        "level" / Int8ub,
        "start" / Int32ub,
        "end" / Int32ub,
        "volume" / Int8ub,
        "targets" / targets,
        "languages" / counted(Int8ub, language),
        "input_channel" / Int8ub,
        "outputs" / counted(Int8ub, Int8ub),
        if_there("private", sized(Int16ub)),
    )


START_LAYOUT: Layout = start_layout(START)
LONG_STOP_LAYOUT: Layout = start_layout(STOP)
SHORT_STOP_LAYOUT: Layout = Struct(_id, Const(STOP, Int8ub), "targets" / targets)

_assignment: Layout = record(down.CodeAssignment, "phys" / hexadecimal(sized(Int8ub)), "code" / sized_code)
_whitelist_entry: Layout = record(
    down.WhitelistEntry,
    "operation" / Int8ub,
    "phone" / digits(Int8ub),
    "name" / text(Int8ub),
    "permission" / Int8ub,
    "areas" / areas,
)


def _channel_query(cls: type) -> Layout:
    return record(cls, _front, "channel" / Int8ub, "state" / Int8ub)


def _certificates(cls: type) -> Layout:
    return record(cls, "lists" / counted(Int8ub, sized(Int16ub)), "certificates" / counted(Int8ub, sized(Int8ub)))


COMMANDS: dict[type, Layout] = {
    down.TsSpecial: Struct("tag" / Int8ub, "content" / sized(Int32ub)),
    down.RdsSpecial: record(
        down.RdsSpecial,
        "command" / Int8ub,
        "packet_type" / Int8ub,
        "send_times" / Int8ub,
        "interval_ms" / Int8ub,
        "targets" / counted(Int8ub, resource_code),
        "data" / sized(Int32ub),
    ),
    down.IpSpecial: Struct("tag" / Int8ub, "content" / sized(Int32ub)),
    down.SetResourceCodes: record(down.SetResourceCodes, "assignments" / counted(Int8ub, _assignment)),
    down.SetVolume: record(down.SetVolume, "volume" / Int8ub, "targets" / targets),
    down.SetReturnAddress: record(down.SetReturnAddress, "address" / return_address, "targets" / targets),
    down.QueryTerminals: record(
        down.QueryTerminals,
        "address" / return_address,
        "targets" / targets,
        "parameters" / counted(Int8ub, Int8ub),
    ),
    down.SetClock: record(down.SetClock, "time" / Int32ub),
    down.SetNetwork: record(down.SetNetwork, "ip" / ipv4, "mask" / ipv4, "gateway" / ipv4, "target" / one_target),
    down.SetReturnPeriod: record(down.SetReturnPeriod, "period_s" / Int32ub, "targets" / targets),
    down.SetWhitelist: record(down.SetWhitelist, "entries" / counted(Int8ub, _whitelist_entry)),
    down.SetAdapterReturn: Named(
        "SetAdapterReturn",
        Struct("kind" / Int8ub, "period_s" / Int32ub, "data" / sized(Int8ub)),
        lambda block, _: down.SetAdapterReturn(return_address_from(block.kind, block.data), block.period_s),
        lambda value, _: {**return_address_to(value.address), "period_s": value.period_s},
    ),
    down.QueryOutputs: _channel_query(down.QueryOutputs),
    down.QueryInputs: _channel_query(down.QueryInputs),
    down.QueryRecords: QUERY_RECORDS,
    down.QueryFaults: record(down.QueryFaults, _front),
    down.SwitchAmplifier: record(down.SwitchAmplifier, "option" / Int8ub, "targets" / targets),
    down.UpdateTerminalCertificates: _certificates(down.UpdateTerminalCertificates),
    down.UpdateAdapterCertificates: _certificates(down.UpdateAdapterCertificates),
    down.PlatformReply: record(down.PlatformReply, "code" / Int32sb, if_there("data", sized(Int32ub))),
    down.TaskReply: record(
        down.TaskReply, "result" / Int8ub, if_there("ip", ipv4), if_there("port", Int16ub, after="ip")
    ),
}

_state_and_id: tuple[Layout, ...] = ("state" / Int8ub, "ebm_id" / If(this.state == 2, ebm_id))
_fm_output: Layout = record(up.FmOutput, "frequency_khz" / frequency_khz, *_state_and_id)
_ts_output: Layout = record(
    up.TsOutput,
    "network_id" / Int16ub,
    "ts_id" / Int16ub,
    "program" / Int16ub,
    "pcr_pid" / Int16ub,
    "streams" / counted(Int8ub, record(up.ElementaryStream, "stream_type" / Int8ub, "pid" / Int16ub)),
    *_state_and_id,
)


def _only(kinds: tuple[int, ...], item: Layout) -> Layout:
    """The block of an output that only these kinds have; without it the value is an empty tuple."""
    return IfThenElse(
        lambda context: context.kind in kinds,
        counted(Int8ub, item),
        ExprAdapter(Bytes(0), lambda _data, _: (), lambda _value, _: b""),
    )


_output: Layout = record(
    up.OutputChannel,
    "id" / Int8ub,
    "kind" / Int8ub,
    "fm" / _only((1,), _fm_output),
    "ts" / _only((2, 3), _ts_output),
)
_input: Layout = record(up.InputChannel, "id" / Int8ub, "name" / text(Int16ub), "group" / Int8ub, "state" / Int8ub)
_output_refs: Layout = counted(Int8ub, record(up.OutputRef, "kind" / Int8ub, "id" / Int8ub))


def telephone_field(source: str) -> Layout:
    """Tables A.30, A.33 and 0x16 of annex E: present where `source` is phone (3) or SMS (4). A remark of the text
    contradicts: some send it always, empty; `parse(..., telephone_always=True)` reads those."""

    def present(context: Layout) -> bool:
        if context[source] in (up.Source.PHONE, up.Source.SMS):
            return True
        if context._parsing:
            return bool(context._params.get("telephone_always"))
        return context.telephone is not None

    number = ExprAdapter(
        sized(Int8ub), lambda data, _: data.decode("ascii"), lambda value, _: (value or "").encode("ascii")
    )
    return "telephone" / If(present, number)


_record: Layout = record(
    up.Record,
    _id,
    "state" / Int8ub,
    "source" / Int8ub,
    "class_" / Int8ub,
    "level" / Int8ub,
    "event_type" / loose_event_type,
    "start" / Int32ub,
    "end" / Int32ub,
    "volume" / Int8ub,
    "input_channel" / Int8ub,
    "outputs" / _output_refs,
    telephone_field("source"),
    "codes" / codes,
)

REPORTS: dict[type, Layout] = {
    up.GeneralAnswer: record(up.GeneralAnswer, "code" / Int32sb, if_there("text", text(Int32ub))),
    up.Outputs: record(up.Outputs, _front, "channels" / counted(Int8ub, _output)),
    up.Inputs: record(up.Inputs, _front, "channels" / counted(Int8ub, _input)),
    up.Records: record(up.Records, _front, "records" / counted(Int32ub, _record)),
    up.FaultDetails: record(up.FaultDetails, _front, "fault" / Int8ub, if_there("text", text(Int16ub))),
    up.StartAnswer: record(
        up.StartAnswer,
        _front,
        _id,
        "result" / Int8ub,
        if_there("text", text(Int32ub)),
        if_there("url", text(Int16ub), after="text"),
    ),
    up.TaskBegan: record(
        up.TaskBegan,
        _front,
        _id,
        "source" / Int8ub,
        "class_" / Int8ub,
        "level" / Int8ub,
        "event_type" / loose_event_type,
        "input_channel" / Int8ub,
        "outputs" / _output_refs,
        telephone_field("source"),
        "volume" / Int8ub,
        "codes" / codes,
    ),
    up.TaskEnded: record(up.TaskEnded, _front, _id),
    up.AdapterHeartbeat: record(up.AdapterHeartbeat, "front" / sized_code, "state" / Int8ub, "time" / Int32ub),
}
TELEPHONE_TYPES = frozenset({0x15, 0x18})
"""Reports that hold the telephone field whose presence is disputed."""
