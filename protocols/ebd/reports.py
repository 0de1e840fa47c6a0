"""What platforms tell about their resources and past broadcasts (GD/J 083; platform.md 3.6-3.12).

One record serves the five Info types and one the four State types; which elements a type has is in `codec_reports`.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocols.ebd.messages import Coverage, MsgBasicInfo, MsgContent, ReportParams, ResourceBroadcast


@dataclass(frozen=True, slots=True)
class VendorParameter:
    """A vendor's element inside Params of an adapter or terminal: its name and text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class PlatformInfo:
    """EBRPS of EBRPSInfo. `rpt_type` Sync or Delete (then only `ebr_id` counts); `parent` the owning platform."""

    rpt_time: int
    ebr_id: str
    rpt_type: str = "Sync"
    parent: str | None = None
    name: str = ""
    address: str = ""
    contact: str = ""
    phone_number: str = ""
    longitude: str = ""  # at most 3 digits before and 6 after the point
    latitude: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class StationInfo:
    """EBRST of EBRSTInfo: a station or head-end."""

    rpt_time: int
    ebr_id: str
    rpt_type: str = "Sync"
    platform: str | None = None
    name: str = ""
    address: str = ""
    contact: str = ""
    phone_number: str = ""
    longitude: str = ""
    latitude: str = ""


@dataclass(frozen=True, slots=True)
class AdapterInfo:
    """EBRAS of EBRASInfo. `station` may be missing for loudspeaker systems."""

    rpt_time: int
    ebr_id: str
    rpt_type: str = "Sync"
    platform: str | None = None
    station: str | None = None
    name: str = ""
    longitude: str = ""
    latitude: str = ""
    url: str = ""
    vendor: tuple[VendorParameter, ...] = ()


@dataclass(frozen=True, slots=True)
class RadioParams:
    """A radio transmitter. Frequency in Hz here, in kHz in BrdSysInfo. Flags: 1 yes, 2 no. What is not known is written
    as an empty element."""

    channel_name: str = ""
    frequency_hz: int | None = None
    power_w: int | None = None
    backup: int | None = None
    auto_switch: int | None = None
    remote_control: int | None = None


@dataclass(frozen=True, slots=True)
class TvParams:
    """A television channel."""

    channel_name: str = ""
    frequency_hz: int | None = None
    program_num: str = ""
    channel_num: str = ""


@dataclass(frozen=True, slots=True)
class Switch:
    """One line of a timetable (Schedule): 1 Monday ... 7 Sunday; times as written, with or without a date."""

    weekday: int
    start_time: str
    end_time: str


@dataclass(frozen=True, slots=True)
class BroadcastDeviceInfo:
    """EBRBS of EBRBSInfo: a transmitting device."""

    rpt_time: int
    ebr_id: str
    rpt_type: str = "Sync"
    platform: str | None = None
    station: str | None = None
    adapter: str | None = None
    name: str = ""
    url: str = ""
    longitude: str = ""
    latitude: str = ""
    square: str = ""
    area_codes: tuple[str, ...] = ()
    population_10k: float | None = None  # unit 10,000 persons
    language_code: str = ""
    equip_room: str = ""
    radio: RadioParams | None = None
    tv: TvParams | None = None
    schedule: tuple[Switch, ...] = ()


@dataclass(frozen=True, slots=True)
class TerminalInfo:
    """EBRDT of EBRDTInfo: a platform device or terminal. `platform` is the county platform; only Sync exists."""

    rpt_time: int
    ebr_id: str
    rpt_type: str = "Sync"
    platform: str | None = None
    name: str = ""
    longitude: str = ""
    latitude: str = ""
    vendor: tuple[VendorParameter, ...] = ()


@dataclass(frozen=True, slots=True)
class ResourceState:
    """State of one resource (StateCode): 1 on, 2 off, 3 fault, 4 recovered, 5 on air."""

    rpt_time: int
    ebr_id: str
    code: int
    desc: str = ""


@dataclass(frozen=True, slots=True)
class EbrpsInfo:
    """Platforms."""

    items: tuple[PlatformInfo, ...] = ()
    params: ReportParams | None = None


@dataclass(frozen=True, slots=True)
class EbrstInfo:
    """Stations and head-ends."""

    items: tuple[StationInfo, ...] = ()
    params: ReportParams | None = None


@dataclass(frozen=True, slots=True)
class EbrasInfo:
    """Adapters."""

    items: tuple[AdapterInfo, ...] = ()
    params: ReportParams | None = None


@dataclass(frozen=True, slots=True)
class EbrbsInfo:
    """Transmitting devices."""

    items: tuple[BroadcastDeviceInfo, ...] = ()
    params: ReportParams | None = None


@dataclass(frozen=True, slots=True)
class EbrdtInfo:
    """Platform devices and terminals."""

    items: tuple[TerminalInfo, ...] = ()
    params: ReportParams | None = None


@dataclass(frozen=True, slots=True)
class EbrpsState:
    """EBRPSState: states of platforms."""

    items: tuple[ResourceState, ...] = ()


@dataclass(frozen=True, slots=True)
class EbrasState:
    """EBRASState: states of adapters."""

    items: tuple[ResourceState, ...] = ()


@dataclass(frozen=True, slots=True)
class EbrbsState:
    """EBRBSState: states of transmitting devices."""

    items: tuple[ResourceState, ...] = ()


@dataclass(frozen=True, slots=True)
class EbrdtState:
    """EBRDTState: states of platform devices and terminals."""

    items: tuple[ResourceState, ...] = ()


@dataclass(frozen=True, slots=True)
class LoggedMessage:
    """EBM inside a broadcast log: the message as it was, without its resources."""

    ebm_id: str
    basic: MsgBasicInfo | None = None
    contents: tuple[MsgContent, ...] = ()


@dataclass(frozen=True, slots=True)
class Unit:
    """Who ran a broadcast: platform, unit and person."""

    platform: str | None = None
    unit_id: str = ""
    unit_name: str = ""
    person_id: str = ""
    person_name: str = ""


@dataclass(frozen=True, slots=True)
class BroadcastRecord:
    """EBMBrdItem: one message of the log."""

    message: LoggedMessage
    state_code: int
    state_desc: str = ""
    units: tuple[Unit, ...] = ()
    coverage: Coverage | None = None
    resources: tuple[ResourceBroadcast, ...] = ()


@dataclass(frozen=True, slots=True)
class EbmBroadcastLog:
    """EBMBrdLog: messages broadcast in a period."""

    items: tuple[BroadcastRecord, ...] = ()
    params: ReportParams | None = None
