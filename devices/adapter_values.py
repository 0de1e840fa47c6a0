"""What an adapter can be asked about itself, and its answers as values (GD/J 089 tables A.7, A.8, A.10, A.28-A.31).

Annex A has no question for an adapter's own volume, its return address (0x0D sets it) or its physical address.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from devices.maintenance import Channel, Told
from protocols import adapter
from protocols.codes import ResourceCode
from protocols.wire import readable

QUESTIONS: tuple[Callable[[ResourceCode], adapter.Message], ...] = (
    adapter.QueryOutputs,
    adapter.QueryInputs,
    adapter.QueryFaults,
)
"""Each of the adapter with this front code, about all channels."""
FM = 1
KINDS = {FM: "fm", 2: "cable", 3: "dtmb", 4: "ip"}
STATES = {1: "idle", 2: "occupied", 3: "fault"}
NAME_CHARACTERS_MAX = 40


def adapter_told(answers: Sequence[adapter.Message]) -> Told:
    """All that some answers say; a question that was refused (0x12) says nothing."""
    code, outputs, inputs = None, None, None
    for answer in answers:
        match answer:
            case adapter.Outputs(front=front, channels=channels):
                code, outputs = str(front), tuple(one for each in channels for one in _output(each))
            case adapter.Inputs(front=front, channels=channels):
                code, inputs = str(front), tuple(_input(each) for each in channels)
    return Told(code=code, outputs=outputs, inputs=inputs)


def _output(channel: adapter.OutputChannel) -> tuple[Channel, ...]:
    """One entry for each carrier or programme; an IP output has no state of its own in table A.28."""
    kind = KINDS.get(channel.kind, str(channel.kind))
    carriers = tuple(Channel(channel.id, kind, _state(each.state), each.frequency_khz) for each in channel.fm)
    return (
        carriers
        or tuple(Channel(channel.id, kind, _state(each.state)) for each in channel.ts)
        or (Channel(channel.id, kind, ""),)
    )


def _input(channel: adapter.InputChannel) -> Channel:
    return Channel(channel.id, readable(channel.name)[:NAME_CHARACTERS_MAX], _state(channel.state))


def _state(value: int) -> str:
    return STATES.get(value, str(value))
