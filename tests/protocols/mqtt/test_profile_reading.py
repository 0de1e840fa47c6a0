"""A profile that is wrong is refused with the key, the value and what could stand there."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import mqtt_profiles
from protocols.mqtt import MIRROR, OURS, Command, Envelope, read_profile

VILLAGE: dict[str, Any] = tomllib.loads((Path(__file__).parent / "village.toml").read_text(encoding="utf-8"))
TRACK = ("commands", "stop", 0, "message", "track")


def flaws_of(table: dict[str, Any]) -> list[tuple[str, str]]:
    profile, flaws = read_profile("x", table)
    assert (profile is None) == bool(flaws)
    return [(flaw.where, flaw.what) for flaw in flaws]


def changed(*path: str | int, to: Any = None, gone: bool = False) -> dict[str, Any]:
    """The village's profile with another value at a place."""
    table = copy.deepcopy(VILLAGE)
    holder: Any = table
    for step in path[:-1]:
        holder = holder[step]
    if gone:
        del holder[path[-1]]
    else:
        holder[path[-1]] = to
    return table


@pytest.mark.parametrize("name", mqtt_profiles.SHIPPED)
def test_every_profile_of_the_program_is_sound(name: str) -> None:
    profile, flaws = mqtt_profiles.read(name)
    assert (flaws, profile is not None) == ((), True)


def test_ours_are_what_the_files_say() -> None:
    assert mqtt_profiles.load("ebcd") == OURS
    assert mqtt_profiles.load("ebcd-json") == MIRROR


def test_only_ours_carry_a_signature_and_only_what_says_an_end_ends_itself() -> None:
    profiles = {name: mqtt_profiles.load(name) for name in mqtt_profiles.SHIPPED}
    assert {name for name, each in profiles.items() if each.signed} == {"ebcd", "ebcd-json"}
    assert {name for name, each in profiles.items() if each.ends_itself} == {"ebcd", "ebcd-json"}


def test_a_fourth_profile_needs_a_file_only() -> None:
    profile, flaws = read_profile("village", VILLAGE)
    assert flaws == ()
    assert profile is not None
    assert profile.vendor is not None
    assert (profile.envelope, set(profile.vendor.commands)) == (
        Envelope.JSON,
        set(Command) - {Command.REBOOT},
    )


@pytest.mark.parametrize(
    ("table", "flaw"),
    [
        (changed("form", to=2), ("form", "choice")),
        (changed("form", gone=True), ("form", "choice")),
        (changed("envelope", to="xml"), ("envelope", "choice")),
        (changed("colour", to="red"), ("colour", "unknown_key")),
        (changed("identity", to="name"), ("identity", "choice")),
        (changed("volume_max", to=0), ("volume_max", "at_least")),
        (changed("volume_max", to="loud"), ("volume_max", "type.integer")),
        (changed("volume_own", gone=True), ("volume_own", "missing")),
        (changed("repeatable", to=1), ("repeatable", "type.boolean")),
        (changed("repeatable", gone=True), ("repeatable", "missing")),
        (changed("topics", to=[]), ("topics", "type.table")),
        (changed("topics", "command", gone=True), ("topics.command", "missing")),
        (changed("topics", "command", to="all"), ("topics.command", "profile_topic")),
        (changed("topics", "command", to="a/+/{id}"), ("topics.command", "profile_topic")),
        (changed("topics", "command", to="{id}/{id}/x"), ("topics.command", "profile_topic")),
        (changed("topics", "command", to="{id}"), ("topics.command", "profile_topic")),
        (changed("topics", "returns", "ack", to="x{id}/y"), ("topics.returns.ack", "profile_topic")),
        (changed("results", "bad", to=7), ("results.bad", "choice")),
        (changed("nested", to="data"), ("nested", "type.list")),
        (changed("commands", "sing", to=[]), ("commands.sing", "unknown_key")),
        (changed("commands", "stop", gone=True), ("commands.stop", "missing")),
        (changed("commands", "start", to=[]), ("commands.start", "missing")),
        (changed("commands", "start", 0, "message", "list", to=[]), ("commands.start", "profile_no_url")),
        (changed("commands", "start", 0, "message", "for", to=1), ("ends_itself", "profile_no_end")),
        (changed(*TRACK, to="{url}"), ("commands.stop[0].message.track", "profile_blank")),
        (changed(*TRACK, to="{}"), ("commands.stop[0].message.track", "profile_blank")),
        (changed(*TRACK, to=1.5), ("commands.stop[0].message.track", "type.text")),
        (changed("commands", "stop", 0, "message", gone=True), ("commands.stop[0].message", "missing")),
        (changed("commands", "stop", 0, "mesage", to={}), ("commands.stop[0].mesage", "unknown_key")),
        (changed("reports", 0, "topic", to="acks"), ("reports[0].topic", "choice")),
        (changed("reports", 0, "means", to="maybe"), ("reports[0].means", "choice")),
        (changed("reports", 0, "when", gone=True), ("reports[0].when", "missing")),
        (changed("reports", 0, "when", to={"a": [1]}), ("reports[0].when.a", "type.text")),
        (changed("reports", 0, "command", gone=True), ("reports[0].command", "missing")),
        (changed("reports", 0, "result", gone=True), ("reports[0].result", "missing")),
        (changed("reports", 6, "request", gone=True), ("reports[6].ebm", "profile_no_message")),
        (changed("reports", 2, "command", to="start"), ("reports[2].command", "profile_not_here")),
        (changed("reports", to=VILLAGE["reports"][1:6]), ("reports", "profile_deaf")),
        (changed("reports", to=VILLAGE["reports"] * 10), ("reports", "at_most")),
        (changed("topics", "returns", "ack", to="device/ack"), ("reports[0].id", "profile_nobody")),
    ],
)  # fmt: skip
def test_a_flaw_names_its_key(table: dict[str, Any], flaw: tuple[str, str]) -> None:
    assert flaw in flaws_of(table)


def test_a_flaw_names_the_value_and_the_choices() -> None:
    _, flaws = read_profile("x", changed("reports", 0, "means", to="maybe"))
    assert (flaws[0].value, "online, offline, idle" in str(flaws[0].values["choices"])) == ("maybe", True)


def test_a_promise_to_play_a_repeated_start_once_needs_something_to_tell_it_by() -> None:
    table = changed("commands", "start", 0, "message", "track", to="x")
    table["commands"]["start"][0]["message"]["name"] = "y"
    assert ("repeatable", "profile_no_seq") in flaws_of(table)


@pytest.mark.parametrize("key", ["commands", "reports", "identity", "ends_itself"])
def test_our_own_envelopes_take_no_words_of_others(key: str) -> None:
    table = {"form": 1, "envelope": "frame", "topics": {"root": "eb/v1"}, key: {}}
    assert (key, "profile_not_here") in flaws_of(table)


@pytest.mark.parametrize("root", ["", "a//b", "a/+", "x" * 65, "#"])
def test_a_root_is_levels_without_wildcards(root: str) -> None:
    found = flaws_of({"form": 1, "envelope": "frame", "topics": {"root": root}})
    assert found == [("topics.root", "profile_topic")]


def _places(value: Any) -> list[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, inner in items for found in ((value, key), *_places(inner))]


@given(
    number=st.integers(0, 10**6),
    value=st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just([]) | st.just([{}]),
)
def test_whatever_stands_in_a_place_is_taken_or_named_and_never_breaks(number: int, value: Any) -> None:
    table = copy.deepcopy(VILLAGE)
    places = _places(table)
    holder, key = places[number % len(places)]
    holder[key] = value
    flaws_of(table)
