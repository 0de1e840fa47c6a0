"""Where annexes D and E are silent: what is accepted, what is sent, and how a stream is picked up again."""

from __future__ import annotations

import pytest

from protocols import terminal as t
from protocols.codes import EbmId, ResourceCode
from protocols.crc import crc32_mpeg2
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.signature import UNSIGNED
from protocols.terminal import Header
from protocols.terminal.codec import decode_data, encode_data

CODE = ResourceCode("63411230010010314010401")
EBM = EbmId("43411230000000101010101202510090001")
BEAT = t.request(Header.D, 1, CODE, (CODE,), t.Heartbeat(1, 2, "204800000002"))


def test_headers_of_both_kinds_may_follow_each_other_on_one_stream() -> None:
    other = t.request(Header.E, 2, CODE, (CODE,), BEAT.message)
    assert t.Deframer().feed(t.encode(BEAT) + t.encode(other)) == [BEAT, other]


def test_header_e_has_no_place_for_a_signature() -> None:
    frame = t.request(Header.E, 1, CODE, (CODE,), BEAT.message)
    with pytest.raises(LocalProtocolError, match="header E"):
        t.encode(frame, sign=lambda _: UNSIGNED)


def test_version_0101_is_accepted_and_kept() -> None:
    data = t.encode(t.Frame(Header.D, 1, 1, CODE, (CODE,), BEAT.message, version=0x0101))
    assert t.decode(data).version == 0x0101


def test_more_targets_than_the_limit_are_refused_before_sending() -> None:
    with pytest.raises(LocalProtocolError, match="split"):
        t.encode(t.request(Header.D, 1, CODE, (CODE,) * 256, BEAT.message))


@pytest.mark.parametrize(
    ("value", "phys", "inner"),
    [
        ("06204800000002", "204800000002", 6),
        ("07204800000002", "204800000002", 7),
        ("204800000002", "204800000002", None),
    ],
)
def test_a_physical_address_is_read_with_either_length_or_none(value: str, phys: str, inner: int | None) -> None:
    raw = bytes.fromhex(value)
    data = b"\x00\x00\x00\x01\x05" + bytes([len(raw)]) + raw
    answer = decode_data(0x11, t.ANSWER_PACKET, data)
    assert answer == t.StatusAnswer(0, "", (t.PhysicalAddress(phys, inner),))
    assert encode_data(answer) == data


def test_a_failed_query_may_be_answered_without_parameters() -> None:
    assert decode_data(0x11, t.ANSWER_PACKET, b"\x3c\x00\x00") == t.Answer(0x11, 60)


def test_a_parameter_that_its_id_does_not_explain_is_kept_as_it_came() -> None:
    data = bytes.fromhex("000000" + "02" + "0102FFFF" + "7F01AA")
    answer = decode_data(0x11, t.ANSWER_PACKET, data)
    assert answer == t.StatusAnswer(0, "", (t.RawParameter(t.VOLUME, b"\xff\xff"), t.RawParameter(0x7F, b"\xaa")))
    assert encode_data(answer) == data


def test_a_parameter_of_the_other_table_cannot_be_set() -> None:
    with pytest.raises(LocalProtocolError, match="not in this table"):
        encode_data(t.ParameterSet((t.Number(t.DTMB_FREQUENCY, 1),)))


def test_the_drafts_short_fault_report_is_understood() -> None:
    report = decode_data(0x13, t.REQUEST, bytes.fromhex("0103" + "68E77800"))
    assert report == t.FaultReport(1, 3, None, 0x68E77800)


def test_unknown_business_types_are_told_apart_from_bad_ones() -> None:
    assert decode_data(0x30, t.REQUEST, b"abc") == t.Opaque(0x30, b"abc")
    with pytest.raises(RemoteProtocolError) as refused:
        decode_data(0x02, t.REQUEST, b"abc")
    assert refused.value.reason == "body"


def test_an_event_type_that_is_too_long_is_refused_before_sending() -> None:
    with pytest.raises(LocalProtocolError, match="5 are needed"):
        encode_data(t.Start(EBM, 4, 1, "11A011", 80, 0, 1, ()))


def test_a_lying_total_length_is_found_as_soon_as_the_business_length_is_there() -> None:
    good = t.encode(BEAT)
    liar = good[:10] + (4000).to_bytes(2, "big") + good[12:]
    bad, found = t.Deframer().feed(liar + good)
    assert isinstance(bad, t.BadFrame)
    assert found == BEAT


def test_a_cut_frame_is_given_up_at_the_end_and_the_next_one_found() -> None:
    data = t.encode(BEAT)
    deframer = t.Deframer()
    assert deframer.feed(data[:40]) == []
    (bad,) = deframer.end()
    assert isinstance(bad, t.BadFrame)
    assert bad.reason == "truncated"
    assert deframer.feed(data) == [BEAT]


def test_endless_noise_is_told_per_limit_and_never_held() -> None:
    deframer = t.Deframer(100)
    told = [item for _ in range(25) for item in deframer.feed(b"\x00" * 10)]
    assert [item.size for item in told if isinstance(item, t.BadFrame)] == [100, 100]
    assert deframer.pending == 0


def test_a_url_is_found_among_auxiliary_data() -> None:
    start = t.Start(EBM, 4, 1, "11A01", 80, 0, 1, (t.Auxiliary(2, b""), t.Auxiliary.url("udp://@5004")))
    assert start.url == "udp://@5004"
    assert t.Start(EBM, 4, 1, "11A01", 80, 0, 1, ()).url == ""


def test_session_ids_increase_and_wrap_to_one() -> None:
    counter = t.SessionCounter(t.SESSION_MAX)
    assert [counter.take(), counter.take(), counter.take()] == [t.SESSION_MAX, 1, 2]


def test_a_repeated_request_gets_the_remembered_answer_and_the_oldest_is_forgotten() -> None:
    answered = t.AnsweredSessions(sessions_max=2)
    for session in (1, 2, 3):
        answered.remember(session, 0x01, bytes([session]))
    assert answered.recall(1, 0x01) is None
    assert answered.recall(3, 0x01) == b"\x03"
    assert answered.recall(3, 0x02) is None


EXTENSIONS: list[t.Message] = [
    t.Opaque(0x30, b""),
    t.Upgrade("204800000002", 0, bytes(4), bytes(4), "0" * 32, "http://a/b"),
    t.RecordQuery(CODE, EBM, 0, 1),
    t.OldTaskSwitch(1, 1, t.OldEbmId("1" * 30), 0),
]


@pytest.mark.parametrize("message", EXTENSIONS)
def test_a_message_outside_the_text_is_sent_only_where_that_is_wanted(message: t.Message) -> None:
    with pytest.raises(LocalProtocolError, match="extensions"):
        t.request(Header.D, 1, CODE, (CODE,), message)
    wanted = t.request(Header.D, 1, CODE, (CODE,), message, extensions=True)
    assert t.decode(t.encode(wanted)) == wanted


def test_an_extension_that_does_not_parse_stays_as_it_came() -> None:
    assert decode_data(0xA1, t.REQUEST, b"\x01") == t.Opaque(0xA1, b"\x01")
    assert decode_data(0x30, t.ANSWER_PACKET, b"\x00\x05") == t.Opaque(0x30, b"\x00\x05")


def test_more_targets_than_we_send_are_read_and_written_again() -> None:
    frame = t.Frame(Header.D, 1, t.REQUEST, CODE, (CODE,) * 3000, BEAT.message)
    assert t.decode(t.encode(frame)) == frame
    with pytest.raises(LocalProtocolError, match="are possible"):
        t.encode(t.Frame(Header.D, 1, t.REQUEST, CODE, (CODE,) * 6000, BEAT.message))


@pytest.mark.parametrize("flag", [0, 1])
@pytest.mark.parametrize("block", [b"", b"\0\0", b"\0\x4a" + bytes(74), b"\0\x4a" + bytes(range(74))])
def test_a_block_of_any_form_is_kept_whatever_the_flag_says(flag: int, block: bytes) -> None:
    data = t.encode(BEAT)
    changed = bytearray(data[:-4] + block)
    changed[9] = flag
    changed[10:12] = (len(changed) + 4).to_bytes(2, "big")
    whole = bytes(changed) + crc32_mpeg2(bytes(changed)).to_bytes(4, "big")
    frame = t.decode(whole)
    assert (frame.signature is not None) == (any(block[2:]))
    assert frame.flag_lies == (bool(flag) != any(block[2:]))
    assert t.encode(frame) == whole
    assert t.Deframer().feed(whole) == [frame]


def test_a_block_of_another_length_begins_no_frame() -> None:
    changed = bytearray(t.encode(BEAT)[:-4] + b"\0\x40" + bytes(64))
    changed[10:12] = (len(changed) + 4).to_bytes(2, "big")
    with pytest.raises(RemoteProtocolError) as refused:
        t.decode(bytes(changed) + crc32_mpeg2(bytes(changed)).to_bytes(4, "big"))
    assert refused.value.reason == "head"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"%" + bytes(19), "%, head of 18 bytes"),
        (b"&" + bytes(13), "&, head of 12 bytes"),
        (b"%" + bytes(18), None),
        (b"\xfe\xfd" + bytes(30), None),
        (b"", None),
    ],
)
def test_returns_of_an_older_system_are_known_by_name(data: bytes, name: str | None) -> None:
    found = t.foreign_frame(data)
    if name is None:
        assert found is None
    else:
        assert found is not None
        assert (found.reason, name in found.sentence) == ("legacy-return", True)


DRAFT_HEARTBEAT = bytes.fromhex(
    "FEFD 0100 00000007 01 00 0030 330100000001000401 0001 330100000001000201 10 0009 01 01 06 204800000002 F5FF7D66"
)
"""Header D of table D.2 with codes of 9 bytes (terminal-ip.md 2.2): mark, version, session 7, request, unsigned, 48
bytes in all; source and the one target; heartbeat: 9 bytes, idle, first, an address of 6 bytes; CRC by hand."""


@pytest.mark.parametrize(
    ("data", "is_draft"),
    [
        (DRAFT_HEARTBEAT, True),
        (DRAFT_HEARTBEAT[:44], True),  # its length field and the fields agree, the rest is missing
        (DRAFT_HEARTBEAT[:30], False),
        (DRAFT_HEARTBEAT[:11] + b"\x31" + DRAFT_HEARTBEAT[12:], False),
        (bytes.fromhex("FEFD01000000000101000036F699990110020103140104010001F49999010000000314010201100009"), False),
    ],
)
def test_the_older_draft_is_known_by_lengths_that_agree(data: bytes, is_draft: bool) -> None:
    found = t.foreign_frame(data)
    assert (found is not None and found.reason == "draft-2016x") is is_draft


def test_a_packet_type_outside_the_text_is_named() -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        decode_data(0x10, 3, b"")
    assert refused.value.reason == "packet-type"
