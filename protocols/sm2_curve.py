"""Arithmetic of the SM2 curve in plain integers: public points, ZA, and signatures with a chosen nonce.

It signs where a run must be repeatable (vectors, simulation); it takes no care of timing, so a key that matters is used
through `protocols.sm2` only. Numbers of the curve: GB/T 32918.5.
"""

from __future__ import annotations

from functools import cache

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
GX = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
GY = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0

SIGNER_ID = b"1234567812345678"  # GD/J 081 is silent; proved on captured frames (signature.md 1)

Point = tuple[int, int, int]  # Jacobian; z = 0 is the point at infinity
_INFINITY: Point = (1, 1, 0)
_WINDOW_BITS = 4


def is_on_curve(x: int, y: int) -> bool:
    """Whether (x, y) is a point of the curve; infinity has no such form."""
    return x < P and y < P and (y * y - x * x * x - A * x - B) % P == 0


def base_multiple(k: int) -> tuple[int, int]:
    """Affine k·G for 0 < k < N."""
    result = _INFINITY
    for row in _base_table():
        k, digit = divmod(k, 1 << _WINDOW_BITS)
        if digit:
            result = _add(result, row[digit])
    x, y, z = result
    inverse = pow(z, -1, P)
    square = inverse * inverse % P
    return x * square % P, y * square * inverse % P


def sign_digest(d: int, e: int, k: int) -> tuple[int, int] | None:
    """GB/T 32918.2 clause 6.1 with nonce k: (r, s), or None where the standard asks for another k."""
    r = (e + base_multiple(k)[0]) % N
    if r == 0 or r + k == N:
        return None
    s = pow(1 + d, -1, N) * (k - r * d) % N
    return (r, s) if s else None


def za_input(public: bytes) -> bytes:
    """What SM3 turns into ZA: id length in bits, id, a, b, G, public key (GB/T 32918.2 clause 5.5)."""
    numbers = b"".join(value.to_bytes(32, "big") for value in (A, B, GX, GY))
    return (8 * len(SIGNER_ID)).to_bytes(2, "big") + SIGNER_ID + numbers + public


@cache
def _base_table() -> tuple[tuple[Point, ...], ...]:
    """Row i holds 0 … 15 times 16^i·G, so that a multiple is 64 additions without a doubling."""
    rows = []
    step: Point = (GX, GY, 1)
    for _ in range(256 // _WINDOW_BITS):
        row = [_INFINITY]
        for _ in range((1 << _WINDOW_BITS) - 1):
            row.append(_add(row[-1], step))
        rows.append(tuple(row))
        step = _add(row[-1], step)
    return tuple(rows)


def _double(point: Point) -> Point:
    x, y, z = point
    if not z or not y:
        return _INFINITY
    yy = y * y % P
    s = 4 * x * yy % P
    zz = z * z % P
    m = 3 * (x - zz) * (x + zz) % P  # a = -3
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * yy * yy) % P, 2 * y * z % P


def _add(one: Point, two: Point) -> Point:
    x1, y1, z1 = one
    x2, y2, z2 = two
    if not z1:
        return two
    if not z2:
        return one
    zz1, zz2 = z1 * z1 % P, z2 * z2 % P
    u1, u2 = x1 * zz2 % P, x2 * zz1 % P
    s1, s2 = y1 * zz2 * z2 % P, y2 * zz1 * z1 % P
    h, r = (u2 - u1) % P, (s2 - s1) % P
    if not h:
        return _INFINITY if r else _double(one)
    hh = h * h % P
    hhh = h * hh % P
    v = u1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - s1 * hhh) % P, h * z1 * z2 % P
