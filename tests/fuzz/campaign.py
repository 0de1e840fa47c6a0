"""Runs of one target under atheris: its corpus, how far it has come, and what was found, kept between runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from tests.fuzz.registry import Target

INPUTS_OF_A_TURN = 50_000
"""A process ends after so many and a new one goes on: what was reached is kept, and memory cannot grow for ever."""
INPUT_S_MAX = 25  # one input that takes longer is a finding: work must be bounded
MEMORY_MB_MAX = 2_048
_COUNTED = re.compile(rb"^stat::number_of_executed_units:\s*(\d+)", re.MULTILINE)
_COVERED = re.compile(rb"cov: (\d+)")


@dataclass(slots=True)
class Progress:
    """How far one target has come."""

    target: str
    inputs: int = 0
    speed: int = 0  # inputs a second of the last turn, the start of its process included
    covered: int = 0  # edges
    findings: tuple[str, ...] = ()


class Campaign:
    """One target's folder under `.fuzz/`."""

    def __init__(self, target: Target, folder: Path, findings: Path) -> None:
        self.target = target
        self._folder = folder / target.name
        self._findings = findings
        self._corpus = self._folder / "corpus"
        self._file = self._folder / "progress.json"

    def progress(self) -> Progress:
        """As the last run left it."""
        if not self._file.is_file():
            return Progress(self.target.name)
        told = json.loads(self._file.read_text(encoding="utf-8"))
        return Progress(**(told | {"findings": tuple(told["findings"])}))

    def run(self, inputs: int, told: Callable[[Progress], None]) -> Progress:
        """Go on until `inputs` have been tried in all runs together, or something was found."""
        self._lay_seeds()
        progress = self.progress()
        progress.findings = tuple(name for name in progress.findings if self._breaks(self._findings / name))
        while progress.inputs < inputs and not progress.findings:
            self._turn(progress, min(INPUTS_OF_A_TURN, inputs - progress.inputs))
            self._file.write_text(json.dumps(asdict(progress)), encoding="utf-8")
            told(progress)
        return progress

    def _lay_seeds(self) -> None:
        self._corpus.mkdir(parents=True, exist_ok=True)
        for seed in self.target.seeds():
            name = f"seed-{sha256(seed).hexdigest()[:16]}"
            (self._corpus / name).write_bytes(seed[: self.target.size_max])

    def _breaks(self, finding: Path) -> bool:
        """Whether what was found is still there; a file that somebody removed is not."""
        worker = (sys.executable, "-m", "tests.fuzz.worker", self.target.name)
        return finding.is_file() and bool(
            subprocess.run([*worker, finding], capture_output=True, check=False).returncode
        )

    def _turn(self, progress: Progress, inputs: int) -> None:
        prefix = self._folder / "finding-"
        began_s = time.perf_counter()
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "tests.fuzz.worker", self.target.name),
                *(f"-runs={inputs}", f"-timeout={INPUT_S_MAX}", f"-rss_limit_mb={MEMORY_MB_MAX}"),
                *(f"-artifact_prefix={prefix}", "-print_final_stats=1", "-use_value_profile=1", str(self._corpus)),
            ],
            capture_output=True,
            check=False,
        )
        said = ended.stdout + ended.stderr
        tried = max(map(int, _COUNTED.findall(said)), default=0)
        progress.inputs += tried
        progress.speed = round(tried / (time.perf_counter() - began_s))
        progress.covered = max([progress.covered, *map(int, _COVERED.findall(said))])
        progress.findings += tuple(self._keep(file) for file in sorted(self._folder.glob("finding-*")))
        (self._folder / "last.log").write_bytes(said)
        if ended.returncode and not progress.findings:
            raise RuntimeError(f"{self.target.name}: {said[-2_000:].decode('utf-8', 'replace')}")

    def _keep(self, file: Path) -> str:
        """A finding becomes a file of the repository, which every later test replays."""
        kept = self._findings / f"{self.target.name}-{file.name.removeprefix('finding-')[:24]}"
        kept.write_bytes(file.read_bytes())
        file.unlink()
        return kept.name
