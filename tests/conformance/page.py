"""docs/conformance.md as it must read today."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from tests.conformance.judge import Evidence, Judgement
from tests.conformance.register import Chapter, Register

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "conformance.md"
COMMAND: Final = "python -m tests.conformance"
PLACES_SHOWN_MAX: Final = 3
PROOFS_SHOWN_MAX: Final = 2
STATES: Final = {
    "done": "code cites it and a test proves it",
    "simulated": "the same, but only by the simulated devices: a duty of others",
    "partly": "done and proved, but for what the list of gaps says",
    "missing": "ours to do; not done, or not proved",
    "outside": "another medium, another machine or another party",
    "hardware": "no program can do it",
    "undefined": "the text says too little to build it",
}
_INTRODUCTION: Final = (
    f"Made by `make conformance` (`{COMMAND}`); a test fails when it is not what the code says today.",
    "Clauses stand in `tests/conformance/standards/`, ids in `tests/conformance/requirements.toml`, each with a title",
    "in our own words and, where something is missing, the reason. Where a clause is done is read from the citations",
    "in docstrings and comments; which test proves it, from the marks on tests that pytest collects and never skips,",
    f'and from vectors that name their clause. `{COMMAND} "GD/J 089 table A.12"` shows everything of one',
    f"clause, `{COMMAND} R-PERF-01` of one id.",
)
_PACKAGE_ORDER: Final = ("protocols", "devices", "ebcd", "simulators")


def page(register: Register, judgement: Judgement) -> str:
    """The whole page."""
    return "\n".join(
        [
            "# Conformance",
            "",
            *_INTRODUCTION,
            "",
            *(f"- *{state}*: {meaning}" for state, meaning in STATES.items()),
            "",
            'Texts of 2018 and before; of the 2023 editions nothing was available. "Proved" means by tests: no real',
            "device and no real platform was attached.",
            "",
            *_summary(register.standards, judgement.clauses, "standard"),
            "",
            "The ids of the county requirements (GD/J 088, GD/J 079):",
            "",
            *_summary(register.requirements, judgement.requirements, "section"),
            *_part(register.standards, judgement.clauses, "clause"),
            "",
            "# County requirements",
            *_part(register.requirements, judgement.requirements, "id"),
            "",
        ]
    )


def _summary(
    chapters: Mapping[str, Chapter], evidence: Mapping[str, Mapping[str, Evidence]], noun: str
) -> Iterable[str]:
    yield f"| {noun} | rows | {' | '.join(STATES)} |"
    yield "|---" * (len(STATES) + 2) + "|"
    total: Counter[str] = Counter()
    for name in chapters:
        states = Counter(each.state for each in evidence[name].values())
        total += states
        yield f"| [{name}](#{_anchor(name)}) | {states.total()} | {' | '.join(_number(states[s]) for s in STATES)} |"
    yield f"| all | {total.total()} | {' | '.join(_number(total[s]) for s in STATES)} |"


def _number(count: int) -> str:
    return str(count) if count else ""


def _anchor(name: str) -> str:
    """As the page's heading is linked to: letters, digits and dashes."""
    return "".join(c for c in name.lower().replace(" ", "-") if c.isalnum() or c == "-")


def _part(chapters: Mapping[str, Chapter], evidence: Mapping[str, Mapping[str, Evidence]], noun: str) -> Iterable[str]:
    for name, chapter in chapters.items():
        rows = evidence[name]
        yield from ("", f"## {name}", "", f"{chapter.title}.", "")
        yield f"| {noun} | what | state | where | proved by |"
        yield "|---|---|---|---|---|"
        yield from (_row(each) for each in rows.values())
        gaps = [each.row for each in rows.values() if each.row.gap is not None]
        if gaps:
            yield from ("", "Gaps:", "")
            yield from (f"- **{row.key}** ({row.gap}): {row.reason}." for row in gaps)


def _row(each: Evidence) -> str:
    places = sorted(each.places, key=lambda place: (_PACKAGE_ORDER.index(place.module.split(".")[0]), place))
    proofs = dict.fromkeys(str(proof) for proof in sorted(each.proofs))
    where = _some([f"`{place}`" for place in places], PLACES_SHOWN_MAX)
    return f"| {each.row.key} | {each.row.title} | {each.state} | {where} | {_some(list(proofs), PROOFS_SHOWN_MAX)} |"


def _some(items: list[str], shown_max: int) -> str:
    more = len(items) - shown_max
    return ", ".join(items[:shown_max]) + (f" and {more} more" if more > 0 else "")


def details(judgement: Judgement, key: str) -> str:
    """Everything of one clause (`GD/J 089 table A.12`) or id, for a terminal. Raises KeyError."""
    for name, rows in [*judgement.clauses.items(), *judgement.requirements.items()]:
        for each in rows.values():
            if key in {each.row.key, f"{name} {each.row.key}"} and (name in key or name in judgement.requirements):
                places = (f"  {place}" for place in sorted(each.places))
                proofs = (f"  {proof.file}: {proof.name}" for proof in sorted(each.proofs))
                reason = [f"  {each.row.reason}"] if each.row.reason else []
                return "\n".join([f"{key} ({each.row.title}): {each.state}", *reason, *places, *proofs])
    raise KeyError(key)
