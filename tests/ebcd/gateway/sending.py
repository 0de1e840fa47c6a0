"""A client with everything around it faked but the keys."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from ebcd.gateway import ClientEvent, Exchanged, GatewayClient, Peer, PostFailed
from protocols.ebd import Ebd, Package, ResultCode, decode, find_archive, unpack
from protocols.ebd.messages import ConnectionCheck, EbdResponse, EbmStateResponse
from protocols.ebd.multipart import RequestBody
from tests.ebcd.gateway.exchange import Exchange
from tests.protocols.ebd import samples
from tests.virtual_time import VirtualClock

URL = "http://province/x"
STANDBY = "http://standby/x"
PEER = Peer(samples.PROVINCE, URL)
OK = EbdResponse(ResultCode.SUCCESS)


@dataclass
class Posted:
    """One try that reached the fake poster."""

    at_s: float
    url: str
    ebd: Ebd
    package: Package


@dataclass
class FakePoster:
    """Answers by a rule, after a delay."""

    clock: VirtualClock
    rule: Callable[[Posted], EbdResponse] = lambda _: OK
    delay_s: float = 0.0
    silent: str = ""  # an address that never answers
    all: list[Posted] = field(default_factory=list)

    async def post(self, url: str, body: RequestBody, _objection: object = None) -> EbdResponse:
        package = unpack(find_archive(body.content_type, body.body))
        posted = Posted(self.clock.monotonic(), url, decode(package.xml), package)
        self.all.append(posted)
        await asyncio.sleep(self.delay_s)
        if url == self.silent:
            await asyncio.sleep(30.0)
            raise PostFailed("timeout", "no receipt in time")
        return self.rule(posted)

    @property
    def heartbeats(self) -> list[Posted]:
        return [each for each in self.all if isinstance(each.ebd.detail, ConnectionCheck)]

    @property
    def letters(self) -> list[Posted]:
        return [each for each in self.all if not isinstance(each.ebd.detail, ConnectionCheck)]


@dataclass
class Sending:
    """A client with everything around it faked but the keys."""

    client: GatewayClient
    poster: FakePoster
    events: list[ClientEvent]
    clock: VirtualClock


def sending_to(folder: Path, clock: VirtualClock, peer: Peer) -> Sending:
    poster, events = FakePoster(clock), list[ClientEvent]()
    exchange = Exchange(folder, clock)
    client = GatewayClient([peer], exchange.county, poster, clock, random.Random(1), events.append, letters_max=8)
    return Sending(client, poster, events, clock)


@contextlib.asynccontextmanager
async def running(client: GatewayClient) -> AsyncIterator[None]:
    task = asyncio.ensure_future(client.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def state(code: int, ebm_id: str = samples.EBM_ID) -> EbmStateResponse:
    return EbmStateResponse(samples.START, ebm_id, code)


def broken(_: Posted) -> EbdResponse:
    raise PostFailed("connect", "refused")


def news(sending: Sending) -> list[ClientEvent]:
    """What was told, without every single exchange."""
    return [event for event in sending.events if not isinstance(event, Exchanged)]
