"""Real doors: a mail server, a webhook and a modem on loopback and a pty."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from email import message_from_bytes
from email.policy import default

import pytest

from devices.gsm_modem import GsmModem, GsmModemConfig, Short
from ebcd.clock import SystemClock
from ebcd.workorders import Crew, channels
from ebcd.workorders.channels import EmailChannel, MailServer, SmsChannel, WebhookChannel
from ebcd.workorders.notify import Notice, Undelivered
from ebcd.workorders.values import Trouble, WorkOrder
from tests.devices.test_gsm_modem import FakeModem

CLOCK = SystemClock()
pytestmark = pytest.mark.real

ORDER = WorkOrder("W202611290001", Trouble.DEVICE, "6" * 23, ("6" * 23,), "", "349901101000", "一班", 1.0, "daemon")


def notice(crew: Crew) -> Notice:
    """To one crew."""
    return Notice(ORDER.id, "dispatch", crew, "工单\n石桥村", "工单 W202611290001：石桥村", {"order": asdict(ORDER)})


@asynccontextmanager
async def post_office() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A mail server that takes one message a connection, by the book and no more."""
    letters: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            verb = line.split()[0].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                letters.append(await reader.readuntil(b"\r\n.\r\n"))
            writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
            if verb == b"QUIT":
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], letters


async def test_a_crew_gets_an_e_mail() -> None:
    async with post_office() as (port, letters):
        channel = EmailChannel(MailServer("127.0.0.1", port, starttls=False, sender="ebcd@county.example"), CLOCK)
        crew = Crew("一班", (), email="crew@county.example")
        assert channel.serves(crew)
        await channel.deliver(notice(crew))
        letter = message_from_bytes(letters[0].removesuffix(b"\r\n.\r\n"), policy=default)
        assert letter["To"] == "crew@county.example"
        assert (letter["Subject"], letter.get_content().strip()) == ("工单 石桥村", "工单 W202611290001：石桥村")
        assert letter["Date"].datetime.timestamp() == int(CLOCK.wall())
        assert letter["Message-ID"].endswith("@county.example>")


async def test_a_mail_server_that_is_not_there_is_told() -> None:
    channel = EmailChannel(MailServer("127.0.0.1", 1, starttls=False), CLOCK)
    with pytest.raises(Undelivered):
        await channel.deliver(notice(Crew("一班", (), email="crew@county.example")))


async def test_a_mail_server_that_refuses_or_never_comes_to_an_end_is_told_and_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channels, "MAIL_S_MAX", 0.3)
    over, greeting = asyncio.Event(), {"says": b"554 go away\r\n"}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting["says"])
        await reader.readline()
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing() and not reader.at_eof():
                writer.write(b"250-and another line\r\n")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await reader.read(100)
        writer.close()
        over.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        channel = EmailChannel(MailServer("127.0.0.1", port, starttls=False, sender="a@b.example"), CLOCK)
        crew = Crew("一班", (), email="crew@county.example")
        with pytest.raises(Undelivered, match="554"):
            await channel.deliver(notice(crew))
        over.clear()
        greeting["says"] = b"220 here\r\n"
        with pytest.raises(Undelivered, match="within"):
            await channel.deliver(notice(crew))
        await over.wait()


@asynccontextmanager
async def hook(status: str) -> AsyncIterator[tuple[str, list[bytes]]]:
    """An HTTP server with one answer."""
    bodies: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split()[0])
        bodies.append(await reader.readexactly(length))
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/orders", bodies


async def test_a_webhook_gets_the_order_as_json() -> None:
    async with hook("200 OK") as (url, bodies):
        await WebhookChannel().deliver(notice(Crew("一班", (), webhook=url)))
        body = json.loads(bodies[0])
        assert (body["order"]["id"], body["what"], body["crew"]) == (ORDER.id, "dispatch", "一班")


@pytest.mark.parametrize("status", ["500 Oops", "302 Found"])
async def test_a_webhook_that_does_not_take_it_is_told(status: str) -> None:
    async with hook(status) as (url, _):
        with pytest.raises(Undelivered, match=status[:3]):
            await WebhookChannel().deliver(notice(Crew("一班", (), webhook=url)))
    with pytest.raises(Undelivered):
        await WebhookChannel().deliver(notice(Crew("一班", (), webhook="no address")))


async def test_a_webhook_that_talks_without_end_or_not_at_all_costs_its_time_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channels, "WEBHOOK_S_MAX", 0.3)
    answer = {"says": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer["says"])
        with contextlib.suppress(ConnectionError):
            while answer["says"] and not writer.is_closing():
                writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                await writer.drain()
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        crew = Crew("一班", (), webhook=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        await WebhookChannel().deliver(notice(crew))
        answer["says"] = b""
        with pytest.raises(Undelivered, match="within"):
            await WebhookChannel().deliver(notice(crew))


async def test_a_crew_gets_an_sms() -> None:
    fake = FakeModem()

    async def nobody(_message: Short) -> None:
        raise AssertionError("nothing comes in")

    modem = GsmModem(GsmModemConfig(fake.name), nobody)
    task = asyncio.get_running_loop().create_task(modem.run())
    try:
        async with asyncio.timeout(20):
            await modem.ready.wait()
            await SmsChannel(modem).deliver(notice(Crew("一班", (), phone="13800100055")))
            fake.refuse = "38"
            with pytest.raises(Undelivered, match="CMS 38"):
                await SmsChannel(modem).deliver(notice(Crew("一班", (), phone="13800100055")))
    finally:
        task.cancel()
        fake.close()
    assert len(fake.sent) == 1
