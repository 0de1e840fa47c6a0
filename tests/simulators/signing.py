"""Keys and a trust store for tests of simulated devices."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from protocols.signature import Certificate, SignatureBlock
from protocols.sm2 import PrivateKey
from simulators.trust import Trust

NOW = 1_760_000_000.0
PLATFORM_CERTIFICATE = bytes.fromhex("000000000201")
ADAPTER_CERTIFICATE = bytes.fromhex("000000000301")
ROOT = bytes.fromhex("000000000001")


@cache
def key(number: bytes) -> PrivateKey:
    """A key that belongs to a certificate number of these tests."""
    return PrivateKey.from_scalar(int.from_bytes(number, "big") + 12345)


def certificate(number: bytes, year: int = 2046) -> Certificate:
    """Signed by the root of these tests."""
    unsigned = Certificate(issuer=ROOT, number=number, year=year, month=12, public_key=key(number).public.raw)
    return unsigned.signed_by(key(ROOT).sign)


def trust(wall: Callable[[], float] = lambda: NOW) -> Trust:
    """The platform and one adapter are believed."""
    numbers = (ROOT, PLATFORM_CERTIFICATE, ADAPTER_CERTIFICATE)
    return Trust({number: certificate(number) for number in numbers}, wall, ROOT)


def signer(time: float = NOW, number: bytes = PLATFORM_CERTIFICATE) -> Callable[[bytes], SignatureBlock]:
    """Signs as `number` at `time`."""

    def sign(message: bytes) -> SignatureBlock:
        return SignatureBlock(int(time), number, key(number).sign(message + int(time).to_bytes(4, "big")))

    return sign
