"""The MQTT profile that a link names: found, read and judged with the rest of the configuration; and which terminal is
whose, where a county has several MQTT links."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path as FilePath

from devices import mqtt_profiles
from devices.cellular_mqtt import CellularMqttConfig
from devices.link import Path
from devices.mqtt_conversation import Served
from devices.mqtt_vendor_command import names_of
from devices.roster import Roster
from ebcd.errors import Problem
from ebcd.settings.problems import shown
from protocols.mqtt import Flaw


def with_profile(config: CellularMqttConfig, at: str, file: str) -> tuple[CellularMqttConfig, list[Problem]]:
    """The link with the path of its profile made absolute against the folder of the configuration, and what is wrong
    with the profile: flaws inside a profile's own file are told with its name."""
    name = config.profile
    if mqtt_profiles.is_file(name):
        name = str((FilePath(file).absolute().parent / name).absolute())
    _, flaws = mqtt_profiles.read(name)
    return dataclasses.replace(config, profile=name), [_problem(flaw, name, f"{at}.profile", file) for flaw in flaws]


def _problem(flaw: Flaw, name: str, at: str, file: str) -> Problem:
    if flaw.what == "profile_name":
        return Problem(file, at, shown(at, name), flaw.what, flaw.values)
    value = "" if flaw.value is None else shown(flaw.where, flaw.value)
    return Problem(name, flaw.where, value, flaw.what, flaw.values)


def problems(configs: list[CellularMqttConfig], roster: Roster, file: str) -> Iterator[Problem]:
    """Terminals that no MQTT link serves, that two do, or that a vendor's profile has no id for."""
    terminals = [device for device in roster.terminals if Path.MQTT in device.paths]
    names = [config.name for config in configs]
    lost = [device for device in terminals if device.mqtt_link and device.mqtt_link not in names]
    for link in dict.fromkeys(device.mqtt_link for device in lost):
        count = sum(device.mqtt_link == link for device in lost)
        yield Problem(file, "mqtt", repr(link), "mqtt_no_link", {"count": count, "links": ", ".join(names)})
    if len(names) > 1 and (unsaid := sum(not device.mqtt_link for device in terminals)):
        yield Problem(file, "mqtt", "", "mqtt_unsaid", {"count": unsaid, "links": ", ".join(names)})
    for config in configs:
        profile, _ = mqtt_profiles.read(config.profile)
        if profile is None or profile.vendor is None:
            continue
        nameless = [code for code, name in names_of(Served(config.name, roster), profile.vendor).items() if not name]
        if nameless:
            values = {"count": len(nameless), "link": config.name, "first": nameless[0]}
            yield Problem(file, "mqtt", "", "mqtt_no_id", values)
