"""The exceptions on file: read, verified, in force or not, and asked by the links for each terminal and moment.

The folder is looked at again every few seconds, so that a new exception holds and a removed one ends without a restart.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from ebcd.errors import Problem
from ebcd.signing.exception_record import FILE_BYTES_MAX, ExceptionRecord, NoException, read
from ebcd.signing.trust import TrustStore
from protocols.codes import AreaCode, ResourceCode
from protocols.signature import CertificateNumber, number_text, signed_bytes

SUFFIX = ".exception"
FILES_MAX = 1_000
SIGNED_AHEAD_S_MAX = 300  # a signature's time may run so far ahead of our clock

log = structlog.get_logger("ebcd.signing")


class ExceptionState(StrEnum):
    """What a file is worth now."""

    IN_FORCE = "in_force"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Judged:
    """One file. `record` None where it could not be read; `problem` where it does not count."""

    file: Path
    record: ExceptionRecord | None
    problem: Problem | None = None

    def state(self, utc_s: float) -> ExceptionState:
        """What it is worth at this moment."""
        if self.record is None or self.problem is not None:
            return ExceptionState.REFUSED
        if utc_s >= self.record.until:
            return ExceptionState.EXPIRED
        return ExceptionState.IN_FORCE if self.record.holds_at(utc_s) else ExceptionState.NOT_YET


def judge(
    file: Path, trust: TrustStore, administrators: Collection[CertificateNumber], county: AreaCode, utc_s: float
) -> Judged:
    """Read one file and verify it. Never raises for what is in it."""
    try:
        with file.open("rb") as stream:
            data = stream.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        values = {"reason": error.strerror or str(error)}
        return Judged(file, None, Problem(str(file), "", "", "unreadable", values))
    try:
        record = read(data)
    except NoException as error:
        return Judged(file, None, Problem(str(file), "", "", "exception_form", {"reason": error}))
    return Judged(file, record, _verify(file, record, trust, administrators, county, utc_s))


def _verify(
    file: Path,
    record: ExceptionRecord,
    trust: TrustStore,
    administrators: Collection[CertificateNumber],
    county: AreaCode,
    utc_s: float,
) -> Problem | None:
    block = record.signature
    if block is None or block.is_empty:
        return Problem(str(file), "", "", "exception_signature", {"number": "-"})
    number = number_text(block.certificate)
    signer = trust.get(block.certificate)
    what = ""
    if block.certificate not in administrators:
        what = "exception_not_administrator"
    elif signer is None:
        what = "exception_certificate"
    elif not signer.certificate.valid_at(utc_s):
        what = "exception_certificate_expired"
    elif not signer.key.verify(signed_bytes(record.signed, block), block.value):
        what = "exception_signature"
    elif block.time > utc_s + SIGNED_AHEAD_S_MAX:
        what = "exception_ahead"
    elif record.county != county:
        return Problem(str(file), "county", repr(str(record.county)), "exception_county", {"county": county})
    return Problem(str(file), "", "", what, {"number": number}) if what else None


def files_in(folder: Path) -> tuple[list[Path], object]:
    """The files, and what would differ if one of them did. No folder: no exceptions."""
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == SUFFIX)
        stats = [file.stat() for file in files]
    except OSError:
        return [], ()
    return files, tuple((file, s.st_mtime_ns, s.st_size, s.st_ino) for file, s in zip(files, stats, strict=True))


class ExceptionBook:
    """Every exception of a folder; answers the links (`devices.ports.Excused`)."""

    def __init__(
        self,
        folder: Path,
        trust: TrustStore,
        administrators: Collection[CertificateNumber],
        county: AreaCode,
        registry: CollectorRegistry | None = None,
    ) -> None:
        self._folder = folder
        self._trust = trust
        self._administrators = frozenset(administrators)
        self._county = county
        self._print: object = None
        self._told: dict[Path, ExceptionState] = {}
        self.judged: tuple[Judged, ...] = ()
        self._asked = Counter(
            "ebcd_exception_answers",
            "Commands to terminals that cannot verify SM2, by whether an exception lets them pass.",
            ["outcome"],
            registry=registry,
        )
        self._files = Gauge("ebcd_exceptions", "Exceptions on file.", ["state"], registry=registry)

    def excused(self, code: ResourceCode, utc_s: float) -> bool:
        """Whether an exception in force names this terminal. Counted."""
        found = any(self._excuses(each, code, utc_s) for each in self.judged)
        self._asked.labels("excused" if found else "refused").inc()
        return found

    def refresh(self, utc_s: float) -> None:
        """Read the folder if anything in it changed; log every file whose worth changed."""
        files, mark = files_in(self._folder)
        if mark != self._print:
            self._print = mark
            self.judged = tuple(
                judge(file, self._trust, self._administrators, self._county, utc_s) for file in files[:FILES_MAX]
            )
            if len(files) > FILES_MAX:
                log.error("exception.many", folder=str(self._folder), files=len(files), limit=FILES_MAX)
        self._tell(utc_s)

    def _excuses(self, judged: Judged, code: ResourceCode, utc_s: float) -> bool:
        record = judged.record
        if record is None or judged.state(utc_s) is not ExceptionState.IN_FORCE or not record.names(code):
            return False
        signer = self._trust.get(record.signature.certificate) if record.signature else None
        return signer is not None and signer.certificate.valid_at(utc_s)  # it may have expired since it was read

    def _tell(self, utc_s: float) -> None:
        states = {each.file: each.state(utc_s) for each in self.judged}
        for each in self.judged:
            state = states[each.file]
            if self._told.get(each.file) is state:
                continue
            if each.problem is not None:
                log.error("exception.refused", problem=str(each.problem))
            elif each.record is not None:
                expired = state is ExceptionState.EXPIRED
                log.warning(
                    "exception.expired"
                    if expired
                    else "exception.in_force"
                    if state is ExceptionState.IN_FORCE
                    else "exception.not_yet",
                    file=each.file.name,
                    by=each.record.by,
                    reason=each.record.reason,
                    areas=each.record.areas,
                    terminals=len(each.record.terminals),
                    until=each.record.until,
                )
        for file in self._told.keys() - states.keys():
            log.warning("exception.removed", file=file.name)
        self._told = states
        for state in ExceptionState:
            self._files.labels(state).set(sum(found is state for found in states.values()))
