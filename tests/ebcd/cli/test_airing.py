"""`ebcd fm tell`: how orders are written, what is shown before and after, in both languages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, RenderableType

from ebcd.airing.values import AirLink, AirPlan, AirSaid, LinkSaid, Note
from ebcd.airing.wish import What, Wish
from ebcd.api.airing import routes
from ebcd.cli.airing import FORMS, PLACES_MAX, body_of, plan_shown, said_shown
from ebcd.cli.session import Failure
from ebcd.identity import Operators
from ebcd.operator import Actor, AreaName
from tests.ebcd.cli.conftest import TOKENS, ControlRoom, serving

HORN = "63411232010010314010401"
LINK = AirLink("fm-1", True, ("B85901F6341123201001031401040132FF",), 19, 3, 1.66, 4.99)


def plan(what: str = "volume", type_: int = 23, values: dict[str, str] | None = None, **changes: Any) -> AirPlan:
    keys: dict[str, Any] = {
        "addresses": (HORN,),
        "devices": 1,
        "places": (AreaName("341123201001", "", 1),),
        "links": (LINK,),
        "notes": (),
        "twice": False,
        "longest_s": 160.0,
        "digest": "0" * 64,
    }
    return AirPlan(what, type_, {"percent": "30"} if values is None else values, **(keys | changes))


def shown(table: RenderableType) -> str:
    console = Console(width=240)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def test_each_order_has_a_form() -> None:
    assert set(FORMS) == {what.value for what in What}


@pytest.mark.parametrize(
    ("written", "body"),
    [
        ("code 0123456789AB 63411232010010314010401", {"phys": "0123456789AB", "code": HORN}),
        ("return 10.1.1.1:8889", {"address": "10.1.1.1:8889"}),
        ("period 600", {"seconds": 600}),
        ("query 6,0B 11", {"parameters": [6, 11, 17]}),
        ("volume 30%", {"percent": 30}),
        ("amplifier off", {"on": False}),
        ("reset", {}),
        ("factory-reset", {}),
        ("maintenance on 90", {"on": True, "seconds": 90}),
        ("maintenance on", {"on": True}),
        ("maintenance off", {"on": False}),
    ],
)
def test_an_order_is_written_in_words_and_asked_for_as_json(written: str, body: dict[str, Any]) -> None:
    what, *values = written.split()
    assert body_of(what, values, "", "en") == {"what": what, **body}


def test_a_default_frequency_is_given_in_megahertz() -> None:
    assert body_of("reset", [], "98.5", "en") == {"what": "reset", "default_khz": 98_500}


@pytest.mark.parametrize(
    ("written", "default", "part"),
    [
        ("volume", "", "ebcd fm tell volume PERCENT"),
        ("volume loud", "", "given: volume loud"),
        ("amplifier maybe", "", "amplifier on|off"),
        ("maintenance off 30", "", "maintenance on [SECONDS]|off"),
        ("reset now", "", "reset [--default MHZ]"),
        ("reset", "FM", "given: reset --default FM"),
        ("volume 30", "98.5", "--default goes with reset only"),
        ("sing", "", "code, return, period, query"),
    ],
)
def test_what_is_written_otherwise_is_answered_with_the_form(written: str, default: str, part: str) -> None:
    what, *values = written.split()
    with pytest.raises(Failure, match=re.escape(part)) as failure:
        body_of(what, values, default, "en")
    assert failure.value.status == 2


SAID = [
    ("code", 1, {"phys": "01", "code": HORN}),
    ("maintenance", 2, {"switch": "on", "seconds": "60"}),
    ("maintenance", 2, {"switch": "off"}),
    ("return", 4, {"address": "10.1.1.1:8889"}),
    ("period", 5, {"seconds": "600"}),
    ("query", 8, {"parameters": "06"}),
    ("reset", 12, {}),
    ("reset", 12, {"default": "98.50"}),
    ("factory-reset", 13, {}),
    ("volume", 23, {"percent": "30"}),
    ("amplifier", 24, {"switch": "on"}),
    ("amplifier", 24, {"switch": "off"}),
]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("what", "type_", "values"), SAID)
def test_the_packet_is_named_in_words_with_its_type_and_values(
    what: str, type_: int, values: dict[str, str], language: str
) -> None:
    told = shown(plan_shown(plan(what, type_, values), language))
    first = told.splitlines()[0]
    assert str(type_) in first
    assert all(value in first for name, value in values.items() if name != "switch")
    assert bool(re.search(r"[一-鿿]", told)) == (language == "zh")
    assert "_" not in told


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("note", list(Note))
def test_each_note_is_said_in_words(note: Note, language: str) -> None:
    told = shown(plan_shown(plan(notes=(note,)), language))
    assert note.value not in told
    assert ("Note" in told) == (language == "en")


def test_seconds_of_air_are_shown_and_the_packet_on_demand() -> None:
    told = shown(plan_shown(plan(), "en"))
    assert re.search(r"fm-1 .* up .* 1 .* 19 .* 3 .* 1\.7 .* 5\.0", told)
    assert "Nobody answers over FM" in told
    assert LINK.packets[0] not in told
    assert f"fm-1: {LINK.packets[0]}" in shown(plan_shown(plan(), "en", hexadecimal=True))


def test_a_province_is_counted_and_not_printed_whole() -> None:
    places = tuple(AreaName(f"3411232{n:05d}", f"village {n}", 2) for n in range(PLACES_MAX + 3))
    told = shown(plan_shown(plan(places=places, twice=True, devices=86), "en"))
    assert told.count("village") == PLACES_MAX
    assert "name each --to once more by --again" in told
    assert re.search(r"… .* 6 ", told)


def test_what_became_of_it_is_said_link_by_link() -> None:
    links = (LinkSaid("fm-1", True, 1_760_000_000, ""), LinkSaid("fm-2", False, None, "an alert came first"))
    told = shown(said_shown(AirSaid("F1-1", plan(), links), "zh"))
    assert "fm-1：已播出，2025-10-09 16:53:20 结束" in told
    assert "fm-2：未播出：有消息开始播出" in told
    assert "F1-1" in told


def test_without_a_terminal_it_wants_a_yes_and_asks_the_daemon_nothing(room: ControlRoom) -> None:
    answer = room.type("fm", "tell", "volume", "30", "--to", HORN)
    assert (answer.status, "--yes" in answer.err) == (2, True)


class Desk:
    """Shows one plan and says it, or does not."""

    def __init__(self, *, said: bool = True) -> None:
        self.orders: list[tuple[Wish, str, str]] = []
        self._said = said

    def preview(self, wish: Wish) -> AirPlan:
        return plan(wish.what.value, values=wish.told())

    async def say(self, wish: Wish, digest: str, actor: Actor) -> AirSaid:
        self.orders.append((wish, digest, actor.name))
        until, reason = (1_760_000_000, "") if self._said else (None, "an alert came first")
        return AirSaid("F1-1", self.preview(wish), (LinkSaid("fm-1", self._said, until, reason),))


@contextmanager
def counter(folder: Path, desk: Desk) -> Iterator[ControlRoom]:
    with serving(folder, routes(desk, Operators(TOKENS))) as room:  # type: ignore[arg-type]
        yield room


@pytest.mark.real
def test_with_a_yes_it_is_shown_said_and_told_as_json(tmp_path: Path) -> None:
    desk = Desk()
    with counter(tmp_path, desk) as room:
        answer = room.type("fm", "tell", "volume", "30", "--to", HORN, "--yes", "--lang", "en")
        assert (answer.status, answer.err) == (0, "")
        assert "the default volume of daily programmes is 30 %" in answer.out
        assert "fm-1: on air, over at 2025-10-09 16:53:20" in answer.out
        ((wish, digest, actor),) = desk.orders
        assert (wish, digest, actor) == (Wish(What.VOLUME, (HORN,), percent=30), "0" * 64, "chen")
        answer = room.type("fm", "tell", "amplifier", "off", "--to", HORN, "--again", HORN, "--yes", "--json")
        assert json.loads(answer.out)["links"][0]["said"] is True
        assert desk.orders[1][0] == Wish(What.AMPLIFIER, (HORN,), (HORN,), on=False)


@pytest.mark.real
def test_what_was_not_said_ends_the_command_with_a_failure(tmp_path: Path) -> None:
    with counter(tmp_path, Desk(said=False)) as room:
        answer = room.type("fm", "tell", "reset", "--to", HORN, "--yes")
        assert (answer.status, "有消息开始播出" in answer.out) == (1, True)


@pytest.mark.real
def test_a_preview_says_nothing(tmp_path: Path) -> None:
    desk = Desk()
    with counter(tmp_path, desk) as room:
        answer = room.type("fm", "tell", "query", "06", "--to", HORN, "--preview", "--json")
        assert (answer.status, json.loads(answer.out)["values"]) == (0, {"parameters": "06"})
        assert desk.orders == []
