"""What platforms say about messages, packages and each other (GD/J 082, 083; platform.md 3.1-3.4, 3.13-3.15).

Times are UTC seconds. Codes are the peer's own digits, checked for length by edition. Area codes stay as they came.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from protocols.ebd.result import ResultCode


@dataclass(frozen=True, slots=True)
class MsgBasicInfo:
    """MsgBasicInfo. A cancel (`msg_type` 2) may lack what follows `send_time`; any other has it all."""

    msg_type: int  # 1 broadcast, 2 cancel, 3 platform drill, 4 head-end drill, 5 terminal drill
    sender_name: str
    sender_code: str
    send_time: int
    event_type: str | None = None  # five characters
    severity: int | None = None  # 0 unknown, 1 most severe ... 4; 10 daily, 15 and 21-23 drills of older peers
    start_time: int | None = None
    end_time: int | None = None


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """Auxiliary. `type` as in platform.md 5.8, 61 a stream; `desc` a file of the package or the URL."""

    type: int
    desc: str
    size_bytes: int | None = None
    digest: str = ""  # SM3, hexadecimal or Base64


@dataclass(frozen=True, slots=True)
class MsgContent:
    """MsgContent: the message in one language (LanguageCode, AreaCode)."""

    language_code: str = ""
    title: str = ""
    desc: str = ""
    area_codes: tuple[str, ...] = ()
    program_num: int | None = None
    auxiliaries: tuple[Auxiliary, ...] = ()


@dataclass(frozen=True, slots=True)
class BroadcastOrder:
    """EBRBS of a Dispatch: resource types to use, and BrdSysInfo (`values.parse_broadcast_parameters`)."""

    types: tuple[str, ...] = ()
    info: str = ""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Dispatch: who is to act for one language."""

    language_code: str = ""
    platform: str | None = None  # EBRPS
    station: str | None = None  # EBRRTS
    adapter: str | None = None  # EBRAS
    broadcasts: tuple[BroadcastOrder, ...] = ()


@dataclass(frozen=True, slots=True)
class Ebm:
    """An emergency broadcast message: an order to broadcast or to cancel (GD/J 082)."""

    ebm_id: str
    basic: MsgBasicInfo | None = None
    contents: tuple[MsgContent, ...] = ()
    dispatches: tuple[Dispatch, ...] = ()
    related_ebm_id: str | None = None
    related_info_id: str | None = None  # RelatedInfo/EBIID


@dataclass(frozen=True, slots=True)
class EbmStateRequest:
    """EBMStateRequest: what has become of this message?"""

    ebm_id: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far a message got. `used`: platforms, adapters, transmitters, terminals."""

    rate: float | None = None  # 0 to 1
    area_codes: tuple[str, ...] = ()
    used: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceBroadcast:
    """EBRBS of a ResBrdItem: one device's broadcast. `end_time` None: not finished."""

    rpt_time: int | None = None
    info: str = ""  # BrdSysInfo
    start_time: int | None = None
    end_time: int | None = None
    file_url: str = ""
    state_code: int | None = None
    state_desc: str = ""


@dataclass(frozen=True, slots=True)
class ResourceBroadcast:
    """ResBrdItem: what one chain of resources did."""

    platform: str | None = None
    station: str | None = None
    adapter: str | None = None
    devices: tuple[DeviceBroadcast, ...] = ()


@dataclass(frozen=True, slots=True)
class EbmStateResponse:
    """EBMStateResponse. `state_code`: 0 not processed, 1 waiting, 2 on air, 3 done, 4 failed, 5 cancelled."""

    rpt_time: int
    ebm_id: str
    state_code: int
    state_desc: str = ""
    coverage: Coverage | None = None
    resources: tuple[ResourceBroadcast, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportParams:
    """Params of a request and of its answer: a period, and Full or Incremental. Absent `type` means Full."""

    start_time: int | None = None
    end_time: int | None = None
    type: str = ""

    @property
    def incremental(self) -> bool:
        """Whether only what changed is asked for; anything written that is not "Full" (platform.md 3.4), however that
        is spelt."""
        return self.type.strip().lower() not in ("", "full")

    @property
    def echoed(self) -> ReportParams:
        """The same in the standard's own spelling, as answers have it."""
        return replace(self, type=("Incremental" if self.incremental else "Full") if self.type.strip() else "")


@dataclass(frozen=True, slots=True)
class OmdRequest:
    """OMDRequest: ask for one of the ten types of operation data."""

    omd_type: str
    params: ReportParams | None = None


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """ConnectionCheck: a heartbeat."""

    rpt_time: int


@dataclass(frozen=True, slots=True)
class EbdNotify:
    """EBDNotify: an earlier package could not be processed after its receipt."""

    code: ResultCode
    desc: str = ""


@dataclass(frozen=True, slots=True)
class EbdResponse:
    """EBDResponse: the receipt, in the HTTP response."""

    code: ResultCode
    desc: str = ""
