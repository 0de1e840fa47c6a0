"""A certificate authority for tests: a root, and certificates by number."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

from protocols.signature import AuthorisationList, Certificate, CertificateNumber, number_from_text, number_text
from protocols.sm2 import PrivateKey

ROOT = number_from_text("000000000001")
PEER = number_from_text("000000000101")
OTHER = number_from_text("000000000201")


@dataclass
class FixedClock:
    """A clock that stands where the test puts it."""

    now_s: float = 1_760_000_000.0

    def wall(self) -> float:
        return self.now_s

    def monotonic(self) -> float:
        return self.now_s


@dataclass
class Authority:
    """Issues into one folder."""

    folder: Path
    keys: dict[CertificateNumber, PrivateKey] = field(default_factory=dict)
    chance: random.Random = field(default_factory=lambda: random.Random(11))

    def __post_init__(self) -> None:
        self.issue(ROOT, ROOT)

    def issue(self, number: CertificateNumber, issuer: CertificateNumber = ROOT, *, year: int = 2040) -> Certificate:
        """A good certificate, written as NUMBER.cer."""
        key = self.keys.setdefault(number, PrivateKey.generate(self.chance.randbytes))
        plain = Certificate(issuer, number, year, 12, key.public.raw)
        certificate = plain.signed_by(self.keys[issuer].sign)
        self.write(number_text(number), certificate.encode())
        return certificate

    def list_for(
        self,
        receiver: CertificateNumber,
        serial: int,
        *numbers: CertificateNumber,
        signer: CertificateNumber = ROOT,
        name: str = "",
    ) -> AuthorisationList:
        """A signed list, written as RECEIVER-SERIAL.lst."""
        listed = AuthorisationList(receiver, serial, numbers, signer).signed_by(self.keys[signer].sign)
        (self.folder / f"{name or f'{number_text(receiver)}-{serial:03d}'}.lst").write_bytes(listed.encode())
        return listed

    def take_lists_away(self) -> None:
        """Nothing but certificates is left."""
        for file in self.folder.glob("*.lst"):
            file.unlink()

    def write(self, name: str, data: bytes) -> None:
        (self.folder / f"{name}.cer").write_bytes(data)
