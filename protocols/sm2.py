"""SM2 signatures with SM3 (GB/T 32918, GB/T 32905) in the form GD/J 081 sends them: r ‖ s and x ‖ y, big-endian.

Arithmetic only: who holds a key is the daemon's business (`ebcd.signing`). The work is done by the system's libcrypto,
or by gmssl-fast where libcrypto lacks SM2; both let a garbage signature be just `False`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import cache
from typing import Protocol

from protocols import der, sm2_curve
from protocols.errors import LocalProtocolError, RemoteProtocolError

PUBLIC_BYTES = 64
SIGNATURE_BYTES = 64
DRAWS_MAX = 64  # draws of a private key or nonce that may miss the range before the source is called broken

# GB/T 32918.5 annex A example key and a signature by it: whether an engine really does SM2 is asked at the first use.
_PROBE_KEY = bytes.fromhex(
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
_PROBE_MESSAGE = b"message digest"
_PROBE_SIGNATURE = bytes.fromhex(
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)


class Engine(Protocol):
    """What does the heavy work."""

    name: str

    def sm3(self, data: bytes) -> bytes:
        """GB/T 32905 digest."""

    def verifier(self, public: bytes) -> Callable[[bytes, bytes], bool]:
        """A reusable check by one key."""

    def signer(self, scalar: bytes, public: bytes) -> Callable[[bytes], bytes]:
        """A reusable signature by one key."""

    def read_pkcs8(self, pem: bytes, passphrase: bytes | None) -> int:
        """The private number in a PEM text."""

    def write_pkcs8(self, scalar: bytes, public: bytes, passphrase: bytes) -> bytes:
        """PEM text, encrypted."""


@cache
def _engine() -> Engine:
    from protocols.sm2_libcrypto import Libcrypto  # only here, so that a machine without it can still import this file

    try:
        engine: Engine = Libcrypto()
        if engine.verifier(_PROBE_KEY)(_PROBE_MESSAGE, _PROBE_SIGNATURE):
            return engine
        reason = "its libcrypto fails the standard's example"
    except OSError as error:
        reason = str(error)
    try:
        from protocols.sm2_gmssl import GmsslFast
    except ImportError as error:
        raise LocalProtocolError(f"this machine cannot do SM2: {reason}; install gmssl-fast") from error
    return GmsslFast()


def implementation() -> str:
    """Which library does the work, for `ebcd doctor`. Raises LocalProtocolError where none can."""
    return _engine().name


def sm3(data: bytes) -> bytes:
    """SM3 digest of 32 bytes (GB/T 32905 clause 5)."""
    return _engine().sm3(data)


class PublicKey:
    """A point that verifies. Equal by its bytes; contexts of the library are kept inside, any thread may use it."""

    __slots__ = ("_verify", "raw")

    def __init__(self, raw: bytes) -> None:
        """`raw`: x ‖ y, 64 bytes. Raises RemoteProtocolError("public_key") for anything that is no point."""
        if len(raw) != PUBLIC_BYTES:
            raise RemoteProtocolError("public_key", f"a public key has {PUBLIC_BYTES} bytes, here are {len(raw)}")
        if not sm2_curve.is_on_curve(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")):
            raise RemoteProtocolError("public_key", "the two numbers are no point of the SM2 curve")
        self.raw = bytes(raw)
        self._verify: Callable[[bytes, bytes], bool] | None = None

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` (r ‖ s) is this key's over `message`, with ZA of the usual id; garbage is not.

        GB/T 32918.2 clause 7.1, GD/J 081 clause 5.1.
        """
        if len(signature) != SIGNATURE_BYTES:
            return False
        verify = self._verify
        if verify is None:
            verify = self._verify = _engine().verifier(self.raw)
        return verify(bytes(message), bytes(signature))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and other.raw == self.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"PublicKey({self.raw.hex()[:16]}…)"


class PrivateKey:
    """A key that signs. It never shows its number; `to_pkcs8` is the one way out."""

    __slots__ = ("_scalar", "_sign", "public")

    def __init__(self, scalar: int) -> None:
        """Raises LocalProtocolError outside 1 … n-2."""
        if not 1 <= scalar <= sm2_curve.N - 2:
            raise LocalProtocolError("an SM2 private key lies between 1 and n-2")
        self._scalar = scalar.to_bytes(32, "big")
        x, y = sm2_curve.base_multiple(scalar)
        self.public = PublicKey(x.to_bytes(32, "big") + y.to_bytes(32, "big"))
        self._sign: Callable[[bytes], bytes] | None = None

    @classmethod
    def from_scalar(cls, scalar: int) -> PrivateKey:
        """From the number itself (vectors)."""
        return cls(scalar)

    @classmethod
    def generate(cls, entropy: Callable[[int], bytes]) -> PrivateKey:
        """A new key from `entropy(32)`, which must be secret outside simulations (os.urandom)."""
        return cls(_draw(entropy, sm2_curve.N - 2))

    @classmethod
    def from_pkcs8(cls, pem: bytes, passphrase: bytes | None = None) -> PrivateKey:
        """From PEM text. Raises RemoteProtocolError("key"): wrong passphrase, another curve, no key."""
        scalar = _engine().read_pkcs8(pem, passphrase)
        if not 1 <= scalar <= sm2_curve.N - 2:
            raise RemoteProtocolError("key", "the private number lies outside 1 … n-2")
        return cls(scalar)

    def to_pkcs8(self, passphrase: bytes | None = None) -> bytes:
        """PEM text: plain, or encrypted with AES-256 where a passphrase is given."""
        if passphrase:
            return _engine().write_pkcs8(self._scalar, self.public.raw, passphrase)
        body = base64.b64encode(der.pkcs8(self._scalar, self.public.raw))
        lines = [body[at : at + 64] for at in range(0, len(body), 64)]
        return b"\n".join((b"-----BEGIN PRIVATE KEY-----", *lines, b"-----END PRIVATE KEY-----", b""))

    def sign(self, message: bytes) -> bytes:
        """r ‖ s, 64 bytes, nonce by the library."""
        sign = self._sign
        if sign is None:
            sign = self._sign = _engine().signer(self._scalar, self.public.raw)
        return sign(bytes(message))

    def sign_repeatably(self, message: bytes, entropy: Callable[[int], bytes]) -> bytes:
        """The same with a nonce from a seeded source: for simulations, whose keys protect nothing."""
        d = int.from_bytes(self._scalar, "big")
        for _ in range(DRAWS_MAX):
            if pair := sm2_curve.sign_digest(d, _digest(self.public.raw, message), _draw(entropy, sm2_curve.N - 1)):
                return _raw(pair)
        raise LocalProtocolError("the entropy source repeats itself")

    def __repr__(self) -> str:
        return f"PrivateKey(of {self.public!r})"


def sign_with_nonce(d: int, message: bytes, k: int) -> bytes:
    """r ‖ s with a chosen nonce: worked examples only. Raises LocalProtocolError where the standard refuses k."""
    pair = sm2_curve.sign_digest(d, _digest(PrivateKey(d).public.raw, message), k)
    if pair is None:
        raise LocalProtocolError("this nonce gives no signature, take another")
    return _raw(pair)


def _digest(public: bytes, message: bytes) -> int:
    return int.from_bytes(sm3(sm3(sm2_curve.za_input(public)) + message), "big")


def _raw(pair: tuple[int, int]) -> bytes:
    return pair[0].to_bytes(32, "big") + pair[1].to_bytes(32, "big")


def _draw(entropy: Callable[[int], bytes], limit: int) -> int:
    for _ in range(DRAWS_MAX):
        if 1 <= (value := int.from_bytes(entropy(32), "big")) <= limit:
            return value
    raise LocalProtocolError("the entropy source gives no number in range")
