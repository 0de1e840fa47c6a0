"""The worked examples of GD/J 085 (tests/vectors/SOURCES.md) and the key they are signed with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from protocols.codes import EbmId, ResourceCode
from protocols.signature import Scope, SignatureBlock, signed_bytes
from protocols.sm2 import PrivateKey, sign_with_nonce

_FOLDER = Path(__file__).parents[2] / "vectors"
VECTORS: dict[str, Any] = json.loads((_FOLDER / "fm" / "gdj085.json").read_text(encoding="utf-8"))
PACKETS: dict[str, dict[str, Any]] = {
    each["name"]: each for each in json.loads((_FOLDER / "fm" / "packets.json").read_text(encoding="utf-8"))["packets"]
}
_CONTENT_PART = -4
AUTHORISATION_LIST = bytes.fromhex(PACKETS["6"]["parts"][_CONTENT_PART])
CERTIFICATE_BYTES = bytes.fromhex(PACKETS["7"]["parts"][_CONTENT_PART])[2:]
D = int(VECTORS["key"]["d"], 16)
K = int(VECTORS["key"]["k"], 16)
PUBLIC = PrivateKey.from_scalar(D).public
TIME = 0x68E77800
CERTIFICATE = bytes.fromhex("000000000201")
TARGET = ResourceCode("69999010000000314010400")
MESSAGE = EbmId("49999010000000103010101202510090001")
START = bytes.fromhex(VECTORS["start"]["packet"])
START_FRAMES = tuple(bytes.fromhex("".join(frame["words"])) for frame in VECTORS["start"]["frames"])


def sign(command: bytes, scope: Scope = Scope.CMD_TIME) -> SignatureBlock:
    """The examples' signer: fixed time, certificate and nonce."""
    block = SignatureBlock(TIME, CERTIFICATE, bytes(64))
    return SignatureBlock(TIME, CERTIFICATE, sign_with_nonce(D, signed_bytes(command, block, scope), K))


def start_on_air() -> int:
    """The 2496 bits of the worked start, put together from its printed words and checkwords."""
    bits = 0
    for frame in VECTORS["start"]["frames"]:
        for word, check in zip(frame["words"], frame["checks"], strict=True):
            bits = bits << 26 | int(word, 16) << 10 | int(check, 16)
    return bits
