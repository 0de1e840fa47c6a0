"""Plays the upper platform towards a county: for test benches, with the identity that the configuration gives."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from ebcd.acceptance.acts import (
    Act,
    AskData,
    AskMessageState,
    AtCounty,
    OrderBroadcast,
    OrderDrill,
    SpoilSignature,
)
from ebcd.acceptance.play import Pace
from ebcd.clock import beijing
from ebcd.exchanges import Exchange
from ebcd.gateway import Exchanged, Peer, Poster, PostFailed, Received, Writer
from ebcd.mailroom import Inbox, Mailroom
from ebcd.store import Store
from ebcd.world import World
from protocols.codes import AreaCode, EbmId, ResourceCode
from protocols.ebd import Detail, ResultCode, build_request_body, package_name
from protocols.ebd.messages import Ebm, EbmStateRequest, MsgBasicInfo, MsgContent, OmdRequest, ReportParams

TERMINAL_DRILL, PLATFORM_DRILL = 5, 3
LEVEL = 4
EVENT_TYPE = "69900"  # other announcement (GD/J 082 table C.1)
TAKEN_LOOK_S, TAKEN_LOOKS_MAX = 1.0, 20
BOUNDARY = "ebcdaccept0000000000000000000000"


@dataclass(frozen=True, slots=True)
class Words:
    """What the test messages say, in the language of the county's people."""

    title: str
    text: str


class UpperActor:
    """An upper platform's hands. Broadcasts are drills (MsgType 5) for `area`; without one, none is ordered."""

    def __init__(
        self,
        mailroom: Mailroom,
        writer: Writer,
        poster: Poster,
        store: Store,
        world: World,
        peer: Peer,
        area: AreaCode | None,
        words: Words,
        pace: Pace,
    ) -> None:
        self._mail = mailroom
        self._writer = writer
        self._poster = poster
        self._store = store
        self._world = world
        self._peer = peer
        self._area = area
        self._words = words
        self._pace = pace
        self._broadcasts: list[str] = []
        self._accepted: dict[str, Detail] = {}
        mailroom.serve(Inbox(self._accept, self._answered, self._content))

    async def _accept(self, received: Received) -> None:
        self._accepted[received.ebd.envelope.ebd_id] = received.ebd.detail

    async def _answered(self, ebd_id: str) -> ResultCode | None:
        return ResultCode.SUCCESS if ebd_id in self._accepted else None

    async def _content(self, ebd_id: str) -> Detail | None:
        return self._accepted.get(ebd_id)

    async def fetch(self, number: int) -> Sequence[Exchange]:
        """Exchanges with the peer behind a number."""
        return self._mail.exchanges.since(number, self._peer.code)

    async def act(self, act: Act) -> bool:
        """Do what an upper platform does."""
        match act:
            case AskData(type=type_, report=report):
                self._post(OmdRequest(type_, ReportParams(type=report) if report else None))
            case AskMessageState():
                if not self._broadcasts:
                    await self._drill()
                    await self._taken(self._broadcasts[-1])
                self._post(EbmStateRequest(self._broadcasts[-1]))
            case OrderBroadcast(ahead=ahead) if self._area is not None:
                lead_s = self._pace.lead_s if ahead else 0.0
                ebm = await self._message(TERMINAL_DRILL, self._area, lead_s)
                self._broadcasts.append(ebm.ebm_id)
                self._post(ebm)
            case OrderDrill():
                await self._drill()
            case SpoilSignature():
                await self._spoil()
            case OrderBroadcast() | AtCounty():
                return False
        return True

    async def _drill(self) -> None:
        """A drill that ends inside the county's platform: nothing sounds, so it needs no test area."""
        ebm = await self._message(PLATFORM_DRILL, self._area or ResourceCode(self._peer.code).area, 0.0)
        self._broadcasts.append(ebm.ebm_id)
        self._post(ebm)

    async def _taken(self, ebm_id: str) -> None:
        """Wait until a message has its receipt, and a moment in which the county makes an alert of it."""
        for _ in range(TAKEN_LOOKS_MAX):
            await asyncio.sleep(TAKEN_LOOK_S)
            sent = (each for each in self._mail.exchanges.since(0, self._peer.code) if each.outgoing)
            if any(each.facts.get("ebm") == ebm_id and each.code is not None for each in sent):
                break
        await asyncio.sleep(TAKEN_LOOK_S)

    def _post(self, detail: OmdRequest | EbmStateRequest | Ebm) -> None:
        self._mail.post(ResourceCode(self._peer.code), detail, "")

    async def _message(self, msg_type: int, area: AreaCode, lead_s: float) -> Ebm:
        now = self._world.clock.wall()
        day = f"{beijing(now):%Y%m%d}"
        number = EbmId.build(ResourceCode(self._writer.code), day, await self._store.next_ebm_serial(day))
        start = int(now + lead_s)
        basic = MsgBasicInfo(
            msg_type,
            self._words.title,
            self._writer.code,
            int(now),
            EVENT_TYPE,
            LEVEL,
            start,
            int(start + self._pace.duration_s),
        )
        content = MsgContent("zho", self._words.title, self._words.text, (area,))
        return Ebm(number, basic, (content,))

    async def _spoil(self) -> None:
        """A request whose text was changed after it was signed; it asks for nothing that could do harm."""
        asked = OmdRequest("EBRPSInfo")
        letter = self._writer.write(asked, self._peer.edition, destination=self._peer.code)
        archive = self._writer.package(letter, self._peer.edition, self._peer.profile)
        spoilt = archive.replace(b"EBRPSInfo", b"EBRPSinfo", 1)
        body = build_request_body(spoilt, package_name(letter.ebd_id), BOUNDARY)
        self._mail.exchanges.writing(letter.ebd_id, asked, "", bad_signature=True)
        begun_s, begun_at = self._world.clock.monotonic(), self._world.clock.wall()
        code: ResultCode | None = None
        reason = ""
        try:
            receipt = await self._poster.post(self._peer.url, body)
            code, reason = receipt.code, receipt.desc
        except PostFailed as failure:
            reason = str(failure)
        took_s = self._world.clock.monotonic() - begun_s
        self._mail.exchanges.sent(Exchanged(self._peer, letter.ebd_id, begun_at, took_s, code, reason))
