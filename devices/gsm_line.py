"""The line to a GSM modem: one AT command at a time and what comes back (3GPP TS 27.007, 27.005; ITU-T V.250).

Modems say things unasked at any moment, echo what they are told, and differ in how they refuse: what is neither the end
of an answer nor a refusal is given to whoever asked, who takes from it what fits.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque

from devices.serial_line import open_serial

LINE_BYTES_MAX = 1024
LINES_MAX = 1000
COMMAND_S_MAX = 10.0

_ERROR = re.compile(r"\+(CMS|CME) ERROR: ?(.*)")
_REFUSALS = ("ERROR", "COMMAND NOT SUPPORT", "TOO MANY PARAMETERS")
"""Without a number; the latter two are some makers' own."""
_NOTICE = re.compile(r"\+CMTI: ?")
_PROMPT = b"> "


class ModemGone(Exception):
    """No modem on the line, or no answer any more."""


class MessageRefused(Exception):
    """The modem or the network did not take a command or a message; the text is its code."""


class _Lines(asyncio.Protocol):
    """Cuts what the modem writes into lines; the prompt for a message body has no line end."""

    def __init__(self, news: asyncio.Event) -> None:
        self.lines: deque[str] = deque(maxlen=LINES_MAX)
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


class GsmLine:
    """One line that is opened, asked, closed and opened again. `news` is set when the modem wrote something or is gone;
    `noticed` when it told of a message that came in."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self.noticed = False
        self._transport: asyncio.Transport | None = None
        self._lines = _Lines(self.news)

    async def open(self, device: str, baud: int) -> None:
        """Raises OSError."""
        self._transport, self._lines = await open_serial(lambda: _Lines(self.news), device, baud)

    def close(self) -> None:
        """Also one that never was open."""
        if self._transport is not None:
            self._transport.close()

    def forget(self) -> None:
        """What the modem wrote so far concerns nobody."""
        self._lines.lines.clear()

    def look(self) -> None:
        """What the modem said unasked. Raises ModemGone."""
        while self._lines.lines:
            self.noticed = bool(_NOTICE.match(self._lines.lines.popleft())) or self.noticed
        if self._lines.gone:
            raise ModemGone("the line is closed")

    def write(self, text: str) -> None:
        """Raises ModemGone."""
        if self._transport is None or self._transport.is_closing():
            raise ModemGone("the line is closed")
        self._transport.write(text.encode("ascii"))

    async def ask(
        self,
        command: str,
        *,
        ends: tuple[str, ...] = ("OK",),
        timeout_s: float = COMMAND_S_MAX,
        line_end: str = "\r",
    ) -> list[str]:
        """One command and the lines before its end. Raises MessageRefused with the modem's code, ModemGone."""
        self.write(command + line_end)
        shown = command[:20] if "CPIN=" not in command else "AT+CPIN="  # the PIN is nobody's to read
        found: list[str] = []
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    while self._lines.lines:
                        line = self._lines.lines.popleft()
                        if line in ends:
                            return found
                        if (error := _ERROR.match(line)) or line in _REFUSALS:
                            raise MessageRefused(f"{error[1]} {error[2]}".strip() if error else f"{shown}: {line}")
                        if _NOTICE.match(line):
                            self.noticed = True
                            continue
                        found.append(line)
                    if self._lines.gone:
                        raise ModemGone("the line is closed")
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            raise ModemGone(f"no answer to {shown} within {timeout_s:g} s") from None

    async def ask_one(self, command: str, begins: str, wait_s: float) -> str:
        """The line that begins so. Some modems end their answer with OK and some with nothing, so what still comes
        within `wait_s` is let go. Raises MessageRefused, ModemGone."""
        self.write(command + "\r")
        answer = ""
        with_it = asyncio.get_running_loop().time() + wait_s
        while not answer or asyncio.get_running_loop().time() < with_it:
            try:
                async with asyncio.timeout(wait_s if answer else COMMAND_S_MAX):
                    while not self._lines.lines:
                        if self._lines.gone:
                            raise ModemGone("the line is closed")
                        self.news.clear()
                        await self.news.wait()
            except TimeoutError:
                if not answer:
                    raise ModemGone(f"no answer to {command} within {COMMAND_S_MAX:g} s") from None
                return answer
            line = self._lines.lines.popleft()
            if line.startswith(begins):
                answer = line
            elif line == "OK" and answer:
                return answer
            elif (error := _ERROR.match(line)) or line in _REFUSALS:
                raise MessageRefused(f"{error[1]} {error[2]}".strip() if error else f"{command}: {line}")
        return answer
