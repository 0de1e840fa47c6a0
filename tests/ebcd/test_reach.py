"""Which paths lead to a terminal at the moment."""

from __future__ import annotations

import pytest

from devices.link import Path
from ebcd.reach import Reach
from tests.ebcd.county import VILLAGE_A1, adapter, all_ip, small_county, terminal

HORN, ADAPTER = terminal(VILLAGE_A1, 1), adapter(VILLAGE_A1)


def reach() -> Reach:
    return Reach(small_county(all_ip).adapter_of)


@pytest.mark.parametrize("path", [Path.IP, Path.CELLULAR, Path.MQTT])
def test_a_connection_lives_until_it_is_known_to_be_gone_and_on_its_own_path_only(path: Path) -> None:
    each = reach()
    assert not each.is_live(HORN, path)
    each.connected(HORN, path)
    each.connected(HORN, path)
    assert [p for p in Path if each.is_live(HORN, p)] == sorted({path, Path.ADAPTER}, key=list(Path).index)
    assert each.count(path) == 1
    each.disconnected(HORN, path)
    each.disconnected(HORN, path)
    assert not each.is_live(HORN, path)
    assert each.count(path) == 0


def test_an_adapter_lives_until_a_command_went_unanswered_and_again_when_it_speaks() -> None:
    each = reach()
    assert each.is_live(HORN, Path.ADAPTER)
    each.adapter_silent(ADAPTER)
    assert not each.is_live(HORN, Path.ADAPTER)
    each.adapter_spoke(ADAPTER)
    assert each.is_live(HORN, Path.ADAPTER)


def test_without_an_adapter_there_is_no_way_through_one() -> None:
    assert not Reach(lambda code: None).is_live(HORN, Path.ADAPTER)


def test_fm_lives_while_one_transmitter_does() -> None:
    each = reach()
    assert not each.is_live(HORN, Path.FM)
    each.link_up("fm-1", Path.FM)
    each.link_up("fm-2", Path.FM)
    each.link_down("fm-1", Path.FM)
    assert each.is_live(HORN, Path.FM)
    each.link_down("fm-2", Path.FM)
    assert not each.is_live(HORN, Path.FM)


def test_the_listener_of_a_path_says_nothing_about_its_terminals() -> None:
    each = reach()
    each.link_up("ip", Path.IP)
    assert not each.is_live(HORN, Path.IP)
    each.connected(HORN, Path.IP)
    each.link_down("ip", Path.IP)
    assert each.is_live(HORN, Path.IP)
