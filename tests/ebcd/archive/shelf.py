"""Firmware on a web server that is not there: addresses, images, signatures, certificates."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from devices.ports import Clock
from ebcd.archive.images import FetchFailed, Images
from ebcd.signing import TrustStore
from ebcd.signing.trust import Trusted
from protocols.signature import CertificateNumber, SignatureBlock, signed_bytes
from tests.simulators.signing import ADAPTER_CERTIFICATE, PLATFORM_CERTIFICATE, certificate, key

SIGNER, STRANGER = PLATFORM_CERTIFICATE, ADAPTER_CERTIFICATE
NEW, OLD = "http://10.1.1.1/new.bin", "http://10.1.1.1/old.bin"


def sign(data: bytes, number: CertificateNumber = SIGNER, time: int = 1_700_000_000) -> bytes:
    """74 bytes over an image; as old as one likes."""
    block = SignatureBlock(time, number, bytes(64))
    return replace(block, value=key(number).sign(signed_bytes(data, block))).encode()


@dataclass
class Shelf:
    """Two signed images. `year`: until when certificates are valid."""

    clock: Clock
    year: int = 2046
    files: dict[str, bytes] = field(default_factory=dict)
    signers: tuple[CertificateNumber, ...] = (SIGNER,)
    known: tuple[CertificateNumber, ...] = (SIGNER, STRANGER)

    def __post_init__(self) -> None:
        """Both are good."""
        for url, data in ((NEW, b"new image"), (OLD, b"old image")):
            self.put(url, data)

    def put(self, url: str, data: bytes) -> None:
        """An image and its signature."""
        self.files[url], self.files[url + ".sig"] = data, sign(data)

    @property
    def images(self) -> Images:
        """Who judges them."""
        return Images(self._fetch, self._trust, self.signers, self.clock, in_thread=False)

    async def _fetch(self, url: str, bytes_max: int) -> bytes:
        if url not in self.files:
            raise FetchFailed(f"{url}: HTTP 404")
        if len(self.files[url]) > bytes_max:
            raise FetchFailed(f"{url}: more than {bytes_max} bytes")
        return self.files[url]

    def _trust(self) -> TrustStore:
        certificates = [certificate(number, self.year) for number in self.known]
        return TrustStore([Trusted(each, key(each.number).public, "") for each in certificates])
