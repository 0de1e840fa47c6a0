"""Messages in what programs print and log: strings, lists of numbers, lines with words, files of any charset."""

from __future__ import annotations

import base64

import pytest

from ebcd.decode import decode_bytes
from ebcd.decode.inputs import message_of, messages_in
from ebcd.decode.literals import from_decimals, from_literal
from tests.ebcd.decode.examples import (
    ADAPTER_STOP,
    AUTHORISATION_LIST,
    CERTIFICATE,
    EBD,
    FM_PACKET,
    TERMINAL_HEARTBEAT,
    UECP,
)

SPACED = TERMINAL_HEARTBEAT.hex(" ").upper()
SIGNED_NUMBERS = [byte - 256 if byte > 127 else byte for byte in TERMINAL_HEARTBEAT]
ROWS = [ADAPTER_STOP[at : at + 16] for at in range(0, len(ADAPTER_STOP), 16)]
ESCAPED = ['"' + "".join(f"\\x{byte:02x}" for byte in row) + '"' for row in ROWS]


@pytest.mark.parametrize(
    "written",
    [
        repr(TERMINAL_HEARTBEAT),
        repr(bytearray(TERMINAL_HEARTBEAT)),
        f"DEBUG:root:received {TERMINAL_HEARTBEAT!r} from ('10.0.0.5', 8799)",
        str(list(TERMINAL_HEARTBEAT)),
        str(list(TERMINAL_HEARTBEAT)).replace(",", ""),
        str(SIGNED_NUMBERS),
        f"recv bytes={SIGNED_NUMBERS}",
        ",".join(map(str, TERMINAL_HEARTBEAT)),
        " ".join(f"{byte:x}" for byte in TERMINAL_HEARTBEAT),
        f"<Buffer {TERMINAL_HEARTBEAT.hex(' ')}>",
        f"Nov 30 03:24:11 gw01 ebcd[1234]: rx 10.0.0.5:8799 {TERMINAL_HEARTBEAT.hex()}",
        f"<134>1 2026-11-30T03:24:11.123456+08:00 gw01 eb 77 - - recv 53 bytes: {SPACED}",
        f"2026-11-30 03:24:11 {SPACED}",
        f"RX {SPACED} 12:33:01",
        f"\x1b[32m2026-11-30\x1b[0m rx {TERMINAL_HEARTBEAT.hex()}\x1b[0m",
        f"[10:22:33.123]收←◆{SPACED} ",
        base64.urlsafe_b64encode(TERMINAL_HEARTBEAT).decode(),
    ],
)
def test_a_message_is_found_in_what_programs_print(written: str) -> None:
    assert message_of(written) == TERMINAL_HEARTBEAT
    for charset in ("utf-8", "utf-16", "gb18030"):
        assert messages_in(f"{written}\r\n".encode(charset)) == (TERMINAL_HEARTBEAT,)


def test_a_string_over_several_lines_is_one_message() -> None:
    assert messages_in(" \\\n".join(ESCAPED).encode()) == (ADAPTER_STOP,)


def test_strings_are_one_a_line_where_each_is_a_message() -> None:
    lines = "\n".join(map(repr, (ADAPTER_STOP, TERMINAL_HEARTBEAT, UECP)))
    assert messages_in(lines.encode()) == (ADAPTER_STOP, TERMINAL_HEARTBEAT, UECP)


def test_an_array_behind_a_comment_in_chinese_is_one_message() -> None:
    rows = ",\n".join("  " + ", ".join(f"0x{byte:02x}" for byte in FM_PACKET[at : at + 8]) for at in range(0, 116, 8))
    for charset in ("utf-8", "gb18030"):
        assert messages_in(f"/* 抓包 */\nchar packet[] = {{\n{rows}\n}};\n".encode(charset)) == (FM_PACKET,)


def test_documents_may_stand_among_lines_of_hexadecimal() -> None:
    document = EBD.replace(b"\n", b"")
    assert messages_in(document + b"\n" + UECP.hex().encode()) == (document, UECP)
    assert messages_in(UECP.hex().encode() + b"\n" + document + b"\n") == (UECP, document)
    assert messages_in(EBD) == (EBD,)


@pytest.mark.parametrize(
    "written",
    ["[10, 20, 30, 40]", "[254, 1]", "254 253 300 1", "[-129, 1, 2, 3]", "[-1, 200, 3, 4]", "254 253 252 251", "[]"],
)
def test_other_lists_are_no_numbers_to_the_base_of_ten(written: str) -> None:
    assert from_decimals(written) is None


@pytest.mark.parametrize("written", [r"b'\xfe\u1234'", r"'\xé'", r"'\xfe\777'", "'plain'", r"\xfe\x01", "''"])
def test_other_strings_are_no_bytes(written: str) -> None:
    assert from_literal(written) is None


def test_times_around_a_packet_without_checksum_make_no_other_message_of_it() -> None:
    written = f"RX {FM_PACKET.hex(' ')} 12:33:01"
    assert message_of(written) == written


def test_sets_of_bytes_that_fit_several_lengths_are_called_by_what_speaks_for_them() -> None:
    # five codes and one entry: 143 bytes, and the fifteenth is a month as in a certificate
    codes = "F69999010000000314010401" * 5
    scan_list = bytes.fromhex(f"008D 05 {codes} 01 0101009850 68E77800 000000000201 {'11' * 64}")
    assert len(scan_list) == len(CERTIFICATE)
    assert decode_bytes(scan_list).message == "scan_list"
    # the fourth byte of a physical address is the count of a list that would be as long
    set_code = bytes.fromhex(f"085E00 06 204800030002 F69999011002010314010401 68E77800 000000000201 {'11' * 64}")
    assert len(set_code) == 78 + 6 * 3
    assert decode_bytes(set_code).message == "set_code"
    assert decode_bytes(AUTHORISATION_LIST).message == "authorisation_list"


def test_strings_side_by_side_without_end_are_one_and_cost_no_more_than_their_bytes() -> None:
    assert from_literal(r"'\x41" + "'\"" * 50_000) is not None
