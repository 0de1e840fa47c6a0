"""Contents of every packet type (GD/J 085 clauses 5.2.2 to 5.2.19)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.codes import EbmId, ResourceCode
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.fm.configuration import (
    Authorisation,
    Certificates,
    Clock,
    Maintenance,
    Query,
    ReturnAddress,
    ReturnPeriod,
    ScanEntry,
    ScanList,
    SetCode,
)
from protocols.fm.daily import Alive, Amplifier, AmplifierState, Daily, DailyVolume
from protocols.fm.emergency import (
    HALF_WIDTH,
    Drill,
    DrillKind,
    DrillOperation,
    Emergency,
    FactoryReset,
    Reset,
    Text,
    TextKind,
)
from protocols.fm.fields import Action, Switch
from protocols.fm.packet import Content, Unknown, content_type, decode_content, encode_content
from protocols.signature import AuthorisationList, SignatureBlock
from tests.protocols.fm.strategies import contents
from tests.protocols.fm.vectors import AUTHORISATION_LIST, CERTIFICATE_BYTES, MESSAGE, START, VECTORS

EXAMPLES: dict[str, Content] = {
    "0": ScanList((ScanEntry(1, 1, 98_500), ScanEntry(2, 2, 101_100), ScanEntry(3, 3, 88_800))),
    "1": SetCode(bytes.fromhex("0123456789AB"), ResourceCode("69999011002010314010401")),
    "2": Maintenance(True, 60),
    "3": Clock(2025, 10, 9, 16, 53, 20),
    "4": ReturnAddress.ip("10.20.30.40", 8889),
    "5": ReturnPeriod(600),
    "8": Query((0x01, 0x06, 0x11)),
    "11": Emergency(Action.START, Switch.TO_FREQUENCY, 2, "11A01", MESSAGE, 98_500),
    "11 stop": Emergency(Action.STOP, Switch.STAY, 2, "11A01", MESSAGE, 0),
    "12": Reset(Switch.TO_FREQUENCY, 98_500),
    "13": FactoryReset(),
    "14": Drill(DrillKind.REAL, DrillOperation.PLAY_FREQUENCY, MESSAGE),
    "15": Text(TextKind.EMERGENCY, 0, MESSAGE, "地震预警".encode("gb2312")),
    "21": Alive(5),
    "22": Daily(Action.START, Switch.TO_FREQUENCY, MESSAGE, 98_500, 50),
    "23": DailyVolume(50),
    "24": Amplifier(AmplifierState.ON),
}
WORKED: dict[str, Content] = EXAMPLES | {
    "6": Authorisation(AUTHORISATION_LIST),
    "7": Certificates((CERTIFICATE_BYTES,)),
    "15 GB 18030": Text(TextKind.EMERGENCY, 1, MESSAGE, "请撤".encode("gb18030")),
    "22 stop": Daily(Action.STOP, Switch.STAY, MESSAGE, 0, 255),
}
"""The contents of tests/vectors/fm/packets.json, by name."""
MORE: list[Content] = [
    ReturnAddress.sms("13800138000"),
    ReturnAddress.domain("eb.example.cn", 8889),
    Authorisation(bytes(84)),
    Certificates((b"\x01" * 143,)),
    Certificates((b"\x01" * 143, b"\x02" * 143)),
    Emergency(Action.STOP, Switch.STAY, 4, "11A01", EbmId.EVERYTHING, 0),
    Daily(Action.STOP, Switch.STAY, EbmId.EVERYTHING, 0, 255),
]


@pytest.mark.clause("GD/J 085 clauses 5.2.2-5.2.7", "GD/J 085 clauses 5.2.10-5.2.19", "GD/J 085 clause 3.3.4")
@pytest.mark.parametrize("name", VECTORS["contents"])
def test_every_worked_content_is_written_byte_for_byte(name: str) -> None:
    assert encode_content(EXAMPLES[name]).hex().upper() == VECTORS["contents"][name]


@pytest.mark.parametrize("name", VECTORS["contents"])
def test_every_worked_content_is_read_back(name: str) -> None:
    packet_type = int(name.split()[0])
    assert content_type(EXAMPLES[name]) == packet_type
    assert decode_content(packet_type, bytes.fromhex(VECTORS["contents"][name])) == EXAMPLES[name]


@pytest.mark.parametrize("content", MORE, ids=lambda content: type(content).__name__)
def test_what_is_written_is_read_back(content: Content) -> None:
    assert decode_content(content_type(content), encode_content(content)) == content


@pytest.mark.parametrize("content", [*EXAMPLES.values(), *MORE], ids=lambda content: type(content).__name__)
@given(cut=st.integers(1, 300))
def test_a_shortened_content_is_refused_or_means_something_else(content: Content, cut: int) -> None:
    data = encode_content(content)
    try:
        read = decode_content(content_type(content), data[: max(0, len(data) - cut)])
    except RemoteProtocolError:
        return
    assert read != content


@given(packet_type=st.integers(0, 31), data=st.binary(max_size=300))
def test_any_bytes_give_a_content_that_is_written_the_same_or_a_remote_error(packet_type: int, data: bytes) -> None:
    try:
        content = decode_content(packet_type, data)
    except RemoteProtocolError:
        return
    assert content_type(content) == packet_type
    assert encode_content(content) == data


@given(content=st.sampled_from([*EXAMPLES.values(), *MORE]), at=st.integers(0, 300), bit=st.integers(0, 7))
def test_what_a_damaged_content_still_means_can_be_written_again(content: Content, at: int, bit: int) -> None:
    data = bytearray(encode_content(content))
    if not data:
        return
    data[at % len(data)] ^= 1 << bit
    try:
        read = decode_content(content_type(content), bytes(data))
    except RemoteProtocolError:
        return
    assert decode_content(content_type(content), encode_content(read)) == read


@pytest.mark.clause("GD/J 085 clause 5.2")
@pytest.mark.parametrize("packet_type", [9, 10, 16, 20, 25, 30, 31])
def test_reserved_types_keep_their_bytes(packet_type: int) -> None:
    content = decode_content(packet_type, b"\x01\x02")
    assert content == Unknown(packet_type, b"\x01\x02")
    assert encode_content(content) == b"\x01\x02"


@pytest.mark.parametrize(
    ("packet_type", "data", "why"),
    [
        (11, "123131413031F49999010000000103010101202510090001009850", "action 00"),
        (11, "D23131413031F49999010000000103010101202510090001009850", "action 11"),
        (11, "423131413031F49999010000000103010101202510090001009850", "switch 00"),
        (11, "503131413031F49999010000000103010101202510090001009850", "level 0"),
        (11, "553131413031F49999010000000103010101202510090001009850", "level 5"),
        (11, "5231314130FFF49999010000000103010101202510090001009850", "event type is not ASCII"),
        (11, "523131413031F4999901000000010301010120251009000A009850", "no BCD in the id"),
        (11, "523131413031F4999901000000010301010120251009000100985A", "no BCD in the frequency"),
        (22, "54999901000000010301010120251009000100985065", "volume 101"),
        (23, "C8FF", "volume 200"),
        (24, "03", "amplifier 3"),
        (2, "02003C", "maintenance 2"),
        (0, "010001009850", "scan number 0"),
        (5, "00000000", "period 0"),
        (12, "9F009850", "action 10"),
        (14, "02F49999010000000103010101202510090001", "drill kind 0"),
        (7, "", "no count"),
        (7, "0205AABB", "certificates longer than the packet"),
        (7, "0002", "bytes behind no certificate"),
        (7, "0200", "certificates of no length"),
        (21, "05FF00", "a byte too many"),
    ],
)
def test_values_without_a_meaning_are_refused(packet_type: int, data: str, why: str) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_content(packet_type, bytes.fromhex(data))


@pytest.mark.clause("GD/J 085 clause 5.2.9")
def test_certificates_with_a_length_before_each_are_understood() -> None:
    items = (b"\x01" * 143, b"\x02" * 143)
    data = b"\x02" + b"".join(bytes((len(item),)) + item for item in items)
    assert decode_content(7, data) == Certificates(items, each_sized=True)
    assert encode_content(Certificates(items, each_sized=True)) == data


def test_lengths_before_each_that_would_be_read_as_one_length_are_refused() -> None:
    """Two of 3 and 2 bytes: 02 03 aaa 02 bb has 8 bytes, and so has 02 03 with two of 3."""
    with pytest.raises(LocalProtocolError, match="one length"):
        encode_content(Certificates((b"aaa", b"bb"), each_sized=True))


@pytest.mark.clause("GD/J 085 clause 5.2.8", "GD/J 081 clause 6.5")
def test_an_authorisation_is_a_list_or_the_block_that_carries_none() -> None:
    worked = encode_content(WORKED["6"])
    opened = Authorisation(worked).opened()
    assert isinstance(opened, AuthorisationList)
    assert (opened.serial, opened.certificates) == (1, (bytes.fromhex("000000000201"),))
    assert Authorisation(START[-74:]).opened() == SignatureBlock.decode(START[-74:])
    with pytest.raises(RemoteProtocolError, match="78"):
        Authorisation(bytes(80)).opened()


@pytest.mark.parametrize(("packet_type", "data"), [(12, "50009850"), (13, "40"), (21, "0500"), (23, "32A5"), (7, "00")])
def test_reserved_bits_are_not_looked_at_and_come_back(packet_type: int, data: str) -> None:
    content = decode_content(packet_type, bytes.fromhex(data))
    assert encode_content(content).hex().upper() == data


@given(contents)
def test_any_content_comes_back_as_it_was(content: Content | Unknown) -> None:
    assert decode_content(content_type(content), encode_content(content)) == content


@pytest.mark.parametrize(
    "content",
    [
        Emergency(Action.START, Switch.STAY, 0, "11A01", MESSAGE, 0),
        Emergency(Action.START, Switch.STAY, 1, "11A0", MESSAGE, 0),
        Emergency(Action.START, Switch.STAY, 1, "11A01", MESSAGE, 98_505),
        DailyVolume(101),
        Text(TextKind.TEST, 0, MESSAGE, bytes(256)),
        ReturnPeriod(0),
        Certificates(()),
        Certificates((b"a", b"bc")),
        Certificates((b"", b"")),
        Certificates((b"a" * 256,), each_sized=True),
    ],
    ids=lambda content: repr(content)[:40],
)
def test_values_that_the_wire_cannot_carry_are_our_own_error(content: Content) -> None:
    with pytest.raises(LocalProtocolError):
        encode_content(content)


@pytest.mark.parametrize(("host", "port"), [("10.20.30", 80), ("10.20.30.400", 80), ("10.20.30.4", 70_000)])
def test_a_bad_address_to_return_to_is_our_own_error(host: str, port: int) -> None:
    with pytest.raises(LocalProtocolError):
        ReturnAddress.ip(host, port)


def test_a_telephone_number_has_digits_only() -> None:
    with pytest.raises(LocalProtocolError, match="digits"):
        ReturnAddress.sms("+86 138")


def test_return_addresses_are_shown_as_people_write_them() -> None:
    assert str(ReturnAddress.ip("10.20.30.40", 8889)) == "10.20.30.40:8889"
    assert str(ReturnAddress.sms("13800138000")) == "13800138000"
    assert str(ReturnAddress.domain("eb.example.cn", 80)) == "eb.example.cn:80"
    assert str(ReturnAddress(5, b"\x01")) == "mode 5 01"


@given(seconds=st.integers(0, 4_000_000_000))
def test_a_clock_keeps_its_moment(seconds: int) -> None:
    assert Clock.from_utc(seconds).utc() == seconds


def test_the_clock_is_beijing_time() -> None:
    assert Clock.from_utc(1_760_000_000) == Clock(2025, 10, 9, 16, 53, 20)


def test_a_clock_that_names_no_moment_is_refused_when_it_is_used() -> None:
    with pytest.raises(RemoteProtocolError, match="time"):
        Clock(2025, 2, 30, 0, 0, 0).utc()


def test_texts_are_read_in_their_character_set() -> None:
    text = EXAMPLES["15"]
    assert isinstance(text, Text)
    assert text.text == "地震预警"
    assert Text(TextKind.TEST, 2, MESSAGE, "应急".encode("utf-16-be")).text == "应急"
    assert Text(TextKind.TEST, 4, MESSAGE, bytes.fromhex("0F400F0B")).text == "ཀ་"


def test_a_text_goes_out_with_its_symbols_half_width() -> None:
    worked = VECTORS["half_width"]
    text = Text.saying(TextKind.EMERGENCY, MESSAGE, worked["said"])
    assert encode_content(text) == bytes.fromhex(worked["content"])
    assert text.text == worked["shown"]


@given(st.text(max_size=80), st.sampled_from(range(5)))
def test_any_words_fit_a_character_set_or_are_refused(words: str, charset: int) -> None:
    try:
        text = Text.saying(TextKind.TEST, MESSAGE, words, charset)
    except LocalProtocolError:
        return
    assert text.text == words.translate(HALF_WIDTH)
    assert decode_content(15, encode_content(text)) == text


@pytest.mark.parametrize(
    ("words", "charset", "said"),
    [("请撤\U00020000", 0, "character set 0 of GD/J 085 has no"), ("x" * 256, 0, "255 bytes"), ("x", 5, "charset 5")],
)
def test_words_that_cannot_be_sent_are_named(words: str, charset: int, said: str) -> None:
    with pytest.raises(LocalProtocolError, match=said):
        Text.saying(TextKind.TEST, MESSAGE, words, charset)
