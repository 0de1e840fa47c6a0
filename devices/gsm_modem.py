"""A GSM modem on a serial line: short messages out and in, by AT commands in PDU mode (3GPP TS 27.005, 27.007).

One command at a time; the modem answers each with OK or an error and tells of incoming messages in between (+CMTI). A
message that came in is read, handed on, and only then deleted from the card. What the modem refuses is told with its
code; what it never answers is `ModemGone`, and the line is opened anew.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import structlog

from devices.serial_line import open_serial
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.gsm import Parts, decode_deliver, encode_submit

LINE_BYTES_MAX = 1024
COMMAND_S_MAX = 10.0
SEND_S_MAX = 60.0
"""A network may take this long to accept a message."""
SETTLE_S = 0.5
REOPEN_FIRST_S, REOPEN_LAST_S = 1.0, 60.0
POLL_S = 60.0
"""How often the card is looked through for messages whose notice was lost."""
WAITING_MAX = 200
KEPT_PARTS_MAX = 8
"""Parts of texts that never became whole may fill so many places of a card; then they are deleted."""
SET_UP = ("ATE0", "AT+CMEE=1", "AT+CMGF=0", "AT+CNMI=2,1,0,0,0")
ALL_MESSAGES = "AT+CMGL=4"

_ERROR = re.compile(r"\+(CMS|CME) ERROR: ?(.*)")
_LISTED = re.compile(r"\+CMGL: ?(\d+),")
_NOTICE = re.compile(r"\+CMTI: ?")
_PROMPT = b"> "

log = structlog.get_logger("devices.gsm_modem")


class ModemGone(Exception):
    """No modem on the line, or no answer any more."""


class MessageRefused(Exception):
    """The modem or the network did not take a message; the text is its code."""


@dataclass(frozen=True, slots=True)
class GsmModemConfig:
    """`[sms]` of the configuration. `device` empty: there is no modem."""

    device: str = ""
    baud: int = 115_200
    pin: str = ""


@dataclass(frozen=True, slots=True)
class Short:
    """A message that came in."""

    number: str
    text: str


@dataclass(slots=True)
class _Waiting:
    number: str
    text: str
    done: asyncio.Future[None]


class _Line(asyncio.Protocol):
    """Cuts what the modem writes into lines; the prompt for a message body has no line end."""

    def __init__(self, news: asyncio.Event) -> None:
        self.lines: deque[str] = deque(maxlen=1000)
        self.news = news
        self.gone = False
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        """asyncio."""
        self._rest += data
        while (end := self._rest.find(b"\n")) >= 0:
            line, self._rest = self._rest[:end].strip(), self._rest[end + 1 :]
            if line:
                self.lines.append(line.decode("ascii", "replace"))
        if self._rest.lstrip() in (_PROMPT, _PROMPT.strip()):
            self.lines.append(">")
            self._rest = b""
        self._rest = self._rest[-LINE_BYTES_MAX:]
        self.news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio."""
        self.gone = True
        self.news.set()


class GsmModem:
    """The modem. `run` works until cancelled; `send` waits for the network's word."""

    def __init__(self, config: GsmModemConfig, received: Callable[[Short], Awaitable[None]]) -> None:
        """`received` takes each message; it stays on the card until that returns."""
        self._config = config
        self._received = received
        self._waiting: deque[_Waiting] = deque()
        self._news = asyncio.Event()  # the modem wrote something, or somebody wants to send
        self._noticed = False
        self._parts = Parts()
        self._kept: dict[tuple[str, int], list[str]] = {}  # places on the card of parts whose text is not whole
        self._reference = 0
        self._transport: asyncio.Transport | None = None
        self._line = _Line(self._news)
        self.ready = asyncio.Event()
        self.reason = "not started"

    async def run(self) -> None:
        """Open the line, work, open it anew after a failure."""
        pause_s = REOPEN_FIRST_S
        while True:
            try:
                self._transport, self._line = await open_serial(
                    lambda: _Line(self._news), self._config.device, self._config.baud
                )
                await self._prepare()
                self.reason, pause_s = "", REOPEN_FIRST_S
                self.ready.set()
                log.info("modem.up", device=self._config.device)
                await self._work()
            except (OSError, ModemGone, MessageRefused) as error:
                if self.ready.is_set() or self.reason != str(error):
                    log.error("modem.down", device=self._config.device, reason=str(error))
                self.ready.clear()
                self.reason = str(error)
            finally:
                if self._transport is not None:
                    self._transport.close()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, REOPEN_LAST_S)

    def offer(self, number: str, text: str) -> asyncio.Future[None]:
        """Queue one text; done when the network has taken it, else with MessageRefused or ModemGone. Raises
        LocalProtocolError (number, length), ModemGone (no modem, or too many messages wait)."""
        if not self.ready.is_set() or len(self._waiting) >= WAITING_MAX:
            raise ModemGone(self.reason or f"{WAITING_MAX} messages wait for the modem")
        encode_submit(number, text, 0)
        waiting = _Waiting(number, text, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._news.set()
        return waiting.done

    async def send(self, number: str, text: str) -> None:
        """The same, waiting for the network's word. Not for `received`: the modem waits for that itself."""
        await self.offer(number, text)

    # ---- one opened line -------------------------------------------------------------------------------------------

    async def _prepare(self) -> None:
        self._write("\x1bAT\r")  # an escape ends a message body that an earlier life left open
        await asyncio.sleep(SETTLE_S)
        self._line.lines.clear()
        for command in SET_UP:
            await self._ask(command)
        if self._config.pin and "READY" not in " ".join(await self._ask("AT+CPIN?")):
            await self._ask(f'AT+CPIN="{self._config.pin}"')
        await self._take_all()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        poll_at = loop.time() + POLL_S
        while True:
            self._news.clear()
            while self._waiting:
                await self._send_one(self._waiting[0])
                self._waiting.popleft()
            self._look()
            if self._noticed or loop.time() >= poll_at:
                self._noticed = False
                await self._take_all()
                poll_at = loop.time() + POLL_S
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, poll_at - loop.time())):
                    await self._news.wait()

    def _look(self) -> None:
        """What the modem said unasked. Raises ModemGone."""
        while self._line.lines:
            self._noticed = bool(_NOTICE.match(self._line.lines.popleft())) or self._noticed
        if self._line.gone:
            raise ModemGone("the line is closed")

    async def _send_one(self, waiting: _Waiting) -> None:
        """All parts of one text. A refusal is the sender's to hear; silence is the modem's end."""
        self._reference = (self._reference + 1) & 0xFF
        try:
            for part in encode_submit(waiting.number, waiting.text, self._reference):
                await self._ask(f"AT+CMGS={part.length}", ends=(">",))
                await self._ask(f"{part.pdu}\x1a", ends=("OK",), timeout_s=SEND_S_MAX, line_end="")
        except (MessageRefused, LocalProtocolError) as error:
            if not waiting.done.done():
                waiting.done.set_exception(error)
        except ModemGone as error:
            self._waiting.popleft()
            if not waiting.done.done():
                waiting.done.set_exception(error)
            raise
        else:
            if not waiting.done.done():
                waiting.done.set_result(None)

    async def _take_all(self) -> None:
        """Every message on the card: read, handed on when it is whole, then deleted."""
        self._kept.clear()
        lines = await self._ask(ALL_MESSAGES)
        for head, body in pairwise(lines):
            if listed := _LISTED.match(head):
                await self._take(listed[1], body)
        if sum(map(len, self._kept.values())) > KEPT_PARTS_MAX:
            log.warning("sms.incomplete", parts=sum(map(len, self._kept.values())))
            for places in list(self._kept.values()):
                await self._delete(places)

    async def _take(self, place: str, body: str) -> None:
        try:
            part = decode_deliver(body)
            whole = self._parts.add(part)
        except RemoteProtocolError as error:
            log.warning("sms.unreadable", reason=error.detail)
            await self._delete([place])
            return
        places = self._kept.setdefault((part.number, part.reference), [])
        places.append(place)
        if part.total == 1:
            places = [place]
            self._kept.pop((part.number, part.reference))
        if whole is not None:
            await self._received(Short(*whole))
            self._kept.pop((part.number, part.reference), None)
            await self._delete(places)

    async def _delete(self, places: list[str]) -> None:
        for place in places:
            await self._ask(f"AT+CMGD={place}")

    async def _ask(
        self,
        command: str,
        *,
        ends: tuple[str, ...] = ("OK",),
        timeout_s: float = COMMAND_S_MAX,
        line_end: str = "\r",
    ) -> list[str]:
        """One command and the lines before its end. Raises MessageRefused with the modem's code, ModemGone."""
        self._write(command + line_end)
        found: list[str] = []
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    while self._line.lines:
                        line = self._line.lines.popleft()
                        if line in ends:
                            return found
                        if (error := _ERROR.match(line)) or line == "ERROR":
                            raise MessageRefused(
                                f"{error[1]} {error[2]}".strip() if error else f"{command[:20]}: ERROR"
                            )
                        if _NOTICE.match(line):
                            self._noticed = True
                            continue
                        found.append(line)
                    if self._line.gone:
                        raise ModemGone("the line is closed")
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise ModemGone(f"no answer to {command[:20]} within {timeout_s:g} s") from None

    def _write(self, text: str) -> None:
        if self._transport is None or self._transport.is_closing():
            raise ModemGone("the line is closed")
        self._transport.write(text.encode("ascii"))
