"""Codes of the 2016 draft as the house knows them: nothing lost, nothing mistaken (platform.md 4.5; our rule)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.codes import EbdId, EbmId, ResourceCode
from protocols.ebd import EbdType, Edition, Naming, ResultCode, decode, encode
from protocols.ebd.codec import Ebd
from protocols.ebd.envelope import Envelope
from protocols.ebd.messages import EbdNotify, EbdResponse, EbmStateResponse, ResourceBroadcast
from protocols.ebd.reports import EbrdtState, ResourceState
from protocols.ebd.short_codes import lengthened, shortened
from protocols.errors import LocalProtocolError
from tests.protocols.ebd import samples

OWN, OWN_SHORT = "43411230000000101010101", "010334112300000001"
PROVINCE_SHORT = "010134000000000001"
NAMING = Naming(OWN, OWN_SHORT)
SHORT = st.from_regex(r"[0-9]{18}", fullmatch=True)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        # type 01, sub-type 03, area, extension 01; the level is what the area's zeros leave (platform.md 4.1)
        ("010333112400000001", "43311240000000103012016"),
        ("010233110000000001", "33311000000000102012016"),
        ("010134000000000001", "23400000000000101012016"),
        ("010100000000000001", "10000000000000101012016"),
        ("031434152310020007", "63415231002000314072016"),
    ],
)
def test_a_code_keeps_all_its_digits_and_says_where_it_came_from(short: str, long: str) -> None:
    assert lengthened(short) == long
    assert shortened(long) == short
    assert ResourceCode(long).area == short[4:16]


@given(SHORT)
def test_every_short_code_comes_back(short: str) -> None:
    assert shortened(lengthened(short)) == short


@given(st.sets(SHORT, min_size=2, max_size=2))
def test_no_two_short_codes_share_a_long_one(two: set[str]) -> None:
    assert len({lengthened(short) for short in two}) == 2


@pytest.mark.parametrize(
    "code",
    [
        OWN,
        "45326250000000314010000",  # a real county of 2018 whose sub-type is 00
        "53311240000000103012016",  # marked, but of another level than its area
        "4331124000000010301201６",
        "",
        "2016",
    ],
)
def test_what_came_from_elsewhere_is_never_shortened(code: str) -> None:
    assert shortened(code) is None


@pytest.mark.parametrize("text", ["", "1" * 17, "1" * 23, "x" * 18, "１" * 18])
def test_only_eighteen_digits_are_lengthened(text: str) -> None:
    with pytest.raises(ValueError, match="2016"):
        lengthened(text)


@pytest.mark.parametrize("kind", list(EbdType))
@given(seed=st.integers(0, 2**32))
def test_every_document_of_2016_comes_back_as_it_was_and_fits_the_house(kind: EbdType, seed: int) -> None:
    ebd = samples.document_of(kind, Edition.Y2016, seed)
    if isinstance(ebd.detail, EbdNotify):
        return  # does not exist there: see below
    inside = NAMING.into_house(ebd)
    EbdId(inside.envelope.ebd_id)
    ResourceCode(inside.envelope.source)
    if hasattr(inside.detail, "ebm_id"):
        EbmId(inside.detail.ebm_id)
    assert NAMING.out_of_house(inside) == ebd
    assert decode(encode(NAMING.out_of_house(inside), edition=Edition.Y2016), edition=Edition.Y2016) == ebd


def test_our_own_platform_has_its_own_code_on_either_side() -> None:
    head = Envelope(f"10{PROVINCE_SHORT}{7:016d}", "EBDResponse", PROVINCE_SHORT, 0, destination=OWN_SHORT)
    answered = replace(head, related_ebd_id=f"10{OWN_SHORT}{9:016d}")
    inside = NAMING.into_house(Ebd(answered, EbdResponse(ResultCode.OTHER)))
    assert inside.envelope.destination == OWN
    assert inside.envelope.related_ebd_id == f"10{OWN}{9:016d}"
    assert inside.envelope.ebd_id == f"10{lengthened(PROVINCE_SHORT)}{7:016d}"


def test_feedback_leaves_under_the_thirty_digits_that_came_in() -> None:
    house = lengthened(PROVINCE_SHORT)
    head = Envelope(f"10{OWN}{1:016d}", "", OWN, 0, destination=house, related_ebd_id=f"10{house}{5:016d}")
    ours, head_end = ResourceBroadcast(platform=OWN), ResourceBroadcast(adapter="63415231002000314010101")
    state = EbmStateResponse(0, f"{house}202611220001", 2, resources=(ours, head_end))
    out = NAMING.out_of_house(Ebd(head, state))
    assert isinstance(out.detail, EbmStateResponse)
    assert out.detail.ebm_id == f"{PROVINCE_SHORT}202611220001"
    assert [each.platform for each in out.detail.resources] == [OWN_SHORT]  # a head-end has no code there
    assert (out.envelope.ebd_id, out.envelope.source) == (f"10{OWN_SHORT}{1:016d}", OWN_SHORT)
    assert (out.envelope.destination, out.envelope.related_ebd_id) == (PROVINCE_SHORT, f"10{PROVINCE_SHORT}{5:016d}")


def test_an_id_of_the_later_length_stays_as_the_peer_wrote_it() -> None:
    head = Envelope("1" * 41, "EBMStateResponse", PROVINCE_SHORT, 0)
    ebd = Ebd(head, EbmStateResponse(0, samples.EBM_ID, 2))
    inside = NAMING.into_house(ebd)
    assert (inside.envelope.ebd_id, inside.detail) == ("1" * 41, ebd.detail)
    assert NAMING.out_of_house(inside) == ebd


def test_a_later_notice_is_an_ebd_response_there() -> None:
    head = Envelope(f"10{OWN}{1:016d}", "EBDNotify", OWN, 0)
    out = NAMING.out_of_house(Ebd(head, EbdNotify(ResultCode.CONTENT_MISSING, "x")))
    assert (out.envelope.ebd_type, out.detail) == ("EBDResponse", EbdResponse(ResultCode.CONTENT_MISSING, "x"))


def test_a_device_of_ours_has_no_code_there() -> None:
    states = EbrdtState((ResourceState(0, "63415231002000314010401", 1),))
    with pytest.raises(LocalProtocolError, match="63415231002000314010401"):
        NAMING.out_of_house(Ebd(Envelope(f"10{OWN}{1:016d}", "", OWN, 0), states))
