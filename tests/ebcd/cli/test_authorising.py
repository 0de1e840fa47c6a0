"""What people see before certificates and lists are sent: every device, in both languages, without a slug left over."""

from __future__ import annotations

import re

import pytest
from rich.console import Console

from ebcd.archive.distribution import REFUSALS, TrustRow
from ebcd.archive.listed import Outcome
from ebcd.cli.authorising import ROWS_MAX, plan_table
from tests.ebcd.cli.conftest import ControlRoom

STANDINGS = ("send", "taken", "unreached", "no_receiver", "no_list", *REFUSALS)
HORN = "63411231002010314010401"


def row(standing: str, outcome: str = "", missing: tuple[str, ...] = ()) -> TrustRow:
    return TrustRow(HORN, "石潭村喇叭1", "000000000301", 8, 7, outcome, "ip", "", 2, missing, standing)


def shown(rows: list[TrustRow], language: str) -> str:
    console = Console(width=240, record=True, file=None, quiet=False)
    with console.capture() as captured:
        console.print(plan_table(rows, language))
    return captured.get()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("standing", STANDINGS)
def test_each_standing_is_said_in_words(standing: str, language: str) -> None:
    told = shown([row(standing)], language)
    assert HORN in told
    assert "_" not in told
    assert bool(re.search(r"[一-鿿]", told.replace("石潭村喇叭", ""))) == (language == "zh")


@pytest.mark.parametrize("outcome", list(Outcome))
def test_what_became_of_the_list_before_is_said_beside_its_serial(outcome: Outcome) -> None:
    assert outcome.value not in shown([row("send", outcome)], "zh")


def test_certificates_that_a_list_names_and_nobody_has_are_named() -> None:
    assert "not on file: 000000000999" in shown([row("send", missing=("000000000999",))], "en")


def test_a_province_is_counted_and_not_printed_whole() -> None:
    told = shown([row("send")] * (ROWS_MAX + 5), "en")
    assert told.count(HORN) == ROWS_MAX
    assert f"{ROWS_MAX} of {ROWS_MAX + 5} shown: send {ROWS_MAX + 5}" in told


def test_without_a_terminal_it_wants_a_yes_and_asks_the_daemon_nothing(room: ControlRoom) -> None:
    answer = room.type("cert", "send", "--town", "石潭镇")
    assert (answer.status, "--yes" in answer.err) == (2, True)
