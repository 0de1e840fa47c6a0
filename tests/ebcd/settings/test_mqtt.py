"""The MQTT profile of a link is judged with the configuration, and every terminal has one link and one name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from devices.cellular_mqtt import CellularMqttConfig
from devices.link import Path as LinkPath
from devices.roster import Device, Roster
from ebcd.settings.links import read_links
from ebcd.settings.mqtt import problems
from tests.devices.commands import terminal_device

VILLAGE = (Path(__file__).parents[2] / "protocols/mqtt/village.toml").read_text(encoding="utf-8")


def told(folder: Path, profile: object) -> list[str]:
    """The problems of one link with this profile, in both languages the same number."""
    table = {"name": "m", "type": "cellular_mqtt", "profile": profile}
    links, found = read_links([table], str(folder / "ebcd.toml"), {})
    assert bool(links) != bool(found)
    assert all(problem.sentence("zh") for problem in found)
    return [problem.sentence("en").removeprefix(f"{folder}/") for problem in found]


@pytest.mark.parametrize("name", ["ebcd", "ebcd-json", "p6", "mw"])
def test_the_program_s_own_are_known_by_name(tmp_path: Path, name: str) -> None:
    assert told(tmp_path, name) == []


def test_a_file_of_one_s_own_is_found_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "village.toml").write_text(VILLAGE, encoding="utf-8")
    table = {"name": "m", "type": "cellular_mqtt", "profile": "village.toml"}
    (link,), found = read_links([table], str(tmp_path / "ebcd.toml"), {})
    assert found == []
    assert link.config.profile == str(tmp_path / "village.toml")


def test_an_unknown_name_is_told_with_the_choices(tmp_path: Path) -> None:
    assert told(tmp_path, "p7") == [
        "ebcd.toml: links[0].profile = 'p7' is no MQTT profile; use ebcd, ebcd-json, p6, mw, or the path of a file that"
        " ends in .toml"
    ]


def test_a_wrong_profile_is_told_with_its_file_key_value_and_choices(tmp_path: Path) -> None:
    text = VILLAGE.replace('means = "began"', 'means = "begun"').replace("volume_max = 15", "volume_max = 0")
    (tmp_path / "v.toml").write_text(text, encoding="utf-8")
    found = told(tmp_path, "v.toml")
    assert found[0].startswith("v.toml: reports[6].means = 'begun' is unknown; use online, offline, idle")
    assert "v.toml: volume_max = 0 is too small; use at least 1" in found
    assert len(found) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"\xff", "is not UTF-8"),
        (b"a = ", "is not TOML"),
        (b"a = " + b"9" * 5_000, "is not TOML"),
        (b"", "form"),
    ],
)
def test_a_file_that_is_no_profile_is_told(tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "v.toml").write_bytes(content)
    assert words in told(tmp_path, "v.toml")[0]


def whats(configs: list[CellularMqttConfig], devices: list[Device]) -> list[str]:
    found = list(problems(configs, Roster.of(devices), "inventory.csv"))
    assert all(problem.sentence("zh") and problem.sentence("en") for problem in found)
    return [problem.what for problem in found]


ONE = replace(terminal_device(1, LinkPath.MQTT), mqtt_link="a", mqtt_id="v1")
TWO = replace(terminal_device(2, LinkPath.MQTT), mqtt_link="b", mqtt_id="v1")
A, B = CellularMqttConfig("a", profile="mw"), CellularMqttConfig("b", profile="p6")


def test_every_terminal_has_one_link_and_one_name() -> None:
    assert whats([A, B], [ONE, TWO]) == []
    assert whats([A], [ONE, TWO]) == ["mqtt_no_link"]
    assert whats([A, B], [ONE, replace(TWO, mqtt_link="")]) == ["mqtt_unsaid", "mqtt_no_id"]
    assert whats([A], [ONE, replace(TWO, mqtt_link="a")]) == ["mqtt_no_id"]
    assert whats([A], [replace(ONE, mqtt_id="", phys="")]) == ["mqtt_no_id"]
    assert whats([CellularMqttConfig("a")], [replace(ONE, mqtt_id="", phys="")]) == []
