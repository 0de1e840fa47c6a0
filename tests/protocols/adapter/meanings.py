"""The frames of vectors/adapter/messages.json, worked by hand from annex A, and what they say."""

from __future__ import annotations

import json
from pathlib import Path

from protocols import adapter as a
from protocols.adapter import daily
from protocols.codes import AreaCode, EbmId, ResourceCode

ROOT = Path(__file__).parents[3]
WORKED = json.loads((ROOT / "tests/vectors/adapter/messages.json").read_text("utf-8"))
FRAMES: dict[str, bytes] = {
    entry["name"]: bytes.fromhex("".join(digits for _, digits in entry["working"]) + entry["crc"]) for entry in WORKED
}

FRONT = ResourceCode("49999010000000314010201")
TERMINAL = ResourceCode("69999011002010314010401")
OTHER_SYSTEM = ResourceCode("69999011002020314010400")
COUNTY = ResourceCode("09999010000000314010400")
PLATFORM_DAY = "49999010000000103010101" + "20251009"
EBM = EbmId(PLATFORM_DAY + "0001")
T0 = 0x68E77800
T1 = T0 + 600
ONE = a.Targets((TERMINAL,))
ALL = a.Targets((COUNTY,))
PHONE = "13800138000"
LIST, CERTIFICATE = (
    bytes.fromhex(next(digits for what, digits in entry["working"] if what == part))
    for entry in WORKED
    if entry["name"] == "update_adapter_certificates"
    for part in ("list", "certificate")
)
MICROPHONE = EbmId(PLATFORM_DAY + "0000")

COMMANDS: dict[str, a.Message] = {
    "ts_lock_frequency": a.TsSpecial(0, a.LockFrequency(347_000, 6875, 2, ONE)),
    "ts_daily_switch": a.TsSpecial(
        2,
        daily.SwitchProgramme(
            EBM, 1, 2, 3, 0x100, 3, 0x101, 5, 60, daily.LocalTime(2025, 10, 9, 17, 3, 20), (TERMINAL,)
        ),
    ),
    "ts_daily_stop": a.TsSpecial(2, daily.StopProgramme(EBM, 1, 2, 3, 0x100, 0x101, (TERMINAL,))),
    "ts_daily_amplifier": a.TsSpecial(2, daily.DailyAmplifier(2, (TERMINAL,))),
    "ts_daily_text": a.TsSpecial(2, daily.DailyText(2, 0, EBM, (TERMINAL,), "暴雨".encode("gb2312"))),
    "rds_alive": a.RdsSpecial(2, 21, (TERMINAL,), b"\x07\xff"),
    "rds_reset": a.RdsSpecial(0, 12, (TERMINAL, OTHER_SYSTEM), bytes.fromhex("5F009850"), 3, 250),
    "ip_record_query": a.IpSpecial(1, a.QueryRecords(FRONT, None, 2, T0, T1)),
    "start_physical_push": a.StartBroadcast(
        EBM,
        5,
        "00000",
        0,
        T0,
        T1,
        255,
        a.PhysicalTargets(("204800000002", "204800000003")),
        (
            a.Language(
                "zho",
                "㐀",
                "",
                (a.Auxiliary(a.AUX_PUSH, b""), a.Auxiliary(a.AUX_MP3, b"\xff\xfb\x90")),
                a.GB18030,
            ),
        ),
        3,
        (),
        b"\xca\xfe",
    ),
    "start_gb2312_dash": a.StartBroadcast(
        EBM, 4, "11A01", 1, T0, T1, 100, ONE, (a.Language("zho", "—·—", "某县", ()),)
    ),
    "stop_everything": a.StopBroadcast(EbmId.EVERYTHING, ALL),
    "set_resource_codes": a.SetResourceCodes((a.CodeAssignment("204800000002", TERMINAL),)),
    "set_return_address_ip": a.SetReturnAddress(a.IpReturn("10.20.30.40", 8889), ONE),
    "set_return_address_sms": a.SetReturnAddress(a.SmsReturn(PHONE), ONE),
    "query_terminals": a.QueryTerminals(a.DomainReturn("eb.example", 8889), ONE, (1, 4, 6)),
    "set_clock": a.SetClock(T0),
    "set_network": a.SetNetwork("10.20.30.41", "255.255.255.0", "10.20.30.1", a.PhysicalTargets(("204800000002",))),
    "set_return_period": a.SetReturnPeriod(60, ONE),
    "set_whitelist": a.SetWhitelist(
        (a.WhitelistEntry(1, PHONE, "张三", 3, (AreaCode("999901100201"), AreaCode("999901100202"))),)
    ),
    "set_adapter_return": a.SetAdapterReturn(a.IpReturn("192.168.1.10", 8099), 60),
    "query_outputs": a.QueryOutputs(FRONT, 0, 2),
    "query_inputs": a.QueryInputs(FRONT, 5, 0),
    "query_records": a.QueryRecords(FRONT, EBM, 0, T0, T1),
    "query_faults": a.QueryFaults(FRONT),
    "platform_reply_signature": a.PlatformReply(a.ResultCode.SIGNATURE),
    "task_reply_copy": a.TaskReply(0, "10.1.1.9", 6000),
    "switch_amplifier": a.SwitchAmplifier(1, ALL),
    "update_adapter_certificates": a.UpdateAdapterCertificates((LIST,), (CERTIFICATE,)),
    "update_terminal_list_only": a.UpdateTerminalCertificates((LIST,), ()),
}
REPORTS: dict[str, a.Message] = {
    "general_answer_conflict": a.GeneralAnswer(a.ResultCode.CONFLICT, "conflict"),
    "general_answer_unknown": a.GeneralAnswer(a.ResultCode.UNKNOWN),
    "general_answer_without_length": a.GeneralAnswer(0, None),
    "outputs": a.Outputs(
        FRONT,
        (
            a.OutputChannel(1, 1, fm=(a.FmOutput(98_500, 2, EBM), a.FmOutput(101_700, 1))),
            a.OutputChannel(2, 2, ts=(a.TsOutput(1, 2, 3, 0x100, (a.ElementaryStream(3, 0x101),), 3),)),
            a.OutputChannel(3, 3, ts=(a.TsOutput(4, 5, 6, 0x1FFF, (), 2, EBM),)),
            a.OutputChannel(4, 4),
        ),
    ),
    "inputs": a.Inputs(
        FRONT,
        (
            a.InputChannel(1, "话筒", 1, 1),
            a.InputChannel(2, "线路".encode("gb2312").decode("utf-8", "surrogateescape"), 1, 2),
        ),
    ),
    "records": a.Records(
        FRONT,
        (
            a.Record(EBM, 2, 1, 4, 2, "11A01", T0, T1, 80, 0, (a.OutputRef(4, 1),), (COUNTY,)),
            a.Record(
                EbmId(PLATFORM_DAY + "0002"), 3, 3, 5, 0, "00000", T0, T1, 60, 0, (), a.OtherCodes(0, 0, b""), PHONE
            ),
        ),
    ),
    "no_records": a.Records(FRONT, ()),
    "fault_details": a.FaultDetails(FRONT, 3, "low"),
    "start_answer_failed": a.StartAnswer(FRONT, EBM, 1, "忙碌"),
    "start_answer_without_url": a.StartAnswer(FRONT, EBM, 0, "", None),
    "task_began_microphone": a.TaskBegan(FRONT, MICROPHONE, 2, 5, 4, "00000", 1, (a.OutputRef(1, 1),), 60, (TERMINAL,)),
    "task_began_sms": a.TaskBegan(FRONT, EbmId(PLATFORM_DAY + "0003"), 4, 4, 1, "11A01", 0, (), 60, (TERMINAL,), PHONE),
    "task_began_empty_telephone": a.TaskBegan(FRONT, EBM, 1, 4, 2, "11A01", 0, (), 80, (COUNTY,), ""),
    "heartbeat_fault": a.AdapterHeartbeat(FRONT, a.AdapterState.FAULT, T0),
}
MEANINGS = COMMANDS | REPORTS
