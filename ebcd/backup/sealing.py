"""An archive under a passphrase: AES-256-GCM in pieces, the key by scrypt (RFC 7914).

    header   "EBCDSEAL" | log2 N | r | p | 16 bytes of salt | 7 bytes of nonce
    check    16 bytes: the tag of nothing under the header, so that a wrong passphrase is told from damage
    pieces   1 MiB each with a tag of 16 bytes; the last one is shorter or empty, and its nonce says that it is the last

A piece's nonce is the header's 7 bytes, its number in 4 and 1 for the last, 0 for the others (the STREAM construction
of Hoang, Reyhanitabar, Rogaway and Vizár): pieces cannot be left out, put elsewhere or cut off unnoticed.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from ebcd.backup.errors import BackupError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"EBCDSEAL"
PIECE_BYTES = 1024 * 1024
TAG_BYTES = 16
SALT_BYTES, NONCE_BYTES = 16, 7
COST_LOG2, BLOCK, LANES = 16, 8, 1  # 64 MiB and a fifth of a second for each guess
COST_LOG2_MAX, BLOCK_MAX, LANES_MAX = 20, 16, 4  # a foreign header must not take the machine's memory
HEADER_BYTES = len(MAGIC) + 3 + SALT_BYTES + NONCE_BYTES
_LAST, _CHECK = 1, 2


class Sealer(io.RawIOBase):
    """Writes what it is given, sealed, to `sink`; `close` writes the end but does not close the sink."""

    def __init__(self, sink: BinaryIO, passphrase: bytes, entropy: Callable[[int], bytes]) -> None:
        super().__init__()
        parameters = bytes((COST_LOG2, BLOCK, LANES))
        header = MAGIC + parameters + entropy(SALT_BYTES) + entropy(NONCE_BYTES)
        self._sink, self._header = sink, header
        self._cipher = _cipher(passphrase, header)
        self._held = bytearray()
        self._number = 0
        sink.write(header + self._cipher.encrypt(_nonce(header, 0, _CHECK), b"", header))

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        """Take bytes; whole pieces leave at once."""
        self._held += data
        while len(self._held) > PIECE_BYTES:  # the last piece must be known as such, so one is kept back
            self._seal(bytes(self._held[:PIECE_BYTES]), 0)
            del self._held[:PIECE_BYTES]
        return len(data)

    def close(self) -> None:
        """Write the last piece; may be called twice. What was not closed cannot be opened."""
        if not self.closed:
            try:
                self._seal(bytes(self._held), _LAST)
            finally:
                super().close()

    def abandon(self) -> None:
        """Close without an end: what was written cannot be opened."""
        super().close()

    def _seal(self, piece: bytes, flag: int) -> None:
        self._sink.write(self._cipher.encrypt(_nonce(self._header, self._number, flag), piece, self._header))
        self._number += 1


class Opener(io.RawIOBase):
    """Reads what a `Sealer` wrote. Raises BackupError: wrong_passphrase, damaged."""

    def __init__(self, source: BinaryIO, passphrase: bytes, name: object) -> None:
        super().__init__()
        self._source, self._name = source, name
        header = source.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
            raise BackupError("damaged", file=name, detail="its head is cut short")
        cost, block, lanes = header[len(MAGIC) : len(MAGIC) + 3]
        if not (1 <= cost <= COST_LOG2_MAX and 1 <= block <= BLOCK_MAX and 1 <= lanes <= LANES_MAX):
            raise BackupError("damaged", file=name, detail="its head asks for an impossible key")
        self._header = header
        self._cipher = _cipher(passphrase, header)
        if self._decrypted(source.read(TAG_BYTES), 0, _CHECK) is None:
            raise BackupError("wrong_passphrase", file=name)
        self._next = source.read(PIECE_BYTES + TAG_BYTES)
        self._number = 0
        self._ready = b""
        self._at_end = False

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Fill the buffer as far as the current piece goes; 0 at the end."""
        while not self._ready and not self._at_end:
            self._open()
        taken = self._ready[: len(buffer)]
        buffer[: len(taken)] = taken
        self._ready = self._ready[len(taken) :]
        return len(taken)

    def _open(self) -> None:
        piece, self._next = self._next, self._source.read(PIECE_BYTES + TAG_BYTES)
        self._at_end = not self._next
        opened = self._decrypted(piece, self._number, _LAST if self._at_end else 0)
        if opened is None:
            raise BackupError("damaged", file=self._name, detail=f"piece {self._number + 1} was altered or cut short")
        self._number += 1
        self._ready = opened

    def _decrypted(self, piece: bytes, number: int, flag: int) -> bytes | None:
        from cryptography.exceptions import InvalidTag

        if len(piece) < TAG_BYTES:
            return None
        try:
            return self._cipher.decrypt(_nonce(self._header, number, flag), piece, self._header)
        except InvalidTag:
            return None


def _cipher(passphrase: bytes, header: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # 50 ms that only sealed archives pay

    cost, block, lanes = 1 << header[len(MAGIC)], header[len(MAGIC) + 1], header[len(MAGIC) + 2]
    salt = header[len(MAGIC) + 3 :][:SALT_BYTES]
    memory = 128 * block * (cost + lanes + 2)
    return AESGCM(hashlib.scrypt(passphrase, salt=salt, n=cost, r=block, p=lanes, maxmem=memory, dklen=32))


def _nonce(header: bytes, number: int, flag: int) -> bytes:
    return header[-NONCE_BYTES:] + number.to_bytes(4, "big") + bytes((flag,))
