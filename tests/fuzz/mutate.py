"""Seeded mutations without a fuzzer: what a line, a lying peer and a vendor's bug do to good bytes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

STEPS_MAX = 4
INSERTED_BYTES_MAX = 40
ODD_VALUES = (0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF)


def mutated(seeds: Sequence[bytes], count: int, rng: random.Random, size_max: int) -> Iterator[bytes]:
    """`count` inputs, each some steps away from one of `seeds`."""
    known = list(seeds) or [b""]
    for _ in range(count):
        data = bytearray(rng.choice(known))
        for _step in range(rng.randint(1, STEPS_MAX)):
            rng.choice(_STEPS)(data, rng, known)
        yield bytes(data[:size_max])


def _flip(data: bytearray, rng: random.Random, _seeds: Sequence[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _replace(data: bytearray, rng: random.Random, _seeds: Sequence[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] = rng.choice((*ODD_VALUES, rng.randrange(256)))


def _lie(data: bytearray, rng: random.Random, _seeds: Sequence[bytes]) -> None:
    """Two bytes near the beginning become another number: lengths and counts stand there."""
    if len(data) > 1:
        at = rng.randrange(min(len(data) - 1, 64))
        data[at : at + 2] = rng.choice((0, 1, 0x7FFF, 0xFFFF, len(data) & 0xFFFF, rng.randrange(1 << 16))).to_bytes(
            2, "big"
        )


def _cut(data: bytearray, rng: random.Random, _seeds: Sequence[bytes]) -> None:
    begin, end = sorted((rng.randint(0, len(data)), rng.randint(0, len(data))))
    del data[begin:end]


def _repeat(data: bytearray, rng: random.Random, _seeds: Sequence[bytes]) -> None:
    begin, end = sorted((rng.randint(0, len(data)), rng.randint(0, len(data))))
    data[begin:begin] = data[begin:end] * rng.choice((1, 1, 2, 20))


def _insert(data: bytearray, rng: random.Random, _seeds: Sequence[bytes]) -> None:
    at = rng.randint(0, len(data))
    data[at:at] = rng.randbytes(rng.randint(1, INSERTED_BYTES_MAX))


def _splice(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    other = rng.choice(seeds)
    data[rng.randint(0, len(data)) :] = other[rng.randint(0, len(other)) :]


_STEPS = (_flip, _flip, _replace, _replace, _lie, _cut, _repeat, _insert, _splice)
