"""Every test gets a county of its own, copied from one that was made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.ebcd.backup.county import Place, make_place


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The county that is copied."""
    return make_place(tmp_path_factory.mktemp("pattern") / "county").folder


@pytest.fixture
def place(pattern: Path, tmp_path: Path) -> Place:
    """A county on disk, its daemon not running."""
    shutil.copytree(pattern, tmp_path / "county")
    return Place(tmp_path / "county")
