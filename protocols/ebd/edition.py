"""Which edition of the platform interface a peer speaks, and what that changes on the wire.

2018 is GD/J 080-083. 2016 is the draft before it, still spoken by early adopters: shorter codes, `SentTime`, another
signature form. A peer configured as 2016 may send either; one configured as 2018 is held to 2018 codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Edition(StrEnum):
    """As written in the configuration."""

    Y2016 = "2016"
    Y2018 = "2018"


@dataclass(frozen=True, slots=True)
class EditionRules:
    """What an edition fixes (GD/J 080; the 2016 draft for the short forms)."""

    resource_code_digits: int
    ebm_id_digits: int
    ebd_id_digits: int
    message_types: frozenset[int]
    information_body: bool  # a package of an EBM may carry an EBDI file
    flat_signature: bool  # False: the SignatureCert block of 2016


RULES = {
    Edition.Y2018: EditionRules(23, 35, 41, frozenset({1, 2, 3, 4, 5}), True, True),
    Edition.Y2016: EditionRules(18, 30, 36, frozenset({1, 2}), False, False),
}


def accepted(edition: Edition) -> tuple[EditionRules, ...]:
    """What is accepted from a peer of this edition: its own forms first, for a 2016 peer also the later ones."""
    if edition is Edition.Y2018:
        return (RULES[Edition.Y2018],)
    return (RULES[Edition.Y2016], RULES[Edition.Y2018])
