"""Numbers of links over restarts of the daemon."""

from __future__ import annotations

import asyncio

from ebcd.kept_numbers import KeptNumbers
from tests.ebcd.store.conftest import Opener


async def test_what_a_link_kept_is_known_again_by_the_next_process(opener: Opener) -> None:
    store = opener()
    numbers = KeptNumbers(store, await store.kept_numbers())
    assert numbers.recall("fm") is None
    for value in (30, 31, 0):
        numbers.keep("fm", value)
    numbers.keep("fm_2%", 7)
    assert numbers.recall("fm") == 0
    await asyncio.sleep(1)
    store.abandon()
    store = opener()
    again = KeptNumbers(store, await store.kept_numbers())
    assert (again.recall("fm"), again.recall("fm_2%")) == (0, 7)


async def test_other_counters_are_no_link_s(opener: Opener) -> None:
    store = opener()
    await store.next_ebd_number()
    await store.next_ebm_serial("20261122")
    assert await store.kept_numbers() == {}


async def test_a_store_that_takes_nothing_more_does_not_stop_the_link(opener: Opener) -> None:
    store = opener()
    numbers = KeptNumbers(store, {})
    await store.close()
    numbers.keep("fm", 5)
    assert numbers.recall("fm") == 5
