"""Types of the values in ebcd.toml: codes, addresses, files. What is wrong with one has sentences of its own.

Relative paths are made absolute against the folder of the file while it is read.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from protocols.codes import AreaCode, InvalidCode, ResourceCode
from protocols.ebd.edition import RULES, Edition
from protocols.ebd.short_codes import lengthened

APPROVERS_MAX = 9
SHORT_CODE_DIGITS = RULES[Edition.Y2016].resource_code_digits
SQLITE = "sqlite:///"


def wrong(what: str, **values: object) -> PydanticCustomError:
    """A problem with sentences of its own in the catalogue (`config.<what>`)."""
    return PydanticCustomError("ebcd", "{what}", {"what": what, **values})


def _resource(value: object) -> ResourceCode:
    try:
        return ResourceCode(str(value))
    except InvalidCode as error:
        raise wrong("code", detail=str(error)) from None


def _short_code(value: str) -> str:
    """A resource code of the 2016 edition, 18 digits."""
    try:
        lengthened(value)
    except ValueError:
        raise wrong("code_of_2016", digits=SHORT_CODE_DIGITS) from None
    return value


def _area(value: object) -> AreaCode:
    try:
        return AreaCode.parse(str(value))
    except InvalidCode as error:
        raise wrong("code", detail=str(error)) from None


def _certificate(value: str) -> str:
    if len(value) != 12 or any(each not in "0123456789abcdefABCDEF" for each in value):
        raise wrong("certificate_number")
    return value.upper()


def _digest(value: str) -> str:
    if len(value) != 64 or any(each not in "0123456789abcdefABCDEF" for each in value):
        raise wrong("digest")
    return value.lower()


def _url(value: str) -> str:
    scheme, _, rest = value.partition("://")
    if scheme not in ("http", "https") or not rest.strip("/") or any(each.isspace() for each in value):
        raise wrong("url")
    return value


def _degrees(value: str) -> str:
    if value and re.fullmatch(r"-?\d{1,3}(\.\d{1,6})?", value, re.ASCII) is None:
        raise wrong("degrees")
    return value


def _host(value: str) -> str:
    if not value or any(not (each.isalnum() or each in ".-:_%") for each in value):
        raise wrong("host")
    return value


def _absolute(value: object, info: ValidationInfo) -> Path:
    folder: Path = (info.context or {}).get("folder", Path())
    if not isinstance(value, str | Path) or not str(value):
        raise wrong("type.text")
    return (folder / value).absolute()


def _store_url(value: str, info: ValidationInfo) -> str:
    if value.startswith(SQLITE) and (file := value.removeprefix(SQLITE)) and file != ":memory:":
        return SQLITE + str(_absolute(Path(file), info))
    if value.startswith((SQLITE, "postgresql://", "postgresql+psycopg://")):
        return value
    raise wrong("store_url")


Resource = Annotated[ResourceCode, PlainValidator(_resource)]
Area = Annotated[AreaCode, PlainValidator(_area)]
OptionalArea = Annotated[str, AfterValidator(lambda value: value and str(_area(value)))]
CertificateNumber = Annotated[str, AfterValidator(_certificate)]
Sha256 = Annotated[str, AfterValidator(_digest)]
Url = Annotated[str, AfterValidator(_url)]
OptionalUrl = Annotated[str, AfterValidator(lambda value: value and _url(value))]
Host = Annotated[str, AfterValidator(_host)]
Port = Annotated[int, Field(ge=1, le=65535)]
FilePath = Annotated[Path, PlainValidator(_absolute)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Degrees = Annotated[str, AfterValidator(_degrees)]
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
