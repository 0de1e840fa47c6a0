"""Who holds the county's own key. Today a file; a crypto box would be another class with the same three methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from devices.ports import Clock
from ebcd.errors import ConfigError, Problem
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.signature import Certificate, CertificateNumber, Scope, Sign, SignatureBlock, SignedRange, signed_bytes
from protocols.sm2 import PrivateKey, PublicKey

KEY_FILE_BYTES_MAX = 65_536
_NO_VALUE = bytes(64)


class FileProfile(StrEnum):
    """Which bytes of a platform file are signed; configured per peer (platform.md section 7)."""

    XML = "xml"  # the file as stored, nothing else
    XML_TIME = "xml+time"  # the file, then the 4 bytes of the time

    @property
    def scope(self) -> Scope:
        """The same in the words of GD/J 081."""
        return Scope.COMMAND if self is FileProfile.XML else Scope.CMD_TIME


class Signer(Protocol):
    """Signs with its own time: a clock's or, in a crypto box, a counter that nobody may replace (signature.md 8)."""

    certificate: CertificateNumber

    def sign(self, command: bytes) -> SignatureBlock:
        """A transmission command: command ‖ time is signed (GD/J 081 clause 5.4)."""

    def sign_scope(self, command: bytes, scope: Scope) -> SignatureBlock:
        """The same over the bytes that `scope` names (FM)."""

    def signs(self, what: SignedRange) -> Sign:
        """A function that signs commands under another reading of what is signed, for one link."""

    def sign_file(self, file: bytes, profile: FileProfile) -> SignatureBlock:
        """A platform file (GD/J 081 clauses 5.2, 5.3)."""


class FileSigner:
    """A key read from a PKCS#8 file. Any thread may sign."""

    def __init__(
        self,
        key: PrivateKey,
        certificate: CertificateNumber,
        clock: Clock,
        *,
        entropy: Callable[[int], bytes] | None = None,
    ) -> None:
        """`entropy` makes signatures repeatable, for simulations; without it the nonce is the library's secret."""
        self.certificate = certificate
        self._key = key
        self._clock = clock
        self._entropy = entropy

    @classmethod
    def load(
        cls, path: Path, certificate: CertificateNumber, clock: Clock, passphrase: bytes | None = None
    ) -> FileSigner:
        """Read the key. Raises ConfigError: no such file, wrong passphrase, no SM2 key."""
        try:
            pem = path.read_bytes()[:KEY_FILE_BYTES_MAX]
            return cls(PrivateKey.from_pkcs8(pem, passphrase), certificate, clock)
        except OSError as error:
            problem = Problem(str(path), "", "", "unreadable", {"reason": error.strerror or str(error)})
        except RemoteProtocolError as error:
            problem = Problem(str(path), "", "", "key_unusable", {"reason": error.detail})
        except LocalProtocolError as error:
            problem = Problem(str(path), "", "", "key_unusable", {"reason": str(error)})
        raise ConfigError((problem,))

    @property
    def public(self) -> PublicKey:
        """What our certificate must hold."""
        return self._key.public

    def fits(self, certificate: Certificate) -> bool:
        """Whether `certificate` is this key's: its number and its public key."""
        return certificate.number == self.certificate and certificate.public_key == self._key.public.raw

    def sign(self, command: bytes) -> SignatureBlock:
        """Command ‖ time (GD/J 081 clause 5.4)."""
        return self.sign_scope(command, Scope.CMD_TIME)

    def sign_scope(self, command: bytes, scope: Scope) -> SignatureBlock:
        """The bytes that `scope` names; the time is the wall clock's second."""
        unsigned = SignatureBlock(int(self._clock.wall()), self.certificate, _NO_VALUE)
        message = signed_bytes(command, unsigned, scope)
        entropy = self._entropy
        value = self._key.sign_repeatably(message, entropy) if entropy else self._key.sign(message)
        return SignatureBlock(unsigned.time, self.certificate, value)

    def signs(self, what: SignedRange) -> Sign:
        """For a link whose devices read the signed range in another way (`sign_scope`)."""
        return lambda command: self.sign_scope(command[what.begin(command) :], what.scope)

    def sign_file(self, file: bytes, profile: FileProfile) -> SignatureBlock:
        """The bytes of a platform file, with the time behind them where the peer's profile says so."""
        return self.sign_scope(file, profile.scope)


def passphrase_from(environment: Mapping[str, str], name: str) -> bytes | None:
    """The passphrase in the variable that the configuration names; None where it is absent or empty."""
    return environment.get(name, "").encode() or None
