"""`ebcd accept`: judges a peer by the checklist and leaves a signed protocol."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import typer
from rich.table import Table
from rich.text import Text

from ebcd.acceptance import CHECKLIST, Act, Conversation, Pace, Point, Protocol, Result, Verdict, play, seal, verify
from ebcd.acceptance.acts import AtCounty, SpoilSignature
from ebcd.acceptance.protocol import act_words
from ebcd.acceptance.upper import UpperActor, Words
from ebcd.api.answers import decoded
from ebcd.catalogue import text
from ebcd.cli.client import Client
from ebcd.cli.keys import settings_of
from ebcd.cli.output import console
from ebcd.cli.session import Failure, Session
from ebcd.clock import SystemClock, beijing_text
from ebcd.exchanges import Exchange
from ebcd.gateway import HttpPoster, Peer, Writer
from ebcd.machine import Machine
from ebcd.mailroom import Mailroom, peer_of
from ebcd.metrics import Metrics
from ebcd.numbers import EbdNumbers
from ebcd.settings import Settings
from ebcd.signing import FileSigner, Policy, SignatureVerifier, TrustStore
from ebcd.store import StoreError, open_store
from ebcd.world import World
from protocols.codes import AreaCode, InvalidCode, covers

STYLES = {Verdict.PASS: "green", Verdict.FAIL: "bold red", Verdict.NOT_SEEN: "yellow"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asked for."""

    peer: str
    upper: bool
    points: tuple[str, ...]
    area: str
    yes: bool
    pace: Pace
    out: Path


def run_accept(settings: Settings, session: Session, wish: Wish) -> int:
    """Play, print, write the file. 0: nothing failed and something was seen. Raises Failure."""
    language = session.language
    peer = _peer(settings, wish.peer, language)
    area = _area(settings, wish, language)
    points = [each for each in CHECKLIST if not wish.points or _chosen(each, wish.points)]
    clock = SystemClock()
    begun_at = clock.wall()
    tell = _teller(session)
    if wish.upper:
        results = asyncio.run(_as_upper(settings, peer, area, points, wish.pace, language, tell))
    else:
        results = asyncio.run(_as_lower(settings, session, peer, points, wish.pace, tell))
    me = settings.platform
    protocol = Protocol(
        wish.upper, me.code, me.name, peer.code, peer.url, version("ebcd"), begun_at, clock.wall(), results
    )
    number = bytes.fromhex(me.certificate)
    signer = FileSigner.load(me.key, number, clock, settings.key_passphrase())
    file = seal(protocol.to_json(), signer)
    try:
        wish.out.write_bytes(file)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Failure(text("accept.unwritable", language, file=wish.out, reason=reason)) from None
    if session.as_json:
        typer.echo(file.decode())
    else:
        console().print(protocol_table(protocol.to_json(), language), highlight=False)
    typer.echo(text("accept.written", language, file=wish.out), err=True)
    return 0 if protocol.passed else 1


def run_verify(file: Path, config: Path | None, language: str, *, as_json: bool) -> int:
    """Judge a protocol's signature and show what it says. 0: it holds. Raises Failure."""
    settings = settings_of(config, language)
    try:
        content = file.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise Failure(text("accept.unreadable", language, file=file, reason=reason)) from None
    trust = TrustStore.load(settings.trust.folder, [bytes.fromhex(number) for number in settings.trust.roots])
    found = verify(content, trust)
    at = beijing_text(found.signed_at) if found.signed_at else ""
    words = text(f"accept_seal.{found.reason}", language, certificate=found.certificate, at=at)
    if as_json:
        told = {"good": found.good, "reason": found.reason, "certificate": found.certificate, "signed": at}
        typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    else:
        if found.good and found.protocol is not None:
            console().print(protocol_table(found.protocol, language), highlight=False)
        typer.echo(words, err=not found.good)
    return 0 if found.good else 1


# ---- the two roles -------------------------------------------------------------------------------------------------


async def _as_upper(
    settings: Settings,
    peer: Peer,
    area: AreaCode | None,
    points: Sequence[Point],
    pace: Pace,
    language: str,
    tell: Callable[[Result], None],
) -> tuple[Result, ...]:
    """With a gateway of our own: the county dials us as its upper platform."""
    world = World.real()
    certificate = bytes.fromhex(settings.platform.certificate)
    signer = FileSigner.load(settings.platform.key, certificate, world.clock, settings.key_passphrase())
    trust = TrustStore.load(settings.trust.folder, [bytes.fromhex(number) for number in settings.trust.roots])
    policy = Policy(settings.trust.time_window_s, settings.trust.counter_slack)
    verifier = SignatureVerifier(trust, policy, world.registry)
    try:
        store = open_store(settings.store.url, clock=world.clock, packages=settings.store.packages)
    except StoreError as error:
        raise Failure(str(error)) from None
    words = Words(text("accept.message_title", language), text("accept.message_text", language))
    try:
        mailroom = Mailroom(settings, world, store, signer, verifier, Metrics(world.registry))
        await mailroom.prepare()
        numbers = EbdNumbers(settings.platform.code, store.next_ebd_number)
        await numbers.fill()
        writer = Writer(
            code=settings.platform.code,
            url=settings.upstream.own_url,
            next_ebd_id=numbers.next,
            signer=signer,
            wall=world.clock.wall,
        )
        async with HttpPoster() as poster, _running(mailroom, world, settings, language):
            actor = UpperActor(mailroom, writer, poster, store, world, peer, area, words, pace)
            hands = _Hands(actor.act, language)
            talk = _talk(settings, upper=True)
            return await play(points, talk, actor.fetch, hands, world.clock, pace, tell)
    finally:
        await store.close()


@asynccontextmanager
async def _running(mailroom: Mailroom, world: World, settings: Settings, language: str) -> AsyncIterator[None]:
    """The gateway while the block runs. Raises Failure where its address is taken."""
    upstream = settings.upstream
    if (reason := Machine().listen_error(upstream.host, upstream.port)) is not None:
        address = f"{upstream.host}:{upstream.port}"
        raise Failure(text("accept.listen", language, address=address, reason=reason))
    running = asyncio.gather(mailroom.run(world.network))
    try:
        yield
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def _as_lower(
    settings: Settings,
    session: Session,
    peer: Peer,
    points: Sequence[Point],
    pace: Pace,
    tell: Callable[[Result], None],
) -> tuple[Result, ...]:
    """Through the running daemon, which goes on serving: what it exchanges with the platform above is judged."""
    client = Client(session)

    async def fetch(number: int) -> Sequence[Exchange]:
        content = client.get("/v1/exchanges", after=number, peer=peer.code)
        return decoded(list[Exchange], content)

    hands = _Hands(None, session.language)
    return await play(points, _talk(settings, upper=False), fetch, hands, SystemClock(), pace, tell)


class _Hands:
    """Does what our role can, and asks people for the rest."""

    def __init__(self, own: Callable[[Act], Any] | None, language: str) -> None:
        self._own = own
        self._language = language

    async def act(self, act: Act) -> bool:
        """Whether it was done, or somebody was asked to do it."""
        if self._own is not None and not isinstance(act, AtCounty):
            return bool(await self._own(act))
        if isinstance(act, SpoilSignature):
            return False  # nobody is asked to send such a thing by hand
        typer.echo(text("accept.please", self._language, act=act_words(act, self._language)), err=True)
        return True


def _talk(settings: Settings, *, upper: bool) -> Conversation:
    reports = settings.reports
    return Conversation((), upper, settings.upstream.heartbeat_s, reports.states_s, reports.info_s)


# ---- what was asked for --------------------------------------------------------------------------------------------


def _peer(settings: Settings, code: str, language: str) -> Peer:
    peers = {str(each.code): each for each in settings.upstream.peers}
    if code not in peers:
        known = ", ".join(peers) or "-"
        raise Failure(text("accept.no_peer", language, peer=code, known=known), status=2)
    return peer_of(peers[code], settings.platform.code)


def _area(settings: Settings, wish: Wish, language: str) -> AreaCode | None:
    """Where drills may sound; None for nowhere. Outside the test area somebody has to say yes."""
    test_area = AreaCode(settings.upstream.test_area) if settings.upstream.test_area else None
    if not wish.area:
        return test_area
    try:
        area = AreaCode.parse(wish.area)
    except InvalidCode:
        raise Failure(text("accept.bad_area", language, area=wish.area), status=2) from None
    if not wish.yes and (test_area is None or not covers(test_area, area)):
        words = text("accept.area_outside", language, area=area, test_area=test_area or "-")
        raise Failure(words, status=2)
    return area


def _chosen(point: Point, names: Sequence[str]) -> bool:
    return any(point.number == name or point.number.startswith(f"{name}.") for name in names)


# ---- showing -------------------------------------------------------------------------------------------------------


def _teller(session: Session) -> Callable[[Result], None]:
    def tell(result: Result) -> None:
        verdict = text(f"accept_verdict.{result.finding.verdict}", session.language)
        what = text(result.point.key, session.language)
        print(f"{result.point.number:12} {verdict:8} {what}", file=sys.stderr, flush=True)

    return tell


def protocol_table(protocol: dict[str, Any], language: str) -> Table:
    """The protocol for people."""
    title = text("accept.title", language, judge=protocol["judge"]["code"], peer=protocol["peer"]["code"])
    table = Table(title=title, title_justify="left")
    for column in ("point", "what", "verdict", "seen", "when"):
        table.add_column(text(f"accept.{column}", language), overflow="fold", no_wrap=column == "point")
    for point in protocol["points"]:
        verdict = Verdict(point["verdict"])
        table.add_row(
            point["point"],
            point["what"][language],
            Text(text(f"accept_verdict.{verdict}", language), style=STYLES.get(verdict, "")),
            point["seen"][language],
            point["at"][0][11:19] if point["at"] else "",
        )
    return table
