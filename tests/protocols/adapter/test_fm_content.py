"""FM packets by way of an adapter: 0x02 carries every content of GD/J 085, both ways."""

from __future__ import annotations

import pytest

from protocols import adapter
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.fm.daily import Alive, DailyVolume
from protocols.fm.emergency import Reset
from protocols.fm.fields import Switch
from protocols.fm.packet import Content, Unknown, decode_content
from tests.protocols.adapter.meanings import FRAMES, OTHER_SYSTEM, TERMINAL
from tests.protocols.fm.vectors import VECTORS

CONTENTS = [(int(key.split()[0]), bytes.fromhex(digits)) for key, digits in VECTORS["contents"].items()]


@pytest.mark.parametrize(("number", "data"), CONTENTS)
def test_every_content_travels_in_the_command_and_back(number: int, data: bytes) -> None:
    content = decode_content(number, data)
    command = adapter.carrying(content, (TERMINAL,))
    assert (command.packet_type, command.data) == (number, data)
    frame = adapter.decode(adapter.encode(command))
    assert isinstance(frame.message, adapter.RdsSpecial)
    assert adapter.carried(frame.message) == content


@pytest.mark.parametrize(
    ("content", "command"), [(decode_content(0, CONTENTS[0][1]), 0), (Reset(Switch.STAY, 0), 1), (Alive(5), 2)]
)
def test_the_kind_of_command_follows_the_type(content: Content, command: int) -> None:
    assert adapter.carrying(content, (TERMINAL,)).command == command


def test_the_worked_frames_say_what_their_contents_say() -> None:
    alive, reset = (adapter.decode(FRAMES[name]).message for name in ("rds_alive", "rds_reset"))
    assert isinstance(alive, adapter.RdsSpecial)
    assert isinstance(reset, adapter.RdsSpecial)
    assert adapter.carried(alive) == Alive(7)
    assert adapter.carried(reset) == Reset(Switch.TO_FREQUENCY, 98_500)
    assert reset.targets == (TERMINAL, OTHER_SYSTEM)


def test_reserved_types_and_nonsense_are_told_apart() -> None:
    assert adapter.carried(adapter.RdsSpecial(0, 30, (), b"x")) == Unknown(30, b"x")
    with pytest.raises(RemoteProtocolError):
        adapter.carried(adapter.RdsSpecial(2, 23, (), b""))
    with pytest.raises(LocalProtocolError):
        adapter.carrying(DailyVolume(101), (TERMINAL,))
