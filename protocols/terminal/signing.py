"""Which bytes of a header D frame its signature is over: the texts name three ranges (signature.md 2).

Table D.2 speaks of the body, table D.4 of head and body, GD/J 081 clause 5.4 adds the time, and captured frames of
annex A are signed over head, body and time. The signer's scope is configuration; a reader tries all three.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from protocols.signature import Scope
from protocols.signature import signed_bytes as bytes_of_scope
from protocols.terminal.frame import Frame, business_at


class SignScope(StrEnum):
    """`fefd.sign_scope`, in the order in which a reader tries."""

    HEAD_BODY_TIME = "head_body_time"
    BODY_TIME = "body_time"
    HEAD_BODY = "head_body"

    @property
    def time(self) -> Scope:
        """Whether the signer adds its time, in the words of GD/J 081: what to ask a signer for."""
        return Scope.COMMAND if self is SignScope.HEAD_BODY else Scope.CMD_TIME

    @property
    def body_only(self) -> bool:
        """Whether the head is left out."""
        return self is SignScope.BODY_TIME

    def command(self, signed: bytes, targets: int) -> bytes:
        """The part of head, targets and data that is signed in a frame of header D with so many targets."""
        return signed[business_at(targets) :] if self.body_only else signed


def scope_of(frame: Frame, is_good: Callable[[bytes, bytes], bool]) -> SignScope | None:
    """The first scope under which the frame's signature is right, judged by `is_good` (message, value); None where it
    is not, or where nobody signed."""
    block = frame.signature
    if block is None:
        return None
    for scope in SignScope:
        command = scope.command(frame.signed, len(frame.targets))
        if is_good(bytes_of_scope(command, block, scope.time), block.value):
            return scope
    return None
