"""Letters that must arrive: on disk before they are offered, in order, never lost to a full client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path as Folder
from typing import cast

import pytest

from ebcd.gateway import GatewayClient, GatewayOutboxFull, Letter, Peer, Worth
from ebcd.letterbook import UNWRITTEN_MAX, LetterBook
from ebcd.store import NewEvent, Store, open_store
from protocols.codes import EbdId
from protocols.ebd import Ebd, Envelope, encode
from protocols.ebd.messages import EbmStateResponse
from tests.protocols.ebd import samples
from tests.virtual_time import VirtualClock

PEER = samples.PROVINCE


class SmallClient:
    """Takes so many letters and says when."""

    def __init__(self, store: Store, letters_max: int = 3) -> None:
        self.taken: list[str] = []
        self.on_disk: list[bool] = []
        self._store, self._letters_max = store, letters_max

    def room(self, _peer: str) -> int:
        return self._letters_max - len(self.taken)

    def offer(self, _peer: str, letter: Letter, *, lane: str, worth: Worth) -> None:
        assert lane, worth
        if not self.room(PEER):
            raise GatewayOutboxFull("full")
        self.taken.append(letter.ebd_id)


def letter(number: int) -> Letter:
    ebd_id = EbdId.build(EbdId.MESSAGE, samples.COUNTY, number)
    detail = EbmStateResponse(samples.START, samples.EBM_ID, 2)
    return Letter(ebd_id, encode(Ebd(Envelope(ebd_id, "", samples.COUNTY, samples.START), detail)), True, {})


@asynccontextmanager
async def book(folder: Folder, clock: VirtualClock) -> AsyncIterator[tuple[LetterBook, SmallClient, Store, list[str]]]:
    store = open_store(f"sqlite:///{folder}/state/ebcd.db", clock=clock, inline=True, fsync=False)
    client, bounds = SmallClient(store), list[str]()
    letters = LetterBook(store, cast(GatewayClient, client), {PEER: Peer(PEER, "")}, clock.wall, bounds.append)
    try:
        yield letters, client, store, bounds
    finally:
        store.abandon()


def put(letters: LetterBook, *numbers: int) -> list[str]:
    written = [letter(number) for number in numbers]
    for each in written:
        letters.put(PEER, each, "", samples.EBM_ID, Worth.MESSAGE, ())
    return [each.ebd_id for each in written]


@asynccontextmanager
async def at_work(letters: LetterBook) -> AsyncIterator[None]:
    running = asyncio.ensure_future(letters.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_letter_that_is_written_before_the_clerk_works_is_not_lost(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    async with book(tmp_path, clock) as (letters, client, store, _):
        numbers = put(letters, 1, 2)
        async with at_work(letters):
            await asyncio.sleep(1)
        assert client.taken == numbers
        assert [row.ebd_id for row in await store.outbox_waiting()] == numbers


async def test_what_finds_no_room_follows_in_order_when_receipts_make_room(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    async with book(tmp_path, clock) as (letters, client, store, bounds):
        numbers = put(letters, *range(1, 8))
        async with at_work(letters):
            await asyncio.sleep(1)
            assert client.taken == numbers[:3]
            assert "gateway_outbox" in bounds
            seen = []
            while client.taken:
                seen.append(client.taken.pop(0))
                letters.answered(seen[-1])
                if len(seen) == 2:
                    numbers += put(letters, 8)
                await asyncio.sleep(1)
        assert seen == numbers
        assert await store.outbox_waiting() == []


async def test_a_letter_that_was_pushed_out_is_fetched_again(tmp_path: Folder, clock: VirtualClock) -> None:
    async with book(tmp_path, clock) as (letters, client, _, _bounds):
        (first, second) = put(letters, 1, 2)
        async with at_work(letters):
            await asyncio.sleep(1)
            client.taken.remove(first)
            letters.pushed_out(PEER, first)
            client.taken.remove(second)
            letters.answered(second)
            await asyncio.sleep(1)
            assert client.taken == [first]


async def test_an_event_is_journaled_with_its_letter_and_once(tmp_path: Folder, clock: VirtualClock) -> None:
    async with book(tmp_path, clock) as (letters, _, store, _bounds):
        event = NewEvent("349901000000", "upstream.told", "daemon", {"code": 2}, None, 1.0)
        for _ in range(2):
            letters.put(PEER, letter(1), "", "lane", Worth.MESSAGE, (event,))
        async with at_work(letters):
            await asyncio.sleep(1)
        assert len(await store.read("349901000000")) == 1


async def test_letters_without_a_disk_have_a_limit_that_is_counted(tmp_path: Folder, clock: VirtualClock) -> None:
    async with book(tmp_path, clock) as (letters, _, _store, bounds):
        one = letter(1)
        for _ in range(UNWRITTEN_MAX + 1):
            letters.put(PEER, one, "", "lane", Worth.MESSAGE, ())
        assert bounds == ["letters_unwritten"]


async def test_what_the_disk_will_never_take_does_not_hold_up_the_rest(
    tmp_path: Folder, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ebcd.store.boxes.OUTBOX_PACKAGES_MAX", 1)
    async with book(tmp_path, clock) as (letters, client, _, bounds):
        put(letters, 1, 2)
        async with at_work(letters):
            await asyncio.sleep(3)
            letters.answered(client.taken.pop(0))
            (third,) = put(letters, 3)
            await asyncio.sleep(3)
        assert (client.taken, bounds) == ([third], ["letters_on_disk"])
