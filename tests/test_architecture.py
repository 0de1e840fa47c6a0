"""Style is a test (style habit 17): the rules of tests/architecture.py, held over the whole repository."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture import MEDIAN_LINES_MAX, PACKAGES, RULES, Module, functions

ROOT = Path(__file__).parent.parent


def _modules(*packages: str) -> list[Module]:
    return [
        Module.read(ROOT, file)
        for package in packages
        for file in sorted((ROOT / package).rglob("*.py"))
        if "__pycache__" not in file.parts
    ]


ALL = _modules(*PACKAGES, "tests")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.__name__))
def test_the_repository_keeps_the_rule(rule: Callable[[Module], Iterator[str]]) -> None:
    found = [line for module in ALL for line in rule(module)]
    assert not found, "\n" + "\n".join(found)


def test_the_median_source_file_is_short() -> None:
    sizes = [module.lines for module in ALL if module.package != "tests" and module.lines]
    assert statistics.median(sizes) <= MEDIAN_LINES_MAX


def test_every_source_folder_has_a_folder_of_tests() -> None:
    missing = set()
    for module in ALL:
        if module.package == "tests" or not module.lines or "migrations" in module.path.parts:
            continue  # migrations are run by the tests of the store, whatever their number
        if module.path.name != "__init__.py":
            mirror = ROOT / "tests" / module.path.parent
            if not any(mirror.glob("test_*.py")):
                missing.add(f"tests/{module.path.parent} has no tests for {module.path.parent}")
    assert not missing, "\n" + "\n".join(sorted(missing))


def test_every_test_stands_where_its_source_does() -> None:
    stray = []
    for module in ALL:
        if module.package == "tests" and len(module.path.parts) > 2 and module.path.parts[1] in PACKAGES:
            folder = ROOT.joinpath(*module.path.parent.parts[1:])
            if not folder.is_dir():
                stray.append(f"{module.path}: there is no {folder.relative_to(ROOT)}")
    assert not stray, "\n" + "\n".join(stray)


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {ROOT / module.path.parent for module in ALL if module.package == "tests"}
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").exists()]


def test_every_runtime_dependency_has_a_reason_beside_it() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^dependencies = \[\n(.*?)^\]", text, re.DOTALL | re.MULTILINE)
    assert block is not None
    bare = [line for line in block[1].splitlines() if line.strip().startswith('"') and not re.search(r",\s+# \S", line)]
    assert not bare


def test_locks_name_no_host() -> None:
    for lock in ("requirements.lock", "requirements-dev.lock"):
        assert not re.search(r"https?://|--(extra-)?index-url", (ROOT / lock).read_text(encoding="utf-8")), lock


def test_only_one_function_supervises() -> None:
    found = [
        f"{module.path}: {function.name}"
        for module in ALL
        if module.package != "tests"
        for function in functions(module)
        if function.name == "supervise"
    ]
    assert len(found) <= 1, found
