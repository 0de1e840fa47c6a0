"""Records of the ten types for one platform above, each with the value that its receipt will acknowledge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ebcd.catalogue import text
from ebcd.health import Condition, DeviceHealth
from ebcd.operation_data import broadcast_log
from ebcd.operation_data.flags import GONE, Flags
from ebcd.operation_data.kinds import INFO, KEEPS_DELETIONS, SUBJECT, Kind, Subject
from ebcd.operation_data.platform_state import PlatformWatch
from ebcd.operation_data.resources import Owner, Resources, deleted, digest
from ebcd.operation_data.states import FAULT, OFF, code_to_tell
from ebcd.reporting import BRD_STATE
from ebcd.sharing import Sharers
from ebcd.state import CountyState
from protocols.codes import EbmId, ResourceCode
from protocols.ebd.reports import ResourceState


class KnowsHealth(Protocol):
    """The part of `ebcd.health.HealthBook` that is needed here."""

    def of(self, code: ResourceCode) -> DeviceHealth: ...


@dataclass(frozen=True, slots=True)
class Pen:
    """Writes one record at a time from what is known now."""

    owner: Owner
    resources: Resources
    flags: Flags
    state: Callable[[], CountyState]
    health: KnowsHealth
    watch: PlatformWatch
    sharers: Sharers
    language: str

    def everything(self, peer: str, kind: Kind) -> list[str]:
        """Every code of a type: all resources, or all whose state is known."""
        if kind in INFO.values():
            return list(self.resources.codes(SUBJECT[kind]))
        if kind is Kind.LOG:
            return [number for number, record in self.state().alerts.items() if broadcast_log.belongs(record)]
        return self.flags.codes(peer, kind)

    def time_of(self, peer: str, kind: Kind, code: str) -> float | None:
        """What a period is compared with: the record's last change; when an alert was broadcast."""
        if kind is Kind.LOG:
            record = self.state().alerts.get(EbmId(code))
            return None if record is None else broadcast_log.broadcast_at(record)
        mark = self.flags.mark(peer, kind, code)
        return None if mark is None else mark.changed_at

    def write(self, peer: str, kind: Kind, code: str, at_s: float) -> tuple[Any, str] | None:
        """A record and its value; None where there is nothing (more) to say. `at_s`: its RptTime."""
        if kind is Kind.LOG:
            return self._log(code, at_s)
        subject = SUBJECT[kind]
        if kind not in INFO.values():
            return self._state(peer, kind, subject, code, at_s)
        record = self.resources.record(subject, code, int(at_s))
        if record is not None:
            return record, digest(record)
        return (deleted(subject, code, int(at_s)), GONE) if kind in KEEPS_DELETIONS else None

    def stopping(self, at_s: float) -> tuple[ResourceState, dict[str, str]]:
        """The platform's own state when the daemon ends, and what a receipt of it acknowledges."""
        (own,) = self.resources.codes(Subject.PLATFORM)
        return ResourceState(int(at_s), own, OFF, text(f"resource_state.{OFF}", self.language)), {own: str(OFF)}

    def _log(self, code: str, at_s: float) -> tuple[Any, str] | None:
        record = self.state().alerts.get(EbmId(code))
        if record is None or not broadcast_log.belongs(record):
            return None
        sharing = self.sharers.of(record, BRD_STATE[record.state])
        line = broadcast_log.log_record(record, self.owner.code, self.owner.name, sharing, at_s, self.language)
        return line, broadcast_log.value_of(record)

    def _state(self, peer: str, kind: Kind, subject: Subject, code: str, at_s: float) -> tuple[Any, str] | None:
        mark = self.flags.mark(peer, kind, code)
        if mark is None or mark.value == GONE:
            return None
        told = code_to_tell(mark.value, mark.told)
        words = text(f"resource_state.{told}", self.language)
        if detail := self._detail(subject, code) if told == FAULT else "":
            words = f"{words}: {detail}"
        return ResourceState(int(at_s), code, told, words), mark.value

    def _detail(self, subject: Subject, code: str) -> str:
        if subject is Subject.PLATFORM:
            return self.watch.words(self.language)
        health = self.health.of(ResourceCode(code))
        silent = subject is Subject.TRANSMITTER and health.told is Condition.UNKNOWN
        return health.fault or text(f"resource_condition.{'no_link' if silent else health.told}", self.language)
