"""Short messages as modems carry them in PDU mode (3GPP TS 23.040, 23.038, 27.005): texts out in UCS-2, texts in from
every alphabet, long ones in parts."""

from protocols.gsm.alphabet import decode_septets
from protocols.gsm.pdu import Delivered, Parts, Submission, decode_deliver, encode_submit

__all__ = ["Delivered", "Parts", "Submission", "decode_deliver", "decode_septets", "encode_submit"]
