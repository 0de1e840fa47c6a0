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


def rates(*pairs: tuple[Callable[[Any], Any], Sequence[Any]]) -> list[float]:
    """Calls a second of processor time of each, over its inputs in turn: the best of a few short rounds, taken
    alternately, so that what else the machine does counts little and the same for all."""
    best_s = [float("inf")] * len(pairs)
    repeats = [1] * len(pairs)
    for _ in range(ROUNDS):
        for number, (call, inputs) in enumerate(pairs):
            while (took_s := _round(call, inputs, repeats[number])) < ROUND_S:
                repeats[number] *= 2
            best_s[number] = min(best_s[number], took_s / repeats[number] / len(inputs))
    return [1 / each for each in best_s]


def _round(call: Callable[[Any], Any], inputs: Sequence[Any], repeats: int) -> float:
    began_s = time.process_time()
    for _ in range(repeats):
        for each in inputs:
            call(each)
    return time.process_time() - began_s


def floor_of(case: Case) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]] | None:
    """Encode and decode by bare struct; None where the case names no fields."""
    if not case.sizes:
        return None
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

    return (encode_with_crc, decode_with_crc) if case.crc_bytes else (encode, decode)


def measured(case: Case) -> Iterator[Measure]:
    """Encode and decode of one case beside its floor."""
    values = [case.decode(data) for data in case.samples]
    ours: list[tuple[str, Callable[[Any], Any], Sequence[Any]]] = [
        ("encode", case.encode, values),
        ("decode", case.decode, case.samples),
    ]
    if case.name.startswith("HOT"):
        ours.append(("decode, from a stream", terminal.Deframer().feed, case.samples))
    floor = floor_of(case)
    bare = [] if floor is None else [(floor[0], [floor[1](data) for data in case.samples]), (floor[1], case.samples)]
    found = rates(*[(call, inputs) for _, call, inputs in ours], *bare)
    floors = dict(zip(("encode", "decode"), found[len(ours) :], strict=False))
    for (what, *_), value in zip(ours, found[: len(ours)], strict=True):
        beside = floors.get(what.split(",")[0])
        yield Measure(f"{case.name}: {what}", value, "msg/s", beside, FLOOR if beside else "")


def run() -> Iterator[Measure]:
    """Every case."""
    for case in cases():
        yield from measured(case)
