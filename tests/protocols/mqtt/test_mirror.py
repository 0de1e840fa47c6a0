"""The JSON mirror holds a frame with its signature, field by field, and nothing else passes."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import terminal as t
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.mqtt import mirror
from protocols.mqtt.json_text import read_object
from tests.protocols.wire_strategies import byte, ebm_ids, event_types, phys, resource_codes, signatures, texts, u32

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors/mqtt/mirror.json").read_text(encoding="utf-8")
)
START = VECTORS[0]


def frame_of(vector: dict[str, Any]) -> bytes:
    return bytes.fromhex(vector["frame"].replace(" ", ""))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_frame_of_the_standard_is_mirrored_field_by_field(vector: dict[str, Any]) -> None:
    told = read_object(mirror.encode(t.decode(frame_of(vector))))
    assert told == vector["json"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_mirror_gives_the_signed_bytes_back(vector: dict[str, Any]) -> None:
    frame = mirror.decode(json.dumps(vector["json"]).encode())
    assert t.encode(frame) == frame_of(vector)


numbers = st.builds(t.Number, st.integers(1, 255), u32)
parameters = st.lists(numbers, max_size=3).map(tuple)
messages = st.one_of(
    st.builds(t.Start, ebm_ids, byte, byte, event_types, byte, u32, u32, texts.map(lambda u: (t.Auxiliary.url(u),))),
    st.builds(t.Stop, ebm_ids),
    st.builds(t.Heartbeat, byte, byte, phys),
    st.builds(t.StatusQuery, st.lists(byte, max_size=4).map(tuple)),
    st.builds(t.StatusAnswer, byte, texts, parameters),
    st.builds(t.ParameterSet, parameters),
    st.builds(t.FaultReport, byte, byte, texts | st.none(), u32),
    st.builds(t.TaskSwitch, byte, byte, ebm_ids, u32),
    st.builds(t.TaskResult, ebm_ids, byte, texts, u32, u32, byte, u32),
    st.builds(t.Answer, byte, byte, texts),
)
frames = st.builds(
    t.Frame,
    st.just(t.Header.D),
    u32,
    st.sampled_from([t.REQUEST, t.ANSWER_PACKET]),
    resource_codes,
    st.lists(resource_codes, max_size=3).map(tuple),
    messages,
    signatures | st.none(),
    st.sampled_from([0x0100, 0x0101]),
)


@given(frames)
def test_every_mirrored_frame_reads_back_as_itself(frame: t.Frame) -> None:
    assert mirror.decode(mirror.encode(frame)) == frame


@given(st.binary(max_size=200))
def test_any_bytes_give_a_frame_or_a_named_error(payload: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        mirror.decode(payload)


_junk = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.integers(), max_size=2)


@given(
    vector=st.sampled_from(VECTORS), at=st.integers(0, 30), value=_junk | st.dictionaries(st.text(max_size=3), _junk)
)
def test_a_field_of_another_kind_is_read_or_refused_by_name(vector: dict[str, Any], at: int, value: Any) -> None:
    told = copy.deepcopy(vector["json"])
    told[sorted(told)[at % len(told)]] = value
    payload = json.dumps(told).encode()
    reason = ""
    try:
        frame = mirror.decode(payload)
        assert mirror.decode(mirror.encode(frame)) == frame
    except RemoteProtocolError as error:
        reason = error.reason
    assert reason in {"", "type", "missing", "value", "signature", "charset", "number"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"type": "dance"}, "type"),
        ({"type": 1}, "type"),
        ({"sid": True}, "value"),
        ({"sid": -1}, "value"),
        ({"sid": 2**32}, "value"),
        ({"ebm": "123"}, "value"),
        ({"to": "all"}, "value"),
        ({"to": ["6"]}, "value"),
        ({"volume": 80.0}, "value"),
        ({"event": "事件类型五"}, "value"),
        ({"answer": 1}, "value"),
        ({"version": 1}, "value"),
        ({"header": "F"}, "value"),
        ({"header": "E"}, "signature"),
        ({"sig": {}}, "signature"),
        ({"sig": None}, "signature"),
    ],
)
def test_wrong_types_are_refused_by_name(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        mirror.decode(json.dumps(START["json"] | change).encode())
    assert refused.value.reason == reason


@pytest.mark.parametrize("key", ["sid", "from", "to", "ebm", "class", "url", "end"])
def test_a_missing_field_is_named(key: str) -> None:
    with pytest.raises(RemoteProtocolError, match=key) as refused:
        mirror.decode(json.dumps({k: v for k, v in START["json"].items() if k != key}).encode())
    assert refused.value.reason == "missing"


def test_a_signature_that_was_tampered_with_makes_other_bytes() -> None:
    frame = mirror.decode(json.dumps(START["json"] | {"volume": 81}).encode())
    assert t.encode(frame) != frame_of(START)


@pytest.mark.parametrize(
    ("message", "why"), [(t.CertificateUpdate((), ()), "mirror"), (t.Opaque(0x40, b""), "fefd.extensions")]
)
def test_what_has_no_mirror_is_our_error(message: t.Message, why: str) -> None:
    source = t.decode(frame_of(START)).source
    with pytest.raises(LocalProtocolError, match=why):
        mirror.encode(t.request(t.Header.D, 1, source, (source,), message))
