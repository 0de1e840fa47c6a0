"""Two platforms in one virtual world: what one posts, the other judges, byte for byte, without sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path as Folder
from types import TracebackType
from typing import Self, cast

from ebcd.acceptance import Act, Pace
from ebcd.acceptance.upper import UpperActor, Words
from ebcd.gateway import Peer, PostFailed, Writer, read_receipt
from ebcd.gateway.post import ReceiptJudge, no_objection
from ebcd.mailroom import Mailroom
from ebcd.metrics import Metrics
from ebcd.numbers import EbdNumbers
from ebcd.settings import load
from ebcd.signing import FileSigner, SignatureVerifier, TrustStore
from ebcd.store import open_store
from ebcd.world import World
from protocols.codes import AreaCode, ResourceCode
from protocols.ebd.messages import EbdResponse
from protocols.ebd.multipart import RequestBody
from tests.ebcd.county import COUNTY, PROVINCE
from tests.ebcd.office import PLATFORM
from tests.ebcd.operation_data.bench import world_of
from tests.ebcd.signing.authority import OTHER, PEER, ROOT, Authority
from tests.memory_network import MemoryNetwork
from tests.virtual_time import VirtualClock

COUNTY_PORT, PROVINCE_PORT = 7500, 7600
UPPER_CONFIG = f"""
[platform]
code = "{PROVINCE}"
name = "某省应急广播平台"
area = "340000000000"
certificate = "000000000101"
key = "k.pem"
[upstream]
port = {PROVINCE_PORT}
[[upstream.peers]]
code = "{PLATFORM}"
url = "http://county/x"
certificates = ["000000000201"]
"""


class _Browser(asyncio.Protocol):
    """Sends one request and keeps everything that comes back."""

    def __init__(self, request: bytes) -> None:
        self.answer = bytearray()
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        self.answer += data

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)


@dataclass
class Wire:
    """`Poster` that writes HTTP to another platform's listener on one memory network."""

    network: MemoryNetwork
    port: int

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def post(self, _url: str, body: RequestBody, objection: ReceiptJudge = no_objection) -> EbdResponse:
        head = f"POST /x HTTP/1.1\r\nHost: x\r\nContent-Type: {body.content_type}\r\n"
        request = f"{head}Content-Length: {len(body.body)}\r\n\r\n".encode() + body.body
        try:
            async with asyncio.timeout(30):
                _, browser = await self.network.connect(lambda: _Browser(request), "127.0.0.1", self.port)
                await browser.over
        except (OSError, TimeoutError) as error:
            raise PostFailed("connect", str(error)) from None
        _, _, answer = bytes(browser.answer).partition(b"\r\n\r\n")
        return read_receipt("application/x-tar", answer, objection)


@dataclass
class Above:
    """An upper platform of ours, ready to judge a county."""

    actor: UpperActor
    mailroom: Mailroom
    world: World


@asynccontextmanager
async def above(
    folder: Folder, clock: VirtualClock, network: MemoryNetwork, pace: Pace, area: AreaCode | None = COUNTY
) -> AsyncIterator[Above]:
    """At work, from a configuration of its own; `folder/trust` is shared with the county."""
    file = folder / "upper.toml"
    file.write_text(UPPER_CONFIG, encoding="utf-8")
    settings, world = load(file, environ={}), world_of(clock, network)
    wire = Wire(network, COUNTY_PORT)
    authority = Authority(folder / "trust")
    for number in (PEER, OTHER):
        authority.issue(number)
    signer = FileSigner(authority.keys[PEER], PEER, clock)
    verifier = SignatureVerifier(TrustStore.load(folder / "trust", [ROOT]))
    store = open_store(f"sqlite:///{folder}/upper/ebcd.db", clock=clock, inline=True, fsync=False)
    mailroom = Mailroom(settings, world, store, signer, verifier, Metrics(world.registry), wire)
    await mailroom.prepare()
    numbers = EbdNumbers(settings.platform.code, store.next_ebd_number)
    await numbers.fill()
    writer = Writer(code=PROVINCE, url="http://province/x", next_ebd_id=numbers.next, signer=signer, wall=clock.wall)
    peer = Peer(ResourceCode(PLATFORM), "http://county/x", certificates=frozenset({OTHER}))
    actor = UpperActor(mailroom, writer, wire, store, world, peer, area, Words("演练", "这是演练。"), pace)
    running = asyncio.ensure_future(mailroom.run(world.network))
    try:
        yield Above(actor, mailroom, world)
    finally:
        store.abandon()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def nothing(_act: Act) -> bool:
    """Nobody is there to do it."""
    return False
