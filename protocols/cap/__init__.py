"""Warnings of other authorities: CAP 1.2 and the Chinese profile GB/T 35965.1, and what to broadcast of them."""

from __future__ import annotations

from protocols.cap.codec import decode, encode
from protocols.cap.order import Order, orders_of
from protocols.cap.values import (
    Area,
    Dialect,
    Geocode,
    Info,
    Kind,
    NamedValue,
    PublicWarning,
    Reference,
    Resource,
    Severity,
    Status,
)

__all__ = (
    "Area",
    "Dialect",
    "Geocode",
    "Info",
    "Kind",
    "NamedValue",
    "Order",
    "PublicWarning",
    "Reference",
    "Resource",
    "Severity",
    "Status",
    "decode",
    "encode",
    "orders_of",
)
