"""The whole scenario on real processes, sockets, broker and files, in a small county."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TERMINALS = 240
OUTCOMES = ("confirmed", "refused", "timed_out", "unconfirmed", "cancelled", "pending")


@pytest.mark.requirement("R-ARC-08", "R-ARC-10", "R-PERF-06", "R-PLT-14", "R-TST-03")
@pytest.mark.real
@pytest.mark.timeout(240)
def test_a_small_county_holds_from_the_first_start_to_the_crash(tmp_path: Path) -> None:
    file = tmp_path / "demo.json"
    words = ["--terminals", str(TERMINALS), "--seed", "5", "--keep", str(tmp_path / "county"), "--json", str(file)]
    done = subprocess.run(
        [sys.executable, "-m", "ebcd", "demo", *words], capture_output=True, text=True, timeout=230, check=False
    )
    assert file.exists(), done.stdout[-2000:] + done.stderr[-2000:]
    told = json.loads(file.read_text(encoding="utf-8"))
    assert told["broken"] == []
    assert told["held"] is True
    assert done.returncode == 0
    counts = told["terminals"]
    assert counts["targeted"] == TERMINALS == sum(counts[name] for name in OUTCOMES)
    assert sum(path["targeted"] for path in told["paths"].values()) == TERMINALS
    assert told["rejected"] == {
        "wrong_signature": 4,
        "duplicate": 1,
        "old_sigtime": 4,
        "other_county": 1,
        "other_dest": 5,
        "expired": 1,
        "no_area": 3,
    }
    assert told["province"][0] == 2
    assert told["crash"]["lost"] == told["crash"]["doubled"] == told["invariant_violations"] == 0
    assert told["audio"]["fetched"] == told["audio"]["sm3_ok"] > 0
