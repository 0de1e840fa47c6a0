"""Letters to a platform of the 2016 draft: made from the configuration, kept over a restart, in its own codes."""

from __future__ import annotations

from pathlib import Path as Folder

from ebcd.mailroom import Mailroom
from ebcd.metrics import Metrics
from ebcd.settings import load
from ebcd.signing import FileSigner, SignatureVerifier
from ebcd.signing.trust import TrustStore
from ebcd.store import Outgoing, open_store
from ebcd.world import World
from protocols.ebd import Edition, decode, decode_signature, unpack
from protocols.ebd.messages import EbmStateResponse
from protocols.ebd.short_codes import lengthened
from simulators.county import main as county
from simulators.county_toml import PROVINCE_CODES
from tests.virtual_time import VirtualClock

PROVINCE = lengthened(PROVINCE_CODES["2016"])


def mailroom(folder: Folder, clock: VirtualClock) -> Mailroom:
    """One as the daemon builds it, from a county under a province of 2016."""
    if not (folder / "ebcd.toml").exists():
        assert county(["--out", str(folder), "--terminals", "20", "--edition", "2016"]) == 0
    settings = load(folder / "ebcd.toml")
    store = open_store(settings.store.url, clock=clock, inline=True, fsync=False)
    trust = TrustStore.load(settings.trust.folder, [bytes.fromhex(root) for root in settings.trust.roots])
    signer = FileSigner.load(settings.platform.key, bytes.fromhex(settings.platform.certificate), clock)
    world = World.real(1)
    return Mailroom(settings, world, store, signer, SignatureVerifier(trust), Metrics(world.registry))


async def test_a_letter_that_waits_is_taken_up_and_signed_in_the_form_of_2016(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    first = mailroom(tmp_path, clock)
    await first.prepare()
    state = EbmStateResponse(1, f"{PROVINCE}202611220001", 2)
    letter = first._client.compose(PROVINCE, state)
    await first._store.outbox_put(Outgoing(letter.ebd_id, PROVINCE, "", letter.xml, 0.0))
    first._store.abandon()

    second = mailroom(tmp_path, clock)
    await second._letters._fetch()
    (status,) = second._client.statuses()
    assert (status.code, status.outbox_depth) == (PROVINCE_CODES["2016"], 1)
    waiting = second._client._lines[PROVINCE].outbox.take(second._world.clock.monotonic())
    assert waiting is not None
    assert waiting.lane == state.ebm_id
    assert waiting.letter.ebd_id == letter.ebd_id
    peer = second.peers[PROVINCE]
    package = unpack(second._writer.package(waiting.letter, peer.edition, peer.profile))
    sent = decode(package.xml, edition=Edition.Y2016)
    assert isinstance(sent.detail, EbmStateResponse)
    assert sent.detail.ebm_id == f"{PROVINCE_CODES['2016']}202611220001"
    assert package.signature_xml is not None
    signature = decode_signature(package.signature_xml)
    assert (signature.form, signature.issuer_text) == (Edition.Y2016, "000000000001")
    assert signature.related_ebd_id == sent.envelope.ebd_id
    second._store.abandon()
