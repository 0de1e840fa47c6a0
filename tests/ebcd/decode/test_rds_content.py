"""What groups of ordinary RDS and the elements of their encoders say, for programs and for people."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ebcd.cli.decode_tree import tree_of
from ebcd.decode import Crc, decode_bytes
from protocols.rds.on_air import to_air
from protocols.uecp.frame import Frame, encode

VECTORS = Path(__file__).parents[2] / "vectors"
ELEMENTS: dict[str, str] = {
    row["name"]: row["frame"]
    for row in json.loads((VECTORS / "uecp/elements.json").read_text(encoding="utf-8"))["elements"]
}
GROUPS: dict[str, str] = {
    row["name"]: "".join(row["words"])
    for row in json.loads((VECTORS / "fm/rds_groups.json").read_text(encoding="utf-8"))["groups"]
}
SET: dict[str, object] = {"dsn": 0, "psn": 0}
SAID: dict[str, dict[str, object]] = {
    "04": SET | {"stereo": True, "artificial_head": False, "compressed": False, "dynamic_pty": True},
    "06": SET | {"day": 9, "hour": 14, "minute": 30},
    "0A append": SET | {"text": "HI", "toggle": False, "transmissions": 3, "buffer": 2},
    "0A clear": SET | {"text": None},
    "0B": {"dsn": 0, "pairs": [{"flag": 1, "psn": 2}, {"flag": 0, "psn": 3}]},
    "13": SET | {"start_position": 0xFFFF, "af_codes": [110, 111, 0]},
    "14": {"dsn": 0, "psn": 2, "start_position": 0, "variant": 4, "af_codes": [110, 0]},
    "17": {"wanted": "02", "parameters": "0000"},
    "1A": {"dsn": 0, "variant": 0, "paging_code": 0, "ecc": "F0"},
    "1A EWS channel": {"dsn": 0, "variant": 7, "ews_channel": "001"},
    "21": SET | {"name": "应急"},
    "23": {"mode": 1, "address": 1023},
    "2D": {"maker": "XX", "data": "0102"},
    "2E": SET
    | {
        "linkage": "8123",
        "linkage_actuator": True,
        "extended_generic": False,
        "international": False,
        "linkage_set": "123",
    },
    "30 two units": {
        "units": [{"bits": 8, "block3": "2A5C", "block4": "1234"}, {"bits": 31, "block3": "FFFF", "block4": "0000"}],
        "urgent": False,
        "buffer": 2,
        "transmissions": 0,
    },
    "3A": {"target": "24", "port": 255, "on": True},
    "43": {"data": "03161816"},
    "47": {"aid": "50DD", "data": "0102"},
    "46": {"aid": "50DD", "message": "0001", "buffer": 2, "priority": 0, "mode": 0, "short_message": True},
    "46 type A": {
        "aid": "50DD",
        "bits": 0x15,
        "block3": "DEAD",
        "block4": "BEEF",
        "buffer": 0,
        "priority": 2,
        "mode": 1,
        "short_message": False,
    },
    "46 type B": {
        "aid": "50DD",
        "bits": 0x15,
        "block4": "BEEF",
        "buffer": 0,
        "priority": 0,
        "mode": 0,
        "short_message": False,
    },
}
GROUPS_SAID: dict[str, dict[str, object]] = {
    "1A variant 0": {"variant": 0, "paging_code": 0, "ecc": "F0"},
    "1A variant 1": {"linked": True, "variant": 1, "tmc_id": "123"},
    "1A variant 3": {"variant": 3, "language_code": "075", "day": 9, "hour": 14, "minute": 30},
    "1A variant 6": {"variant": 6, "broadcaster": "0AB"},
    "1A variant 7": {"variant": 7, "ews_channel": "001"},
    "9A": {"bits": 10, "block3": "1234", "block4": "5678"},
    "14A variant 0": {"tp_on": True, "variant": 0, "ps_on": "FM", "pi_on": "8124"},
    "14A variant 5": {"variant": 5, "af_codes": [110, 126]},
    "14A variant 12": {
        "variant": 12,
        "linkage": "9A34",
        "linkage_actuator": True,
        "extended_generic": False,
        "international": True,
        "country_identifier": "A",
        "linkage_identifier": "34",
    },
    "14A variant 13": {"variant": 13, "pty_on": 31, "ta_on": True},
    "14A variant 14": {"tp_on": False, "variant": 14, "day": 9, "hour": 14, "minute": 30},
    "14B": {"tp_on": True, "ta_on": True, "pi_on": "8124"},
    "15A": {"segment": 0, "name": "应\N{REPLACEMENT CHARACTER}"},
}
WORDS = {
    "13": ("98.5 MHz", "追加在末尾", "append"),
    "17": ("02", "节目业务名称 PS", "PS"),
    "1A": ("F0", "中国", "China"),
    "23": ("1023", "增加", "add"),
    "24": ("3A", "循环发送", "cyclic"),
    "3A": ("24", "自由格式组", "free-format group"),
    "3B": ("0102", "没有公开的格式", "no layout of it is public"),
    "40": ("11A", "应用可自由使用", "free for applications"),
    "46 type A": ("DEAD", "立即", "immediate"),
}


def element_of(name: str) -> dict[str, Any]:
    """The only element of a worked frame, without what it is called."""
    fields: Any = decode_bytes(bytes.fromhex(ELEMENTS[name])).as_json()["fields"]
    (element,) = fields["elements"]
    assert element.pop("mec") == name.split()[0]
    assert re.fullmatch(r"[a-z_]+", element.pop("element"))
    return dict(element)


@pytest.mark.parametrize("name", SAID)
def test_an_element_says_what_was_worked_into_it(name: str) -> None:
    assert element_of(name) == SAID[name]


@pytest.mark.parametrize("name", GROUPS_SAID)
def test_a_group_says_what_was_worked_into_it(name: str) -> None:
    (words,) = [words for each, words in GROUPS.items() if re.match(rf"{name}\b", each)]
    fields: Any = decode_bytes(bytes.fromhex(words), protocol="rds-group").as_json()["fields"]
    assert GROUPS_SAID[name].items() <= fields.items()


@pytest.mark.parametrize("name", WORDS)
def test_what_an_element_says_is_explained_in_both_languages(name: str) -> None:
    data = bytes.fromhex(ELEMENTS[name])
    shown = {}
    for language in ("zh", "en"):
        output = io.StringIO()
        Console(file=output, width=200).print(tree_of(decode_bytes(data), data, language))
        shown[language] = output.getvalue()
    value, zh, en = WORDS[name]
    assert value in shown["zh"]
    assert zh in shown["zh"]
    assert value in shown["en"]
    assert en in shown["en"]
    assert f"SPB 490 element {name.split()[0]}" in shown["en"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("8123 E47B 1234 8124", {"information": "1234"}),  # variant 11, nobody's
        ("8123 E47C 2234 8124", {"linkage": "2234", "spare": 1, "linkage_set": "234"}),
        ("8123 E47D F803 8124", {"pty_on": 31, "ta_on": True, "spare": 1}),
        ("8123 1460 5123 0000", {"variant": 5, "data": "123"}),
    ],
)
def test_a_variant_without_a_meaning_is_shown_as_it_stands(words: str, said: dict[str, object]) -> None:
    reading = decode_bytes(bytes.fromhex(words), protocol="rds-group")
    fields: Any = reading.as_json()["fields"]
    assert said.items() <= fields.items()
    assert reading.roundtrip


@pytest.mark.parametrize(
    ("element", "said"),
    [
        ("46 04 50 DD 00 01", {"data": "01"}),
        ("46 06 50 DD 00 F5 BE EF", {"spare": 7, "bits": 0x15, "block4": "BEEF"}),
        ("2D 02 00 FF", {"maker": "00FF", "data": ""}),
    ],
)
def test_an_element_of_another_length_is_shown_as_it_stands(element: str, said: dict[str, object]) -> None:

    reading = decode_bytes(encode(Frame(0, 0, 0, bytes.fromhex(element))))
    fields: Any = reading.as_json()["fields"]
    assert said.items() <= fields["elements"][0].items()
    assert reading.roundtrip


@pytest.mark.parametrize(
    ("message", "said", "error"),
    [
        ("07 00 00 1F  0A 00 00 09 01", ["07", "0A"], "element-length at byte 9: RadioText (0A) goes on for 8 bytes"),
        (
            "01 00 00 FE FF  FE 01",
            ["01", "FE"],
            "mec at byte 12: FE is no message element code",
        ),  # two bytes were stuffed
        ("0B 00 03 01 02 00", ["0B"], "trailing at byte 5: "),
        ("1E 01  30 05 00 15 DE AD BE  1E 00", ["1E", "30"], "trailing at byte 7: "),
    ],
)
def test_elements_up_to_a_broken_one_are_shown_and_its_place_is_told(message: str, said: list[str], error: str) -> None:
    reading = decode_bytes(encode(Frame(0, 0, 0, bytes.fromhex(message))))
    fields: Any = reading.as_json()["fields"]
    assert [element["mec"] for element in fields["elements"]] == said
    assert reading.errors[0].startswith(error)
    assert (len(reading.errors), reading.is_good) == (1, False)
    assert reading.offset == int(re.findall(r"at byte (\d+)", error)[0])


@pytest.mark.parametrize("words", ["8123 E479 6E10 8124", "8123 E474 FA10 8124", "8123 0468 FA10 454D"])
def test_a_frequency_below_2_mhz_is_not_called_one_of_fm(words: str) -> None:
    data = bytes.fromhex(words)
    output = io.StringIO()
    Console(file=output, width=200).print(tree_of(decode_bytes(data, protocol="rds-group"), data, "en"))
    assert "16" in output.getvalue()
    assert "89.1 MHz" not in output.getvalue()


@pytest.mark.parametrize("air", [False, True])
def test_a_15b_whose_two_copies_disagree_shows_both(air: bool) -> None:
    # block 2: TP 1, PTY 3, TA 1; block 4: TP 1, PTY 31, TA 0, music
    words = (0x8123, 0xFC70, 0x8123, 0xFFE8)
    data = to_air(words) if air else b"".join(each.to_bytes(2, "big") for each in words)
    reading = decode_bytes(data)
    fields: Any = reading.as_json()["fields"]
    assert (reading.protocol, reading.message, reading.roundtrip) == ("rds-group", "15B", False)
    assert (fields["pty"], fields["ta"], fields["music"]) == (3, True, False)
    repeated = {"group_type": "15B", "tp": True, "pty": 31, "ta": False, "music": True, "di": False, "segment": 0}
    assert fields["repeated"] == repeated
    place = 9 if air else 6
    assert reading.errors == (f"repeat at byte {place}: block 4 of 15B is FFE8, not block 2, FC70",)
    assert reading.offset == place


def test_a_version_b_with_another_pi_in_block_3_shows_both() -> None:
    reading = decode_bytes(bytes.fromhex("8123 BC75 8124 BEEF"), protocol="rds-group")
    fields: Any = reading.as_json()["fields"]
    assert (fields["pi"], fields["pi_again"], fields["block4"]) == ("8123", "8124", "BEEF")
    assert reading.errors == ("pi at byte 4: block 3 of version B says 8124, block 1 8123",)


def test_a_group_with_one_damaged_block_is_shown_as_it_came() -> None:
    # 0A of the standard's example, a bit of the last block turned over
    damaged = bytes.fromhex("812316C11A31BE0CD7A515352E")
    reading = decode_bytes(damaged)
    fields: Any = reading.as_json()["fields"]
    assert (reading.protocol, reading.crc, reading.roundtrip) == ("rds-group", Crc.BAD, False)
    assert (fields["pi"], fields["name"]) == ("8123", "EM")
    assert reading.errors == ("check at byte 9: block 4 fails its checkword",)
