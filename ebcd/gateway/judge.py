"""Whether a package that was posted to us counts, in the order of platform.md 6.2; no socket here.

Archive, envelope, sender and receiver, signature, detail, number: the first step that fails gives the receipt. Only
what passed them all reaches `accept`, and the receipt 1 goes out when `accept` has returned.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from devices.ports import Clock
from ebcd.catalogue import Language, text
from ebcd.gateway.peers import Peer
from ebcd.signing import FileProfile, Refusal, Verdict
from protocols.ebd import (
    Detail,
    Ebd,
    EbdType,
    Edition,
    Envelope,
    Package,
    ResultCode,
    decode_signature,
    find_archive,
    read_envelope,
    result_code,
    unpack,
)
from protocols.errors import RemoteProtocolError
from protocols.signature import CertificateNumber, Scope, SignatureBlock

ValueT = TypeVar("ValueT")

AGE_S_MAX = 900
"""How far EBDTime may be off, seconds; 0 takes any. Longer than the signature window, since a peer tries again for some
minutes with the same document."""

ANSWERS_MAX = 4096  # numbers remembered here; older ones are in the store
XML_BYTES_MAX = 1024 * 1024  # a message with its text; long lists only go up, never come down
HARMLESS_WHEN_SEEN = frozenset({Refusal.REPLAY})
HARMLESS_WHEN_ANSWERED = frozenset({Refusal.REPLAY, Refusal.OLD_TIME, Refusal.COUNTER})
READINGS = {
    FileProfile.XML: (Scope.COMMAND, Scope.CMD_TIME),
    FileProfile.XML_TIME: (Scope.CMD_TIME, Scope.COMMAND),
}
"""What a file's signature is over, by the peer's profile: that first, then the other (platform.md 7)."""


class Verifies(Protocol):
    """The part of `ebcd.signing.SignatureVerifier` that platform files need."""

    def verify(
        self,
        command: bytes,
        block: SignatureBlock,
        now_s: float,
        *,
        scopes: Collection[Scope] = ...,
        allowed: Collection[CertificateNumber] | None = ...,
    ) -> Verdict:
        """Judge one signature."""


@dataclass(frozen=True, slots=True)
class Posted:
    """One POST body. `arrived_s` is monotonic time at its last byte (T0), `arrived_at` the same in UTC seconds."""

    content_type: str
    body: bytes
    remote: str
    arrived_s: float
    arrived_at: float


@dataclass(frozen=True, slots=True)
class Received:
    """A package that counts: verified, decoded, new. `ebd` in the codes of the house, `archive` the TAR as it came."""

    peer: Peer
    ebd: Ebd
    package: Package
    archive: bytes
    signature: SignatureBlock | None
    verdict: Verdict | None  # which certificate and which profile matched; None without a signature
    remote: str
    arrived_s: float
    arrived_at: float


@dataclass(frozen=True, slots=True)
class Rejection:
    """A package that does not count. `reason` is a slug of `protocols.ebd.result` or of `ebcd.signing.Refusal`."""

    reason: str
    code: ResultCode
    detail: str
    remote: str
    source: str = ""  # as the package claims it
    ebd_id: str = ""
    error: BaseException | None = None  # what `accept` raised


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receipt says, and to whom."""

    code: ResultCode
    desc: str
    peer: Peer | None = None
    envelope: Envelope | None = None

    @property
    def signed(self) -> bool:
        """Receipts are signed, but for those of heartbeats (platform.md 1.4)."""
        return self.envelope is None or self.envelope.ebd_type != EbdType.CONNECTION_CHECK


@dataclass(frozen=True, slots=True)
class Desk:
    """What the daemon does with packages.

    `accept` makes a package durable; what it raises gives receipt 5. `answered` says which receipt an EBDID got before
    a restart, None for a new one, and `content` what came under it then, in the codes of the house, None where that
    cannot be read any more. `heard` is told of every peer that spoke. `rejected` counts.
    """

    accept: Callable[[Received], Awaitable[None]]
    answered: Callable[[str], Awaitable[ResultCode | None]]
    content: Callable[[str], Awaitable[Detail | None]]
    heard: Callable[[Peer], None]
    rejected: Callable[[Rejection], None]


class _Refused(Exception):
    """One step said no."""

    def __init__(self, reason: str, code: ResultCode, detail: str, error: BaseException | None = None) -> None:
        super().__init__(detail)
        self.reason, self.code, self.detail, self.error = reason, code, detail, error


class Judge:
    """Judges packages of configured peers for one platform of ours."""

    def __init__(
        self,
        own_code: str,
        peers: Collection[Peer],
        verifier: Verifies,
        clock: Clock,
        desk: Desk,
        language: str = Language.ZH,
        *,
        age_s_max: int = AGE_S_MAX,
    ) -> None:
        self._language = language
        self._age_s_max = age_s_max
        self._own_code = own_code
        self._peers: Mapping[str, Peer] = {peer.written_code: peer for peer in peers}
        self._verifier = verifier
        self._clock = clock
        self._desk = desk
        self._answers: OrderedDict[str, ResultCode] = OrderedDict()
        self._running: dict[str, asyncio.Future[None]] = {}
        self._unfinished: OrderedDict[str, None] = OrderedDict()
        self._details: OrderedDict[str, int] = (
            OrderedDict()
        )  # what came under a number, for as long as it is remembered

    async def judge(self, posted: Posted) -> Answer:
        """The answer to one POST; never raises for anything that a peer can send."""
        peer: Peer | None = None
        envelope: Envelope | None = None
        try:
            archive = find_archive(posted.content_type, posted.body)
            package = unpack(archive, xml_bytes_max=XML_BYTES_MAX)
            envelope = read_envelope(package.xml)
            peer = self._parties(envelope)
            await self._one_at_a_time(posted, archive, package, envelope, peer)
        except RemoteProtocolError as error:
            refused = _Refused(error.reason, result_code(error), str(error))
        except _Refused as error:
            refused = error
        else:
            self._desk.heard(peer)
            return Answer(ResultCode.SUCCESS, self._sentence(ResultCode.SUCCESS), peer, envelope)
        source, number = (envelope.source, envelope.ebd_id) if envelope else ("", "")
        self._desk.rejected(
            Rejection(refused.reason, refused.code, refused.detail, posted.remote, source, number, refused.error)
        )
        return Answer(refused.code, f"{self._sentence(refused.code)}: {refused.detail}", peer, envelope)

    def refuse(self, reason: str, detail: str, remote: str) -> Answer:
        """The answer to a body that was not read: too large, too slow, too many at once. Counted as a rejection."""
        error = RemoteProtocolError(reason, detail)
        code = result_code(error)
        self._desk.rejected(Rejection(reason, code, detail, remote))
        return Answer(code, f"{self._sentence(code)}: {detail}")

    def _sentence(self, code: ResultCode) -> str:
        return text(f"receipt.{code.name.lower()}", self._language)

    def _parties(self, envelope: Envelope) -> Peer:
        peer = self._peers.get(envelope.source)
        if peer is None:
            detail = f"SRC {envelope.source} is not a platform configured here"
            if envelope.edition is Edition.Y2016:
                detail += '; its codes are of the 2016 edition, which needs a peer with edition = "2016"'
            raise _Refused("source", ResultCode.OTHER, detail)
        own_codes = (self._own_code, *((peer.naming.own_short,) if peer.naming else ()))
        if envelope.destination is not None and envelope.destination not in own_codes:
            raise _Refused("destination", ResultCode.OTHER, f"DEST {envelope.destination} is not {own_codes[-1]}")
        return peer

    async def _one_at_a_time(
        self, posted: Posted, archive: bytes, package: Package, envelope: Envelope, peer: Peer
    ) -> None:
        """Two posts of one number wait for each other, so that the second finds the first one's answer."""
        if envelope.ebd_type == EbdType.CONNECTION_CHECK:
            peer.read(package.xml)
            return
        number = peer.number(envelope.ebd_id)
        while number in self._running:
            await self._running[number]
        done = self._running[number] = asyncio.get_running_loop().create_future()
        try:
            await self._new_or_known(posted, archive, package, envelope, peer)
        finally:
            del self._running[number]
            done.set_result(None)

    async def _new_or_known(
        self, posted: Posted, archive: bytes, package: Package, envelope: Envelope, peer: Peer
    ) -> None:
        number = peer.number(envelope.ebd_id)
        known = self._answers.get(number)
        if known is None:
            known = await self._desk.answered(number)
        seen = known is not None or number in self._unfinished
        harmless = HARMLESS_WHEN_ANSWERED if known is not None else HARMLESS_WHEN_SEEN if seen else frozenset()
        block, verdict = self._signature(package, peer, harmless)
        if known is None:
            if block is not None and not seen:
                self._refuse_stale(envelope)
            _remember(self._unfinished, number, None)
        ebd = peer.read(package.xml)
        if known is ResultCode.SUCCESS:
            if (before := await self._content(number)) != hash(ebd.detail):
                # Some peers draw their numbers by chance, others lose count and begin again. "Received" would be a lie:
                # nothing of this one was kept.
                what = "what it held cannot be read any more" if before is None else f"another {envelope.ebd_type}"
                raise RemoteProtocolError("number-reused", f"{number} came before: {what}")
            return
        if known is not None:
            raise _Refused("repeated", known, f"{number} was refused before")
        received = Received(
            peer, ebd, package, archive, block, verdict, posted.remote, posted.arrived_s, posted.arrived_at
        )
        (outcome,) = await asyncio.gather(self._desk.accept(received), return_exceptions=True)
        if isinstance(outcome, BaseException):
            raise _Refused("store", ResultCode.OTHER, "the package could not be kept; send it again", outcome)
        self._unfinished.pop(number, None)
        _remember(self._answers, number, ResultCode.SUCCESS)
        _remember(self._details, number, hash(ebd.detail))

    async def _content(self, number: str) -> int | None:
        """What came under a number before, by its hash; asked of the desk where it is not remembered."""
        if number not in self._details and (detail := await self._desk.content(number)) is not None:
            _remember(self._details, number, hash(detail))
        return self._details.get(number)

    def _refuse_stale(self, envelope: Envelope) -> None:
        """A package held back on its way and let go later (I11). SigTime may stand outside the signature (profile
        `xml`) or be a counter; EBDTime is always inside."""
        off_s = self._clock.wall() - envelope.time
        if self._age_s_max and abs(off_s) > self._age_s_max:
            where = "in the past" if off_s > 0 else "in the future"
            detail = f"EBDTime lies {abs(off_s):.0f} s {where}; {self._age_s_max} s are allowed"
            raise _Refused(Refusal.OLD_TIME if off_s > 0 else Refusal.FUTURE_TIME, ResultCode.SIGNATURE_FAILED, detail)

    def _signature(
        self, package: Package, peer: Peer, harmless: Collection[Refusal]
    ) -> tuple[SignatureBlock | None, Verdict | None]:
        """The signature and the verdict.

        Bytes that were verified before are no fault where their number is known: a retry after an answer that got
        lost, or after a refusal for another reason. Anywhere else they are a captured copy (I11). A good signature of
        long ago is none where the number has its answer: that is given again, and nothing else is done.
        """
        if package.signature_xml is None:
            if peer.require_signature:
                raise RemoteProtocolError("signature-missing", "the package has no EBDS_EBDB file")
            return None, None
        block = SignatureBlock.decode(decode_signature(package.signature_xml).block)
        verdict = self._verifier.verify(
            package.xml, block, self._clock.wall(), scopes=READINGS[peer.profile], allowed=peer.certificates
        )
        if verdict.refusal is not None and verdict.refusal not in harmless:
            raise _Refused(verdict.refusal, ResultCode.SIGNATURE_FAILED, verdict.detail)
        return block, verdict


def _remember(memory: OrderedDict[str, ValueT], number: str, value: ValueT) -> None:
    memory[number] = value
    memory.move_to_end(number)
    if len(memory) > ANSWERS_MAX:
        memory.popitem(last=False)
