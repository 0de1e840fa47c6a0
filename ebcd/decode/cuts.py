"""Messages whose end is missing: how much of it, which is another thing than a checksum that is wrong."""

from __future__ import annotations

from dataclasses import replace

from ebcd.decode.reading import Crc, Reading


def is_cut(size: int, whole: int, size_max: int) -> bool:
    """Whether a message of `whole` bytes by its own lengths, which can be so long, has only `size` of them."""
    return size < whole <= size_max


def cut(reading: Reading, size: int, whole: int, *, at_least: bool = False) -> Reading:
    """The reading of a message of which `size` bytes are here, instead of its first error: a checksum that is not
    there is neither right nor wrong. `at_least`: the length that would say the whole is missing, too."""
    more = "at least " if at_least else ""
    error = f"cut at byte {size}: {size} of {more}{whole} bytes are here; missing at the end: {more}{whole - size}"
    return replace(reading, crc=Crc.NONE, errors=(error, *reading.errors[1:]), offset=size)
