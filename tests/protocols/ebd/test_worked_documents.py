"""Documents worked by hand from platform.md 3, 4.5 and 7: what they mean, and that we write the same bytes.

`tests/vectors/platform/2018.xsd` states what may be sent and in which order; lxml and xmllint both judge by it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from protocols.ebd import EbdType, Edition, decode, decode_signature, encode, encode_signature
from protocols.ebd.codec import RECORDS, Ebd
from protocols.ebd.information import decode_information, encode_information
from protocols.ebd.reports import Switch, VendorParameter

FOLDER = Path(__file__).parents[2] / "vectors" / "platform"
SCHEMA = FOLDER / "2018.xsd"
COUNTY = "43415230000000101010101"
EBM_ID = "23400000000000101010101202611220001"
ASKED = "10234000000000001010101010000000000030585"
TWO = 1_795_327_200  # 2026-11-22 14:00:00 in Beijing: 20,779 days and 6 hours after 1970-01-01 UTC


def _bytes(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def _bare(xml: bytes) -> bytes:
    """Without the comment that shows the working, and without the blanks between elements."""
    head, _, rest = re.sub(rb"<!--.*?-->\s*", b"", xml).partition(b"\n")
    return head + b"\n" + re.sub(rb">\s+<", b"><", rest.strip())


MEANINGS: dict[str, dict[str, Any]] = {
    "EBM": {
        "envelope.destination": COUNTY,
        "envelope.ebd_id": ASKED,
        "envelope.time": TWO,
        "detail.ebm_id": EBM_ID,
        "detail.related_ebm_id": "23400000000000101010101202611210009",
        "detail.related_info_id": "2340000000000010101010110203202611220001",
        "detail.basic.msg_type": 1,
        "detail.basic.send_time": TWO - 60,
        "detail.basic.event_type": "11B03",
        "detail.basic.severity": 1,
        "detail.basic.start_time": TWO,
        "detail.basic.end_time": TWO + 600,
        "detail.contents[0].area_codes": ("341523000000", "341524100200"),
        "detail.contents[0].program_num": 3,
        "detail.contents[0].auxiliaries[0].size_bytes": 480_078,
        "detail.contents[0].auxiliaries[1].type": 61,
        "detail.dispatches[0].platform": COUNTY,
        "detail.dispatches[0].station": "43415230000000301010101",
        "detail.dispatches[0].adapter": "43415230000000301010201",
        "detail.dispatches[0].broadcasts[0].types": ("0314", "0301"),
    },
    "EBMStateRequest": {"detail.ebm_id": EBM_ID},
    "EBMStateResponse": {
        "envelope.source_url": "http://10.1.2.3:7500/",
        "envelope.related_ebd_id": ASKED,
        "detail.rpt_time": TWO + 31,
        "detail.ebm_id": EBM_ID,
        "detail.state_code": 2,
        "detail.coverage.rate": 0.99,
        "detail.coverage.used": (5, 10, 10, 1000),
        "detail.resources[0].devices[0].start_time": TWO + 5,
        "detail.resources[0].devices[0].end_time": None,
        "detail.resources[0].devices[0].file_url": "http://10.1.2.3/rec/1.mp3",
    },
    "OMDRequest": {
        "detail.omd_type": "EBRDTInfo",
        "detail.params.start_time": TWO - 38 * 3600,
        "detail.params.end_time": TWO - 14 * 3600,
        "detail.params.incremental": True,
    },
    "EBRPSInfo": {
        "detail.params.incremental": False,
        "detail.items[0].parent": "23400000000000101010101",
        "detail.items[0].contact": "王五",
        "detail.items[0].latitude": "31.462205",
        "detail.items[0].url": "http://10.1.2.3:7500/",
    },
    "EBRSTInfo": {"detail.items[0].platform": COUNTY, "detail.items[0].phone_number": "0564-8620000"},
    "EBRASInfo": {
        "detail.items[0].station": "43415230000000301010101",
        "detail.items[0].vendor": (VendorParameter("Volume", "80"), VendorParameter("Firmware", "2.1")),
    },
    "EBRBSInfo": {
        "detail.items[0].adapter": "43415230000000301010201",
        "detail.items[0].population_10k": 98.6,
        "detail.items[0].radio.frequency_hz": 97_400_000,
        "detail.items[0].radio.remote_control": 1,
        "detail.items[0].tv.channel_num": "21",
        "detail.items[0].schedule": (Switch(1, "06:00:00", "22:00:00"), Switch(7, "07:00:00", "23:00:00")),
    },
    "EBRDTInfo": {"detail.items[0].ebr_id": "63415231002000314010401", "detail.items[0].longitude": "116.949001"},
    "EBMBrdLog": {
        "detail.items[0].message.contents[0].program_num": 3,
        "detail.items[0].units[0].person_name": "李四",
        "detail.items[0].state_code": 3,
        "detail.items[0].coverage.rate": 0.99,
        "detail.items[0].resources[0].devices[0].state_code": 2,
    },
    "EBRPSState": {"detail.items[0].code": 1},
    "EBRASState": {"detail.items[0].code": 4},
    "EBRBSState": {"detail.items[0].code": 5},
    "EBRDTState": {"detail.items[0].code": 3, "detail.items[0].rpt_time": TWO - 1, "detail.items[0].desc": "离线"},
    "ConnectionCheck": {"envelope.ebd_id": f"01{COUNTY}{0:016d}", "detail.rpt_time": TWO},
    "EBDNotify": {"detail.code": 3, "detail.desc": "未找到该消息"},
    "EBDResponse": {"detail.code": 1},
}


def _value(ebd: Ebd, path: str) -> Any:
    """A path such as detail.items[0].code."""
    value: Any = ebd
    for name, at in re.findall(r"(\w+)(?:\[(\d+)\])?", path):
        value = attrgetter(name)(value)
        value = value[int(at)] if at else value
    return value


@pytest.mark.clause("GD/J 082 Dispatch")
@pytest.mark.clause("GD/J 083 Schedule")
@pytest.mark.parametrize("kind", list(EbdType))
def test_each_type_means_what_was_worked_out_and_is_written_the_same(kind: EbdType) -> None:
    xml = _bytes(f"2018/{kind}.xml")
    ebd = decode(xml)
    assert {path: _value(ebd, path) for path in MEANINGS[kind]} == MEANINGS[kind]
    assert encode(ebd) == _bare(xml)


def test_an_information_body_means_what_was_worked_out_and_is_written_the_same() -> None:
    xml = _bytes("2018/EBI.xml")
    body = decode_information(xml)
    assert body.main.info_id == "2340000000000010101010110203202611220001"
    assert (body.main.info_status, body.main.reference_id[-4:], body.main.is_tts) == ("02", "0009", 2)
    assert body.contents[0].attachments[0].type == "02"
    assert body.strategy is not None
    assert (body.strategy.begin, body.strategy.over) == (TWO, TWO + 600)
    assert body.strategy.styles[0].publish_frequency == "1t/3min"
    assert body.area is not None
    assert body.area.circle == "31.46,116.95 10"
    assert body.extension == (VendorParameter("Magnitude", "6.1"),)
    assert encode_information(body) == _bare(xml)


@pytest.mark.parametrize("name", ["2018/Signature.xml", "2018/SignatureOfEBI.xml", "2016/Signature.xml"])
def test_each_form_of_a_signature_file_is_read_and_written_the_same(name: str) -> None:
    file = decode_signature(_bytes(name))
    assert file.form == name[:4]
    assert (file.time_or_counter, file.certificate.hex()) == (0x6A031720, "000000000101")
    assert file.block[10:] == bytes(range(1, 65))
    assert encode_signature(file) == _bare(_bytes(name))


@pytest.mark.parametrize("kind", ["EBM", "EBMStateResponse", "EBDResponse"])
def test_the_2016_edition_is_read_and_written_the_same(kind: str) -> None:
    xml = _bytes(f"2016/{kind}.xml")
    ebd = decode(xml, edition=Edition.Y2016)
    assert (len(ebd.envelope.ebd_id), len(ebd.envelope.source)) == (36, 18)
    assert encode(ebd, edition=Edition.Y2016) == _bare(xml)


# ---- the schema ----------------------------------------------------------------------------------------------------


def _written() -> dict[str, bytes]:
    """Every kind of document as we write it."""
    written = {str(kind): encode(decode(_bytes(f"2018/{kind}.xml"))) for kind in EbdType}
    written["EBI"] = encode_information(decode_information(_bytes("2018/EBI.xml")))
    for name in ("Signature", "SignatureOfEBI"):
        written[name] = encode_signature(decode_signature(_bytes(f"2018/{name}.xml")))
    return written


def test_lxml_finds_what_we_write_valid_by_the_schema() -> None:
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    for name, xml in _written().items():
        assert schema.validate(etree.fromstring(xml)), (name, schema.error_log)


@pytest.mark.skipif(shutil.which("xmllint") is None, reason="no xmllint on this machine")
def test_xmllint_finds_what_we_write_valid_by_the_schema(tmp_path: Path) -> None:
    for name, xml in _written().items():
        (tmp_path / f"{name}.xml").write_bytes(xml)
    files = sorted(str(file) for file in tmp_path.iterdir())
    subprocess.run(
        ["xmllint", "--noout", "--nonet", "--schema", str(SCHEMA), *files], check=True, capture_output=True, timeout=60
    )


@pytest.mark.parametrize("kind", list(EbdType))
def test_every_element_of_the_schema_is_one_that_we_can_write(kind: EbdType) -> None:
    """The worked documents leave none out, so none of ours goes unjudged."""
    declared = {element.tag for element in RECORDS[kind].elements if not element.outer}
    assert declared <= set(re.findall(r"<(\w+)", _bytes(f"2018/{kind}.xml").decode()))
