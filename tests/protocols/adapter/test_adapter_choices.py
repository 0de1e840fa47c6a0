"""Where the text of annex A is silent or contradicts itself: what is accepted and what is sent."""

from __future__ import annotations

import pytest

from protocols import adapter
from protocols.codes import EbmId, ResourceCode
from protocols.crc import crc32_mpeg2
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.wire import in_encoding, readable

FRONT = ResourceCode("43411230000000314010201")
EBM = EbmId("43411230000000101010101202510090001")
VILLAGE = adapter.Targets((ResourceCode("63411230010010314010400"),))


def start(**changes: object) -> adapter.StartBroadcast:
    fields: dict[str, object] = {
        "ebm_id": EBM,
        "class_": 4,
        "event_type": "11A01",
        "level": 1,
        "start": 1,
        "end": 2,
        "volume": 255,
        "targets": VILLAGE,
        "languages": (),
    }
    return adapter.StartBroadcast(**(fields | changes))  # type: ignore[arg-type]


def test_a_long_stop_is_read_as_a_stop_and_written_again_in_full() -> None:
    body = bytearray(adapter.encode_body(start()))
    body[18] = 2
    stop = adapter.decode_body(0x04, bytes(body))
    assert isinstance(stop, adapter.StopBroadcast)
    assert (stop.ebm_id, stop.targets) == (EBM, VILLAGE)
    assert adapter.encode_body(stop) == bytes(body)


def test_id_zero_of_a_stop_is_accepted_as_plain_zeros_and_sent_with_its_nibble() -> None:
    everything = adapter.StopBroadcast(EbmId.EVERYTHING, VILLAGE)
    body = adapter.encode_body(everything)
    assert body[:18] == b"\xf0" + bytes(17)
    assert adapter.decode_body(0x04, bytes(18) + body[18:]) == everything


@pytest.mark.clause("GD/J 089 table A.9")
def test_a_record_query_for_any_message_asks_with_all_ones() -> None:
    body = adapter.encode_body(adapter.QueryRecords(FRONT, None, 0, 0, 1))
    assert body[12:30] == b"\xff" * 18
    query = adapter.decode_body(0x10, body)
    assert isinstance(query, adapter.QueryRecords)
    assert query.ebm_id is None


def test_an_always_present_telephone_field_is_understood_and_kept() -> None:
    began = adapter.TaskBegan(FRONT, EBM, 2, 5, 0, "11111", 1, (), 60, VILLAGE.codes)
    plain = adapter.encode_body(began)
    at = len(plain) - len(VILLAGE.codes) * 12 - 3
    always = plain[:at] + b"\x00" + plain[at:]
    read = adapter.decode_body(0x18, always)
    assert isinstance(read, adapter.TaskBegan)
    assert read.telephone == ""
    assert read.codes == began.codes
    assert adapter.encode_body(read) == always


@pytest.mark.clause("GD/J 089 tables A.1, A.4")
def test_table_a1_numbers_reports_differently() -> None:
    beat = adapter.AdapterHeartbeat(FRONT, 1, 7)
    data = adapter.encode(beat, table=adapter.TypeTable.A1)
    assert data[3] == 0x19
    assert adapter.decode(data, adapter.TypeTable.A1).message == beat
    with pytest.raises(RemoteProtocolError):
        adapter.decode(data)
    with pytest.raises(LocalProtocolError, match=r"A\.1 has no answer"):
        adapter.encode(adapter.StartAnswer(FRONT, EBM), table=adapter.TypeTable.A1)


def test_an_absent_signature_block_is_accepted() -> None:
    data = adapter.encode(adapter.GeneralAnswer(), zero_block=False)
    frame = adapter.decode(data)
    assert frame.signature is None
    assert not frame.zero_block
    assert adapter.encode_again(frame) == data


def test_a_character_that_the_charset_lacks_is_an_error_before_sending() -> None:
    language = adapter.Language("zho", "㐀", "", (), adapter.GB2312)
    with pytest.raises(LocalProtocolError, match="lacks"):
        adapter.encode(start(languages=(language,)))
    assert adapter.charset_for("㐀") == adapter.GB18030
    assert adapter.charset_for("暴雨") == adapter.GB2312


def test_the_dash_and_the_middle_dot_of_every_chinese_text_are_in_gb_2312() -> None:
    assert adapter.charset_for("暴雨——橙色·预警") == adapter.GB2312
    assert adapter.fitting("——", adapter.GB2312, 3) == "—"
    for older in "―・":  # what Python's gb2312 has in their places, and GB 18030 elsewhere
        assert adapter.charset_for(older) == adapter.GB18030
        with pytest.raises(LocalProtocolError, match="lacks"):
            adapter.encode(start(languages=(adapter.Language("zho", older, "", ()),)))


def test_a_lone_surrogate_is_no_character_of_any_charset() -> None:
    for charset in adapter.CHARSETS:
        with pytest.raises(LocalProtocolError, match="lacks"):
            adapter.encode(start(languages=(adapter.Language("zho", "\udcb1", "", (), charset),)))


@pytest.mark.parametrize(
    ("charset", "data", "text", "read_as"),
    [
        (0, "镕".encode("gbk"), "镕", "gb18030"),
        (0, "暴雨".encode(), "暴雨", "utf-8"),
        (1, "暴雨".encode("gb18030"), "暴雨", ""),
        (0, b"\xb1\xa9\xff", "暴\udcff", "bytes"),
        (2, "暴雨".encode("utf-16-be"), "暴雨", ""),
    ],
)
def test_a_text_that_its_charset_byte_does_not_explain_is_read_as_something_else_and_says_so(
    charset: int, data: bytes, text: str, read_as: str
) -> None:
    body = adapter.encode_body(start(languages=(adapter.Language("zho", "", "", (), charset),)))
    at = body.index(b"zho") + 4
    foreign = body[:at] + len(data).to_bytes(2, "big") + data + body[at + 2 :]
    read = adapter.decode_body(0x04, foreign)
    assert isinstance(read, adapter.StartBroadcast)
    assert (read.languages[0].text, read.languages[0].read_as) == (text, read_as)
    assert adapter.encode_body(read) == foreign


def test_a_charset_outside_the_table_is_named() -> None:
    body = bytearray(adapter.encode_body(start(languages=(adapter.Language("zho", "", "", ()),))))
    body[body.index(b"zho") + 3] = 9
    with pytest.raises(RemoteProtocolError) as refused:
        adapter.decode_body(0x04, bytes(body))
    assert refused.value.reason == "charset"


@pytest.mark.parametrize("block", ["010000", "01000C", "020000", "020006"])
def test_nobody_addressed_is_written_again_with_the_length_it_named(block: str) -> None:
    body = b"\x3c" + bytes.fromhex(block)
    read = adapter.decode_body(0x06, body)
    assert isinstance(read, adapter.SetVolume)
    assert read.targets in (adapter.Targets((), body[-1]), adapter.PhysicalTargets((), body[-1]))
    assert adapter.encode_body(read) == body


@pytest.mark.parametrize("block", ["0101" + "00", "0103" + "06" + "00" * 18, "0201" + "00"])
def test_codes_of_no_or_another_length_are_named(block: str) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        adapter.decode_body(0x06, b"\x3c" + bytes.fromhex(block))
    assert refused.value.reason == "targets"


def test_physical_addresses_in_a_record_are_kept() -> None:
    record = adapter.Record(
        EBM, 3, 1, 5, 0, "00000", 1, 2, 60, 0, (), adapter.OtherCodes(2, 6, bytes.fromhex("204800000002204800000003"))
    )
    body = adapter.encode_body(adapter.Records(FRONT, (record,)))
    assert adapter.decode_body(0x15, body) == adapter.Records(FRONT, (record,))


def test_a_heartbeat_by_table_a1_says_which_table_would_read_it() -> None:
    data = adapter.encode(adapter.AdapterHeartbeat(FRONT, 1, 7), table=adapter.TypeTable.A1)
    with pytest.raises(RemoteProtocolError, match="type_table a1") as refused:
        adapter.decode(data)
    assert refused.value.reason == "type-table"


@pytest.mark.parametrize("message", [adapter.StartAnswer(FRONT, EBM, 0, None, "x"), adapter.TaskReply(0, None, 5)])
def test_a_field_behind_one_that_is_left_out_cannot_be_sent(message: adapter.Message) -> None:
    with pytest.raises(LocalProtocolError, match="left out"):
        adapter.encode(message)


def test_an_origin_outside_the_table_costs_no_frame() -> None:
    data = adapter.encode(adapter.GeneralAnswer(), origin=0)
    (frame,) = adapter.Deframer().feed(data)
    assert isinstance(frame, adapter.AdapterFrame)
    assert frame.origin == 0
    assert adapter.encode_again(frame) == data


def test_a_name_for_an_adapter_that_reads_gb_18030_travels_in_it() -> None:
    entry = adapter.WhitelistEntry(1, "138", in_encoding("张三", "gb18030"), 3, ())
    assert "张三".encode("gb18030") in adapter.encode(adapter.SetWhitelist((entry,)))
    with pytest.raises(LocalProtocolError, match="lacks"):
        in_encoding("㐀", "gb2312")


def test_code_minus_one_travels_as_all_ones() -> None:
    body = adapter.encode_body(adapter.GeneralAnswer(-1, "x"))
    assert body[:4] == b"\xff\xff\xff\xff"
    assert adapter.decode_body(0x12, body) == adapter.GeneralAnswer(-1, "x")


def test_more_targets_than_one_count_byte_holds_are_refused() -> None:
    with pytest.raises(LocalProtocolError):
        adapter.encode(start(targets=adapter.Targets(VILLAGE.codes * 256)))


def test_a_text_in_a_foreign_encoding_survives_and_can_be_shown() -> None:
    data = adapter.encode_body(adapter.FaultDetails(FRONT, 1, ""))[:-2] + b"\x00\x02\xb1\xa9"
    fault = adapter.decode_body(0x16, data)
    assert isinstance(fault, adapter.FaultDetails)
    assert adapter.encode_body(fault) == data
    assert readable(fault.text) == "暴"
    assert readable("\udcff") == "\ufffd"
    assert readable(None) == ""


def test_a_reserved_addressing_type_is_named() -> None:
    body = bytearray(adapter.encode_body(adapter.SetVolume(60, VILLAGE)))
    body[1] = 3
    with pytest.raises(RemoteProtocolError) as refused:
        adapter.decode_body(0x06, bytes(body))
    assert refused.value.reason == "targets"


def test_a_lying_length_is_given_up_when_the_stream_ends_and_the_frame_behind_it_is_found() -> None:
    good = adapter.encode(adapter.GeneralAnswer())
    liar = bytearray(good)
    liar[8] = 200
    deframer = adapter.Deframer()
    assert deframer.feed(bytes(liar) + good) == []
    bad, found = deframer.end()
    assert isinstance(bad, adapter.BadFrame)
    assert bad.reason == "truncated"
    assert isinstance(found, adapter.AdapterFrame)


def test_a_lying_crc_costs_that_frame_only() -> None:
    good = adapter.encode(adapter.GeneralAnswer())
    liar = good[:-1] + bytes([good[-1] ^ 1])
    bad, found = adapter.Deframer().feed(liar + good)
    assert isinstance(bad, adapter.BadFrame)
    assert bad.reason == "crc"
    assert isinstance(found, adapter.AdapterFrame)


def test_an_unknown_type_with_a_right_crc_is_told_by_name() -> None:
    data = bytearray(adapter.encode(adapter.GeneralAnswer())[:-4])
    data[3] = 0x7E
    (bad,) = adapter.Deframer().feed(bytes(data) + crc32_mpeg2(bytes(data)).to_bytes(4, "big"))
    assert isinstance(bad, adapter.BadFrame)
    assert bad.reason == "type"
