"""The [[links]] tables: each is checked against the dataclass of its driver (`devices.registry`)."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from devices.cellular_mqtt import CellularMqttConfig
from devices.registry import LINK_TYPES, LinkType
from ebcd.errors import Problem
from ebcd.settings.mqtt import with_profile
from ebcd.settings.problems import problems_of, shown, unknown_key
from protocols.errors import LocalProtocolError

PASSWORD_ENV = "EBCD_LINK_{name}_PASSWORD"


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """One link: `config` is the dataclass of its driver."""

    name: str
    type: LinkType
    config: Any


def read_links(tables: object, file: str, environ: Mapping[str, str]) -> tuple[tuple[LinkSettings, ...], list[Problem]]:
    """Every sound link, and the problems of the others."""
    if not isinstance(tables, list):
        return (), [Problem(file, "links", shown("links", tables), "type.list")]
    links: list[LinkSettings] = []
    problems: list[Problem] = []
    first: dict[str, int] = {}
    for number, table in enumerate(tables):
        at = f"links[{number}]"
        if not isinstance(table, dict):
            problems.append(Problem(file, at, shown(at, table), "type.table"))
            continue
        found = _read_link(table, at, file, environ)
        if isinstance(found, LinkSettings):
            links.append(found)
        else:
            problems += found
        name = table.get("name")
        if isinstance(name, str) and first.setdefault(name, number) != number:
            problems.append(Problem(file, f"{at}.name", repr(name), "twice", {"first": f"links[{first[name]}]"}))
    return tuple(links), problems


def _read_link(table: dict[str, Any], at: str, file: str, environ: Mapping[str, str]) -> LinkSettings | list[Problem]:
    problems = [Problem(file, f"{at}.{key}", "", "missing") for key in ("name", "type") if key not in table]
    if problems:
        return problems
    name, type_ = table["name"], table["type"]
    if not (isinstance(name, str) and name):
        return [Problem(file, f"{at}.name", shown("name", name), "type.text")]
    if not isinstance(type_, str) or type_ not in LINK_TYPES:
        return [Problem(file, f"{at}.type", shown("type", type_), "choice", {"choices": ", ".join(LINK_TYPES)})]
    link_type = LINK_TYPES[type_]
    config_class = link_type.config()
    fields = {field.name for field in dataclasses.fields(config_class) if field.init}
    given = {key: value for key, value in table.items() if key != "type" or "type" in fields}
    if "name" not in fields:
        given.pop("name")
    password = environ.get(PASSWORD_ENV.format(name=name.upper().replace("-", "_")))
    if password and "password" in fields:
        given["password"] = password
    unknown = [key for key in given if key not in fields]
    problems = [unknown_key(file, f"{at}.{key}", key, given.pop(key), sorted(fields | {"type"})) for key in unknown]
    try:
        adapter = TypeAdapter(config_class)
        config = adapter.validate_json(json.dumps(given, default=str), strict=True)
    except ValidationError as error:
        return problems + problems_of(error, file, at=at)
    except LocalProtocolError as error:
        return [*problems, Problem(file, at, "", "other", {"detail": str(error)})]
    if isinstance(config, CellularMqttConfig):
        config, found = with_profile(config, at, file)
        problems += found
    problems += _out_of_range(config, at, file)
    return problems or LinkSettings(name, link_type, config)


def _out_of_range(config: Any, at: str, file: str) -> list[Problem]:
    """What the names of the keys promise: seconds are finite and not negative, ports exist, bounds allow something."""
    problems = []
    for field in dataclasses.fields(config):
        value, where = getattr(config, field.name), f"{at}.{field.name}"
        if not isinstance(value, int | float) or isinstance(value, bool):
            continue
        if field.name.endswith("_s") and not (math.isfinite(value) and value >= 0):
            problems.append(Problem(file, where, shown(where, value), "at_least", {"limit": 0}))
        elif field.name.endswith("port") and not 1 <= value <= 65535:
            problems.append(Problem(file, where, shown(where, value), "port_range"))
        elif field.name.endswith("_max") and value < 1:
            problems.append(Problem(file, where, shown(where, value), "at_least", {"limit": 1}))
    return problems
