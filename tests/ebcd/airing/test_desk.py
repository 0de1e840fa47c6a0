"""Orders over FM from the desk to the horn: shown, said, obeyed, journaled; and what is refused."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from devices.fm_manner import PhysEncoding
from devices.maintenance import Air, Unsaid
from ebcd.airing.desk import RUNNING_MAX
from ebcd.airing.values import AirSaid, Note
from ebcd.airing.wish import What, Wish
from ebcd.operator import OperationRefused
from ebcd.state import CountyState
from protocols.codes import ResourceCode
from protocols.fm.configuration import ReturnPeriod
from tests.ebcd.airing.mast import CHEN, Mast, mast, phys_of
from tests.ebcd.county import COUNTY, TOWN_A, VILLAGE_A1, VILLAGE_A2, VILLAGE_B1, terminal

ONE = terminal(VILLAGE_A1, 4)  # hears FM only
NEIGHBOUR = terminal(VILLAGE_A1, 3)
FREE = ResourceCode(f"6{VILLAGE_A1}0314010409")
THEIRS = ResourceCode("63411232010010314010401")  # in another county
VOLUME = Wish(What.VOLUME, (ONE,), percent=30)


async def said(at: Mast, wish: Wish) -> AirSaid:
    """Look, confirm, wait."""
    return await at.desk.say(wish, at.desk.preview(wish).digest, CHEN)


def refusal(at: Mast, wish: Wish) -> tuple[str, str, str]:
    with pytest.raises(OperationRefused) as refused:
        at.desk.preview(wish)
    problem = refused.value.problem
    return problem.code, problem.value, problem.limit


# ---- said on air, and the terminal does it -------------------------------------------------------------------------


@pytest.mark.clause("GD/J 085 clause 5.2.18")
async def test_a_volume_is_shown_first_then_on_air_then_set_and_all_of_it_is_in_the_journal() -> None:
    async with mast() as at:
        plan = at.desk.preview(VOLUME)
        assert (plan.what, plan.type, plan.values, plan.devices) == ("volume", 23, {"percent": "30"}, 1)
        assert [(place.code, place.name, place.terminals) for place in plan.places] == [(VILLAGE_A1, "一村", 1)]
        (part,) = plan.links
        # type 23, 89 bytes behind the length field, one code; then 1E FF
        assert part.packets == ("B859" + "01" + f"F{ONE}" + "1EFF",)
        assert (part.frames, part.passes, part.pass_s, part.burst_s) == (19, 3, 1.66, 4.99)
        assert at.horn().settings.daily_volume == 60
        before = at.room.clock.wall()
        told = await at.desk.say(VOLUME, plan.digest, CHEN)
        (link,) = told.links
        assert (link.link, link.said, link.reason) == ("fm", True, "")
        assert link.until is not None
        assert before + 4 < link.until < before + 8
        assert at.horn().settings.daily_volume == 30
        assert at.horn(3).settings.daily_volume == 60
        (ordered,), (over,) = at.facts("fm.ordered"), at.facts("fm.said")
        assert (ordered["what"], ordered["codes"], ordered["digest"]) == ("volume", [ONE], plan.digest)
        assert (over["number"], over["results"]) == (told.number, [["fm", link.until, ""]])
        (event,) = [e for e in at.room.journal.events if e.kind == "fm.ordered"]
        assert event.actor == "chen"
        (entry,) = at.room.journal.replayed().devices.of(ONE)
        assert (entry.actor, entry.note) == ("chen", "volume 30 (fm)")


@pytest.mark.clause("GD/J 085 clause 5.2.3")
async def test_a_new_terminal_is_given_its_code_by_physical_address() -> None:
    async with mast() as at:
        wish = Wish(What.CODE, phys=phys_of(ONE), code=FREE)
        plan = at.desk.preview(wish)
        assert (plan.addresses, plan.devices) == ((), 1)
        assert plan.notes == (Note.NOT_KEPT, Note.OTHER_CODE)
        await at.desk.say(wish, plan.digest, CHEN)
        assert at.horn().code == FREE
        assert {horn.code for code, horn in at.horns.items() if code != ONE} == set(at.horns) - {ONE}
        await said(at, Wish(What.CODE, phys="FFFFFFFFFFFF", code=FREE))
        assert [horn.code for horn in at.horns.values()].count(FREE) == 1


@pytest.mark.clause("GD/J 085 clause 5.2.3")
@pytest.mark.parametrize(
    ("encoding", "data"),
    [("raw", "06204820100400"), ("bcd", "06204820100400"), ("ascii", "0C323034383230313030343030")],
)
async def test_a_physical_address_is_written_as_the_link_is_set(encoding: str, data: str) -> None:
    async with mast(phys_encoding=PhysEncoding(encoding)) as at:
        (part,) = at.desk.preview(Wish(What.CODE, phys="204820100400", code=FREE)).links
        assert part.packets[0][6:] == f"{data}F{FREE}"


async def test_return_period_query_and_amplifier_reach_a_village() -> None:
    async with mast() as at:
        village = ("一村",)
        await said(at, Wish(What.RETURN, village, address="10.20.30.40:8889"))
        await said(at, Wish(What.PERIOD, village, seconds=600))
        await said(at, Wish(What.QUERY, village, parameters=(6, 0x0B)))
        told = await said(at, Wish(What.AMPLIFIER, village, on=False))
        for horn in (at.horn(3), at.horn(4)):
            settings = horn.settings
            assert (settings.return_to, settings.period_s, settings.asked) == ("10.20.30.40:8889", 600, (6, 0x0B))
            assert not settings.amplifier_on
        assert at.horns[terminal(VILLAGE_A2, 4)].settings.period_s == 60
        assert (told.plan.devices, told.plan.addresses) == (2, (ResourceCode(f"6{VILLAGE_A1}0314010400"),))


async def test_a_telephone_number_for_returns_is_not_in_the_journal() -> None:
    async with mast() as at:
        await said(at, Wish(What.RETURN, (ONE,), address="13800138000"))
        assert at.horn().settings.return_to == "13800138000"
        assert "13800138000" not in str([event.payload for event in at.room.journal.events])


@pytest.mark.clause("GD/J 085 clause 5.2.12", "GD/J 085 clause 5.2.13")
async def test_a_restart_and_a_factory_reset_are_obeyed_by_one_terminal() -> None:
    async with mast() as at:
        plan = (await said(at, Wish(What.RESET, (ONE,), default_khz=101_300))).plan
        assert plan.notes == (Note.NO_CARRIER,)
        assert (at.horn().settings.restarts, at.horn().settings.default_khz) == (1, 101_300)
        await said(at, Wish(What.FACTORY_RESET, (ONE,)))
        assert (at.horn().settings.restarts, at.horn().settings.default_khz) == (2, 0)
        assert at.horn(3).settings.restarts == 0


@pytest.mark.clause("GD/J 085 clause 5.2.4")
async def test_maintenance_is_switched_on_and_off_where_the_link_keeps_it_alive() -> None:
    async with mast(maintenance_s=60) as at:
        await said(at, Wish(What.MAINTENANCE, (ONE,), on=True, seconds=120))
        assert at.horn().settings.maintenance_s == 120
        assert at.horn(3).settings.maintenance_s == 60
        plan = (await said(at, Wish(What.MAINTENANCE, (ONE,), on=False))).plan
        assert plan.notes == (Note.SAID_AGAIN,)
        assert at.horn().settings.maintenance_s is None


# ---- not said ------------------------------------------------------------------------------------------------------


async def test_i8_a_transmitter_that_is_gone_is_no_success() -> None:
    async with mast(dead=True) as at:
        plan = at.desk.preview(VOLUME)
        assert (plan.notes, plan.links[0].up) == ((Note.LINK_DOWN,), False)
        told = await at.desk.say(VOLUME, plan.digest, CHEN)
        (link,) = told.links
        assert (link.said, link.until, link.reason) == (False, None, "over before it was on air")
        assert at.facts("fm.said")[0]["results"] == [["fm", None, "over before it was on air"]]


async def test_what_was_not_shown_is_not_said() -> None:
    async with mast() as at:
        with pytest.raises(OperationRefused) as refused:
            await at.desk.say(VOLUME, at.desk.preview(replace(VOLUME, percent=90)).digest, CHEN)
        assert refused.value.problem.code == "fm_changed"
        assert at.facts("fm.ordered") == []


async def test_an_alert_that_comes_between_the_look_and_the_air_withdraws_a_reset() -> None:
    async with mast() as at:
        wish = Wish(What.RESET, (ONE,))
        digest = at.desk.preview(wish).digest
        order = asyncio.ensure_future(at.desk.say(wish, digest, CHEN))
        await asyncio.sleep(0.2)
        at.room.take_in()
        (link,) = (await order).links
        assert (link.said, link.reason) == (False, "an alert came first")
        await asyncio.sleep(5)
        assert ("begin", ONE) in at.log
        assert at.horn().settings.restarts == 0


@pytest.mark.parametrize("what", [What.RESET, What.FACTORY_RESET, What.AMPLIFIER, What.CODE])
async def test_nothing_that_would_silence_an_alert_is_taken_while_one_is_on_air_there(what: What) -> None:
    async with mast() as at:
        record = at.room.take_in(areas=(VILLAGE_A1,))
        await asyncio.sleep(5)
        there, elsewhere = terminal(VILLAGE_A1, 4), terminal(VILLAGE_B1, 4)
        if what is What.CODE:
            assert refusal(at, Wish(what, phys=phys_of(there), code=FREE))[:2] == ("fm_alert_on_air", record.alert.id)
            return
        assert refusal(at, Wish(what, (there,), on=False))[:2] == ("fm_alert_on_air", record.alert.id)
        assert at.desk.preview(Wish(what, (elsewhere,), on=False)).devices == 1
        assert at.desk.preview(Wish(What.VOLUME, (there,), percent=20)).devices == 1


async def test_only_so_many_orders_wait_for_the_air() -> None:
    async with mast(dead=True) as at:
        digest = at.desk.preview(VOLUME).digest
        waiting = [asyncio.ensure_future(at.desk.say(VOLUME, digest, CHEN)) for _ in range(RUNNING_MAX)]
        await asyncio.sleep(1)
        with pytest.raises(OperationRefused) as refused:
            await at.desk.say(VOLUME, digest, CHEN)
        assert refused.value.problem.code == "fm_busy"
        await asyncio.gather(*waiting)
        assert len(at.facts("fm.said")) == RUNNING_MAX


# ---- named twice ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "twice"),
    [
        (Wish(What.FACTORY_RESET, (ONE,)), False),
        (Wish(What.FACTORY_RESET, ("一村",)), True),
        (Wish(What.RESET, ("甲镇",)), False),
        (Wish(What.RESET, (COUNTY,)), True),
        (Wish(What.AMPLIFIER, (COUNTY,), on=False), True),
        (Wish(What.AMPLIFIER, (COUNTY,), on=True), False),
        (Wish(What.VOLUME, (COUNTY,), percent=0), False),
    ],
)
async def test_what_would_silence_many_must_be_named_twice(wish: Wish, twice: bool) -> None:
    async with mast() as at:
        plan = at.desk.preview(wish)
        assert plan.twice is twice
        if twice:
            for again in ((), (*wish.to, ONE), (VILLAGE_B1,)):
                with pytest.raises(OperationRefused) as refused:
                    await at.desk.say(replace(wish, again=again), plan.digest, CHEN)
                assert refused.value.problem.code == "fm_twice"
            assert at.facts("fm.ordered") == []
            told = await at.desk.say(replace(wish, again=wish.to), plan.digest, CHEN)
            assert told.links[0].said


# ---- refused -------------------------------------------------------------------------------------------------------

BAD: list[tuple[Wish, tuple[str, str]]] = [
    (replace(VOLUME, to=()), ("fm_nobody_named", "")),
    (replace(VOLUME, to=("无此地",)), ("fm_unknown_address", "无此地")),
    (replace(VOLUME, to=("349902",)), ("fm_outside", "349902")),
    (replace(VOLUME, to=("340000",)), ("fm_outside", "340000")),  # an enclosing code never means the county here
    (replace(VOLUME, to=(f"6{'0' * 12}0314000400",)), ("fm_outside", f"6{'0' * 12}0314000400")),
    (replace(VOLUME, to=(f"0{ONE[1:]}",)), ("fm_level_zero", f"0{ONE[1:]}")),
    (replace(VOLUME, to=(terminal(VILLAGE_A1, 1),)), ("fm_nobody_there", terminal(VILLAGE_A1, 1))),  # IP only
    (replace(VOLUME, to=(ONE, "349901109")), ("fm_nobody_there", "349901109")),
    (replace(VOLUME, percent=None), ("fm_value_missing", "")),
    (Wish(What.RETURN, (ONE,), address="eb.cn"), ("fm_bad_return", "eb.cn")),
    (Wish(What.RETURN, (ONE,), address="1.2.3.999:80"), ("fm_bad_value", "1.2.3.999:80")),
    (Wish(What.RETURN, (ONE,), address="eb.cn:70000"), ("fm_bad_value", "eb.cn:70000")),
    (Wish(What.QUERY, (ONE,)), ("fm_value_missing", "")),
    (Wish(What.CODE, (ONE,), phys="00", code=FREE), ("fm_to_with_code", ONE)),
    (Wish(What.CODE, phys="0G", code=FREE), ("fm_bad_value", "0G")),
    (Wish(What.CODE, phys="00", code="123"), ("fm_bad_value", "123")),
    (Wish(What.CODE, phys="00", code=f"6{VILLAGE_A1}0314010400"), ("fm_no_terminal_code", f"6{VILLAGE_A1}0314010400")),
    (Wish(What.CODE, phys="00", code=f"0{FREE[1:]}"), ("fm_no_terminal_code", f"0{FREE[1:]}")),
    (
        Wish(What.CODE, phys="00", code=ResourceCode("63411232010010314010401")),
        ("fm_outside", "63411232010010314010401"),
    ),
    (Wish(What.CODE, phys="00", code=NEIGHBOUR), ("fm_code_taken", NEIGHBOUR)),
    (Wish(What.MAINTENANCE, (ONE,), on=True, seconds=60), ("fm_not_kept_alive", "fm")),
]


@pytest.mark.parametrize(("wish", "expected"), BAD)
async def test_what_makes_no_sense_is_refused_by_name(wish: Wish, expected: tuple[str, str]) -> None:
    async with mast() as at:
        assert refusal(at, wish)[:2] == expected


async def test_a_period_shorter_than_the_links_is_refused() -> None:
    async with mast(maintenance_s=90) as at:
        assert refusal(at, Wish(What.MAINTENANCE, (ONE,), on=True, seconds=60)) == ("fm_period_short", "60", "90")
        assert at.desk.preview(Wish(What.MAINTENANCE, (ONE,), on=True)).values["seconds"] == "90"


async def test_without_an_fm_link_there_is_no_air() -> None:
    async with mast(links=0) as at:
        assert refusal(at, VOLUME)[0] == "fm_no_link"


async def test_a_name_that_two_villages_share_is_refused_with_both_codes() -> None:
    async with mast() as at:
        at.room.inventory._by_name["双胞村"] = [VILLAGE_A1, VILLAGE_A2]
        assert refusal(at, replace(VOLUME, to=("双胞村",))) == (
            "fm_several_places",
            "双胞村",
            f"{VILLAGE_A1}, {VILLAGE_A2}",
        )


def test_journals_without_such_facts_are_read_as_before() -> None:
    assert CountyState().devices.of(ONE) == ()


async def test_a_town_is_addressed_by_one_group_and_its_villages_are_counted() -> None:
    async with mast() as at:
        plan = at.desk.preview(replace(VOLUME, to=("甲镇",)))
        assert plan.addresses == (ResourceCode(f"6{TOWN_A}0314010400"),)
        assert [(place.name, place.terminals) for place in plan.places] == [("一村", 2), ("二村", 2)]


async def test_one_link_that_cannot_say_it_does_not_speak_for_the_others() -> None:
    async with mast(links=2) as at:
        told: list[str] = []

        async def ask() -> None:
            told.append(await at.enquiries.air(lambda token: Air((ONE,), ReturnPeriod(60), token), 30.0))

        asked = asyncio.ensure_future(ask())
        await asyncio.sleep(0.1)
        at.enquiries.observe(Unsaid("fm-2", 1, "no room"))
        await asked
        assert told == [""]


async def test_what_no_link_says_is_told_with_each_reason() -> None:
    async with mast(links=2, dead=True) as at:
        asked = asyncio.ensure_future(at.enquiries.air(lambda token: Air((ONE,), ReturnPeriod(60), token), 30.0))
        await asyncio.sleep(0.1)
        at.enquiries.observe(Unsaid("fm", 1, "no room"))
        at.enquiries.observe(Unsaid("fm-2", 1, "an alert came first"))
        assert await asked == "no room; an alert came first"
