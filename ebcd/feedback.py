"""What goes up about alerts and devices, as values of the platform interface (GD/J 083; platform digest 3.3, 3.12)."""

from __future__ import annotations

from collections.abc import Mapping

from devices.link import Path
from ebcd.catalogue import text
from ebcd.health import Condition
from ebcd.lifecycle import CONFIRMED_STATES
from ebcd.reporting import BrdState
from ebcd.state import AlertRecord
from protocols.codes import EbmId, ResourceCode
from protocols.ebd.messages import Coverage, DeviceBroadcast, EbmStateResponse, ResourceBroadcast
from protocols.ebd.reports import EbrdtState, ResourceState

STATE_NORMAL, STATE_OFF, STATE_FAULT, STATE_RECOVERED = 1, 2, 3, 4
"""资源状态 (GD/J 083 StateCode; platform digest 5.5). An offline terminal is a fault, as deployed platforms say."""

STATE_OF = {
    Condition.ONLINE: STATE_NORMAL,
    Condition.OFFLINE: STATE_FAULT,
    Condition.FAULT: STATE_FAULT,
    Condition.UNREACHABLE: STATE_OFF,  # nothing is known of it, so no fault of its own is claimed
}


def state_response(
    record: AlertRecord,
    code: int,
    why: str,
    *,
    ebm_id: EbmId,
    platform: ResourceCode,
    adapters: int,
    at_s: float,
    language: str,
) -> EbmStateResponse:
    """EBMStateResponse of an alert under `ebm_id`, its own or that of the cancel.

    Coverage counts confirmed terminals only (I8); `adapters` had a part in it.
    """
    alert = record.alert
    counts = record.counts()
    targeted = counts["targeted"]
    confirmed = sum(record.tally[s] for s in CONFIRMED_STATES)
    transmitters = int(any(Path.FM in d.tried for d in record.deliveries.values()))
    words = text(f"brd.{BrdState(code).name.lower()}", language)
    if why:
        words = f"{words}: {text('brd.why.' + why, language) if why in KNOWN_REASONS else why}"
    if targeted:
        words += f" ({text('brd.counts', language, **counts)})"
    return EbmStateResponse(
        rpt_time=int(at_s),
        ebm_id=ebm_id,
        state_code=code,
        state_desc=words,
        coverage=Coverage(
            rate=round(confirmed / targeted, 4) if targeted else 0.0,
            area_codes=tuple(alert.areas),
            used=(1, adapters, transmitters, targeted),
        ),
        resources=(
            ResourceBroadcast(
                platform=platform,
                devices=(
                    DeviceBroadcast(
                        rpt_time=int(at_s),
                        start_time=int(record.started_at) if record.started_at else alert.window.start,
                        end_time=int(record.moved_at) if not record.live else None,
                        state_code=code,
                        state_desc=words,
                    ),
                ),
            ),
        ),
    )


KNOWN_REASONS = frozenset({"expired", "no_area_of_ours", "quiet_hours", "needs_approval", "quiet_hours_over"})


def terminal_states(changes: Mapping[ResourceCode, tuple[Condition, str]], at_s: float) -> EbrdtState:
    """EBRDTState for devices that changed."""
    return EbrdtState(
        tuple(
            ResourceState(int(at_s), code, STATE_OF[condition], why)
            for code, (condition, why) in sorted(changes.items())
            if condition in STATE_OF
        )
    )
