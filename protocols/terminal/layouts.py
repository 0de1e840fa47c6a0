"""The data of FEFD business types as construct declarations (GD/J 089 tables D.5-D.11, annex E)."""

from __future__ import annotations

from construct import Bytes, ExprAdapter, Int8ub, Int16ub, Int32ub, Struct

from protocols.adapter.layouts import telephone_field
from protocols.adapter.targets import codes
from protocols.adapter.text import auxiliary16
from protocols.terminal import messages as m
from protocols.terminal.parameters import SET, ParameterTable, asked, parameter_list
from protocols.wire import (
    Layout,
    counted,
    ebm_id,
    hexadecimal,
    if_there,
    loose_event_type,
    record,
    resource_code,
    sized,
    sized_code,
    text,
)

FAULT_TEXT_BYTES = 255
"""Fixed width of the description in 0x13, padded with zeros."""
_UPGRADE_TAIL_BYTES = 12

_id: Layout = "ebm_id" / ebm_id
_old_id: Layout = ExprAdapter(Bytes(15), lambda data, _: m.OldEbmId(data.hex()), lambda value, _: bytes.fromhex(value))


def _padded_from(data: bytes) -> str:
    return data.rstrip(b"\0").decode("utf-8", "surrogateescape")


def _padded_to(value: str) -> bytes:
    data = value.encode("utf-8", "surrogateescape")
    if len(data) > FAULT_TEXT_BYTES:
        raise ValueError(f"fault text of {len(data)} bytes, {FAULT_TEXT_BYTES} are possible")
    return data.ljust(FAULT_TEXT_BYTES, b"\0")


FAULT_WITHOUT_TEXT: Layout = Struct("flag" / Int8ub, "fault" / Int8ub, "time" / Int32ub)
_return_record: Layout = record(
    m.ReturnRecord,
    "channel" / Int16ub,
    "state" / Int8ub,
    _id,
    "task" / Int8ub,
    "class_" / Int8ub,
    "level" / Int8ub,
    "event_type" / loose_event_type,
    "start" / Int32ub,
    "end" / Int32ub,
    telephone_field("task"),
    "volume" / Int8ub,
    "codes" / codes,
)
_md5: Layout = ExprAdapter(Bytes(32), lambda data, _: data.decode("ascii"), lambda value, _: value.encode("ascii"))

REQUESTS: dict[int, Layout] = {
    0x01: record(
        m.Start,
        _id,
        "class_" / Int8ub,
        "level" / Int8ub,
        "event_type" / loose_event_type,
        "volume" / Int8ub,
        "start" / Int32ub,
        "end" / Int32ub,
        "auxiliary" / counted(Int8ub, auxiliary16),
    ),
    0x02: record(m.Stop, _id),
    0x10: record(m.Heartbeat, "state" / Int8ub, "first" / Int8ub, "phys" / hexadecimal(sized(Int8ub))),
    0x11: record(m.StatusQuery, "parameters" / counted(Int8ub, Int8ub)),
    0x12: record(m.ParameterSet, "settings" / parameter_list(SET)),
    0x13: record(
        m.FaultReport,
        "flag" / Int8ub,
        "fault" / Int8ub,
        "text" / ExprAdapter(Bytes(FAULT_TEXT_BYTES), lambda d, _: _padded_from(d), lambda v, _: _padded_to(v)),
        "time" / Int32ub,
    ),
    0x14: record(m.TaskSwitch, "flag" / Int8ub, "task" / Int8ub, _id, "time" / Int32ub),
    0x15: record(
        m.TaskResult,
        _id,
        "result" / Int8ub,
        "text" / text(Int16ub),
        "start" / Int32ub,
        "end" / Int32ub,
        "times" / Int8ub,
        "time" / Int32ub,
    ),
    0x16: record(m.RecordReport, "front" / sized_code, "records" / counted(Int8ub, _return_record)),
    0x17: record(
        m.CertificateUpdate, "lists" / counted(Int8ub, sized(Int16ub)), "certificates" / counted(Int8ub, sized(Int8ub))
    ),
    0x20: record(m.RecordQuery, "code" / resource_code, _id, "from_time" / Int32ub, "to_time" / Int32ub),
    0xA1: record(
        m.Upgrade,
        "phys" / hexadecimal(sized(Int8ub)),
        "mode" / Int8ub,
        "new_version" / Bytes(4),
        "old_version" / Bytes(4),
        "md5" / _md5,
        "url" / text(Int8ub),
        "reserved" / Bytes(_UPGRADE_TAIL_BYTES),
    ),
}
OF_THE_TEXT = frozenset(REQUESTS) - {0x20, 0xA1}
"""Business types of annexes D and E; what is outside them and does not parse stays as it came."""
ANSWER: Layout = Struct("result" / Int8ub, if_there("text", text(Int16ub)))
STATUS_ANSWERS: dict[ParameterTable, Layout] = {
    table: record(
        m.StatusAnswer, "result" / Int8ub, "text" / text(Int16ub), "parameters" / parameter_list(asked(table))
    )
    for table in ParameterTable
}
OLD_TASK_SWITCH: Layout = record(
    m.OldTaskSwitch, "flag" / Int8ub, "task" / Int8ub, "ebm_id" / _old_id, "time" / Int32ub
)
RECORD_ANSWER: Layout = record(
    m.RecordAnswer, "code" / resource_code, _id, "result" / Int8ub, "start" / Int32ub, "end" / Int32ub
)
