"""What the province makes of the county's packages: the receipt's code, and events for whoever watches.

The order is that of platform.md 6.2. A package number that was accepted before gets the same answer, and the watcher
hears of a duplicate instead of a second event.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from protocols.ebd import (
    Envelope,
    ResultCode,
    decode,
    decode_signature,
    find_archive,
    read_envelope,
    result_code,
    unpack,
)
from protocols.ebd.codec import Detail
from protocols.ebd.envelope import EbdType
from protocols.ebd.messages import ConnectionCheck, EbdNotify, EbdResponse, EbmStateResponse
from protocols.ebd.reports import EbrasState, EbrbsState, EbrdtState, EbrpsInfo, EbrpsState
from protocols.errors import RemoteProtocolError
from protocols.sm2 import PublicKey
from simulators.clock import Clock
from simulators.province_config import ProvinceConfig, SignProfile

REMEMBERED_MAX = 20_000  # package numbers; the oldest are forgotten first

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one POST. `envelope` None where it could not be read."""

    code: ResultCode
    desc: str
    envelope: Envelope | None
    events: Sequence[Event] = ()


class Inbox:
    """Judges and remembers."""

    def __init__(self, config: ProvinceConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._county_key = PublicKey(config.county.certificate.public_key)
        self._seen: OrderedDict[str, None] = OrderedDict()

    def take(self, content_type: str, body: bytes) -> Verdict:
        """One POST of the county."""
        envelope: Envelope | None = None
        try:
            package = unpack(find_archive(content_type, body))
            envelope = read_envelope(package.xml)
            self._check_who(envelope)
            profile = self._check_signature(envelope, package.xml, package.signature_xml)
            detail = decode(package.xml, edition=self._config.edition).detail
        except RemoteProtocolError as error:
            event = {"event": "rejected", "reason": error.reason, "detail": error.detail, "at": self._clock.wall()}
            if envelope is not None:
                event |= {"ebdid": envelope.ebd_id, "type": envelope.ebd_type}
            return Verdict(result_code(error), f"{error.reason}: {error.detail}", envelope, (event,))
        if envelope.ebd_type == EbdType.CONNECTION_CHECK:
            return Verdict(ResultCode.SUCCESS, "", envelope, (self._event("heartbeat", envelope),))
        if envelope.ebd_id in self._seen:
            return Verdict(ResultCode.SUCCESS, "", envelope, (self._event("duplicate", envelope),))
        self._remember(envelope.ebd_id)
        event = self._event(*_told(detail, envelope)) | {"profile": profile}
        return Verdict(ResultCode.SUCCESS, "", envelope, (event,))

    def _check_who(self, envelope: Envelope) -> None:
        if envelope.source != self._config.county.code:
            raise RemoteProtocolError("source", f"{envelope.source} is no platform of ours")
        if envelope.destination not in (None, self._config.code):
            raise RemoteProtocolError("destination", f"the package is for {envelope.destination}")
        if envelope.edition is not self._config.edition:
            raise RemoteProtocolError("edition", f"the package has codes of the {envelope.edition} edition")

    def _check_signature(self, envelope: Envelope, xml: bytes, signature_xml: bytes | None) -> str:
        """Which profile matched; "" for an unsigned heartbeat."""
        if signature_xml is None:
            if envelope.ebd_type == EbdType.CONNECTION_CHECK:
                return ""
            raise RemoteProtocolError("signature-missing", f"no EBDS file beside {envelope.ebd_id}")
        file = decode_signature(signature_xml)
        if file.form is not self._config.edition:
            raise RemoteProtocolError("signature-file", f"the signature has the form of the {file.form} edition")
        if file.related_ebd_id != envelope.ebd_id:
            raise RemoteProtocolError("signature-file", f"the signature is for package {file.related_ebd_id}")
        if file.certificate != self._config.county.certificate.number:
            raise RemoteProtocolError("signature", f"certificate {file.certificate.hex()} is not the county's")
        for profile in SignProfile:
            if self._county_key.verify(profile.signed(xml, file.time_or_counter), file.block[10:]):
                return profile
        raise RemoteProtocolError("signature", "the signature does not fit the document")

    def _remember(self, ebd_id: str) -> None:
        self._seen[ebd_id] = None
        while len(self._seen) > REMEMBERED_MAX:
            self._seen.popitem(last=False)

    def _event(self, name: str, envelope: Envelope, facts: Event | None = None) -> Event:
        told = {"event": name, "ebdid": envelope.ebd_id, "type": envelope.ebd_type, "at": self._clock.wall()}
        if envelope.related_ebd_id is not None:
            told["related"] = envelope.related_ebd_id
        return told | (facts or {})


def _told(detail: Detail, envelope: Envelope) -> tuple[str, Envelope, Event]:
    """Name of the event, the envelope again, and the facts."""
    match detail:
        case EbmStateResponse():
            return "state", envelope, _state(detail)
        case EbdNotify() | EbdResponse():  # the later notice of the 2016 edition is an EBDResponse
            return "notify", envelope, {"code": int(detail.code), "desc": detail.desc}
        case EbrdtState():
            return "rdtstate", envelope, {"items": _items(detail.items)}
        case EbrpsState() | EbrasState() | EbrbsState():
            return "resource_state", envelope, {"items": _items(detail.items)}
        case EbrpsInfo():
            platforms = [{"code": item.ebr_id, "name": item.name, "url": item.url} for item in detail.items]
            return "rpsinfo", envelope, {"items": platforms}
        case ConnectionCheck():
            return "heartbeat", envelope, {}
        case _:
            return "package", envelope, {"items": len(getattr(detail, "items", ()))}


def _state(detail: EbmStateResponse) -> Event:
    told: Event = {"ebmid": detail.ebm_id, "code": detail.state_code, "desc": detail.state_desc}
    if detail.coverage is not None:
        coverage = detail.coverage
        told["coverage"] = {"rate": coverage.rate, "areas": list(coverage.area_codes), "used": list(coverage.used)}
    told["platforms"] = [item.platform for item in detail.resources if item.platform]
    return told


def _items(items: Sequence[Any]) -> list[Event]:
    return [{"code": item.ebr_id, "state": item.code, "desc": item.desc} for item in items]
