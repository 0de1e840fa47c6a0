"""Who is on which socket of a terminal listener, what they say, and who has been silent for too long."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from devices.link import Answered, Connected, Disconnected, EventSink, Rejected, StateTold
from devices.maintenance import UNASKED, Configured, Stranger, Told, ValuesTold
from devices.ports import Ports
from devices.roster import Device, Roster
from devices.terminal_connection import Connection
from devices.terminal_frames import answered, configured, event_of, told_state
from devices.terminal_requests import Requests
from devices.terminal_values import values_told
from devices.timer_wheel import TimerWheel
from protocols import terminal
from protocols.codes import ResourceCode

if TYPE_CHECKING:
    from devices.terminal_tcp import TerminalTcpConfig

_REPLACED = "replaced by a newer connection"
NOTHING_TOLD = Told()
_NOBODY = ResourceCode("0" * 23)
_REQUESTS_OF_TERMINALS = frozenset({0x10, 0x13, 0x14, 0x15, 0x16})
COUNTY_LEVEL = 4
RETURN_PERIOD_S = 60.0
"""How often returns come where nobody has set another period; the text has none."""


def own_code(configured: str, roster: Roster) -> ResourceCode:
    """The source of our commands: as configured; else the county adapter's, whose part we play towards IP terminals."""
    if configured:
        return ResourceCode(configured)
    return next((device.code for device in roster.adapters if device.code.level == COUNTY_LEVEL), _NOBODY)


class TerminalRegistry:
    """Binds sockets to devices by the first heartbeat, turns frames into events, answers what wants an answer."""

    def __init__(
        self,
        config: TerminalTcpConfig,
        ports: Ports,
        sink: EventSink,
        roster: Roster,
        requests: Requests,
        sessions: terminal.SessionCounter,
    ) -> None:
        self.frame_bytes_max = config.frame_bytes_max
        self.unsent_bytes_max = config.unsent_bytes_max
        self.source = own_code(config.source, roster)
        self.source_bcd = self.source.to_bcd()
        self.bound: dict[ResourceCode, Connection] = {}
        self.strangers: OrderedDict[str, Connection] = OrderedDict()
        """Devices that wait to be commissioned, by physical address."""
        self._config = config
        self._ports = ports
        self._sink = sink
        self._roster = roster
        self._requests = requests
        self._sessions = sessions
        self._open: set[Connection] = set()
        self._partial: dict[Connection, float] = {}
        self._idle: TimerWheel[Connection] = TimerWheel(1.0, ports.clock.monotonic())
        period_s = config.heartbeat_s if config.commands else max(config.heartbeat_s, RETURN_PERIOD_S)
        self._idle_s = period_s * config.heartbeats_missed_max

    @property
    def devices(self) -> int:
        """Devices that can be commanded; sockets, on a listener for returns."""
        return len(self.bound) if self._config.commands else len(self._open)

    # ---- sockets ---------------------------------------------------------------------------------------------------

    def opened(self, connection: Connection) -> None:
        """Take a socket, or refuse it where there are too many."""
        self._open.add(connection)
        if len(self._open) > self._config.connections_max:
            self._reject(connection, "too-many-connections", f"{self._config.connections_max} are open")
            connection.drop("too many connections")
            return
        self._idle.set(connection, self._ports.clock.monotonic() + self._config.first_frame_s)

    def closed(self, connection: Connection) -> None:
        """Forget a socket; its device is gone unless it has a newer one."""
        self._open.discard(connection)
        self._partial.pop(connection, None)
        self._idle.drop(connection)
        self._no_stranger(connection)
        self._requests.lost(connection)
        self._unbind(connection, connection.reason)

    def waits(self, connection: Connection) -> None:
        """Part of a frame is there."""
        self._partial.setdefault(connection, self._ports.clock.monotonic())

    def sweep(self) -> None:
        """Once a second: close who is silent, give up frames that do not go on."""
        now_s = self._ports.clock.monotonic()
        for connection in self._idle.due(now_s):
            if not connection.heard:
                self._reject(connection, "silent", f"no frame within {self._config.first_frame_s:g} s")
            connection.drop("silent")
        if self._partial:
            limit_s = now_s - self._config.partial_frame_s
            for connection in [c for c, since_s in self._partial.items() if since_s <= limit_s]:
                del self._partial[connection]
                connection.give_up_partial()

    def close_all(self, reason: str) -> None:
        """The link stops."""
        for connection in list(self._open):
            connection.drop(reason)

    # ---- frames ----------------------------------------------------------------------------------------------------

    def refused(self, connection: Connection, bad: terminal.BadFrame) -> None:
        """Count what is no frame; who sends too much of it is dropped."""
        self._partial.pop(connection, None)
        foreign = terminal.foreign_frame(bad.data)
        if foreign is None:
            self._reject(connection, bad.reason, bad.detail)
        else:
            self._reject(connection, foreign.reason, f"{foreign.sentence}; no driver reads it")
        connection.bad_frames += 1
        if connection.bad_frames >= self._config.bad_frames_max:
            connection.drop("too many bad frames")

    def received(self, connection: Connection, frame: terminal.Frame) -> None:
        """One frame of a terminal."""
        connection.heard = True
        if self._partial:
            self._partial.pop(connection, None)
        self._idle.set(connection, self._ports.clock.monotonic() + self._idle_s)
        code = self._speaker(connection, frame)
        if code is None:
            return
        if frame.is_answer:
            self._take_answer(connection, code, frame)
        else:
            self._take_report(connection, code, frame)

    def answered(self, connection: Connection, session: int, type_: int, result: int) -> None:
        """The short way of an answer without text; `received` would do the same."""
        self._idle.set(connection, self._ports.clock.monotonic() + self._idle_s)
        request = self._requests.answered(connection, session, type_)
        if connection.code is None:
            return
        if request is None:
            self._stray(connection, session, type_)
        elif request.ebm_id and request.verb:
            self._sink(Answered(self._config.name, connection.code, request.ebm_id, request.verb, result, ""))
        elif request.token is not None:
            self._sink(Configured(self._config.name, connection.code, request.token, result, ""))

    def _speaker(self, connection: Connection, frame: terminal.Frame) -> ResourceCode | None:
        """The device that a frame comes from; None: refused, and told so where the header has an answer."""
        if not self._config.commands:
            if self._roster.known(frame.source) is not None:
                return frame.source
            if isinstance(frame.message, terminal.Heartbeat):
                self._sink(Stranger(self._config.name, frame.source, frame.message.phys, connection.peer))
            if isinstance(frame.message, terminal.StatusAnswer):  # of one that is being commissioned through an adapter
                self._sink(ValuesTold(self._config.name, frame.source, values_told(frame.message)))
                return None
            self._refuse(connection, frame, "unknown-device", f"{frame.source} is not in the inventory")
            return None
        if self.strangers.get(connection.phys) is connection and not isinstance(frame.message, terminal.Heartbeat):
            return self._stranger_said(connection, frame)
        if connection.code is not None and connection.edition != self._roster.edition:
            self._look_again(connection)
        if connection.code is None and not self._register(connection, frame):
            return None
        if frame.source == connection.code:
            if not connection.ready:
                connection.ready = True
                self._sink(Connected(self._config.name, connection.code))
            return connection.code
        if frame.source == connection.old_code:
            return connection.code
        self._refuse(connection, frame, "other-source", f"{frame.source} on the socket of {connection.code}")
        return None

    def _register(self, connection: Connection, frame: terminal.Frame) -> bool:
        """The first frame binds the socket: it must be a heartbeat of a device that the inventory knows."""
        message = frame.message
        if not isinstance(message, terminal.Heartbeat):
            self._refuse(connection, frame, "first-frame", f"type {message.type:#04x}, a heartbeat must come first")
            connection.close("no heartbeat first")
            return False
        if connection.is_gone:
            return False
        device = self._device(frame.source, message.phys)
        if device is None:
            self._wait_for_commissioning(connection, frame, message.phys)
            return False
        self._no_stranger(connection)
        if (older := self.bound.get(device.code)) is not None:
            self._unbind(older, _REPLACED)
            older.drop(_REPLACED)
        connection.code, connection.phys, connection.edition = device.code, message.phys, self._roster.edition
        connection.code_bcd = device.code.to_bcd()
        connection.old_code = frame.source if frame.source != device.code else None
        self.bound[device.code] = connection
        return True

    def _wait_for_commissioning(self, connection: Connection, frame: terminal.Frame, phys: str) -> None:
        """A device that nobody entered: told so (59), and kept on its socket, since behind a NAT there is no other way
        back to it. The longest waiting one goes where too many do."""
        is_new = self.strangers.get(phys) is not connection
        if is_new:
            detail = f"{frame.source} with physical address {phys or 'absent'} is not in the inventory"
            self._reject(connection, "unknown-device", detail)
        self._answer(connection, frame, terminal.Result.UNKNOWN_RESOURCE_CODE)
        if not phys:
            connection.close("unknown device")
            return
        if is_new:
            self._no_stranger(connection)  # of the address it named before
            if (older := self.strangers.pop(phys, None)) is not None:
                older.drop(_REPLACED)
        connection.phys = phys
        self.strangers[phys] = connection
        self._sink(Stranger(self._config.name, frame.source, phys, connection.peer))
        while len(self.strangers) > self._config.strangers_max:
            _, oldest = self.strangers.popitem(last=False)
            self._reject(oldest, "too-many-strangers", f"{self._config.strangers_max} wait to be commissioned")
            oldest.close("too many strangers")

    def _stranger_said(self, connection: Connection, frame: terminal.Frame) -> ResourceCode | None:
        """From a device that waits, only answers to what it was asked mean anything."""
        if frame.is_answer:
            return frame.source
        self._refuse(connection, frame, "unknown-device", f"type {frame.message.type:#04x} of a stranger")
        return None

    def _no_stranger(self, connection: Connection) -> None:
        if self.strangers.get(connection.phys) is connection:
            del self.strangers[connection.phys]

    def _look_again(self, connection: Connection) -> None:
        """The inventory has changed: a socket that speaks for another device now, or for none, registers anew."""
        code, phys = connection.code, connection.phys
        connection.edition = self._roster.edition
        device = self._device(code, phys) if code is not None else None
        if device is None or device.code != code:
            self._unbind(connection, "the inventory has changed")
            connection.code, connection.code_bcd, connection.ready, connection.old_code = None, b"", False, None

    def _unbind(self, connection: Connection, reason: str) -> None:
        if connection.code is not None and self.bound.get(connection.code) is connection:
            del self.bound[connection.code]
            if connection.ready:
                self._sink(Disconnected(self._config.name, connection.code, reason))

    def _device(self, source: ResourceCode, phys: str) -> Device | None:
        """By physical address, which never changes; by code where either side has none."""
        by_phys = self._roster.known_phys(phys) if phys else None
        if by_phys is not None:
            return by_phys
        by_code = self._roster.known(source)
        return by_code if by_code is not None and not (phys and by_code.phys) else None

    def _take_answer(self, connection: Connection, code: ResourceCode, frame: terminal.Frame) -> None:
        message = frame.message
        request = self._requests.answered(connection, frame.session, message.type)
        if request is None:
            if isinstance(message, terminal.StatusAnswer):
                self._tell_state(code, message)  # asked for through an adapter by 0x08, or a repeat
            elif isinstance(message, terminal.Answer) and self._was_passed_on(message):
                self._sink(configured(self._config.name, code, UNASKED, message))
            else:
                self._stray(connection, frame.session, message.type)
            return
        if isinstance(message, terminal.StatusAnswer):
            self._tell_state(code, message)
        elif isinstance(message, terminal.Answer) and request.ebm_id is not None and request.verb is not None:
            self._sink(answered(self._config.name, code, request.ebm_id, request.verb, message))
        elif isinstance(message, terminal.Answer) and request.token is not None:
            self._sink(configured(self._config.name, code, request.token, message))

    def _stray(self, connection: Connection, session: int, type_: int) -> None:
        """An answer to nothing that waits for one: told, since a box that answers under a wrong session is else only
        silent. Adapters may pass on answers that are not for us (clause E.1.3.1), and the code that a device is told
        (`_set_code`) is no request that anybody waits for."""
        is_told_code = connection.old_code is not None and type_ == terminal.ParameterSet.type
        if self._config.commands and not is_told_code:
            detail = f"session {session}, type {type_:#04x}: not asked of {connection.code}, or answered before"
            self._reject(connection, "stray-answer", detail)

    def _was_passed_on(self, message: terminal.Answer) -> bool:
        """Certificates that an adapter was told to pass on (0x40) are answered on the terminals' returns."""
        return not self._config.commands and message.to == terminal.CertificateUpdate.type

    def _tell_state(self, code: ResourceCode, message: terminal.StatusAnswer) -> None:
        state: StateTold | None = told_state(self._config.name, code, message)
        if state is not None:
            self._sink(state)
        if (told := values_told(message)) != NOTHING_TOLD:
            self._sink(ValuesTold(self._config.name, code, told))

    def _take_report(self, connection: Connection, code: ResourceCode, frame: terminal.Frame) -> None:
        message = frame.message
        if message.type not in _REQUESTS_OF_TERMINALS:
            self._refuse(
                connection, frame, "type", f"type {message.type:#04x} from a terminal", terminal.Result.NOT_SUPPORTED
            )
            return
        event = event_of(self._config.name, code, message)
        if event is not None:
            self._sink(event)
        self._answer(connection, frame, terminal.Result.OK)
        if frame.source != code and isinstance(message, terminal.Heartbeat):
            self._set_code(connection, code, frame.source)

    # ---- what we say -----------------------------------------------------------------------------------------------

    def _answer(self, connection: Connection, frame: terminal.Frame, result: int) -> None:
        """Requests of header D are answered (GD/J 089 D.3.4); reports of header E, of which the text is silent, only
        where the configuration says so."""
        is_asked = frame.header is terminal.Header.D or self._config.ack_returns
        if is_asked and not frame.is_answer:
            reply = terminal.answer(frame, self.source, terminal.Answer(frame.message.type, result))
            signs = self._config.sign_replies and reply.header is terminal.Header.D
            connection.write(terminal.encode(reply, sign=self._ports.sign if signs else None))

    def _set_code(self, connection: Connection, code: ResourceCode, old: ResourceCode) -> None:
        """A known physical address under another code: tell it the one the inventory has (0x12, parameter 04)."""
        settings = (terminal.AssignCode(connection.phys, code),)
        frame = terminal.request(
            terminal.Header.D, self._sessions.take(), self.source, (old,), terminal.ParameterSet(settings)
        )
        connection.write(terminal.encode(frame, sign=self._ports.sign))

    def _refuse(
        self,
        connection: Connection,
        frame: terminal.Frame,
        reason: str,
        detail: str,
        result: int = terminal.Result.UNKNOWN_RESOURCE_CODE,
    ) -> None:
        self._reject(connection, reason, detail)
        self._answer(connection, frame, result)

    def _reject(self, connection: Connection, reason: str, detail: str) -> None:
        self._sink(Rejected(self._config.name, reason, connection.peer, detail))
