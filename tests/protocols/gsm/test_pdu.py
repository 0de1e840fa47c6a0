"""Short messages: published examples of other people's modems, texts worked by hand, and any bytes."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.gsm import Delivered, Parts, decode_deliver, encode_submit

HELLO = "07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37"
"""What introductions to PDU mode print: SMSC +27381000015, from 27838890001 (type C8), "hellohello"."""
PHONE = "+8613800100055"


def deliver_ucs2(number: str, text: str, header: bytes = b"") -> str:
    """SMS-DELIVER put together by hand: SMSC absent, type 04 (44 with a header), a Chinese mobile, DCS 08."""
    digits = number.removeprefix("+")
    padded = digits + "F" * (len(digits) % 2)
    swapped = "".join(padded[at + 1] + padded[at] for at in range(0, len(padded), 2))
    data = header + text.encode("utf-16-be")
    kind = "44" if header else "04"
    return f"00{kind}{len(digits):02X}91{swapped}0008" + "62119251619523" + f"{len(data):02X}{data.hex().upper()}"


def test_the_published_example_reads_as_it_is_described() -> None:
    assert decode_deliver(HELLO) == Delivered("27838890001", "hellohello")


def test_a_chinese_text_to_a_chinese_number_is_these_bytes() -> None:
    # 00 card's SMSC | 11 submit, relative validity | 00 reference | 0D 91 13 digits international
    # 68 31 08 10 00 50 F5: 8613800100055 swapped, F fills | 00 PID | 08 UCS-2 | 0B one hour | 04 bytes | 62A5 4FEE
    (part,) = encode_submit(PHONE, "报修", 0)
    assert part.pdu == "0011000D91683108100050F500080B0462A54FEE"
    assert part.length == 19


def test_a_short_number_has_no_plus() -> None:
    (part,) = encode_submit("10086", "cx", 0)
    assert part.pdu == "001100058101" + "80F6" + "00080B0400630078"


def test_a_long_text_goes_in_parts_that_carry_one_reference() -> None:
    text = "报" * 70 + "修" * 70
    parts = encode_submit(PHONE, text, 0x2A)
    assert len(parts) == 3
    assert [part.pdu[32:44] for part in parts] == ["0500032A0301", "0500032A0302", "0500032A0303"]
    assert all(part.pdu.startswith("0051") for part in parts)
    assert all(part.length == len(part.pdu) // 2 - 1 for part in parts)


def test_a_character_of_two_units_is_never_cut() -> None:
    text = "a" * 66 + "𠮷" + "b" * 20
    parts = encode_submit("10086", text, 1)
    again = "".join(bytes.fromhex(part.pdu[part.pdu.index("050003") + 12 :]).decode("utf-16-be") for part in parts)
    assert again == text


@pytest.mark.parametrize(
    ("number", "text"), [("abc", "x"), ("+", "x"), ("1", "x"), ("10086", ""), ("10086", "x" * 671)]
)
def test_what_cannot_be_sent_is_an_error_before_it_leaves(number: str, text: str) -> None:
    with pytest.raises(LocalProtocolError):
        encode_submit(number, text, 0)


def test_parts_come_in_any_order_and_twice() -> None:
    chance, parts = random.Random(1), Parts()
    headers = [bytes((5, 0, 3, 7, 3, number)) for number in (1, 2, 3)]
    pieces = [decode_deliver(deliver_ucs2(PHONE, t, header)) for t, header in zip("报修啊", headers, strict=True)]
    chance.shuffle(pieces)
    told = [parts.add(piece) for piece in (pieces[0], *pieces)]
    assert told == [None, None, None, (PHONE, "报修啊")]


def test_a_sender_with_a_name_is_shown_by_it() -> None:
    # address 0C D0: twelve semi-octets of packed septets, six characters
    packed = sum(ord(c) << 7 * at for at, c in enumerate("ABCDEF")).to_bytes(6, "little").hex().upper()
    assert decode_deliver(f"00040CD0{packed}000862119251619523020041").number == "ABCDEF"


def test_escaped_characters_of_the_default_alphabet_are_read() -> None:
    septets = [0x1B, 0x65, 0x31, 0x1B, 0x14]  # € 1 ^
    packed = sum(s << 7 * at for at, s in enumerate(septets)).to_bytes(5, "little").hex()
    assert decode_deliver(f"000405810180F6000062119251619523{len(septets):02X}{packed}").text == "€1^"


def test_of_texts_that_never_become_whole_the_oldest_are_forgotten() -> None:
    parts = Parts()
    for reference in range(300):
        assert parts.add(Delivered(PHONE, "x", reference, 2, 1)) is None
    assert parts.add(Delivered(PHONE, "y", 0, 2, 2)) is None
    assert parts.add(Delivered(PHONE, "y", 299, 2, 2)) == (PHONE, "xy")


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=200))
def test_what_is_sent_can_be_read(text: str) -> None:
    read, whole = Parts(), None
    for part in encode_submit(PHONE, text, 9):
        body = bytes.fromhex(part.pdu)
        data = body[16:]  # behind SMSC, type, reference, nine bytes of address, PID, DCS, validity and length
        header = data[: 6 if body[1] & 0x40 else 0]
        units = data[len(header) :].decode("utf-16-be")
        whole = read.add(decode_deliver(deliver_ucs2(PHONE, units, header)))
    assert whole == (PHONE, text)


@given(st.one_of(st.binary(max_size=220).map(bytes.hex), st.text(max_size=80)))
def test_any_line_is_a_message_or_an_error(line: str) -> None:
    with contextlib.suppress(RemoteProtocolError):
        Parts().add(decode_deliver(line))


@given(st.data())
def test_a_damaged_message_is_a_message_or_an_error(data: st.DataObject) -> None:
    pdu = bytearray.fromhex(deliver_ucs2(PHONE, "报修十二号", bytes((5, 0, 3, 7, 3, 1))))
    pdu[data.draw(st.integers(0, len(pdu) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(RemoteProtocolError):
        decode_deliver(pdu.hex())


@pytest.mark.parametrize(
    ("dcs", "data", "text"),
    [
        ("E0", "0262A5", "报"),
        ("C8", "02E834", "hi"),
        ("D0", "02E834", "hi"),
        ("48", "0262A5", "报"),
        ("0C", "02E834", "hi"),
    ],
)
def test_every_group_of_the_data_coding_scheme_names_its_alphabet(dcs: str, data: str, text: str) -> None:
    # TS 23.038 section 4: E0 a message waits, UCS-2; C8, D0 the same in the default alphabet whatever bits 3 and 2 are;
    # 48 UCS-2 with deletion by itself; 0C reserved, read as the default. "hi" packed: 68 | 69 << 7 = 34E8
    assert decode_deliver(f"000405810180F600{dcs}62119251619523{data}").text == text


def test_what_is_compressed_or_shorter_than_announced_is_an_error() -> None:
    whole = deliver_ucs2(PHONE, "报修")
    for pdu in (whole[:-4], whole.replace("0008621192", "0020621192")):
        with pytest.raises(RemoteProtocolError):
            decode_deliver(pdu)


def test_a_character_that_two_parts_cut_in_half_is_whole_again() -> None:
    parts = Parts()
    pdus = [deliver_ucs2(PHONE, "", bytes((5, 0, 3, 9, 2, at))) for at in (1, 2)]
    halves = [pdu[:-14] + "08" + pdu[-12:] + half for pdu, half in zip(pdus, ("D83D", "DE00"), strict=True)]
    assert parts.add(decode_deliver(halves[0])) is None
    assert parts.add(decode_deliver(halves[1])) == (PHONE, "😀")
