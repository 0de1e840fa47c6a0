"""What the documents show can be typed, and prints what they show (style habit 18)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.readme_blocks import Shown, agrees, run, shown_commands

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(str(file.relative_to(ROOT)) for file in [*ROOT.glob("README*.md"), *(ROOT / "docs").glob("*.md")])


@pytest.mark.real
@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_commands_of_a_document_print_what_it_shows(document: str, tmp_path: Path) -> None:
    for shown in shown_commands((ROOT / document).read_text(encoding="utf-8")):
        printed = run(shown.command, ROOT, tmp_path)
        assert agrees(shown.output, printed), f"{document}:{shown.line}: $ {shown.command}\nprints\n{printed}"


def test_only_marked_blocks_are_commands_to_run() -> None:
    document = "a\n```console\n$ rm -r /\n```\n```console run\n$ echo 1\n1\n$ echo 2\n2\n```\n"
    assert list(shown_commands(document)) == [Shown(6, "echo 1", "1"), Shown(8, "echo 2", "2")]


@pytest.mark.parametrize(
    ("promised", "printed", "expected"),
    [
        ("one\ntwo", "one\ntwo", True),
        ("one\ntwo", "one\nthree", False),
        ("one\n...\nend", "one\n2\n3\nend", True),
        ("one\n...\nend", "one\nend", True),
        ("one\n...", "one\n2\n3", True),
        ("took ... s", "took 0.3 s", True),
        ("took ... s", "took 0.3\n s", False),
        ("a.c", "abc", False),
        ("", "anything", False),
    ],
)
def test_output_agrees_line_by_line_except_where_dots_stand(promised: str, printed: str, *, expected: bool) -> None:
    assert agrees(promised, printed) is expected


@pytest.mark.real
def test_a_command_that_fails_shows_its_status(tmp_path: Path) -> None:
    assert run("echo oops; exit 3", ROOT, tmp_path) == "oops\n[exit status 3]"
