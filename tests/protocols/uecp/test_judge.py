"""The PyPI package `uecp`, where it is installed, reads our frames as we mean them and writes them the same."""

from __future__ import annotations

import importlib
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from protocols.rds.charset import decode_text
from protocols.uecp import control, programme
from protocols.uecp.frame import Frame, encode
from protocols.uecp.message import Element, encode_message
from tests.protocols.uecp.vectors import ELEMENT_FRAMES, ELEMENT_MEANINGS, MEANINGS

KNOWN_TO_THE_JUDGE = frozenset(
    {0x01, 0x02, 0x03, 0x04, 0x07, 0x09, 0x0A, 0x0D, 0x0E, 0x17, 0x18, 0x19, 0x1C, 0x1E, 0x22, 0x23, 0x27, 0x2C, 0x3E}
)
NOT_READ_BY_IT = frozenset({"0A clear", "0D west"})
"""It refuses to build the RadioText without content that its own reader makes, and takes bit 6 for the sign of a
clock's offset where it is bit 5."""


def meant(element: Element) -> dict[str, object]:
    """What the judge must have found, under its own names."""
    match element:
        case programme.ProgrammeIdentification():
            return {"pi": element.pi}
        case programme.ProgrammeServiceName():
            return {"ps": decode_text(element.name).rstrip()}
        case programme.TrafficFlags():
            return {"announcement": element.ta, "programme": element.tp}
        case programme.DecoderInformation():
            return {"stereo": element.stereo, "dynamic_pty": element.dynamic_pty}
        case programme.ProgrammeType():
            return {"programme_type": element.pty}
        case programme.RadioText():
            counts = {"number_of_transmissions": element.transmissions, "buffer_configuration": element.buffer}
            return counts | {"text": (element.text or b"").decode("ascii"), "a_b_toggle": element.toggle}
        case programme.ProgrammeTypeName():
            return {"programme_type_name": decode_text(element.name).rstrip()}
        case control.RealTimeClock():
            microsecond = element.centisecond * 10_000
            clock = time(element.hour, element.minute, element.second, microsecond, UTC)
            utc = datetime.combine(date(2000 + element.year, element.month, element.day), clock)
            return {"timestamp": utc, "timestamp.utcoffset": timedelta(minutes=30 * element.offset)}
        case _:
            return _meant_of_control(element)


def _meant_of_control(element: Element) -> dict[str, object]:
    match element:
        case control.ClockCorrection():
            return {"adjustment_ms": element.milliseconds}
        case control.RdsLevel():
            return {"reference_table": element.table, "level": element.millivolts}
        case control.RdsPhase():
            return {"reference_table": element.table, "deci_degrees": element.tenths_of_degree}
        case control.Request():
            return {"element_code": element.wanted, "data_set_number": 0, "programme_service_number": 0}
        case control.Acknowledgement():
            return {"code": element.code, "sequence_counter": element.sqc or 0}
        case control.ClockTimeSwitch() | control.RdsSwitch():
            return {"enable": element.on}
        case control.DataSetSelect():
            return {"select_data_set_number": element.data_set}
        case control.SiteAddress():
            return {"mode": element.action, "site_address": element.address}
        case control.EncoderAddress():
            return {"mode": element.action, "encoder_address": element.address}
        case control.CommunicationMode():
            return {"mode": element.mode}
        case _:
            raise AssertionError(f"the judge knows {element}, and nobody has said what it calls its fields")


def found(command: Any, name: str) -> object:
    """A field of the judge's command; behind a dot, what a method of it returns."""
    name, _, method = name.partition(".")
    value = getattr(command, name)
    return getattr(value, method)() if method else value


def test_another_implementation_reads_our_frames_as_we_mean_them_and_writes_them_the_same() -> None:
    pytest.importorskip("uecp", reason="the PyPI package uecp is not installed")
    judge: Any = importlib.import_module("uecp.frame")
    importlib.import_module("uecp.commands")
    wires = [
        (encode(Frame(site, encoder, sqc, encode_message(*elements))), elements[0])
        for site, encoder, sqc, elements in MEANINGS.values()
        if len(elements) == 1
    ]
    wires += [
        (bytes.fromhex(frame), ELEMENT_MEANINGS[name])
        for name, frame in ELEMENT_FRAMES.items()
        if name not in NOT_READ_BY_IT
    ]
    judged = set()
    for wire, element in wires:
        if (mec := encode_message(element)[0]) not in KNOWN_TO_THE_JUDGE:
            continue
        read, rest = judge.UECPFrameDecoder().decode(wire)
        assert (bytes(read.encode()), rest) == (wire, b""), f"element {mec:02X}"
        (command,) = read.commands
        expected = meant(element)
        assert {name: found(command, name) for name in expected} == expected
        judged.add(mec)
    assert judged == KNOWN_TO_THE_JUDGE


def test_another_implementation_has_the_same_character_table_but_for_look_alikes() -> None:
    """Code table E.1: it has ß, Ğ, ğ and a box-drawing sign where the printed table has β, Ǧ, ǧ and ‖."""
    table: Any = pytest.importorskip(
        "uecp.rds_character_set_codec", reason="the PyPI package uecp is not installed"
    ).decoding_table
    ours = {code: decode_text(bytes([code])) for code in range(0x20, 0xFF)}
    differing = {code: (mine, table[code]) for code, mine in ours.items() if code in table and mine != table[code]}
    assert differing == {0x60: ("‖", "║"), 0x8D: ("β", "ß"), 0x9D: ("ǧ", "ğ"), 0xA4: ("Ǧ", "Ğ")}
    assert [code for code in ours if code not in table] == [0x7F, 0xDE]
