"""Who the simulated province is: DIR/sim/province.json, written with the keys by `python -m simulators county`.

```json
{
  "code": "23400000000000101010101",
  "name": "某省应急广播平台",
  "key": "province.pem",
  "certificate": "000000000101",
  "sign_profile": "xml",
  "host": "127.0.0.1",
  "port": 7600,
  "county": {
    "code": "43499010000000101010101",
    "area": "349901000000",
    "url": "http://127.0.0.1:7500/EmergencyServer/receive/ebd",
    "certificate": "../trust/000000000201.cer"
  }
}
```
`key` is PKCS#8 without a passphrase; `county.certificate` is the county's 143-byte certificate. Both paths are relative
to the JSON file's folder. `sign_profile` is "xml" or "xml+time" (platform.md section 7).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protocols.signature import Certificate
from protocols.sm2 import PrivateKey

from protocols.codes import AreaCode, ResourceCode


@dataclass(frozen=True, slots=True)
class County:
    """The platform below, as its province knows it."""

    code: ResourceCode
    area: AreaCode
    url: str
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class ProvinceConfig:
    """The province itself."""

    code: ResourceCode
    name: str
    key: PrivateKey
    certificate: bytes  # number, 6 bytes
    sign_profile: str
    host: str
    port: int
    county: County

    @property
    def url(self) -> str:
        """Where packages for the province go."""
        return f"http://{self.host}:{self.port}/EmergencyServer/receive/ebd"


def load(folder: Path) -> ProvinceConfig:
    """Read FOLDER/sim/province.json and what it names.

    Raises OSError for a missing file, KeyError and ValueError (with the field in the message) for wrong content.
    """
    file = folder / "sim" / "province.json"
    told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    county: dict[str, Any] = told["county"]
    return ProvinceConfig(
        code=ResourceCode(told["code"]),
        name=told["name"],
        key=PrivateKey.from_pkcs8((file.parent / told["key"]).read_bytes(), None),
        certificate=bytes.fromhex(told["certificate"]),
        sign_profile=told.get("sign_profile", "xml"),
        host=told["host"],
        port=int(told["port"]),
        county=County(
            code=ResourceCode(county["code"]),
            area=AreaCode(county["area"]),
            url=county["url"],
            certificate=Certificate.decode((file.parent / county["certificate"]).read_bytes()),
        ),
    )
