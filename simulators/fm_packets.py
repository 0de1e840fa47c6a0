"""What a received packet is worth: decoded, addressed, signed by a trusted certificate, in time (GD/J 085 section 8).

The order of checks is that of fm-rds.md section 10. A real terminal does every one of them on its own processor; here
the answer that depends on the bytes alone (layout, signature) is worked out once per distinct packet and certificate
and kept, so that six hundred terminals fit one process.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, TypeVar

from protocols.errors import RemoteProtocolError
from protocols.fm.packet import Packet, decode_packet, verify
from protocols.signature import Certificate, Scope
from protocols.sm2 import PublicKey

KNOWN_PACKETS_MAX: Final = 256
TIME_WINDOW_S: Final = 300
UTC_FROM: Final = 1_420_070_400  # 2015-01-01: a smaller value is a signing box's counter (signature.md section 3)
SCOPES: Final = (Scope.CMD_TIME, Scope.ALL_PRECEDING)

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


class PacketVerifier:
    """Decodes and verifies each distinct packet once. `verified` counts the SM2 operations."""

    def __init__(self) -> None:
        self._packets: OrderedDict[bytes, Packet | RemoteProtocolError] = OrderedDict()
        self._verdicts: OrderedDict[tuple[bytes, bytes], bool] = OrderedDict()
        self.verified = 0

    def decode(self, data: bytes) -> Packet:
        """The packet. Raises RemoteProtocolError."""
        known = self._packets.get(data)
        if known is None:
            try:
                known = decode_packet(data)
            except RemoteProtocolError as error:
                known = error
            _keep(self._packets, data, known)
        if isinstance(known, RemoteProtocolError):
            raise known
        return known

    def check(self, packet: Packet, trusted: Mapping[bytes, Certificate], wall_s: float) -> Certificate:
        """The certificate that signed it. Raises RemoteProtocolError("certificate" | "signature" | "time")."""
        block = packet.signature
        certificate = trusted.get(block.certificate)
        if certificate is None:
            raise RemoteProtocolError("certificate", f"{block.certificate.hex()} is not trusted here")
        if not certificate.valid_at(wall_s):
            raise RemoteProtocolError("certificate", f"{block.certificate.hex()} has expired")
        if not self._signed(packet, certificate.public_key):
            raise RemoteProtocolError("signature", "the SM2 signature is wrong")
        if block.time >= UTC_FROM and abs(block.time - wall_s) > TIME_WINDOW_S:
            raise RemoteProtocolError(
                "time", f"signed {block.time - wall_s:+.0f} s from now, {TIME_WINDOW_S} s are let"
            )
        return certificate

    def _signed(self, packet: Packet, public_key: bytes) -> bool:
        key = (packet.encode(), public_key)
        verdict = self._verdicts.get(key)
        if verdict is None:
            self.verified += 1
            try:
                verdict = verify(packet, PublicKey(public_key), SCOPES) is not None
            except RemoteProtocolError:  # the certificate's key is no point of the curve
                verdict = False
            _keep(self._verdicts, key, verdict)
        return verdict


def _keep(known: OrderedDict[KeyT, ValueT], key: KeyT, value: ValueT) -> None:
    known[key] = value
    if len(known) > KNOWN_PACKETS_MAX:
        known.popitem(last=False)
