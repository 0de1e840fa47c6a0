"""What the fleet reads of a county's directory: sim/fleet.json, sim/faults.json, the trust folder and adapter keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from protocols.codes import AreaCode, ResourceCode
from protocols.signature import CertificateNumber, number_from_text
from protocols.sm2 import PrivateKey
from simulators.trust import Trust

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class AdapterFacts:
    """One adapter of the county."""

    code: ResourceCode
    host: str
    port: int
    certificate: CertificateNumber
    key: PrivateKey
    delay_s: float  # a fault: how long it takes before it does anything


@dataclass(frozen=True, slots=True)
class TerminalFacts:
    """One terminal of the county; `off`: without power all the time."""

    code: ResourceCode
    phys: str
    paths: tuple[str, ...]
    off: bool

    @property
    def town(self) -> AreaCode:
        """The town it stands in, or in whose village it does."""
        return AreaCode.parse(self.code.area[:9])


@dataclass(frozen=True, slots=True)
class FleetFacts:
    """Everything the simulated devices of a county are set to."""

    seed: int
    heartbeat_s: float
    platform: ResourceCode
    endpoints: dict[str, Address]
    adapters: tuple[AdapterFacts, ...]
    terminals: tuple[TerminalFacts, ...]
    dead_ip_town: AreaCode
    trust: Trust
    carrier_khz: int


def read_facts(folder: Path, wall: Callable[[], float]) -> FleetFacts:
    """Read what `python -m simulators county` wrote. Raises OSError, KeyError, ValueError, RemoteProtocolError."""
    facts, faults = _json(folder / "sim" / "fleet.json"), _json(folder / "sim" / "faults.json")
    off, slow = frozenset(faults["off"]), faults["slow_adapter"]
    return FleetFacts(
        seed=int(facts["seed"]),
        heartbeat_s=float(facts["heartbeat_s"]),
        platform=ResourceCode(facts["platform"]["code"]),
        endpoints={name: (host, int(port)) for name, (host, port) in facts["endpoints"].items()},
        adapters=tuple(
            AdapterFacts(
                code=ResourceCode(entry["code"]),
                host=entry["host"],
                port=int(entry["port"]),
                certificate=number_from_text(entry["certificate"]),
                key=PrivateKey.from_pkcs8((folder / entry["key"]).read_bytes()),
                delay_s=float(slow["delay_s"]) if entry["code"] == slow["code"] else 0.0,
            )
            for entry in facts["adapters"]
        ),
        terminals=tuple(
            TerminalFacts(ResourceCode(entry["code"]), entry["phys"], tuple(entry["paths"]), entry["code"] in off)
            for entry in facts["terminals"]
        ),
        dead_ip_town=AreaCode(faults["dead_ip_town"]),
        trust=Trust.read(folder / "trust", facts["root"]["certificate"], wall),
        carrier_khz=int(Decimal(facts["transmitter"]["frequency_mhz"]) * 1000),
    )


def _json(file: Path) -> dict[str, Any]:
    facts = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(facts, dict):
        raise ValueError(f"{file} holds no JSON object")
    return facts
