"""Which devices live: heartbeats make them online, silence offline, their reports faulty, a dead head-end unreachable.

One book, one writer: link events go in by `observe`, time by `tick`; changes come out to the listeners. What cannot be
observed stays unknown and is never guessed.
"""

from ebcd.health.book import TOWN_DIGITS, HealthBook
from ebcd.health.device import Cause, Change, DeviceHealth, Outage
from ebcd.health.flapping import FlapRule
from ebcd.health.table import HEALTH, SPEAKING, Condition, Sign, next_condition
from ebcd.health.ward import Ward, WardRule
from ebcd.health.ways import RETURNING, Way, Ways, ways_of

__all__ = [
    "HEALTH",
    "RETURNING",
    "SPEAKING",
    "TOWN_DIGITS",
    "Cause",
    "Change",
    "Condition",
    "DeviceHealth",
    "FlapRule",
    "HealthBook",
    "Outage",
    "Sign",
    "Ward",
    "WardRule",
    "Way",
    "Ways",
    "next_condition",
    "ways_of",
]
