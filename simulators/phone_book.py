"""Who may phone or text a simulated adapter: what 0x0C has told it (GD/J 089 table A.5)."""

from __future__ import annotations

from protocols import adapter as annex_a
from protocols.adapter import ResultCode, WhitelistEntry

ADD, MODIFY, DELETE = 1, 2, 3
NUMBERS_MAX = 32  # what an adapter must hold at least


class PhoneBook:
    """Numbers and what they may do. A frame is taken as a whole or not at all."""

    def __init__(self, numbers_max: int = NUMBERS_MAX) -> None:
        self.numbers_max = numbers_max
        self.entries: dict[str, WhitelistEntry] = {}

    def take(self, told: annex_a.SetWhitelist) -> annex_a.GeneralAnswer:
        """Carry it out, or say what is wrong with it."""
        after = dict(self.entries)
        for entry in told.entries:
            is_known = entry.phone in after
            if entry.operation not in (ADD, MODIFY, DELETE) or not entry.phone:
                return annex_a.GeneralAnswer(ResultCode.CONFLICT, f"operation {entry.operation}")
            if is_known is (entry.operation == ADD):
                return annex_a.GeneralAnswer(ResultCode.CONFLICT, "known already" if is_known else "unknown number")
            if entry.operation == DELETE:
                del after[entry.phone]
            else:
                after[entry.phone] = entry
            if len(after) > self.numbers_max:
                return annex_a.GeneralAnswer(ResultCode.CONFLICT, f"full at {self.numbers_max}")
        self.entries = after
        return annex_a.GeneralAnswer()
