"""The trust folder as the configuration says to read it: for the daemon, check-config and `ebcd cert`."""

from __future__ import annotations

from pathlib import Path

from ebcd.settings import Settings
from ebcd.signing import TrustStore
from protocols.signature import number_from_text


def load_trust(settings: Settings, proven_serial: int | None = None, *, folder: Path | None = None) -> TrustStore:
    """`proven_serial`: what earlier lives remember, see `TrustStore.load`. `folder`: another one, read the same way."""
    trust = settings.trust
    return TrustStore.load(
        folder or trust.folder,
        [number_from_text(each) for each in trust.roots],
        number_from_text(settings.platform.certificate),
        proven_serial,
        versions=[int(each, 16) for each in trust.certificate_versions],
        chain_max=trust.chain_certificates_max,
    )
