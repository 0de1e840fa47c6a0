"""A roster as values and as a table: turns, who is on duty at a moment, gaps. Pure.

    begin,end,operator,phone,email          开始,结束,值班员,电话,邮箱
    2026-12-01 08:00,2026-12-01 20:00,chen,13800000000,

Moments are Beijing time. A turn that ends at the hour at which the next begins leaves no gap.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from ebcd.clock import BEIJING, beijing
from ebcd.errors import Problem

COLUMNS = ("begin", "end", "operator", "phone", "email")
CHINESE = dict(zip(("开始", "结束", "值班员", "电话", "邮箱"), COLUMNS, strict=True))
NEEDED = COLUMNS[:3]
TURNS_MAX = 10_000
TURN_S_MAX = 31 * 86_400.0
FOREVER = float("inf")
_PHONE, _EMAIL = re.compile(r"(\+?\d{3,20})?"), re.compile(r"([^@\s]+@[^@\s]+)?")
_MOMENT = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """One person for one time, UTC seconds, the end not included. Personal data: it stays out of journal and logs."""

    begin: float
    end: float
    operator: str
    phone: str = ""
    email: str = ""


class Roster:
    """Turns in the order of their begin; several people may be on duty at once."""

    def __init__(self, turns: Iterable[Turn] = ()) -> None:
        self.turns = tuple(sorted(turns))

    def at(self, moment: float) -> tuple[Turn, ...]:
        """Who is on duty then."""
        return tuple(turn for turn in self.turns if turn.begin <= moment < turn.end)

    def gaps(self, since: float, until: float) -> Iterator[tuple[float, float]]:
        """Where nobody is, as far as it touches the time between; the last one has no end. A roster without turns has
        none: nobody plans."""
        covered = self.turns[0].end if self.turns else FOREVER
        for turn in self.turns:
            if turn.begin > covered and turn.begin > since and covered < until:
                yield covered, turn.begin
            covered = max(covered, turn.end)
        if covered < until:
            yield covered, FOREVER

    def overlaid(self, newer: Collection[Turn]) -> Roster:
        """The newer turns, and what the older ones leave beside them."""
        kept = list(self.turns)
        for new in newer:
            kept = [piece for turn in kept for piece in _without(turn, new.begin, new.end)]
        return Roster((*kept, *newer))

    def content(self) -> bytes:
        """As a file."""
        out = io.StringIO(newline="")
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(COLUMNS)
        for turn in self.turns:
            rows.writerow((moment_text(turn.begin), moment_text(turn.end), turn.operator, turn.phone, turn.email))
        return out.getvalue().encode()


def _without(turn: Turn, begin: float, end: float) -> Iterator[Turn]:
    if turn.begin < min(turn.end, begin):
        yield replace(turn, end=min(turn.end, begin))
    if max(turn.begin, end) < turn.end:
        yield replace(turn, begin=max(turn.begin, end))


def moment_text(at: float) -> str:
    """As the table has it."""
    return beijing(at).strftime(_MOMENT)


def parse(content: bytes, file: str, people: Collection[str]) -> tuple[tuple[Turn, ...], list[Problem]]:
    """A table's turns, and everything that is wrong in it; `people`: the names that may stand in it."""
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    except UnicodeDecodeError as error:
        return (), [Problem(file, "", "", "not_utf8", {"offset": error.start})]
    except csv.Error as error:
        return (), [Problem(file, "", "", "other", {"detail": str(error)})]
    header = [CHINESE.get(name.strip(), name.strip().lower()) for name in (rows[0] if rows else ())]
    if missing := [name for name in NEEDED if name not in header]:
        return (), [Problem(file, "", "", "roster_columns", {"missing": ", ".join(missing)}, 1)]
    if len(rows) > TURNS_MAX:
        return (), [Problem(file, "", str(len(rows) - 1), "roster_long", {"limit": TURNS_MAX})]
    turns, problems = [], []
    for number, cells in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in cells):
            continue
        row = {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
        turn, wrong = _turn(row, people)
        problems += [Problem(file, name, row.get(name, ""), what, values, number) for name, what, values in wrong]
        if turn is not None and not wrong:
            turns.append(turn)
    return tuple(turns), problems


Wrong = tuple[str, str, dict[str, object]]


def _turn(row: dict[str, str], people: Collection[str]) -> tuple[Turn | None, list[Wrong]]:
    """One row, and (column, problem, values) for each thing that is wrong in it."""
    wrong: list[Wrong] = []
    begin, end = _moment(row.get("begin", "")), _moment(row.get("end", ""))
    wrong += [(name, "roster_moment", {}) for name, at in (("begin", begin), ("end", end)) if at is None]
    if begin is not None and end is not None and not 0 < end - begin <= TURN_S_MAX:
        wrong.append(("end", "roster_span", {"days": int(TURN_S_MAX // 86_400)}))
    operator, phone, email = (row.get(name, "") for name in ("operator", "phone", "email"))
    if operator not in people:
        wrong.append(("operator", "roster_person", {"people": ", ".join(sorted(people))}))
    if not _PHONE.fullmatch(phone):
        wrong.append(("phone", "roster_phone", {}))
    if not _EMAIL.fullmatch(email):
        wrong.append(("email", "roster_email", {}))
    if wrong or begin is None or end is None:
        return None, wrong
    return Turn(begin, end, operator, phone, email), wrong


def _moment(words: str) -> float | None:
    for form in (_MOMENT, "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y/%m/%d %H:%M"):
        try:
            return datetime.strptime(words, form).replace(tzinfo=BEIJING).timestamp()
        except ValueError:
            continue
    return None
