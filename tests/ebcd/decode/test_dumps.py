"""What the dump tools print of one unsigned heartbeat (0x20 of terminal-ip.md section 7 with a block of zeros), as they
print it: rows of zeros folded to `*`, words of two bytes swapped, offsets in hexadecimal, octal or decimal."""

from __future__ import annotations

import pytest

from ebcd.decode import Crc, decode_bytes
from ebcd.decode.hexadecimal import from_array, from_dump, from_hex
from ebcd.decode.inputs import message_of, messages_in

HEARTBEAT = bytes.fromhex("5000012002000000120CF49999010000000314010201 01 68E77800 004A".replace(" ", ""))
FRAME = HEARTBEAT + bytes(74) + bytes.fromhex("A7153C35")

DUMPS = {
    "hexdump -C": """\
00000000  50 00 01 20 02 00 00 00  12 0c f4 99 99 01 00 00  |P.. ............|
00000010  00 03 14 01 02 01 01 68  e7 78 00 00 4a 00 00 00  |.......h.x..J...|
00000020  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|
*
00000060  00 00 00 00 00 00 00 a7  15 3c 35                 |.........<5|
0000006b
""",
    "hexdump": """\
0000000 0050 2001 0002 0000 0c12 99f4 0199 0000
0000010 0300 0114 0102 6801 78e7 0000 004a 0000
0000020 0000 0000 0000 0000 0000 0000 0000 0000
*
0000060 0000 0000 0000 a700 3c15 0035
000006b
""",
    "od -t x1": """\
0000000 50 00 01 20 02 00 00 00 12 0c f4 99 99 01 00 00
0000020 00 03 14 01 02 01 01 68 e7 78 00 00 4a 00 00 00
0000040 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
*
0000140 00 00 00 00 00 00 00 a7 15 3c 35
0000153
""",
    "od -A x -t x1z": """\
000000 50 00 01 20 02 00 00 00 12 0c f4 99 99 01 00 00  >P.. ............<
000010 00 03 14 01 02 01 01 68 e7 78 00 00 4a 00 00 00  >.......h.x..J...<
000020 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  >................<
*
000060 00 00 00 00 00 00 00 a7 15 3c 35                 >.........<5<
00006b
""",
    "od -A d -t x1": """\
0000000 50 00 01 20 02 00 00 00 12 0c f4 99 99 01 00 00
0000016 00 03 14 01 02 01 01 68 e7 78 00 00 4a 00 00 00
0000032 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
*
0000096 00 00 00 00 00 00 00 a7 15 3c 35
0000107
""",
    "xxd": """\
00000000: 5000 0120 0200 0000 120c f499 9901 0000  P.. ............
00000010: 0003 1401 0201 0168 e778 0000 4a00 0000  .......h.x..J...
00000020: 0000 0000 0000 0000 0000 0000 0000 0000  ................
00000030: 0000 0000 0000 0000 0000 0000 0000 0000  ................
00000040: 0000 0000 0000 0000 0000 0000 0000 0000  ................
00000050: 0000 0000 0000 0000 0000 0000 0000 0000  ................
00000060: 0000 0000 0000 00a7 153c 35              .........<5
""",
    "xxd -a": """\
00000000: 5000 0120 0200 0000 120c f499 9901 0000  P.. ............
00000010: 0003 1401 0201 0168 e778 0000 4a00 0000  .......h.x..J...
00000020: 0000 0000 0000 0000 0000 0000 0000 0000  ................
*
00000060: 0000 0000 0000 00a7 153c 35              .........<5
""",
    "xxd -i": """\
unsigned char hb_bin[] = {
  0x50, 0x00, 0x01, 0x20, 0x02, 0x00, 0x00, 0x00, 0x12, 0x0c, 0xf4, 0x99,
  0x99, 0x01, 0x00, 0x00, 0x00, 0x03, 0x14, 0x01, 0x02, 0x01, 0x01, 0x68,
  0xe7, 0x78, 0x00, 0x00, 0x4a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xa7, 0x15, 0x3c, 0x35
};
unsigned int hb_bin_len = 107;
""",
}


@pytest.mark.parametrize("tool", DUMPS)
def test_a_dump_is_the_bytes_it_was_made_of(tool: str) -> None:
    assert messages_in(DUMPS[tool].encode()) == (FRAME,)
    assert message_of(DUMPS[tool]) == FRAME


def test_the_frame_of_these_tests_is_whole() -> None:
    assert decode_bytes(FRAME).crc is Crc.OK


def test_several_packets_of_one_dump_are_several_messages() -> None:
    assert messages_in((DUMPS["xxd"] + "\n" + DUMPS["od -A x -t x1z"]).encode()) == (FRAME, FRAME)


def test_a_dump_whose_offsets_do_not_follow_is_none() -> None:
    lines = DUMPS["hexdump -C"].splitlines()
    assert from_dump([lines[0], *lines[2:]]) == ()
    assert from_dump(["00000000  01", "*", "ffffffff"]) == ()  # nobody prints four gigabytes


@pytest.mark.parametrize(
    "written",
    [
        "50h 00h 01H",
        "0x50, 0x0, 0x1",
        "\\x50\\x00\\x01",
        "50，00，01",
        "50\u00a000\u00a001",
    ],
)
def test_more_spellings_of_hexadecimal(written: str) -> None:
    assert from_hex(written) == b"\x50\x00\x01"


@pytest.mark.parametrize("written", ["[50, 00, 01]", "{0x50,0x00,0x01};", "(50 00 01)"])
def test_a_list_of_bytes_is_read(written: str) -> None:
    assert from_array(written) == b"\x50\x00\x01"
    assert messages_in(written.encode()) == (b"\x50\x00\x01",)


def test_a_time_in_brackets_is_no_message_but_the_frame_behind_it_is() -> None:
    line = f"[2019-01-02 10:00:00] 192.168.1.1:8099 -> {FRAME.hex(' ')}"
    assert (message_of(line), messages_in(line.encode())) == (FRAME, (FRAME,))


def test_a_text_of_two_bytes_a_character_is_read() -> None:
    for encoding in ("utf-16", "utf-8-sig"):
        assert messages_in(f"{FRAME.hex()}\r\n".encode(encoding)) == (FRAME,)
