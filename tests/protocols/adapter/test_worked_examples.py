"""Frames worked by hand from GD/J 089 annex A, and frames of a vendor's platform and adapter."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from protocols import adapter
from protocols.codes import EbmId, ResourceCode
from protocols.errors import RemoteProtocolError
from protocols.signature import Certificate
from protocols.sm2 import PublicKey
from tests.protocols.worked_key import TIME, is_signed, sign

ROOT = Path(__file__).parents[3]
WORKED = {
    entry["name"]: bytes.fromhex(entry["hex"])
    for entry in json.loads((ROOT / "tests/vectors/adapter/worked_examples.json").read_text("utf-8"))
}
PEERS = Path(os.environ.get("EBCD_PEER_VECTORS", ROOT.parent / "shared" / "vectors")) / "adapter"
needs_peers = pytest.mark.skipif(
    not PEERS.is_dir(), reason="EBCD_PEER_VECTORS names no folder with vendor vectors (adapter/frames.json)"
)
CAPTURED = json.loads((PEERS / "frames.json").read_text("utf-8")) if PEERS.is_dir() else []

FRONT = ResourceCode("49999010000000314010201")
TERMINAL = ResourceCode("69999011002010314010401")
COUNTY = adapter.Targets((ResourceCode("09999010000000314010400"),))
EBM = EbmId("49999010000000103010101202510090001")
SIGNED: dict[str, adapter.Message] = {
    "set_volume": adapter.SetVolume(60, adapter.Targets((TERMINAL,))),
    "start": adapter.StartBroadcast(
        ebm_id=EBM,
        class_=4,
        event_type="11A01",
        level=2,
        start=TIME,
        end=TIME + 600,
        volume=80,
        targets=COUNTY,
        languages=(
            adapter.Language(
                "zho", "暴雨橙色预警", "某县应急广播平台", (adapter.Auxiliary.url("rtp://239.1.1.10:5004"),)
            ),
        ),
        outputs=(1, 2),
    ),
    "stop": adapter.StopBroadcast(EBM, COUNTY),
    "heartbeat": adapter.AdapterHeartbeat(FRONT, adapter.AdapterState.IDLE, TIME),
    "heartbeat_reply": adapter.PlatformReply(),
    "task_reply": adapter.TaskReply(),
}
UNSIGNED: dict[str, adapter.Message] = {
    "start_answer": adapter.StartAnswer(FRONT, EBM, 0, "", "rtp://10.1.1.9:6000"),
    "task_began": adapter.TaskBegan(
        front=FRONT,
        ebm_id=EBM,
        source=adapter.Source.PLATFORM,
        class_=4,
        level=2,
        event_type="11A01",
        input_channel=0,
        outputs=(adapter.OutputRef(4, 1),),
        volume=80,
        codes=COUNTY.codes,
    ),
    "task_ended": adapter.TaskEnded(FRONT, EBM),
}


@pytest.mark.parametrize("name", SIGNED)
def test_a_signed_worked_example_is_written_byte_for_byte(name: str) -> None:
    assert adapter.encode(SIGNED[name], sign=sign) == WORKED[name]


@pytest.mark.parametrize("name", UNSIGNED)
def test_an_unsigned_worked_example_is_written_byte_for_byte(name: str) -> None:
    assert adapter.encode(UNSIGNED[name]) == WORKED[name]


@pytest.mark.parametrize("name", WORKED)
def test_a_worked_example_is_read_and_its_signature_holds(name: str) -> None:
    frame = adapter.decode(WORKED[name])
    assert frame.message == {**SIGNED, **UNSIGNED}[name]
    assert is_signed(frame.signed, frame.signature) == (name in SIGNED)
    assert frame.zero_block == (name in UNSIGNED)


@pytest.mark.parametrize("name", WORKED)
def test_a_worked_example_is_found_whole_byte_by_byte_behind_noise_and_before_trailing_bytes(name: str) -> None:
    data = WORKED[name]
    frame = adapter.decode(data)
    assert adapter.Deframer().feed(data) == [frame]
    bytewise = adapter.Deframer()
    assert [item for byte in data for item in bytewise.feed(bytes([byte]))] == [frame]
    noisy = adapter.Deframer().feed(b"\x00\x49\x50\xff" + data)
    assert noisy[-1] == frame
    assert isinstance(noisy[0], adapter.BadFrame)
    assert adapter.Deframer().feed(data + b"\xff\x00") == [frame]


@pytest.mark.clause("GD/J 089 table A.21")
def test_a_certificate_update_has_the_crc_worked_by_hand() -> None:
    example = json.loads((ROOT / "tests/vectors/signature/worked_examples.json").read_text("utf-8"))
    text = json.dumps(example)
    certificate = next(h for h in _hex_strings(text) if len(h) == 286 and h.startswith("00000000000001000000000201"))
    list_ = next(h for h in _hex_strings(text) if len(h) == 168 and h.startswith("0000000003010101"))
    update = adapter.UpdateTerminalCertificates((bytes.fromhex(list_),), (bytes.fromhex(certificate),))
    data = adapter.encode(update, sign=sign)
    assert len(data) == 321
    assert data[:12].hex() == "4900014001000000e8010054"
    assert data[-4:].hex() == "56b2c100"


def _hex_strings(text: str) -> list[str]:
    return [word for word in text.upper().split('"') if word and set(word) <= set("0123456789ABCDEF")]


@needs_peers
@pytest.mark.parametrize("capture", [c for c in CAPTURED if c["crc_ok"]], ids=lambda c: str(c["type"]))
def test_a_captured_frame_is_read_and_written_again_to_the_same_bytes(capture: dict[str, str]) -> None:
    data = bytes.fromhex(capture["hex"])
    frame = adapter.decode(data)
    assert adapter.encode_again(frame) == data
    assert (frame.signature is not None) == bool(capture["signature_ok"])


@needs_peers
@pytest.mark.parametrize("capture", [c for c in CAPTURED if c["signature_ok"]], ids=lambda c: str(c["type"]))
def test_a_captured_signature_verifies_with_the_captured_certificate(capture: dict[str, str]) -> None:
    stored = json.loads((PEERS / "certificate.json").read_text("utf-8"))
    certificate = Certificate.decode(bytes.fromhex(stored["cert_hex"]))
    frame = adapter.decode(bytes.fromhex(capture["hex"]))
    block = frame.signature
    assert block is not None
    assert block.certificate == certificate.number
    assert PublicKey(certificate.public_key).verify(frame.signed + block.time.to_bytes(4, "big"), block.value)


@needs_peers
@pytest.mark.parametrize("stub", [c for c in CAPTURED if not c["crc_ok"]], ids=lambda c: str(c["type"]))
def test_a_hand_made_stub_is_refused_by_name(stub: dict[str, str]) -> None:
    data = bytes.fromhex(stub["hex"])
    with pytest.raises(RemoteProtocolError) as refused:
        adapter.decode(data)
    assert refused.value.reason in ("length", "crc")
    deframer = adapter.Deframer()
    found = deframer.feed(data) + deframer.end()
    assert found
    assert all(isinstance(item, adapter.BadFrame) for item in found)
