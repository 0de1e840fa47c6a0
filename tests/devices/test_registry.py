"""Every link type of the configuration has a driver that keeps the interface."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

from devices.link import Link
from devices.registry import LINK_TYPES, UnknownLinkType, link_type


@pytest.mark.parametrize("name", LINK_TYPES)
def test_the_configuration_of_a_type_is_frozen_and_needs_no_more_than_a_name(name: str) -> None:
    config = link_type(name).config()
    assert config.__dataclass_params__.frozen
    assert config(name="x").name == "x"


@pytest.mark.parametrize("name", LINK_TYPES)
def test_the_addresses_a_type_listens_on_are_keys_of_its_table(name: str) -> None:
    fields = {field.name for field in dataclasses.fields(link_type(name).config())}
    assert {key for pair in link_type(name).listens for key in pair} <= fields


@pytest.mark.parametrize("name", LINK_TYPES)
def test_the_driver_of_a_type_has_what_a_link_has(name: str) -> None:
    kind = link_type(name)
    driver = getattr(__import__(kind.module, fromlist=[kind.driver_name]), kind.driver_name)
    wanted = [each for each in vars(Link) if inspect.isfunction(getattr(Link, each)) and not each.startswith("_")]
    assert wanted == ["run", "offer", "status"]
    assert not [each for each in wanted if not callable(getattr(driver, each, None))]
    assert list(inspect.signature(driver).parameters)[:4] == ["config", "ports", "sink", "roster"]


def test_an_unknown_type_is_told_the_choices() -> None:
    with pytest.raises(UnknownLinkType, match=r"'utcp' is unknown; use adapter_tcp, terminal_tcp, "):
        link_type("utcp")
