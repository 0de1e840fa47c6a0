"""An encoder made of the same frames, for tests: acts on elements, answers by its mode, and can misbehave."""

from __future__ import annotations

from protocols.errors import RemoteProtocolError
from protocols.stream import BadFrame
from protocols.uecp.control import Acknowledgement, Code, CommunicationMode, Mode, Request
from protocols.uecp.frame import Deframer, Frame, encode
from protocols.uecp.message import ACKNOWLEDGEMENT, Element, decode_message, encode_message, mec_of
from protocols.uecp.profile import CODES


class FakeEncoder:
    """`unknown`: codes it refuses; `answer`: its next codes, before it is honest; `mute`: answers none."""

    def __init__(self, mode: Mode = Mode.SPONTANEOUS, *, unknown: frozenset[int] = frozenset()) -> None:
        self.mode = mode
        self.unknown = unknown
        self.answer: list[int] = []
        self.mute = False
        self.frames: list[Frame] = []
        self.acted: list[Element] = []
        self._deframer = Deframer()
        self._sqc = 0x80

    def receive(self, data: bytes) -> bytes:
        """Bytes from the line; returns its answers."""
        return b"".join(self._one(found) for found in self._deframer.feed(data))

    def state(self, mec: int) -> Element | None:
        """The last element of this code that it acted on."""
        return next((each for each in reversed(self.acted) if mec_of(each) == mec), None)

    def _one(self, found: Frame | BadFrame) -> bytes:
        if isinstance(found, BadFrame):
            code = CODES.get(found.reason)
            return self._say(Acknowledgement(code)) if code is not None and self.mode is Mode.SPONTANEOUS else b""
        self.frames.append(found)
        try:
            elements = decode_message(found.message)
        except RemoteProtocolError as error:
            return self._say(Acknowledgement(CODES[error.reason], found.sqc))
        asked = bool(elements) and elements[-1] == Request(ACKNOWLEDGEMENT)
        answer = self._act(found, elements[:-1] if asked else elements)
        return self._say(answer) if asked or self.mode is Mode.SPONTANEOUS else b""

    def _act(self, frame: Frame, elements: tuple[Element, ...]) -> Acknowledgement:
        if self.answer:
            code = self.answer.pop(0)
            return Acknowledgement(code, frame.sqc if code else None)
        if any(mec_of(each) in self.unknown for each in elements):
            return Acknowledgement(Code.UNKNOWN_MESSAGE, frame.sqc)
        for each in elements:
            self.acted.append(each)
            if isinstance(each, CommunicationMode):
                self.mode = Mode(each.mode)
        return Acknowledgement(Code.OK)

    def _say(self, answer: Acknowledgement) -> bytes:
        if self.mute or self.mode is Mode.ONE_WAY:
            return b""
        self._sqc = self._sqc % 255 + 1
        return encode(Frame(0, 0, self._sqc, encode_message(answer)))
