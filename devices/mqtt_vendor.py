"""The conversation with a vendor's terminals over a broker: JSON of a profile, no signature (terminal-ip.md section 4).

Because such a terminal cannot verify SM2 it is told nothing unless an administrator has signed an exception for it; who
was started under one is still stopped after it. Every terminal is spoken to on its own topic: a group would reach some
without an exception. A start is published once where the profile's terminals would play a second one again (I7);
whoever stays silent is told as silent (I8). A stop that names no message spares whoever plays another one by now (I4).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable

from devices.link import (
    Answered,
    AskState,
    Began,
    Command,
    DeviceState,
    Ended,
    Event,
    Fault,
    NoAnswer,
    Played,
    Refusal,
    Refused,
    SetClock,
    Start,
    StateTold,
    Stop,
    Verb,
)
from devices.maintenance import Air, AskValues, Authorise, Configure, Firmware
from devices.mqtt_conversation import Heard, Publication, Served, refuse_retained
from devices.mqtt_vendor_command import Request, message_values, names_of, values_of
from devices.mqtt_vendor_settings import VendorSettings
from devices.ports import Excused
from protocols import mqtt
from protocols.codes import EbmId, ResourceCode
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.mqtt import Means, Profile, Vendor, vendor
from protocols.mqtt.vendor import Told

REQUESTS_MAX = 50_000  # remembered commands; the oldest goes first, its late answers are then unknown
OPEN_MAX = 8  # commands of one terminal whose answers may still come
LATE_S = 60.0  # an answer that names no command can still be to one so old
FAULT_NOTE = "reported fault"
SEQ_DIGITS_MAX = 20
RESULT_OK = 0
STOP_GRACE_S = 86_400.0
STOP_OWED_S = 3600.0


class VendorDialogue:
    """One link's commands to terminals of one vendor. See `devices.mqtt_conversation.Conversation`."""

    def __init__(
        self,
        link: str,
        profile: Profile,
        served: Served,
        excused: Excused,
        *,
        first_seq: int,
        answer_timeout_s: float,
        retries: int,
    ) -> None:
        assert profile.vendor is not None
        self._link = link
        self._profile = profile
        self._vendor: Vendor = profile.vendor
        self._served = served
        self._excused = excused
        self._next_seq = first_seq
        self._settings = VendorSettings(link, self._vendor, excused, self._take_seq)
        self._answer_timeout_s = answer_timeout_s
        self._retries = retries
        self._edition = -1
        self._ids: dict[ResourceCode, str] = {}
        self._codes: dict[str, ResourceCode] = {}
        self._requests: OrderedDict[int, Request] = OrderedDict()
        self._open: dict[ResourceCode, deque[Request]] = {}
        self._sounds: dict[ResourceCode, EbmId] = {}  # the newest start of each terminal that was not stopped since
        self._states: dict[ResourceCode, DeviceState] = {}  # as told since the terminal is there
        self._stopped: set[ResourceCode] = set()  # said so, and was not started since
        self._asked: set[ResourceCode] = set()  # the daemon waits for a state that only an answered stop can tell

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """Topics on which these terminals tell."""
        return vendor.subscriptions(self._vendor)

    # ---- out -------------------------------------------------------------------------------------------------------

    def begin(self, command: Command, now_s: float, utc_s: float) -> tuple[list[Publication], list[Event]]:
        """One message, or a few, for each member that may be told."""
        self._look_again()
        match command:
            case Start():
                return self._begin_each(command, now_s, utc_s, self._start_refused)
            case Stop():
                self._withdraw(command)
                if command.at_end and self._vendor.ends_itself:
                    return [], []
                return self._begin_each(command, now_s, utc_s, self._stop_refused)
            case AskState():
                return self._ask(command, utc_s)
            case Configure() | Firmware() | Authorise() | AskValues():
                return self._settings.begin(command, self._ids, utc_s)
            case SetClock() | Air():
                return [], []  # no profile has a clock, or packets of GD/J 085

    def _look_again(self) -> None:
        """How each terminal is called, where the inventory may be another one by now."""
        if self._edition != self._served.edition:
            self._edition = self._served.edition
            self._ids = names_of(self._served, self._vendor)
            self._codes = {id_: code for code, id_ in self._ids.items() if id_}

    def due(self, now_s: float, utc_s: float) -> tuple[list[Publication], list[Event]]:
        """Retries where they do no harm, and silences."""
        publications: list[Publication] = []
        events: list[Event] = []
        for request in self._requests.values():
            if request.back:
                request.back = False
                if now_s - request.asked_s <= STOP_OWED_S:
                    publications += request.publications
            if not request.waiting or request.next_at_s > now_s:
                continue
            over = isinstance(request.command, Start) and request.command.end <= utc_s
            if over or not request.repeats or request.tries > self._retries:
                request.waiting = False
                reason = "window is over" if over else f"no answer to {request.tries} tries"
                events.append(self._silence(request.code, request.command, reason))
                continue
            request.tries += 1
            request.next_at_s = now_s + self._answer_timeout_s
            publications += request.publications
        return publications, events

    def again(self, now_s: float, utc_s: float) -> tuple[list[Publication], list[Event]]:
        """After an outage everybody gets time to answer anew; what may be said twice is."""
        for request in self._requests.values():
            if request.waiting:
                request.tries = 0 if request.repeats else request.tries
                request.next_at_s = now_s if request.repeats else now_s + self._answer_timeout_s
        return self.due(now_s, utc_s)

    def next_at_s(self) -> float | None:
        """When `due` has something to do."""
        if any(request.back for request in self._requests.values()):
            return 0.0
        return min((r.next_at_s for r in self._requests.values() if r.waiting), default=None)

    def _begin_each(
        self,
        command: Start | Stop,
        now_s: float,
        utc_s: float,
        refused: Callable[[ResourceCode, Start | Stop, float], Refusal | None],
    ) -> tuple[list[Publication], list[Event]]:
        publications: list[Publication] = []
        events: list[Event] = []
        verb = Verb.START if isinstance(command, Start) else Verb.STOP
        for code in command.members:
            if self._served.is_others(code):
                continue
            if code not in self._ids:
                events.append(self._silence(code, command, "not reached by this link"))
            elif (why := refused(code, command, utc_s)) is not None:
                events.append(Refused(self._link, code, command.ebm_id, verb, why))
            elif isinstance(command, Stop) and self._plays_another(code, command):
                continue
            elif isinstance(command, Start) and self._is_second(code, command):
                events.append(self._silence(code, command, "started once already; it would begin again"))
            else:
                self._begin_one(code, command, now_s, utc_s, publications, events)
        return publications, events

    def _begin_one(
        self,
        code: ResourceCode,
        command: Start | Stop,
        now_s: float,
        utc_s: float,
        publications: list[Publication],
        events: list[Event],
    ) -> None:
        is_start = isinstance(command, Start)
        word = mqtt.Command.START if is_start else mqtt.Command.STOP
        seq = self._take_seq()
        once = is_start and not self._vendor.repeatable
        try:
            values = values_of(self._ids[code], code, seq, utc_s) | message_values(command, utc_s)
            payloads = vendor.encode(self._vendor, word, values)
        except LocalProtocolError as error:
            events.append(self._silence(code, command, f"cannot be encoded: {error}"))
            return
        end = command.end if isinstance(command, Start) else None
        start_of = (command.ebm_id, code) if is_start else None
        topic = vendor.command_topic(self._vendor, self._ids[code])
        out = [Publication(topic, payload, end, once, start_of, not is_start) for payload in payloads]
        answers = self._vendor.answers(word) or (is_start and self._vendor.tells(Means.BEGAN, Means.PLAYED))
        next_at_s = now_s + self._answer_timeout_s
        repeats = not once and answers
        self._remember(Request(seq, code, command, out, now_s, next_at_s, repeats, waiting=answers))
        if is_start:
            self._sounds[code] = command.ebm_id
            self._stopped.discard(code)
            self._asked.discard(code)
        else:
            self._sounds.pop(code, None)
        publications += out

    def _start_refused(self, code: ResourceCode, command: Start | Stop, utc_s: float) -> Refusal | None:
        if mqtt.Command.START not in self._vendor.commands:
            return Refusal.NO_COMMAND
        if not self._ids[code]:
            return Refusal.NO_ADDRESS
        return None if self._excused(code, utc_s) else Refusal.NO_EXCEPTION

    def _stop_refused(self, code: ResourceCode, command: Start | Stop, utc_s: float) -> Refusal | None:
        """Who was started is stopped, also where its exception has ended since; after a restart the exceptions of the
        last day say who may have been."""
        if mqtt.Command.STOP not in self._vendor.commands:
            return Refusal.NO_COMMAND
        if not self._ids[code]:
            return Refusal.NO_ADDRESS
        times = (utc_s, utc_s - STOP_GRACE_S)
        known = code in self._sounds or any(self._excused(code, at_s) for at_s in times)
        return None if known else Refusal.NO_EXCEPTION

    def _is_second(self, code: ResourceCode, command: Start) -> bool:
        return not self._vendor.repeatable and self._sounds.get(code) == command.ebm_id

    def _plays_another(self, code: ResourceCode, command: Stop) -> bool:
        """A stop without an id would end what has come after."""
        if self._vendor.stops_by_id or command.ebm_id == EbmId.EVERYTHING:
            return False
        return code in command.elsewhere or self._sounds.get(code, command.ebm_id) != command.ebm_id

    def _ask(self, command: AskState, utc_s: float) -> tuple[list[Publication], list[Event]]:
        """By a query where its answer says something; else by what the terminal said to its last stop (I4: a lower
        message comes back after a higher one)."""
        publications: list[Publication] = []
        members = [code for code in command.members if self._ids.get(code)]
        if not self._vendor.tells(Means.IDLE, Means.BUSY):
            self._asked.update(code for code in members if code not in self._stopped)
            return [], [StateTold(self._link, c, DeviceState.IDLE, ()) for c in members if c in self._stopped]
        if mqtt.Command.QUERY not in self._vendor.commands:
            return [], []
        for code in members:
            if self._excused(code, utc_s):
                values = values_of(self._ids[code], code, self._take_seq(), utc_s)
                topic = vendor.command_topic(self._vendor, self._ids[code])
                payloads = vendor.encode(self._vendor, mqtt.Command.QUERY, values)
                publications += [Publication(topic, payload, None) for payload in payloads]
                self._states.pop(code, None)  # whatever it answers is told
        return publications, []

    def _take_seq(self) -> int:
        self._next_seq += 1
        return self._next_seq - 1

    def _remember(self, request: Request) -> None:
        self._requests[request.seq] = request
        self._open.setdefault(request.code, deque(maxlen=OPEN_MAX)).append(request)
        if len(self._requests) > REQUESTS_MAX:
            self._requests.popitem(last=False)

    def _withdraw(self, stop: Stop) -> None:
        """Nobody is told again to start what is being stopped."""
        for code in stop.members:
            for request in self._open.get(code, ()):
                if request.verb is Verb.START and stop.ebm_id in (request.command.ebm_id, EbmId.EVERYTHING):
                    request.waiting = request.answer_due = False

    def _silence(self, code: ResourceCode, command: Start | Stop, reason: str) -> NoAnswer:
        verb = Verb.START if isinstance(command, Start) else Verb.STOP
        return NoAnswer(self._link, code, command.ebm_id, verb, reason)

    # ---- in --------------------------------------------------------------------------------------------------------

    def take(self, topic: str, payload: bytes, content_type: str | None, *, retained: bool = False) -> Heard:
        """What a terminal says. Raises RemoteProtocolError."""
        self._look_again()
        told = vendor.decode(self._vendor, topic, payload)
        code = self._codes.get(told.id)
        if code is None:
            raise RemoteProtocolError("unknown_device", f"{told.id} is not in the inventory with this path")
        if told.means in (Means.ONLINE, Means.OFFLINE):
            self._states.pop(code, None)
        elif retained:
            raise refuse_retained(topic)
        if told.means is Means.ONLINE:
            self._owe(code)
        return Heard(code, told.means is not Means.OFFLINE, list(self._events(code, told)))

    def _owe(self, code: ResourceCode) -> None:
        """A stop that was not answered is told again to a terminal that comes back, if it is the last that was said."""
        requests = self._open.get(code)
        if requests and requests[-1].verb is Verb.STOP and requests[-1].answer_due:
            requests[-1].back = True

    def _events(self, code: ResourceCode, told: Told) -> Iterable[Event]:
        match told.means:
            case Means.IDLE | Means.BUSY:
                return self._state(code, told)
            case Means.FAULT | Means.CLEARED:
                cleared = told.means is Means.CLEARED
                return [Fault(self._link, code, told.cause, cleared, told.note or FAULT_NOTE)]
            case Means.ANSWER:
                return self._answer(code, told)
            case Means.PROPERTIES:
                return self._settings.told(code, told)
            case Means.BEGAN | Means.ENDED | Means.PLAYED | Means.FAILED:
                return [self._about(code, told)]
            case _:
                return []

    def _state(self, code: ResourceCode, told: Told) -> list[Event]:
        """Told when it changes: a terminal that says each minute that it is idle asks for nothing each minute."""
        state = DeviceState.IDLE if told.means is Means.IDLE else DeviceState.WORKING
        if self._states.get(code) is state:
            return []
        self._states[code] = state
        return [StateTold(self._link, code, state, (told.ebm,) if told.ebm else ())]

    def _answer(self, code: ResourceCode, told: Told) -> list[Event]:
        if told.command is mqtt.Command.VOLUME:
            return self._settings.answered(code, told)
        if told.command not in (mqtt.Command.START, mqtt.Command.STOP):
            return []
        verb = Verb(told.command.value)
        request = self._named(code, told.request) if told.request else self._meant(code, verb)
        if request.verb is not verb:
            raise RemoteProtocolError("session", f"{told.id} answers {verb} to a {request.verb}")
        if not request.answer_due:
            return []  # a second time
        request.waiting = request.answer_due = False
        events: list[Event] = [Answered(self._link, code, request.command.ebm_id, verb, told.result, told.note)]
        if verb is Verb.STOP and told.result == RESULT_OK and code not in self._sounds:
            self._stopped.add(code)
            if code in self._asked:
                self._asked.discard(code)
                events.append(StateTold(self._link, code, DeviceState.IDLE, ()))
        return events

    def _about(self, code: ResourceCode, told: Told) -> Event:
        ebm_id = told.ebm
        if ebm_id is None:
            ebm_id = self._named(code, told.request).command.ebm_id
        for request in self._open.get(code, ()):
            if request.command.ebm_id == ebm_id and request.verb is Verb.START:
                request.waiting = False
        match told.means:
            case Means.BEGAN:
                return Began(self._link, code, ebm_id, told.at)
            case Means.ENDED:
                return Ended(self._link, code, ebm_id, told.at)
            case _:
                success = told.means is Means.PLAYED
                return Played(self._link, code, ebm_id, success, told.times, told.note)

    def _named(self, code: ResourceCode, request: str) -> Request:
        is_number = request.isascii() and request.isdigit() and len(request) <= SEQ_DIGITS_MAX
        found = self._requests.get(int(request)) if is_number else None
        if found is None or found.code != code:
            raise RemoteProtocolError("session", f"{code} speaks of command {request[:40]!r}, which it was not given")
        return found

    def _meant(self, code: ResourceCode, verb: Verb) -> Request:
        """The one command that an answer without a number can be to. Answers come in the order of commands, so where
        two are open the older one is no longer expected, and neither is confirmed."""
        latest = max((r.asked_s for r in self._open.get(code, ())), default=0.0)
        due = [r for r in self._open.get(code, ()) if r.verb is verb and r.answer_due and latest - r.asked_s < LATE_S]
        if not due:
            raise RemoteProtocolError("session", f"{code} answers a {verb} that nobody asked for")
        if len({r.command.ebm_id for r in due}) > 1:
            due[0].answer_due = False
            raise RemoteProtocolError("ambiguous", f"{code} answers a {verb}; {len(due)} are open and it names none")
        return due[-1]
