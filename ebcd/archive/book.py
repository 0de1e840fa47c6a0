"""The equipment archive of a county: records by code, devices that are planned only, and who shares a pole."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from devices.roster import Device
from ebcd.archive.record import EMPTY, Record, Status
from protocols.codes import ResourceCode

NO_RECORDS: Mapping[ResourceCode, Record] = MappingProxyType({})
NOBODY: Mapping[ResourceCode, Device] = MappingProxyType({})


class Archive:
    """Records of one inventory file. Only those are kept that say something."""

    def __init__(
        self,
        records: Mapping[ResourceCode, Record] = NO_RECORDS,
        planned: Mapping[ResourceCode, Device] = NOBODY,
    ) -> None:
        """`planned`: devices of status planned, which are in no roster."""
        self.records = records
        self.planned = planned
        self._on_pole: dict[str, list[ResourceCode]] = {}
        for code, record in records.items():
            if record.pole and record.status is not Status.PLANNED:
                self._on_pole.setdefault(record.pole, []).append(code)

    def of(self, code: ResourceCode) -> Record:
        """What is known of a device; an empty record where that is nothing."""
        return self.records.get(code, EMPTY)

    def on_pole(self, number: str) -> tuple[ResourceCode, ...]:
        """The devices on the pole with this number painted on it."""
        return tuple(self._on_pole.get(number, ()))
