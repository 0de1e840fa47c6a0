"""`python -m tests.fuzz [TARGET...] [--runs N]`: every target under atheris, one process after the other.

What was reached stays under .fuzz/, and the next call goes on from there; findings become files of tests/fuzz/findings.
Exit status 1 for a finding.
"""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.campaign import Campaign, Progress
from tests.fuzz.registry import TARGETS

ROOT = Path(__file__).parents[2]
FINDINGS = Path(__file__).parent / "findings"
RUNS = 1_000_000


def main() -> int:
    """As the module says."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(each.name for each in TARGETS))
    parser.add_argument("--runs", type=int, default=RUNS, help="inputs for each target, earlier runs included")
    parser.add_argument("--replay", action="store_true", help="TARGET FILE...: run these files through one target")
    told = parser.parse_args()
    if told.replay:
        return _replay(*told.targets)
    if unknown := set(told.targets) - {each.name for each in TARGETS}:
        parser.error(f"unknown targets: {', '.join(sorted(unknown))}; there are {', '.join(t.name for t in TARGETS)}")
    if find_spec("atheris") is None:
        sys.exit("atheris is not installed: it has wheels for some Pythons on Linux only; pytest tests/fuzz needs none")
    chosen = [each for each in TARGETS if not told.targets or each.name in told.targets]
    print(f"{'target':<20} {'inputs':>10} {'per s':>7} {'edges':>6}  findings", flush=True)
    found = [_show(Campaign(each, ROOT / ".fuzz", FINDINGS).run(told.runs, _tell)) for each in chosen]
    return 1 if any(found) else 0


def _tell(progress: Progress) -> None:
    if sys.stderr.isatty():
        print(f"{_line(progress)}\r", end="", file=sys.stderr, flush=True)


def _line(progress: Progress) -> str:
    findings = ", ".join(progress.findings) or "none"
    return f"{progress.target:<20} {progress.inputs:>10} {progress.speed:>7} {progress.covered:>6}  {findings}"


def _show(progress: Progress) -> bool:
    print(_line(progress), flush=True)
    for name in progress.findings:
        print(f"  again: python -m tests.fuzz --replay {progress.target} {FINDINGS / name}", flush=True)
    return bool(progress.findings)


def _replay(target: str, *files: str) -> int:
    chosen = next(each for each in TARGETS if each.name == target)
    for file in files:
        chosen.run(Path(file).read_bytes())
        print(f"{file}: nothing wrong")
    return 0


if __name__ == "__main__":
    sys.exit(main())
