"""JSON from outside is read strictly or refused by name."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.mqtt.json_text import DEPTH_MAX, PAYLOAD_BYTES_MAX, Json, at_path, read_object, write_object

REASONS = {"length", "charset", "depth", "duplicate", "number", "json"}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "json"),
        (b"{", "json"),
        (b"[]", "json"),
        (b"null", "json"),
        (b'{"a":1}{"a":1}', "json"),
        (b"{'a':1}", "json"),
        (b'{"a":"\x01"}', "json"),
        (b'{"a":1,"a":2}', "duplicate"),
        (b'{"b":{"a":1,"c":0,"a":1}}', "duplicate"),
        (b'{"a":NaN}', "number"),
        (b'{"a":-Infinity}', "number"),
        (b'{"a":1e999}', "number"),
        (b'{"a":' + b"9" * 5000 + b"}", "number"),
        (b'{"a":' + b"1" * 41 + b".0}", "number"),
        (b'{"a":"\xff"}', "charset"),
        (b"\xef\xbb\xbf{}", "json"),
        (b'{"a":"\\ud800"}', "charset"),
        (b'{"\\udc00":1}', "charset"),
        (b'{"a":' + b"[" * 60_000, "depth"),
        (b'{"a":' * 10_000, "depth"),
        (b'{"a":"' + b"x" * 2**20 + b'"}', "length"),
    ],
)
def test_what_two_readers_could_understand_differently_is_refused_by_name(payload: bytes, reason: str) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        read_object(payload)
    assert refused.value.reason == reason


def test_brackets_inside_texts_are_no_nesting() -> None:
    text = "[{" * 1000
    assert read_object(json.dumps({"a": text + '"\\'}).encode()) == {"a": text + '"\\'}


def test_the_deepest_that_is_allowed_is_read() -> None:
    payload = b'{"a":' + b"[" * (DEPTH_MAX - 1) + b"]" * (DEPTH_MAX - 1) + b"}"
    assert "a" in read_object(payload)


def test_a_text_without_an_end_is_refused_in_one_pass() -> None:
    payload = b'{"a":' + b'"\\"' * 20_000
    with pytest.raises(RemoteProtocolError) as refused:
        read_object(payload)
    assert refused.value.reason == "json"


_texts = st.text(st.characters(codec="utf-8"), max_size=20)
_values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | _texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), _values, max_size=4))
def test_what_is_written_is_read_as_itself(value: dict[str, Json]) -> None:
    assert read_object(write_object(value)) == value


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_give_an_object_or_a_named_error(payload: bytes) -> None:
    reason = ""
    try:
        assert isinstance(read_object(payload), dict)
    except RemoteProtocolError as error:
        reason = error.reason
    assert reason in REASONS | {""}


@pytest.mark.parametrize("value", [{"a": float("nan")}, {"a": "\ud800"}, {"a": b""}, {"a": "x" * PAYLOAD_BYTES_MAX}])
def test_what_is_no_json_is_not_written(value: dict[str, Json]) -> None:
    with pytest.raises(LocalProtocolError):
        write_object(value)


def test_a_path_leads_inside_objects_only() -> None:
    value = {"a": {"b": [1]}}
    assert at_path(value, ("a", "b")) == [1]
    assert at_path(value, ("a", "b", "0")) is None
    assert at_path(value, ("x",)) is None
