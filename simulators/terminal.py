"""One FEFD terminal without its sockets: frames and time in, actions out (GD/J 089 annexes D and E).

Order of a receiver (signature.md 8): lengths and CRC, certificate, SM2, signature time, address, then rank and window
(`terminal_tasks`). A repeated request gets the answer it got before and has no second effect. It may be told of one
message over several paths and starts it once; it reports 0x14 when sound really begins, which is when the first bytes
of the audio have arrived, and 0x15 when the window is over. What was stopped has an end (0x14) but no result.

Frames come through a `FrameReader` that all terminals of a process share: each distinct signed frame is verified once a
process. Audio is fetched and its SM3 computed by every terminal itself.
"""

from __future__ import annotations

from collections import OrderedDict
from math import isinf

from protocols import terminal as fefd
from protocols.adapter import IpReturn
from protocols.authorisation import Authorisation
from protocols.codes import EbmId, ResourceCode
from protocols.errors import RemoteProtocolError
from protocols.fm.configuration import ScanEntry
from protocols.terminal import Answer, Frame, Header, Result
from simulators.fleet_log import FleetLog
from simulators.terminal_actions import Action, Fetch, Install, Redial, Reply, Report
from simulators.terminal_tasks import LIVE, Change, Order, Task, TaskList, TaskState, result_of
from simulators.trust import Heard, TimeRule, Trust, Verdict, area_stems

ANSWERS_MAX = 32  # remembered answers of one terminal
RETURN_PERIOD_S = 60
DEVICE_TYPE, VERSION = bytes.fromhex("0314"), bytes.fromhex("00010000")


FORCED, IF_NEWER, FROM_OLD = 0, 1, 2


class Terminal:
    """One loudspeaker (clauses 4.1.5, E.1.3.1, E.1.3.2). All times are UTC seconds of its own clock."""

    __slots__ = (
        "_answers",
        "_authorisation",
        "_heard_sound",
        "_log",
        "_platform",
        "_sessions",
        "_stems",
        "_tasks",
        "_time_rule",
        "_trust",
        "amplifier",
        "code",
        "network",
        "period_s",
        "phys",
        "registered",
        "return_to",
        "scan_list",
        "software",
        "takes_firmware",
        "tuned_khz",
        "volume",
    )

    def __init__(
        self, code: ResourceCode, phys: str, platform: ResourceCode, log: FleetLog, trust: Trust | None = None
    ) -> None:
        """`trust`: where it keeps certificates; without one it takes no updates of them. Its security module has the
        number that is its physical address."""
        self.code = code
        self.phys = phys
        self.registered = False
        self.volume = 60
        self.amplifier = True  # off: it does everything and nothing sounds
        self.network: fefd.LocalAddress | None = None
        self.return_to: fefd.ReturnTo | None = None
        self.period_s = RETURN_PERIOD_S
        self.tuned_khz = 0  # carrier of its FM receiver, 0 for none
        self.scan_list: tuple[ScanEntry, ...] = ()
        self.software = VERSION
        self.takes_firmware = True  # False: an image that it has fetched does not start, and the old one does again
        self._platform = platform
        self._log = log
        self._tasks = TaskList()
        self._sessions = fefd.SessionCounter()
        self._answers: OrderedDict[bytes, bytes] = OrderedDict()
        self._time_rule = TimeRule()
        self._trust = trust
        self._authorisation = Authorisation(bytes.fromhex(phys.rjust(12, "0")[-12:]))
        self._stems = area_stems(code)
        self._heard_sound: set[EbmId] = set()  # live messages whose audio has begun to arrive

    @property
    def working(self) -> bool:
        """Whether anything sounds."""
        return self._tasks.sounding is not None

    @property
    def on_air(self) -> EbmId | None:
        """What sounds, if its audio has begun to arrive."""
        task = self._audible() if self.amplifier else None
        return None if task is None else task.order.ebm_id

    def _audible(self) -> Task | None:
        """What sounds, or would with its amplifier on."""
        task = self._tasks.sounding
        return task if task is not None and task.order.ebm_id in self._heard_sound else None

    def set_return(self, to: tuple[str, int]) -> None:
        """As it was built: where it returns to, by number."""
        self.return_to = fefd.ReturnTo(IpReturn(*to))

    def next_at(self, now: float) -> float | None:
        """When `tick` is due; None while nothing is live."""
        return self._tasks.next_at(now)

    def wants(self, ebm_id: EbmId) -> bool:
        """Whether a message is still live here, so that its audio is worth another try."""
        task = self._tasks.get(ebm_id)
        return task is not None and task.state in LIVE

    def heartbeat(self, header: Header) -> bytes:
        """0x10; the first one ever says that the terminal has been switched on."""
        first = 2 if self.registered else 1
        self.registered = True
        state = fefd.WorkState.WORKING if self.working else fefd.WorkState.IDLE
        return self._frame(header, fefd.Heartbeat(state, first, self.phys))

    def receive(self, heard: Heard, path: str, now: float, *, shared: bool = False) -> list[Action]:
        """One frame. `shared`: others hear it too, so a foreign address is no mistake and gets no answer."""
        frame = heard.frame
        if frame.is_answer:
            return []
        if not heard.means(self.code, self._stems):
            if shared:
                return []
            return [self._answer(frame, Result.UNKNOWN_RESOURCE_CODE, "not my address")]
        if (known := self._answers.get(frame.signed)) is not None:
            return [Reply(known)]
        if not isinstance(frame.message, fefd.Heartbeat | fefd.StatusQuery):
            refusal = self._distrust(heard, now)
            if refusal is not None:
                return [self._answer(frame, *refusal)]
        return self._act(frame, path, now)

    def take_scan_list(self, entries: tuple[ScanEntry, ...]) -> None:
        """Carriers to watch; of several that are there the smallest priority wins, and here all are."""
        self.scan_list = entries
        self.tuned_khz = min(entries, key=lambda each: each.priority).frequency_khz

    def take_code(self, code: ResourceCode) -> None:
        """It answers to another code from now on."""
        self.code, self._stems = code, area_stems(code)

    def lapse_fm(self, now: float) -> list[Action]:
        """Maintenance has run out (GD/J 085 clause 5.2.4): what is known from FM alone ends, until a new start."""
        live = [t.order.ebm_id for t in self._tasks if t.state in LIVE and isinf(t.order.end)]
        actions = [action for ebm_id in live for action in self._follow(self._tasks.finish(ebm_id, now), now)]
        for ebm_id in live:
            self._tasks.forget(ebm_id)
        return actions

    def hear_fm(self, order: Order, now: float) -> list[Action]:
        """A start that its FM receiver has verified. FM brings the sound too, where nothing else has yet."""
        task = self._tasks.get(order.ebm_id)
        if task is None:
            return self._follow(self._tasks.start(order, now, queue_lower=True)[2], now)
        if task.state in LIVE:
            return self.audio_began(order.ebm_id, now, path="fm")
        return []

    def stop_fm(self, ebm_id: EbmId, now: float) -> list[Action]:
        """A stop from its FM receiver. FM tells no window, so a stop is also how a message known from FM alone ends."""
        task = self._tasks.get(ebm_id)
        if task is not None and task.state in LIVE and isinf(task.order.end):
            return self._follow(self._tasks.finish(ebm_id, now), now)
        return self._follow(self._tasks.stop(ebm_id, now)[2], now)

    def audio_began(self, ebm_id: EbmId, now: float, *, path: str | None = None) -> list[Action]:
        """The first bytes of its audio are here."""
        task = self._tasks.get(ebm_id)
        if task is None or task.state not in LIVE or ebm_id in self._heard_sound:
            return []
        self._heard_sound.add(ebm_id)
        return self._sound(task, now, path or task.order.path) if task.state is TaskState.SOUNDING else []

    def audio_ended(self, ebm_id: EbmId, now: float, *, sm3_ok: bool | None, duration_s: float) -> list[Action]:
        """The whole file is here and judged. A wrong digest ends the message (I9)."""
        self._log.fetched(self.code, ebm_id, sm3_ok)
        task = self._tasks.get(ebm_id)
        if task is not None:
            task.audio_s = duration_s
        return self._follow(self._tasks.fail(ebm_id, now), now) if sm3_ok is False else []

    def audio_failed(self, ebm_id: EbmId, now: float) -> list[Action]:
        """No audio after all tries; what FM has brought meanwhile goes on."""
        self._log.fetch_failed += 1
        return [] if ebm_id in self._heard_sound else self._follow(self._tasks.fail(ebm_id, now), now)

    def tick(self, now: float) -> list[Action]:
        """What time alone does: ends, waiting starts, resumptions."""
        return self._follow(self._tasks.tick(now), now)

    def _distrust(self, heard: Heard, now: float) -> tuple[Result, str] | None:
        """Why a command is refused, or None."""
        match heard.verdict:
            case Verdict.UNSIGNED:
                return self._refuse(Result.VERIFICATION, "unsigned")
            case Verdict.BAD_SIGNATURE:
                return self._refuse(Result.VERIFICATION, "bad signature")
            case Verdict.UNKNOWN_CERTIFICATE:
                return self._refuse(Result.CERTIFICATE, "unknown certificate")
            case Verdict.GOOD:
                block = heard.frame.signature
                if block is not None and not self._authorisation.permits(block.certificate):
                    return self._refuse(Result.CERTIFICATE, "certificate not authorised")
                if block is None or not self._time_rule.accepts(block, now):
                    return self._refuse(Result.VERIFICATION, "signature time")
                self._authorisation.verified(block.certificate)
                return None

    def _refuse(self, result: Result, text: str) -> tuple[Result, str]:
        self._log.refusals[text] += 1
        return result, text

    def _act(self, frame: Frame, path: str, now: float) -> list[Action]:
        match frame.message:
            case fefd.Start() as start:
                return self._start(frame, start, path, now)
            case fefd.Stop(ebm_id=ebm_id):
                result, text, changes = self._tasks.stop(ebm_id, now)
                return [self._answer(frame, result, text), *self._follow(changes, now)]
            case fefd.StatusQuery(parameters=ids):
                told = tuple(p for id_ in ids if (p := self._parameter(id_)) is not None)
                return [self._reply(frame, fefd.StatusAnswer(Result.OK, "", told))]
            case fefd.ParameterSet(settings=settings):
                return self._take_settings(frame, settings, now)
            case fefd.CertificateUpdate(lists=lists, certificates=certificates) if self._trust is not None:
                return [self._answer(frame, *self._authorise(self._trust, lists, certificates))]
            case fefd.Upgrade() as upgrade:
                return self._upgrade(frame, upgrade)
            case _:
                return [self._answer(frame, Result.NOT_SUPPORTED, "")]

    def _upgrade(self, frame: Frame, upgrade: fefd.Upgrade) -> list[Action]:
        """0xA1 (terminal-ip.md section 9): for one physical address; by mode at any time, if newer, or from one old
        version only. The answer says that it will try."""
        if upgrade.phys != self.phys:
            return [self._answer(frame, Result.UNKNOWN_TERMINAL, "not my physical address")]
        stale = upgrade.mode == IF_NEWER and upgrade.new_version <= self.software
        other = upgrade.mode == FROM_OLD and upgrade.old_version != self.software
        if stale or other:
            return [self._answer(frame, Result.BAD_PARAMETER, f"version {self.software.hex()}")]
        install = Install(upgrade.url, upgrade.md5.lower(), upgrade.new_version)
        return [self._answer(frame, Result.OK, ""), install]

    def installed(self, version: bytes, *, md5_ok: bool) -> None:
        """It has restarted, with the new image or, where that is damaged or does not start, with the old one."""
        self.registered = False
        if md5_ok and self.takes_firmware:
            self.software = version

    def _start(self, frame: Frame, start: fefd.Start, path: str, now: float) -> list[Action]:
        order = Order(start.ebm_id, start.class_, start.level, start.start, start.end, start.volume, start.url, path)
        result, text, changes = self._tasks.start(order, now)
        if result is not Result.OK:
            self._refuse(result, result.name.lower())
        return [self._answer(frame, result, text), *self._follow(changes, now)]

    def _follow(self, changes: list[Change], now: float) -> list[Action]:
        """What changed tasks mean to the outside."""
        actions: list[Action] = []
        for change in changes:
            task, ebm_id = change.task, change.task.order.ebm_id
            sounded = ebm_id in self._heard_sound
            if change.after is TaskState.SOUNDING:
                if sounded:
                    actions += self._sound(task, now, task.order.path)
                elif not task.order.url:
                    actions += self.audio_began(ebm_id, now)
                elif change.before is TaskState.WAITING:
                    actions.append(Fetch(ebm_id, task.order.url))
            elif change.before is TaskState.SOUNDING and sounded and self.amplifier:
                actions.append(self._switch(task, 2, now))
            if change.after not in LIVE:
                self._heard_sound.discard(ebm_id)
                self._log.ended(self.code, ebm_id, now, change.after.value)
                if change.after in (TaskState.PLAYED, TaskState.FAILED):
                    actions.append(self._result(task, now))
        return actions

    def _sound(self, task: Task, now: float, path: str) -> list[Action]:
        """It sounds: for the first time, which is the start everybody counts, or again after an interruption."""
        if not self.amplifier:
            return []
        if task.first_sound_at is None:
            task.first_sound_at = now
            self._log.began(self.code, task.order.ebm_id, now, path)
        else:
            self._log.resumed += 1
        return [self._switch(task, 1, now)]

    def _switch(self, task: Task, flag: int, now: float) -> Report:
        kind = fefd.Task.DAILY if task.order.class_ == 5 else fefd.Task.EMERGENCY
        return self._report(fefd.TaskSwitch(flag, kind, task.order.ebm_id, int(now)), task.order.path)

    def _result(self, task: Task, now: float) -> Report:
        return self._report(result_of(task, now, amplifier=self.amplifier), task.order.path)

    def _parameter(self, id_: int) -> fefd.Parameter | None:
        """One value of table E.5; what this terminal does not have is left out."""
        state = fefd.WorkState.WORKING if self.working else fefd.WorkState.IDLE
        known: dict[int, fefd.Parameter] = {
            fefd.VOLUME: fefd.Number(fefd.VOLUME, self.volume),
            fefd.RESOURCE_CODE: fefd.OwnCode(self.code),
            fefd.PHYSICAL_ADDRESS: fefd.PhysicalAddress.of(self.phys),
            fefd.WORK_STATE: fefd.Number(fefd.WORK_STATE, state),
            fefd.DEVICE_TYPE: fefd.Identity(fefd.DEVICE_TYPE, DEVICE_TYPE),
            fefd.HARDWARE_VERSION: fefd.Identity(fefd.HARDWARE_VERSION, VERSION),
            fefd.SOFTWARE_VERSION: fefd.Identity(fefd.SOFTWARE_VERSION, self.software),
        }
        if self.network is not None:
            known[fefd.LOCAL_ADDRESS] = self.network
        if self.return_to is not None:
            known[fefd.RETURN_ADDRESS] = self.return_to
        if self.tuned_khz:
            known[fefd.CURRENT_FM] = fefd.CurrentFm(self.tuned_khz, self.tuned_khz)
        if self.scan_list:
            scanned = (fefd.ScanEntry(each.number, each.priority, each.frequency_khz) for each in self.scan_list)
            known[fefd.FM_SCAN_LIST] = fefd.FmScanList(tuple(scanned))
        return known.get(id_)

    def _take_settings(self, frame: Frame, settings: tuple[fefd.Setting, ...], now: float) -> list[Action]:
        """0x12, and what it does to what sounds and to its connections."""
        was_on, lived = self.amplifier, self.network
        actions: list[Action] = [self._answer(frame, *self._set(settings))]
        if self.amplifier is not was_on and (task := self._audible()) is not None:
            actions += self._sound(task, now, task.order.path) if self.amplifier else [self._switch(task, 2, now)]
        return actions if self.network == lived else [*actions, Redial()]

    def _set(self, settings: tuple[fefd.Setting, ...]) -> tuple[Result, str]:
        """0x12: what is kept is told again when asked; a code is taken for its own physical address."""
        for setting in settings:
            match setting:
                case fefd.Number(id=fefd.SET_VOLUME, value=volume) if volume <= 100:
                    self.volume = volume
                case fefd.Number(id=fefd.SET_VOLUME, value=volume) if volume != 255:
                    return Result.BAD_PARAMETER, f"volume {volume}"
                case fefd.Number(id=fefd.SET_AMPLIFIER, value=option):
                    if option not in (1, 2):
                        return Result.BAD_PARAMETER, f"amplifier {option}"
                    self.amplifier = option == 2
                case fefd.LocalAddress():
                    self.network = setting
                case fefd.ReturnTo():
                    self.return_to = setting
                case fefd.Number(id=fefd.SET_RETURN_PERIOD, value=period_s):
                    self.period_s = period_s
                case fefd.AssignCode(phys=phys, code=code) if phys == self.phys:
                    self.take_code(code)
                case fefd.RawParameter(id=id_):
                    return Result.NOT_SUPPORTED, f"parameter {id_:02X}"
                case _:
                    pass
        return Result.OK, ""

    def _authorise(self, trust: Trust, lists: tuple[bytes, ...], certificates: tuple[bytes, ...]) -> tuple[Result, str]:
        """0x17: everything is checked, then all of it counts (signature.md 6)."""
        try:
            update = trust.check(lists, certificates, self._authorisation)
        except RemoteProtocolError as error:
            self._log.refusals["certificate update"] += 1
            return Result.CERTIFICATE, error.detail
        trust.admit(update.certificates)
        if update.newer is not None:
            self._authorisation.apply(update.newer)
        return Result.OK, ""

    def _answer(self, frame: Frame, result: Result, text: str) -> Reply:
        return self._reply(frame, Answer(frame.message.type, result, text))

    def _reply(self, frame: Frame, message: fefd.Message) -> Reply:
        data = fefd.encode(fefd.answer(frame, self.code, message))
        self._answers[frame.signed] = data
        if len(self._answers) > ANSWERS_MAX:
            self._answers.popitem(last=False)
        return Reply(data)

    def _report(self, message: fefd.Message, path: str) -> Report:
        return Report(self._frame(Header.E, message), path)

    def _frame(self, header: Header, message: fefd.Message) -> bytes:
        frame = fefd.request(header, self._sessions.take(), self.code, (self._platform,), message)
        return fefd.encode(frame)
