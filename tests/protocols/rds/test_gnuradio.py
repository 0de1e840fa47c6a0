"""GNU Radio's RDS blocks (Debian's gr-rds), where they are installed, lock to our multiplex and read our blocks."""

from __future__ import annotations

import json
import shutil
import subprocess
from array import array
from pathlib import Path
from typing import Any

import pytest

from protocols.fm.baseband import Modulator
from protocols.fm.bits import BitReceiver, HeardFrame, frame_to_air
from protocols.fm.frame import FILLER_FRAME
from protocols.fm.pulse import DEVIATION_HZ, MPX_FULL_SCALE_HZ, PILOT_DEVIATION_HZ
from protocols.rds.groups import PTY_ALARM, BasicTuning, RadioText, decode, encode
from protocols.rds.on_air import to_air
from protocols.rds.station import Programme, Sequence
from tests.protocols.fm.reference import Air, bits_of
from tests.protocols.fm.vectors import START_FRAMES

pytestmark = pytest.mark.real

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/fm/rds_groups.json").read_text("utf-8"))["groups"]
JUDGE = Path(__file__).with_name("gnuradio_judge.py")
ANSWER_S = 100
PI, PS, PTY, RADIO_TEXT = 0, 1, 2, 4  # kinds of what gr-rds shows


@pytest.fixture(scope="module")
def python() -> str:
    """The interpreter that GNU Radio is installed for."""
    found = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if found is None:
        pytest.skip("no system Python that could have GNU Radio")
    asked = subprocess.run([found, "-c", "import gnuradio, rds"], capture_output=True, timeout=ANSWER_S, check=False)
    if asked.returncode:
        pytest.skip("gr-rds is not installed")
    return found


def asked(python: str, *arguments: str, data: bytes = b"") -> bytes:
    """What the judge says; GNU Radio's own remarks stand on other lines."""
    done = subprocess.run(
        [python, str(JUDGE), *arguments], input=data, capture_output=True, timeout=ANSWER_S, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout


def told(output: bytes) -> dict[str, list[Any]]:
    """The JSON object among the lines."""
    (line,) = [line for line in output.splitlines() if line.startswith(b'{"groups"')]
    found: dict[str, list[Any]] = json.loads(line)
    return found


def multiplex(air: list[bytes], rate_hz: int) -> bytes:
    """What `ebcd fm render` writes, as floating point."""
    modulator = Modulator(rate_hz, pilot=PILOT_DEVIATION_HZ / DEVIATION_HZ)
    scale = DEVIATION_HZ / MPX_FULL_SCALE_HZ
    samples = array("f")
    for each in air:
        samples.extend(array("f", (scale * s for s in modulator.feed(int.from_bytes(each, "big"), 8 * len(each)))))
    return samples.tobytes()


@pytest.mark.parametrize("rate_hz", [192_000, 228_000])
def test_gnuradio_locks_to_our_multiplex_and_reads_every_emergency_frame(python: str, rate_hz: int) -> None:
    lead, tail = [FILLER_FRAME] * 12, [FILLER_FRAME] * 6
    air = [frame_to_air(frame) for frame in [*lead, *START_FRAMES, *tail]]
    groups = told(asked(python, "receive", str(rate_hz), data=multiplex(air, rate_hz)))["groups"]
    assert [group for group in groups if group != "0" * 16] == [frame.hex().upper() for frame in START_FRAMES]


def test_the_reference_multiplex_of_our_tests_is_one_that_gnuradio_understands(python: str) -> None:
    """So that what our demodulator is tried with is no signal of its own kind."""
    samples = Air(programme=True, phase=1.0).multiplex(bits_of([FILLER_FRAME] * 12 + list(START_FRAMES) * 2))
    groups = told(asked(python, "receive", "228000", data=samples.tobytes()))["groups"]
    assert set(groups) >= {frame.hex().upper() for frame in START_FRAMES}


def test_gnuradio_reads_every_group_that_was_worked_by_hand(python: str) -> None:
    blocks = [list(zip(each["words"], each["checks"], strict=True)) for each in VECTORS]
    bits = ["".join(f"{int(word, 16):016b}{int(check, 16):010b}" for word, check in each) for each in blocks]
    lead, tail = bits[:1] * 12, bits[:1] * 6
    groups = told(asked(python, "decode", data=bytes(map(int, "".join([*lead, *bits, *tail])))))["groups"]
    worked = ["".join(each["words"]) for each in VECTORS]
    at = len(groups) - len(tail) - len(worked)
    assert groups[at : at + len(worked)] == worked


def test_gnuradio_shows_our_station_and_its_alarm(python: str) -> None:
    station = Programme(0x8123, "EMERGTST", pty=PTY_ALARM, tp=True, ta=True, radio_text="LEAVE THE VALLEY", ecc=0xF0)
    sequence = Sequence()
    air = [to_air(encode(sequence.next(station))) for _ in range(120)]
    bits = "".join(f"{int.from_bytes(each, 'big'):0104b}" for each in air)
    shown = told(asked(python, "decode", data=bytes(int(bit) for bit in bits)))["shown"]
    texts = {kind: text.strip() for kind, text in shown}
    assert (texts[PI], texts[PS], texts[PTY]) == ("8123", "EMERGTST", "Alarm")
    assert texts[RADIO_TEXT].rstrip("\r ") == "LEAVE THE VALLEY"


def test_we_read_the_station_that_gnuradio_makes(python: str) -> None:
    name, text = bytearray(8), bytearray(64)
    receiver = BitReceiver()
    bits = asked(python, "encode")
    for event in (event for bit in bits for event in receiver.feed(bit, 1)):
        if not isinstance(event, HeardFrame):
            continue
        one, two, three, four = (word if word is not None else -1 for word in event.words)
        group = decode((one, two, three, four))
        assert (group.pi, group.tp, group.pty) == (0x8123, True, 14)
        if isinstance(group.content, BasicTuning):
            name[2 * group.content.segment : 2 * group.content.segment + 2] = group.content.name
        elif isinstance(group.content, RadioText):
            text[4 * group.content.segment : 4 * group.content.segment + 4] = group.content.text
    assert bytes(name) == b"JUDGE FM"
    assert bytes(text).decode("ascii").rstrip(" \r\0") == "HEARD BY ANOTHER DECODER"
