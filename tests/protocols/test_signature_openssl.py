"""An outside judge: the openssl command verifies what we sign on every carrier, and signs what we then verify."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from protocols import adapter, der, terminal
from protocols.codes import EbmId, ResourceCode
from protocols.fm.daily import Alive
from protocols.fm.packet import decode_packet, encode_packet
from protocols.signature import (
    FEFD_RANGES,
    FM_RANGES,
    AuthorisationList,
    Certificate,
    FefdScope,
    FmScope,
    Scope,
    SignatureBlock,
    SignedRange,
    signed_bytes,
)
from protocols.sm2 import PrivateKey, PublicKey

TIME, NUMBER, ROOT = 0x68E77800, bytes.fromhex("000000000201"), bytes.fromhex("000000000001")
SOURCE = ResourceCode("43415230000000301010201")
TARGET = ResourceCode("63415231002000314010401")
XML = b'<?xml version="1.0" encoding="utf-8"?><EBD/>'
pytestmark = pytest.mark.real

ID = "distid:1234567812345678"

SignPlain = Callable[[bytes], bytes]


def _openssl(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", *words], cwd=folder, capture_output=True, timeout=20, check=False)


class Judge:
    """The openssl command with a key of its own making."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("the openssl command is not installed")
        self.folder = folder
        if _openssl(folder, "genpkey", "-algorithm", "SM2", "-out", "key.pem").returncode:
            pytest.skip("this openssl was built without SM2")
        self.key = PrivateKey.from_pkcs8((folder / "key.pem").read_bytes())

    def sign(self, message: bytes) -> bytes:
        """r ‖ s by openssl."""
        (self.folder / "message").write_bytes(message)
        words = ("-sign", "-inkey", "key.pem", "-in", "message", "-out", "s", "-rawin", "-digest", "sm3")
        done = _openssl(self.folder, "pkeyutl", *words, "-pkeyopt", ID)
        assert done.returncode == 0, done.stderr
        return der.raw_signature((self.folder / "s").read_bytes())

    def accepts(self, message: bytes, value: bytes) -> bool:
        """What openssl says of r ‖ s."""
        (self.folder / "message").write_bytes(message)
        (self.folder / "s").write_bytes(der.signature(value))
        words = ("-verify", "-inkey", "key.pem", "-in", "message", "-sigfile", "s", "-rawin", "-digest", "sm3")
        return b"Verified Successfully" in _openssl(self.folder, "pkeyutl", *words, "-pkeyopt", ID).stdout


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    return Judge(tmp_path)


def over(what: SignedRange, sign: SignPlain) -> Callable[[bytes], SignatureBlock]:
    def block(command: bytes) -> SignatureBlock:
        plain = SignatureBlock(TIME, NUMBER, bytes(64))
        return SignatureBlock(TIME, NUMBER, sign(what.message(command, plain)))

    return block


def annex_a(sign: SignPlain, what: SignedRange) -> tuple[bytes, bytes]:
    """Signed bytes, cut out by hand, and value: ... body, length 2, block 74, CRC 4."""
    frame = adapter.encode(adapter.PlatformReply(code=adapter.ResultCode.OK), sign=over(what, sign))
    return frame[:-80] + frame[-78:-74], frame[-68:-4]


def fefd(sign: SignPlain, what: SignedRange, scope: FefdScope) -> tuple[bytes, bytes]:
    message = terminal.Stop(EbmId.EVERYTHING)
    frame = terminal.encode(terminal.request(terminal.Header.D, 1, SOURCE, (TARGET,), message), sign=over(what, sign))
    command, time = frame[:-80], frame[-78:-74]
    signed = {
        FefdScope.HEAD_BODY_TIME: command + time,
        FefdScope.BODY_TIME: command[38:] + time,  # 26 bytes of head and one code of 12
        FefdScope.DATA_TIME: command[41:] + time,  # business type and length are 3 more
        FefdScope.HEAD_BODY: command,
    }
    return signed[scope], frame[-68:-4]


def fm(sign: SignPlain, what: SignedRange, scope: FmScope) -> tuple[bytes, bytes]:
    """An FM packet ends with time 4, certificate 6, signature 64."""
    packet = encode_packet([TARGET], Alive(5), over(what, sign))
    assert decode_packet(packet).signature.certificate == NUMBER
    return packet[: -70 if scope is FmScope.CMD_TIME else -64], packet[-64:]


def test_openssl_accepts_every_carrier_that_we_sign(judge: Judge) -> None:
    signed = [annex_a(judge.key.sign, FEFD_RANGES[FefdScope.HEAD_BODY_TIME])]
    signed += [fefd(judge.key.sign, what, scope) for scope, what in FEFD_RANGES.items()]
    signed += [fm(judge.key.sign, what, scope) for scope, what in FM_RANGES.items()]
    certificate = Certificate(ROOT, NUMBER, 2030, 12, judge.key.public.raw).signed_by(judge.key.sign).encode()
    listed = AuthorisationList(NUMBER, 1, (NUMBER,), ROOT).signed_by(judge.key.sign).encode()
    signed += [(certificate[:79], certificate[79:]), (listed[:20], listed[20:])]
    for profile in (Scope.COMMAND, Scope.CMD_TIME):
        time = b"" if profile is Scope.COMMAND else TIME.to_bytes(4, "big")
        plain = SignatureBlock(TIME, NUMBER, bytes(64))
        signed.append((XML + time, judge.key.sign(signed_bytes(XML, plain, profile))))
    for message, value in signed:
        assert judge.accepts(message, value), message.hex()
    message, value = signed[0]
    assert not judge.accepts(message + b"\0", value)


def test_we_accept_every_carrier_that_openssl_signs(judge: Judge) -> None:
    key = judge.key.public
    signed = [annex_a(judge.sign, FEFD_RANGES[FefdScope.HEAD_BODY_TIME])]
    signed += [fefd(judge.sign, what, scope) for scope, what in FEFD_RANGES.items()]
    signed += [fm(judge.sign, what, scope) for scope, what in FM_RANGES.items()]
    for message, value in signed:
        assert key.verify(message, value)
    certificate = Certificate(ROOT, NUMBER, 2030, 12, key.raw).signed_by(judge.sign)
    assert key.verify(certificate.encode()[:79], certificate.signature)
    listed = AuthorisationList(NUMBER, 1, (NUMBER,), ROOT).signed_by(judge.sign)
    assert key.verify(listed.encode()[:20], listed.signature)
    for message in (XML, XML + TIME.to_bytes(4, "big")):
        assert key.verify(message, judge.sign(message))


def test_another_signers_id_is_another_signature(judge: Judge) -> None:
    """ZA holds the id: what is signed under openssl's empty one does not verify here."""
    (judge.folder / "message").write_bytes(XML)
    words = ("-sign", "-inkey", "key.pem", "-in", "message", "-out", "s", "-rawin", "-digest", "sm3")
    for other in ("distid:", "distid:ALICE123@YAHOO.COM"):
        assert _openssl(judge.folder, "pkeyutl", *words, "-pkeyopt", other).returncode == 0
        assert not judge.key.public.verify(XML, der.raw_signature((judge.folder / "s").read_bytes()))


def test_openssl_and_we_hold_the_same_public_key(judge: Judge) -> None:
    done = _openssl(judge.folder, "pkey", "-in", "key.pem", "-pubout", "-outform", "DER")
    assert PublicKey(done.stdout[-64:]) == judge.key.public
