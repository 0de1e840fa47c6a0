"""`ebcd accept`: the acceptance checklist of the platform interface (platform digest 11) played against a peer.

One checklist serves both roles. It judges the conversation between an upper platform and a county, whoever of the two
is us: what goes up, what comes down, which receipts. Only who acts differs: we do what our role can, and ask people for
the rest.
"""

from ebcd.acceptance.acts import Act, Hands
from ebcd.acceptance.checklist import CHECKLIST, Point
from ebcd.acceptance.conversation import Conversation
from ebcd.acceptance.findings import Finding, Verdict
from ebcd.acceptance.play import Pace, Result, play
from ebcd.acceptance.protocol import Protocol, seal, verify

__all__ = [
    "CHECKLIST",
    "Act",
    "Conversation",
    "Finding",
    "Hands",
    "Pace",
    "Point",
    "Protocol",
    "Result",
    "Verdict",
    "play",
    "seal",
    "verify",
]
