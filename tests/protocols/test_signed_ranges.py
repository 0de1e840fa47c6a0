"""Which bytes are signed on each carrier (signature.md section 2), with the readings that the texts leave open."""

from __future__ import annotations

import pytest

from protocols import terminal as fefd
from protocols.codes import EbmId, ResourceCode
from protocols.signature import (
    FEFD_RANGES,
    FM_RANGES,
    TS_RANGES,
    FefdScope,
    FmScope,
    SignatureBlock,
    SignedRange,
    TsScope,
    matching_range,
    range_of,
)
from protocols.sm2 import PrivateKey

KEY = PrivateKey.from_scalar(77)
NUMBER = bytes.fromhex("000000000201")
TIME = 0x68E77800
BLOCK = SignatureBlock(TIME, NUMBER, bytes(64))
SOURCE = ResourceCode("43415230000000301010201")
TARGETS = (ResourceCode("63415231002000314010401"), ResourceCode("63415230000000314010400"))


def signed(what: SignedRange, command: bytes) -> SignatureBlock:
    return SignatureBlock(TIME, NUMBER, KEY.sign(what.message(command, BLOCK)))


def test_a_stop_to_two_codes_has_its_body_behind_the_codes() -> None:
    """Offsets of table D.2: mark 2, version 2, session 4, packet type 1, flag 1, length 2, source 12, n 2 = 26."""
    frame = fefd.request(fefd.Header.D, 1, SOURCE, TARGETS, fefd.Stop(EbmId.EVERYTHING))
    command = fefd.encode(frame, sign=lambda _: BLOCK)[:-80]
    body = command[26 + 2 * 12 :]
    assert body.hex() == "020012" + "f" + "0" * 35  # type 02, length 18, id
    assert FEFD_RANGES[FefdScope.BODY_TIME].message(command, BLOCK) == body + b"\x68\xe7\x78\x00"
    assert FEFD_RANGES[FefdScope.HEAD_BODY_TIME].message(command, BLOCK) == command + b"\x68\xe7\x78\x00"
    assert FEFD_RANGES[FefdScope.HEAD_BODY].message(command, BLOCK) == command
    assert FEFD_RANGES[FefdScope.DATA_TIME].message(command, BLOCK) == body[3:] + b"\x68\xe7\x78\x00"


def test_an_fm_packet_signs_up_to_the_time_or_up_to_the_certificate_number() -> None:
    assert FM_RANGES[FmScope.CMD_TIME].message(b"packet", BLOCK) == b"packet\x68\xe7\x78\x00"
    assert FM_RANGES[FmScope.ALL_PRECEDING].message(b"packet", BLOCK) == b"packet\x68\xe7\x78\x00" + NUMBER


def test_a_ts_section_signs_from_its_table_id_or_from_behind_last_section_number() -> None:
    """Long section header: table_id 1, lengths 2, extension 2, version 1, section 1, last section 1 = 8 bytes."""
    section = bytes.fromhex("FD B0 40 0001 C1 00 00") + b"index"
    assert TS_RANGES[TsScope.SECTION_TIME].message(section, BLOCK) == section + b"\x68\xe7\x78\x00"
    assert TS_RANGES[TsScope.BODY_TIME].message(section, BLOCK) == b"index\x68\xe7\x78\x00"


@pytest.mark.parametrize("ranges", [FEFD_RANGES, FM_RANGES, TS_RANGES])
def test_the_verifier_tries_the_readings_in_order_and_names_the_one_that_fits(
    ranges: dict[FefdScope | FmScope | TsScope, SignedRange],
) -> None:
    frame = fefd.request(fefd.Header.D, 1, SOURCE, TARGETS, fefd.Stop(EbmId.EVERYTHING))
    command = fefd.encode(frame, sign=lambda _: BLOCK)[:-80]
    for scope in ranges:
        found = matching_range(command, signed(range_of(scope), command), KEY.public, ranges.values())
        assert found is not None
        assert found.name == scope.value
    assert matching_range(command, BLOCK, KEY.public, ranges.values()) is None


def test_a_frame_too_short_for_a_body_is_no_accident() -> None:
    assert FEFD_RANGES[FefdScope.BODY_TIME].message(b"\xfe\xfd", BLOCK) == b"\x68\xe7\x78\x00"
