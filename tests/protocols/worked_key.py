"""The public example key of GB/T 32918.5 with one fixed nonce: worked signatures come out the same again."""

from __future__ import annotations

from protocols.signature import SignatureBlock
from protocols.sm2 import PrivateKey, sign_with_nonce

SCALAR = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8
NONCE = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
TIME = 0x68E77800
CERTIFICATE = bytes.fromhex("000000000201")
PUBLIC = PrivateKey.from_scalar(SCALAR).public


def sign(command: bytes) -> SignatureBlock:
    """`protocols.signature.Sign` of the worked examples."""
    value = sign_with_nonce(SCALAR, command + TIME.to_bytes(4, "big"), NONCE)
    return SignatureBlock(TIME, CERTIFICATE, value)


def is_signed(signed: bytes, block: SignatureBlock | None) -> bool:
    """Whether the example key signed these bytes and the block's time."""
    return block is not None and PUBLIC.verify(signed + block.time.to_bytes(4, "big"), block.value)
