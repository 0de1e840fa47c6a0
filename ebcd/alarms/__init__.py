"""What the people on duty must know of at once: raised, told to those configured, acknowledged, over.

An alarm is no work order: nobody is sent anywhere by it. Devices that are broken have orders (`ebcd.workorders`).
"""

from ebcd.alarms.book import AlarmBook
from ebcd.alarms.certificates import Expiry, expiries
from ebcd.alarms.values import Alarm, AlarmKind, Sighting

__all__ = ["Alarm", "AlarmBook", "AlarmKind", "Expiry", "Sighting", "expiries"]
