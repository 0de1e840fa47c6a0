"""Group types: names, codes, and which of them applications may use."""

from __future__ import annotations

import pytest

from protocols.errors import LocalProtocolError
from protocols.rds.group_types import Use, group_code, group_name, use_of


@pytest.mark.clause("EN 50067 figure 9")
def test_group_types_have_their_application_codes() -> None:
    assert [group_code(each) for each in ("0A", "3A", "9A", "11A", "12A", "15B")] == [0, 6, 0x12, 0x16, 0x18, 31]
    assert all(group_code(group_name(each)) == each for each in range(32))
    assert group_name(0x40) == "40h"
    for wrong in ("16A", "3C", "A", ""):
        with pytest.raises(LocalProtocolError):
            group_code(wrong)


@pytest.mark.clause("EN 50067 table 6")
def test_applications_may_use_some_groups_always_some_where_they_are_idle_and_others_never() -> None:
    uses = {use: [group_name(code) for code in range(32) if use_of(code) is use] for use in Use}
    assert uses[Use.FREE] == ["3B", "4B", "7B", "8B", "9B", "10B", "11A", "11B", "12A", "12B", "13B"]
    assert uses[Use.SHARED] == ["5A", "5B", "6A", "6B", "7A", "8A", "9A", "13A"]
    assert uses[Use.NEVER] == ["0A", "0B", "1A", "1B", "2A", "2B", "3A", "4A", "10A", "14A", "14B", "15A", "15B"]
