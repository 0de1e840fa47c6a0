"""Encode and decode of every message of every protocol: bytes to a typed, checked value and back."""

from __future__ import annotations

import time
from binascii import crc32
from collections.abc import Callable, Iterator, Sequence
from dataclasses import make_dataclass
from operator import attrgetter
from struct import Struct
from typing import Any

from protocols import terminal
from protocols.crc import crc32_mpeg2_bytes
from tests.benchmarks.codec_cases import Case, cases
from tests.benchmarks.measure import Measure

FLOOR = "the same fields by one bare struct into a __slots__ object, numbers and bytes unchecked, with the CRC"
ROUND_S = 0.004
ROUNDS = 5

_CODES = {1: "B", 2: "H", 4: "I"}
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def rate(call: Callable[[Any], Any], inputs: Sequence[Any]) -> float:
    """Calls a second of processor time over the inputs in turn: the best of a few short rounds, so that what else the
    machine does counts little."""
    best_s, repeats = float("inf"), 1
    for _ in range(ROUNDS):
        while True:
            began_s = time.process_time()
            for _ in range(repeats):
                for each in inputs:
                    call(each)
            took_s = time.process_time() - began_s
            if took_s >= ROUND_S:
                break
            repeats *= 2
        best_s = min(best_s, took_s / repeats / len(inputs))
    return 1 / best_s


def floors(case: Case) -> tuple[float, float] | tuple[None, None]:
    """Encodes and decodes a second of bare struct."""
    if not case.sizes:
        return None, None
    packed = Struct(">" + "".join(_CODES.get(size, f"{size}s") for size in case.sizes))
    if packed.size + case.crc_bytes != len(case.samples[0]):
        raise ValueError(f"{case.name}: fields of {packed.size} bytes for {len(case.samples[0])}")
    names = [f"f{number}" for number in range(len(case.sizes))]
    plain: Any = make_dataclass("Plain", names, slots=True)
    fields = attrgetter(*names)

    def decode(data: bytes) -> Any:
        return plain(*packed.unpack(data))

    def decode_with_crc(data: bytes) -> Any:
        if crc32(data.translate(_REVERSED)) != 0xFFFFFFFF:
            raise ValueError("crc")
        return plain(*packed.unpack_from(data))

    def encode(value: Any) -> bytes:
        return packed.pack(*fields(value))

    def encode_with_crc(value: Any) -> bytes:
        data = packed.pack(*fields(value))
        return data + crc32_mpeg2_bytes(data)

    if case.crc_bytes:
        values = [decode_with_crc(data) for data in case.samples]
        return rate(encode_with_crc, values), rate(decode_with_crc, case.samples)
    return rate(encode, [decode(data) for data in case.samples]), rate(decode, case.samples)


def run() -> Iterator[Measure]:
    """Every case, encode and decode."""
    for case in cases():
        encode_floor, decode_floor = floors(case)
        values = [case.decode(data) for data in case.samples]
        floor_is = FLOOR if encode_floor else ""
        yield Measure(f"{case.name}: encode", rate(case.encode, values), "msg/s", encode_floor, floor_is)
        yield Measure(f"{case.name}: decode", rate(case.decode, case.samples), "msg/s", decode_floor, floor_is)
        if case.name.startswith("HOT"):
            deframer = terminal.Deframer()
            fed = rate(deframer.feed, case.samples)
            yield Measure(f"{case.name}: decode, from a stream", fed, "msg/s", decode_floor, floor_is)
