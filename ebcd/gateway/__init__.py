"""The platform gateway: packages in over HTTP, packages out, receipts both ways (GD/J 083). It knows no alert."""

from ebcd.gateway.client import (
    ClientEvent,
    Delivered,
    GatewayClient,
    PeerDown,
    PeerStatus,
    PeerUp,
    Undelivered,
    lane_of,
    worth_of,
)
from ebcd.gateway.judge import Desk, Judge, Posted, Received, Rejection
from ebcd.gateway.outbox import GatewayOutboxFull, Worth
from ebcd.gateway.peers import Letter, Peer, Writer
from ebcd.gateway.post import HttpPoster, Poster, PostFailed, read_receipt
from ebcd.gateway.server import GatewayLimits, GatewayServer

__all__ = [
    "ClientEvent",
    "Delivered",
    "Desk",
    "GatewayClient",
    "GatewayLimits",
    "GatewayOutboxFull",
    "GatewayServer",
    "HttpPoster",
    "Judge",
    "Letter",
    "Peer",
    "PeerDown",
    "PeerStatus",
    "PeerUp",
    "PostFailed",
    "Posted",
    "Poster",
    "Received",
    "Rejection",
    "Undelivered",
    "Worth",
    "Writer",
    "lane_of",
    "read_receipt",
    "worth_of",
]
