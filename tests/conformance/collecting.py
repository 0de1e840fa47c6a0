"""A pytest plugin for `proofs.collected`: writes the marks of what was collected to the file it is given."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.conformance.proofs import OUTPUT


def pytest_collection_finish(session: pytest.Session) -> None:
    """Tests that may be skipped prove nothing: they would not run everywhere."""
    told = [
        {"file": item.nodeid.split("::")[0], "name": item.nodeid.split("::")[1].split("[")[0], "what": what, "of": of}
        for item in session.items
        if item.get_closest_marker("skip") is None and item.get_closest_marker("skipif") is None
        for of in ("clause", "requirement")
        for mark in item.iter_markers(of)
        for what in mark.args
    ]
    Path(os.environ[OUTPUT]).write_text(json.dumps(told), encoding="utf-8")
