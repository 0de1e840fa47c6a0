"""The worked frames and what they say."""

from __future__ import annotations

import json
from pathlib import Path

from protocols.uecp import control, data, programme
from protocols.uecp.message import Element, Opaque

FRAMES: dict[str, str] = {
    each["name"]: each["frame"]
    for each in json.loads((Path(__file__).parents[2] / "vectors/uecp/frames.json").read_text("utf-8"))["frames"]
}

MEANINGS: dict[str, tuple[int, int, int, tuple[Element, ...]]] = {
    "RDS on, SQC 0 (published)": (0, 0, 0, (control.RdsSwitch(True),)),
    # Ten characters where the element has eight: the last two are taken for an element of paging, code 20.
    "PS as printed there (10 chars; a real PS has 8) (published)": (
        0,
        0,
        1,
        (programme.ProgrammeServiceName(b"Test PS "), Opaque(0x20, b"\x20")),
    ),
    "PI 8123": (0, 0, 1, (programme.ProgrammeIdentification(0x8123),)),
    'PS "EMERGTST", site 1 encoder 1': (1, 1, 2, (programme.ProgrammeServiceName(b"EMERGTST"),)),
    "TA 1 TP 1": (1, 1, 3, (programme.TrafficFlags(True, True),)),
    "PTY 31": (1, 1, 4, (programme.ProgrammeType(31),)),
    'RT "TEST ALARM<CR>", flush, toggle': (1, 1, 5, (programme.RadioText.showing(b"TEST ALARM", toggle=True),)),
    "clock 2026-05-12 06:28:00.00 UTC +8 h": (0, 0, 6, (control.RealTimeClock.at(1_778_567_280),)),
    "CT on": (0, 0, 7, (control.ClockTimeSwitch(True),)),
    "group sequence 0A 3A 11A 0A 2A 11A 11A": (
        0,
        0,
        8,
        (control.GroupSequence((0x00, 0x06, 0x16, 0x00, 0x04, 0x16, 0x16)),),
    ),
    "24: 3A announcing AID 50DD on 11A, cyclic": (
        0,
        0,
        9,
        (data.FreeFormatGroup(0x06, data.CYCLIC, 0x16, 0x0000, 0x50DD),),
    ),
    "24: 11A 15 DEAD BEEF once": (0, 0, 10, (data.FreeFormatGroup(0x16, data.ONCE, 0x15, 0xDEAD, 0xBEEF),)),
    "40: AID 50DD on 11A, cyclic": (0, 0, 11, (data.OpenDataConfiguration(0x16, 0x50DD, data.CYCLIC),)),
    "42: 11A segment 0, 01020304, once": (0, 0, 12, (data.OpenDataFreeFormat(0x16, 0, 0x0102, 0x0304),)),
    "46: AID 50DD, type A, once": (0, 0, 13, (data.OpenData(0x50DD, bytes.fromhex("15DEADBEEF")),)),
    "2B: EWS 0A 1234 5678 (layout G)": (0, 0, 14, (data.EarlyWarning(0x0A, 0x1234, 0x5678),)),
    "stuffing in the data: 24 11A 1F FDFE FF00": (
        0,
        0,
        15,
        (data.FreeFormatGroup(0x16, data.ONCE, 0x1F, 0xFDFE, 0xFF00),),
    ),
    "mode bidirectional requested": (0, 0, 16, (control.CommunicationMode(control.Mode.REQUESTED),)),
    "ack OK": (0, 0, 17, (control.Acknowledgement(control.Code.OK),)),
    "ack CRC error for SQC 10": (0, 0, 18, (control.Acknowledgement(control.Code.CRC, 0x10),)),
    "site 1023, encoder 63, SQC FF (stuffed header), PTY 1": (1023, 63, 255, (programme.ProgrammeType(1),)),
}
