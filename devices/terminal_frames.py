"""Link commands as FEFD messages, and FEFD reports as link events. The same for sockets and for a broker."""

from __future__ import annotations

from collections.abc import Iterator

from devices.link import (
    Answered,
    AskState,
    Began,
    Command,
    DeviceState,
    Ended,
    Event,
    Fault,
    Heartbeat,
    Played,
    SetClock,
    Start,
    StateTold,
    Stop,
    Verb,
)
from devices.maintenance import Air, AskValues, Authorise, Configure, Configured, Firmware
from devices.terminal_values import settings_of, takes
from protocols import adapter, terminal
from protocols.codes import EbmId, ResourceCode
from protocols.errors import LocalProtocolError
from protocols.wire import readable

LEVEL_DEFAULT = 4
"""Annex D knows levels 1-4 only; 0 of annex A means nothing special."""


def message_of(command: Command, now_utc_s: float) -> terminal.Message:
    """What a terminal is told (GD/J 089 tables D.5, D.6, D.8, D.9, D.11)."""
    match command:
        case Start():
            return terminal.Start(
                command.ebm_id,
                command.class_,
                command.level or LEVEL_DEFAULT,
                command.event_type,
                command.volume,
                command.start,
                command.end,
                (terminal.Auxiliary.url(command.audio.url),),
            )
        case Stop():
            return terminal.Stop(command.ebm_id)
        case AskState():
            return terminal.StatusQuery((terminal.WORK_STATE,))
        case SetClock():
            return terminal.ParameterSet((terminal.Number(terminal.SET_CLOCK, int(now_utc_s)),))
        case Configure(given=given):
            return terminal.ParameterSet(settings_of(given))
        case AskValues(ids=ids):
            return terminal.StatusQuery(ids)
        case Authorise(lists=lists, certificates=certificates):
            return terminal.CertificateUpdate(lists, certificates)
        case Firmware():
            return terminal.Upgrade(
                command.phys,
                command.mode,
                bytes.fromhex(command.new_version),
                bytes.fromhex(command.old_version),
                command.md5,
                command.url,
            )
        case Air():
            raise LocalProtocolError("annex D has no packets of GD/J 085; an FM link says them")


NO_EXTENSIONS = "extensions are not configured for this link"
NO_SUCH_PARAMETER = "a terminal has no parameter for it"


def refusal(command: Command, *, extensions: bool) -> str:
    """Why terminals cannot be told this by FEFD, which is answer 55 of each; "" where they can."""
    if isinstance(command, Firmware) and not extensions:
        return NO_EXTENSIONS
    return NO_SUCH_PARAMETER if isinstance(command, Configure) and not takes(command.given) else ""


def verb_of(command: Command) -> Verb | None:
    """What its answer is to; None for polls."""
    match command:
        case Start():
            return Verb.START
        case Stop():
            return Verb.STOP
        case _:
            return None


def in_frames(targets: tuple[ResourceCode, ...], targets_max: int) -> Iterator[tuple[ResourceCode, ...]]:
    """Address codes in portions that one frame can hold; at least one portion."""
    for at in range(0, max(len(targets), 1), targets_max):
        yield targets[at : at + targets_max]


def state_of(value: int) -> DeviceState:
    """State byte of heartbeats and parameter 06; a value outside the table counts as a fault."""
    match value:
        case terminal.WorkState.IDLE:
            return DeviceState.IDLE
        case terminal.WorkState.WORKING:
            return DeviceState.WORKING
        case _:
            return DeviceState.FAULT


def answered(link: str, code: ResourceCode, ebm_id: EbmId, verb: Verb, message: terminal.Answer) -> Answered:
    """A D.10 answer to a start or stop."""
    return Answered(link, code, ebm_id, verb, message.result, readable(message.text) if message.text else "")


def configured(link: str, code: ResourceCode, token: int, message: terminal.Answer) -> Configured:
    """A D.10 answer to settings."""
    return Configured(link, code, token, message.result, readable(message.text) if message.text else "")


def token_of(command: Command) -> int | None:
    """By which the asker knows the answers; None where nobody waits for any."""
    return command.token if isinstance(command, Configure | Firmware | Authorise) else None


def told_state(link: str, code: ResourceCode, message: terminal.StatusAnswer) -> StateTold | None:
    """The answer to a query, where it holds parameter 06."""
    for parameter in message.parameters:
        if isinstance(parameter, terminal.Number) and parameter.id == terminal.WORK_STATE:
            return StateTold(link, code, state_of(parameter.value), None)
    return None


def event_of(link: str, code: ResourceCode, message: terminal.Message) -> Event | None:
    """What an active report of the device `code` means; None for what is no report (GD/J 089 annex E)."""
    match message:
        case terminal.Heartbeat():
            return Heartbeat(link, code, message.phys, state_of(message.state), message.first == 1)
        case terminal.TaskSwitch(flag=1):
            return Began(link, code, message.ebm_id, message.time)
        case terminal.TaskSwitch(flag=2):
            return Ended(link, code, message.ebm_id, message.time)
        case terminal.TaskResult():
            success = message.result == 1  # the other way round than in answers
            return Played(link, code, message.ebm_id, success, message.times, readable(message.text))
        case terminal.FaultReport():
            text = readable(message.text or "")
            return Fault(link, code, message.fault, message.flag == 2, text)
        case terminal.StatusAnswer():
            return told_state(link, code, message)
        case terminal.RecordReport():
            playing = tuple(r.ebm_id for r in message.records if r.state == adapter.RecordState.PLAYING)
            return StateTold(link, code, DeviceState.WORKING if playing else DeviceState.IDLE, playing)
        case _:
            return None
