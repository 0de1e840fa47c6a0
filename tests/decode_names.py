"""Writes docs/decode-names.md, the names in `fields` of `ebcd decode --json`: `python -m tests.decode_names`.

The names are taken from the records that are decoded, by the same tables that `ebcd decode` uses.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from ebcd.decode import adapter_frames, fm_content, rds_groups, terminal_bodies, warning_files
from ebcd.decode.ebd_names import snake
from ebcd.decode.names import ORDER, RENAMED
from ebcd.decode.recogniser import message_name
from protocols import adapter
from protocols.adapter import OtherReturn, Targets
from protocols.adapter.codec import Message as AdapterMessage
from protocols.cap.codec import RECORDS as CAP_RECORDS
from protocols.ebd.codec import RECORDS
from protocols.ebd.information import BODY
from protocols.ebd.mapping import Record
from protocols.fm import configuration, daily, emergency
from protocols.rds import groups as rds
from protocols.terminal import parameters
from protocols.terminal.messages import Message as TerminalMessage
from protocols.uecp import message as uecp

PAGE = Path(__file__).parent.parent / "docs" / "decode-names.md"

HEAD = """# Names in `ebcd decode --json`

`fields` holds what a message says under the names of its standard in snake_case: bytes in upper-case hexadecimal, codes
and ids as digits, times as UTC seconds (platform XML: Beijing time as written). `[...]` is a list. A field that the
message has not is not there, nor are those of another variant (RDS 1A and 14A, UECP 1A and 46). This page is written
by `python -m tests.decode_names`, and a test compares it.

Everywhere: `targets` is `addressing_type, codes[...]`; a return address is `ret_type, addr`; what is signed ends with
`signature_time` (`time` in FM packets), `certificate_number`, `signature`; what has a CRC ends with `crc`. `trailing`
before them holds what a peer wrote behind the last field that the standard has. Of a message that breaks the fields up
to the break are there, then `unread` with the bytes from it on; of `targets` that break, `count` and `code_length`;
of a UECP element that breaks, `mel` and its own `unread`;
of XML the elements as they stand. `unknown_elements` are those of a platform document that no table has.
"""
SPECIAL = {
    "StopBroadcast": "ebm_id, switch, targets (and all of start_broadcast where it was sent so long)",
    "RdsSpecial": "cmd_type, data_type, send_times, interval_ms, targets[...], data (as in fm-packet)",
    "ParameterSet": "parameters[id, ...]",
    "StatusAnswer": "result, description, parameters[id, ...]",
    "Answer": "result, description",
    "Opaque": "data",
    "Unknown": "content",
    "Certificates": "certificates[...] (as certificate)",
    "IpSpecial": "tag, data (as query_records, or hexadecimal)",
    "TsSpecial": "tag, data(frequency_khz, symbol_rate_kbaud, qam, targets) (and tag with the fields of a daily "
    "command where tag is 2), or hexadecimal",
    "ReturnTo": "ret_type, addr",
    "Authorisation": "list (as authorisation-list), or signature_data",
}
CONTENTS = configuration.LAYOUTS | emergency.LAYOUTS | daily.LAYOUTS
BY_VARIANT = {
    "SlowLabelling.data": "paging_code, ecc, tmc_id, language_code, broadcaster, ews_channel, data",
    "OtherNetwork.information": "ps_on, af_codes[...], linkage (as in `linkage` of uecp), pty_on, ta_on, day, hour, "
    "minute, information",
    "Linkage.linkage": "linkage, linkage_actuator, extended_generic, international, linkage_set, "
    "country_identifier, linkage_identifier",
    "OpenData.data": "message, bits, block3, block4, data",
}
"""Fields in whose place those of the variant stand, or of the length."""
_UPDATE = "lists[...] (as authorisation-list), certificates[...] (as certificate)"
_HIDDEN = frozenset({"spare", "spare_bits", "dsn", "psn"})
_SHOWN = frozenset({"ServiceSwitch.psn"})
_SAID_BEFORE = frozenset({"Number.id", "Identity.id", "Signal.id", "RawParameter.id", "FreeFormat.number"})


def names_of(cls: type) -> str:
    """The fields of a record, nested ones in brackets."""
    if {"lists", "certificates"} <= {field.name for field in dataclasses.fields(cls)}:
        return _UPDATE
    if cls.__name__ in SPECIAL:
        return SPECIAL[cls.__name__]
    hints = get_type_hints(cls)
    found = []
    for attribute in ORDER.get(cls.__name__) or [field.name for field in dataclasses.fields(cls)]:
        owned = f"{cls.__name__}.{attribute}"
        if (instead := BY_VARIANT.get(owned)) is not None:
            found.append(instead)
        elif (attribute not in _HIDDEN or owned in _SHOWN) and owned not in _SAID_BEFORE:
            found.append(_field(RENAMED.get(owned) or RENAMED.get(attribute) or attribute, hints[attribute]))
    if cls is adapter.StartBroadcast:
        found.insert(1, "switch")
    return ", ".join(found)


def _field(name: str, hint: Any) -> str:
    hint = next((each for each in get_args(hint) if _is_list(each)), hint)  # a list, or what stands for an odd one
    kinds = set(_kinds(hint))
    if OtherReturn in kinds:
        return "ret_type, addr"
    records = [each for each in kinds if isinstance(each, type) and dataclasses.is_dataclass(each)]
    if Targets in kinds or not records:
        return f"{name}[...]" if _is_list(hint) else name
    inside = names_of(sorted(records, key=lambda each: each.__name__)[0])
    return f"{name}[{inside}]" if _is_list(hint) else f"{name}({inside})"


def _kinds(hint: Any) -> Iterator[Any]:
    if get_origin(hint) in (UnionType, Union, tuple):
        for inner in get_args(hint):
            yield from _kinds(inner)
    else:
        yield hint


def _is_list(hint: Any) -> bool:
    return get_origin(hint) is tuple


def _of_record(record: Record[Any]) -> str:
    outer: dict[str, list[str]] = {}
    for element in record.elements:
        name = snake(element.tag)
        if isinstance(element.kind, Record):
            inside = _of_record(element.kind)
            name = f"{name}[{inside}]" if element.many else f"{name}({inside})"
        elif element.many:
            name = f"{name}[...]"
        outer.setdefault(snake(element.outer) if element.outer else f"={name}", []).append(name)
    return ", ".join(key[1:] if key[0] == "=" else f"{key}({', '.join(names)})" for key, names in outer.items())


def _table(title: str, head: str, rows: list[tuple[str, str, str]]) -> str:
    lines = [f"## {title}", "", *([head, ""] if head else []), "| message | clause | fields |", "|---|---|---|"]
    lines += [f"| `{name}` | {clause} | {fields or 'none'} |" for name, clause, fields in rows]
    return "\n".join(lines) + "\n"


def _uecp_clause(cls: type) -> str:
    return f"SPB 490 {uecp.MEC_OF[cls]:02X}" if cls in uecp.MEC_OF else "SPB 490"


def page() -> str:
    """The whole page."""
    a4 = [
        (message_name(cls), f"089 {adapter_frames.CLAUSES[cls.type]}", names_of(cls))
        for cls in get_args(AdapterMessage)
    ]
    fefd = [
        ("extension" if cls.__name__ == "Opaque" else message_name(cls), _clause(cls), names_of(cls))
        for cls in get_args(TerminalMessage)
    ]
    sets = [(message_name(cls), "089 D.9, E.5", names_of(cls)) for cls in get_args(parameters.Parameter)]
    air = [(_fm_name(cls), f"085 {fm_content.CLAUSES[kind]}", names_of(cls)) for kind, (cls, _) in CONTENTS.items()]
    groups = [
        (message_name(cls), f"EN 50067 {rds_groups.CLAUSES.get(cls, '3.1')}", names_of(cls))
        for cls in get_args(rds.Content)
    ]
    elements = [(message_name(cls), _uecp_clause(cls), names_of(cls)) for cls in get_args(uecp.Element)]
    warnings = [(str(each), warning_files.CLAUSES[each], _of_record(r)) for each, r in CAP_RECORDS.items()]
    xml = [(str(kind), "082, 083", _of_record(record)) for kind, record in RECORDS.items()]
    return "\n".join(
        (
            HEAD,
            _table("adapter", "Before them `head, version, protocol_type, origin, body_length`.", sorted(a4)),
            _table("terminal", "Before them the header, from `mark` to `business_length`.", sorted(fefd)),
            _table("Parameters of terminals", "Each behind its `id`.", sorted(sets)),
            _table("fm-packet", "Before them `type, length, resource_code_count, resource_codes[...]`.", air),
            _table("rds-group", "`message` is the group, such as 2A; before them `pi, group_type, tp, pty`.", groups),
            _table("uecp", "In `elements[...]`, behind `mec, element`, and `dsn, psn` where it has them.", elements),
            _table("ebd-xml", "Behind the envelope, under the type's own name in snake_case.", xml),
            f"An information body (EBI): {_of_record(BODY)}\n",
            _table("cap", "Times and words as the dialect writes them; `severity` is that of an EBM.", warnings),
            "## mqtt-json\n\nA mirror: as `terminal`, without `crc`. A vendor's payload: its own names.\n",
        )
    )


def _clause(cls: Any) -> str:
    if not isinstance(getattr(cls, "type", None), int):  # an answer has the type it answers
        return "vendor's" if cls.__name__ == "Opaque" else "089 D.10"
    return f"089 {terminal_bodies.CLAUSES[cls.type]}" if cls.type in terminal_bodies.CLAUSES else "vendor's"


def _fm_name(cls: type) -> str:
    name = fm_content.name_of(cls)
    return f"{name}_start`, `{name}_stop" if "action" in get_type_hints(cls) else name


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
