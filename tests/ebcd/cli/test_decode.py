"""`ebcd decode` at the keyboard."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ebcd.cli.app import app
from tests.ebcd.decode.examples import ADAPTER_STOP, CERTIFICATE, EBD, FM_FRAME, TERMINAL_HEARTBEAT


def typed(*arguments: str, stdin: bytes = b"") -> Result:
    """Run `ebcd decode`."""
    return CliRunner().invoke(app, ["decode", *arguments], input=stdin, env={"EBCD_LANG": "", "LANG": "C"})


def objects(result: Result) -> list[dict[str, object]]:
    """What `--json` printed."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_hexadecimal_on_the_command_line_is_shown_as_a_tree() -> None:
    result = typed("--lang", "en", ADAPTER_STOP.hex(" "))
    assert result.exit_code == 0
    for told in (
        "stop_broadcast",
        "GD/J 089 A.12",
        "message id",
        "compulsory",
        "signature: unchecked",
    ):
        assert told in result.stdout


def test_the_tree_speaks_chinese() -> None:
    result = typed("--lang", "zh", ADAPTER_STOP.hex())
    assert "消息编号" in result.stdout
    assert "必须播发" in result.stdout


def test_a_certificate_judges_the_signature(tmp_path: Path) -> None:
    for name, content in (("binary.cer", CERTIFICATE), ("text.hex", CERTIFICATE.hex().encode())):
        (tmp_path / name).write_bytes(content)
        result = typed("--json", "--cert", str(tmp_path / name), ADAPTER_STOP.hex())
        assert [each["signature"] for each in objects(result)] == ["ok"]


def test_a_bad_crc_is_exit_status_1_and_says_where_it_broke() -> None:
    result = typed("--lang", "en", ADAPTER_STOP[:-1].hex() + "00")
    assert result.exit_code == 1
    assert "It broke at byte 119" in result.stdout


def test_each_line_of_standard_input_is_one_object() -> None:
    lines = f"{ADAPTER_STOP.hex()}\nnonsense\n{TERMINAL_HEARTBEAT.hex()}\n".encode()
    result = typed("--json", "-", stdin=lines)
    assert [each["protocol"] for each in objects(result)] == ["adapter", None, "terminal"]
    assert result.exit_code == 1


def test_a_file_is_one_object_and_an_argument_is_a_file_only_if_there_is_one(tmp_path: Path) -> None:
    file = tmp_path / "EBDB_1.xml"
    file.write_bytes(EBD)
    assert [each["protocol"] for each in objects(typed("--json", str(file)))] == ["ebd-xml"]
    missing = typed("--json", str(tmp_path / "nothing"))
    assert missing.exit_code == 1
    assert objects(missing)[0]["protocol"] is None


def test_hexadecimal_that_the_shell_cut_at_blanks_is_one_message() -> None:
    assert [each["protocol"] for each in objects(typed("--json", *ADAPTER_STOP.hex(" ").split()))] == ["adapter"]


def test_an_argument_longer_than_any_file_name_is_hexadecimal() -> None:
    assert typed("--json", "49" * 5000).exit_code == 1


def test_the_protocol_can_be_named() -> None:
    result = typed("--json", "--as", "fm-frame", FM_FRAME.hex())
    assert objects(result)[0]["protocol"] == "fm-frame"
    wrong = typed("--lang", "en", "--as", "telepathy", "00")
    assert wrong.exit_code == 2
    assert "adapter, terminal" in wrong.stderr


@pytest.mark.parametrize("content", [b"", b"no certificate", bytes(143)])
def test_a_certificate_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.cer").write_bytes(content)
    result = typed("--lang", "en", "--cert", str(tmp_path / "x.cer"), "00")
    assert result.exit_code == 2
    assert "is no certificate" in result.stderr


def test_control_characters_of_a_peer_do_not_reach_the_screen() -> None:
    hostile = EBD.replace(b"ConnectionCheck</EBDType>", b"&#x9b;31mX</EBDType>")
    result = typed("--lang", "en", "-", stdin=hostile)
    assert "\x9b" not in result.stdout


def test_a_terminal_of_another_charset_gets_signs_for_what_it_lacks() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "ebcd.cli", "decode", "--lang", "zh", ADAPTER_STOP.hex()],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert b"stop_broadcast" in told.stdout


@pytest.mark.parametrize("data", ["490001", "FEFD", "5000011202"])
def test_a_frame_cut_short_is_still_named(data: str) -> None:
    result = typed("--json", data)
    assert objects(result)[0]["protocol"] in ("adapter", "terminal")
    assert result.exit_code == 1


def test_the_commands_import_nothing_that_help_does_not_need() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys, ebcd.cli.app; print('construct' in sys.modules, 'lxml' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["False", "False"]


def _in_a_shell(redirected: str) -> subprocess.CompletedProcess[bytes]:
    command = f"{sys.executable} -m ebcd.cli decode --lang en {redirected}"
    return subprocess.run(["sh", "-c", command], capture_output=True, check=False)


@pytest.mark.real
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("form", ["", "--json"])
def test_a_full_disk_behind_the_output_is_told_in_a_sentence(form: str) -> None:
    ended = _in_a_shell(f"{form} {ADAPTER_STOP.hex()} > /dev/full")
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"The system refused")


@pytest.mark.real
def test_a_closed_standard_input_is_told_in_a_sentence() -> None:
    ended = _in_a_shell("- <&-")
    assert (ended.returncode, ended.stderr.splitlines()) == (2, [b"- cannot be read: Bad file descriptor"])


@pytest.mark.real
def test_a_closed_standard_output_is_no_crash() -> None:
    ended = _in_a_shell(f"{ADAPTER_STOP.hex()} >&-")
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    result = typed("--json", str(tmp_path))
    assert (result.exit_code, "is a folder" in str(objects(result)[0]["errors"])) == (1, True)


def test_what_could_not_be_read_of_a_capture_is_an_object_of_its_own(tmp_path: Path) -> None:
    capture = bytes.fromhex("D4C3B2A1 02000400 00000000 00000000 00000400 7F000000")  # link type 127, no packet in it
    (tmp_path / "air.pcap").write_bytes(capture + bytes.fromhex("00000000 00000000 01000000 01000000 00"))
    result = typed("--json", str(tmp_path / "air.pcap"))
    assert [str(each["errors"])[2:6] for each in objects(result)] == ["unre", "link"]
    assert result.exit_code == 1


@pytest.mark.real
def test_a_reader_that_has_seen_enough_ends_it_quietly() -> None:
    lines = f"yes {ADAPTER_STOP.hex()} | head -300 |"
    ended = subprocess.run(
        ["sh", "-c", f"{lines} {sys.executable} -m ebcd.cli decode - | head -1"], capture_output=True, check=False
    )
    assert (ended.stderr, ended.stdout.count(b"\n")) == (b"", 1)


def test_frames_cut_at_blanks_by_the_shell_are_one_and_whole_ones_are_each_their_own() -> None:
    digits = ADAPTER_STOP.hex(" ").split()
    assert [each["message"] for each in objects(typed("--json", *digits))] == ["stop_broadcast"]
    both = typed("--json", ADAPTER_STOP.hex(), TERMINAL_HEARTBEAT.hex())
    assert [each["protocol"] for each in objects(both)] == ["adapter", "terminal"]


@pytest.mark.parametrize(
    ("written", "reason"),
    [("490", "has 3 digits"), ("49 0g", "'g' at character 4"), ("", "holds no digits"), ("/no/such/file", "'/' at")],
)
def test_what_is_no_hexadecimal_is_told_where(written: str, reason: str) -> None:
    result = typed("--json", written)
    assert result.exit_code == 1
    assert reason in str(objects(result)[0]["errors"])


def test_a_recording_is_sent_to_the_command_that_reads_it(tmp_path: Path) -> None:
    (tmp_path / "air.wav").write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt ")
    assert "ebcd fm receive" in str(objects(typed("--json", str(tmp_path / "air.wav")))[0]["errors"])


def test_errors_are_told_in_the_readers_language() -> None:
    assert "校验错误" in typed("--lang", "zh", ADAPTER_STOP[:-1].hex() + "00").stdout
    assert "the checksum is wrong" in typed("--lang", "en", ADAPTER_STOP[:-1].hex() + "00").stdout


def test_ids_are_taken_apart_for_people() -> None:
    told = typed("--lang", "en", ADAPTER_STOP.hex()).stdout
    assert "platform: 49999010000000103010101  county, area 999901000000" in told
    assert "serial of the day: 0001  compulsory" in told


def test_units_and_bits_are_told_in_words() -> None:
    # 12 set: amplifier off, clock, period 60 s (terminal-ip.md 7)
    setting = (
        "FEFD0100000000050100003DF499990100000003140102010001F6999901100201031401040112001003050101060468E778"
        "0007040000003CFFB6D8E2"
    )
    assert "60  60 s" in typed("--lang", "zh", setting).output
    flags = "FE00410304030000034715FF"  # TA 1, TP 1 (rds-uecp.md B.6)
    assert "ta  交通通告: 是" in typed("--lang", "zh", flags).output
    assert "True" not in typed("--lang", "en", flags).output
