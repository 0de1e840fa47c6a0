"""Warnings of other authorities: what they become, what they wait for, what they stop (platform digest section 10)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devices.link import Start
from ebcd.alert import AlertClass, DrillDepth, Origin
from ebcd.intake import SPOKEN_CHARACTERS_MAX
from ebcd.lifecycle import AlertState
from ebcd.operator import AlertRow, Kind, OperationRefused
from ebcd.state import AlertRecord
from ebcd.warning_desk import PARTS_MAX, WITHOUT_END_S
from protocols.codes import EbmId
from tests.ebcd.county import COUNTY, TOWN_A, TOWN_B
from tests.ebcd.test_operations import CHEN, LIU, Desk, desk


def moment(at: Desk, offset_s: float) -> str:
    beijing = datetime.fromtimestamp(at.room.clock.wall() + offset_s, UTC) + timedelta(hours=8)
    return f"{beijing:%Y-%m-%dT%H:%M:%S}+08:00"


def info(
    at: Desk,
    *areas: str,
    severity: str = "Orange",
    begin_s: float = 0,
    end_s: float | None = 600,
    headline: str = "暴雨橙色预警",
    more: str = "",
) -> str:
    codes = "".join(f"<geocode><valueName>行政区划</valueName><value>{code}</value></geocode>" for code in areas)
    expires = "" if end_s is None else f"<expires>{moment(at, end_s)}</expires>"
    return (
        f"<info><language>zh-CN</language><event>11B03</event><urgency>Immediate</urgency><severity>{severity}"
        f"</severity><certainty>Observed</certainty><effective>{moment(at, begin_s)}</effective>{expires}"
        f"<senderName>县气象台</senderName><headline>{headline}</headline><description>三小时内有暴雨。</description>"
        f"<instruction>请转移。</instruction>{more}<area><areaDesc>本县</areaDesc>{codes}</area></info>"
    )


def warning(
    at: Desk,
    identifier: str,
    *infos: str,
    kind: str = "Alert",
    status: str = "Actual",
    scope: str = "Public",
    references: tuple[str, ...] = (),
) -> bytes:
    named = " ".join(f"cma,{each},{moment(at, -60)}" for each in references)
    told = f"<references>{named}</references>" if references else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
        f"<identifier>{identifier}</identifier><sender>cma</sender><sent>{moment(at, 0)}</sent>"
        f"<status>{status}</status><msgType>{kind}</msgType><scope>{scope}</scope>{told}{''.join(infos)}</alert>"
    ).encode()


async def taken_in(at: Desk, identifier: str, *areas: str, **values: Any) -> AlertRow:
    told = {key: values.pop(key) for key in ("kind", "status", "references") if key in values}
    (row,) = await at.operations.submit_warning(warning(at, identifier, info(at, *areas, **values), **told), CHEN)
    return row


def record_of(at: Desk, row: AlertRow) -> AlertRecord:
    return at.room.core.state.alerts[EbmId(row.ebm_id)]


def starts(at: Desk) -> list[Start]:
    return [c for link in at.room.links.values() for c in link.commands if isinstance(c, Start)]


# ---- I1: it waits ----------------------------------------------------------------------------------------------------


async def test_i1_a_warning_waits_for_somebody_other_than_who_handed_it_in() -> None:
    async with desk() as at:
        row = await taken_in(at, "W-1", TOWN_A)
        alert = record_of(at, row).alert
        assert (row.state, row.approvals_needed, row.level, row.title) == ("pending", 1, 2, "暴雨橙色预警")
        assert (alert.origin, alert.class_, alert.agency, alert.warning) == (
            Origin.WARNING,
            AlertClass.EMERGENCY,
            "县气象台",
            "W-1",
        )
        assert alert.text == "三小时内有暴雨。\n请转移。"
        assert starts(at) == []
        assert await at.refusal(at.operations.approve(row.ebm_id, CHEN)) == (Kind.FORBIDDEN, "own_approval")
        assert (await at.operations.approve(row.ebm_id, LIU)).state == "on_air"


async def test_a_preview_tells_what_would_sound_where_and_when_and_changes_nothing() -> None:
    async with desk() as at:
        before = len(at.room.journal.events)
        xml = warning(at, "W-1", info(at, TOWN_A, "440000"), info(at, "440103", headline="邻县"))
        told = await at.operations.preview_warning(xml, CHEN)
        (part,) = told.parts
        assert (part.level, part.title, part.sender) == (2, "暴雨橙色预警", "县气象台")
        assert [area.code for area in part.preview.areas] == [TOWN_A]
        assert [dropped.area for dropped in part.preview.dropped] == ["440000000000"]
        assert part.preview.targeted == len(at.room.inventory.terminals_in([TOWN_A]))
        assert (part.preview.end - part.preview.start, part.preview.approvals) == (600, 1)
        assert [(each.area, each.reason) for each in told.left_out] == [("邻县", "no_area_of_ours")]
        assert len(at.room.journal.events) == before


async def test_a_preview_tells_how_much_of_a_long_text_nobody_will_hear() -> None:
    async with desk() as at:
        long = info(at, TOWN_A).replace("三小时内有暴雨。", "雨" * SPOKEN_CHARACTERS_MAX)
        told = await at.operations.preview_warning(warning(at, "W-1", long, info(at, TOWN_B)), CHEN)
        assert [part.unspoken for part in told.parts] == [len("\n请转移。"), 0]


# ---- I2, I3, I5: what it may mean ------------------------------------------------------------------------------------


async def test_i2_foreign_areas_are_dropped_and_told_and_an_enclosing_one_means_the_county() -> None:
    async with desk() as at:
        row = await taken_in(at, "W-1", COUNTY[:2], COUNTY[:6], "440103")
        alert = record_of(at, row).alert
        assert alert.areas == (COUNTY,)
        assert alert.dropped_areas == (COUNTY[:2], "440103000000")


@pytest.mark.parametrize(
    ("areas", "code"), [((), "warning_no_codes"), (("440103",), "no_area_of_ours"), (("",), "warning_no_codes")]
)
async def test_i2_without_an_area_of_ours_nothing_is_taken_in(areas: tuple[str, ...], code: str) -> None:
    async with desk() as at:
        submitted = at.operations.submit_warning(warning(at, "W-1", info(at, *areas)), CHEN)
        assert await at.refusal(submitted) == (Kind.INVALID, code)


async def test_i3_what_has_expired_is_refused_and_what_expires_while_it_waits_never_starts() -> None:
    async with desk() as at:
        late = warning(at, "W-1", info(at, TOWN_A, begin_s=-900, end_s=-1))
        assert await at.refusal(at.operations.submit_warning(late, CHEN)) == (Kind.CONFLICT, "warning_expired")
        row = await taken_in(at, "W-2", TOWN_A, end_s=60)
        await asyncio.sleep(61)
        assert record_of(at, row).state is AlertState.DROPPED
        assert await at.refusal(at.operations.approve(row.ebm_id, LIU)) == (Kind.CONFLICT, "not_pending")


async def test_a_warning_without_an_end_lasts_for_an_hour() -> None:
    async with desk() as at:
        window = record_of(at, await taken_in(at, "W-1", TOWN_A, end_s=None)).alert.window
        assert window.end - window.start == WITHOUT_END_S


@pytest.mark.parametrize("status", ["Exercise", "Test"])
async def test_i5_an_exercise_is_a_drill_of_the_platform_alone(status: str) -> None:
    async with desk() as at:
        row = await taken_in(at, "W-1", TOWN_A, severity="Red", status=status)
        alert = record_of(at, row).alert
        assert (alert.class_, alert.depth) == (AlertClass.SYSTEM_DRILL, DrillDepth.PLATFORM)
        await at.operations.approve(row.ebm_id, LIU)
        await asyncio.sleep(5)
        assert starts(at) == []


@pytest.mark.parametrize(
    ("change", "thing"),
    [
        ({"status": "Draft"}, "draft"),
        ({"status": "System"}, "status"),
        ({"kind": "Ack"}, "kind"),
        ({"kind": "Update"}, "references"),
        ({"kind": "Cancel"}, "references"),
        ({"scope": "Private"}, "scope"),
        ({"scope": "Restricted"}, "scope"),
    ],
)
async def test_what_is_not_for_the_public_is_refused(change: dict[str, str], thing: str) -> None:
    async with desk() as at:
        xml = warning(at, "W-1", info(at, TOWN_A), **change)  # type: ignore[arg-type]
        assert await at.refusal(at.operations.submit_warning(xml, CHEN)) == (Kind.INVALID, f"warning_{thing}")


BOMB = b'<!DOCTYPE a [<!ENTITY x "xx"><!ENTITY y "&x;&x;&x;">]><alert><identifier>&y;</identifier></alert>'
FILE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><alert><identifier>&x;</identifier></alert>'


@pytest.mark.parametrize("xml", [b"", b"<alert", b"\0" * 9, b"<EBD/>", BOMB, FILE, b"<alert>" + b"<a>" * 5000])
async def test_hostile_documents_are_refused(xml: bytes) -> None:
    async with desk() as at:
        assert await at.refusal(at.operations.submit_warning(xml, CHEN)) == (Kind.INVALID, "warning_refused")


async def test_a_warning_of_very_many_parts_is_refused() -> None:
    async with desk() as at:
        xml = warning(at, "W-1", *[info(at, TOWN_A)] * (PARTS_MAX + 1))
        assert await at.refusal(at.operations.submit_warning(xml, CHEN)) == (Kind.INVALID, "warning_parts")


@pytest.mark.parametrize(("begin_s", "end_s"), [(600, 600), (1200, 600)])
async def test_a_warning_that_ends_before_it_begins_is_refused(begin_s: float, end_s: float) -> None:
    async with desk() as at:
        xml = warning(at, "W-1", info(at, TOWN_A, begin_s=begin_s, end_s=end_s))
        assert await at.refusal(at.operations.submit_warning(xml, CHEN)) == (Kind.INVALID, "warning_window")
        fine = warning(at, "W-2", info(at, TOWN_A, begin_s=begin_s, end_s=end_s), info(at, TOWN_B))
        told = await at.operations.preview_warning(fine, CHEN)
        assert ([each.reason for each in told.left_out], len(told.parts)) == (["warning_window"], 1)


async def test_i2_a_warning_that_only_draws_outlines_is_refused_with_the_place_in_words() -> None:
    """No code, no terminals: an outline is never guessed into a county."""
    async with desk() as at:
        drawn = info(at).replace("<areaDesc>本县</areaDesc>", "<areaDesc>河谷</areaDesc><circle>30.5,117.5 10</circle>")
        with pytest.raises(OperationRefused) as caught:
            await at.operations.submit_warning(warning(at, "W-1", drawn), CHEN)
        assert (caught.value.problem.code, caught.value.problem.value) == ("warning_no_codes", "河谷")


async def test_people_read_when_a_warning_ended_as_a_time() -> None:
    async with desk() as at:
        with pytest.raises(OperationRefused) as caught:
            await at.operations.submit_warning(warning(at, "W-1", info(at, TOWN_A, begin_s=-900, end_s=-1)), CHEN)
        assert caught.value.problem.value == moment(at, -1)[:-6].replace("T", " ")


async def test_each_block_of_a_warning_becomes_an_alert_of_its_own() -> None:
    async with desk() as at:
        xml = warning(at, "W-1", info(at, TOWN_A, severity="Red"), info(at, TOWN_B, severity="Blue"))
        rows = await at.operations.submit_warning(xml, CHEN)
        assert [row.level for row in rows] == [1, 4]
        assert len({row.ebm_id for row in rows}) == 2
        assert {record_of(at, row).alert.warning for row in rows} == {"W-1"}


# ---- how it is written -----------------------------------------------------------------------------------------------


async def test_a_warning_of_the_chinese_profile_is_understood_as_well() -> None:
    """Element names as in published samples of GB/T 35965.1; issuer code inside the identifier (QX/T 433)."""
    async with desk() as at:
        begin, end = (moment(at, offset)[:19].replace("T", " ") for offset in (0, 600))
        xml = (
            "<alert><identifier>34990141600000_20251009120000_1</identifier><sender>某县气象台</sender>"
            f"<senderCode>34990141600000</senderCode><sendTime>{begin}+08:00</sendTime><status>Actual</status>"
            "<msgType>Alert</msgType><scope>Public</scope><info><language>zh-CN</language><eventType>11B09</eventType>"
            f"<severity>Red</severity><effective>{begin}+08:00</effective><expires>{end}+08:00</expires>"
            "<headline>雷电红色预警</headline><description>请勿外出。</description>"
            f"<area><areaDesc>甲镇</areaDesc><geocode>{TOWN_A}</geocode></area></info></alert>"
        )
        (row,) = await at.operations.submit_warning(xml.encode(), CHEN)
        alert = record_of(at, row).alert
        assert (alert.level, alert.event_type, alert.areas) == (1, "11B09", (TOWN_A,))
        assert alert.window.end - alert.window.start == 600


# ---- sound -----------------------------------------------------------------------------------------------------------


def resource(data: bytes, digest: str) -> str:
    content = base64.b64encode(data).decode()
    return (
        "<resource><resourceDesc>siren.mp3</resourceDesc><mimeType>audio/mpeg</mimeType>"
        f"<derefUri>{content}</derefUri><digest>{digest}</digest></resource>"
    )


async def test_the_text_is_spoken_where_the_warning_brings_no_sound() -> None:
    async with desk() as at:
        await taken_in(at, "W-1", TOWN_A)
        assert (at.sounds.spoken, at.sounds.kept) == (["三小时内有暴雨。\n请转移。"], [])


@pytest.mark.parametrize("right", [True, False])
async def test_i9_a_sound_inside_the_warning_plays_only_if_it_has_the_digest_that_was_told(right: bool) -> None:
    async with desk() as at:
        digest = hashlib.sha1(b"mp3", usedforsecurity=False).hexdigest() if right else "00" * 20
        await taken_in(at, "W-1", TOWN_A, more=resource(b"mp3", digest))
        assert (bool(at.sounds.kept), bool(at.sounds.spoken)) == (right, not right)
