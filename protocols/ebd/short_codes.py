"""Codes of the 2016 draft as codes of 2018, and back: how one house can know both (platform.md 4.5; the rule is ours).

The draft has 18 digits for a resource (type 2, sub-type 2, area 12, extension 2), 30 for a message and 36 for a
package. Devices, journal and people know 23, 35 and 41 (GD/J 080, 082). A short code becomes

    level of the area 1 | area 12 | type 2, sub-type 2 | extension 2 | 2016

so that `0103 331124000000 01` is known as `4 331124000000 0103 01 2016`. No digit is lost, therefore the way back needs
no table and no memory. The last four digits say where a code came from: GD/J 080 table 5 has no sub-type 20.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from protocols.codes import AreaCode
from protocols.ebd.codec import RECORDS, TYPE_OF, Ebd
from protocols.ebd.edition import RULES, Edition
from protocols.ebd.envelope import ENVELOPE
from protocols.ebd.mapping import renamed
from protocols.ebd.messages import EbdNotify, EbdResponse, EbmStateResponse, ResourceBroadcast
from protocols.ebd.values import EBD_ID, EBM_ID, RESOURCE_CODE, check_digits
from protocols.errors import LocalProtocolError

MARK = "2016"
_SHORT, _LONG = RULES[Edition.Y2016], RULES[Edition.Y2018]
_KIND = 2  # digits of an EBDID before its sender


def lengthened(short: str) -> str:
    """The code by which the house knows 18 digits of 2016. Raises ValueError for anything else."""
    check_digits(short, (_SHORT.resource_code_digits,), "resource code of 2016")
    area = AreaCode(short[4:16])
    return f"{area.level}{area}{short[:4]}{short[16:]}{MARK}"


def shortened(long: str) -> str | None:
    """The 18 digits that `lengthened` made this code of; None for a code that came from elsewhere."""
    if len(long) != _LONG.resource_code_digits or not long.endswith(MARK) or not (long.isascii() and long.isdigit()):
        return None
    short = f"{long[13:17]}{long[1:13]}{long[17:19]}"
    return short if lengthened(short) == long else None


@dataclass(frozen=True, slots=True)
class Naming:
    """How a platform of 2016 and the house name the same things.

    Our own platform has a code in each world, `own` 23 digits and `own_short` 18; everything else is lengthened. Ids
    that already have the later length stay as they are, both ways.
    """

    own: str
    own_short: str

    def into_house(self, ebd: Ebd) -> Ebd:
        """What the peer sent, in the codes of the house."""
        return self._renamed(ebd, self._code_in, self._message_in, self.package_in)

    def out_of_house(self, ebd: Ebd) -> Ebd:
        """What the house says, in the peer's codes; EBDNotify is EBDResponse there (platform.md 9), and a state
        response leaves out our head-ends and transmitters, which have none: their part is in its counts.

        Raises LocalProtocolError for a resource that has no code of 18 digits, such as a terminal of ours.
        """
        if isinstance(ebd.detail, EbdNotify):
            ebd = Ebd(ebd.envelope, EbdResponse(ebd.detail.code, ebd.detail.desc))
        if isinstance(ebd.detail, EbmStateResponse):
            named = tuple(each for each in ebd.detail.resources if self._has_codes(each))
            ebd = Ebd(ebd.envelope, replace(ebd.detail, resources=named))
        return self._renamed(ebd, self._code_out, self._message_out, self._package_out)

    def _has_codes(self, resource: ResourceBroadcast) -> bool:
        codes = (resource.platform, resource.station, resource.adapter)
        return all(code is None or self._short(code) is not None for code in codes)

    def package_in(self, ebd_id: str) -> str:
        """The EBDID of the peer's package, or of ours as the peer repeats it, in the house: 41 digits."""
        if len(ebd_id) != _SHORT.ebd_id_digits:
            return ebd_id
        end = _KIND + _SHORT.resource_code_digits
        return ebd_id[:_KIND] + self._code_in(ebd_id[_KIND:end]) + ebd_id[end:]

    def _package_out(self, ebd_id: str) -> str:
        end = _KIND + _LONG.resource_code_digits
        short = self._short(ebd_id[_KIND:end])
        return ebd_id if short is None else ebd_id[:_KIND] + short + ebd_id[end:]

    def _message_in(self, ebm_id: str) -> str:
        if len(ebm_id) != _SHORT.ebm_id_digits:
            return ebm_id
        end = _SHORT.resource_code_digits
        return self._code_in(ebm_id[:end]) + ebm_id[end:]

    def _message_out(self, ebm_id: str) -> str:
        end = _LONG.resource_code_digits
        short = self._short(ebm_id[:end])
        return ebm_id if short is None else short + ebm_id[end:]

    def _code_in(self, code: str) -> str:
        if len(code) != _SHORT.resource_code_digits:
            return code
        return self.own if code == self.own_short else lengthened(code)

    def _code_out(self, code: str) -> str:
        short = self._short(code)
        if short is None:
            raise LocalProtocolError(f"resource {code} has no code of {_SHORT.resource_code_digits} digits")
        return short

    def _short(self, code: str) -> str | None:
        return self.own_short if code == self.own else shortened(code)

    @staticmethod
    def _renamed(
        ebd: Ebd, code: Callable[[str], str], message: Callable[[str], str], package: Callable[[str], str]
    ) -> Ebd:
        change = {id(RESOURCE_CODE): code, id(EBM_ID): message, id(EBD_ID): package}
        kind = TYPE_OF[type(ebd.detail)]
        envelope = replace(renamed(ENVELOPE, ebd.envelope, change), ebd_type=str(kind))
        return Ebd(envelope, renamed(RECORDS[kind], ebd.detail, change))
