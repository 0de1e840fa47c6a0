"""The platforms we exchange packages with, and how our own packages are made for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ebcd.signing import FileProfile
from protocols.codes import EbdId
from protocols.ebd import (
    Detail,
    Ebd,
    Edition,
    Envelope,
    Naming,
    SignatureFile,
    decode,
    encode,
    encode_signature,
    pack,
    read_envelope,
    unpack,
)
from protocols.ebd.short_codes import shortened
from protocols.signature import CertificateNumber, SignatureBlock


class SignsFiles(Protocol):
    """The part of `ebcd.signing.Signer` that platform files need."""

    def sign_file(self, file: bytes, profile: FileProfile) -> SignatureBlock:
        """Sign one file with the signer's own time."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One platform (`[[upstream.peers]]`).

    `code` as the house knows it, 23 digits; a platform of the 2016 edition has a `naming`, which knows the codes it
    writes itself.
    """

    code: str
    url: str
    edition: Edition = Edition.Y2018
    profile: FileProfile = FileProfile.XML
    certificates: frozenset[CertificateNumber] = frozenset()  # which may sign for it
    require_signature: bool = True
    naming: Naming | None = None
    standby_url: str = ""

    @property
    def written_code(self) -> str:
        """SRC of its packages."""
        return (self.naming and shortened(self.code)) or self.code

    def read(self, xml: bytes) -> Ebd:
        """A document of this platform, in the codes of the house. Raises RemoteProtocolError."""
        ebd = decode(xml, edition=self.edition)
        return self.naming.into_house(ebd) if self.naming else ebd

    def number(self, ebd_id: str) -> str:
        """A package number that this platform wrote, as the house knows it."""
        return self.naming.package_in(ebd_id) if self.naming else ebd_id


@dataclass(frozen=True, slots=True)
class Letter:
    """A document of ours: fixed under its number, signed anew for each try, so that its time is fresh.

    `ebd_id` as the house knows it.
    """

    ebd_id: str
    xml: bytes
    signed: bool
    resources: Mapping[str, bytes]

    @property
    def written_id(self) -> str:
        """The number as the document has it. Raises RemoteProtocolError for bytes that are no document."""
        return read_envelope(self.xml).ebd_id

    @classmethod
    def from_archive(cls, archive: bytes) -> Letter:
        """A letter that was kept as a TAR, for instance over a restart. Raises RemoteProtocolError."""
        package = unpack(archive)
        return cls(package.ebd_id, package.xml, package.signature_xml is not None, package.resources)


class Writer:
    """Makes our packages: own code and URL as the sender, own numbers, own signature."""

    def __init__(
        self,
        *,
        code: str,
        url: str,
        next_ebd_id: Callable[[], str],
        signer: SignsFiles,
        wall: Callable[[], float],
        issuer: str = "",
    ) -> None:
        """`next_ebd_id` gives a number never used before, restarts included; `wall` is UTC seconds; `issuer` the
        certificate number that signed ours, 12 hex digits, which signature files of 2016 name."""
        self.code = code
        self._url = url
        self._next_ebd_id = next_ebd_id
        self._signer = signer
        self._wall = wall
        self._issuer = issuer

    def write(
        self,
        detail: Detail,
        edition: Edition,
        *,
        destination: str | None,
        related_ebd_id: str | None = None,
        signed: bool = True,
        resources: Mapping[str, bytes] | None = None,
        ebd_id: str | None = None,
        naming: Naming | None = None,
    ) -> Letter:
        """A document under the next number, or under `ebd_id`. All codes are those of the house; `naming` puts them
        into the receiver's. Raises LocalProtocolError."""
        number = ebd_id or self._next_ebd_id()
        envelope = Envelope(number, "", self.code, int(self._wall()), self._url, destination, related_ebd_id)
        ebd = Ebd(envelope, detail)
        xml = encode(naming.out_of_house(ebd) if naming else ebd, edition=edition)
        return Letter(number, xml, signed, resources or {})

    def heartbeat_id(self) -> str:
        """The number that every heartbeat of ours carries (GD/J 082)."""
        return EbdId.build(EbdId.HEARTBEAT, self.code, 0)

    def package(self, letter: Letter, edition: Edition, profile: FileProfile) -> bytes:
        """The TAR, signed now."""
        signature = None
        if letter.signed:
            block = self._signer.sign_file(letter.xml, profile).encode()
            file = SignatureFile(block, related_ebd_id=letter.written_id, issuer_text=self._issuer, form=edition)
            signature = encode_signature(file)
        return pack(letter.xml, signature, letter.resources)
