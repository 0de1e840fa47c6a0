"""The conversation in our own profiles: FEFD frames, raw or mirrored.

A command is one frame. It is published once per area it addresses; who stays silent gets the same bytes again on its
own topic (same session, so a terminal that has acted answers without acting twice), and after the last try the silence
is told (I8). A stop ends the retries of its start (I12), a start is never repeated past its end (I3).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from devices.link import AskState, Command, Event, NoAnswer, Start, Stop
from devices.maintenance import AskValues, Configure, Firmware, Stranger, ValuesTold
from devices.mqtt_conversation import Heard, Publication, Served, refuse_retained
from devices.ports import Sign
from devices.terminal_frames import (
    answered,
    configured,
    event_of,
    in_frames,
    message_of,
    token_of,
    told_state,
    verb_of,
)
from devices.terminal_values import values_told
from protocols import mqtt, terminal
from protocols.codes import EbmId, ResourceCode, matches
from protocols.errors import RemoteProtocolError
from protocols.mqtt import Envelope, Profile, mirror
from protocols.terminal import Frame, Header

REQUESTS_MAX = 512  # remembered commands; the oldest goes first, its late answers are then unknown
RESIGN_AFTER_S = 240.0  # a frame older than this is signed again; the receivers' window is 300 s


@dataclass(slots=True)
class Request:
    """A command under way. `waiting`: members that have not answered."""

    command: Command
    frame: Frame  # unsigned, to be signed again after a long outage
    payload: bytes
    signed_s: float  # monotonic
    waiting: dict[ResourceCode, None]
    next_at_s: float  # monotonic: the next try, or giving up
    tries: int = 1
    closed: bool = False
    answers_due: set[ResourceCode] = field(default_factory=set)  # members heard nothing of, given up or not

    def __post_init__(self) -> None:
        self.answers_due.update(self.waiting)


class Dialogue:
    """One link's requests and who has answered them. See `devices.mqtt_conversation.Conversation`."""

    def __init__(
        self,
        link: str,
        profile: Profile,
        source: ResourceCode,
        served: Served,
        sign: Sign,
        *,
        first_session: int,
        answer_timeout_s: float,
        retries: int,
    ) -> None:
        self._link = link
        self._profile = profile
        self._source = source
        self._served = served
        self._sign = sign
        self._sessions = terminal.SessionCounter(first_session)
        self._answer_timeout_s = answer_timeout_s
        self._retries = retries
        self._requests: OrderedDict[int, Request] = OrderedDict()

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """Answers, reports and states of all terminals."""
        return mqtt.platform_subscriptions(self._profile.root)

    def begin(self, command: Command, now_s: float, utc_s: float) -> tuple[list[Publication], list[Event]]:
        """Sign a command once and say where it goes, and which members this link does not have.

        Raises LocalProtocolError where no frame can hold it. Firmware is for the caller to refuse where the standard
        alone is spoken.
        """
        if isinstance(command, Stop):
            if command.at_end:
                return [], []  # every frame of a start says when it ends (GD/J 089 table D.5)
            self._withdraw(command)
        waits = bool(isinstance(command, Configure | AskValues) and command.phys)  # to be commissioned
        members = dict.fromkeys(code for code in command.members if waits or self._served.knows(code))
        strangers = [c for c in command.members if c not in members and not self._served.is_others(c)]
        addressed = command.targets if isinstance(command, Start | Stop) else tuple(members)
        publications: list[Publication] = []
        for targets in in_frames(addressed, terminal.TARGETS_MAX) if members else ():
            session = self._sessions.take()
            frame = terminal.request(
                Header.D,
                session,
                self._source,
                targets,
                message_of(command, utc_s),
                extensions=isinstance(command, Firmware),
            )
            payload = self._payload(frame)
            meant = dict.fromkeys(code for code in members if any(matches(target, code) for target in targets))
            members = {code: None for code in members if code not in meant}
            self._remember(session, Request(command, frame, payload, now_s, meant, now_s + self._answer_timeout_s))
            topics = mqtt.command_topics(targets, self._profile.root)
            publications += [Publication(str(topic), payload, _end(command)) for topic in topics]
        return publications, self._silence(command, [*strangers, *members], "not reached by this link")

    def take(self, topic: str, payload: bytes, content_type: str | None, *, retained: bool = False) -> Heard:
        """An answer, a report or a state. Raises RemoteProtocolError: it is none, or not from whom its topic says."""
        place = mqtt.parse_topic(topic, self._profile.root)
        if not isinstance(place, mqtt.DeviceTopic) or place.channel is mqtt.Channel.COMMAND:
            raise RemoteProtocolError("topic", f"{topic} carries no return")
        if place.channel is mqtt.Channel.STATUS:
            self._check_known(place.code)
            return Heard(place.code, mqtt.parse_status(payload) is mqtt.Status.ONLINE)
        if retained:
            raise refuse_retained(topic)
        frame = self._frame(payload, content_type)
        if frame.source != place.code and not self._was_renamed(place.code, frame):
            raise RemoteProtocolError("source", f"{frame.source} speaks on the topic of {place.code}")
        if not self._served.knows(place.code):
            if not self._served.is_others(place.code):
                return Heard(place.code, None, self._of_stranger(place.code, frame, topic))
            self._check_known(place.code)
        if frame.is_answer:
            return Heard(place.code, True, self._answer(frame, place.code))
        event = event_of(self._link, place.code, frame.message)
        if event is None:
            raise RemoteProtocolError("report", f"{type(frame.message).__name__} is no report")
        return Heard(place.code, True, [event])

    def _check_known(self, code: ResourceCode) -> None:
        if not self._served.knows(code):
            raise RemoteProtocolError("unknown_device", f"{code} is not in the inventory with this path")

    def _of_stranger(self, code: ResourceCode, frame: Frame, topic: str) -> list[Event]:
        """One that nobody entered: it waits to be commissioned, or answers while it is."""
        if frame.is_answer and self._asked(code, frame.session):
            return self._answer(frame, code)
        if isinstance(frame.message, terminal.Heartbeat) and frame.message.phys:
            return [Stranger(self._link, code, frame.message.phys, topic)]
        raise RemoteProtocolError("unknown_device", f"{code} is not in the inventory with this path")

    def _payload(self, frame: Frame) -> bytes:
        """Signed, in the profile's envelope. Raises LocalProtocolError."""
        data = terminal.encode(frame, sign=self._sign)
        return mirror.encode(terminal.decode(data)) if self._profile.envelope is Envelope.MIRROR else data

    def _frame(self, payload: bytes, content_type: str | None) -> Frame:
        inside = mqtt.check_envelope(payload, content_type, self._profile.content_type)
        return mirror.decode(inside) if self._profile.envelope is Envelope.MIRROR else terminal.decode(inside)

    def due(self, now_s: float, utc_s: float) -> tuple[list[Publication], list[Event]]:
        """Retries whose time has come, and the silence of those whose tries are used up."""
        ripe = [r for r in self._requests.values() if not r.closed and r.next_at_s <= now_s]
        return self._repeat(ripe, now_s, utc_s)

    def again(self, now_s: float, utc_s: float) -> tuple[list[Publication], list[Event]]:
        """All that is unanswered, each to its own topic: a broker that came back may have forgotten everything."""
        unanswered = [r for r in self._requests.values() if not r.closed]
        for request in unanswered:
            request.tries = 0
        return self._repeat(unanswered, now_s, utc_s)

    def _repeat(self, requests: list[Request], now_s: float, utc_s: float) -> tuple[list[Publication], list[Event]]:
        publications: list[Publication] = []
        events: list[Event] = []
        for request in requests:
            end = _end(request.command)
            over = end is not None and end <= utc_s
            if request.tries > self._retries or over:
                request.closed = True
                reason = "window is over" if over else f"no answer to {request.tries} tries"
                events += self._silence(request.command, request.waiting, reason)
                continue
            request.tries += 1
            request.next_at_s = now_s + self._answer_timeout_s
            if now_s - request.signed_s > RESIGN_AFTER_S:
                request.payload, request.signed_s = self._payload(request.frame), now_s
            root = self._profile.root
            topics = (str(mqtt.DeviceTopic(code, mqtt.Channel.COMMAND, root)) for code in request.waiting)
            publications += [Publication(topic, request.payload, end) for topic in topics]
        return publications, events

    def next_at_s(self) -> float | None:
        """When `due` has something to do; None while everybody has answered."""
        return min((r.next_at_s for r in self._requests.values() if not r.closed), default=None)

    def _withdraw(self, stop: Stop) -> None:
        """Nobody is told again to start what is being stopped."""
        for request in self._requests.values():
            command = request.command
            if isinstance(command, Start) and stop.ebm_id in (command.ebm_id, EbmId.EVERYTHING):
                for code in stop.members:
                    request.waiting.pop(code, None)
                request.closed = not request.waiting

    def _remember(self, session: int, request: Request) -> None:
        request.closed = not request.waiting
        self._requests[session] = request
        if len(self._requests) > REQUESTS_MAX:
            self._requests.popitem(last=False)

    def _was_renamed(self, code: ResourceCode, frame: Frame) -> bool:
        """Whether this is the answer of `code` to being given another code: it may go by the new one already, and still
        speak on the topic of the old one."""
        request = self._requests.get(frame.session)
        command = None if request is None else request.command
        given = command.given.code if isinstance(command, Configure) else None
        return frame.is_answer and given == frame.source and self._asked(code, frame.session)

    def _answer(self, frame: Frame, code: ResourceCode) -> list[Event]:
        request = self._requests.get(frame.session)
        if request is None:
            raise RemoteProtocolError("session", f"{frame.source} answers session {frame.session}, which nobody asked")
        if code not in request.answers_due:  # a second time, or somebody else whom the address meant
            return []
        request.answers_due.discard(code)
        request.waiting.pop(code, None)
        request.closed = not request.waiting
        command, verb = request.command, verb_of(request.command)
        if isinstance(command, Start | Stop) and verb and isinstance(frame.message, terminal.Answer):
            return [answered(self._link, code, command.ebm_id, verb, frame.message)]
        if isinstance(command, AskState) and isinstance(frame.message, terminal.StatusAnswer):
            told = told_state(self._link, code, frame.message)
            return [told] if told else []
        if isinstance(command, AskValues) and isinstance(frame.message, terminal.StatusAnswer):
            return [ValuesTold(self._link, code, values_told(frame.message))]
        if (token := token_of(command)) is not None and isinstance(frame.message, terminal.Answer):
            return [configured(self._link, code, token, frame.message)]
        return []

    def _asked(self, code: ResourceCode, session: int) -> bool:
        request = self._requests.get(session)
        return request is not None and code in request.answers_due

    def _silence(self, command: Command, codes: Iterable[ResourceCode], reason: str) -> list[Event]:
        verb = verb_of(command)
        if not isinstance(command, Start | Stop) or verb is None:
            return []
        return [NoAnswer(self._link, code, command.ebm_id, verb, reason) for code in codes]


def _end(command: Command) -> float | None:
    """Past this UTC second it is not sent again; None where it has no window."""
    return command.end if isinstance(command, Start) else None
