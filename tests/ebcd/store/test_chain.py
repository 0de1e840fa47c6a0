"""The canonical bytes of a row and the links between rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebcd.store import ChainBroken, Stored, chain
from ebcd.store.events import canonical
from protocols.sm2 import sm3

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=40)
TIMES = st.floats(min_value=0, max_value=5e9, allow_nan=False)
PAYLOADS = st.dictionaries(st.text(max_size=8), st.one_of(st.integers(-9, 1 << 53), st.booleans(), TEXTS), max_size=4)


def row(seq: int, prev: bytes, *, payload: dict[str, object] | None = None, alert: str | None = None) -> Stored:
    raw = canonical({} if payload is None else payload)
    digest = chain.row_digest(chain.row_line("341123000000", seq, 1.5, "a.b", alert, "chen", raw))
    return Stored("341123000000", seq, 1.5, "a.b", alert, "chen", raw, prev, chain.link(prev, digest))


def rows(count: int) -> list[Stored]:
    made: list[Stored] = []
    for seq in range(1, count + 1):
        made.append(row(seq, made[-1].hash if made else chain.GENESIS, payload={"number": seq}))
    return made


def test_the_first_hash_is_what_the_definition_gives_worked_by_hand() -> None:
    line = b'["341123000000",1,1795341665.25,"alert.approved","A1","chen",{"by":7}]'
    raw = canonical({"by": 7})
    assert chain.row_line("341123000000", 1, 1795341665.25, "alert.approved", "A1", "chen", raw) == line
    assert chain.link(chain.GENESIS, chain.row_digest(line)) == sm3(bytes(32) + sm3(line))


def test_an_absent_alert_and_an_alert_named_null_are_different_bytes() -> None:
    assert chain.row_line("s", 1, 1.0, "k", None, "a", b"{}") != chain.row_line("s", 1, 1.0, "k", "null", "a", b"{}")


def test_walking_hands_on_every_row_that_follows() -> None:
    made = rows(5)
    assert list(chain.walk(made)) == made
    assert list(chain.walk(made[2:], seq=2, prev=made[1].hash)) == made[2:]


@pytest.mark.parametrize("at", range(5))
def test_a_row_left_out_is_missed(at: int) -> None:
    made = rows(6)
    del made[at]
    with pytest.raises(ChainBroken, match="is missing"):
        list(chain.walk(made))


def test_rows_before_the_broken_one_are_handed_on_first() -> None:
    made = rows(6)
    made[3] = made[3]._replace(actor="nobody")
    walked: list[Stored] = []
    with pytest.raises(ChainBroken, match="row 4"):
        walked.extend(chain.walk(made))
    assert walked == made[:3]


@given(TEXTS, st.integers(1, (1 << 63) - 1), TIMES, TEXTS, st.none() | TEXTS, TEXTS, PAYLOADS, st.integers(0, 6), TEXTS)
def test_changing_any_field_changes_the_canonical_bytes(
    stream: str,
    seq: int,
    at: float,
    kind: str,
    alert: str | None,
    actor: str,
    payload: dict[str, object],
    field: int,
    text: str,
) -> None:
    fields: list[object] = [stream, seq, at, kind, alert, actor, canonical(payload)]
    changed = list(fields)
    match fields[field]:
        case str() | None:
            changed[field] = text
        case int() | float() as number:
            changed[field] = number + 1
        case _:
            changed[field] = canonical({**payload, "changed": text})
    before, after = chain.row_line(*fields), chain.row_line(*changed)  # type: ignore[arg-type]
    assert (before == after) == (fields == changed)
