"""SM2 and SM3 by the gmssl-fast wheel, where libcrypto was built without SM2; it is 3 to 5 times slower."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from importlib.metadata import version

import gmssl_fast

from protocols import der
from protocols.errors import LocalProtocolError, RemoteProtocolError

_BEGIN, _END = b"-----BEGIN PRIVATE KEY-----", b"-----END PRIVATE KEY-----"


class GmsslFast:
    """The wheel. It fixes the signer's id to the one that 081 needs."""

    def __init__(self) -> None:
        self.name = "gmssl-fast " + version("gmssl-fast")

    def sm3(self, data: bytes) -> bytes:
        """GB/T 32905 digest, 32 bytes."""
        return bytes(gmssl_fast.sm3(data))

    def verifier(self, public: bytes) -> Callable[[bytes, bytes], bool]:
        """A function (message, r ‖ s) -> valid."""
        key = gmssl_fast.SM2(public_key=public.hex())

        def verify(message: bytes, raw: bytes) -> bool:
            try:
                return bool(key.verify(message, raw))
            except (gmssl_fast.GmsslError, ValueError):
                return False

        return verify

    def signer(self, scalar: bytes, public: bytes) -> Callable[[bytes], bytes]:
        """A function message -> r ‖ s; the nonce is the library's own secret."""
        key = gmssl_fast.SM2(private_key=scalar.hex(), public_key=public.hex())
        return lambda message: bytes(key.sign(message))

    def read_pkcs8(self, pem: bytes, passphrase: bytes | None) -> int:
        """The private number of an unencrypted PEM file. Raises RemoteProtocolError("key")."""
        start, end = pem.find(_BEGIN), pem.find(_END)
        if start < 0 or end < start:
            kind = "is encrypted: that needs the system's libcrypto" if b"ENCRYPTED" in pem else "holds no private key"
            raise RemoteProtocolError("key", f"this PEM text {kind}")
        try:
            return der.scalar_of_pkcs8(base64.b64decode(pem[start + len(_BEGIN) : end]))
        except binascii.Error as error:
            raise RemoteProtocolError("key", f"PEM text is not Base64: {error}") from error

    def write_pkcs8(self, scalar: bytes, public: bytes, passphrase: bytes) -> bytes:
        """Refuses: this engine has no cipher for keys. Raises LocalProtocolError."""
        raise LocalProtocolError("encrypting a key needs the system's libcrypto with SM2; none was found")
