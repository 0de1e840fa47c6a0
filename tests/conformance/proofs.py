"""Which tests prove what: marks of tests that pytest really collects, and vectors that name their clause.

`@pytest.mark.clause("GD/J 089 tables A.12, A.13")` on a test, or `pytestmark` of a file; requirements by
`@pytest.mark.requirement("R-PERF-01", "R-SYS-02")`. A vector is any object under tests/vectors with a `clause` key; the
tests that read its file prove it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.conformance.citations import citations

MARKED: Final = re.compile(r"pytest\.mark\.(?:clause|requirement)\(")
COLLECT_TIMEOUT_S: Final = 100
OUTPUT: Final = "EBCD_CONFORMANCE_MARKS"


@dataclass(frozen=True, slots=True, order=True)
class Proof:
    """A test (`tests/x/test_y.py`, its name) that is said to prove `what`: a citation's text or a requirement's id."""

    file: str
    name: str
    what: str
    of: str  # "clause", "requirement" or "vector"

    def __str__(self) -> str:
        return f"{self.file.removeprefix('tests/').removesuffix('.py')}: {self.name}"


class MarkError(Exception):
    """The tests cannot be collected, so nothing can be said about them."""


def marked(root: Path) -> tuple[Proof, ...]:
    """The marks of every test under `root`/tests that pytest collects and does not skip. Raises MarkError."""
    files = [
        str(file.relative_to(root))
        for file in sorted((root / "tests").rglob("test_*.py"))
        if MARKED.search(file.read_text(encoding="utf-8"))
    ]
    return collected(root, files) if files else ()


def collected(root: Path, files: list[str]) -> tuple[Proof, ...]:
    """What pytest says of these files, in a process of its own: collecting imports them."""
    with tempfile.TemporaryDirectory() as folder:
        marks = Path(folder) / "marks.json"
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "tests.conformance.collecting", *files],
            cwd=root,
            env={**os.environ, OUTPUT: str(marks), "PYTHONPATH": os.pathsep.join([str(root), *sys.path])},
            capture_output=True,
            timeout=COLLECT_TIMEOUT_S,
            check=False,
        )
        if run.returncode:
            raise MarkError((run.stdout + run.stderr).decode("utf-8", "replace")[-2000:])
        return tuple(sorted({Proof(**each) for each in json.loads(marks.read_text(encoding="utf-8"))}))


def vectors(root: Path) -> tuple[Proof, ...]:
    """Vectors that name their clause, each with the test files that read them."""
    found: list[Proof] = []
    tests = {file: file.read_text(encoding="utf-8") for file in sorted((root / "tests").rglob("*.py"))}
    for file in sorted((root / "tests" / "vectors").rglob("*.json")):
        named = list(_named(json.loads(file.read_text(encoding="utf-8")), ""))
        if named:
            readers = _readers(file, root, tests)
            found += [Proof(reader, name, clause, "vector") for reader in readers for name, clause in named]
    return tuple(sorted(set(found)))


def _named(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Name and clause of every object that has one."""
    if isinstance(value, dict):
        clause = value.get("clause", ())
        for each in clause if isinstance(clause, list) else [clause]:
            if isinstance(each, str) and citations(each):
                yield f"vector {value.get('name', name)}", each
        for key, inner in value.items():
            yield from _named(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner, name)


def _readers(vector: Path, root: Path, tests: dict[Path, str]) -> list[str]:
    """Test files that name the vector's file, or import a module of tests that does."""
    path = f"{vector.parent.name}/{vector.stem}"
    name = re.compile(rf"\b{re.escape(path)}\b|[\"']{re.escape(vector.name)}[\"']")
    naming = [file for file, text in tests.items() if name.search(text)]
    modules = [".".join(file.relative_to(root).with_suffix("").parts) for file in naming]
    importing = [file for file, text in tests.items() if any(f"from {module} import" in text for module in modules)]
    return [file.relative_to(root).as_posix() for file in {*naming, *importing} if file.name.startswith("test_")]
