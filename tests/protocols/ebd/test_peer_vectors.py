"""Packages of deployed platforms, where the folder with them is present."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from protocols.ebd import Edition, decode, decode_signature, encode, encode_signature
from protocols.ebd.messages import ConnectionCheck, EbmStateResponse, ResourceBroadcast
from protocols.ebd.reports import EbrdtState
from protocols.ebd.values import parse_time
from protocols.errors import RemoteProtocolError

FOLDER = Path(os.environ.get("EBCD_PEER_VECTORS", Path(__file__).parents[4] / "shared" / "vectors")) / "platform"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no peer vectors in {FOLDER} (EBCD_PEER_VECTORS)")


def _only(folder: str, prefix: str) -> bytes:
    (path,) = (FOLDER / folder).glob(f"{prefix}_*.xml")
    return path.read_bytes()


def test_every_document_reads_and_writes_back_by_value() -> None:
    for path in FOLDER.glob("*/EBDB_*.xml"):
        ebd = decode(path.read_bytes(), edition=Edition.Y2016)
        assert ebd.envelope.ebd_id == path.stem.removeprefix("EBDB_")
        assert decode(encode(ebd, edition=ebd.envelope.edition), edition=Edition.Y2016) == ebd


def test_every_signature_reads_and_writes_back_by_value() -> None:
    for path in FOLDER.glob("*/EBDS_*.xml"):
        signature = decode_signature(path.read_bytes())
        assert signature.related_ebd_id == path.stem.removeprefix("EBDS_EBDB_")
        again = decode_signature(encode_signature(signature))
        assert (again.block, again.form) == (signature.block, signature.form)


def test_yunnan_2019() -> None:
    ebd = decode(_only("e351e727", "EBDB"))
    sent = parse_time("2019-04-28 15:58:42")
    assert ebd.detail == EbmStateResponse(sent, "45300000000000101010101201903240001", 2, "播发中")
    signature = decode_signature(_only("27e8adc7", "EBDS"))
    assert (signature.time_or_counter, signature.certificate.hex()) == (sent, "000000000001")


def test_hunan_2019_names_the_package_it_answers() -> None:
    ebd = decode(_only("f6c3c62a", "EBDB"))
    assert ebd.envelope.related_ebd_id == "10243000000000001020101010000000000030585"
    assert isinstance(ebd.detail, EbmStateResponse)
    assert ebd.detail.resources == (ResourceBroadcast(platform="44312810000000314010101"),)


def test_chongqing_2018() -> None:
    ebd = decode(_only("e56daf56", "EBDB"))
    assert ebd.envelope.destination == "45001160000000101010101"
    assert ebd.detail == ConnectionCheck(parse_time("2018-08-24 10:56:12"))


def test_lishui_2018_only_for_a_peer_of_2016() -> None:
    xml = _only("6e8b497e", "EBDB")
    assert decode(xml, edition=Edition.Y2016).envelope.source == "010333112400000001"
    with pytest.raises(RemoteProtocolError) as refusal:
        decode(xml)
    assert refusal.value.reason == "edition"
    signature = decode_signature(_only("99c84e3b", "EBDS"))
    assert (signature.form, signature.certificate.hex(), signature.issuer_text) == (
        Edition.Y2016,
        "000000003363",
        "000000000075",
    )


def test_jiangxi_2019_from_a_crypto_box() -> None:
    assert decode(_only("7bb0ae85", "EBDB")).detail == EbrdtState()
    signature = decode_signature(_only("617b3149", "EBDS"))
    assert (signature.time_or_counter, signature.certificate.hex()) == (0x8A, "000036010002")
