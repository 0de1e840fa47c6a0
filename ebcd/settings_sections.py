"""The sections of ebcd.toml as pydantic models: names, types, limits and defaults. `config/ebcd.toml` says why.

Relative paths are made absolute against the folder of the file while it is read.
"""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ebcd.catalogue import Language
from protocols.codes import AreaCode, InvalidCode, ResourceCode
from protocols.ebd.edition import RULES, Edition
from protocols.ebd.short_codes import lengthened

PACKAGE_BYTES_MAX_MAX = 2**30  # a gigabyte: an hour of sound is 60 MB; more is an attack or a mistake
SOCKET_PATH_BYTES_MAX = 107  # sockaddr_un of Linux, less the closing zero
APPROVERS_MAX = 9
SHORT_CODE_DIGITS = RULES[Edition.Y2016].resource_code_digits
SQLITE = "sqlite:///"


def _wrong(what: str, **values: object) -> PydanticCustomError:
    """A problem with sentences of its own in the catalogue (`config.<what>`)."""
    return PydanticCustomError("ebcd", "{what}", {"what": what, **values})


def _resource(value: object) -> ResourceCode:
    try:
        return ResourceCode(str(value))
    except InvalidCode as error:
        raise _wrong("code", detail=str(error)) from None


def _short_code(value: str) -> str:
    """A resource code of the 2016 edition, 18 digits."""
    try:
        lengthened(value)
    except ValueError:
        raise _wrong("code_of_2016", digits=SHORT_CODE_DIGITS) from None
    return value


def _area(value: object) -> AreaCode:
    try:
        return AreaCode.parse(str(value))
    except InvalidCode as error:
        raise _wrong("code", detail=str(error)) from None


def _certificate(value: str) -> str:
    if len(value) != 12 or any(each not in "0123456789abcdefABCDEF" for each in value):
        raise _wrong("certificate_number")
    return value.upper()


def _digest(value: str) -> str:
    if len(value) != 64 or any(each not in "0123456789abcdefABCDEF" for each in value):
        raise _wrong("digest")
    return value.lower()


def _url(value: str) -> str:
    scheme, _, rest = value.partition("://")
    if scheme not in ("http", "https") or not rest.strip("/") or any(each.isspace() for each in value):
        raise _wrong("url")
    return value


def _host(value: str) -> str:
    if not value or any(not (each.isalnum() or each in ".-:_%") for each in value):
        raise _wrong("host")
    return value


def _absolute(value: object, info: ValidationInfo) -> Path:
    folder: Path = (info.context or {}).get("folder", Path())
    if not isinstance(value, str | Path) or not str(value):
        raise _wrong("type.text")
    return (folder / value).absolute()


def _store_url(value: str, info: ValidationInfo) -> str:
    if value.startswith(SQLITE) and (file := value.removeprefix(SQLITE)) and file != ":memory:":
        return SQLITE + str(_absolute(Path(file), info))
    if value.startswith((SQLITE, "postgresql://", "postgresql+psycopg://")):
        return value
    raise _wrong("store_url")


Resource = Annotated[ResourceCode, PlainValidator(_resource)]
Area = Annotated[AreaCode, PlainValidator(_area)]
CertificateNumber = Annotated[str, AfterValidator(_certificate)]
Sha256 = Annotated[str, AfterValidator(_digest)]
Url = Annotated[str, AfterValidator(_url)]
Host = Annotated[str, AfterValidator(_host)]
Port = Annotated[int, Field(ge=1, le=65535)]
FilePath = Annotated[Path, PlainValidator(_absolute)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Approvers = Annotated[int, Field(ge=0, le=APPROVERS_MAX)]


class Section(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
        arbitrary_types_allowed=True,
    )


class PlatformSection(Section):
    """Who this daemon is."""

    code: Resource  # assigned by the platform above: of any type, so nothing is computed from it (GD/J 080)
    name: Name
    area: Area
    certificate: CertificateNumber
    key: FilePath
    key_passphrase_env: str = "EBCD_KEY_PASSPHRASE"
    language: Language = Language.ZH


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


class OperatorSection(Section):
    """One person who may command: known by a token's SHA-256 or by the user id on the unix socket."""

    name: Name
    token_sha256: Sha256 | None = None
    uid: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _one_proof(self) -> Self:
        if (self.token_sha256 is None) == (self.uid is None):
            raise _wrong("operator_proof", name=self.name)
        return self


class ApprovalSection(Section):
    """Approvers other than the author that an operator's alert needs (I1)."""

    level_1: Approvers = 1
    level_2: Approvers = 1
    level_3: Approvers = 1
    level_4: Approvers = 1
    daily: Approvers = 1
    drill: Approvers = 1


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
            raise _wrong("priority_order")
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
                raise _wrong("volume", volume=volume)
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
                raise _wrong("own_code_of_2018")
            return value
        if value == info.data.get("code"):
            raise _wrong("own_code_is_the_peers")
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
    proof_s: Annotated[float, Field(ge=30, le=86_400)] = 300.0
    accept_within_s: Annotated[float, Field(ge=60, le=604_800)] = 1800.0
    arrive_within_s: Annotated[float, Field(ge=60, le=604_800)] = 14_400.0
    mend_within_s: Annotated[float, Field(ge=60, le=604_800)] = 14_400.0
    escalations_max: Annotated[int, Field(ge=0, le=100)] = 3


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


class UpstreamSection(Section):
    """The platform gateway (GD/J 083)."""

    host: Host = "127.0.0.1"
    port: Port = 7500
    package_bytes_max: Annotated[int, Field(ge=65_536, le=PACKAGE_BYTES_MAX_MAX)] = 100_000_000
    own_url: Url = "http://127.0.0.1:7500"
    success_ratio: Annotated[float, Field(gt=0, le=1)] = 0.7
    heartbeat_s: Seconds = 30.0
    peers: tuple[PeerSection, ...] = ()


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
    operators: tuple[OperatorSection, ...] = ()
    approval: ApprovalSection
    quiet_hours: QuietHoursSection
    priority: PrioritySection
    delivery: DeliverySection
    health: HealthSection
    orders: OrdersSection
    changes: ChangesSection
    crews: tuple[CrewSection, ...] = ()
    upstream: UpstreamSection
