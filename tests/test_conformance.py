"""docs/conformance.md says what is true today, and whoever reads citations reads them rightly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.citations import Citation, citations, standards_named
from tests.conformance.code import Place, cited_in_module
from tests.conformance.judge import Judgement, judge, judge_repository
from tests.conformance.page import PAGE, ROOT, details, page
from tests.conformance.proofs import MarkError, Proof, collected, vectors
from tests.conformance.register import Chapter, Gap, Register, Row, load

REGISTER = Register(
    {
        "GD/J 089": Chapter(
            "GD/J 089",
            "loudspeakers",
            {
                "table A.12": Row("table A.12", "start"),
                "table A.13": Row("table A.13", "codes", Gap.MISSING, "not sent"),
                "clause A.2": Row("clause A.2", "transport", Gap.PARTLY, "short ones only"),
            },
        ),
        "GD/J 085": Chapter("GD/J 085", "FM", {"clause 5.2.11": Row("clause 5.2.11", "start", also=("type 11",))}),
    },
    {
        "1": Chapter(
            "1", "all", {"R-SYS-01": Row("R-SYS-01", "act"), "R-SYS-06": Row("R-SYS-06", "x", Gap.OUTSIDE, "y")}
        )
    },
)
SOURCE = '''"""Frames (GD/J 089 tables A.12-A.13)."""

LIMIT = 3  # table A.12


class Start:
    """A start."""

    def encode(self) -> bytes:
        """The bytes (annex A.2)."""
        return b""  # GD/J 085 clause 5.2.11
'''


def places(source: str) -> set[tuple[str, str]]:
    return {(str(each.place), each.citation.place) for each in cited_in_module(source, "protocols.x")}


def judged(source: str, *proofs: Proof) -> Judgement:
    return judge(REGISTER, cited_in_module(source, "protocols.x"), proofs)


def proof(what: str, of: str = "clause") -> Proof:
    return Proof("tests/test_x.py", "test_y", what, of)


@pytest.mark.real
@pytest.mark.timeout(240)
def test_the_page_is_what_code_and_tests_say_today_and_every_gap_has_a_name() -> None:
    register = load()
    judgement = judge_repository(ROOT, register)
    assert judgement.problems == [], "\n" + "\n".join(judgement.problems)
    assert PAGE.read_text(encoding="utf-8") == page(register, judgement), "run: make conformance"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("GD/J 089 table A.12", {("GD/J 089", "table A.12")}),
        ("GD/J 089-2018 tables A.12, A.15 and D.5", {("GD/J 089", f"table {t}") for t in ("A.12", "A.15", "D.5")}),
        ("(089 annex E)", {("GD/J 089", "annex E")}),
        ("GD/J 085 5.2.11", {("GD/J 085", "clause 5.2.11")}),
        ("085 clause 6.1", {("GD/J 085", "clause 6.1")}),
        ("GD/J 089 annex A.4", {("GD/J 089", "clause A.4")}),
        ("EN 50067 3.1.5.1", {("EN 50067", "clause 3.1.5.1")}),
        ("IEC 62106-10 clause 7", {("SPB 490", "clause 7")}),
        ("SPB 490, element 0A", {("SPB 490", "element 0A")}),
        ("GB/T 32918.2 clause 6.1", {("GB/T 32918", "clause 6.1")}),
        (
            "GD/J 089 A.2, tables A.3-A.5",
            {("GD/J 089", p) for p in ("clause A.2", "table A.3", "table A.4", "table A.5")},
        ),
        ("GD/J 085 clauses 5.2.9 to 5.2.11", {("GD/J 085", f"clause 5.2.{n}") for n in (9, 10, 11)}),
        ("Type 11: a start", {("", "type 11"), ("", "Type")}),
        ("table A.12 row 3", {("", "table A.12")}),
        ("the value 5.2 of a table, and a b", set()),
        ("crc 0891, id 20890085", set()),
    ],
)
def test_citations_are_read_as_they_are_spelt(text: str, found: set[tuple[str, str]]) -> None:
    words = {(each.standard, each.place) for each in citations(text)}
    assert {each for each in words if each[0] or " " in each[1] or each in found} == found - {("", "Type")}


def test_a_list_of_standards_is_read_with_its_short_numbers() -> None:
    assert standards_named("EBM (GD/J 081, 082 and 083-2018), 089 bytes") == ("GD/J 081", "GD/J 082", "GD/J 083")


def test_a_range_is_written_out_and_known_as_one() -> None:
    first, middle, last = sorted(citations("tables A.12-A.14"), key=lambda each: each.place)
    assert (first.place, middle.place, last.place) == ("table A.12", "table A.13", "table A.14")
    assert all(each.in_range for each in (first, middle, last))


def test_every_citation_has_its_function_and_a_range_about_the_whole_module_cites_nothing() -> None:
    assert {each for each in places(SOURCE) if " " in each[1]} == {
        ("protocols.x.LIMIT", "table A.12"),
        ("protocols.x.Start.encode", "clause A.2"),
        ("protocols.x.Start.encode", "clause 5.2.11"),
    }


def test_a_comment_above_a_function_is_that_functions() -> None:
    source = '"""x"""\n\n# GD/J 089\n# table A.12\ndef f() -> None:\n    """y"""\n'
    assert ("protocols.x.f", "table A.12") in places(source)


def test_strings_of_the_program_are_no_citations() -> None:
    assert places('"""x"""\n\nNAME = f("GD/J 089 table A.12")\n') == set()


def test_a_clause_needs_code_and_test() -> None:
    bare = judged("")
    assert sum("table A.12" in problem for problem in bare.problems) == 2
    done = judged(SOURCE, proof("GD/J 089 table A.12"))
    assert not [problem for problem in done.problems if "table A.12" in problem]
    assert done.clauses["GD/J 089"]["table A.12"].state == "done"


def test_what_only_a_simulator_does_is_called_simulated() -> None:
    cited = cited_in_module('"""x"""\n\n\ndef f() -> None:\n    """GD/J 089 table A.12"""\n', "simulators.x")
    assert judge(REGISTER, cited, [proof("GD/J 089 table A.12")]).clauses["GD/J 089"]["table A.12"].state == "simulated"


def test_a_gap_that_is_covered_is_no_gap_any_more() -> None:
    source = '"""x"""\n\n\ndef f() -> None:\n    """GD/J 089 table A.13"""\n'
    assert not [each for each in judged(source).problems if "table A.13" in each]
    (told,) = [each for each in judged(source, proof("GD/J 089 A.13")).problems if "table A.13" in each]
    assert "no gap any more" in told


def test_what_is_partly_done_needs_code_and_test_too() -> None:
    told = [each for each in judged("").problems if "clause A.2" in each]
    assert len(told) == 2


def test_a_part_of_a_clause_and_another_word_for_it_count_for_its_row() -> None:
    source = '"""FM (GD/J 085)."""\n\n\nclass A:\n    """Type 11."""\n\n\nclass B:\n    """Clause 5.2.11.3."""\n'
    row = judged(source).clauses["GD/J 085"]["clause 5.2.11"]
    assert row.places == {Place("protocols.x", "A"), Place("protocols.x", "B")}


@pytest.mark.parametrize("text", ["GD/J 089 table A.99", "GD/J 085 clause 9.9", "GD/J 089 annex H"])
def test_a_citation_of_what_no_list_has_is_told(text: str) -> None:
    told = judged(f'"""x"""\n\n\ndef f() -> None:\n    """{text}"""\n').problems
    assert [each for each in told if each.startswith("protocols.x.f cites ")]
    assert [each for each in judged("", proof(text)).problems if "is in no list" in each]


def test_a_mark_that_names_no_clause_is_told() -> None:
    assert [each for each in judged("", proof("table A.12")).problems if "names no clause" in each]


def test_requirements_are_done_by_tests_alone() -> None:
    assert len([each for each in judged("").problems if "R-SYS" in each]) == 1
    told = judged(
        "", proof("R-SYS-01", "requirement"), proof("R-SYS-06", "requirement"), proof("R-NO-1", "requirement")
    )
    assert [each.split(":")[0].split(" (")[0] for each in told.problems if "R-" in each] == [
        "test_x",
        "R-SYS-06",
    ]


def test_a_row_can_be_asked_for() -> None:
    judgement = judged(SOURCE, proof("GD/J 089 table A.12"))
    assert "tests/test_x.py: test_y" in details(judgement, "GD/J 089 table A.12")
    assert "outside" in details(judgement, "R-SYS-06")
    with pytest.raises(KeyError):
        details(judgement, "GD/J 089 table Z.1")


@pytest.mark.parametrize(
    "row", ['{ partly = "x" }', '{ is = "a", partly = "b", missing = "c" }', '{ is = "a", why = "b" }']
)
def test_a_row_that_cannot_be_is_refused_by_name(row: str, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(f'name = "X"\ntitle = "x"\n[rows]\n"table 1" = {row}\n')
    (tmp_path / "r.txt").write_text("section = []\n")
    with pytest.raises(ValueError, match="X: table 1"):
        load(tmp_path, tmp_path / "r.txt")


@pytest.mark.real
def test_marks_are_those_of_tests_that_pytest_collects_and_does_not_skip(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    clause\n    requirement\n")
    (folder / "test_x.py").write_text(
        "import pytest\n"
        "pytestmark = pytest.mark.requirement('R-1')\n"
        "@pytest.mark.clause('GD/J 089 table A.12')\n"
        "@pytest.mark.parametrize('n', [1, 2])\n"
        "def test_it(n): ...\n"
        "@pytest.mark.clause('GD/J 089 table A.13')\n"
        "@pytest.mark.skipif(False, reason='elsewhere')\n"
        "def test_skipped(): ...\n"
    )
    assert collected(tmp_path, ["tests/test_x.py"]) == (
        Proof("tests/test_x.py", "test_it", "GD/J 089 table A.12", "clause"),
        Proof("tests/test_x.py", "test_it", "R-1", "requirement"),
    )
    (folder / "test_x.py").write_text("import nothing_of_this_name\n")
    with pytest.raises(MarkError, match="nothing_of_this_name"):
        collected(tmp_path, ["tests/test_x.py"])


def test_a_vector_is_proved_by_the_tests_that_read_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "vectors" / "fm"
    folder.mkdir(parents=True)
    (folder / "a.json").write_text('{"all": [{"name": "start", "clause": "GD/J 089 table A.12"}, {"clause": 0}, {}]}')
    (folder / "b.json").write_text('[{"name": "unread", "clause": "GD/J 089 table A.13"}]')
    (tmp_path / "tests" / "reader.py").write_text('FILE = "vectors/fm/a.json"\n')
    (tmp_path / "tests" / "test_x.py").write_text("from tests.reader import FILE\n")
    assert vectors(tmp_path) == (Proof("tests/test_x.py", "vector start", "GD/J 089 table A.12", "vector"),)


def test_the_two_ends_of_a_citation_are_values() -> None:
    assert Citation("GD/J 089", "table A.12") == citations("GD/J 089 table A.12")[0]
