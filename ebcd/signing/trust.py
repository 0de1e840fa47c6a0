"""The certificates on file: read from a folder, each checked against its issuer up to a root pinned by number; and
the authorisation lists beside them, of which the newest for us says whom of them we trust.

Every file that cannot be used becomes a `Problem`, so that one bad file never hides another; the good ones stay usable.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ebcd.errors import Problem
from ebcd.signing.lists import FiledList, in_force, newest, read_lists
from protocols.authorisation import CHAIN_CERTIFICATES_MAX, Authorisation
from protocols.errors import RemoteProtocolError
from protocols.signature import CERTIFICATE_BYTES, VERSIONS, Certificate, CertificateNumber, number_text
from protocols.sm2 import PublicKey

SUFFIX = ".cer"
FILES_MAX = 20_000  # a province's adapters; the rest is refused by name


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
    """Certificates by number, and the lists (GD/J 081 clause 5.5); made anew when the folder changes.

    Without a list for us everybody whose certificate is on file is trusted: the folder itself is then the list.
    """

    def __init__(
        self,
        trusted: Collection[Trusted],
        problems: Collection[Problem] = (),
        lists: Collection[FiledList] = (),
        authorisation: Authorisation | None = None,
    ) -> None:
        self._by_number = {each.number: each for each in trusted}
        self.problems = tuple(problems)
        self.lists = tuple(lists)
        self.newest = newest(self.lists)
        """The newest list for each receiver; None where two on file contradict each other."""
        self._authorisation = authorisation

    @classmethod
    def load(
        cls,
        folder: Path,
        roots: Collection[CertificateNumber],
        receiver: CertificateNumber | None = None,
        proven_serial: int | None = None,
        *,
        versions: Collection[int] = VERSIONS,
        chain_max: int = CHAIN_CERTIFICATES_MAX,
    ) -> TrustStore:
        """Read every *.cer and *.lst file of `folder`. Never raises for what is in it: see `problems`.

        `receiver` is our own certificate number: lists for others are kept for them and say nothing to us.
        `versions` of certificates that are read, `chain_max`: certificates from a signer's to the root, both counted.
        `proven_serial`: the newest list that has verified a command; the one before it counts no more.
        """
        problems: list[Problem] = []
        found = _read_folder(folder, versions, problems)
        missing = sorted(set(roots) - found.keys())
        problems.extend(Problem(str(folder), "", number_text(root), "trust_root_missing") for root in missing)
        good = [each for each in found.values() if _chain_holds(each, found, set(roots), chain_max, problems)]
        by_number = {each.number: each.certificate for each in good}
        lists = read_lists(folder, by_number, frozenset(roots), problems)
        if receiver is None:
            return cls(good, problems, lists)
        authorisation, lists = in_force(lists, receiver, proven_serial, problems)
        return cls(good, problems, lists, authorisation)

    def permits(self, number: CertificateNumber) -> bool:
        """Whether the list in force names this certificate: one that was left out is revoked (signature.md 5)."""
        return self._authorisation is None or self._authorisation.permits(number)

    def verified(self, number: CertificateNumber) -> None:
        """A signature of this certificate counted; the first one under a new list ends the list before."""
        if self._authorisation is not None:
            self._authorisation.verified(number)

    @property
    def proven_serial(self) -> int | None:
        """Serial of the list in force where it has verified a command, for the next start; None where none has."""
        lists = self._authorisation
        if lists is None or lists.current is None or lists.previous is not None:
            return None
        return lists.current.serial

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


def _read_folder(folder: Path, versions: Collection[int], problems: list[Problem]) -> dict[CertificateNumber, Trusted]:
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
        read = _read_file(path, versions, problems)
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


def _read_file(path: Path, versions: Collection[int], problems: list[Problem]) -> Trusted | None:
    try:
        with path.open("rb") as file:
            data = file.read(CERTIFICATE_BYTES + 1)
        certificate = Certificate.decode(data, versions)
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
    chain_max: int,
    problems: list[Problem],
) -> bool:
    """Follow the issuers to a root. An issuer is a root or has a reserved number, so that no device can issue."""
    values: dict[str, object] = {"issuer": number_text(leaf.certificate.issuer)}
    current = leaf
    for _ in range(chain_max):
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
        values["limit"] = chain_max
    problems.append(Problem(leaf.file, "", number_text(leaf.number), what, values))
    return False
