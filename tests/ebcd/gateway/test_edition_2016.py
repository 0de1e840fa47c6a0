"""A peer of the 2016 draft at the gateway: its packages in, our receipts and letters out, all in its own codes."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from pathlib import Path

import pytest

from ebcd.gateway import Judge, Peer, Posted, Writer
from ebcd.signing import FileProfile, FileSigner
from protocols.codes import EbdId
from protocols.ebd import (
    Detail,
    Ebd,
    Edition,
    Envelope,
    Naming,
    ResultCode,
    SignatureFile,
    decode,
    decode_signature,
    encode,
    encode_signature,
    pack,
    read_envelope,
    unpack,
)
from protocols.ebd import tar as tar_files
from protocols.ebd.messages import (
    ConnectionCheck,
    EbdNotify,
    EbdResponse,
    Ebm,
    EbmStateResponse,
    MsgBasicInfo,
    MsgContent,
    ResourceBroadcast,
)
from protocols.ebd.short_codes import lengthened
from tests.ebcd.gateway.exchange import Exchange
from tests.ebcd.signing.authority import PEER
from tests.protocols.ebd.samples import COUNTY, PROVINCE
from tests.virtual_time import VirtualClock

VECTORS = Path(os.environ.get("EBCD_PEER_VECTORS", Path(__file__).parents[4] / "shared" / "vectors")) / "platform"
CITY_SHORT, COUNTY_SHORT = "010233110000000001", "010333112400000001"
CITY = lengthened(CITY_SHORT)


class Short(Exchange):
    """A city of 2016 above the county. Its packages are composed here, digit by digit, without our renaming."""

    def __init__(self, folder: Path, clock: VirtualClock) -> None:
        super().__init__(folder, clock)
        self.peer = Peer(
            CITY,
            "http://127.0.0.1:1/x",
            Edition.Y2016,
            certificates=frozenset({PEER}),
            naming=Naming(COUNTY, COUNTY_SHORT),
        )
        self.judge = Judge(COUNTY, [self.peer], self.verifier, clock, self.book.desk(), "en")
        self._sequence = itertools.count(1)
        self._signer = FileSigner(self.keys[PEER], PEER, clock)

    def made(
        self, detail: Detail, *, signed: bool = True, form: Edition = Edition.Y2016, to: str = COUNTY_SHORT
    ) -> bytes:
        number = f"10{CITY_SHORT}{next(self._sequence):016d}"
        head = Envelope(number, "", CITY_SHORT, int(self.clock.wall()), destination=to)
        xml = encode(Ebd(head, detail), edition=Edition.Y2016)
        block = self._signer.sign_file(xml, FileProfile.XML).encode()
        signature = encode_signature(SignatureFile(block, related_ebd_id=number, form=form))
        return pack(xml, signature if signed else None)

    def ebm(self, *, severity: int = 1) -> Ebm:
        now = int(self.clock.wall())
        return Ebm(
            f"{CITY_SHORT}202611220001",
            MsgBasicInfo(1, "市", "33", now, "11B03", severity, now, now + 60),
            (MsgContent("zho", "暴雨", "转移", ("331124000000",)),),
        )


@pytest.fixture
def city(tmp_path: Path, clock: VirtualClock) -> Short:
    return Short(tmp_path, clock)


@pytest.mark.parametrize("form", list(Edition))
async def test_a_message_of_2016_reaches_the_desk_in_the_codes_of_the_house(city: Short, form: Edition) -> None:
    archive = city.made(city.ebm(), form=form)
    answer = await city.judge.judge(city.posted(archive))
    assert answer.code is ResultCode.SUCCESS, answer.desc
    (received,) = city.book.received
    assert received.archive == archive
    assert received.ebd.envelope.source == CITY == "33311000000000102012016"
    assert received.ebd.envelope.destination == COUNTY
    assert received.ebd.envelope.ebd_id == f"10{CITY}{1:016d}"
    assert isinstance(received.ebd.detail, Ebm)
    assert received.ebd.detail.ebm_id == f"{CITY}202611220001"
    assert city.book.heard == [CITY]


async def test_the_same_number_again_has_no_second_effect(city: Short) -> None:
    archive = city.made(city.ebm())
    for _ in range(2):
        assert (await city.judge.judge(city.posted(archive))).code is ResultCode.SUCCESS
    assert len(city.book.received) == 1


async def test_a_number_answered_before_a_restart_is_known_by_the_house(city: Short) -> None:
    number = f"10{CITY}{1:016d}"
    city.book.before[number] = ResultCode.SUCCESS
    archive = city.made(city.ebm())
    city.book.kept[number] = replace(city.ebm(), ebm_id=f"{CITY}202611220001")
    assert (await city.judge.judge(city.posted(archive))).code is ResultCode.SUCCESS
    assert not city.book.received


async def test_its_faults_get_the_same_codes(city: Short) -> None:
    bad = city.ebm()
    assert bad.basic is not None
    cases = {
        "for somebody else": (city.made(bad, to="010333112500000001"), "destination", 5),
        "unsigned": (city.made(bad, signed=False), "signature-missing", 4),
        "heartbeat without its time": (
            pack(beat_without_time(city), None),
            "missing",
            3,
        ),
    }
    for name, (archive, reason, code) in cases.items():
        answer = await city.judge.judge(city.posted(archive))
        assert (name, answer.code, city.book.rejected[-1].reason) == (name, code, reason)


def beat_without_time(city: Short) -> bytes:
    number = f"01{CITY_SHORT}{0:016d}"
    whole = Ebd(Envelope(number, "", CITY_SHORT, int(city.clock.wall())), ConnectionCheck(1))
    return encode(whole, edition=Edition.Y2016).replace(b"1970-01-01 08:00:01", b"")


async def test_a_peer_of_2018_that_sends_short_codes_is_refused_and_told_which_edition_they_are(city: Short) -> None:
    plain = Peer(PROVINCE, "http://127.0.0.1:1/x", certificates=frozenset({PEER}))
    judge = Judge(COUNTY, [plain], city.verifier, city.clock, city.book.desk(), "en")
    answer = await judge.judge(city.posted(city.made(city.ebm())))
    assert answer.code is ResultCode.OTHER
    assert CITY_SHORT in answer.desc
    assert 'edition = "2016"' in answer.desc


async def test_what_we_write_to_it_holds_only_its_codes(city: Short) -> None:
    writer = county_writer(city)
    state = EbmStateResponse(0, f"{CITY}202611220001", 2, "x", resources=(ResourceBroadcast(platform=COUNTY),))
    letter = writer.write(
        state, Edition.Y2016, destination=CITY, related_ebd_id=f"10{CITY}{5:016d}", naming=city.peer.naming
    )
    assert len(letter.ebd_id) == 41
    package = unpack(writer.package(letter, Edition.Y2016, FileProfile.XML))
    ebd = decode(package.xml, edition=Edition.Y2016)
    sequence = letter.ebd_id[-16:]
    assert ebd.envelope == Envelope(
        f"10{COUNTY_SHORT}{sequence}",
        "EBMStateResponse",
        COUNTY_SHORT,
        ebd.envelope.time,
        "http://127.0.0.1:2",
        CITY_SHORT,
        f"10{CITY_SHORT}{5:016d}",
    )
    assert ebd.detail == replace(
        state, ebm_id=f"{CITY_SHORT}202611220001", resources=(ResourceBroadcast(platform=COUNTY_SHORT),)
    )
    assert COUNTY.encode() not in package.xml
    assert CITY.encode() not in package.xml
    assert package.signature_xml is not None
    signature = decode_signature(package.signature_xml)
    assert (signature.form, signature.related_ebd_id) == (Edition.Y2016, ebd.envelope.ebd_id)
    assert signature.issuer_text == "000000000001"
    assert package.ebdb_name == f"EBDB_{ebd.envelope.ebd_id}.xml"
    assert city.peer.read(package.xml).detail == state


def county_writer(city: Short) -> Writer:
    return Writer(
        code=COUNTY,
        url="http://127.0.0.1:2",
        next_ebd_id=lambda: EbdId.build(EbdId.MESSAGE, COUNTY, 77),
        signer=FileSigner(city.keys[PEER], PEER, city.clock),
        wall=city.clock.wall,
        issuer="000000000001",
    )


async def test_a_later_notice_and_a_heartbeat_have_their_forms_of_2016(city: Short) -> None:
    notice = city.county.write(
        EbdNotify(ResultCode.CONTENT_MISSING, "x"), Edition.Y2016, destination=CITY, naming=city.peer.naming
    )
    told = decode(notice.xml, edition=Edition.Y2016)
    assert (told.envelope.ebd_type, told.detail) == ("EBDResponse", EbdResponse(ResultCode.CONTENT_MISSING, "x"))
    beat = city.county.write(
        ConnectionCheck(0),
        Edition.Y2016,
        destination=CITY,
        ebd_id=city.county.heartbeat_id(),
        naming=city.peer.naming,
    )
    assert read_envelope(beat.xml).ebd_id == f"01{COUNTY_SHORT}{0:016d}"


@pytest.mark.skipif(not VECTORS.is_dir(), reason=f"no peer vectors in {VECTORS} (EBCD_PEER_VECTORS)")
async def test_the_heartbeat_of_lishui_is_taken_by_who_knows_it_and_refused_by_name_otherwise(city: Short) -> None:
    """A county's heartbeat to its city, as captured: here we are the city."""
    (document,) = (VECTORS / "6e8b497e").glob("EBDB_*.xml")
    (signature,) = (VECTORS / "99c84e3b").glob("EBDS_*.xml")
    entries = [tar_files.Entry(file.name, file.read_bytes()) for file in (document, signature)]
    body = tar_files.write(entries)
    lishui = Peer(lengthened(COUNTY_SHORT), "http://127.0.0.1:1/x", Edition.Y2016, naming=Naming(COUNTY, CITY_SHORT))
    verdicts = {}
    for name, peers in (("2016", [lishui]), ("2018", [Peer(PROVINCE, "http://127.0.0.1:1/x")])):
        judge = Judge(COUNTY, peers, city.verifier, city.clock, city.book.desk(), "en")
        verdicts[name] = await judge.judge(Posted("application/x-tar", body, "192.0.2.1", 0.0, 0.0))
    assert verdicts["2016"].code is ResultCode.SUCCESS
    assert city.book.heard == ["43311240000000103012016"]
    assert verdicts["2018"].code is ResultCode.OTHER
    assert "2016 edition" in verdicts["2018"].desc
