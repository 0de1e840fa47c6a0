"""Checking the journal from outside, with the daemon running or not."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest

from ebcd.store import StoreError
from ebcd.store.audit import check_export, export_journal, prove, verify_journal
from ebcd.store.proof import BadProof, Hidden, Proof, Shown
from tests.ebcd.store.conftest import COUNTY, Opener, event, url_of
from tests.ebcd.store.test_journal import tamper

OTHER = "341124000000"


async def filled(opener: Opener) -> bytes:
    """Thirty events: alert A has numbers 3, 13 and 23, alert B the others; returns the head's hash."""
    store = opener()
    rows = await store.append([event(n, alert="A" if n % 10 == 3 else "B") for n in range(30)])
    return rows[-1].hash


# ---- verify --------------------------------------------------------------------------------------------------------


async def test_every_stream_is_verified_while_the_daemon_has_the_file(opener: Opener, tmp_path: Path) -> None:
    store = opener()
    await store.append([event(1), event(2, stream=OTHER), event(3)])
    verdicts = verify_journal(url_of(tmp_path))
    assert [(verdict.stream, verdict.rows, verdict.whole) for verdict in verdicts] == [
        (COUNTY, 2, True),
        (OTHER, 1, True),
    ]
    assert [verdict.stream for verdict in verify_journal(url_of(tmp_path), OTHER)] == [OTHER]


async def test_a_broken_stream_is_told_beside_the_whole_ones(opener: Opener, tmp_path: Path) -> None:
    store = opener()
    await store.append([event(n, stream=stream) for n in range(5) for stream in (COUNTY, OTHER)])
    tamper(tmp_path, f"UPDATE journal SET kind = 'x' WHERE seq = 3 AND stream = '{COUNTY}'")
    broken, whole = verify_journal(url_of(tmp_path))
    assert (broken.broken_at, broken.detail) == (3, "row 3 has a hash that its content does not give")
    assert whole.whole


def test_a_database_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist"):
        verify_journal(url_of(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_holds_no_journal(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "ebcd.db").write_bytes(b"")
    with pytest.raises(StoreError, match="holds no journal"):
        verify_journal(url_of(tmp_path))


# ---- export --------------------------------------------------------------------------------------------------------


async def test_an_export_can_be_checked_by_its_lines_alone(opener: Opener, tmp_path: Path) -> None:
    head = await filled(opener)
    out = io.BytesIO()
    exported = export_journal(url_of(tmp_path), COUNTY, out)
    assert (exported.rows, exported.head_seq, exported.head_hash) == (30, 30, head)
    assert check_export(out.getvalue().splitlines(keepends=True)) == (30, head)
    first = out.getvalue().split(b"\n")[0].partition(b" ")[2]
    assert first.startswith(b'["341123000000",1,')
    assert first.endswith(b',"test.happened","B","tester",{"number":0}]')


@pytest.mark.parametrize("at", [0, 14, 29])
async def test_an_export_with_an_altered_line_is_refused_at_that_line(opener: Opener, tmp_path: Path, at: int) -> None:
    await filled(opener)
    out = io.BytesIO()
    export_journal(url_of(tmp_path), COUNTY, out)
    lines = out.getvalue().splitlines()
    lines[at] = lines[at].replace(b"tester", b"nobody")
    with pytest.raises(ValueError, match=f"line {at + 1} does not follow"):
        check_export(lines)


# ---- prove ---------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-SYS-08", "R-SUP-05")
async def test_a_proof_shows_one_alerts_events_and_no_other_and_leads_to_the_head(
    opener: Opener, tmp_path: Path
) -> None:
    head = await filled(opener)
    proof = prove(url_of(tmp_path), "A")
    proof.check(head)
    assert [(seq, shown["payload"]["number"]) for seq, shown in proof.events()] == [(4, 3), (14, 13), (24, 23)]
    assert (proof.before_seq, proof.head_seq) == (3, 30)
    assert b'"B"' not in proof.to_json()


async def test_a_proof_survives_its_file(opener: Opener, tmp_path: Path) -> None:
    await filled(opener)
    proof = prove(url_of(tmp_path), "A", COUNTY)
    again = Proof.from_json(proof.to_json())
    assert again == proof
    again.check()


async def test_a_proof_of_an_alert_nobody_knows_is_told(opener: Opener, tmp_path: Path) -> None:
    await filled(opener)
    with pytest.raises(StoreError, match="knows no alert C"):
        prove(url_of(tmp_path), "C")


async def test_a_proof_that_was_altered_anywhere_fails(opener: Opener, tmp_path: Path) -> None:
    await filled(opener)
    proof = prove(url_of(tmp_path), "A")
    for at, row in enumerate(proof.rows):
        forged: Shown | Hidden
        match row:
            case Shown(line):
                forged = Shown(line.replace(b"tester", b"nobody"))
            case Hidden():
                forged = Hidden(bytes(32))
        rows = (*proof.rows[:at], forged, *proof.rows[at + 1 :])
        with pytest.raises(BadProof, match="do not lead"):
            dataclasses.replace(proof, rows=rows).check()
    with pytest.raises(BadProof, match="another head"):
        proof.check(bytes(32))
    with pytest.raises(BadProof, match="says it is row 4"):
        dataclasses.replace(proof, alert="B").check()


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", b'{"stream":"s","alert":"a","before":{"seq":0,"hash":"zz"},"rows":[],"head":{}}', b'"rows"'],
)
def test_a_file_that_is_no_proof_is_told(text: bytes) -> None:
    with pytest.raises(BadProof, match="no journal proof"):
        Proof.from_json(text)


def test_a_proof_that_says_it_reaches_further_than_its_rows_is_refused() -> None:
    proof = Proof(COUNTY, "A", 3, bytes(32), (Hidden(bytes(32)),), bytes(32))
    with pytest.raises(BadProof, match="do not reach row 9"):
        Proof.from_json(proof.to_json().replace(b'"seq": 4', b'"seq": 9'))
