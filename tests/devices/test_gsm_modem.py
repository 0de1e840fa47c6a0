"""A modem on a pty: what it is told, what it tells, and how it fails."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from devices.gsm_line import MessageRefused, ModemGone
from devices.gsm_modem import GsmModem, GsmModemConfig, Short
from protocols.errors import LocalProtocolError
from tests.protocols.gsm.test_pdu import PHONE, deliver_ucs2

pytestmark = pytest.mark.real


class FakeModem:
    """Answers as TS 27.005 describes, in a hurry. `mute`: it takes everything and says nothing; `says`: its own answers
    to some commands, each used up from the front; `echoes`: it repeats what it is told; `chats`: said unasked in front
    of every line of an answer; `keeps`: it deletes nothing."""

    def __init__(self) -> None:
        self.far, self.near = os.openpty()
        tty.setraw(self.far)
        tty.setraw(self.near)
        os.set_blocking(self.far, False)
        self.name = os.ttyname(self.near)
        self.card: dict[int, str] = {}
        self.sent: list[str] = []
        self.commands: list[str] = []
        self.refuse = ""
        self.pin = ""
        self.mute = False
        self.says: dict[str, list[tuple[str, ...]]] = {}
        self.echoes = False
        self.chats = ""
        self.keeps = False
        self.after_pin: tuple[str, ...] = ("OK",)
        self._news = asyncio.Event()
        self._buffer = b""
        self._body = False
        asyncio.get_running_loop().add_reader(self.far, self._read)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.far)
        for descriptor in (self.far, self.near):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something that the driver tells brings it about."""
        while not holds():
            self._news.clear()
            await self._news.wait()

    def say(self, *lines: str) -> None:
        chat = f"\r\n{self.chats}\r\n" if self.chats else ""
        os.write(self.far, "".join(f"{chat}\r\n{line}\r\n" for line in lines).encode())

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            self._buffer += os.read(self.far, 4096)
        asyncio.get_running_loop().call_soon(self._news.set)
        while self._buffer:
            if self._body:
                if b"\x1a" not in self._buffer:
                    return
                body, self._buffer = self._buffer.split(b"\x1a", 1)
                self._body = False
                self._take(body.decode())
                continue
            self._buffer = self._buffer.lstrip(b"\x1b")
            if b"\r" not in self._buffer:
                return
            line, self._buffer = self._buffer.split(b"\r", 1)
            self._obey(line.decode())

    def _take(self, pdu: str) -> None:
        if self.refuse:
            self.say(f"+CMS ERROR: {self.refuse}")
            return
        self.sent.append(pdu)
        self.say("+CMGS: 17", "OK")

    def _obey(self, command: str) -> None:
        self.commands.append(command)
        if self.echoes and command != "AT":
            os.write(self.far, f"{command}\r".encode())
        if self.mute:
            return
        if own := self.says.get(command):
            self.say(*own.pop(0))
            return
        if self.pin and not command.startswith(("AT+CPIN", "ATE0", "AT+CMEE")) and command != "AT":
            self.say("+CME ERROR: 11")  # most commands need the card
            return
        if command == "AT+CMGL=4":
            for place, pdu in list(self.card.items()):
                self.say(f"+CMGL: {place},1,,{len(pdu) // 2 - 1}", pdu)
        elif found := re.fullmatch(r"AT\+CMGD=(\d+)", command):
            if self.keeps:
                self.say("+CMS ERROR: 321")
                return
            self.card.pop(int(found[1]))
        elif command.startswith("AT+CMGS="):
            self._body = True
            os.write(self.far, b"\r\n> ")
            return
        elif command == "AT+CPIN?":
            self.say("+CPIN: SIM PIN" if self.pin else "+CPIN: READY", *self.after_pin)
            return
        elif found := re.fullmatch(r'AT\+CPIN="(\d+)"', command):
            if found[1] != self.pin:
                self.say("+CME ERROR: 16")
                return
            self.pin = ""
        self.say("OK")


class Inbox:
    """What came in."""

    def __init__(self) -> None:
        self.messages: list[Short] = []
        self.news = asyncio.Event()

    async def take(self, message: Short) -> None:
        self.messages.append(message)
        self.news.set()

    async def wait_for(self, count: int) -> None:
        while len(self.messages) < count:
            self.news.clear()
            await self.news.wait()


@asynccontextmanager
async def modem(fake: FakeModem, pin: str = "") -> AsyncIterator[tuple[GsmModem, Inbox]]:
    inbox = Inbox()
    driver = GsmModem(GsmModemConfig(fake.name, pin=pin), inbox.take)
    task = asyncio.get_running_loop().create_task(driver.run())
    try:
        async with asyncio.timeout(20):
            await driver.ready.wait()
            yield driver, inbox
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        fake.close()


async def test_a_text_is_set_up_sent_and_acknowledged() -> None:
    fake = FakeModem()
    async with modem(fake) as (driver, _):
        await driver.send(PHONE, "报修")
        assert fake.sent == ["0011000D91683108100050F500080B0462A54FEE"]
        assert "AT+CMGS=19" in fake.commands
        assert fake.commands[:4] == ["AT", "ATE0", "AT+CMEE=1", "AT+CPIN?"]
        assert fake.commands[4:7] == ["AT+CMGF=0", 'AT+CPMS="SM","SM","SM"', "AT+CNMI=2,1,0,0,0"]


async def test_a_long_text_is_sent_in_its_parts_and_several_senders_wait_for_each_other() -> None:
    fake = FakeModem()
    async with modem(fake) as (driver, _):
        await asyncio.gather(driver.send(PHONE, "长" * 150), driver.send("10086", "cx"), driver.send(PHONE, "短"))
        assert len(fake.sent) == 3 + 1 + 1
        assert [pdu[32:44] for pdu in fake.sent[:3]] == ["050003010301", "050003010302", "050003010303"]


async def test_what_the_network_refuses_is_the_senders_to_hear_and_the_next_goes_on() -> None:
    fake = FakeModem()
    async with modem(fake) as (driver, _):
        fake.refuse = "304"
        with pytest.raises(MessageRefused, match="CMS 304"):
            await driver.send(PHONE, "报修")
        fake.refuse = ""
        await driver.send(PHONE, "报修")
        assert len(fake.sent) == 1
        with pytest.raises(LocalProtocolError):
            await driver.send("nobody", "x")


async def test_messages_on_the_card_and_new_ones_are_handed_on_and_deleted() -> None:
    fake = FakeModem()
    fake.card = {3: deliver_ucs2(PHONE, "旧的")}
    async with modem(fake) as (_, inbox):
        await inbox.wait_for(1)
        fake.card[4] = deliver_ucs2(PHONE, "报修 14010403")
        fake.say('+CMTI: "SM",4')
        await inbox.wait_for(2)
        await fake.until(lambda: not fake.card)
        assert inbox.messages == [Short(PHONE, "旧的"), Short(PHONE, "报修 14010403")]


async def test_a_text_in_parts_stays_on_the_card_until_it_is_whole_and_an_unreadable_one_is_let_go() -> None:
    fake = FakeModem()
    parts = [deliver_ucs2(PHONE, text, bytes((5, 0, 3, 9, 2, at))) for at, text in ((1, "前半"), (2, "后半"))]
    fake.card = {1: parts[0], 2: "00FFFF"}
    async with modem(fake) as (driver, inbox):
        await driver.send("10086", "cx")
        assert list(fake.card) == [1]
        fake.card[5] = parts[1]
        fake.say('+CMTI: "SM",5')
        await inbox.wait_for(1)
        await fake.until(lambda: not fake.card)
        assert inbox.messages == [Short(PHONE, "前半后半")]


async def test_a_notice_in_the_middle_of_a_command_is_not_lost() -> None:
    fake = FakeModem()
    async with modem(fake) as (driver, inbox):
        fake.card[7] = deliver_ucs2(PHONE, "来了")
        fake.say('+CMTI: "SM",7')
        await driver.send(PHONE, "报修")
        await inbox.wait_for(1)


async def test_a_card_with_a_pin_is_unlocked() -> None:
    fake = FakeModem()
    fake.pin = "1234"
    async with modem(fake, pin="1234") as (driver, _):
        await driver.send(PHONE, "报修")
        assert 'AT+CPIN="1234"' in fake.commands


async def test_without_a_modem_nothing_is_promised() -> None:
    driver = GsmModem(GsmModemConfig("/nowhere/modem"), Inbox().take)
    with pytest.raises(ModemGone):
        await driver.send(PHONE, "报修")


async def test_a_modem_that_is_pulled_out_ends_what_waits_for_it() -> None:
    fake = FakeModem()
    async with modem(fake) as (driver, _):
        fake.mute = True
        sending = asyncio.get_running_loop().create_task(driver.send(PHONE, "报修"))
        await fake.until(lambda: any(command.startswith("AT+CMGS") for command in fake.commands))
        fake.close()
        with pytest.raises(ModemGone):
            await sending
        assert not driver.ready.is_set()


async def test_a_message_is_read_whatever_the_modem_says_in_the_middle() -> None:
    fake = FakeModem()
    fake.card = {1: deliver_ucs2(PHONE, "报修 0123"), 2: deliver_ucs2(PHONE, "到场 W1")}
    fake.chats, fake.echoes = "^RSSI: 17", True
    async with modem(fake) as (driver, inbox):
        await inbox.wait_for(2)
        await driver.send(PHONE, "报修")
        assert [message.text for message in inbox.messages] == ["报修 0123", "到场 W1"]
        await fake.until(lambda: not fake.card)


async def test_what_cannot_be_deleted_is_handed_on_once() -> None:
    fake = FakeModem()
    fake.card, fake.keeps = {1: deliver_ucs2(PHONE, "报修 0123")}, True
    async with modem(fake) as (driver, inbox):
        await inbox.wait_for(1)
        for _ in range(3):
            fake.commands.clear()
            fake.say('+CMTI: "SM",1')
            await fake.until(lambda: "AT+CMGD=1" in fake.commands)
        await driver.send(PHONE, "在")
        assert len(inbox.messages) == 1
        fake.keeps, fake.card[2] = False, deliver_ucs2(PHONE, "报修 0124")
        fake.say('+CMTI: "SM",2')
        await inbox.wait_for(2)
        await fake.until(lambda: not fake.card)


async def test_a_refused_pin_is_tried_once_and_never_again() -> None:
    fake = FakeModem()
    fake.pin = "9999"
    driver = GsmModem(GsmModemConfig(fake.name, pin="1234"), Inbox().take)
    task = asyncio.get_running_loop().create_task(driver.run())
    async with asyncio.timeout(20):
        await fake.until(lambda: fake.commands.count("AT+CPIN?") >= 3)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    fake.close()
    assert [c for c in fake.commands if c.startswith("AT+CPIN=")] == ['AT+CPIN="1234"']
    assert "PIN was refused" in driver.reason


@pytest.mark.parametrize(
    "says",
    [
        {"AT+CNMI=2,1,0,0,0": [("+CMS ERROR: 303",)], "AT+CNMI=1,1,0,0,0": [("ERROR",)], "AT+CNMI=2,1": [("ERROR",)]},
        {'AT+CPMS="SM","SM","SM"': [("ERROR",)], "AT+CMEE=1": [("COMMAND NOT SUPPORT",)]},
        {"AT+CPIN?": [("+CME ERROR: 14",), ("+CME ERROR: 515",)], "AT+CMGF=0": [("+CMS ERROR: 314",)]},
        {"AT+CPIN?": [("ERROR",)]},
        {"AT+CMGL=4": [("+CMS ERROR: 302",)]},
    ],
    ids=["no notices", "no stores", "a busy card", "no such question", "a card that cannot be read"],
)
async def test_modems_that_cannot_everything_still_send(says: dict[str, list[tuple[str, ...]]]) -> None:
    fake = FakeModem()
    fake.says = says
    async with modem(fake) as (driver, _):
        await driver.send(PHONE, "报修")
        assert len(fake.sent) == 1


async def test_a_modem_that_ends_its_answer_about_the_pin_with_nothing_is_understood() -> None:
    fake = FakeModem()
    fake.after_pin = ()
    fake.pin = "1234"
    async with modem(fake, pin="1234") as (driver, _):
        await driver.send(PHONE, "报修")
        assert len(fake.sent) == 1


async def test_a_modem_that_comes_back_is_used_again_and_what_waited_is_sent(tmp_path: Path) -> None:
    first, name = FakeModem(), tmp_path / "modem"
    name.symlink_to(first.name)
    driver = GsmModem(GsmModemConfig(str(name)), Inbox().take)
    task = asyncio.get_running_loop().create_task(driver.run())
    async with asyncio.timeout(20):
        await driver.ready.wait()
        first.mute = True
        lost, waiting = driver.offer(PHONE, "一"), driver.offer(PHONE, "二")
        await first.until(lambda: any(command.startswith("AT+CMGS") for command in first.commands))
        first.close()
        with pytest.raises(ModemGone):
            await lost
        second = FakeModem()
        name.unlink()
        name.symlink_to(second.name)
        await waiting
        assert len(second.sent) == 1
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    second.close()
