"""The ways to a crew: SMS over the modem, e-mail over a mail server, a webhook that takes JSON."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

import httpx

from devices.gsm_line import MessageRefused, ModemGone
from devices.gsm_modem import GsmModem
from devices.ports import Clock
from ebcd.clock import utc
from ebcd.workorders.crews import Crew
from ebcd.workorders.notify import Notice, Undelivered
from protocols.errors import LocalProtocolError

WEBHOOK_S_MAX = 10.0
MAIL_S_MAX = 60.0
"""For one message from the first byte to the last, however slowly a server talks."""
MAIL_STEP_S_MAX = 30.0
TLS_PORT = 465
"""Where TLS begins with the first byte (RFC 8314), as most providers ask for."""


class SmsChannel:
    """Short messages."""

    name = "sms"

    def __init__(self, modem: GsmModem) -> None:
        self._modem = modem

    def serves(self, crew: Crew) -> bool:
        """Whether it has a telephone."""
        return bool(crew.phone)

    async def deliver(self, notice: Notice) -> None:
        """As the protocol says."""
        try:
            await self._modem.send(notice.crew.phone, notice.words)
        except (MessageRefused, ModemGone, LocalProtocolError) as error:
            raise Undelivered(str(error)) from error


class WebhookChannel:
    """JSON by POST: the order or alarm as it stands, and the words for people."""

    name = "webhook"

    def __init__(self, client: Callable[[], httpx.AsyncClient] | None = None) -> None:
        self._client = client or (lambda: httpx.AsyncClient(timeout=WEBHOOK_S_MAX))

    def serves(self, crew: Crew) -> bool:
        """Whether it has an address."""
        return bool(crew.webhook)

    async def deliver(self, notice: Notice) -> None:
        """As the protocol says; every answer below 300 counts. What it says besides is not read."""
        body = {"what": notice.what, "text": notice.words, "crew": notice.crew.name, **notice.about}
        try:
            async with (
                asyncio.timeout(WEBHOOK_S_MAX),
                self._client() as http,
                http.stream("POST", notice.crew.webhook, json=body) as answer,
            ):
                status = answer.status_code
        except TimeoutError:
            raise Undelivered(f"no answer within {WEBHOOK_S_MAX:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Undelivered(repr(error)) from error
        if status >= 300:
            raise Undelivered(f"HTTP {status}")


@dataclass(frozen=True, slots=True)
class MailServer:
    """`[email]` of the configuration; `host` empty: there is none."""

    host: str = ""
    port: int = 587
    starttls: bool = True
    user: str = ""
    password: str = ""
    sender: str = ""

    @property
    def address(self) -> str:
        """What From says."""
        return self.sender or self.user

    @property
    def domain(self) -> str:
        """Of our own address; also the name by which we greet."""
        return parseaddr(self.address)[1].partition("@")[2] or "localhost"


class EmailChannel:
    """E-mail; the library of Python blocks, so it has a thread of its own: a mail server that hangs must not keep the
    threads that make an alert's sound."""

    name = "email"

    def __init__(self, server: MailServer, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, "mail")
        self._free = asyncio.Lock()

    def serves(self, crew: Crew) -> bool:
        """Whether it has an address."""
        return bool(crew.email)

    async def deliver(self, notice: Notice) -> None:
        """As the protocol says."""
        try:
            message = self._message(notice)
            async with self._free:
                await self._within(_Posting(self._server), message)
        except TimeoutError:
            raise Undelivered(f"not taken within {MAIL_S_MAX:g} s") from None
        except (OSError, smtplib.SMTPException, ValueError) as error:  # ValueError: a name or address that is none
            raise Undelivered(str(error) or type(error).__name__) from error

    async def _within(self, posting: _Posting, message: EmailMessage) -> None:
        try:
            async with asyncio.timeout(MAIL_S_MAX):
                await asyncio.get_running_loop().run_in_executor(self._thread, posting.send, message)
        finally:
            posting.cut()

    def _message(self, notice: Notice) -> EmailMessage:
        now = self._clock.wall()
        message = EmailMessage()
        message["Subject"], message["To"] = " ".join(notice.subject.split()), notice.crew.email
        message["From"] = self._server.address
        message["Date"] = format_datetime(utc(now))
        message["Message-ID"] = f"<{notice.number}.{notice.what}.{now:.6f}@{self._server.domain}>"
        message.set_content(notice.words)
        return message


class _Posting:
    """One conversation with a mail server, which another thread may cut."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._smtp: smtplib.SMTP | None = None

    def send(self, message: EmailMessage) -> None:
        """Blocks. Raises OSError, SMTPException, ValueError."""
        server, name = self._server, self._server.domain  # asking the resolver for our own name may take its time
        context = ssl.create_default_context()
        smtp: smtplib.SMTP
        if server.port == TLS_PORT:
            smtp = smtplib.SMTP_SSL(server.host, server.port, name, timeout=MAIL_STEP_S_MAX, context=context)
        else:
            smtp = smtplib.SMTP(server.host, server.port, name, timeout=MAIL_STEP_S_MAX)
        self._smtp = smtp
        with smtp:
            if server.starttls and server.port != TLS_PORT:
                smtp.starttls(context=context)
            if server.user:
                smtp.login(server.user, server.password)
            smtp.send_message(message)

    def cut(self) -> None:
        """End it wherever it is; one that is over stays so."""
        sock = self._smtp.sock if self._smtp is not None else None
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
