"""The live state as bytes, for checkpoints: start-up folds only what came after.

Finished alerts are kept for a while, since people ask about yesterday and a repeated EBM id must be known (I7, I11).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
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
from ebcd.state import AlertRecord, CountyState, Delivery, Remains
from ebcd.workorders.book import WorkBook
from protocols.codes import AreaCode, EbdId, ResourceCode

FORMAT = 1
FINISHED_ALERTS_MAX = 2000
"""How many finished alerts stay in memory and in checkpoints; older ones are found in the journal only."""
FINISHED_DELIVERIES_MAX = 100_000
"""Deliveries of finished alerts that stay in memory and in checkpoints, the newest alerts' first. Each costs 0.3 KiB
and 0.15 KiB; 2,000 alerts to 2,224 terminals would hold 1.3 GB."""
SETTLED_AFTER_S = 3600.0
"""So long after its end, and after its last step, late news of an alert's terminals still counts."""
_JSON = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


def forget_old(state: CountyState, now: float, remains_of: Callable[[AlertRecord], Remains]) -> int:
    """Let go of the oldest finished alerts beyond `FINISHED_ALERTS_MAX`, of their single deliveries beyond
    `FINISHED_DELIVERIES_MAX`, and of old work orders; how many alerts. `now`: UTC seconds."""
    state.work.forget_old()
    state.alarms.forget_old()
    state.sounded.forget_old()
    kept = 0
    for record in reversed(state.alerts.values()):
        kept += 0 if record.live else len(record.deliveries)
        if kept > FINISHED_DELIVERIES_MAX and record.deliveries and _is_settled(record, now):
            kept -= len(record.deliveries)
            record.settle(remains_of(record))
    finished = [r.alert.id for r in state.alerts.values() if not r.live]
    forgotten = finished[:-FINISHED_ALERTS_MAX]
    for alert_id in forgotten:
        del state.alerts[alert_id]
    state.evidence.forget(state.alerts)
    return len(forgotten)


def _is_settled(record: AlertRecord, now: float) -> bool:
    return not record.live and max(record.moved_at, record.alert.window.end) + SETTLED_AFTER_S <= now


def dump(state: CountyState) -> bytes:
    """The state as canonical JSON. What is finished is written once and kept so: it changes no more."""
    alerts = [_written(record) for record in state.alerts.values()]
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
    if state.cancelled_warnings:
        value["cancelled_warnings"] = list(state.cancelled_warnings.items())  # the oldest first
    return orjson.dumps(value, option=_JSON)


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
        dict(value.get("cancelled_warnings", ())),
    )


def _written(record: AlertRecord) -> dict[str, Any] | orjson.Fragment:
    if record.live:
        return _dump_record(record)
    if record.written is None:
        record.written = orjson.dumps(_dump_record(record), option=_JSON)
    return orjson.Fragment(record.written)


def _dump_record(record: AlertRecord) -> dict[str, Any]:
    return _dump_settled(record) | {
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


def _dump_settled(record: AlertRecord) -> dict[str, Any]:
    """What stands for the single deliveries where they are gone."""
    if record.remains is None:
        return {}
    tally = {state: count for state, count in record.tally.items() if count}
    return {"tally": tally, "by_adapter": record.remains.by_adapter, "over_fm": record.remains.over_fm}


def _load_settled(value: dict[str, Any]) -> Remains | None:
    if "tally" not in value:
        return None
    return Remains(tuple((ResourceCode(code), *counts) for code, *counts in value["by_adapter"]), value["over_fm"])


def _load_record(value: dict[str, Any]) -> AlertRecord:
    deliveries = [_load_delivery(row) for row in value["deliveries"]]
    return AlertRecord(
        alert=Alert.from_json(value["alert"]),
        state=AlertState(value["state"]),
        why=value["why"],
        approvals=list(value["approvals"]),
        decisions=[(who, what, at, why) for who, what, at, why in value["decisions"]],
        deliveries={d.code: d for d in deliveries},
        tally=Counter({DeliveryState(state): count for state, count in value["tally"].items()})
        if "tally" in value
        else Counter(d.state for d in deliveries),
        uncovered=tuple(AreaCode(a) for a in value["uncovered"]),
        holds={AreaCode(a) for a in value["holds"]},
        started={AreaCode(a) for a in value["started"]},
        regained={AreaCode(a) for a in value["regained"]},
        told=list(value["told"]),
        moved_at=value["moved_at"],
        started_at=value["started_at"],
        remains=_load_settled(value),
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
