"""Three readings of which bytes a signed frame of header D covers."""

from __future__ import annotations

import pytest

from protocols import terminal as t
from protocols.codes import ResourceCode
from protocols.signature import SignatureBlock
from protocols.sm2 import PrivateKey, sign_with_nonce
from protocols.terminal import Header, SignScope
from tests.protocols.worked_key import CERTIFICATE, NONCE, PUBLIC, SCALAR, TIME

CODE = ResourceCode("63411230010010314010401")
FRAME = t.request(Header.D, 1, CODE, (CODE, CODE), t.StatusQuery((1, 6)))


def signer(scope: SignScope, asked: list[bytes]) -> t.frame.Sign:
    def sign(command: bytes) -> SignatureBlock:
        asked.append(command)
        message = command if scope is SignScope.HEAD_BODY else command + TIME.to_bytes(4, "big")
        return SignatureBlock(TIME, CERTIFICATE, sign_with_nonce(SCALAR, message, NONCE))

    return sign


@pytest.mark.parametrize("scope", SignScope)
def test_a_reader_finds_the_scope_by_which_a_frame_was_signed(scope: SignScope) -> None:
    asked: list[bytes] = []
    data = t.encode(FRAME, sign=signer(scope, asked), body_only=scope.body_only)
    frame = t.decode(data)
    assert t.scope_of(frame, PUBLIC.verify) is scope
    whole = data[:-80]
    assert asked == [whole[26 + 2 * 12 :] if scope is SignScope.BODY_TIME else whole]
    assert asked[0][-6:] == bytes.fromhex("110003020106")  # type, length, two ids


def test_a_frame_of_another_signer_or_of_nobody_has_no_scope() -> None:
    stranger = PrivateKey.from_scalar(SCALAR - 1).public
    signed = t.decode(t.encode(FRAME, sign=signer(SignScope.HEAD_BODY_TIME, [])))
    assert t.scope_of(signed, stranger.verify) is None
    assert t.scope_of(FRAME, PUBLIC.verify) is None
