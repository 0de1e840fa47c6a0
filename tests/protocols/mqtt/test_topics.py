"""Topics and envelope of the 3G/4G path over a broker."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.codes import AreaCode, ResourceCode
from protocols.errors import RemoteProtocolError
from protocols.mqtt import (
    CONTENT_TYPE,
    AreaTopic,
    Channel,
    DeviceTopic,
    Status,
    check_envelope,
    command_expiry_s,
    command_topics,
    parse_status,
    parse_topic,
    platform_subscriptions,
    terminal_subscriptions,
)

HORN = ResourceCode("63499011002010314010401")
OTHER_VILLAGE = ResourceCode("63499011012050314010407")
codes = st.text("0123456789", min_size=23, max_size=23).map(ResourceCode)


@given(code=codes, channel=st.sampled_from(Channel))
def test_a_device_topic_reads_back_as_itself(code: ResourceCode, channel: Channel) -> None:
    assert parse_topic(str(DeviceTopic(code, channel))) == DeviceTopic(code, channel)


@given(area=st.text("0123456789", min_size=12, max_size=12).map(AreaCode))
def test_an_area_topic_reads_back_as_itself(area: AreaCode) -> None:
    assert parse_topic(str(AreaTopic(area))) == AreaTopic(area)


@given(
    topic=st.text(max_size=80) | st.lists(st.sampled_from(["eb", "v1", "area", "cmd", HORN]), max_size=6).map("/".join)
)
def test_any_topic_is_read_or_refused_by_name(topic: str) -> None:
    reason = "topic"
    try:
        parse_topic(topic)
    except RemoteProtocolError as error:
        reason = error.reason
    assert reason == "topic"


def test_a_terminal_listens_to_itself_its_village_and_the_areas_around_it_up_to_its_county() -> None:
    assert terminal_subscriptions(HORN) == (
        f"eb/v1/{HORN}/cmd",
        "eb/v1/area/349901100201/cmd",
        "eb/v1/area/349901100000/cmd",
        "eb/v1/area/349901000000/cmd",
    )


def test_the_platform_listens_to_answers_reports_and_states() -> None:
    assert platform_subscriptions() == ("eb/v1/+/rsp", "eb/v1/+/report", "eb/v1/+/status")


def test_a_group_address_goes_to_its_area_and_a_single_one_to_the_terminal() -> None:
    village = ResourceCode("63499011002010314010400")
    assert command_topics((village, OTHER_VILLAGE)) == (
        AreaTopic(AreaCode("349901100201")),
        DeviceTopic(OTHER_VILLAGE, Channel.COMMAND),
    )


def test_an_address_inside_a_wider_one_is_not_published_twice() -> None:
    county = ResourceCode("63499010000000314010400")
    village = ResourceCode("63499011002010314010400")
    assert command_topics((village, county, HORN)) == (AreaTopic(AreaCode("349901000000")),)


def test_county_wide_addresses_of_two_levels_share_one_topic() -> None:
    villages, towns = ResourceCode("63499010000000314010400"), ResourceCode("53499010000000314010400")
    assert len(command_topics((villages, towns))) == 1


@pytest.mark.parametrize(("end", "expected"), [(1000.0, 60), (130.0, 30), (90.0, 1), (None, 60)])
def test_a_command_expires_with_its_window_or_after_a_minute(end: float | None, expected: int) -> None:
    assert command_expiry_s(100.0, end) == expected


def test_status_is_one_of_two_words() -> None:
    assert parse_status(b"online") is Status.ONLINE
    with pytest.raises(RemoteProtocolError) as refused:
        parse_status(b"\xff\xfe")
    assert refused.value.reason == "status"


@pytest.mark.parametrize(
    ("payload", "content_type", "reason"),
    [(b"x", "application/json", "content_type"), (bytes(65536), CONTENT_TYPE, "length")],
)
def test_an_envelope_of_another_kind_is_refused_by_name(payload: bytes, content_type: str, reason: str) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        check_envelope(payload, content_type)
    assert refused.value.reason == reason


def test_an_envelope_without_content_type_is_accepted() -> None:
    assert check_envelope(b"frame", None) == b"frame"
