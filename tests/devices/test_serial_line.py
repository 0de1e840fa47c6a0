"""A serial line in the event loop, on a pty pair: no UART, but the same descriptors."""

from __future__ import annotations

import asyncio
import os
import random
import tty
from collections.abc import Iterator
from typing import Any

import pytest

from devices.link import LinkUp, Sent
from devices.rds_encoder import RdsEncoder, RdsEncoderConfig
from devices.roster import Roster
from devices.serial_line import open_serial
from devices.village_encoder import VillageEncoder, VillageEncoderConfig
from protocols.fm import village
from protocols.uecp.control import Mode
from tests.devices.commands import CountingSigner, Events, ports, start, terminal_code
from tests.devices.memory_network import MemoryNetwork
from tests.devices.rds_station_line import Station
from tests.virtual_time import VirtualClock

pytestmark = pytest.mark.real
BAUD = 9600


class Pty:
    """The far end of a line, and the name of the near one."""

    def __init__(self) -> None:
        self.far, self.near = os.openpty()
        tty.setraw(self.far)
        tty.setraw(self.near)
        os.set_blocking(self.far, False)
        self.name = os.ttyname(self.near)

    def close(self) -> None:
        for descriptor in (self.far, self.near):
            if descriptor >= 0:
                os.close(descriptor)
        self.far = self.near = -1


class Reader(asyncio.Protocol):
    """Keeps what it reads."""

    def __init__(self) -> None:
        self.data = b""
        self.news = asyncio.Event()
        self.lost = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.data += data
        self.news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


@pytest.fixture
def pty() -> Iterator[Pty]:
    pair = Pty()
    yield pair
    pair.close()


async def read_far(pty: Pty, size: int) -> bytes:
    """Exactly so many bytes from the far end."""
    data, ready = b"", asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(pty.far, ready.set)
    try:
        while len(data) < size:
            await ready.wait()
            ready.clear()
            data += os.read(pty.far, size - len(data))
    finally:
        loop.remove_reader(pty.far)
    return data


async def test_bytes_go_both_ways_also_more_than_the_line_takes_at_once(pty: Pty) -> None:
    line, reader = await open_serial(Reader, pty.name, BAUD)
    os.write(pty.far, b"\xfe\x00\xff\x11\x13")
    await reader.news.wait()
    assert reader.data == b"\xfe\x00\xff\x11\x13"
    long = bytes(range(256)) * 400
    line.write(long)
    assert line.get_write_buffer_size() > 0
    assert await read_far(pty, len(long)) == long
    assert line.get_write_buffer_size() == 0
    line.close()
    line.close()
    line.write(b"late")
    await reader.lost.wait()
    assert line.is_closing()


async def test_a_line_whose_other_end_goes_is_lost(pty: Pty) -> None:
    line, reader = await open_serial(Reader, pty.name, BAUD)
    os.close(pty.near)
    os.close(pty.far)
    pty.far = pty.near = -1
    await reader.lost.wait()
    assert line.is_closing()


async def test_a_device_that_is_not_there_or_a_speed_it_does_not_have_is_an_oserror(pty: Pty) -> None:
    with pytest.raises(OSError, match="no-such-tty"):
        await open_serial(Reader, "/dev/no-such-tty", BAUD)
    with pytest.raises(OSError):
        await open_serial(Reader, pty.name, -1)


async def test_an_alert_reaches_an_encoder_on_a_serial_line(pty: Pty) -> None:
    station = Station(Mode.SPONTANEOUS)
    on_air, loop = asyncio.Event(), asyncio.get_running_loop()

    def answer() -> None:
        os.write(pty.far, station.encoder.receive(os.read(pty.far, 4096)))

    def sink(event: Any) -> None:
        events.append(event)
        if isinstance(event, Sent):
            on_air.set()

    loop.add_reader(pty.far, answer)
    events = Events()
    config = RdsEncoderConfig("rds", serial=pty.name, profile="full", mode="spontaneous", ps="MUSIC FM")
    given = ports(VirtualClock(), MemoryNetwork(), random.Random(1), CountingSigner(VirtualClock()))
    link = RdsEncoder(config, given, sink, Roster.of([]))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(link.run())
        link.offer(start(terminal_code(1), text="Flood"))
        await on_air.wait()
        running.cancel()
    loop.remove_reader(pty.far)
    assert station.shown() == (31, True, "Flood", "MUSIC FM")
    assert isinstance(events[0], LinkUp)


async def test_a_village_s_encoder_is_set_up_and_switched_on_over_a_serial_line(pty: Pty) -> None:
    config = VillageEncoderConfig("v", serial=pty.name, area=terminal_code(1).area, reset_wait_s=0.01)
    given = ports(VirtualClock(), MemoryNetwork(), random.Random(1), CountingSigner(VirtualClock()))
    link = VillageEncoder(config, given, Events().sink, Roster.of([]))
    wanted = village.reset() + village.set_up(0x1234) + village.say(village.EVERYBODY_ON)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(link.run())
        link.offer(start(terminal_code(1)))
        assert await read_far(pty, len(wanted)) == wanted
        running.cancel()
