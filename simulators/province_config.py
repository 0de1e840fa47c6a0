"""Who the simulated province is: what `python -m simulators county` wrote about it into DIR/sim/fleet.json.

Read are `province` (code, certificate number, key file), `platform` (the county's code and certificate number),
`endpoints.province` (where we listen), `endpoints.upstream` (where the county does), the place of level 4 in `areas`,
and the county's 143-byte certificate in DIR/trust. File names are relative to DIR. Optional in `province`: `name`,
`sign_profile` ("xml" or "xml+time", platform.md section 7), `edition`; optional in `platform`: `url`. A province of the
2016 edition has 18 digits in `province.code`, and the county's in `platform.code_2016`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from protocols.codes import AreaCode
from protocols.ebd.edition import RULES, Edition
from protocols.signature import Certificate
from protocols.sm2 import PrivateKey

URL_PATH = "/EmergencyServer/receive/ebd"
COUNTY_LEVEL = 4


class SignProfile(StrEnum):
    """Which bytes the signature of a message file covers."""

    XML = "xml"
    XML_TIME = "xml+time"

    def signed(self, xml: bytes, time: int) -> bytes:
        """The bytes under the signature; `time` is the block's own, UTC seconds or a counter."""
        return xml if self is SignProfile.XML else xml + time.to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class County:
    """The platform below, as its province knows it."""

    code: str
    area: AreaCode
    url: str
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class ProvinceConfig:
    """The province itself. Codes as its edition writes them."""

    code: str
    name: str
    key: PrivateKey
    certificate: bytes  # number, 6 bytes
    sign_profile: SignProfile
    host: str
    port: int
    county: County
    edition: Edition = Edition.Y2018

    def __post_init__(self) -> None:
        digits = RULES[self.edition].resource_code_digits
        if {len(self.code), len(self.county.code)} != {digits}:
            raise ValueError(f"codes of the {self.edition} edition have {digits} digits")

    @property
    def url(self) -> str:
        """Where packages for the province go."""
        return f"http://{self.host}:{self.port}{URL_PATH}"


def load(folder: Path) -> ProvinceConfig:
    """Read DIR and what its facts name.

    Raises OSError for a missing file, KeyError, TypeError and ValueError (with the field in the message) for wrong
    content.
    """
    facts: dict[str, Any] = json.loads((folder / "sim" / "fleet.json").read_text(encoding="utf-8"))
    province, platform, endpoints = facts["province"], facts["platform"], facts["endpoints"]
    host, port = endpoints["province"]
    county_host, county_port = endpoints["upstream"]
    area = next(AreaCode(place["code"]) for place in facts["areas"] if place["level"] == COUNTY_LEVEL)
    edition = Edition(province.get("edition", Edition.Y2018))
    certificate = (folder / "trust" / f"{platform['certificate']}.cer").read_bytes()
    return ProvinceConfig(
        code=province["code"],
        name=province.get("name", "某省应急广播平台"),
        key=PrivateKey.from_pkcs8((folder / province["key"]).read_bytes()),
        certificate=bytes.fromhex(province["certificate"]),
        sign_profile=SignProfile(province.get("sign_profile", SignProfile.XML)),
        host=host,
        port=int(port),
        county=County(
            code=platform["code" if edition is Edition.Y2018 else "code_2016"],
            area=area,
            url=platform.get("url", f"http://{county_host}:{county_port}{URL_PATH}"),
            certificate=Certificate.decode(certificate),
        ),
        edition=edition,
    )
