"""The weekly low tone by day: a test in use of every horn that can say whether it sounded."""

from ebcd.tone.timetable import Timetable, Turn

__all__ = ["Timetable", "Turn"]
