"""Elements that a vendor's template left standing empty, and xmllint's opinion of what we write."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from protocols.ebd import EbdType, Edition, decode, encode
from protocols.ebd.codec import Ebd
from protocols.ebd.messages import Ebm
from protocols.ebd.reports import EbrdtState
from tests.protocols.ebd import samples


def test_an_empty_resource_of_a_message_is_no_resource() -> None:
    xml = encode(Ebd(samples.envelope(EbdType.EBM), samples.message()))
    hollow = b"<Auxiliary><AuxiliaryType> </AuxiliaryType><AuxiliaryDesc/></Auxiliary></MsgContent>"
    detail = decode(xml.replace(b"</MsgContent>", hollow)).detail
    assert detail == samples.message()


def test_an_empty_head_of_a_daily_message_is_no_head() -> None:
    daily = samples.message(ebm_id=samples.EBM_ID[:-4] + "0000", basic=None)
    xml = encode(Ebd(samples.envelope(EbdType.EBM), daily)).replace(b"<MsgContent>", b"<MsgBasicInfo/><MsgContent>")
    detail = decode(xml).detail
    assert isinstance(detail, Ebm)
    assert detail.basic is None


def test_a_list_with_one_empty_item_is_an_empty_list() -> None:
    xml = encode(Ebd(samples.envelope(EbdType.EBRDT_STATE), EbrdtState()))
    assert decode(xml.replace(b"<EBRDTState/>", b"<EBRDTState><EBRDT/></EBRDTState>")).detail == EbrdtState()


@pytest.mark.real
@pytest.mark.skipif(shutil.which("xmllint") is None, reason="no xmllint on this machine")
def test_xmllint_reads_every_type(tmp_path: Path) -> None:
    for kind in EbdType:
        for seed in range(3):
            (tmp_path / f"{kind}-{seed}.xml").write_bytes(encode(samples.document_of(kind, Edition.Y2018, seed)))
    files = sorted(str(file) for file in tmp_path.iterdir())
    subprocess.run(["xmllint", "--noout", "--nonet", *files], check=True)
