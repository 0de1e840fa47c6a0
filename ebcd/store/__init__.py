"""The journal, what is kept beside it, and the only SQL of the daemon.

Open with `open_store`. Events go in by `append` (waits until durable) or `append_soon` (batched, told afterwards);
a restart begins with `load`. Everything answered for is on disk before the call returns.
"""

from __future__ import annotations

from .errors import ChainBroken, StoreError
from .events import NewEvent, Stored
from .records import (
    Accepted,
    Checkpoint,
    Duplicate,
    HealthRow,
    Loaded,
    Outgoing,
    PackageMeta,
    Person,
    ReportRow,
    SignatureMemory,
    SignatureSeen,
    StoreStats,
    Verdict,
)
from .store import OnDurable, Store, open_store

__all__ = [
    "Accepted",
    "ChainBroken",
    "Checkpoint",
    "Duplicate",
    "HealthRow",
    "Loaded",
    "NewEvent",
    "OnDurable",
    "Outgoing",
    "PackageMeta",
    "Person",
    "ReportRow",
    "SignatureMemory",
    "SignatureSeen",
    "Store",
    "StoreError",
    "StoreStats",
    "Stored",
    "Verdict",
    "open_store",
]
