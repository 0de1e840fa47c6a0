"""The certificates on file: read from a folder, each checked against its issuer up to a root pinned by number.

Every file that cannot be used becomes a `Problem`, so that one bad file never hides another; the good ones stay usable.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ebcd.errors import Problem
from protocols.errors import RemoteProtocolError
from protocols.signature import CERTIFICATE_BYTES, Certificate, CertificateNumber, number_text
from protocols.sm2 import PublicKey

SUFFIX = ".cer"
FILES_MAX = 20_000  # a province's adapters; the rest is refused by name
CHAIN_DEPTH_MAX = 3  # certificates between a peer's and the root, the root included (signature.md 6)


@dataclass(frozen=True, slots=True)
class Trusted:
    """One certificate whose chain ends in a pinned root."""

    certificate: Certificate
    key: PublicKey
    file: str

    @property
    def number(self) -> CertificateNumber:
        """The certificate's own number."""
        return self.certificate.number


class TrustStore:
    """Certificates by number (GD/J 081 clause 5.5); a value, made anew when the folder changes."""

    def __init__(self, trusted: Collection[Trusted], problems: Collection[Problem] = ()) -> None:
        self._by_number = {each.number: each for each in trusted}
        self.problems = tuple(problems)

    @classmethod
    def load(cls, folder: Path, roots: Collection[CertificateNumber]) -> TrustStore:
        """Read every *.cer file of `folder`. Never raises for what is in it: see `problems`."""
        problems: list[Problem] = []
        found = _read_folder(folder, problems)
        missing = sorted(set(roots) - found.keys())
        problems.extend(Problem(str(folder), "", number_text(root), "trust_root_missing") for root in missing)
        good = [each for each in found.values() if _chain_holds(each, found, set(roots), problems)]
        return cls(good, problems)

    def get(self, number: CertificateNumber) -> Trusted | None:
        """The certificate of this number, expired or not; None where it is unknown or was refused."""
        return self._by_number.get(number)

    def expired(self, now_s: float) -> tuple[Trusted, ...]:
        """Those that nobody may use any more at `now_s` (UTC seconds)."""
        return tuple(each for each in self if not each.certificate.valid_at(now_s))

    def warnings(self, now_s: float) -> tuple[Problem, ...]:
        """One problem per expired certificate, for check-config and the start of the daemon."""
        return tuple(
            Problem(each.file, "", number_text(each.number), "trust_expired", {"until": _last_day(each.certificate)})
            for each in self.expired(now_s)
        )

    def __iter__(self) -> Iterator[Trusted]:
        return iter(self._by_number.values())

    def __len__(self) -> int:
        return len(self._by_number)


def _last_day(certificate: Certificate) -> str:
    return f"{datetime.fromtimestamp(certificate.valid_until, UTC):%Y-%m-%d}"


def _read_folder(folder: Path, problems: list[Problem]) -> dict[CertificateNumber, Trusted]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == SUFFIX)
    except OSError as error:
        problems.append(Problem(str(folder), "", "", "unreadable", {"reason": error.strerror or str(error)}))
        return {}
    if len(paths) > FILES_MAX:
        problems.append(Problem(str(folder), "", str(len(paths)), "trust_many", {"limit": FILES_MAX}))
    found: dict[CertificateNumber, Trusted] = {}
    doubled: set[CertificateNumber] = set()
    for path in paths[:FILES_MAX]:
        read = _read_file(path, problems)
        if read is None:
            continue
        known = found.setdefault(read.number, read)
        if known.certificate != read.certificate:
            doubled.add(read.number)
            values = {"other": Path(known.file).name}
            problems.append(Problem(str(path), "", number_text(read.number), "trust_double", values))
    for number in doubled:  # neither: which of the two is meant is for a person to say
        del found[number]
    return found


def _read_file(path: Path, problems: list[Problem]) -> Trusted | None:
    try:
        with path.open("rb") as file:
            data = file.read(CERTIFICATE_BYTES + 1)
        certificate = Certificate.decode(data)
        return Trusted(certificate, PublicKey(certificate.public_key), str(path))
    except OSError as error:
        problems.append(Problem(str(path), "", "", "unreadable", {"reason": error.strerror or str(error)}))
    except RemoteProtocolError as error:
        problems.append(Problem(str(path), "", "", "trust_not_certificate", {"reason": error.detail}))
    return None


def _chain_holds(
    leaf: Trusted,
    found: dict[CertificateNumber, Trusted],
    roots: set[CertificateNumber],
    problems: list[Problem],
) -> bool:
    """Follow the issuers to a root. An issuer is a root or has a reserved number, so that no device can issue."""
    values: dict[str, object] = {"issuer": number_text(leaf.certificate.issuer)}
    current = leaf
    for _ in range(CHAIN_DEPTH_MAX):
        pinned = current.number in roots
        issuer = found.get(current.certificate.issuer)
        if pinned and (issuer is None or issuer.number != current.number):
            return True  # pinned by its number, whoever issued it
        if issuer is None:
            what = "trust_issuer_unknown"
            values["issuer"] = number_text(current.certificate.issuer)
        elif issuer is current and not pinned:
            what = "trust_not_root"
        elif issuer.number not in roots and not issuer.certificate.is_reserved:
            what = "trust_issuer_rank"
        elif not issuer.key.verify(current.certificate.signed_bytes(), current.certificate.signature):
            what = "trust_issuer_signature"
        elif pinned:
            return True
        else:
            current = issuer
            continue
        break
    else:
        what = "trust_chain"
        values["limit"] = CHAIN_DEPTH_MAX
    problems.append(Problem(leaf.file, "", number_text(leaf.number), what, values))
    return False
