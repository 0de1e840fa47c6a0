"""The floor counts replies of bare connections."""

from __future__ import annotations

import asyncio

import pytest

from ebcd.demo.floor import FloorServer

TERMINALS = 20


@pytest.mark.real
async def test_every_registered_connection_is_written_to_and_its_reply_counted() -> None:
    server = FloorServer()
    port = await server.listen()
    heard: list[bytes] = []

    async def terminal() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"registration")
        for _ in range(2):
            heard.append(await reader.readexactly(5))
            writer.write(b"reply")
        await reader.read()
        writer.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(TERMINALS):
            group.create_task(terminal())
        await server.connected(TERMINALS)
        first = await server.shoot(b"start")
        second = await server.shoot(b"again")
        server.close()
    assert (first.terminals, second.terminals) == (TERMINALS, TERMINALS)
    assert heard.count(b"start") == heard.count(b"again") == TERMINALS
    assert 0 < first.first_s <= first.last_s
