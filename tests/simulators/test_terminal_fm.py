"""What its FM receiver has verified changes the terminal that FEFD asks; told by the tuners' process line by line."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from protocols import terminal as fefd
from protocols.adapter import DomainReturn, IpReturn, SmsReturn
from protocols.codes import ResourceCode
from protocols.fm.configuration import ReturnAddress, ReturnPeriod, ScanEntry, ScanList, SetCode
from protocols.fm.daily import DailyVolume
from protocols.fm.emergency import FactoryReset
from protocols.fm.packet import Content
from simulators.ears import _Teller
from simulators.fleet_ears import FleetEars
from simulators.fleet_log import FleetLog
from simulators.terminal import Terminal
from simulators.terminal_fm import obey
from simulators.terminal_tasks import Order
from tests.devices.fm_county import UTC_S, ebm_id

HORN = ResourceCode("63411231010010314010401")
NEW = ResourceCode("63411231010010314010409")
PLATFORM = ResourceCode("43411230000000101010101")


def horn() -> Terminal:
    return Terminal(HORN, "0123456789AB", PLATFORM, FleetLog())


@pytest.mark.parametrize(
    ("content", "name", "value"),
    [
        (DailyVolume(35), "volume", 35),
        (DailyVolume(255), "volume", 60),
        (ReturnPeriod(600), "period_s", 600),
        (SetCode(b"\x01", NEW), "code", NEW),
        (ReturnAddress.ip("10.1.1.1", 80), "return_to", fefd.ReturnTo(IpReturn("10.1.1.1", 80))),
        (ReturnAddress.domain("eb.cn", 80), "return_to", fefd.ReturnTo(DomainReturn("eb.cn", 80))),
        (ReturnAddress.sms("13800138000"), "return_to", fefd.ReturnTo(SmsReturn("13800138000"))),
        (ScanList((ScanEntry(1, 2, 88_000), ScanEntry(2, 1, 99_000))), "tuned_khz", 99_000),
        (FactoryReset(), "registered", False),
    ],
)
def test_a_setting_over_fm_is_the_terminals_own(content: Content, name: str, value: object) -> None:
    one = horn()
    one.registered = True
    obey(one, content)
    assert getattr(one, name) == value


def test_maintenance_that_runs_out_ends_what_fm_alone_started() -> None:
    one = horn()
    for serial, end in ((1, float("inf")), (2, UTC_S + 600.0)):
        one.hear_fm(Order(ebm_id(serial), 4, 1, UTC_S, end, 255, "", "fm"), UTC_S)
    assert one.on_air == ebm_id(1)
    one.lapse_fm(UTC_S + 60)
    assert one.on_air == ebm_id(2)


def test_what_the_tuners_tell_reaches_the_terminal_as_it_was_heard(capsys: pytest.CaptureFixture[str]) -> None:
    teller = _Teller(HORN)
    teller.fm_told(SetCode(b"\x01\x23", NEW))
    teller.fm_told(DailyVolume(5))
    teller.fm_lapse()
    heard: list[Any] = []
    shell = SimpleNamespace(fm_told=heard.append, fm_lapse=lambda: heard.append("lapse"))
    ears = FleetEars(Path(), {HORN: shell})  # type: ignore[dict-item]
    for line in capsys.readouterr().out.splitlines():
        ears._take(json.loads(line))
    assert heard == [SetCode(b"\x01\x23", NEW), DailyVolume(5), "lapse"]
