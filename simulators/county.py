"""`python -m simulators county`: write the configuration directory of a made-up county.

DIR/ebcd.toml, inventory.csv, trust/*.cer, keys/platform.pem and operators/NAME.token are what any county has; DIR/sim/
is what only the simulators may know: the other keys, who stands where (fleet.json) and what is broken (faults.json).
The seed decides everything except keys and tokens, which come from the system's entropy on every run.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from protocols.signature import Certificate
from protocols.sm2 import PrivateKey, PublicKey
from simulators.clock import SystemClock
from simulators.county_plan import CountyPlan, plan_county
from simulators.county_toml import (
    OPERATORS,
    PLATFORM_CERTIFICATE,
    PORTS,
    PROVINCE_CERTIFICATE,
    PROVINCE_CODES,
    ROOT_CERTIFICATE,
    county_toml,
    own_code_2016,
)

VALID_YEARS = 20
INVENTORY_COLUMNS = ("kind", "code", "phys", "name", "host", "port", "paths", "frequency_mhz")

Entropy = Callable[[int], bytes]


def write_county(
    out: Path,
    plan: CountyPlan,
    *,
    heartbeat_s: float,
    quiet: tuple[str, str],
    year: int,
    entropy: Entropy,
    edition: str = "2018",
    push: bool = False,
) -> None:
    """Write all files of `plan` under `out`, for a province of this `edition`, with adapters that fetch their sound or
    get it streamed (`push`); what was there under the same names is replaced."""
    for folder in ("trust", "keys", "operators", "sim", "sim/keys", "state/packages", "state/media", "run"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    _write_keys(out, plan, year, entropy)
    digests = {}
    for name in OPERATORS:
        token = entropy(24).hex()
        _private(out / "operators" / f"{name}.token", f"{token}\n".encode())
        digests[name] = hashlib.sha256(token.encode()).hexdigest()
    (out / "ebcd.toml").write_text(county_toml(plan, digests, quiet, edition, push=push), encoding="utf-8")
    (out / "inventory.csv").write_text(inventory_csv(plan), encoding="utf-8")
    _json(out / "sim" / "fleet.json", fleet_facts(plan, heartbeat_s, edition))
    _json(out / "sim" / "faults.json", fault_facts(plan))


def inventory_csv(plan: CountyPlan) -> str:
    """Every adapter, terminal and transmitter, one a line; `paths` joined by semicolons, best first."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(INVENTORY_COLUMNS)
    for adapter in plan.adapters:
        table.writerow(("adapter", adapter.code, "", adapter.name, adapter.host, adapter.port, "", ""))
    sender = plan.transmitter
    table.writerow(("transmitter", sender.code, "", sender.name, sender.host, sender.port, "fm", sender.frequency_mhz))
    for terminal in plan.terminals:
        table.writerow(("terminal", terminal.code, terminal.phys, terminal.name, "", "", ";".join(terminal.paths), ""))
    return text.getvalue()


def fleet_facts(plan: CountyPlan, heartbeat_s: float, edition: str = "2018") -> dict[str, object]:
    """What the simulated devices are set to: addresses to dial, certificates, codes."""
    host = plan.transmitter.host
    return {
        "seed": plan.seed,
        "heartbeat_s": heartbeat_s,
        "platform": {
            "code": plan.platform_code,
            "code_2016": own_code_2016(plan),
            "certificate": PLATFORM_CERTIFICATE,
        },
        "province": {
            "code": PROVINCE_CODES[edition],
            "edition": edition,
            "certificate": PROVINCE_CERTIFICATE,
            "key": "sim/keys/province.pem",
        },
        "root": {"certificate": ROOT_CERTIFICATE, "key": "sim/keys/root.pem"},
        "endpoints": {name: [host, plan.base_port + offset] for name, offset in PORTS.items()},
        "areas": [{"code": p.code, "name": p.name, "level": p.level} for p in plan.places],
        "adapters": [
            {
                "code": a.code,
                "name": a.name,
                "host": a.host,
                "port": a.port,
                "certificate": a.certificate,
                "key": f"sim/keys/{a.certificate}.pem",
            }
            for a in plan.adapters
        ],
        "terminals": [{"code": t.code, "phys": t.phys, "paths": list(t.paths)} for t in plan.terminals],
        "transmitter": {"code": plan.transmitter.code, "frequency_mhz": plan.transmitter.frequency_mhz},
    }


def fault_facts(plan: CountyPlan) -> dict[str, object]:
    """What is broken in this county."""
    faults = plan.faults
    return {
        "dead_ip_town": faults.dead_ip_town,
        "slow_adapter": {"code": faults.slow_adapter, "delay_s": faults.slow_adapter_s},
        "off": list(faults.off),
    }


def _write_keys(out: Path, plan: CountyPlan, year: int, entropy: Entropy) -> None:
    """A root that signs itself and, with it, the province, the county platform and every adapter."""
    root = PrivateKey.generate(entropy)
    holders = {
        ROOT_CERTIFICATE: (root, "sim/keys/root.pem"),
        PROVINCE_CERTIFICATE: (PrivateKey.generate(entropy), "sim/keys/province.pem"),
        PLATFORM_CERTIFICATE: (PrivateKey.generate(entropy), "keys/platform.pem"),
    }
    for adapter in plan.adapters:
        holders[adapter.certificate] = (PrivateKey.generate(entropy), f"sim/keys/{adapter.certificate}.pem")
    for number, (key, file) in holders.items():
        _private(out / file, key.to_pkcs8(None))
        (out / "trust" / f"{number}.cer").write_bytes(_certificate(number, key.public, root, year).encode())


def _certificate(number: str, public: PublicKey, root: PrivateKey, year: int) -> Certificate:
    """A certificate signed by the root, valid to the end of the named year (GD/J 081 table 1)."""
    unsigned = Certificate(
        issuer=bytes.fromhex(ROOT_CERTIFICATE),
        number=bytes.fromhex(number),
        year=year,
        month=12,
        public_key=public.raw,
    )
    return unsigned.signed_by(root.sign)


def _private(file: Path, content: bytes) -> None:
    """Write what only the owner may read."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as sink:
        sink.write(content)


def _json(file: Path, facts: dict[str, object]) -> None:
    """One readable JSON file."""
    file.write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main(argv: Sequence[str]) -> int:
    """Write the directory. 2 when the arguments are impossible."""
    parser = argparse.ArgumentParser(prog="python -m simulators county", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--terminals", type=int, default=2224, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--base-port", type=int, default=27000, metavar="P", help="P ... P+124 are used")
    parser.add_argument("--heartbeat-s", type=float, default=15.0, metavar="S")
    parser.add_argument("--edition", choices=sorted(PROVINCE_CODES), default="2018", help="what the province speaks")
    parser.add_argument("--quiet", nargs=2, default=("22:00", "06:00"), metavar=("FROM", "TO"))
    parser.add_argument("--push", action="store_true", help="adapters get their sound streamed by RTP")
    options = parser.parse_args(argv)
    try:
        plan = plan_county(terminals=options.terminals, seed=options.seed, base_port=options.base_port)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    write_county(
        options.out,
        plan,
        heartbeat_s=options.heartbeat_s,
        quiet=(options.quiet[0], options.quiet[1]),
        year=datetime.fromtimestamp(SystemClock().wall(), UTC).year + VALID_YEARS,
        entropy=os.urandom,
        edition=options.edition,
        push=options.push,
    )
    return 0
