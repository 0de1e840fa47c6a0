"""Operation data (运维数据, GD/J 083; platform digest 3.4-3.12, 6): what platforms above are told of our resources.

Ten types, told at first contact, on change, in cycles and on request. Per record and platform it is kept what was
acknowledged, so that an increment holds what the other side lacks and nothing else, also after three days without it.
"""

from ebcd.operation_data.flags import Flags
from ebcd.operation_data.kinds import Kind, Subject
from ebcd.operation_data.platform_state import PlatformSigns
from ebcd.operation_data.reporter import Reporter, ReporterDoors
from ebcd.operation_data.resources import Owner, Particulars, Resources
from ebcd.operation_data.rules import ReportRule, StateCodes

__all__ = [
    "Flags",
    "Kind",
    "Owner",
    "Particulars",
    "PlatformSigns",
    "ReportRule",
    "Reporter",
    "ReporterDoors",
    "Resources",
    "StateCodes",
    "Subject",
]
