"""A GSM modem on a serial line: short messages out and in, by AT commands in PDU mode (3GPP TS 27.005, 27.007).

One command at a time; the modem answers each with OK or an error and tells of incoming messages in between (+CMTI). A
message that came in is read, handed on, and only then deleted from the card. What the modem refuses is told with its
code; what it never answers is `ModemGone`, and the line is opened anew.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from devices.gsm_line import GsmLine, MessageRefused, ModemGone
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.gsm import Parts, decode_deliver, encode_submit

SEND_S_MAX = 60.0
"""A network may take this long to accept a message."""
SETTLE_S = 0.5
SIM_BUSY_S, SIM_TRIES_MAX = 1.0, 20
"""A card that was just unlocked, or a modem that was just switched on, needs a while."""
REOPEN_FIRST_S, REOPEN_LAST_S = 1.0, 60.0
POLL_S = 60.0
"""How often the card is looked through for messages whose notice was lost."""
WAITING_MAX = 200
KEPT_PARTS_MAX = 8
"""Parts of texts that never became whole may fill so many places of a card; then they are deleted."""
PDU_MODE = "AT+CMGF=0"
STORES = ('AT+CPMS="SM","SM","SM"', 'AT+CPMS="SM","SM"', 'AT+CPMS="ME","ME","ME"')
"""Messages are to arrive where they are looked for: the first that the modem takes, or its own choice."""
NOTICES = ("AT+CNMI=2,1,0,0,0", "AT+CNMI=1,1,0,0,0", "AT+CNMI=2,1")
"""Where it takes none, the card is looked through all the same."""
ALL_MESSAGES = "AT+CMGL=4"
_LISTED = re.compile(r"\+CMGL: ?(\d+),")
_PDU = re.compile(r"[0-9A-Fa-f]{4,}")
_BUSY = ("CME 14", "CME 515", "CMS 314", "CMS 515")
_PIN_WANTED, _UNLOCKED = "SIM PIN", "READY"

log = structlog.get_logger("devices.gsm_modem")


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


class GsmModem:
    """The modem. `run` works until cancelled; `send` waits for the network's word."""

    def __init__(self, config: GsmModemConfig, received: Callable[[Short], Awaitable[None]]) -> None:
        """`received` takes each message; it stays on the card until that returns."""
        self._config = config
        self._received = received
        self._waiting: deque[_Waiting] = deque()
        self._line = GsmLine()
        self._parts = Parts()
        self._kept: dict[tuple[str, int], dict[str, str]] = {}  # parts on the card whose text is not whole, by place
        self._handed: dict[str, str] = {}  # what was handed on and is on the card still, by place
        self._reference = 0
        self._pin_refused = False
        self.ready = asyncio.Event()
        self.reason = "not started"

    async def run(self) -> None:
        """Open the line, work, open it anew after a failure."""
        pause_s = REOPEN_FIRST_S
        while True:
            try:
                await self._line.open(self._config.device, self._config.baud)
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
                self._line.close()
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
        self._line.news.set()
        return waiting.done

    async def send(self, number: str, text: str) -> None:
        """The same, waiting for the network's word. Not for `received`: the modem waits for that itself."""
        await self.offer(number, text)

    # ---- one opened line -------------------------------------------------------------------------------------------

    async def _prepare(self) -> None:
        """Echo off, the card unlocked, PDU mode; what else a modem does not take, it does without."""
        self._line.write("\x1bAT\r")  # an escape ends a message body that an earlier life left open
        await asyncio.sleep(SETTLE_S)
        self._line.forget()
        await self._first_of("ATE0")
        await self._first_of("AT+CMEE=1")
        await self._unlock()
        await self._when_ready(PDU_MODE)
        await self._first_of(*STORES)
        await self._first_of(*NOTICES)
        try:
            await self._take_all()
        except MessageRefused as error:  # it may send all the same
            log.warning("sms.unread", reason=str(error))

    async def _first_of(self, *commands: str) -> None:
        for command in commands:
            with suppress(MessageRefused):
                await self._when_ready(command)
                return

    async def _unlock(self) -> None:
        """A refused PIN is not tried a second time: the third would lock the card. Raises MessageRefused."""
        for _ in range(SIM_TRIES_MAX):
            try:
                state = (await self._line.ask_one("AT+CPIN?", "+CPIN:", SETTLE_S)).removeprefix("+CPIN:").strip()
            except MessageRefused as error:
                if str(error).startswith("CME ") and str(error) not in _BUSY:
                    raise
                if str(error) not in _BUSY:
                    return  # a modem that knows no such question
                await asyncio.sleep(SIM_BUSY_S)
                continue
            if state == _UNLOCKED:
                return
            if state != _PIN_WANTED or not self._config.pin or self._pin_refused:
                raise MessageRefused(f"the card asks for {state}" + (": its PIN was refused" * self._pin_refused))
            try:
                await self._line.ask(f'AT+CPIN="{self._config.pin}"')
            except MessageRefused:
                self._pin_refused = True
                raise
            return
        raise MessageRefused("the card stays busy")

    async def _when_ready(self, command: str) -> None:
        """A command that may need the card. Raises MessageRefused."""
        for left in range(SIM_TRIES_MAX - 1, -1, -1):
            try:
                await self._line.ask(command)
            except MessageRefused as error:
                if str(error) not in _BUSY or not left:
                    raise
                await asyncio.sleep(SIM_BUSY_S)
            else:
                return

    async def _work(self) -> None:
        loop, line = asyncio.get_running_loop(), self._line
        poll_at = loop.time() + POLL_S
        while True:
            line.news.clear()
            while self._waiting:
                await self._send_one(self._waiting[0])
                self._waiting.popleft()
            line.look()
            if line.noticed or loop.time() >= poll_at:
                line.noticed = False
                await self._take_all()
                poll_at = loop.time() + POLL_S
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, poll_at - loop.time())):
                    await line.news.wait()

    async def _send_one(self, waiting: _Waiting) -> None:
        """All parts of one text. A refusal is the sender's to hear; silence is the modem's end."""
        self._reference = (self._reference + 1) & 0xFF
        try:
            for part in encode_submit(waiting.number, waiting.text, self._reference):
                await self._line.ask(f"AT+CMGS={part.length}", ends=(">",))
                await self._line.ask(f"{part.pdu}\x1a", ends=("OK",), timeout_s=SEND_S_MAX, line_end="")
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
        """Every message on the card: read, handed on when it is whole, then deleted. Raises MessageRefused."""
        self._kept.clear()
        place, listed = "", {}
        for line in await self._line.ask(ALL_MESSAGES):
            if head := _LISTED.match(line):
                place = head[1]
            elif place and _PDU.fullmatch(line):  # whatever the modem said unasked between the two
                listed[place], place = line, ""
        self._handed = {place: body for place, body in self._handed.items() if listed.get(place) == body}
        for place, body in listed.items():
            await self._take(place, body)
        if sum(map(len, self._kept.values())) > KEPT_PARTS_MAX:
            log.warning("sms.incomplete", parts=sum(map(len, self._kept.values())))
            for places in list(self._kept.values()):
                await self._delete(places)

    async def _take(self, place: str, body: str) -> None:
        if place in self._handed:
            await self._delete([place])
            return
        try:
            part = decode_deliver(body)
            whole = self._parts.add(part)
        except RemoteProtocolError as error:
            log.warning("sms.unreadable", reason=error.detail)
            await self._delete([place])
            return
        places = self._kept.setdefault((part.number, part.reference), {})
        places[place] = body
        if part.total == 1:
            places = {place: body}
            self._kept[part.number, part.reference].pop(place)
        if whole is not None:
            await self._received(Short(*whole))
            self._handed |= places
            if part.total > 1:
                self._kept.pop((part.number, part.reference), None)
            await self._delete(places)

    async def _delete(self, places: Iterable[str]) -> None:
        """What the modem does not delete stays on the card and is not handed on again."""
        for place in list(places):
            try:
                await self._line.ask(f"AT+CMGD={place}")
            except MessageRefused as error:
                log.warning("sms.undeleted", reason=str(error))
            else:
                self._handed.pop(place, None)
