"""libv4l2rds, the Linux decoder, where it is installed, hears our station as we mean it."""

from __future__ import annotations

import ctypes
import ctypes.util
from dataclasses import replace
from typing import Any

import pytest

from protocols.rds.groups import PTY_ALARM, Content, Group, ProgrammeTypeName, SlowLabelling, encode
from protocols.rds.station import Programme, Sequence

CHINESE = 0x75
GROUPS = 220  # about 19 s of air
ORDINARY = Programme(0x8123, "EMERGTST", pty=3, tp=True, radio_text="TEST ALARM", ecc=0xF0)
ALARM = replace(ORDINARY, pty=PTY_ALARM, ta=True, radio_text="LEAVE THE VALLEY", ab=True)


class Block(ctypes.Structure):
    """struct v4l2_rds_data."""

    _fields_ = (("lsb", ctypes.c_uint8), ("msb", ctypes.c_uint8), ("block", ctypes.c_uint8))


class Heard(ctypes.Structure):
    """The beginning of struct v4l2_rds, down to the language code."""

    _fields_ = (
        ("decode_information", ctypes.c_uint32),
        ("valid_fields", ctypes.c_uint32),
        ("is_rbds", ctypes.c_bool),
        ("pi", ctypes.c_uint16),
        ("ps", ctypes.c_char * 9),
        ("pty", ctypes.c_uint8),
        ("ptyn", ctypes.c_char * 9),
        ("ptyn_ab_flag", ctypes.c_bool),
        ("rt_length", ctypes.c_uint8),
        ("rt", ctypes.c_char * 65),
        ("rt_ab_flag", ctypes.c_bool),
        ("ta", ctypes.c_bool),
        ("tp", ctypes.c_bool),
        ("ms", ctypes.c_bool),
        ("di", ctypes.c_uint8),
        ("ecc", ctypes.c_uint8),
        ("lc", ctypes.c_uint8),
    )


@pytest.fixture
def library() -> Any:
    """The decoder."""
    name = ctypes.util.find_library("v4l2rds")
    if name is None:
        pytest.skip("libv4l2rds is not installed")
    loaded = ctypes.CDLL(name)
    loaded.v4l2_rds_create.restype = ctypes.POINTER(Heard)
    loaded.v4l2_rds_create.argtypes = (ctypes.c_bool,)
    loaded.v4l2_rds_add.argtypes = (ctypes.POINTER(Heard), ctypes.POINTER(Block))
    loaded.v4l2_rds_destroy.argtypes = (ctypes.POINTER(Heard),)
    return loaded


def test_a_linux_receiver_hears_the_station_and_its_alarm(library: Any) -> None:
    receiver, sequence = library.v4l2_rds_create(False), Sequence()
    try:
        for programme in (ORDINARY, ALARM):
            for _ in range(GROUPS):
                for position, word in enumerate(encode(sequence.next(programme))):
                    library.v4l2_rds_add(receiver, ctypes.byref(Block(word & 255, word >> 8, position)))
            heard = receiver.contents
            assert (heard.pi, heard.ps, heard.pty) == (programme.pi, b"EMERGTST", programme.pty)
            assert (heard.tp, heard.ta, heard.ms, heard.ecc) == (True, programme.ta, True, 0xF0)
            assert heard.rt.decode("ascii") == programme.radio_text
    finally:
        library.v4l2_rds_destroy(receiver)


def test_a_linux_receiver_reads_the_kind_of_programme_and_the_language_as_we_mean_them(library: Any) -> None:
    name: list[Content] = [ProgrammeTypeName(False, 0, at, part) for at, part in enumerate((b"Foot", b"ball"))]
    receiver = library.v4l2_rds_create(False)
    try:
        for content in [*name, *name, SlowLabelling(0, False, 3, CHINESE, 0, 0, 0)] * 3:
            for position, word in enumerate(encode(Group(0x8123, True, 3, content))):
                library.v4l2_rds_add(receiver, ctypes.byref(Block(word & 255, word >> 8, position)))
        assert (receiver.contents.ptyn, receiver.contents.lc) == (b"Football", CHINESE)
    finally:
        library.v4l2_rds_destroy(receiver)
