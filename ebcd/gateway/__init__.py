"""The platform gateway: packages in over HTTP, packages out, receipts both ways (GD/J 083). It knows no alert."""

from ebcd.gateway.client import LETTERS_MAX, GatewayClient, lane_of, worth_of
from ebcd.gateway.judge import READINGS, Answer, Desk, Judge, Posted, Received, Rejection
from ebcd.gateway.news import (
    PUSHED_OUT,
    ClientEvent,
    Delivered,
    Exchanged,
    PeerDown,
    PeerStatus,
    PeerUp,
    RouteSwitched,
    Undelivered,
)
from ebcd.gateway.outbox import GatewayOutboxFull, Worth
from ebcd.gateway.peers import Letter, Peer, Writer
from ebcd.gateway.post import HttpPoster, Poster, PostFailed, read_receipt
from ebcd.gateway.server import GatewayLimits, GatewayServer

__all__ = [
    "LETTERS_MAX",
    "PUSHED_OUT",
    "READINGS",
    "Answer",
    "ClientEvent",
    "Delivered",
    "Desk",
    "Exchanged",
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
    "RouteSwitched",
    "Undelivered",
    "Worth",
    "Writer",
    "lane_of",
    "read_receipt",
    "worth_of",
]
