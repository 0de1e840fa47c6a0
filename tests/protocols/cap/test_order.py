"""What is broadcast of a warning."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocols.cap import Info, Kind, Order, Reference, Status, orders_of
from protocols.errors import RemoteProtocolError
from tests.protocols.cap.samples import CAP, GB, SENT

EARLIER = (Reference("34112341600000_20251009160000_1"),)


@pytest.mark.clause("GB/T 35965 Identifier, Sender, Severity, EventType, Window, Texts, Geocode, Resource")
def test_a_chinese_warning_becomes_one_message() -> None:
    assert orders_of(GB) == (
        Order(
            identifier="34112341600000_20251009170000_1",
            msg_type=1,
            related=(),
            sender_name="某县气象台",
            sender_code="34112341600000",
            send_time=SENT,
            event_type="11B03",
            severity=1,
            start=SENT,
            end=SENT + 6 * 3600,
            language="zho",
            title="暴雨红色预警",
            text="预计未来3小时降雨量将达100毫米以上。\n请立即转移到安全地带。",
            areas=("341123000000", "341123001000"),
            resources=GB.infos[0].resources,
            place="某县",
        ),
    )


def test_the_block_in_the_own_language_is_taken() -> None:
    (order,) = orders_of(CAP)
    assert (order.language, order.text, order.title) == ("zho", "河水漫堤。", "河水漫堤。")
    assert order.end is None
    (english,) = orders_of(CAP, language="en")
    assert (english.language, english.event_type, english.sender_code) == ("eng", "11A01", "")
    (first,) = orders_of(CAP, language="fr")
    assert first == english


def test_codes_of_other_countries_name_no_place_here() -> None:
    (english,) = orders_of(CAP, language="en")
    assert english.areas == ("341123000000", "341124000000")


def test_a_code_of_an_odd_length_stands_as_it_came() -> None:
    areas = replace(GB.infos[0].areas[0], geocodes=(replace(GB.infos[0].areas[0].geocodes[0], value="3411"),))
    (order,) = orders_of(replace(GB, infos=(replace(GB.infos[0], areas=(areas,)),)))
    assert order.areas == ("3411",)


@pytest.mark.clause("GB/T 35965 MsgType", "CAP 1.2 clause 3.2.1")
def test_an_update_and_a_cancel_name_what_they_mean() -> None:
    (update,) = orders_of(replace(GB, kind=Kind.UPDATE, references=EARLIER))
    assert (update.msg_type, update.related) == (1, ("34112341600000_20251009160000_1",))
    (cancel,) = orders_of(replace(GB, kind=Kind.CANCEL, references=EARLIER, infos=()))
    assert (cancel.msg_type, cancel.related) == (2, ("34112341600000_20251009160000_1",))


@pytest.mark.clause("GB/T 35965 Status")
@pytest.mark.parametrize("status", [Status.EXERCISE, Status.TEST])
def test_i5_exercises_and_tests_stay_inside_the_platform(status: Status) -> None:
    (order,) = orders_of(replace(GB, status=status))
    assert order.msg_type == 3
    (cancel,) = orders_of(replace(GB, status=status, kind=Kind.CANCEL, references=EARLIER))
    assert cancel.msg_type == 2


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (replace(GB, status=Status.DRAFT), "draft"),
        (replace(GB, status=Status.SYSTEM), "status"),
        (replace(GB, kind=Kind.ACK), "kind"),
        (replace(GB, kind=Kind.ERROR), "kind"),
        (replace(GB, kind=Kind.CANCEL), "references"),
        (replace(GB, kind=Kind.UPDATE), "references"),
        (replace(GB, infos=()), "info"),
    ],
)
def test_what_is_not_for_the_public_is_refused(wrong: object, reason: str) -> None:
    with pytest.raises(RemoteProtocolError) as error:
        orders_of(wrong)  # type: ignore[arg-type]
    assert error.value.reason == reason


def test_a_bare_block_still_makes_a_message() -> None:
    bare = replace(GB, sender_code="", infos=(Info(headline="洪水", event="Flood"),))
    (order,) = orders_of(bare)
    assert (order.event_type, order.severity, order.start, order.end) == ("90000", 0, SENT, None)
    assert (order.title, order.text, order.language) == ("洪水", "洪水", "zho")
    assert order.sender_code == "34112341600000"
