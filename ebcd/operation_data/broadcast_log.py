"""Alerts as records of the broadcast log (EBMBrdLog, 播发记录; GD/J 083, platform digest 3.11). Pure."""

from __future__ import annotations

from ebcd.alert import AlertClass, DrillDepth, Origin
from ebcd.feedback import coverage_of, platform_item, words_of
from ebcd.lifecycle import AlertState
from ebcd.reporting import BRD_STATE
from ebcd.sharing import Sharing
from ebcd.state import AlertRecord
from protocols.codes import ResourceCode
from protocols.ebd.messages import MsgBasicInfo, MsgContent
from protocols.ebd.reports import BroadcastRecord, LoggedMessage, Unit

MSG_TYPE = {DrillDepth.PLATFORM: 3, DrillDepth.HEADEND: 4, DrillDepth.TERMINAL: 5}
SEVERITY_DAILY = 10
RESOURCES_MAX = 20
"""Head-ends and transmitters named with one alert of the log, those that did badly first; its counts hold all."""
NEVER_BROADCAST = frozenset({AlertState.PENDING, AlertState.HELD, AlertState.WAITING, AlertState.REJECTED})


def belongs(record: AlertRecord) -> bool:
    """Whether an alert is a matter of the log: it was on air, or it ended without ever being so."""
    return record.state not in NEVER_BROADCAST


def broadcast_at(record: AlertRecord) -> float:
    """When it was broadcast, or when its end was decided (UTC seconds)."""
    return record.started_at or record.moved_at or record.alert.received_at


def value_of(record: AlertRecord) -> str:
    """What tells two versions of a log record apart."""
    counts = record.counts()
    told = (
        int(BRD_STATE[record.state]),
        counts["confirmed"],
        counts["played"],
        counts["targeted"],
        int(record.moved_at),
    )
    return "/".join(map(str, told))


def log_record(
    record: AlertRecord, platform: ResourceCode, platform_name: str, sharing: Sharing, at: float, language: str
) -> BroadcastRecord:
    """One line of the log, with the message as it was ordered. Unit: our platform, and who wrote the alert where it was
    an operator of ours."""
    alert = record.alert
    code = BRD_STATE[record.state]
    words = words_of(record, code, record.why, language)
    drill = alert.class_ in (AlertClass.SYSTEM_DRILL, AlertClass.SIMULATED_DRILL, AlertClass.REAL_DRILL)
    basic = MsgBasicInfo(
        msg_type=MSG_TYPE[alert.depth] if drill else 1,
        sender_name=alert.agency,
        sender_code=alert.sender_code or str(alert.id)[:23],
        send_time=int(alert.received_at) if alert.sent_at is None else alert.sent_at,
        event_type=alert.event_type,
        severity=SEVERITY_DAILY if alert.class_ is AlertClass.DAILY and alert.id.forced else alert.level,
        start_time=alert.window.start,
        end_time=alert.window.end,
    )
    areas = (*(str(area) for area in alert.areas), *alert.dropped_areas)
    content = MsgContent(alert.language, alert.title, alert.text, areas)
    author = alert.author if alert.origin is Origin.OPERATOR else ""
    return BroadcastRecord(
        message=LoggedMessage(alert.id, basic, (content,)),
        state_code=code,
        state_desc=words,
        units=(Unit(platform=platform, unit_name=platform_name, person_name=author),),
        coverage=coverage_of(record, sharing),
        resources=(platform_item(record, code, words, platform, at), *sharing.items(at, RESOURCES_MAX)),
    )
