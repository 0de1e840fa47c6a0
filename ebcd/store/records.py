"""Values that go into the tables beside the journal and come out of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from .events import Stored

# ---- packages received ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PackageMeta:
    """What is kept beside the bytes of a received EBD package."""

    src: str  # 23-digit code of the sending platform
    received_at: float  # UTC seconds of its last byte
    result_code: int  # the receipt that goes out for it, and again for every repeat


@dataclass(frozen=True, slots=True)
class Accepted:
    """The package is new and on disk, its events are journaled; the receipt may go out now."""

    digest: str  # SM3 of the package, hex
    file: str  # name under the packages folder
    result_code: int
    events: tuple[Stored, ...]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """This EBDID was answered before. `same_bytes` is False when other content came under the same number."""

    result_code: int
    received_at: float
    digest: str
    same_bytes: bool
    file: str


# ---- packages to send ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A package that must reach a peer, also after a restart. It leaves the outbox when the peer has answered."""

    ebd_id: str
    peer: str  # 23-digit code
    related: str  # EBDID or EBMID this is about; "" for none
    document: bytes  # the EBDB XML; signed anew for each try
    next_at: float  # UTC seconds, not before
    tries: int = 0
    error: str = ""  # why the last try failed


# ---- signatures ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignatureSeen:
    """One accepted signature, for the rules on time and replay (GD/J 081 clause 6.2.1)."""

    certificate: str  # number, 12 hex digits
    time: int | None  # the signature's own time or counter; None where it was not signed
    last: int | None  # highest accepted of this certificate, this one included; None where the time was not signed
    digest: bytes  # SM3 of what was signed
    at: float  # UTC seconds of acceptance; the cache forgets by it
    list_serial: int | None = None  # authorisation list in force, where it has verified a command


@dataclass(frozen=True, slots=True)
class SignatureMemory:
    """What a restart must still know: the last time per certificate and the signatures of the replay window."""

    last: dict[str, int]
    seen: tuple[tuple[str, int | None, bytes, float], ...]  # certificate, time, digest, at; oldest first
    list_serial: int | None = None


# ---- people, health ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    """Someone the journal refers to by `id`. After erasure `name` and `phone` are empty and the id stays."""

    id: int
    name: str
    phone: str
    erased: bool


@dataclass(frozen=True, slots=True)
class HealthRow:
    """Last known state of one device; a projection, not part of the journal."""

    code: str
    state: str  # online, offline, fault ...
    since: float  # UTC seconds of the last change of `state`
    last_seen: float
    link: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One resource as one platform above knows it: in step where `told` equals `value` (the sync flag)."""

    peer: str
    kind: str  # EBDType
    code: str  # resource code or EBM id; "" for when the type was told last (`changed_at`)
    value: str  # what is true: a digest of its data, a StateCode; "" where it is no more
    told: str  # what the peer has acknowledged with receipt 1
    changed_at: float  # UTC seconds


# ---- journal -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a stream after the event `seq`, standing on that event's hash."""

    stream: str
    seq: int
    hash: bytes
    at: float
    state: bytes


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a restart begins with: the newest good checkpoint and every event after it, chain verified from there on.

    `refused` tells why newer checkpoints were passed over; not empty is worth an alarm.
    """

    checkpoint: Checkpoint | None
    events: tuple[Stored, ...]
    refused: tuple[str, ...] = ()

    @property
    def state(self) -> bytes | None:
        """The checkpoint's state, None where there is no checkpoint."""
        return self.checkpoint.state if self.checkpoint else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What walking a chain found. `broken_at` is the first row that does not follow, None if all do."""

    stream: str
    rows: int  # walked
    head_seq: int
    head_hash: bytes
    broken_at: int | None
    detail: str

    @property
    def whole(self) -> bool:
        """True when every link holds."""
        return self.broken_at is None


@dataclass(slots=True)
class StoreStats:
    """Counters since the store was opened; the metrics read them."""

    commits: int = 0
    events: int = 0  # journal rows committed
    groups_rows_max: int = 0  # most rows one commit carried
    failures: dict[str, int] = field(default_factory=dict)  # failed commits by reason
    refused: int = 0  # calls turned away because the queue was full
    retried: int = 0  # times that writes without a waiter were tried again
    lost: int = 0  # writes without a waiter that can never succeed
    waiting: int = 0  # rows in the queue now
    trouble: str = ""  # why the last commit failed; "" after one that did not
    commit_s_last: float = 0.0
    commit_s_sum: float = 0.0
