"""sd_notify: what systemd is told (sd_notify(3)). Nothing happens where it did not ask."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


def notify(state: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send one assignment such as READY=1; False where there is nobody to tell."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        try:
            door.sendto(state.encode(), address)
        except OSError:
            return False
    return True
