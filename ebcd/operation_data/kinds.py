"""The ten types of operation data (GD/J 083 OMDType), and what each is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from protocols.ebd import Detail
from protocols.ebd import reports as r
from protocols.ebd.messages import ReportParams


class Kind(StrEnum):
    """EBDType of the answer, which is the OMDType of the request."""

    PLATFORM_INFO = "EBRPSInfo"
    PLATFORM_STATE = "EBRPSState"
    STATION_INFO = "EBRSTInfo"
    ADAPTER_INFO = "EBRASInfo"
    ADAPTER_STATE = "EBRASState"
    TRANSMITTER_INFO = "EBRBSInfo"
    TRANSMITTER_STATE = "EBRBSState"
    TERMINAL_INFO = "EBRDTInfo"
    TERMINAL_STATE = "EBRDTState"
    LOG = "EBMBrdLog"

    @classmethod
    def named(cls, text: str) -> Kind | None:
        """The type of this name, however it is spelt; None for anything else."""
        return _BY_NAME.get(text.strip().lower())


_BY_NAME = {kind.lower(): kind for kind in Kind}


class Subject(StrEnum):
    """What a type is about."""

    PLATFORM = "platform"
    STATION = "station"
    ADAPTER = "adapter"
    TRANSMITTER = "transmitter"
    TERMINAL = "terminal"


INFO: Mapping[Subject, Kind] = {
    Subject.PLATFORM: Kind.PLATFORM_INFO,
    Subject.STATION: Kind.STATION_INFO,
    Subject.ADAPTER: Kind.ADAPTER_INFO,
    Subject.TRANSMITTER: Kind.TRANSMITTER_INFO,
    Subject.TERMINAL: Kind.TERMINAL_INFO,
}
STATE: Mapping[Subject, Kind] = {
    Subject.PLATFORM: Kind.PLATFORM_STATE,
    Subject.ADAPTER: Kind.ADAPTER_STATE,
    Subject.TRANSMITTER: Kind.TRANSMITTER_STATE,
    Subject.TERMINAL: Kind.TERMINAL_STATE,
}
SUBJECT: Mapping[Kind, Subject] = {kind: subject for table in (INFO, STATE) for subject, kind in table.items()}
KEEPS_DELETIONS = frozenset(INFO.values()) - {Kind.TERMINAL_INFO}
"""Types whose records are told to be gone; of EBRDTInfo the standard says "not used for now" (platform digest 3.10)."""


def document(kind: Kind, items: Sequence[Any], params: ReportParams | None = None) -> Detail:
    """The document of a type. State types have no place for `params`."""
    listed = tuple(items)
    match kind:
        case Kind.PLATFORM_INFO:
            return r.EbrpsInfo(listed, params)
        case Kind.STATION_INFO:
            return r.EbrstInfo(listed, params)
        case Kind.ADAPTER_INFO:
            return r.EbrasInfo(listed, params)
        case Kind.TRANSMITTER_INFO:
            return r.EbrbsInfo(listed, params)
        case Kind.TERMINAL_INFO:
            return r.EbrdtInfo(listed, params)
        case Kind.LOG:
            return r.EbmBroadcastLog(listed, params)
        case Kind.PLATFORM_STATE:
            return r.EbrpsState(listed)
        case Kind.ADAPTER_STATE:
            return r.EbrasState(listed)
        case Kind.TRANSMITTER_STATE:
            return r.EbrbsState(listed)
        case Kind.TERMINAL_STATE:
            return r.EbrdtState(listed)
