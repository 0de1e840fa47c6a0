"""The shift's log (交接班): who is on duty, what people write down, and what one hands over to the next.

`ebcd.shift.desk` and what looks at alerts stands outside this list: the live state itself holds the shift's book.
"""

from ebcd.shift.book import ShiftBook
from ebcd.shift.values import Entry, Handover, Matter, MatterKind

__all__ = ["Entry", "Handover", "Matter", "MatterKind", "ShiftBook"]
