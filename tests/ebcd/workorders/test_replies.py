"""What crews and village officers say by SMS."""

from __future__ import annotations

from collections import Counter

import pytest

from devices.gsm_modem import Short
from ebcd.workorders.office import WorkOffice
from ebcd.workorders.replies import Ears, Known, SmsReplies
from tests.ebcd.county import VILLAGE_A1
from tests.ebcd.workorders.test_office import HORN, office

CREW, OFFICER, STRANGER = "+8613800100055", "13900200066", "13700300077"


class Phone:
    """The replies and what was answered."""

    def __init__(self, work: WorkOffice) -> None:
        self.answers: list[tuple[str, str]] = []
        self.counted: Counter[str] = Counter()
        self.heard: list[tuple[str, str, str, bool]] = []
        people = {"13800100055": Known("一班", is_crew=True), OFFICER: Known("王村长", VILLAGE_A1)}
        self.people: list[tuple[str, str]] = []
        answer = lambda number, words: self.answers.append((number, words))  # noqa: E731
        self.replies = SmsReplies(work, people, answer, self.count, "zh", Ears(self.hear, self.person))

    async def person(self, name: str, number: str) -> int:
        self.people.append((name, number))
        return 12

    async def hear(self, known: Known, number: str, words: str, heard: bool) -> tuple[str, str]:
        self.heard.append((known.name, number, words, heard))
        return "暴雨", "石桥村"

    def count(self, outcome: str) -> None:
        self.counted[outcome] += 1

    async def say(self, number: str, words: str) -> str:
        """The answer, "" for none."""
        before = len(self.answers)
        await self.replies.take(Short(number, words))
        return self.answers[-1][1] if len(self.answers) > before else ""


async def test_an_officer_reports_and_the_crew_takes_its_steps() -> None:
    async with office() as (room, desk, _):
        phone = Phone(WorkOffice(desk, room.inventory, room.clock, room.core.ledger.mark))
        answer = await phone.say(OFFICER, f"报修 {HORN} 大雨后没声音，找李四 138 0000 1111")
        (order,) = desk.book.live()
        assert order.id in answer
        assert (order.source, order.why) == ("P12", "大雨后没声音，找李四 ***")
        assert phone.people == [("王村长", OFFICER)]
        assert "王村长" not in str([event.payload for event in room.journal.events])
        assert "已受理" in await phone.say(CREW, f"受理 {order.id}")
        assert "在现场" in await phone.say(CREW, f"到场：{order.id.lower()}")
        assert "待验证" in await phone.say(CREW, f"修复 {order.id} 换了功放")
        assert (order.history[-1].actor, order.history[-1].note) == ("一班", "换了功放")
        assert phone.counted == Counter(taken=4)


@pytest.mark.parametrize(
    "words",
    [
        "报修 {}，大雨后没声音",
        "报修：{}。大雨后没声音",
        "报修{} 大雨后没声音",
        "报修{}大雨后没声音",
        "报修{}号杆大雨后没声音",
        "report {}: 大雨后没声音",
        "  报修\n{}\n大雨后没声音",
    ],
)
async def test_people_write_as_they_like(words: str) -> None:
    async with office() as (room, desk, _):
        phone = Phone(WorkOffice(desk, room.inventory, room.clock, room.core.ledger.mark))
        wide = "".join(chr(ord(c) + 0xFEE0) for c in HORN) if "：" in words else HORN  # full width, as telephones offer
        await phone.say(OFFICER, words.format(wide))
        (order,) = desk.book.live()
        assert (order.devices, order.why) == ((HORN,), "大雨后没声音")


async def test_what_is_sent_twice_is_done_once() -> None:
    async with office() as (room, desk, _):
        phone = Phone(WorkOffice(desk, room.inventory, room.clock, room.core.ledger.mark))
        for _ in range(2):
            await phone.say(OFFICER, f"报修 {HORN} 没声音")
        (order,) = desk.book.live()
        for _ in range(2):
            assert "已受理" in await phone.say(CREW, f"受理{order.id}马上去")
        assert [step.what for step in order.history] == ["opened", "reported", "accept"]
        assert order.history[-1].note == "马上去"


@pytest.mark.parametrize("words", ["", "你好", "受理", "关机 W202611290001", "1" * 700, "受理\n"])
async def test_what_is_not_understood_is_answered_with_how_to_write(words: str) -> None:
    async with office() as (room, desk, _):
        phone = Phone(WorkOffice(desk, room.inventory, room.clock, room.core.ledger.mark))
        assert "报修" in await phone.say(CREW, words)
        assert phone.counted == Counter(unreadable=1)
        assert desk.book.live() == []


async def test_what_cannot_be_done_is_answered_by_name() -> None:
    async with office() as (room, desk, _):
        phone = Phone(WorkOffice(desk, room.inventory, room.clock, room.core.ledger.mark))
        assert "W202611290042" in await phone.say(CREW, "受理 W202611290042")
        assert "火星" in await phone.say(OFFICER, "报修 火星 没声音")
        assert phone.counted == Counter(refused=2)


@pytest.mark.parametrize(
    ("words", "heard", "rest"),
    [
        ("听到", True, ""),
        ("听到了。", True, ""),
        ("听到了 石桥村 声音很大", True, "石桥村 声音很大"),
        ("没听到 0001", False, "0001"),
        ("没有听到：村西头", False, "村西头"),
        ("未听见", False, ""),
        ("heard Shiqiao", True, "Shiqiao"),
        ("NOT HEARD, Shiqiao", False, "Shiqiao"),
    ],
)
async def test_a_word_about_an_alert_goes_to_the_evidence(words: str, heard: bool, rest: str) -> None:
    async with office() as (room, desk, _):
        phone = Phone(WorkOffice(desk, room.inventory, room.clock, room.core.ledger.mark))
        answer = await phone.say(OFFICER, words)
        assert phone.heard == [("王村长", OFFICER, rest, heard)]
        assert ("没听到" in answer) is not heard
        assert phone.counted == {"heard" if heard else "not_heard": 1}


@pytest.mark.parametrize("words", ["听到没有", "没听到没有？", "我听到", "heardit"])
async def test_a_question_is_no_evidence(words: str) -> None:
    async with office() as (room, desk, _):
        phone = Phone(WorkOffice(desk, room.inventory, room.clock, room.core.ledger.mark))
        assert "听到/没听到" in await phone.say(OFFICER, words)
        assert (phone.heard, phone.counted) == ([], Counter(unreadable=1))


async def test_a_stranger_does_nothing_and_learns_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    async with office() as (room, desk, _):
        phone = Phone(WorkOffice(desk, room.inventory, room.clock, room.core.ledger.mark))
        assert await phone.say(STRANGER, f"报修 {HORN} 没声音") == ""
        assert phone.counted == Counter(stranger=1)
        assert desk.book.live() == []
        assert STRANGER not in capsys.readouterr().out
