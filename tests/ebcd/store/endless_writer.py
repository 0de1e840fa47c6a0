"""A process that writes without end and says on stdout what was acknowledged; it waits to be killed.

Arguments: database URL, number of its life (so that names are its own).
"""

from __future__ import annotations

import asyncio
import os
import sys

from ebcd.store import Accepted, NewEvent, Outgoing, PackageMeta, Store, open_store
from tests.ebcd.store.conftest import COUNTY, MachineClock


def say(*words: object) -> None:
    """One line in one write: it is heard whole or not at all."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def named(name: str) -> NewEvent:
    """An event that is known by its name."""
    return NewEvent(COUNTY, "test.happened", "writer", {"name": name})


async def append(store: Store, worker: str) -> None:
    """Events waited for, three at a time."""
    for turn in range(1_000_000):
        for row in await store.append([named(f"append-{worker}-{turn}-{part}") for part in range(3)]):
            say("event", row.seq, row.payload["name"])


async def append_soon(store: Store, worker: str) -> None:
    """Events told when durable."""
    for turn in range(1_000_000):
        store.append_soon(
            [named(f"soon-{worker}-{turn}")], lambda rows: say("event", rows[0].seq, rows[0].payload["name"])
        )
        if turn % 20 == 0:
            await store.flushed()


async def accept(store: Store, worker: str) -> None:
    """Packages, each offered twice at once."""
    for turn in range(1_000_000):
        ebd_id = f"{worker}-{turn}"
        meta = PackageMeta("src", 0.0, 1)
        offer = [store.accept_package(ebd_id, ebd_id.encode(), meta, [named(f"package-{ebd_id}")]) for _ in "12"]
        answers = await asyncio.gather(*offer)
        assert sum(isinstance(answer, Accepted) for answer in answers) == 1
        say("package", ebd_id)


async def number(store: Store) -> None:
    """Numbers of both kinds."""
    for _ in range(1_000_000):
        say("number", await store.next_ebd_number())
        say("serial", await store.next_ebm_serial("20261122"))


async def queue(store: Store, worker: str) -> None:
    """Packages into the outbox and out of it."""
    for turn in range(1_000_000):
        ebd_id = f"{worker}-{turn}"
        await store.outbox_put(Outgoing(ebd_id, "peer", "", b"tar", next_at=0.0))
        say("queued", ebd_id)
        if turn % 2:
            await store.outbox_done(ebd_id, [named(f"done-{ebd_id}")])
            say("done", ebd_id)


async def main(url: str, life: str) -> None:
    """Do all of it at once."""
    store = open_store(url, clock=MachineClock())
    async with asyncio.TaskGroup() as group:
        for worker in range(5):
            group.create_task(append(store, f"{life}-{worker}"))
        group.create_task(append_soon(store, life))
        group.create_task(accept(store, life))
        group.create_task(number(store))
        group.create_task(queue(store, life))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
