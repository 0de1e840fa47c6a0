"""Times and durations as people write them. Moments without a zone are Beijing time, as on the platform interface."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8), "CST")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_LATER = re.compile(r"\+(\d{1,6})")


class BadMoment(ValueError):
    """A text is no moment or duration that we know."""


def start_of(written: str, now: int) -> int:
    """UTC seconds of `2026-11-22T18:30`, of the same with a zone, of `+15` (minutes from `now`). Raises BadMoment."""
    if later := _LATER.fullmatch(written.strip()):
        return now + 60 * int(later[1])
    try:
        moment = datetime.fromisoformat(written.strip())
    except ValueError:
        raise BadMoment(written) from None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)
    return int(zoned.astimezone(UTC).timestamp())


def duration_of(written: str) -> int:
    """Seconds of `90s`, `10m`, `1h30m`; a bare number is minutes. Raises BadMoment."""
    text = written.strip()
    if text.isascii() and text.isdigit():
        text += "m"
    found = _DURATION.fullmatch(text)
    if found is None or not text:
        raise BadMoment(written)
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    total = 3600 * hours + 60 * minutes + seconds
    if total == 0:
        raise BadMoment(written)
    return total


def shown(utc_s: int | None) -> str:
    """Beijing time for tables; "-" for never."""
    if utc_s is None:
        return "-"
    return datetime.fromtimestamp(utc_s, BEIJING).strftime("%Y-%m-%d %H:%M:%S")
