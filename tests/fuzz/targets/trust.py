"""Keys, certificates and lists as peers send them (GD/J 081)."""

from __future__ import annotations

from protocols.errors import RemoteProtocolError
from protocols.signature import AuthorisationList, Certificate, SignatureBlock
from protocols.sm2 import PrivateKey, PublicKey
from tests.fuzz.properties import comes_back

POINT_BYTES = 64

signature_block = comes_back(SignatureBlock.decode, SignatureBlock.encode)
certificate = comes_back(Certificate.decode, Certificate.encode)
authorisation_list = comes_back(AuthorisationList.decode, AuthorisationList.encode)


def public_key(data: bytes) -> None:
    """A point or none; any signature is good or bad, never an error."""
    try:
        key = PublicKey(data[:POINT_BYTES])
    except RemoteProtocolError:
        return
    key.verify(data[2 * POINT_BYTES :], data[POINT_BYTES : 2 * POINT_BYTES])


def private_key(data: bytes) -> None:
    """A key file or none, encrypted or not."""
    for passphrase in (None, b"secret"):
        try:
            PrivateKey.from_pkcs8(data, passphrase)
        except RemoteProtocolError:
            continue
