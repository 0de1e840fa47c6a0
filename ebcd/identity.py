"""Who is asking: a token, or the user id at the other end of the unix socket."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from ebcd.operator import Actor, Kind, OperationRefused, Problem

TOKEN_CHARACTERS_MAX = 512


@dataclass(slots=True)
class Operators:
    """The people of the configuration's `[[operators]]`, by what proves them.

    Tokens are kept as SHA-256 only (lower-case hex), so that the configuration gives nobody away.
    """

    by_token_sha256: Mapping[str, str] = field(default_factory=dict)
    by_uid: Mapping[int, str] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """Everybody's name."""
        return frozenset((*self.by_token_sha256.values(), *self.by_uid.values()))

    def become(self, other: Operators) -> None:
        """Be these people from now on (a reload of the configuration)."""
        self.by_token_sha256, self.by_uid = other.by_token_sha256, other.by_uid

    def identify(self, token: str | None, uid: int | None) -> Actor | None:
        """The person, or None when nothing proves one.

        A token that is given decides alone: a wrong one is refused (`OperationRefused`, "bad_token") and never falls
        back to the user id, or a typing error would act under another name.
        """
        if token is not None:
            if len(token) <= TOKEN_CHARACTERS_MAX:
                name = self.by_token_sha256.get(hashlib.sha256(token.encode()).hexdigest())
                if name is not None:
                    return Actor(name, via="token")
            raise OperationRefused(Problem(Kind.UNKNOWN_ACTOR, "bad_token", thing="X-Ebcd-Token"))
        if uid is not None and (name := self.by_uid.get(uid)) is not None:
            return Actor(name, via="uid")
        return None

    def required(self, token: str | None, uid: int | None) -> Actor:
        """As `identify`, but nobody is refused (`OperationRefused`, "unknown_actor")."""
        actor = self.identify(token, uid)
        if actor is None:
            told = "" if uid is None else f"uid {uid}"
            raise OperationRefused(Problem(Kind.UNKNOWN_ACTOR, "unknown_actor", thing="operator", value=told))
        return actor
