"""Which authorisation lists are to be asked for: the request that the certificate management system gets.

GD/J 088 annex B.2 and GD/J 081 clause 5.5 name a file that a platform's certificate agent exports, from certificates
and topology, and give it no format: this one is ours. A list names whoever commands its receiver (GD/J 088 9.2-9.4):
the platform for an adapter and for what it reaches itself, an adapter for the terminals behind it, since it signs anew.
What the list in force names stays, since what is left out is revoked (GD/J 081 clause 6.5).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from devices.link import Path
from devices.roster import Device, DeviceKind
from ebcd.inventory import Inventory
from protocols.codes import ResourceCode
from protocols.signature import (
    LIST_CERTIFICATES_MAX,
    AuthorisationList,
    CertificateNumber,
    number_from_text,
    number_text,
)

FORMAT = "ebcd-list-request-1"
FIRST_SERIAL = 1
SERIALS = 256
PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One list to be made. `serial_before` and `before`: of the newest list on file, None and empty without one."""

    receiver: str
    serial: int
    certificates: tuple[str, ...]
    code: str
    name: str
    kind: str  # platform, adapter, terminal
    serial_before: int | None
    before: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A device that no list can be asked for. `reason`: no_number (its own), commander_no_number, shared_number (with
    another device), conflict (two lists with its newest serial), too_many."""

    code: str
    name: str
    reason: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class ListRequest:
    """`missing`: numbers that lists name and of which no certificate is on file."""

    lists: tuple[Wanted, ...]
    missing: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for besides what the topology says. `devices` None: all of them. `everybody`: also those whose
    list on file says all of it already."""

    devices: Collection[ResourceCode] | None = None
    extra: tuple[CertificateNumber, ...] = ()
    revoked: frozenset[CertificateNumber] = frozenset()
    everybody: bool = False


@dataclass(frozen=True, slots=True)
class County:
    """Who commands whom. `newest`: the newest list on file by receiver, None where two contradict each other; `known`:
    certificates on file; `peers`: certificates of platforms above; `fm_adapters`: those that drive a transmitter."""

    code: str
    name: str
    own: CertificateNumber
    inventory: Inventory
    newest: Mapping[CertificateNumber, AuthorisationList | None]
    known: Collection[CertificateNumber]
    peers: tuple[CertificateNumber, ...] = ()
    fm_adapters: tuple[ResourceCode, ...] = ()


class _Unknown(Exception):
    """A commander's certificate number does not stand in the inventory."""

    def __init__(self, code: ResourceCode) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class _Book:
    """What has been found so far."""

    county: County
    wish: Wish
    lists: list[Wanted] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def add(self, code: str, name: str, kind: str, receiver: CertificateNumber, needed: Iterable[bytes]) -> None:
        """The list of one receiver, where it differs from the one on file."""
        newest = self.county.newest.get(receiver)
        if newest is None and receiver in self.county.newest:
            self.left_out.append(LeftOut(code, name, "conflict", number_text(receiver)))
            return
        before = newest.certificates if newest else ()
        named = dict.fromkeys((*before, *needed, *self.wish.extra))
        certificates = tuple(number for number in named if number not in self.wish.revoked)
        if len(certificates) > LIST_CERTIFICATES_MAX:
            self.left_out.append(LeftOut(code, name, "too_many", str(len(certificates))))
            return
        if newest is not None and certificates == before and not self.wish.everybody:
            return
        serial = FIRST_SERIAL if newest is None else (newest.serial + 1) % SERIALS
        self.lists.append(
            Wanted(
                number_text(receiver),
                serial,
                tuple(map(number_text, certificates)),
                code,
                name,
                kind,
                newest.serial if newest else None,
                tuple(map(number_text, before)),
            )
        )


def list_request(county: County, wish: Wish) -> ListRequest:
    """What to ask for. O(devices)."""
    book = _Book(county, wish)
    if wish.devices is None and (county.own in county.newest or wish.everybody):
        book.add(county.code, county.name, PLATFORM, county.own, county.peers)
    roster = county.inventory.roster
    numbers = {device.code: _number(county, device.code) for device in (*roster.adapters, *roster.terminals)}
    times = Counter(number for number in numbers.values() if number)
    for device in (*roster.adapters, *roster.terminals):
        if wish.devices is not None and device.code not in wish.devices:
            continue
        receiver = numbers[device.code]
        if not receiver:
            book.left_out.append(LeftOut(device.code, device.name, "no_number"))
        elif times[receiver] > 1 or receiver == county.own:
            book.left_out.append(LeftOut(device.code, device.name, "shared_number", number_text(receiver)))
        else:
            try:
                needed = _commanders(county, device)
            except _Unknown as error:
                book.left_out.append(LeftOut(device.code, device.name, "commander_no_number", error.code))
            else:
                book.add(device.code, device.name, str(device.kind), receiver, needed)
    named = {number for wanted in book.lists for number in wanted.certificates}
    missing = sorted(named - {number_text(number) for number in county.known})
    return ListRequest(tuple(book.lists), tuple(missing), tuple(book.left_out))


def _commanders(county: County, device: Device) -> list[CertificateNumber]:
    """Whose commands a device gets, over all its paths. Raises _Unknown."""
    if device.kind is DeviceKind.ADAPTER:
        return [county.own]
    found: list[CertificateNumber] = []
    for path in device.paths:
        if path is not Path.ADAPTER:
            found.append(county.own)
        signers: list[ResourceCode] = []
        if path is Path.ADAPTER and (adapter := county.inventory.adapter_of(device.code)) is not None:
            signers.append(adapter)
        if path is Path.FM:
            signers += county.fm_adapters
        for code in signers:
            number = _number(county, code)
            if not number:
                raise _Unknown(code)
            found.append(number)
    return found


def _number(county: County, code: ResourceCode) -> CertificateNumber:
    written = county.inventory.archive.of(code).certificate
    return number_from_text(written) if written else b""
