"""Elements that a vendor's template left standing empty, and xmllint's opinion of what we write."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from protocols.ebd import EbdType, Edition, decode, encode
from protocols.ebd.codec import TYPE_OF, Ebd
from protocols.ebd.messages import ConnectionCheck, Coverage, Ebm, EbmStateResponse, OmdRequest, ResourceBroadcast
from protocols.ebd.reports import BroadcastDeviceInfo, EbrbsInfo, EbrdtState
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


_COVERAGE = b"<Coverage><CoverageRate/><AreaCode> </AreaCode><ResBrdStat/></Coverage>"
_CHANNELS = (
    b"<RadioParams><ChannelName/><Freq/><Power/><Backup/><AutoSwitch/><RemoteControl/></RadioParams>"
    b"<TVParams><ChannelName/><Freq/><ProgramNum/><ChannelNum/></TVParams><Schedule><Switch/></Schedule>"
)
TEMPLATES = {
    # what stands in the document, the detail it must be read as
    "coverage of a feedback": (
        b"<RptTime>2026-11-22 14:00:00</RptTime><EBM><EBMID>%s</EBMID></EBM><BrdStateCode>2</BrdStateCode>"
        b"<BrdStateDesc/>%s<ResBrdInfo><ResBrdItem><EBRPS><EBRID/></EBRPS></ResBrdItem></ResBrdInfo>"
        % (samples.EBM_ID.encode(), _COVERAGE),
        EbmStateResponse(samples.START, samples.EBM_ID, 2),
    ),
    "period of a question": (
        b"<OMDType>EBRDTInfo</OMDType><Params><RptStartTime/><RptEndTime/><RptType/></Params>",
        OmdRequest("EBRDTInfo"),
    ),
    "channels of a transmitter": (
        b"<Params/><EBRBS><RptTime>2026-11-22 14:00:00</RptTime><RptType>Sync</RptType><EBRID>%s</EBRID>%s</EBRBS>"
        % (samples.COUNTY.encode(), _CHANNELS),
        EbrbsInfo((BroadcastDeviceInfo(samples.START, samples.COUNTY),)),
    ),
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_empty_elements_of_a_template_say_nothing_and_are_not_passed_on(name: str) -> None:
    inner, expected = TEMPLATES[name]
    kind = TYPE_OF[type(expected)]
    head = encode(Ebd(samples.envelope(EbdType.CONNECTION_CHECK), ConnectionCheck(0)))
    xml = head.replace(b"ConnectionCheck", kind.encode()).replace(b"<RptTime>1970-01-01 08:00:00</RptTime>", inner)
    ebd = decode(xml)
    assert ebd.detail == expected
    assert not re.search(rb"Coverage|Params|Schedule", encode(ebd))


def test_a_record_without_content_is_not_written() -> None:
    state = EbmStateResponse(samples.START, samples.EBM_ID, 2, coverage=Coverage(), resources=(ResourceBroadcast(),))
    written = encode(Ebd(samples.envelope(EbdType.EBM_STATE_RESPONSE), state))
    assert written.endswith(b"<BrdStateDesc/><ResBrdInfo/></EBMStateResponse></EBD>")


def test_a_second_text_of_a_template_stops_no_message() -> None:
    xml = encode(Ebd(samples.envelope(EbdType.EBM), samples.message()))
    empty = b"</MsgContent><MsgContent><LanguageCode/><MsgTitle/><MsgDesc/><AreaCode/></MsgContent>"
    assert decode(xml.replace(b"</MsgContent>", empty)).detail == samples.message()


@pytest.mark.real
@pytest.mark.skipif(shutil.which("xmllint") is None, reason="no xmllint on this machine")
def test_xmllint_reads_every_type(tmp_path: Path) -> None:
    for kind in EbdType:
        for seed in range(3):
            (tmp_path / f"{kind}-{seed}.xml").write_bytes(encode(samples.document_of(kind, Edition.Y2018, seed)))
    files = sorted(str(file) for file in tmp_path.iterdir())
    subprocess.run(["xmllint", "--noout", "--nonet", *files], check=True)
