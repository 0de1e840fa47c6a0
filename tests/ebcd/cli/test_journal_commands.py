"""`ebcd journal`: the chain is walked, written out and proved without the daemon."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from ebcd.store import open_store
from ebcd.store.audit import check_export
from ebcd.store.proof import Proof
from tests.ebcd.cli.keyboard import typed
from tests.ebcd.store.conftest import COUNTY, MachineClock, event, url_of


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A journal of ten events, every second one of alert A, that its daemon has left."""

    async def fill() -> None:
        store = open_store(url_of(tmp_path), clock=MachineClock(), inline=True, fsync=False)
        await store.append([event(number, alert="A" if number % 2 else None) for number in range(10)])
        store.abandon()

    asyncio.run(fill())
    return url_of(tmp_path)


def test_a_whole_chain_is_told_with_its_head(url: str) -> None:
    told = typed("journal", "verify", "--store", url, "--json")
    verdict = json.loads(told.stdout)
    assert (told.exit_code, verdict["stream"], verdict["rows"], verdict["whole"]) == (0, COUNTY, 10, True)
    assert verdict["head_hash"] in typed("journal", "verify", "--store", url).stdout


def test_an_altered_row_breaks_the_chain_at_its_place(url: str) -> None:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE journal SET actor = 'nobody' WHERE seq = 4")
    database.close()
    told = typed("journal", "verify", "--store", url)
    assert told.exit_code == 1
    assert "breaks at row 4" in told.stdout


def test_an_export_follows_line_by_line(url: str, tmp_path: Path) -> None:
    out = tmp_path / "journal.txt"
    told = typed("journal", "export", "--store", url, "--out", str(out), "--json")
    assert told.exit_code == 0
    rows, head = check_export(out.read_bytes().splitlines(keepends=True))
    assert (rows, head.hex()) == (10, json.loads(told.stdout)["head_hash"])


def test_a_proof_stands_by_itself(url: str) -> None:
    told = typed("journal", "prove", "A", "--store", url)
    proof = Proof.from_json(told.stdout.encode())
    proof.check()
    assert (told.exit_code, len(list(proof.events()))) == (0, 5)


@pytest.mark.parametrize("arguments", [("verify",), ("export", "--out", "x"), ("prove", "A")])
def test_a_database_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    told = typed("journal", *arguments, "--store", f"sqlite:///{tmp_path}/none.db")
    assert told.exit_code == 1
    assert "none.db" in told.stderr
    assert not (tmp_path / "x").exists()


def test_an_unknown_alert_is_named(url: str) -> None:
    told = typed("journal", "prove", "Z", "--store", url)
    assert told.exit_code == 1
    assert "knows no alert Z" in told.stderr
