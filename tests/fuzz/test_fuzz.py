"""The short run of `make fuzz`: seeds, earlier findings and some thousand seeded mutations through every target."""

from __future__ import annotations

import random
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.fuzz.campaign import Campaign
from tests.fuzz.mutate import mutated
from tests.fuzz.registry import ITSELF, TARGETS, Target

FINDINGS = sorted(file for file in (Path(__file__).parent / "findings").iterdir() if file.name != "README.md")
BY_NAME = {target.name: target for target in (*TARGETS, ITSELF)}
MUTATIONS = 3000  # of each target; `make fuzz` is the long run
MUTATIONS_SLOW = 400  # of those that print, sample or render
SLOW = frozenset({"fm_samples", "fm_recording", "decode_any", "decode_as", "decode_text", "config_toml"})
ATHERIS_INPUTS = 2_000


def _target_of(finding: Path) -> Target:
    return BY_NAME[finding.name.partition("-")[0]]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_seeds_and_what_may_become_of_them_pass_through(target: Target) -> None:
    seeds = list(target.seeds())
    assert seeds
    for data in (*seeds, b"", *mutated(seeds, _count(target), random.Random(target.name), target.size_max)):
        target.run(data)


def _count(target: Target) -> int:
    return MUTATIONS_SLOW if target.name in SLOW else MUTATIONS


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.name)
def test_what_was_found_once_passes_through(finding: Path) -> None:
    _target_of(finding).run(finding.read_bytes())


def test_every_target_has_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len(TARGETS) + 1


@pytest.mark.real
@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris has no wheel for this Python")
@pytest.mark.parametrize("name", ["adapter_body", "terminal_data", "ebd_tar"])
def test_atheris_finds_nothing_in_a_short_run_and_the_next_run_goes_on(name: str, tmp_path: Path) -> None:
    campaign = Campaign(BY_NAME[name], tmp_path, tmp_path)
    first = campaign.run(ATHERIS_INPUTS, lambda _progress: None)
    assert (first.inputs, first.findings) == (ATHERIS_INPUTS, ())
    assert campaign.run(ATHERIS_INPUTS, lambda _progress: None) == first  # nothing left to do
    assert Campaign(BY_NAME[name], tmp_path, tmp_path).progress() == first


@pytest.mark.real
@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris has no wheel for this Python")
def test_what_atheris_finds_becomes_a_file(tmp_path: Path) -> None:
    findings = tmp_path / "findings"
    findings.mkdir()
    progress = Campaign(BY_NAME["itself"], tmp_path, findings).run(200_000, lambda _progress: None)
    assert len(progress.findings) == 1
    assert (
        Campaign(BY_NAME["itself"], tmp_path, findings).run(200_000, lambda _progress: None) == progress
    )  # still there
    with pytest.raises(ZeroDivisionError):
        _target_of(findings / progress.findings[0]).run((findings / progress.findings[0]).read_bytes())
