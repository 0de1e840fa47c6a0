"""What can be wrong inside the daemon, by kind. Each says the thing, its value, the limit or choice and the next step.

Errors of the wire are in `protocols.errors`; a refused request of an operator is `ebcd.operator.OperationRefused`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ebcd.catalogue import Language, text


class EbcdError(Exception):
    """Above all errors of the daemon; never raised itself."""


class InvalidAlert(EbcdError):
    """A message cannot be an alert: its window, areas, level, type or content is impossible."""


class ForbiddenTransition(EbcdError):
    """The state table has no such step (`ebcd.lifecycle`)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a file of the configuration.

    `what` names the sentences `config.<what>` and `config.<what>.next` of the catalogue; `values` fill them.
    """

    file: str
    where: str  # "links[3].type", a column, or "" for the whole file
    value: str  # as it stands in the file; "" where nothing stands there
    what: str
    values: Mapping[str, object] = field(default_factory=dict)
    row: int = 0  # line of a table, the header is 1; 0 where the file is no table

    def sentence(self, language: str = Language.EN) -> str:
        """`file: where = value is wrong; next step`."""
        place = f"{self.where} = {self.value}" if self.where and self.value else self.where or self.value
        if self.row:
            place = f"{text('config.row', language, row=self.row)} {place}".rstrip()
        wrong = text(f"config.{self.what}", language, **self.values)
        step = text(f"config.{self.what}.next", language, **self.values)
        if not place:
            return text("config.line_file", language, file=self.file, wrong=wrong, next=step)
        return text("config.line", language, file=self.file, place=place, wrong=wrong, next=step)

    def as_dict(self, language: str = Language.EN) -> dict[str, object]:
        """For `--json`."""
        return {
            "file": self.file,
            "where": self.where,
            "row": self.row,
            "value": self.value,
            "problem": self.what,
            "sentence": self.sentence(language),
        }

    def __str__(self) -> str:
        return self.sentence()


class ConfigError(EbcdError):
    """The configuration cannot be used; holds every problem that was found, not the first one."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)
