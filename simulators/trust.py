"""Whom simulated devices believe, and what they share: reading and verifying each distinct signed frame once a process.

Real terminals have processors of their own; two thousand in one process would spend most of a core verifying the same
bytes over and over. So `FrameReader` keeps what it read: the first terminal that hears a frame has it decoded and its
SM2 signature verified, the others get the same result. Everything that differs per terminal (its address, its clock
rule, its tasks, the digest of its audio) is done by each.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from protocols.authorisation import Authorisation, CheckedUpdate, check_update
from protocols.codes import ResourceCode, matches
from protocols.errors import RemoteProtocolError
from protocols.signature import (
    FEFD_RANGES,
    WHOLE,
    Certificate,
    CertificateNumber,
    SignatureBlock,
    SignedRange,
    matching_range,
    number_from_text,
)
from protocols.sm2 import PublicKey
from protocols.terminal import Frame, decode

FRAMES_MAX = 4096  # remembered frames of a process
TIME_WINDOW_S = 300
TIME_BACK_S = 60
COUNTER_SLACK = 16
UTC_FIRST = 1_420_070_400  # 2015-01-01: smaller signature times are counters of a box (signature.md 3)


class Verdict(Enum):
    """What a signature is worth, before the time rule."""

    GOOD = "good"
    UNSIGNED = "unsigned"
    UNKNOWN_CERTIFICATE = "unknown_certificate"
    BAD_SIGNATURE = "bad_signature"


class Trust:
    """Pinned certificates of a county, each checked against its issuer when read. The same command in the same block is
    verified once a process, also where a hundred adapters get it."""

    def __init__(
        self,
        certificates: Mapping[CertificateNumber, Certificate],
        wall: Callable[[], float],
        root: CertificateNumber = bytes(6),
    ) -> None:
        """`root`: the pinned one, whose certificate is among them where updates are to be believed."""
        self.certificates = dict(certificates)
        self.matched: Counter[str] = Counter()  # signatures found good, by what they are over
        self._root = root
        self._wall = wall
        self._keys: dict[CertificateNumber, PublicKey] = {}
        self._good: OrderedDict[tuple[bytes, bytes], None] = OrderedDict()  # commands and blocks found good

    @classmethod
    def read(cls, folder: Path, root: str, wall: Callable[[], float]) -> Trust:
        """All NNN.cer files that the root (12 hex digits) has signed. Raises RemoteProtocolError, OSError."""
        found = [Certificate.decode(file.read_bytes()) for file in sorted(folder.glob("*.cer"))]
        pinned = next((c for c in found if c.number == number_from_text(root)), None)
        if pinned is None:
            raise RemoteProtocolError("certificate", f"{folder} holds no root {root}")
        key = PublicKey(pinned.public_key)
        good = [c for c in found if c.issuer == pinned.number and key.verify(c.signed_bytes(), c.signature)]
        return cls({c.number: c for c in (pinned, *good)}, wall, pinned.number)

    def check(
        self, lists: tuple[bytes, ...], certificates: tuple[bytes, ...], authorisation: Authorisation
    ) -> CheckedUpdate:
        """Judge a certificate update of one device. Raises RemoteProtocolError; nothing is changed."""
        return check_update(lists, certificates, known=self.certificates, root=self._root, authorisation=authorisation)

    def admit(self, certificates: tuple[Certificate, ...]) -> None:
        """Hold checked certificates. All devices of a process hold the same ones; lists say who is trusted."""
        for certificate in certificates:
            self.certificates[certificate.number] = certificate
            self._keys.pop(certificate.number, None)

    def judge(self, signed: bytes, block: SignatureBlock | None, ranges: Iterable[SignedRange] = (WHOLE,)) -> Verdict:
        """Certificate known and not expired, then SM2 over one of `ranges` (GD/J 081 5.4)."""
        if block is None or block.is_empty:
            return Verdict.UNSIGNED
        certificate = self.certificates.get(block.certificate)
        if certificate is None or not certificate.valid_at(self._wall()):
            return Verdict.UNKNOWN_CERTIFICATE
        command = (signed, block.encode())
        if command in self._good:
            return Verdict.GOOD
        key = self._keys.get(block.certificate)
        if key is None:
            key = self._keys[block.certificate] = PublicKey(certificate.public_key)
        found = matching_range(signed, block, key, ranges)
        if found is None:
            return Verdict.BAD_SIGNATURE
        self.matched[found.name] += 1
        self._good[command] = None
        if len(self._good) > FRAMES_MAX:
            self._good.popitem(last=False)
        return Verdict.GOOD


class TimeRule:
    """Which signature times one device accepts, per certificate (signature.md 3)."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: dict[CertificateNumber, int] = {}

    def accepts(self, block: SignatureBlock, now: float) -> bool:
        """Near the clock and hardly older than the last one; a box's counter hardly smaller. Remembers what it took."""
        last = self._last.get(block.certificate)
        if block.time >= UTC_FIRST:
            fresh = abs(block.time - now) <= TIME_WINDOW_S
            good = fresh and (last is None or last < UTC_FIRST or block.time >= last - TIME_BACK_S)
        else:
            good = last is None or (last < UTC_FIRST and block.time > last - COUNTER_SLACK)
        if good and (last is None or block.time > last):
            self._last[block.certificate] = block.time
        return good


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A frame as everybody understands it."""

    frame: Frame
    verdict: Verdict
    targets: Mapping[str, tuple[ResourceCode, ...]]  # by the stem of their area, so that a device asks six times only

    def means(self, code: ResourceCode, stems: tuple[str, ...]) -> bool:
        """Whether one of the target codes means this device; `stems` are of its area and those around it."""
        targets = self.targets
        return any(matches(target, code) for stem in stems for target in targets.get(stem, ()))


def area_stems(code: ResourceCode) -> tuple[str, ...]:
    """Stems of a device's area and of every area around it."""
    return tuple(area.stem for area in code.area.enclosing)


class FrameReader:
    """FEFD frames of one process: each distinct one is decoded and verified once."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self._frames: OrderedDict[bytes, Heard] = OrderedDict()
        self.verified = 0  # SM2 verifications really made

    def read(self, data: bytes) -> Heard:
        """One whole frame. Raises RemoteProtocolError as `protocols.terminal.decode`."""
        heard = self._frames.get(data)
        if heard is None:
            heard = self._keep(data, self._judge(decode(data)))
        return heard

    def knows(self, data: bytes) -> bool:
        """Whether these bytes are a frame heard before."""
        return data in self._frames

    def judge(self, frame: Frame) -> Heard:
        """A frame that a deframer has cut out of a stream."""
        key = frame.signed + (frame.signature.encode() if frame.signature else b"")
        heard = self._frames.get(key)
        if heard is None:
            heard = self._keep(key, self._judge(frame))
        return heard

    def _keep(self, key: bytes, heard: Heard) -> Heard:
        if heard.verdict is not Verdict.UNKNOWN_CERTIFICATE:  # an update may bring it
            self._frames[key] = heard
            if len(self._frames) > FRAMES_MAX:
                self._frames.popitem(last=False)
        return heard

    def _judge(self, frame: Frame) -> Heard:
        by_stem: dict[str, tuple[ResourceCode, ...]] = {}
        for target in frame.targets:
            by_stem[target.area.stem] = (*by_stem.get(target.area.stem, ()), target)
        if frame.signature is not None:
            self.verified += 1
        return Heard(frame, self._trust.judge(frame.signed, frame.signature, FEFD_RANGES.values()), by_stem)
