"""Two demos on one machine."""

from __future__ import annotations

import pytest

from ebcd.demo.room import PORTS_NEEDED, claim_ports


@pytest.mark.real
def test_two_demos_that_start_together_get_ports_of_their_own() -> None:
    first, claim = claim_ports()
    second, other = claim_ports()
    claim.close()
    other.close()
    assert abs(first - second) > PORTS_NEEDED
