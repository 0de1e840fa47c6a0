"""Days pass here: beats of a tenth of a second and of a second would be nearly all of the work."""

from __future__ import annotations

import pytest

from tests.ebcd.operation_data.bench import Province
from tests.virtual_time import VirtualClock


@pytest.fixture(autouse=True)
def _calm_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ebcd.core.BEAT_S", 2.0)
    monkeypatch.setattr("ebcd.gateway.client.WATCH_S", 5.0)
    monkeypatch.setattr("ebcd.operation_data.reporter.TURN_S", 20.0)


@pytest.fixture
def province(clock: VirtualClock) -> Province:
    return Province(clock)
