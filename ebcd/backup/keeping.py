"""Which archives there are, when the next is due, and which may go (GD/J 088 table 1: at most 7 days apart, kept for 6
months). Everything is told by the files' names, so that copied and touched files count as what they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ebcd.clock import BEIJING, beijing

PARTIAL = ".part"
DENSE_DAYS = 31
"""So long every archive is kept; of older ones the first of each week, which is what the standard asks for."""

DAY_S = 86_400.0
_NAME = re.compile(r"ebcd-(?P<area>\d{12})-(?P<at>\d{8}T\d{6})\.tar\.gz(?P<sealed>\.sealed)?")


@dataclass(frozen=True, slots=True)
class Kept:
    """One archive of a folder."""

    path: Path
    made_at: float  # UTC seconds
    size_bytes: int


def archive_name(area: str, made_at: float, *, sealed: bool) -> str:
    """`ebcd-341123000000-20261122T185035.tar.gz`, Beijing time."""
    return f"ebcd-{area}-{beijing(made_at):%Y%m%dT%H%M%S}.tar.gz{'.sealed' if sealed else ''}"


def archives(folder: Path, area: str) -> list[Kept]:
    """A county's archives, oldest first; none where there is no folder yet. Raises OSError."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        name = _NAME.fullmatch(path.name)
        if name is not None and name["area"] == area:
            made = datetime.strptime(name["at"], "%Y%m%dT%H%M%S").replace(tzinfo=BEIJING)
            found.append(Kept(path, made.timestamp(), path.stat().st_size))
    return sorted(found, key=lambda kept: (kept.made_at, kept.path.name))


def due_at(newest: Kept | None, every_h: float, now_s: float) -> float:
    """When the next backup should begin, UTC seconds. One from the future tells of a clock that was wrong: now."""
    if newest is None or newest.made_at > now_s:
        return now_s
    return newest.made_at + every_h * 3600.0


def expendable(kept: Iterable[Kept], keep_days: int, now_s: float) -> list[Kept]:
    """Those that may go; never the newest."""
    oldest_first = sorted(kept, key=lambda each: each.made_at)
    weeks: set[int] = set()
    going = []
    for each in oldest_first[:-1]:
        age_s, week = now_s - each.made_at, int(each.made_at // (7 * DAY_S))
        if age_s > keep_days * DAY_S or (age_s > DENSE_DAYS * DAY_S and week in weeks):
            going.append(each)
        else:
            weeks.add(week)
    return going
