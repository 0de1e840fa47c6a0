"""What goes up about alerts, as values of the platform interface (GD/J 083; platform digest 3.3)."""

from __future__ import annotations

from ebcd.catalogue import text
from ebcd.lifecycle import CONFIRMED_STATES
from ebcd.reasons import said
from ebcd.reporting import BrdState
from ebcd.sharing import Sharing
from ebcd.state import AlertRecord
from protocols.codes import EbmId, ResourceCode
from protocols.ebd.messages import Coverage, DeviceBroadcast, EbmStateResponse, ResourceBroadcast


def state_response(
    record: AlertRecord,
    code: int,
    why: str,
    *,
    ebm_id: EbmId,
    platform: ResourceCode,
    sharing: Sharing,
    at_s: float,
    language: str,
) -> EbmStateResponse:
    """EBMStateResponse of an alert under `ebm_id`, its own or that of the cancel: the whole county first, then the
    head-ends and transmitters that had a part, each with its own state."""
    words = words_of(record, code, why, language)
    return EbmStateResponse(
        rpt_time=int(at_s),
        ebm_id=ebm_id,
        state_code=code,
        state_desc=words,
        coverage=coverage_of(record, sharing),
        resources=(platform_item(record, code, words, platform, at_s), *sharing.items(at_s)),
    )


def words_of(record: AlertRecord, code: int, why: str, language: str) -> str:
    """What the state is, why, and every count."""
    counts = record.counts()
    words = text(f"brd.{BrdState(code).name.lower()}", language)
    if why:
        words = f"{words}: {said(why, language)}"
    if counts["targeted"]:
        words += f" ({text('brd.counts', language, **counts)})"
    return words


def coverage_of(record: AlertRecord, sharing: Sharing) -> Coverage | None:
    """Coverage counts confirmed terminals only (I8); ResBrdStat names what was really used. None of a message that was
    for no area of ours: there is nothing that it could have covered."""
    if not record.alert.areas:
        return None
    targeted = record.tally.total()
    confirmed = sum(record.tally[state] for state in CONFIRMED_STATES)
    return Coverage(
        rate=round(confirmed / targeted, 4) if targeted else 0.0,
        area_codes=tuple(record.alert.areas),
        used=(1, sharing.adapters, sharing.transmitters, targeted),
    )


def platform_item(record: AlertRecord, code: int, words: str, platform: ResourceCode, at_s: float) -> ResourceBroadcast:
    """The county as one resource."""
    device = DeviceBroadcast(
        rpt_time=int(at_s),
        start_time=int(record.started_at) if record.started_at else record.alert.window.start,
        end_time=int(record.moved_at) if not record.live else None,
        state_code=code,
        state_desc=words,
    )
    return ResourceBroadcast(platform=platform, devices=(device,))
