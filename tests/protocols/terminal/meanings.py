"""The frames of vectors/terminal/messages.json, worked by hand from annexes D and E, and what they say."""

from __future__ import annotations

import json
from pathlib import Path

from protocols import terminal as t
from protocols.adapter.targets import OtherCodes
from protocols.codes import EbmId, ResourceCode
from protocols.terminal import Header, Unsigned

ROOT = Path(__file__).parents[3]
WORKED = json.loads((ROOT / "tests/vectors/terminal/messages.json").read_text("utf-8"))
BYTES: dict[str, bytes] = {
    entry["name"]: bytes.fromhex("".join(digits for _, digits in entry["working"]) + entry["crc"]) for entry in WORKED
}

PLATFORM = ResourceCode("49999010000000103010101")
ADAPTER = ResourceCode("49999010000000314010201")
TERMINAL = ResourceCode("69999011002010314010401")
COUNTY = ResourceCode("09999010000000314010400")
EBM = EbmId("49999010000000103010101202510090001")
PHYS = "204800000002"
T0 = 0x68E77800
T1 = T0 + 600
CERTIFICATE = bytes.fromhex(
    next(
        digits
        for entry in WORKED
        if entry["name"] == "d_certificates"
        for what, digits in entry["working"]
        if what == "certificate"
    )
)


def down(session: int, message: t.Message, *targets: ResourceCode, unsigned: Unsigned = Unsigned.NOTHING) -> t.Frame:
    return t.Frame(Header.D, session, t.REQUEST, ADAPTER, targets or (TERMINAL,), message, unsigned=unsigned)


def up(session: int, message: t.Message, packet_type: int = t.REQUEST) -> t.Frame:
    return t.Frame(Header.D, session, packet_type, TERMINAL, (ADAPTER,), message)


def back(session: int, message: t.Message, packet_type: int = t.REQUEST, source: ResourceCode = TERMINAL) -> t.Frame:
    return t.Frame(Header.E, session, packet_type, source, (PLATFORM,), message)


EVERY_PARAMETER: tuple[t.Parameter, ...] = (
    t.Number(t.VOLUME, 60),
    t.LocalAddress("10.20.30.41", "255.255.255.0", "10.20.30.1"),
    t.ReturnTo(t.IpReturn("10.20.30.40", 8889)),
    t.OwnCode(TERMINAL),
    t.PhysicalAddress(PHYS, 6),
    t.Number(t.WORK_STATE, t.WorkState.WORKING),
    t.Number(t.FAULT_CODE, 5),
    t.Identity(t.DEVICE_TYPE, bytes.fromhex("0001")),
    t.Identity(t.HARDWARE_VERSION, bytes.fromhex("01000000")),
    t.Identity(t.SOFTWARE_VERSION, bytes.fromhex("02030004")),
    t.Signal(t.FM_SIGNAL, 70, 90),
    t.Signal(t.CABLE_SIGNAL, 50, 80),
    t.Signal(t.DTMB_SIGNAL, 40, 60),
    t.CableFrequency(347_000, 6875, 2),
    t.Number(t.DTMB_FREQUENCY, 562_000),
    t.FmScanList((t.ScanEntry(1, 1, 98_500), t.ScanEntry(2, 2, 101_700))),
    t.CurrentFm(98_500, 101_700),
    t.FmMaintenance(1, 600),
)


def told(*parameters: t.Parameter) -> t.StatusAnswer:
    return t.StatusAnswer(0, "", parameters)


FRAMES: dict[str, t.Frame] = {
    "d_start_two_sounds": down(
        1,
        t.Start(EBM, 5, 4, "00000", 255, T0, T1, (t.Auxiliary.url("udp://@5004"), t.Auxiliary(2, b""))),
        TERMINAL,
        COUNTY,
    ),
    "d_start_zero_block": down(1, t.Start(EBM, 4, 2, "11A01", 80, T0, T1, ()), COUNTY, unsigned=Unsigned.ZEROS),
    "d_stop_everything": down(2, t.Stop(EbmId.EVERYTHING), COUNTY),
    "d_stop_bare_zeros": down(2, t.Stop(EbmId.from_bcd(bytes(18))), COUNTY, unsigned=Unsigned.LENGTH),
    "d_heartbeat_working": up(3, t.Heartbeat(t.WorkState.WORKING, 2, PHYS)),
    "e_heartbeat_fault": back(3, t.Heartbeat(t.WorkState.FAULT, 2, PHYS)),
    "d_query_all": down(4, t.StatusQuery(tuple(range(1, 0x13)))),
    "d_answer_all": up(4, told(*EVERY_PARAMETER), t.ANSWER_PACKET),
    "e_answer_all": back(4, told(*EVERY_PARAMETER), t.ANSWER_PACKET),
    "e_answer_return_domain": back(5, told(t.ReturnTo(t.DomainReturn("eb.example", 8889))), t.ANSWER_PACKET),
    "e_answer_return_sms": back(5, told(t.ReturnTo(t.SmsReturn("13800138000"))), t.ANSWER_PACKET),
    "e_answer_physical_n_plus_1": back(5, told(t.PhysicalAddress(PHYS, 7)), t.ANSWER_PACKET),
    "e_query_failed": back(6, t.Answer(0x11, t.Result.TERMINAL_ERROR, "bad"), t.ANSWER_PACKET),
    "d_set_volume": down(7, t.ParameterSet((t.Number(t.SET_VOLUME, 255),))),
    "d_set_address": down(7, t.ParameterSet((t.LocalAddress("10.20.30.41", "255.255.255.0", "10.20.30.1"),))),
    "d_set_return_domain": down(7, t.ParameterSet((t.ReturnTo(t.DomainReturn("eb.example", 8889)),))),
    "d_set_code_and_amplifier": down(7, t.ParameterSet((t.AssignCode(PHYS, TERMINAL), t.Number(t.SET_AMPLIFIER, 2)))),
    "d_set_clock_and_period": down(7, t.ParameterSet((t.Number(t.SET_CLOCK, T0), t.Number(t.SET_RETURN_PERIOD, 300)))),
    "d_answer_to_set": up(7, t.Answer(0x12, t.Result.BAD_PARAMETER, "vol"), t.ANSWER_PACKET),
    "d_answer_result_only": up(7, t.Answer(0x12, t.Result.OK, None), t.ANSWER_PACKET),
    "e_fault_cleared": back(9, t.FaultReport(2, 1, "ok", T0)),
    "e_fault_other_short": back(9, t.FaultReport(1, 9, None, T0)),
    "e_task_ended_phone": back(10, t.TaskSwitch(2, t.Task.PHONE, EBM, T1)),
    "e_task_began_draft": back(
        10, t.OldTaskSwitch(1, t.Task.EMERGENCY, t.OldEbmId("499990100000001031" + "20251009" + "0001"), T0)
    ),
    "e_result_failed": back(11, t.TaskResult(EBM, 0, "忙碌", T0, T1, 0, T1)),
    "e_records_phone": back(
        12,
        t.RecordReport(
            ADAPTER,
            (
                t.ReturnRecord(258, 3, EBM, 3, 5, 4, "00000", T0, T1, 60, (TERMINAL,), "13800138000"),
                t.ReturnRecord(1, 1, EBM, 7, 4, 1, "11A01", T0, T1, 80, OtherCodes(0, 0, b"")),
            ),
        ),
        source=ADAPTER,
    ),
    "d_certificates": down(13, t.CertificateUpdate((), (CERTIFICATE,))),
    "d_record_query": down(14, t.RecordQuery(TERMINAL, EBM, T0, T1)),
    "d_record_answer": up(14, t.RecordAnswer(TERMINAL, EBM, 2, T0, T1), t.ANSWER_PACKET),
    "d_authentication": up(15, t.Opaque(0x30, bytes.fromhex("0102030405"))),
    "d_open_access": down(16, t.Opaque(0x40, b"\x01")),
    "d_close_access": down(17, t.Opaque(0x41, b"\x02")),
    "d_upgrade": down(
        18,
        t.Upgrade(
            PHYS,
            2,
            bytes.fromhex("01020000"),
            bytes.fromhex("01010000"),
            "00112233445566778899aabbccddeeff",
            "http://10.1.1.9/fw.b",
        ),
    ),
}
