"""Whether a peer's signature counts: known certificate, right signature, fresh time, not seen (signature.md 3, 8).

The steps are taken in that order, so that only the certificate's owner can move what is remembered about it. The
memory can be exported and given back, because a restart must not open the door to captured bytes (I11).

Where only the file is signed (profile `xml`), anybody can write another time beside a captured signature. Such a time
is judged but teaches nothing, and the file itself is what may not come twice.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from prometheus_client import CollectorRegistry, Counter

from devices.ports import Belief, Judged
from ebcd.signing.trust import Trusted, TrustStore
from protocols.signature import CertificateNumber, Scope, SignatureBlock, number_text, signed_bytes
from protocols.sm2 import sm3

UTC_TIME_MIN = 1_420_070_400  # 2015-01-01: below it a signature time is the counter of a signing box
BACKWARD_S_MAX = 60  # parallel senders of one signer may overtake each other by this much
REPLAYS_MAX = 4096  # signatures remembered per signer


class Refusal(StrEnum):
    """Why a signature does not count. Words for metrics, receipts and the log."""

    UNSIGNED = "unsigned"  # no signature, or the zero block
    UNKNOWN_CERTIFICATE = "unknown_certificate"
    NOT_ALLOWED = "not_allowed"  # a good certificate, but not one that may sign for this source
    NOT_LISTED = "not_listed"  # the authorisation list in force does not name it: revoked
    EXPIRED_CERTIFICATE = "expired_certificate"
    BAD_SIGNATURE = "bad_signature"
    OLD_TIME = "old_time"
    FUTURE_TIME = "future_time"
    COUNTER = "counter"  # the counter went back, or one value was used for two messages
    MODE = "mode"  # a signer with a clock that now shows a counter: an old box's captured bytes
    REPLAY = "replay"  # authentic but seen before: a retry or a captured copy; never a reason to act again


class TimeMode(StrEnum):
    """What the four time bytes of a signer are."""

    UTC = "utc"
    COUNTER = "counter"


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits of `[trust]`."""

    time_window_s: int = 300  # 0: any time is taken
    counter_slack: int = 16
    time_modes: Mapping[CertificateNumber, TimeMode] = field(default_factory=dict)
    """Signers of whom it is known; the others are learned from their values."""

    def mode_of(self, signer: CertificateNumber, time: int) -> TimeMode:
        """What `time` of this signer is."""
        return self.time_modes.get(signer) or (TimeMode.UTC if time >= UTC_TIME_MIN else TimeMode.COUNTER)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer about one signed thing. `refusal` None means that it counts."""

    refusal: Refusal | None
    detail: str = ""
    signer: Trusted | None = None
    scope: Scope | None = None  # which reading of the signed bytes matched
    mode_changed: bool = False  # a signer moved from counter to clock: accepted this once, worth a line in the log
    digest: bytes = b""  # SM3 of what was signed
    last: int | None = None  # the signer's highest time, this one included; None where the time was not signed
    list_serial: int | None = None  # the authorisation list in force, where it has verified a command

    @property
    def ok(self) -> bool:
        """Whether the signature counts."""
        return self.refusal is None

    def of_a_device(self, block: SignatureBlock) -> Judged:
        """The same for a link, whose devices retry."""
        if self.ok:
            return Judged(Belief.NEW)
        if self.refusal is not Refusal.REPLAY:
            return Judged(Belief.NONE, f"{self.refusal}: {self.detail}")
        return Judged(Belief.AGAIN if block.time == self.last else Belief.COPY, self.detail)


@dataclass(slots=True)
class _Memory:
    """What is known about one signer."""

    mode: TimeMode | None = None  # None until a time came that was signed
    last: int = 0
    floor: int = -1  # times up to here are refused: their signatures are no longer remembered
    seen: OrderedDict[bytes, int] = field(default_factory=OrderedDict)  # SM3 of the signed bytes -> time, oldest first
    files: OrderedDict[bytes, int] = field(default_factory=OrderedDict)  # the same where the time was not signed

    def forget_below(self, time: int) -> None:
        """Drop what the time rule refuses anyway."""
        while self.seen and next(iter(self.seen.values())) < time:
            self.seen.popitem(last=False)

    def remember(self, digest: bytes, time: int) -> bool:
        """Keep one; True when the limit pushed out another, whose time is then closed."""
        self.seen[digest] = time
        if len(self.seen) <= REPLAYS_MAX:
            return False
        _, lost = self.seen.popitem(last=False)
        self.floor = max(self.floor, lost)
        return True

    def remember_file(self, digest: bytes, time: int) -> bool:
        """Keep one file; True when the limit pushed out another, which only its EBD id keeps from coming again."""
        self.files[digest] = time
        if len(self.files) <= REPLAYS_MAX:
            return False
        self.files.popitem(last=False)
        return True


class SignatureVerifier:
    """Judges signatures with one trust store and one memory (GD/J 081 clause 5.4; replay: GD/J 085 clause 5.3)."""

    def __init__(
        self, trust: TrustStore, policy: Policy | None = None, registry: CollectorRegistry | None = None
    ) -> None:
        self.trust = trust
        self._policy = policy or Policy()
        self._memory: dict[CertificateNumber, _Memory] = {}
        self._verdicts = Counter(
            "ebcd_signature_verdicts", "Signatures of others by outcome.", ["outcome"], registry=registry
        )
        self._evicted = Counter(
            "ebcd_signature_replay_evictions", "Remembered signatures pushed out by the limit.", registry=registry
        )

    def use(self, trust: TrustStore) -> None:
        """Judge by other certificates from now on; what was seen stays remembered (I11)."""
        self.trust = trust

    def verify(
        self,
        command: bytes,
        block: SignatureBlock,
        now_s: float,
        *,
        scopes: Collection[Scope] = (Scope.CMD_TIME,),
        allowed: Collection[CertificateNumber] | None = None,
    ) -> Verdict:
        """Judge `block` over `command` (the bytes before the time).

        `scopes` are tried in turn. `allowed` are the certificates that may sign for this source; None means every one
        on file. An accepted signature is remembered.
        """
        verdict = self._judge(command, block, now_s, scopes, allowed)
        if verdict.ok:
            self.trust.verified(block.certificate)
            verdict = replace(verdict, list_serial=self.trust.proven_serial)
        self._verdicts.labels(verdict.refusal or "accepted").inc()
        return verdict

    def _judge(
        self,
        command: bytes,
        block: SignatureBlock,
        now_s: float,
        scopes: Collection[Scope],
        allowed: Collection[CertificateNumber] | None,
    ) -> Verdict:
        found = self.authentic(command, block, now_s, scopes=scopes, allowed=allowed)
        if not found.ok:
            return found
        judge = self._judge_file if found.scope is Scope.COMMAND else self._judge_time
        return judge(found, block.time, found.digest, now_s)

    def authentic(
        self,
        command: bytes,
        block: SignatureBlock,
        now_s: float,
        *,
        scopes: Collection[Scope] = (Scope.CMD_TIME,),
        allowed: Collection[CertificateNumber] | None = None,
    ) -> Verdict:
        """Whether a certificate that may made `block` over `command`; its time is not judged and nothing remembered."""
        if block.is_empty:
            return Verdict(Refusal.UNSIGNED, "the signature block is all zeros")
        name = number_text(block.certificate)
        signer = self.trust.get(block.certificate)
        if signer is None:
            return Verdict(Refusal.UNKNOWN_CERTIFICATE, f"certificate {name} is not on file")
        if allowed is not None and block.certificate not in allowed:
            return Verdict(Refusal.NOT_ALLOWED, f"certificate {name} may not sign for this source", signer)
        if not self.trust.permits(block.certificate):
            return Verdict(Refusal.NOT_LISTED, f"certificate {name} is not on the authorisation list in force", signer)
        if not signer.certificate.valid_at(now_s):
            return Verdict(Refusal.EXPIRED_CERTIFICATE, f"certificate {name} has expired", signer)
        for scope in scopes:
            message = signed_bytes(command, block, scope)
            if signer.key.verify(message, block.value):
                return Verdict(None, "", signer, scope, digest=sm3(message))
        return Verdict(Refusal.BAD_SIGNATURE, f"the signature is not by certificate {name} over these bytes", signer)

    def _judge_file(self, found: Verdict, time: int, digest: bytes, now_s: float) -> Verdict:
        assert found.signer is not None
        memory = self._memory.setdefault(found.signer.number, _Memory())
        if digest in memory.files:
            return replace(found, refusal=Refusal.REPLAY, detail="the same signed file came before")
        is_clock = self._policy.mode_of(found.signer.number, time) is TimeMode.UTC
        if is_clock and (refused := self._outside_window(found, time, now_s)):
            return refused
        if memory.remember_file(digest, time):
            self._evicted.inc()
        return found

    def _judge_time(self, found: Verdict, time: int, digest: bytes, now_s: float) -> Verdict:
        assert found.signer is not None
        memory = self._memory.setdefault(found.signer.number, _Memory())
        if digest in memory.seen:
            newest = max(memory.seen.values())
            return replace(found, refusal=Refusal.REPLAY, detail="the same signed bytes came before", last=newest)
        mode, is_known = self._policy.mode_of(found.signer.number, time), found.signer.number in self._policy.time_modes
        if mode is TimeMode.UTC and (refused := self._outside_window(found, time, now_s)):
            return refused
        if memory.mode is mode:
            if refusal := self._behind(memory, time):
                return replace(found, refusal=refusal, detail=f"signature time {time}, last accepted {memory.last}")
        elif mode is TimeMode.COUNTER and memory.mode is TimeMode.UTC and not is_known:
            return replace(found, refusal=Refusal.MODE, detail=f"this signer shows clock times, now the counter {time}")
        else:
            found = replace(found, mode_changed=memory.mode is not None)
            memory.mode, memory.last, memory.floor = mode, 0, -1
            memory.seen.clear()
        self._accept(memory, digest, time, now_s)
        return replace(found, last=memory.last)

    def _outside_window(self, found: Verdict, time: int, now_s: float) -> Verdict | None:
        window_s, behind_s = self._policy.time_window_s, now_s - time
        if not window_s or abs(behind_s) <= window_s:
            return None
        refusal = Refusal.OLD_TIME if behind_s > 0 else Refusal.FUTURE_TIME
        where = "in the past" if behind_s > 0 else "in the future"
        return replace(found, refusal=refusal, detail=f"signed {abs(behind_s):.0f} s {where}; {window_s} s are allowed")

    def _behind(self, memory: _Memory, time: int) -> Refusal | None:
        if memory.mode is TimeMode.UTC:
            return Refusal.OLD_TIME if time < memory.last - BACKWARD_S_MAX or time <= memory.floor else None
        if time <= memory.last - self._policy.counter_slack or time <= memory.floor or time in memory.seen.values():
            return Refusal.COUNTER
        return None

    def _accept(self, memory: _Memory, digest: bytes, time: int, now_s: float) -> None:
        if memory.mode is TimeMode.UTC:
            # Not later than now: a signer whose clock ran ahead and was set right is not locked out.
            memory.last, kept = max(memory.last, min(time, int(now_s))), BACKWARD_S_MAX
        else:
            memory.last, kept = max(memory.last, time), self._policy.counter_slack
        memory.forget_below(memory.last - kept)
        if memory.remember(digest, time):
            self._evicted.inc()

    def export(self) -> dict[str, Any]:
        """What is remembered, in types of JSON, by certificate number."""
        return {
            number_text(number): {
                "mode": memory.mode,
                "last": memory.last,
                "floor": memory.floor,
                "seen": [[digest.hex(), time] for digest, time in memory.seen.items()],
                "files": [[digest.hex(), time] for digest, time in memory.files.items()],
            }
            for number, memory in self._memory.items()
        }

    def restore(self, exported: Mapping[str, Any]) -> None:
        """Take back what `export` gave, in place of what is remembered now."""
        self._memory = {
            bytes.fromhex(number): _Memory(
                state["mode"] and TimeMode(state["mode"]),
                state["last"],
                state["floor"],
                OrderedDict((bytes.fromhex(digest), time) for digest, time in state["seen"]),
                OrderedDict((bytes.fromhex(digest), time) for digest, time in state["files"]),
            )
            for number, state in exported.items()
        }
