"""The few DER forms that SM2 keys and signatures need (GB/T 35276, RFC 5208, RFC 5915)."""

from __future__ import annotations

from protocols.errors import RemoteProtocolError

_EC_PUBLIC_KEY = bytes.fromhex("06072A8648CE3D0201")
_SM2_CURVE = bytes.fromhex("06082A811CCF5501822D")  # 1.2.156.10197.1.301
_ALGORITHM = b"\x30\x13" + _EC_PUBLIC_KEY + _SM2_CURVE
_PRIVATE_SCALAR = bytes.fromhex("0201010420")  # ECPrivateKey version 1, then 32 bytes


def signature(raw: bytes) -> bytes:
    """r ‖ s of 64 bytes as SEQUENCE of two INTEGERs."""
    body = _integer(raw[:32]) + _integer(raw[32:])
    return b"\x30" + bytes((len(body),)) + body


def raw_signature(text: bytes) -> bytes:
    """Back to r ‖ s. The bytes are the library's own, so they are taken as well formed."""
    r_end = 4 + text[3]
    r, s = text[4:r_end], text[r_end + 2 :]
    return int.from_bytes(r, "big").to_bytes(32, "big") + int.from_bytes(s, "big").to_bytes(32, "big")


def public_key(raw: bytes) -> bytes:
    """SubjectPublicKeyInfo of x ‖ y."""
    return b"\x30\x59" + _ALGORITHM + b"\x03\x42\x00\x04" + raw


def pkcs8(scalar: bytes, public: bytes) -> bytes:
    """PrivateKeyInfo, unencrypted."""
    point = b"\xa1\x44\x03\x42\x00\x04" + public
    key = b"\x30\x6b" + _PRIVATE_SCALAR + scalar + point
    return b"\x30\x81\x87\x02\x01\x00" + _ALGORITHM + b"\x04\x6d" + key


def scalar_of_pkcs8(text: bytes) -> int:
    """The private number of an unencrypted PrivateKeyInfo. Raises RemoteProtocolError("key")."""
    start = text.find(_PRIVATE_SCALAR)
    if _SM2_CURVE not in text or start < 0 or len(text) < start + len(_PRIVATE_SCALAR) + 32:
        raise RemoteProtocolError("key", "this is no SM2 private key in PKCS#8")
    start += len(_PRIVATE_SCALAR)
    return int.from_bytes(text[start : start + 32], "big")


def _integer(magnitude: bytes) -> bytes:
    stripped = magnitude.lstrip(b"\0") or b"\0"
    if stripped[0] & 0x80:
        stripped = b"\0" + stripped
    return b"\x02" + bytes((len(stripped),)) + stripped
