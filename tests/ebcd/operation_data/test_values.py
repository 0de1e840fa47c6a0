"""The small rules: state codes, degrees, what a change of a record is, what is wrong with the platform."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ebcd.health import Condition
from ebcd.operation_data import Kind, Owner, Particulars, PlatformSigns, Resources, StateCodes, Subject
from ebcd.operation_data.kinds import document
from ebcd.operation_data.platform_state import SETTLE_S, PlatformWatch
from ebcd.operation_data.resources import degrees, deleted, digest
from ebcd.operation_data.states import code_of, code_to_tell
from protocols.codes import ResourceCode
from protocols.ebd import Ebd, Envelope, decode, encode
from protocols.ebd.reports import VendorParameter
from tests.ebcd.county import VILLAGE_A1, adapter, small_county, terminal
from tests.ebcd.office import PLATFORM
from tests.ebcd.operation_data.bench import EXCITER, county_with_transmitter


@pytest.mark.clause("GD/J 083 StateCode")
@pytest.mark.parametrize(
    ("condition", "playing", "codes", "told"),
    [
        (Condition.ONLINE, False, StateCodes(), 1),
        (Condition.ONLINE, True, StateCodes(), 5),
        (Condition.ONLINE, True, StateCodes(on_air=False), 1),
        (Condition.FAULT, False, StateCodes(), 3),
        (Condition.FAULT, True, StateCodes(), 3),
        (Condition.OFFLINE, False, StateCodes(), 3),
        (Condition.OFFLINE, True, StateCodes(offline=2), 2),
        (Condition.UNREACHABLE, False, StateCodes(), 2),
        (Condition.UNREACHABLE, False, StateCodes(unreachable=3), 3),
        (Condition.UNKNOWN, False, StateCodes(), None),
        (Condition.UNKNOWN, False, StateCodes(unknown=2), 2),
    ],
)
def test_a_condition_has_one_code(condition: Condition, playing: bool, codes: StateCodes, told: int | None) -> None:
    assert code_of(condition, playing=playing, codes=codes) == told


@pytest.mark.parametrize(
    ("value", "acknowledged", "told"),
    [("1", "3", 4), ("1", "1", 1), ("1", "2", 1), ("1", "", 1), ("5", "3", 5), ("3", "1", 3), ("3", "3", 3)],
)
def test_only_the_end_of_a_fault_that_was_told_is_a_recovery(value: str, acknowledged: str, told: int) -> None:
    assert code_to_tell(value, acknowledged) == told


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("117.12345678", "117.123456"),
        ("31", "31"),
        ("-0.5", "-0.5"),
        (" 31.5 ", "31.5"),
        ("1170.1", ""),
        ("E117", ""),
        ("", ""),
        ("31°12", ""),
    ],
)
def test_degrees_have_at_most_three_digits_before_and_six_after_the_point(written: str, told: str) -> None:
    assert degrees(written) == told


def test_what_the_archive_knows_goes_up_and_a_change_of_it_is_a_change_of_the_record() -> None:
    known = {
        "power": Particulars(
            power_w=100, backup=True, auto_switch=False, population=52_000, vendor={"Model": "X1"}, longitude="117.5"
        )
    }
    resources = Resources(Owner(PLATFORM, "x"), county_with_transmitter(), lambda code: known["power"])
    transmitter = resources.record(Subject.TRANSMITTER, EXCITER, 5)
    assert transmitter is not None
    assert (transmitter.radio.power_w, transmitter.population_10k, transmitter.longitude) == (100, 5.2, "117.5")
    assert (transmitter.radio.backup, transmitter.radio.auto_switch, transmitter.radio.remote_control) == (1, 2, None)
    horn = resources.record(Subject.TERMINAL, terminal(VILLAGE_A1, 1), 5)
    assert horn is not None
    assert horn.vendor == (VendorParameter("Model", "X1"),)
    known["power"] = Particulars(vendor={"Model": "X2"})
    again = resources.record(Subject.TERMINAL, terminal(VILLAGE_A1, 1), 5)
    assert again is not None
    assert digest(again) != digest(horn)
    assert digest(replace(horn, rpt_time=99)) == digest(horn)


def test_without_stations_adapters_belong_to_none() -> None:
    resources = Resources(Owner(PLATFORM, "x"), small_county(lambda _v, _n: ()), stations=False)
    assert resources.codes(Subject.STATION) == ()
    record = resources.record(Subject.ADAPTER, adapter(VILLAGE_A1), 5)
    assert record is not None
    assert record.station is None


def test_a_county_platform_that_is_registered_as_a_loudspeaker_system_is_no_station_of_itself() -> None:
    own = ResourceCode(f"{adapter(VILLAGE_A1)[:19]}0101")
    resources = Resources(Owner(own, "x"), small_county(lambda _v, _n: ()))
    assert own not in resources.codes(Subject.STATION)
    assert resources.station_of(adapter(VILLAGE_A1)) is None


@pytest.mark.parametrize("kind", list(Kind))
def test_an_empty_list_of_every_type_can_be_written_and_read(kind: Kind) -> None:
    detail = document(kind, ())
    ebd = Ebd(Envelope("10" + PLATFORM + "0" * 16, "", PLATFORM, 1_760_000_000), detail)
    read = decode(encode(ebd))
    assert (read.envelope.ebd_type, read.detail) == (kind, detail)


@pytest.mark.parametrize("subject", [each for each in Subject if each is not Subject.TERMINAL])
def test_a_deleted_resource_is_told_by_its_code(subject: Subject) -> None:
    record = deleted(subject, EXCITER, 5)
    assert (record.ebr_id, record.rpt_type) == (EXCITER, "Delete")


def test_troubles_of_the_platform_count_when_they_last_and_are_all_named() -> None:
    watch = PlatformWatch()
    bad = PlatformSigns("disk_full", True, tuple(f"l{n:02d}" for n in range(12)), True)
    watch.look(bad, 100.0)
    assert (watch.code, watch.words("en")) == (1, "")
    watch.look(bad, 100.0 + SETTLE_S)
    assert watch.code == 3
    words = watch.words("en")
    assert all(part in words for part in ("l00", "l09 +2", "disk_full", "nearly full", "clock"))
    watch.look(PlatformSigns(), 120.0)
    assert watch.code == 1
    watch.look(PlatformSigns(disk_low=True), 121.0)
    assert watch.code == 1
