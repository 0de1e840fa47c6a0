"""The certificates a reader was given, and what they say about a signature."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ebcd.decode.reading import Note, Signed
from protocols.errors import RemoteProtocolError
from protocols.signature import Certificate, CertificateNumber, Scope, SignatureBlock, number_text, signed_bytes
from protocols.sm2 import PublicKey

FRAME_SCOPES = (Scope.CMD_TIME, Scope.ALL_PRECEDING, Scope.COMMAND)
FILE_SCOPES = (Scope.COMMAND, Scope.CMD_TIME)


class Keys:
    """Certificates by number."""

    def __init__(self, certificates: Iterable[Certificate] = (), now_s: float | None = None) -> None:
        """`now_s`: UTC seconds, for a remark about what has expired; None: nobody asks. Raises
        RemoteProtocolError("public_key") for a certificate whose key is no point of the curve."""
        self.now_s = now_s
        self._by_number = {each.number: (each, PublicKey(each.public_key)) for each in certificates}

    def judge(
        self,
        command: bytes,
        block: SignatureBlock,
        scopes: Sequence[Scope] = FRAME_SCOPES,
        ranges: Sequence[tuple[str, int]] = (("", 0),),
    ) -> tuple[Signed, tuple[Note, ...]]:
        """Whether `block` signs `command`, under the first of `scopes` that fits.

        `ranges`: where else the signed bytes may begin, each with a name, for texts that disagree on it.
        """
        known = self._by_number.get(block.certificate)
        if known is None:
            return Signed.UNCHECKED, (Note("no_certificate", (("number", number_text(block.certificate)),)),)
        key = known[1]
        for name, start in ranges:
            for scope in scopes:
                if key.verify(signed_bytes(command[start:], block, scope), block.value):
                    shown = f"{name} {scope.value}".strip()
                    return Signed.OK, (Note("scope", (("scope", shown),)),)
        return Signed.BAD, ()

    def judge_plain(self, message: bytes, signer: CertificateNumber, value: bytes) -> Signed:
        """The same for certificates and lists, which carry a bare value over the bytes before it."""
        known = self._by_number.get(signer)
        if known is None:
            return Signed.UNCHECKED
        return Signed.OK if known[1].verify(message, value) else Signed.BAD


def is_own_signature(certificate: Certificate) -> Signed:
    """A certificate that names itself as its issuer is judged by its own key."""
    try:
        good = PublicKey(certificate.public_key).verify(certificate.signed_bytes(), certificate.signature)
    except RemoteProtocolError:
        return Signed.BAD
    return Signed.OK if good else Signed.BAD
