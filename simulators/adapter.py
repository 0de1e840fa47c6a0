"""One head-end adapter without its sockets (GD/J 089 annex A): commands in, answers, relays and reports out.

It verifies what it receives and signs what it sends with a key of its own (S B.2 e). A start is answered by 0x17 and
relayed at once to the terminals it serves, as an annex D frame signed anew; 0x18 and 0x19 tell when the task begins and
ends. Rank, window and repeats are those of `terminal_tasks`; its records (0x10 -> 0x15) are that list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from protocols import adapter as annex_a
from protocols import terminal as fefd
from protocols.adapter import AdapterFrame, RecordState, ResultCode
from protocols.adapter.fm_content import carried
from protocols.authorisation import Authorisation
from protocols.codes import EbmId, ResourceCode
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.fm.packet import encode_packet
from protocols.signature import CertificateNumber, SignatureBlock
from protocols.sm2 import PrivateKey
from protocols.terminal import Header, Result
from simulators.ordered_sound import sound_url, wants_push
from simulators.phone_book import PhoneBook
from simulators.terminal_tasks import LIVE, TASKS_MAX, Change, Order, Task, TaskList, TaskState
from simulators.trust import TimeRule, Trust, Verdict

RECORD_STATES = {
    TaskState.WAITING: RecordState.WAITING,
    TaskState.SOUNDING: RecordState.PLAYING,
    TaskState.PAUSED: RecordState.WAITING,
    TaskState.PLAYED: RecordState.SUCCESS,
    TaskState.STOPPED: RecordState.CANCELLED,
    TaskState.FAILED: RecordState.FAILED,
    TaskState.MISSED: RecordState.FAILED,
}
DAILY, EMERGENCY = 1, 2  # task filter of 0x10
IDLE, OCCUPIED, FAULT = 1, 2, 3  # states of channels
LEVELS_BELOW = (6, 5)  # villages, and towns that have terminals of their own
EVERY_LOUDSPEAKER = ("0314", "00", "04", "00")
AMPLIFIER_ON = 2  # of 0x3F


@dataclass(frozen=True, slots=True)
class Relay:
    """An annex D frame for the adapter's terminals. `returned`: their answers go to the platform by annex E (clause
    A.4.2.1.5), to the address `to`; where the command names none, where they always return."""

    data: bytes
    returned: bool = False
    to: annex_a.ReturnAddress | None = None


@dataclass(slots=True)
class Equipment:
    """What is fitted and set: FM carriers (kHz) on output 2 beside the IP output 1, inputs by name, broken channels by
    ("in" or "out", number), a fault with its text, where it reports to (0x0D), None for where it was built to, its own
    volume and amplifier, and who may phone or text it."""

    phys: str = ""
    carriers: tuple[int, ...] = ()
    inputs: tuple[str, ...] = ("话筒", "线路")
    broken: set[tuple[str, int]] = field(default_factory=set)
    fault: tuple[int, str] = (0, "")
    report_to: annex_a.ReturnAddress | None = None
    period_s: int = 0
    volume: int = 60
    amplifier: bool = True
    callers: PhoneBook = field(default_factory=PhoneBook)


@dataclass(frozen=True, slots=True)
class Airing:
    """An FM packet that its RDS controller sends so many times (GD/J 089 table A.24)."""

    packet: bytes
    times: int
    interval_ms: int


@dataclass(slots=True)
class Outcome:
    """What one command leads to. `pushed`: relays and reports wait for the sound of this message, which is pushed."""

    answer: annex_a.Message
    relays: list[Relay] = field(default_factory=list)
    reports: list[annex_a.Message] = field(default_factory=list)
    packets: list[Airing] = field(default_factory=list)
    pushed: EbmId | None = None


class Adapter:
    """Times are UTC seconds of its own clock."""

    def __init__(
        self,
        code: ResourceCode,
        key: PrivateKey,
        certificate: CertificateNumber,
        trust: Trust,
        wall: Callable[[], float],
    ) -> None:
        self.code = code
        self._key = key
        self._certificate = certificate
        self._trust = trust
        self._wall = wall
        self._time_rule = TimeRule()
        self._authorisation = Authorisation(certificate)
        self._tasks = TaskList()
        self._ordered: dict[EbmId, annex_a.StartBroadcast] = {}
        self._sessions = fefd.SessionCounter(int(wall()))
        self.refused = 0
        self.equipment = Equipment()
        self.listens: dict[EbmId, str] = {}
        """Where it hears the sound of messages that is pushed to it."""

    def sign(self, signed: bytes) -> SignatureBlock:
        """GD/J 081 clause 5.4, with its own clock."""
        time = int(self._wall())
        value = self._key.sign(signed + time.to_bytes(4, "big"))
        return SignatureBlock(time, self._certificate, value)

    def encode(self, message: annex_a.Message) -> bytes:
        """A signed 0x50 frame."""
        return annex_a.encode(message, sign=self.sign)

    def heartbeat(self, now: float) -> annex_a.Message:
        """0x20."""
        state = annex_a.AdapterState.WORKING if self._tasks.sounding else annex_a.AdapterState.IDLE
        return annex_a.AdapterHeartbeat(self.code, state, int(now))

    def receive(self, frame: AdapterFrame, now: float) -> Outcome:
        """One command of the platform."""
        message = frame.message
        if not self._believes(frame, now):
            self.refused += 1
            return Outcome(self._refusal(message, ResultCode.SIGNATURE, "signature"))
        match message:
            case annex_a.StartBroadcast():
                return self._start(message, now)
            case annex_a.StopBroadcast(ebm_id=ebm_id, targets=targets):
                changes = self._tasks.stop(ebm_id, now)[2]
                relay = self._relay(fefd.Stop(ebm_id), targets)
                return Outcome(annex_a.StartAnswer(self.code, ebm_id), relay, self._reports(changes))
            case annex_a.SetVolume(volume=volume, targets=targets):
                if self._means_me(targets):
                    self.equipment.volume = volume
                return self._pass_on(fefd.Number(fefd.SET_VOLUME, volume), targets)
            case annex_a.SwitchAmplifier(option=option, targets=targets):
                if self._means_me(targets):
                    self.equipment.amplifier = option == AMPLIFIER_ON
                return self._pass_on(fefd.Number(fefd.SET_AMPLIFIER, option), targets)
            case annex_a.SetNetwork(ip=ip, mask=mask, gateway=gateway, target=target):
                return self._pass_on(fefd.LocalAddress(ip, mask, gateway), target)
            case annex_a.RdsSpecial():
                return self._air(message)
            case annex_a.UpdateTerminalCertificates(lists=lists, certificates=certificates):
                relay = self._relay(fefd.CertificateUpdate(lists, certificates), self._everybody(), returned=True)
                return Outcome(annex_a.GeneralAnswer(), relay)
            case annex_a.UpdateAdapterCertificates(lists=lists, certificates=certificates):
                return Outcome(self._authorise(lists, certificates))
            case annex_a.QueryTerminals(parameters=ids, targets=targets, address=to):
                return Outcome(annex_a.GeneralAnswer(), self._relay(fefd.StatusQuery(ids), targets, to, returned=True))
            case annex_a.SetReturnAddress(address=address, targets=targets) if not _is_other(address):
                return self._pass_on(fefd.ReturnTo(address), targets)  # type: ignore[arg-type]
            case annex_a.SetReturnPeriod(period_s=period_s, targets=targets):
                return self._pass_on(fefd.Number(fefd.SET_RETURN_PERIOD, period_s), targets)
            case annex_a.SetResourceCodes(assignments=assignments):
                return Outcome(annex_a.GeneralAnswer(), [r for each in assignments for r in self._assign(each)])
            case _:
                return Outcome(self._plain_answer(message))

    def sound_of(self, ebm_id: EbmId) -> str:
        """Where the sound of a task comes from while it is on air; "" for none."""
        sounding, start = self._tasks.sounding, self._ordered.get(ebm_id)
        return (
            sound_url(start) if start is not None and sounding is not None and sounding.order.ebm_id == ebm_id else ""
        )

    @property
    def live(self) -> list[EbmId]:
        """Tasks that are not over."""
        return [task.order.ebm_id for task in self._tasks if task.state in LIVE]

    def tick(self, now: float) -> list[annex_a.Message]:
        """What time alone does, as reports."""
        return self._reports(self._tasks.tick(now))

    def next_at(self, now: float) -> float | None:
        """When `tick` is due."""
        return self._tasks.next_at(now)

    def _believes(self, frame: AdapterFrame, now: float) -> bool:
        block = frame.signature
        if block is None or self._trust.judge(frame.signed, block) is not Verdict.GOOD:
            return False
        if not self._authorisation.permits(block.certificate) or not self._time_rule.accepts(block, now):
            return False
        self._authorisation.verified(block.certificate)
        return True

    def _air(self, command: annex_a.RdsSpecial) -> Outcome:
        """0x02: a packet of this content under its own signature (GD/J 088 7.1 b, e)."""
        try:
            packet = encode_packet(command.targets, carried(command), self.sign)
        except (LocalProtocolError, RemoteProtocolError) as error:
            return Outcome(annex_a.GeneralAnswer(ResultCode.CONFLICT, str(error)))
        return Outcome(annex_a.GeneralAnswer(), packets=[Airing(packet, command.send_times, command.interval_ms)])

    def _authorise(self, lists: tuple[bytes, ...], certificates: tuple[bytes, ...]) -> annex_a.Message:
        """0x41: everything is checked, then all of it counts (signature.md 6)."""
        try:
            update = self._trust.check(lists, certificates, self._authorisation)
        except RemoteProtocolError as error:
            self.refused += 1
            return annex_a.GeneralAnswer(ResultCode.CONFLICT, error.detail)
        self._trust.admit(update.certificates)
        if update.newer is not None:
            self._authorisation.apply(update.newer)
        return annex_a.GeneralAnswer()

    def _everybody(self) -> annex_a.Targets:
        """0x40 names no terminals: all of the adapter's own get it, and each takes its own list."""
        area = self.code.area
        return annex_a.Targets(tuple(ResourceCode.build(n, area, *EVERY_LOUDSPEAKER) for n in LEVELS_BELOW))

    def _refusal(self, message: annex_a.Message, code: ResultCode, text: str) -> annex_a.Message:
        if isinstance(message, annex_a.StartBroadcast | annex_a.StopBroadcast):
            return annex_a.StartAnswer(self.code, message.ebm_id, 1, text)
        return annex_a.GeneralAnswer(code, text)

    def _start(self, start: annex_a.StartBroadcast, now: float) -> Outcome:
        url, pushed = sound_url(start), wants_push(start)
        if pushed and start.ebm_id not in self.listens:
            return Outcome(annex_a.StartAnswer(self.code, start.ebm_id, 1, "no port to hear it on"))
        order = Order(start.ebm_id, start.class_, start.level, start.start, start.end, start.volume, url, "platform")
        result, text, changes = self._tasks.start(order, now)
        if result is not Result.OK:
            return Outcome(annex_a.StartAnswer(self.code, start.ebm_id, 1, text or result.name.lower()))
        self._ordered[start.ebm_id] = start
        self._forget()
        aux = (fefd.Auxiliary.url(url),) if url else ()
        relayed = fefd.Start(
            start.ebm_id,
            start.class_,
            start.level or 4,
            start.event_type,
            start.volume,
            start.start,
            start.end,
            aux,
        )
        answer = annex_a.StartAnswer(self.code, start.ebm_id, url=self.listens[start.ebm_id] if pushed else "")
        relays, reports = self._relay(relayed, start.targets), self._reports(changes)
        return Outcome(answer, relays, reports, pushed=start.ebm_id if pushed else None)

    def _forget(self) -> None:
        """Keep commands of remembered tasks only."""
        if len(self._ordered) > TASKS_MAX:
            self._ordered = {id_: start for id_, start in self._ordered.items() if self._tasks.get(id_)}

    def _assign(self, given: annex_a.CodeAssignment) -> list[Relay]:
        """Its own code, or a terminal's: that one is told under every code of the area, since only its physical address
        says who it is (table D.9, parameter 04)."""
        if given.phys and given.phys == self.equipment.phys:
            self.code = given.code
            return []
        everybody = annex_a.Targets((ResourceCode(f"0{self.code.area}{given.code[13:21]}00"),))
        return self._relay(fefd.ParameterSet((fefd.AssignCode(given.phys, given.code),)), everybody)

    def _means_me(self, targets: annex_a.AnyTargets) -> bool:
        return isinstance(targets, annex_a.Targets) and self.code in targets.codes

    def _pass_on(self, setting: fefd.Setting, targets: annex_a.AnyTargets) -> Outcome:
        """One setting to terminals."""
        return Outcome(annex_a.GeneralAnswer(), self._relay(fefd.ParameterSet((setting,)), targets))

    def _relay(
        self,
        message: fefd.Message,
        targets: annex_a.AnyTargets,
        to: annex_a.ReturnAddress | None = None,
        *,
        returned: bool = False,
    ) -> list[Relay]:
        """The command once more for the terminals, under the adapter's own signature."""
        if not isinstance(targets, annex_a.Targets) or not targets.codes:
            return []
        frame = fefd.request(Header.D, self._sessions.take(), self.code, targets.codes, message)
        return [Relay(fefd.encode(frame, sign=self.sign), returned, to)]

    def _plain_answer(self, message: annex_a.Message) -> annex_a.Message:
        match message:
            case annex_a.QueryRecords():
                return annex_a.Records(self.code, tuple(self._records(message)))
            case annex_a.QueryOutputs(channel=channel, state=state):
                return annex_a.Outputs(self.code, tuple(self._outputs(channel, state)))
            case annex_a.QueryInputs(channel=channel, state=state):
                return annex_a.Inputs(self.code, tuple(self._inputs(channel, state)))
            case annex_a.QueryFaults():
                return annex_a.FaultDetails(self.code, *self.equipment.fault)
            case annex_a.SetAdapterReturn(address=address, period_s=period_s):
                self.equipment.report_to, self.equipment.period_s = address, period_s
                return annex_a.GeneralAnswer()
            case annex_a.SetWhitelist():
                return self.equipment.callers.take(message)
            case annex_a.SetClock():
                return annex_a.GeneralAnswer()
            case _:
                return annex_a.GeneralAnswer(ResultCode.CONFLICT, "not supported by this adapter")

    def _outputs(self, channel: int, state: int) -> Iterator[annex_a.OutputChannel]:
        """Table A.28. The IP output has no state there, so a filter for one leaves it out; the FM output plays what
        sounds."""
        if channel in (0, 1) and not state:
            yield annex_a.OutputChannel(1, 4)
        sounding = self._tasks.sounding
        here = FAULT if ("out", 2) in self.equipment.broken else OCCUPIED if sounding else IDLE
        if self.equipment.carriers and channel in (0, 2) and state in (0, here):
            ebm_id = sounding.order.ebm_id if sounding is not None and here == OCCUPIED else None
            yield annex_a.OutputChannel(
                2, 1, tuple(annex_a.FmOutput(khz, here, ebm_id) for khz in self.equipment.carriers)
            )

    def _inputs(self, channel: int, state: int) -> Iterator[annex_a.InputChannel]:
        """Table A.29: all of one group, so that they exclude each other."""
        for number, name in enumerate(self.equipment.inputs, 1):
            here = FAULT if ("in", number) in self.equipment.broken else IDLE
            if channel in (0, number) and state in (0, here):
                yield annex_a.InputChannel(number, name, 1, here)

    def _records(self, query: annex_a.QueryRecords) -> list[annex_a.Record]:
        """Tasks that overlap the asked time, by kind and id (table A.9)."""
        found = []
        for task in self._tasks:
            start = self._ordered.get(task.order.ebm_id)
            if start is None or query.ebm_id not in (None, start.ebm_id):
                continue
            if query.task and (query.task == DAILY) != (start.class_ == 5):
                continue
            if start.end >= query.from_time and start.start <= query.to_time:
                found.append(self._record(task, start))
        return found

    def _record(self, task: Task, start: annex_a.StartBroadcast) -> annex_a.Record:
        return annex_a.Record(
            ebm_id=start.ebm_id,
            state=RECORD_STATES[task.state],
            source=annex_a.Source.PLATFORM,
            class_=start.class_,
            level=start.level,
            event_type=start.event_type,
            start=start.start,
            end=start.end,
            volume=start.volume,
            input_channel=0,
            outputs=(),
            codes=start.targets.codes if isinstance(start.targets, annex_a.Targets) else (),
        )

    def _reports(self, changes: list[Change]) -> list[annex_a.Message]:
        """0x18 when a task first sounds, 0x19 when it is over (tables A.33, A.34)."""
        reports: list[annex_a.Message] = []
        for change in changes:
            start = self._ordered.get(change.task.order.ebm_id)
            if change.after is TaskState.SOUNDING and change.before is TaskState.WAITING and start is not None:
                reports.append(self._began(start))
            elif change.after not in LIVE and change.before is not TaskState.WAITING:
                reports.append(annex_a.TaskEnded(self.code, change.task.order.ebm_id))
        return reports

    def _began(self, start: annex_a.StartBroadcast) -> annex_a.Message:
        return annex_a.TaskBegan(
            front=self.code,
            ebm_id=start.ebm_id,
            source=annex_a.Source.PLATFORM,
            class_=start.class_,
            level=start.level,
            event_type=start.event_type,
            input_channel=0,
            outputs=(),
            volume=start.volume,
            codes=start.targets.codes if isinstance(start.targets, annex_a.Targets) else (),
        )


def _is_other(address: annex_a.ReturnAddress) -> bool:
    """Whether nobody knows what kind of address it is."""
    return isinstance(address, annex_a.OtherReturn)
