"""Which certificates a receiver may trust: the rules of authorisation lists (GD/J 081 clauses 5.1, 5.5, 6.5).

The same for our platform and for the security module of a simulated device. A receiver trusts exactly the certificates
of its newest list, so leaving a number out revokes it. A new list is applied whole or not at all; the one before it
counts too until the new one has verified a command, so that a wrong list can still be put right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from protocols.errors import RemoteProtocolError
from protocols.signature import AuthorisationList, Certificate, CertificateNumber, number_text
from protocols.sm2 import PublicKey

CHAIN_CERTIFICATES_MAX = 3
"""From a signer's certificate to the root, both counted (signature.md 6: depth beyond one issuer is not described)."""


class ListVerdict(StrEnum):
    """What a received list means for one receiver."""

    NEWER = "newer"
    SAME = "same"  # identical bytes: nothing to do
    FOREIGN = "foreign"  # for another receiver: broadcast bearers carry lists for many
    OLD = "old"  # its serial is not 1 … 127 ahead
    CONFLICT = "conflict"  # the serial of ours with other content
    UNKNOWN_SIGNER = "unknown_signer"
    WRONG_SIGNER = "wrong_signer"  # a certificate outside the management system
    BAD_SIGNATURE = "bad_signature"


def list_signer_fault(listed: AuthorisationList, signer: Certificate | None, *, pinned: bool) -> ListVerdict | None:
    """Why the list's signature does not count, or None. `signer` is the certificate of SigSN whose chain holds;
    only a root or a number of the management system (00-FF) may sign lists."""
    if signer is None:
        return ListVerdict.UNKNOWN_SIGNER
    if not pinned and not signer.is_reserved:
        return ListVerdict.WRONG_SIGNER
    good = PublicKey(signer.public_key).verify(listed.signed_bytes(), listed.signature)
    return None if good else ListVerdict.BAD_SIGNATURE


@dataclass(slots=True)
class Authorisation:
    """One receiver's lists. Without any, whoever has a good certificate is trusted."""

    receiver: CertificateNumber
    current: AuthorisationList | None = None
    previous: AuthorisationList | None = None  # counts until `current` has verified a command

    def judge(self, listed: AuthorisationList) -> ListVerdict:
        """What a list whose signature is good means here; changes nothing."""
        if listed.receiver != self.receiver:
            return ListVerdict.FOREIGN
        if self.current is None or listed.follows(self.current.serial):
            return ListVerdict.NEWER
        if listed.serial != self.current.serial:
            return ListVerdict.OLD
        return ListVerdict.SAME if listed.encode() == self.current.encode() else ListVerdict.CONFLICT

    def apply(self, listed: AuthorisationList) -> None:
        """Put a newer list in force. A list that replaces one which verified nothing keeps the one before that."""
        if self.current is not None and self.previous is None:
            self.previous = self.current
        self.current = listed

    def permits(self, number: CertificateNumber) -> bool:
        """Whether this certificate may sign commands to the receiver."""
        lists = [each for each in (self.current, self.previous) if each is not None]
        return not lists or any(number in each.certificates for each in lists)

    def verified(self, number: CertificateNumber) -> bool:
        """A command of this certificate was verified; True when that ended the list before."""
        if self.previous is None or self.current is None or number not in self.current.certificates:
            return False
        self.previous = None
        return True


@dataclass(frozen=True, slots=True)
class CheckedUpdate:
    """An update that may be applied: certificates whose chain holds, and the list for this receiver, if any."""

    certificates: tuple[Certificate, ...]
    newer: AuthorisationList | None


def check_update(
    lists: tuple[bytes, ...],
    certificates: tuple[bytes, ...],
    *,
    known: Mapping[CertificateNumber, Certificate],
    root: CertificateNumber,
    authorisation: Authorisation,
) -> CheckedUpdate:
    """Read and judge a certificate update (089 D.11, A.21; 085 types 6 and 7) without changing anything.

    `known` are certificates that the receiver holds, each under `root`, the root among them. Lists for others and
    the list in force are passed over. Raises RemoteProtocolError("certificate", "list", "length", "public_key").
    """
    held = dict(known)
    fresh = sorted((Certificate.decode(data) for data in certificates), key=lambda each: not each.is_reserved)
    for certificate in fresh:
        _admit(certificate, held, root)
    newer: AuthorisationList | None = None
    for data in lists:
        listed = AuthorisationList.decode(data)
        if listed.receiver != authorisation.receiver:
            continue
        fault = list_signer_fault(listed, held.get(listed.signer), pinned=listed.signer == root)
        verdict = fault or authorisation.judge(listed)
        if verdict is ListVerdict.NEWER:
            newer = listed if newer is None or listed.follows(newer.serial) else newer
        elif verdict is not ListVerdict.SAME:
            raise RemoteProtocolError("list", f"list {listed.serial} is refused: {verdict}")
    return CheckedUpdate(tuple(fresh), newer)


def _admit(certificate: Certificate, held: dict[CertificateNumber, Certificate], root: CertificateNumber) -> None:
    """Add one certificate to those held. Raises RemoteProtocolError."""
    number = number_text(certificate.number)
    if certificate.number == root:
        if certificate != held.get(root):
            raise RemoteProtocolError("certificate", f"{number} is the pinned root and cannot be replaced")
        return
    issuer = held.get(certificate.issuer)
    if issuer is None or issuer.number == certificate.number:
        raise RemoteProtocolError("certificate", f"the issuer of {number} is not known")
    if issuer.number != root and not issuer.is_reserved:
        raise RemoteProtocolError("certificate", f"{number_text(issuer.number)} may not issue {number}")
    length, above = 2, issuer
    while above.number != root and length <= CHAIN_CERTIFICATES_MAX:
        length, above = length + 1, held[above.issuer]
    if length > CHAIN_CERTIFICATES_MAX:
        raise RemoteProtocolError("certificate", f"the chain of {number} has more than {CHAIN_CERTIFICATES_MAX}")
    PublicKey(certificate.public_key)
    if not PublicKey(issuer.public_key).verify(certificate.signed_bytes(), certificate.signature):
        raise RemoteProtocolError("certificate", f"{number} is not signed by its issuer")
    held[certificate.number] = certificate
