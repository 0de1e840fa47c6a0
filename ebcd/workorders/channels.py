"""The ways to a crew: SMS over the modem, e-mail over a mail server, a webhook that takes JSON."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage

import httpx

from devices.gsm_line import MessageRefused, ModemGone
from devices.gsm_modem import GsmModem
from ebcd.workorders.crews import Crew
from ebcd.workorders.notify import Notice, Undelivered
from protocols.errors import LocalProtocolError

WEBHOOK_S_MAX = 10.0
MAIL_S_MAX = 30.0


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
        """As the protocol says; every answer below 300 counts."""
        body = {"what": notice.what, "text": notice.words, "crew": notice.crew.name, **notice.about}
        try:
            async with self._client() as http:
                answer = await http.post(notice.crew.webhook, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Undelivered(repr(error)) from error
        if answer.status_code >= 300:
            raise Undelivered(f"HTTP {answer.status_code}")


@dataclass(frozen=True, slots=True)
class MailServer:
    """`[email]` of the configuration; `host` empty: there is none."""

    host: str = ""
    port: int = 587
    starttls: bool = True
    user: str = ""
    password: str = ""
    sender: str = ""


class EmailChannel:
    """E-mail; the library of Python blocks, so each message has a thread for its moment."""

    name = "email"

    def __init__(self, server: MailServer) -> None:
        self._server = server

    def serves(self, crew: Crew) -> bool:
        """Whether it has an address."""
        return bool(crew.email)

    async def deliver(self, notice: Notice) -> None:
        """As the protocol says."""
        message = EmailMessage()
        message["Subject"], message["To"] = notice.subject, notice.crew.email
        message["From"] = self._server.sender or self._server.user
        message.set_content(notice.words)
        try:
            await asyncio.to_thread(self._send, message)
        except (OSError, smtplib.SMTPException) as error:
            raise Undelivered(str(error) or type(error).__name__) from error

    def _send(self, message: EmailMessage) -> None:
        with smtplib.SMTP(self._server.host, self._server.port, timeout=MAIL_S_MAX) as smtp:
            if self._server.starttls:
                smtp.starttls(context=ssl.create_default_context())
            if self._server.user:
                smtp.login(self._server.user, self._server.password)
            smtp.send_message(message)
