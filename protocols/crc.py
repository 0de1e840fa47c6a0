"""The three check sums of the wire formats, each by the standard library's C code."""

from __future__ import annotations

from binascii import crc32, crc_hqx

_REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def crc32_mpeg2(data: bytes) -> int:
    """CRC-32/MPEG-2: 04C11DB7, start FFFFFFFF, not reflected, no final xor (GD/J 089 annex G).

    The reflected CRC of bit-reversed bytes is the bit-reversed register, so zlib's loop does the work.
    """
    register = crc32(data.translate(_REVERSED_BITS)) ^ 0xFFFFFFFF
    return int.from_bytes(register.to_bytes(4, "little").translate(_REVERSED_BITS), "big")


def crc16_ccitt_false(data: bytes) -> int:
    """CRC-16/CCITT-FALSE: 1021, start FFFF, not reflected, no final xor (GD/J 085 packets)."""
    return crc_hqx(data, 0xFFFF)


def crc16_uecp(data: bytes) -> int:
    """CRC of UECP frames (SPB 490 clause 2.2.7): 1021, start FFFF, not reflected, all bits inverted at the end."""
    return crc_hqx(data, 0xFFFF) ^ 0xFFFF
