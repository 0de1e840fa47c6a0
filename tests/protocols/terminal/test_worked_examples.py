"""Frames worked by hand from GD/J 089 annexes D and E."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from protocols import terminal as t
from protocols.codes import EbmId, ResourceCode
from protocols.terminal import Header
from tests.protocols.worked_key import TIME, is_signed, sign

ROOT = Path(__file__).parents[3]
WORKED = {
    entry["name"]: bytes.fromhex(entry["hex"])
    for entry in json.loads((ROOT / "tests/vectors/terminal/worked_examples.json").read_text("utf-8"))
}
PLATFORM = ResourceCode("49999010000000103010101")
ADAPTER = ResourceCode("49999010000000314010201")
TERMINAL = ResourceCode("69999011002010314010401")
COUNTY = ResourceCode("09999010000000314010400")
EBM = EbmId("49999010000000103010101202510090001")
SIGNED = {"d_start", "d_stop", "d_set_code_signed"}
BEAT = t.Heartbeat(t.WorkState.IDLE, 1, "204800000002")
SET_CODE = t.ParameterSet(
    (
        t.Number(t.SET_VOLUME, 60),
        t.ReturnTo(t.IpReturn("10.20.30.40", 8889)),
        t.AssignCode("204800000002", TERMINAL),
    )
)


def down(session: int, target: ResourceCode, message: t.Message) -> t.Frame:
    return t.request(Header.D, session, ADAPTER, (target,), message)


def back(session: int, message: t.Message, *, answer: bool = False) -> t.Frame:
    packet_type = t.ANSWER_PACKET if answer else t.REQUEST
    return t.Frame(Header.E, session, packet_type, TERMINAL, (PLATFORM,), message)


RECORD = t.ReturnRecord(
    channel=1,
    state=2,
    ebm_id=EBM,
    task=t.Task.EMERGENCY,
    class_=4,
    level=2,
    event_type="11A01",
    start=TIME,
    end=TIME + 600,
    volume=80,
    codes=(COUNTY,),
)
FM_ANSWER = t.StatusAnswer(
    0,
    "",
    (
        t.Number(t.VOLUME, 60),
        t.Number(t.WORK_STATE, t.WorkState.WORKING),
        t.Signal(t.FM_SIGNAL, 70, 90),
        t.ReturnTo(t.IpReturn("10.20.30.40", 8889)),
        t.CurrentFm(98_500, 98_500),
    ),
)
FRAMES: dict[str, t.Frame] = {
    "d_start": down(
        1, COUNTY, t.Start(EBM, 4, 2, "11A01", 80, TIME, TIME + 600, (t.Auxiliary.url("rtp://239.1.1.10:5004"),))
    ),
    "d_stop": down(2, COUNTY, t.Stop(EBM)),
    "d_answer_to_start": t.Frame(Header.D, 1, t.ANSWER_PACKET, TERMINAL, (ADAPTER,), t.Answer(0x01, 0)),
    "d_set_code": down(3, TERMINAL, SET_CODE),
    "d_set_code_signed": down(3, TERMINAL, SET_CODE),
    "d_set_clock": down(
        5,
        TERMINAL,
        t.ParameterSet((t.Number(t.SET_AMPLIFIER, 1), t.Number(t.SET_CLOCK, TIME), t.Number(t.SET_RETURN_PERIOD, 60))),
    ),
    "d_query": down(4, TERMINAL, t.StatusQuery((t.VOLUME, t.RESOURCE_CODE, t.WORK_STATE))),
    "d_heartbeat": t.request(Header.D, 1, TERMINAL, (ADAPTER,), BEAT),
    "d_answer_to_heartbeat": t.Frame(Header.D, 1, t.ANSWER_PACKET, ADAPTER, (TERMINAL,), t.Answer(0x10, 0)),
    "e_heartbeat": back(1, BEAT),
    "e_query_answer": back(
        4,
        t.StatusAnswer(0, "", (t.Number(t.VOLUME, 60), t.OwnCode(TERMINAL), t.Number(t.WORK_STATE, 2))),
        answer=True,
    ),
    "e_query_answer_fm": back(7, FM_ANSWER, answer=True),
    "e_task_began": back(7, t.TaskSwitch(1, t.Task.EMERGENCY, EBM, TIME)),
    "e_task_result": back(8, t.TaskResult(EBM, 1, "", TIME, TIME + 600, 3, TIME + 605)),
    "e_records": t.request(Header.E, 10, ADAPTER, (PLATFORM,), t.RecordReport(ADAPTER, (RECORD,))),
}


@pytest.mark.parametrize("name", WORKED)
def test_a_worked_example_is_written_byte_for_byte(name: str) -> None:
    assert t.encode(FRAMES[name], sign=sign if name in SIGNED else None) == WORKED[name]


@pytest.mark.clause("GD/J 089 clause E.2.4")
@pytest.mark.parametrize("name", WORKED)
def test_a_worked_example_is_read_and_its_signature_holds(name: str) -> None:
    frame = t.decode(WORKED[name])
    assert frame.message == FRAMES[name].message
    assert (frame.header, frame.session, frame.source) == (
        FRAMES[name].header,
        FRAMES[name].session,
        FRAMES[name].source,
    )
    assert is_signed(frame.signed, frame.signature) == (name in SIGNED)
    assert t.encode(frame) == WORKED[name]


@pytest.mark.parametrize("name", WORKED)
def test_a_worked_example_is_found_whole_byte_by_byte_behind_noise_and_before_trailing_bytes(name: str) -> None:
    data = WORKED[name]
    frame = t.decode(data)
    assert t.Deframer().feed(data) == [frame]
    bytewise = t.Deframer()
    assert [item for byte in data for item in bytewise.feed(bytes([byte]))] == [frame]
    noisy = t.Deframer().feed(b"\x00\xfe\xfd\xfe" + data)
    assert noisy[-1] == frame
    assert isinstance(noisy[0], t.BadFrame)
    assert t.Deframer().feed(data + b"\xff\x00") == [frame]


@pytest.mark.clause("GD/J 089 type 13")
def test_a_fault_report_pads_its_text_to_255_bytes() -> None:
    data = t.encode(back(9, t.FaultReport(1, 3, "功放输出电压过低", TIME + 0x25D)))
    assert len(data) == 305
    assert data[-4:].hex() == "97c63ce8"
    assert t.decode(data).message == t.FaultReport(1, 3, "功放输出电压过低", TIME + 0x25D)


@pytest.mark.clause("GD/J 089 table D.11")
def test_a_certificate_update_has_the_crc_worked_by_hand() -> None:
    text = (ROOT / "tests/vectors/signature/worked_examples.json").read_text("utf-8").upper()
    words = [word for word in text.split('"') if word and set(word) <= set("0123456789ABCDEF")]
    certificate = next(word for word in words if len(word) == 286 and word.startswith("00000000000001000000000201"))
    list_ = next(word for word in words if len(word) == 168 and word.startswith("0000000003010101"))
    update = t.CertificateUpdate((bytes.fromhex(list_),), (bytes.fromhex(certificate),))
    candidates = [t.encode(down(6, target, update), sign=sign) for target in (TERMINAL, COUNTY)]
    assert all(data[:12].hex() == "fefd01000000000601010161" for data in candidates)
    assert "21392490" in [data[-4:].hex() for data in candidates]
