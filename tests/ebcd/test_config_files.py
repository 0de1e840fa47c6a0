"""The files of config/ say what the code does: every key, with its default and a reason beside it."""

from __future__ import annotations

import configparser
import copy
import dataclasses
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from devices.registry import LINK_TYPES
from ebcd.inventory_csv import load as load_inventory
from ebcd.settings import load, read_tables
from ebcd.settings.sections import OperatorSection, PeerSection, Sections
from protocols.codes import AreaCode

CONFIG = Path(__file__).parents[2] / "config"
EXAMPLE = CONFIG / "ebcd.toml"
TEXT = EXAMPLE.read_text(encoding="utf-8")
TABLES: dict[str, Any] = tomllib.loads(TEXT)
ALIKE = ("level_2", "level_3", "level_4", "daily", "port", "order", "name", "type")  # explained by what stands above
MODELS: dict[str, type[BaseModel]] = {
    name: field.annotation
    for name, field in Sections.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
}


def _plain(value: object) -> object:
    """A default as TOML would give it."""
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if value is None or isinstance(value, bool | int | float):
        return value
    return f"{value:%H:%M}" if hasattr(value, "hour") else str(value)


def _defaults(model: type[BaseModel]) -> dict[str, object]:
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    return {name: _plain(field.default) for name, field in fields.items() if not field.is_required()}


def test_the_example_can_be_loaded() -> None:
    assert load(EXAMPLE, environ={}).platform.area == "341123000000"


@pytest.mark.parametrize("name", [name for name in MODELS if name != "platform"])
def test_a_section_shows_every_key_with_its_default(name: str) -> None:
    shown = {key: value for key, value in TABLES[name].items() if key != "peers"}
    expected = {key: value for key, value in _defaults(MODELS[name]).items() if key != "peers"}
    assert shown == expected


def test_the_platform_shows_every_key() -> None:
    assert set(TABLES["platform"]) == set(MODELS["platform"].model_fields)


def test_a_peer_and_the_operators_show_every_key_between_them() -> None:
    (peer,) = TABLES["upstream"]["peers"]
    assert set(peer) == set(PeerSection.model_fields)
    assert {key for operator in TABLES["operators"] for key in operator} == set(OperatorSection.model_fields)


@pytest.mark.parametrize("name", LINK_TYPES)
def test_a_link_type_shows_every_key_with_its_default(name: str) -> None:
    fields = {field.name: field.default for field in dataclasses.fields(LINK_TYPES[name].config())}
    table = next(each for each in TABLES["links"] if each["type"] == name)
    unset = {key for key, default in fields.items() if default is None}
    assert set(table) - {"type"} == set(fields) - unset
    assert {key: value for key, value in table.items() if key not in ("name", "type")} == {
        key: _plain(default) for key, default in fields.items() if key not in {"name"} | unset
    }
    assert not [key for key in unset if not re.search(rf"^# {key} = ", TEXT, re.MULTILINE)]


def test_every_key_has_a_reason_beside_it_where_it_first_stands() -> None:
    bare, seen, table = [], set(), ""
    for line in TEXT.splitlines():
        if line.startswith("["):
            table = line.strip("[]")
        elif found := re.match(r"(\w+) = ", line):
            if (table, found[1]) not in seen and found[1] not in ALIKE and " # " not in line:
                bare.append(f"[{table}] {line}")
            seen.add((table, found[1]))
    assert bare == []


def test_the_example_inventory_has_no_problems() -> None:
    inventory = load_inventory(CONFIG / "inventory.csv", area=AreaCode("341123000000"))
    assert {path for each in inventory.roster.terminals for path in each.paths} == {
        "ip", "adapter", "cellular", "mqtt", "fm"
    }  # fmt: skip


def test_the_unit_starts_the_daemon_and_waits_until_it_is_ready() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[method-assign,assignment]
    unit.read_string((CONFIG / "ebcd.service").read_text(encoding="utf-8"))
    assert unit["Service"]["Type"] == "notify"
    assert unit["Service"]["ExecStart"].endswith("ebcd run -c /etc/ebcd/ebcd.toml")
    assert int(unit["Service"]["LimitNOFILE"]) >= 20_000


def test_the_broker_and_prometheus_use_the_example_s_ports() -> None:
    (mqtt,) = [each for each in TABLES["links"] if each["type"] == "cellular_mqtt"]
    assert f"\nlistener {mqtt['port']} {mqtt['host']}\n" in (CONFIG / "mosquitto.conf").read_text(encoding="utf-8")
    target = f"{TABLES['metrics']['host']}:{TABLES['metrics']['port']}"
    assert f'targets: ["{target}"]' in (CONFIG / "prometheus.yml").read_text(encoding="utf-8")


def _places(tables: object) -> list[tuple[Any, str | int]]:
    """Every key and every list entry, with what holds it."""
    found: list[tuple[Any, str | int]] = []
    for key, value in (
        tables.items() if isinstance(tables, dict) else enumerate(tables) if isinstance(tables, list) else ()
    ):
        found += [(tables, key), *_places(value)]
    return found


_values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.just([]), st.just({}), st.just([{}])
)


@given(number=st.integers(0, 10**6), value=_values, remove=st.booleans())
def test_whatever_stands_in_a_place_is_taken_or_named_and_never_breaks(
    number: int, value: object, *, remove: bool
) -> None:
    tables = copy.deepcopy(TABLES)
    places = _places(tables)
    holder, key = places[number % len(places)]
    if remove and isinstance(holder, dict):
        del holder[key]
    elif value is not None:
        holder[key] = value
    settings, problems = read_tables(tables, EXAMPLE, environ={})
    assert settings is not None or problems
    assert all(problem.sentence("zh") and problem.sentence("en") for problem in problems)
