"""The duty roster (排班): who is planned for duty when, made ahead, and where nobody is."""

from ebcd.roster.plan import Roster, Turn, parse

__all__ = ["Roster", "Turn", "parse"]
