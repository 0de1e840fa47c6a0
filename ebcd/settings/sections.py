"""The sections of ebcd.toml as pydantic models: names, types, limits and defaults. `config/ebcd.toml` says why.

Relative paths are made absolute against the folder of the file while it is read.
"""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ebcd.catalogue import Language
from ebcd.settings.duty import AlarmsSection, ShiftSection, ToneSection, WhitelistSection
from ebcd.settings.values import (
    Approvers,
    Area,
    CertificateNumber,
    Degrees,
    FilePath,
    Host,
    Name,
    OptionalArea,
    OptionalUrl,
    Port,
    Resource,
    Seconds,
    Section,
    Sha256,
    StoreUrl,
    Url,
    _resource,
    _short_code,
    wrong,
)
from protocols.ebd.edition import Edition

PACKAGE_BYTES_MAX_MAX = 2**30  # a gigabyte: an hour of sound is 60 MB; more is an attack or a mistake
NO_MODES: dict[str, Literal["utc", "counter"]] = {}  # pydantic copies it
SOCKET_PATH_BYTES_MAX = 107  # sockaddr_un of Linux, less the closing zero


class PlatformSection(Section):
    """Who this daemon is."""

    code: Resource  # assigned by the platform above: of any type, so nothing is computed from it (GD/J 080)
    name: Name
    area: Area
    certificate: CertificateNumber
    key: FilePath
    key_passphrase_env: str = "EBCD_KEY_PASSPHRASE"
    language: Language = Language.ZH
    address: str = ""  # with the rest: what the platform above keeps about us (EBRPSInfo)
    contact: str = ""
    phone: str = ""
    longitude: Degrees = ""
    latitude: Degrees = ""


class StoreSection(Section):
    """Where the journal is."""

    url: StoreUrl = "sqlite:///state/ebcd.db"
    packages: FilePath = Path("state/packages")


class TrustSection(Section):
    """Whose signatures count."""

    folder: FilePath = Path("trust")
    roots: tuple[CertificateNumber, ...] = ("000000000001",)
    time_window_s: Annotated[int, Field(ge=0, le=86_400)] = 300
    package_age_s: Annotated[int, Field(ge=0, le=86_400)] = 900
    counter_slack: Annotated[int, Field(ge=0, le=4096)] = 16
    certificate_versions: tuple[Annotated[str, Field(pattern="^[0-9A-F]{2}$")], ...] = ("00", "10")
    chain_certificates_max: Annotated[int, Field(ge=2, le=10)] = 3
    time_modes: dict[CertificateNumber, Literal["utc", "counter"]] = NO_MODES
    administrators: tuple[CertificateNumber, ...] = ()
    firmware_signers: tuple[CertificateNumber, ...] = ()
    exceptions: FilePath = Path("exceptions")


class InventorySection(Section):
    """Which devices there are."""

    file: FilePath = Path("inventory.csv")


class ApiSection(Section):
    """Where operators' commands arrive."""

    socket: FilePath = Path("run/ebcd.sock")


class MetricsSection(Section):
    """Where Prometheus asks."""

    host: Host = "127.0.0.1"
    port: Port = 9108


class MediaSection(Section):
    """Where devices fetch their sound."""

    host: Host = "127.0.0.1"
    port: Port = 8088
    base_url: Url = "http://127.0.0.1:8088"
    folder: FilePath = Path("state/media")


class BackupSection(Section):
    """Where backups go, how often, and how long they are kept (GD/J 088 table 1)."""

    folder: FilePath = Path("state/backups")
    every_h: Annotated[float, Field(ge=0, le=168)] = 24.0
    keep_days: Annotated[int, Field(ge=183, le=36_500)] = 184
    reserve_mb: Annotated[int, Field(ge=0, le=1_000_000)] = 1024
    passphrase_env: str = "EBCD_BACKUP_PASSPHRASE"


class OperatorSection(Section):
    """One person who may command: known by a token's SHA-256 or by the user id on the unix socket."""

    name: Name
    token_sha256: Sha256 | None = None
    uid: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _one_proof(self) -> Self:
        if (self.token_sha256 is None) == (self.uid is None):
            raise wrong("operator_proof", name=self.name)
        return self


class ApprovalSection(Section):
    """Approvers other than the author that an operator's alert needs (I1)."""

    level_1: Approvers = 1
    level_2: Approvers = 1
    level_3: Approvers = 1
    level_4: Approvers = 1
    daily: Approvers = 1
    drill: Approvers = 1
    tone: Approvers = 1


class QuietHoursSection(Section):
    """When daily content from above is held, Beijing time; equal ends mean never (I14)."""

    from_: Annotated[time, Field(alias="from")] = time(22, 0)
    to: time = time(6, 0)


class PrioritySection(Section):
    """Who interrupts whom (GD/J 079 clause 5.10)."""

    order: tuple[str, ...] = ("class:4", "class:3", "class:2", "class:1", "class:5")
    first: Literal["event", "admin"] = "event"

    @model_validator(mode="after")
    def _each_class_once(self) -> Self:
        if sorted(self.order) != [f"class:{number}" for number in range(1, 6)]:
            raise wrong("priority_order")
        return self

    @property
    def classes(self) -> tuple[int, ...]:
        """Class numbers, highest first."""
        return tuple(int(each.removeprefix("class:")) for each in self.order)


class DeliverySection(Section):
    """How long a path may stay silent before the next one is tried, and how loud."""

    fallback_ip_s: Seconds = 2.0
    fallback_adapter_s: Seconds = 8.0
    fallback_cellular_s: Seconds = 6.0
    confirm_s: Seconds = 30.0
    volume_level_1_2: Annotated[int, Field(ge=0, le=255)] = 100
    volume_default: Annotated[int, Field(ge=0, le=255)] = 255

    @model_validator(mode="after")
    def _volumes_exist(self) -> Self:
        for volume in (self.volume_level_1_2, self.volume_default):
            if 100 < volume < 255:
                raise wrong("volume", volume=volume)
        return self


class PeerSection(Section):
    """One platform above: who it is, where it listens and how it signs (platform.md section 7)."""

    edition: Literal["2016", "2018"] = "2018"  # before the codes, which it judges
    code: str
    own_code: Annotated[str, Field(validate_default=True)] = ""  # 2016 only: ours has more digits than it can read
    url: Url
    sign_profile: Literal["xml", "xml+time"] = "xml"
    certificates: tuple[CertificateNumber, ...] = ()
    require_signature: bool = True
    standby_url: OptionalUrl = ""

    @field_validator("code")
    @classmethod
    def _its_code(cls, value: str, info: ValidationInfo) -> str:
        match info.data.get("edition"):
            case Edition.Y2016:
                return _short_code(value)
            case Edition.Y2018:
                return _resource(value)
        return value  # the edition is told to be wrong

    @field_validator("own_code")
    @classmethod
    def _our_code(cls, value: str, info: ValidationInfo) -> str:
        if (edition := info.data.get("edition")) != Edition.Y2016:
            if value and edition is not None:
                raise wrong("own_code_of_2018")
            return value
        if value == info.data.get("code"):
            raise wrong("own_code_is_the_peers")
        return _short_code(value)


class HealthSection(Section):
    """How devices are watched."""

    clock_error_s: Annotated[float, Field(gt=0, le=3600)] = 5.0
    flap_falls: Annotated[int, Field(ge=2, le=100)] = 4
    flap_window_s: Annotated[float, Field(ge=60, le=86_400)] = 3600.0
    flap_settle_s: Annotated[float, Field(ge=60, le=86_400)] = 900.0
    round_hour: Annotated[int, Field(ge=0, le=23)] = 2


class OrdersSection(Section):
    """How long work orders may wait."""

    dispatch_after_s: Annotated[float, Field(ge=0, le=86_400)] = 120.0
    widespread_after_s: Annotated[float, Field(ge=0, le=86_400)] = 900.0
    proof_s: Annotated[float, Field(ge=30, le=86_400)] = 300.0
    accept_within_s: Annotated[float, Field(ge=60, le=604_800)] = 1800.0
    arrive_within_s: Annotated[float, Field(ge=60, le=604_800)] = 14_400.0
    mend_within_s: Annotated[float, Field(ge=60, le=604_800)] = 14_400.0
    escalations_max: Annotated[int, Field(ge=0, le=100)] = 3
    supervisor: str = ""


class ChangesSection(Section):
    """When changes of many devices halt."""

    halt_share: Annotated[float, Field(ge=0, lt=1)] = 0.02
    return_within_s: Annotated[float, Field(ge=30, le=86_400)] = 900.0


class CrewSection(Section):
    """One crew ([[crews]])."""

    name: Name
    areas: tuple[Area, ...]
    phone: Annotated[str, Field(pattern=r"^(\+?\d{3,20})?$")] = ""
    email: Annotated[str, Field(pattern=r"^([^@\s]+@[^@\s]+)?$", max_length=200)] = ""
    webhook: Annotated[str, Field(max_length=500)] = ""


class ReporterSection(Section):
    """A person who may report by SMS."""

    name: Name
    phone: Annotated[str, Field(pattern=r"^\+?\d{3,20}$")]
    area: OptionalArea = ""


class SmsSection(Section):
    """The GSM modem."""

    device: Annotated[str, Field(max_length=200)] = ""
    baud: Annotated[int, Field(ge=1200, le=4_000_000)] = 115_200
    pin: Annotated[str, Field(pattern=r"^(\d{4,8})?$")] = ""
    reporters: tuple[ReporterSection, ...] = ()


class EmailSection(Section):
    """The mail server."""

    host: Annotated[str, Field(max_length=200)] = ""
    port: Port = 587
    starttls: bool = True
    user: Annotated[str, Field(max_length=200)] = ""
    password: Annotated[str, Field(max_length=200)] = ""
    sender: Annotated[str, Field(max_length=200)] = ""


class UpstreamSection(Section):
    """The platform gateway (GD/J 083)."""

    host: Host = "127.0.0.1"
    port: Port = 7500
    package_bytes_max: Annotated[int, Field(ge=65_536, le=PACKAGE_BYTES_MAX_MAX)] = 100_000_000
    own_url: Url = "http://127.0.0.1:7500"
    success_ratio: Annotated[float, Field(gt=0, le=1)] = 0.7
    heartbeat_s: Seconds = 30.0
    test_area: OptionalArea = ""
    peers: tuple[PeerSection, ...] = ()


class ReportsSection(Section):
    """What goes up about our resources, and when (platform.md 6.1)."""

    info_s: Annotated[float, Field(ge=600, le=7 * 86_400)] = 86_400.0
    states_s: Annotated[float, Field(ge=60, le=86_400)] = 1800.0
    terminal_states_s: Annotated[float, Field(ge=0, le=86_400)] = 0.0
    items_max: Annotated[int, Field(ge=1, le=2000)] = 200
    offline_code: Literal[2, 3] = 3
    unreachable_code: Literal[2, 3] = 2
    unknown_code: Literal[0, 2, 3] = 0
    on_air: bool = True
    stations: bool = True
    disk_free_mb: Annotated[int, Field(ge=0, le=1_000_000)] = 1000


class MonitorSection(Section):
    """Whether copies of what adapters play are listened to, and where they are sent to."""

    address: Annotated[str, Field(pattern=r"^(\d{1,3}(\.\d{1,3}){3})?$")] = ""
    host: Host = "127.0.0.1"
    first_port: Annotated[int, Field(ge=0, le=65_000)] = 0
    copies_max: Annotated[int, Field(ge=1, le=200)] = 8
    listen_s: Annotated[float, Field(ge=5, le=30)] = 12.0


class MorningSection(Section):
    """When and where the morning's report is written."""

    at: time = time(8, 0)
    folder: FilePath = Path("state/reports")


class Sections(Section):
    """The whole file, without [[links]], which the drivers' own dataclasses describe.

    A table that is left out must be given as an empty one, so that its relative paths are resolved too.
    """

    platform: PlatformSection
    store: StoreSection
    trust: TrustSection
    inventory: InventorySection
    api: ApiSection
    metrics: MetricsSection
    media: MediaSection
    backup: BackupSection
    operators: tuple[OperatorSection, ...] = ()
    approval: ApprovalSection
    quiet_hours: QuietHoursSection
    priority: PrioritySection
    delivery: DeliverySection
    health: HealthSection
    orders: OrdersSection
    tone: ToneSection
    alarms: AlarmsSection
    shift: ShiftSection
    whitelist: WhitelistSection
    changes: ChangesSection
    crews: tuple[CrewSection, ...] = ()
    sms: SmsSection
    email: EmailSection
    upstream: UpstreamSection
    reports: ReportsSection
    monitor: MonitorSection
    morning: MorningSection
