"""`python -m simulators PART ...`: every simulated piece of a county, each in a process of its own.

Parts are imported only when named, so that one of them starts without the dependencies of the others. Long-running
parts take one JSON object a line on stdin, tell one a line on stdout (key "event") and exit when stdin closes.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

PARTS = {
    "county": "write the configuration directory of a made-up county",
    "fleet": "adapters, terminals and FM receivers of that county",
    "ears": "the FM exciter and tuners of the fleet, started by it",
    "broker": "an MQTT 5 broker on loopback",
    "impaired": "a TCP proxy that behaves like a 3G/4G link",
    "province": "the platform above",
}


def main(argv: Sequence[str]) -> int:
    """Run one part; its own `main(argv)` returns the exit status. 2 when the part is unknown."""
    if not argv or argv[0] not in PARTS:
        print("usage: python -m simulators PART [options]", file=sys.stderr)
        for part, does in PARTS.items():
            print(f"  {part:10} {does}", file=sys.stderr)
        return 2
    module = importlib.import_module(f"simulators.{argv[0]}")
    status: int = module.main(argv[1:])
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
