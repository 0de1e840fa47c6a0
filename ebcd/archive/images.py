"""Firmware images: fetched from where devices will fetch them, and let pass with a signature of ours only.

An image at URL is signed by 74 bytes at URL.sig (time, certificate number, r, s; GD/J 081 clause 5.4): the signed bytes
are those of the image and the four of the time. The certificate must be one of `[trust] firmware_signers`, on file with
a chain to a pinned root, and valid. Devices check the MD5 that 0xA1 carries, nothing else; so it is checked here, too.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from devices.ports import Clock
from ebcd.signing import TrustStore
from protocols.errors import RemoteProtocolError
from protocols.signature import BLOCK_BYTES, CertificateNumber, SignatureBlock, number_text, signed_bytes

IMAGE_BYTES_MAX = 64 * 2**20
SUFFIX = ".sig"

Fetch = Callable[[str, int], Awaitable[bytes]]
"""Gets what lies at an address, at most so many bytes. Raises FetchFailed."""


class FetchFailed(Exception):
    """Nothing, or too much, lies there; the text says why."""


class ImageRefused(Exception):
    """An image may not go out. `what` names its sentence, `problem.image_<what>`; `detail`: what is wrong."""

    def __init__(self, what: str, detail: str) -> None:
        super().__init__(f"{what}: {detail}")
        self.what = what
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Image:
    """One version. `md5`: 32 hexadecimal digits; `version` 8."""

    url: str
    version: str
    md5: str


class Images:
    """Judges images. `trust`: the certificates on file now."""

    def __init__(
        self,
        fetch: Fetch,
        trust: Callable[[], TrustStore],
        signers: Collection[CertificateNumber],
        clock: Clock,
        *,
        in_thread: bool,
    ) -> None:
        self._fetch = fetch
        self._trust = trust
        self._signers = frozenset(signers)
        self._clock = clock
        self._in_thread = in_thread

    async def check(self, image: Image) -> Image:
        """The image with its MD5, which may have been left out. Raises ImageRefused."""
        try:
            data = await self._fetch(image.url, IMAGE_BYTES_MAX)
        except FetchFailed as error:
            raise ImageRefused("unfetched", str(error)) from None
        try:
            block = SignatureBlock.decode(await self._fetch(image.url + SUFFIX, BLOCK_BYTES))
        except (FetchFailed, RemoteProtocolError) as error:
            raise ImageRefused("unsigned", str(error)) from None
        if self._in_thread:
            return await asyncio.to_thread(self._judge, image, data, block)
        return self._judge(image, data, block)

    def _judge(self, image: Image, data: bytes, block: SignatureBlock) -> Image:
        found = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if image.md5 and image.md5.lower() != found:
            raise ImageRefused("md5", found)
        number, trust = number_text(block.certificate), self._trust()
        if block.is_empty:
            raise ImageRefused("unsigned", number)
        if block.certificate not in self._signers:
            raise ImageRefused("signer", number)
        signer = trust.get(block.certificate)
        if signer is None or not trust.permits(block.certificate):
            raise ImageRefused("certificate", number)
        if not signer.certificate.valid_at(self._clock.wall()):
            raise ImageRefused("certificate", number)
        if not signer.key.verify(signed_bytes(data, block), block.value):
            raise ImageRefused("signature", number)
        return Image(image.url, image.version, found)
