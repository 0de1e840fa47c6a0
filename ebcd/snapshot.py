"""The live state as bytes, for checkpoints: start-up folds only what came after.

Finished alerts are kept for a while, since people ask about yesterday and a repeated EBM id must be known (I7, I11).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson

from devices.link import Path
from ebcd.alarms.book import AlarmBook
from ebcd.alert import Alert
from ebcd.archive.history import DeviceBook
from ebcd.evaluation.evidence import EvidenceBook
from ebcd.evaluation.sounded import SoundBook
from ebcd.lifecycle import AlertState, DeliveryState
from ebcd.shift.book import ShiftBook
from ebcd.state import AlertRecord, CountyState, Delivery
from ebcd.workorders.book import WorkBook
from protocols.codes import AreaCode, EbdId, ResourceCode

FORMAT = 1
FINISHED_ALERTS_MAX = 2000
"""How many finished alerts stay in memory and in checkpoints; older ones are found in the journal only."""


def forget_old(state: CountyState) -> int:
    """Let go of the oldest finished alerts beyond `FINISHED_ALERTS_MAX`, and of old work orders; how many alerts."""
    state.work.forget_old()
    state.alarms.forget_old()
    state.sounded.forget_old()
    finished = [r.alert.id for r in state.alerts.values() if not r.live]
    forgotten = finished[:-FINISHED_ALERTS_MAX]
    for alert_id in forgotten:
        del state.alerts[alert_id]
    state.evidence.forget(state.alerts)
    return len(forgotten)


def dump(state: CountyState) -> bytes:
    """The state as canonical JSON."""
    alerts = [_dump_record(record) for record in state.alerts.values()]
    value = {
        "format": FORMAT,
        "alerts": alerts,
        "open_packages": state.open_packages,
        "work": state.work.dump(),
        "devices": state.devices.dump(),
        "evidence": state.evidence.dump(),
        "alarms": state.alarms.dump(),
        "shift": state.shift.dump(),
        "sounded": state.sounded.dump(),
    }
    if state.serials_lost:
        value["serials_lost"] = state.serials_lost
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def load(data: bytes) -> CountyState:
    """The inverse of `dump`. Raises ValueError for bytes that are no checkpoint of this format."""
    value = orjson.loads(data)
    if value.get("format") != FORMAT:
        raise ValueError(f"checkpoint format {value.get('format')!r} is not {FORMAT}; remove it and start again")
    records = [_load_record(item) for item in value["alerts"]]
    return CountyState(
        {record.alert.id: record for record in records},
        {EbdId(k): str(v) for k, v in value["open_packages"].items()},
        WorkBook.load(value.get("work", ())),  # checkpoints from before there were work orders have none
        DeviceBook.load(value.get("devices", {})),
        EvidenceBook.load(value.get("evidence", {})),
        value.get("serials_lost", {}),
        AlarmBook.load(value.get("alarms", ())),
        ShiftBook.load(value.get("shift", {})),
        SoundBook.load(value.get("sounded", {})),
    )


def _dump_record(record: AlertRecord) -> dict[str, Any]:
    return {
        "alert": record.alert.to_json(),
        "state": record.state,
        "why": record.why,
        "approvals": record.approvals,
        "decisions": record.decisions,
        "uncovered": list(record.uncovered),
        "holds": sorted(record.holds),
        "started": sorted(record.started),
        "regained": sorted(record.regained),
        "told": record.told,
        "moved_at": record.moved_at,
        "started_at": record.started_at,
        "deliveries": [
            [d.code, list(d.paths), d.state, d.path, list(d.tried), d.sent_at, d.decided_at, d.detail]
            for d in record.deliveries.values()
        ],
    }


def _load_record(value: dict[str, Any]) -> AlertRecord:
    deliveries = [_load_delivery(row) for row in value["deliveries"]]
    return AlertRecord(
        alert=Alert.from_json(value["alert"]),
        state=AlertState(value["state"]),
        why=value["why"],
        approvals=list(value["approvals"]),
        decisions=[(who, what, at, why) for who, what, at, why in value["decisions"]],
        deliveries={d.code: d for d in deliveries},
        tally=Counter(d.state for d in deliveries),
        uncovered=tuple(AreaCode(a) for a in value["uncovered"]),
        holds={AreaCode(a) for a in value["holds"]},
        started={AreaCode(a) for a in value["started"]},
        regained={AreaCode(a) for a in value["regained"]},
        told=list(value["told"]),
        moved_at=value["moved_at"],
        started_at=value["started_at"],
    )


def _load_delivery(row: list[Any]) -> Delivery:
    code, paths, state, path, tried, sent_at, decided_at, detail = row
    return Delivery(
        ResourceCode(code),
        tuple(Path(p) for p in paths),
        DeliveryState(state),
        path and Path(path),
        tuple(Path(p) for p in tried),
        sent_at,
        decided_at,
        detail,
    )


def same(one: CountyState, other: CountyState) -> bool:
    """Whether two states are equal as far as a checkpoint can tell."""
    return dump(one) == dump(other)
