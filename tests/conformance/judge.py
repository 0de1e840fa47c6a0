"""The register held against the code and the tests: what each row has, and what does not fit together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance.citations import Citation, citations
from tests.conformance.code import CodeCitation, Place, cited_in_source
from tests.conformance.proofs import Proof, marked, vectors
from tests.conformance.register import Gap, Register, Row


@dataclass
class Evidence:
    """What one row has."""

    row: Row
    places: set[Place] = field(default_factory=set)
    proofs: set[Proof] = field(default_factory=set)

    @property
    def complete(self) -> bool:
        """Whether it is done in code and proved by a test."""
        return bool(self.places and self.proofs)

    @property
    def state(self) -> str:
        """One word for people."""
        if self.row.gap is not None:
            return str(self.row.gap)
        return "simulated" if self.places and all(place.simulated for place in self.places) else "done"


@dataclass
class Judgement:
    """Evidence per row, and everything that must be put right, each with what to do."""

    clauses: Mapping[str, Mapping[str, Evidence]]
    requirements: Mapping[str, Mapping[str, Evidence]]
    problems: list[str] = field(default_factory=list)


def judge_repository(root: Path, register: Register) -> Judgement:
    """The repository at `root`. Raises MarkError."""
    return judge(register, cited_in_source(root), [*marked(root), *vectors(root)])


def judge(register: Register, cited: Iterable[CodeCitation], proofs: Iterable[Proof]) -> Judgement:
    """Put everything to its row."""
    judgement = Judgement(
        {name: {key: Evidence(row) for key, row in each.rows.items()} for name, each in register.standards.items()},
        {name: {key: Evidence(row) for key, row in each.rows.items()} for name, each in register.requirements.items()},
    )
    sources = _requirements_by_clause(register)
    for each in cited:
        _put_code(register, judgement, sources, each)
    for proof in proofs:
        if proof.of == "requirement":
            _put_requirement(judgement, proof)
        else:
            _put_proof(register, judgement, proof)
    judgement.problems += sorted({*_faults_of_clauses(judgement), *_faults_of_requirements(judgement)})
    return judgement


def _requirements_by_clause(register: Register) -> dict[Citation, list[tuple[str, str]]]:
    """Clauses of standards that have no chapter of their own (079, 088) -> requirements that rest on them."""
    found: dict[Citation, list[tuple[str, str]]] = {}
    for name, chapter in register.requirements.items():
        for row in chapter.rows.values():
            for citation in citations(row.source):
                found.setdefault(Citation(citation.standard, citation.place), []).append((name, row.key))
    return found


def _put_code(
    register: Register,
    judgement: Judgement,
    sources: Mapping[Citation, list[tuple[str, str]]],
    each: CodeCitation,
) -> None:
    resting = sources.get(Citation(each.citation.standard, each.citation.place), ())
    for chapter, key in resting:
        judgement.requirements[chapter][key].places.add(each.place)
    if (found := register.resolve(each.citation, each.context)) is not None:
        name, row = found
        judgement.clauses[name][row.key].places.add(each.place)
    elif not resting and register.is_unknown(each.citation, each.context):
        named = each.citation.standard or " or ".join(each.context)
        judgement.problems.append(
            f"{each.place} cites {named} {each.citation.place}, which is in no list: correct it, or add the row"
        )


def _put_requirement(judgement: Judgement, proof: Proof) -> None:
    for rows in judgement.requirements.values():
        if proof.what in rows:
            rows[proof.what].proofs.add(proof)
            return
    judgement.problems.append(f"{proof}: requirement {proof.what} is in no list")


def _put_proof(register: Register, judgement: Judgement, proof: Proof) -> None:
    places = [each for each in citations(proof.what) if each.standard]
    if not places:
        judgement.problems.append(f'{proof}: "{proof.what}" names no clause; write it as "GD/J 089 table A.12"')
    for citation in places:
        if (found := register.resolve(citation, ())) is not None:
            name, row = found
            judgement.clauses[name][row.key].proofs.add(proof)
        else:
            judgement.problems.append(f"{proof}: {citation.standard} {citation.place} is in no list")


def _faults_of_clauses(judgement: Judgement) -> Iterable[str]:
    for name, rows in judgement.clauses.items():
        for each in rows.values():
            where, gap = f"{name} {each.row.key} ({each.row.title})", each.row.gap
            if gap is None or gap is Gap.PARTLY:
                if not each.places:
                    yield f"{where}: no code cites it; cite it where it is done, or name the gap"
                if not each.proofs:
                    yield f"{where}: no test is marked with it; mark the test that proves it, or name the gap"
            elif each.complete:
                yield f"{where}: has code and a test, so it is no gap any more ({gap}: {each.row.reason})"


def _faults_of_requirements(judgement: Judgement) -> Iterable[str]:
    for rows in judgement.requirements.values():
        for each in rows.values():
            where, gap = f"{each.row.key} ({each.row.title})", each.row.gap
            if gap is None or gap is Gap.PARTLY:
                if not each.proofs:
                    yield f"{where}: no test is marked with it; mark the test that proves it, or name the gap"
            elif each.proofs:
                yield f"{where}: has a test, so it is no gap any more ({gap}: {each.row.reason})"
