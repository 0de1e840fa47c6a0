"""The three check sums of the wire formats, each by the standard library's C code."""

from __future__ import annotations

from binascii import crc32, crc_hqx

_REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_ALL_ONES = 0xFFFFFFFF


def crc32_mpeg2(data: bytes | bytearray) -> int:
    """CRC-32/MPEG-2: 04C11DB7, start FFFFFFFF, not reflected, no final xor (GD/J 089 annex G).

    The reflected CRC of bit-reversed bytes is the bit-reversed register, so zlib's loop does the work.
    """
    return int.from_bytes(crc32_mpeg2_bytes(data), "big")


def crc32_mpeg2_bytes(data: bytes | bytearray) -> bytes:
    """The same as the four bytes that stand at the end of a frame."""
    register = crc32(data.translate(_REVERSED_BITS)) ^ _ALL_ONES
    return register.to_bytes(4, "little").translate(_REVERSED_BITS)


def ends_in_crc32_mpeg2(data: bytes | bytearray) -> bool:
    """Whether the last four bytes are the CRC of those before them: over both the register comes to 0 (annex G)."""
    return crc32(data.translate(_REVERSED_BITS)) == _ALL_ONES


def crc16_ccitt_false(data: bytes) -> int:
    """CRC-16/CCITT-FALSE: 1021, start FFFF, not reflected, no final xor (GD/J 085 packets)."""
    return crc_hqx(data, 0xFFFF)


def crc16_uecp(data: bytes) -> int:
    """CRC of UECP frames (SPB 490 clause 2.2.7): 1021, start FFFF, not reflected, all bits inverted at the end."""
    return crc_hqx(data, 0xFFFF) ^ 0xFFFF


# ---- many long stretches of one buffer -----------------------------------------------------------------------------
#
# Registers below are zlib's: bit-reversed, so that x^0 is the highest bit. Appending n bytes to a message multiplies
# its register by x^(8n) modulo the polynomial, hence the register over [a, b) alone is the register before b minus
# (xor) the register before a times x^(8(b - a)).

_POLYNOMIAL = 0xEDB88320
_STRIDE = 4096
_ZEROS = bytes(_STRIDE)


def _times(a: int, b: int) -> int:
    """Product of two polynomials modulo the CRC's."""
    product, bit = 0, 1 << 31
    while a:
        if a & bit:
            product ^= b
            a ^= bit
        bit >>= 1
        b = b >> 1 ^ _POLYNOMIAL if b & 1 else b >> 1
    return product


def _on(register: int, data: bytes | bytearray) -> int:
    """The register after more bytes, their bits already reversed."""
    return crc32(data, register ^ _ALL_ONES) ^ _ALL_ONES


_POWERS = [1 << 31, _on(1 << 31, _ZEROS)]
"""x^(8 * stride * i); grows to what the longest buffer needs."""


class Crc32Sums:
    """Judges CRC-32/MPEG-2 over any stretch of a sliding buffer in bounded time, however long the stretch is.

    A peer can write a head whose length must be believed every few bytes; with a sum from head to end for each of them
    a quarter of a megabyte would take seconds. Positions count from the front of the buffer.
    """

    __slots__ = ("_front", "_held", "_sums")

    def __init__(self) -> None:
        self._held = bytearray()  # bits reversed, from the stride in which the front lies
        self._front = 0
        self._sums = [0]  # the register before each whole stride of `_held`

    def extend(self, data: bytes | bytearray) -> None:
        """The buffer grew at its end."""
        self._held += data.translate(_REVERSED_BITS)
        for at in range((len(self._sums) - 1) * _STRIDE, len(self._held) - _STRIDE + 1, _STRIDE):
            self._sums.append(_on(self._sums[-1], self._held[at : at + _STRIDE]))

    def drop(self, size: int) -> None:
        """The buffer lost bytes at its front."""
        self._front += size
        strides = self._front // _STRIDE
        if strides:
            self._front -= strides * _STRIDE
            del self._held[: strides * _STRIDE]
            del self._sums[:strides]

    def ends_right(self, begin: int, end: int) -> bool:
        """Whether the last four bytes of [begin, end) are the CRC of those before them."""
        strides, rest = divmod(end - begin, _STRIDE)
        register = _on(self._before(begin) ^ _ALL_ONES, _ZEROS[:rest])
        while len(_POWERS) <= strides:
            _POWERS.append(_times(_POWERS[-1], _POWERS[1]))
        return _times(_POWERS[strides], register) == self._before(end)

    def _before(self, position: int) -> int:
        stride, rest = divmod(self._front + position, _STRIDE)
        return _on(self._sums[stride], self._held[stride * _STRIDE : stride * _STRIDE + rest])
