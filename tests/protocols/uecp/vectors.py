"""The worked frames and what they say."""

from __future__ import annotations

import json
from pathlib import Path

from protocols.uecp import control, data, programme, services
from protocols.uecp.message import Element, Opaque

FRAMES: dict[str, str] = {
    each["name"]: each["frame"]
    for each in json.loads((Path(__file__).parents[2] / "vectors/uecp/frames.json").read_text("utf-8"))["frames"]
}

_WORKED = json.loads((Path(__file__).parents[2] / "vectors/uecp/elements.json").read_text("utf-8"))["elements"]
ELEMENTS: dict[str, str] = {each["name"]: each["bytes"] for each in _WORKED}
ELEMENT_FRAMES: dict[str, str] = {each["name"]: each["frame"] for each in _WORKED}
"""Each of `ELEMENTS` for site 1, encoder 1, its code as sequence number."""

ELEMENT_MEANINGS: dict[str, Element] = {
    "01": programme.ProgrammeIdentification(0x8123),
    "02": programme.ProgrammeServiceName(b"EMERGTST"),
    "03": programme.TrafficFlags(True, True),
    "04": programme.DecoderInformation(dynamic_pty=True, compressed=False, artificial_head=False, stereo=True),
    "05": programme.MusicSpeech(True),
    "06": programme.ProgrammeItemNumber(9, 14, 30),
    "07": programme.ProgrammeType(31),
    "09": control.ClockCorrection(-200),
    "0A": programme.RadioText.showing(b"TEST", toggle=True),
    "0A append": programme.RadioText(b"HI\r", transmissions=3, buffer=programme.APPEND),
    "0A clear": programme.RadioText(None),
    "0B": services.ServiceSwitches((services.ServiceSwitch(1, 2), services.ServiceSwitch(0, 3))),
    "0D": control.RealTimeClock(26, 5, 12, 6, 28, 0, 0, 16),
    "0D west": control.RealTimeClock(26, 12, 31, 23, 59, 59, 99, 0x27),
    "0E": control.RdsLevel(7, 500),
    "13": programme.AlternativeFrequencies(0xFFFF, (0x6E, 0x6F, 0)),
    "14": services.OtherNetworkFrequencies(0, 4, (0x6E, 0), psn=2),
    "15": services.OtherNetworkTraffic(2, 1),
    "16": control.GroupSequence((0x00, 0x06, 0x16)),
    "17": control.Request(0x02, b"\0\0"),
    "18": control.Acknowledgement(control.Code.NOT_RECEIVED, 0x42),
    "18 ok": control.Acknowledgement(control.Code.OK),
    "19": control.ClockTimeSwitch(True),
    "1A": programme.SlowLabelling(0, 0x0F0),
    "1A EWS channel": programme.SlowLabelling(7, 1),
    "1C": control.DataSetSelect(5),
    "1D": control.ReferenceInput(2),
    "1E": control.RdsSwitch(True),
    "21": services.LongServiceName("应急".encode()),
    "22": control.RdsPhase(7, 900),
    "23": control.SiteAddress(1, 1023),
    "24": data.FreeFormatGroup(0x06, data.CYCLIC, 0x16, 0x0000, 0x50DD),
    "25": data.InHouse(1, data.ONCE, 0x1F, 0x1234, 0x5678),
    "26": data.TransparentData(7, b"\xab\xcd"),
    "27": control.EncoderAddress(0, 63),
    "28": services.ServiceList((1, 2)),
    "29": services.GroupVariants(0x1C, (4, 13)),
    "2A": services.TrafficControl(5, 1),
    "2B": data.EarlyWarning(0x0A, 0x1234, 0x5678),
    "2C": control.CommunicationMode(control.Mode.SPONTANEOUS),
    "2D": control.ManufacturerCommand(b"XX", b"\1\2"),
    "2E": services.Linkage(0x8123),
    "30": data.TrafficMessage((data.TrafficUnit(0x15, 0xDEAD, 0xBEEF),), urgent=True, transmissions=2),
    "30 two units": data.TrafficMessage(
        (data.TrafficUnit(0x08, 0x2A5C, 0x1234), data.TrafficUnit(0x1F, 0xFFFF, 0)), buffer=data.CYCLIC
    ),
    "38": services.ExtendedGroupSequence(0x10, (0x16, 0x18)),
    "3A": control.AccessRight(0x24, 0xFF, True),
    "3B": Opaque(0x3B, b"\1\2"),
    "3C": Opaque(0x3C, b"\1\2"),
    "3D": Opaque(0x3D, b"\1\2"),
    "3E": programme.ProgrammeTypeName(b"Football"),
    "40": data.OpenDataConfiguration(0x16, 0x50DD, data.CYCLIC, 1, 5),
    "41": services.OpenDataGroups((0x16, 0x18)),
    "42": data.OpenDataFreeFormat(0x16, 0x15, 0xDEAD, 0xBEEF, priority=data.PRIORITY_IMMEDIATE),
    "43": Opaque(0x43, b"\3\x16\x18\x16"),
    "44": Opaque(0x44, b"\1\2"),
    "45": Opaque(0x45, b"\1\2\3\4"),
    "46": data.OpenData(0x50DD, b"\0\1", buffer=data.CYCLIC, short_message=True),
    "46 type A": data.OpenData(0x50DD, bytes.fromhex("15DEADBEEF"), priority=data.PRIORITY_IMMEDIATE, mode=1),
    "46 type B": data.OpenData(0x50DD, bytes.fromhex("15BEEF")),
    "47": data.OpenDataAccess(0x50DD, b"\1\2"),
    "48": Opaque(0x48, b"\2\1\2"),
    "AA": Opaque(0xAA, b"\2\1\2"),
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
