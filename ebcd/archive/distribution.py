"""Certificates and authorisation lists from the trust folder to the devices they are for (GD/J 081 clause 5.5).

Made by the certificate management system, imported by `ebcd cert import`, sent from here: 0x17 to a terminal, 0x41 to
an adapter, 0x40 through an adapter, types 7 and 6 over FM. Certificates go first or in the same frame, the list last.
A list never follows a newer one, and none is sent that would make its receiver disbelieve whoever commands it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from devices.link import Path
from devices.roster import Device, DeviceKind
from ebcd.archive.enquiry import Enquiries, Route
from ebcd.archive.keeper import refused
from ebcd.archive.listed import ListBook
from ebcd.inventory import Inventory
from ebcd.operator import Kind, OperationRefused
from ebcd.signing import TrustStore
from protocols.codes import ResourceCode
from protocols.signature import AuthorisationList, CertificateNumber, number_from_text, number_text
from protocols.sm2 import sm3

SEND = "send"
AT_ONCE = 50
"""Devices that are looked at before the loop may do something else: some milliseconds."""
REFUSALS = {"older": "list_older", "conflict": "list_conflict", "without_us": "list_without_us"}
"""Standings of a row that refuse the whole change -> the sentence for it."""


@dataclass(frozen=True, slots=True)
class TrustRow:
    """What one device would get. `sent`: serial of the newest list that it was sent, with what became of it;
    `missing`: numbers on its list of which no certificate is on file. `standing`: "send", "taken" (nothing to do),
    "unreached", "no_receiver", "no_list", or why the change would be refused (`REFUSALS`)."""

    code: str
    name: str
    receiver: str
    serial: int | None
    sent: int | None
    outcome: str
    path: str
    through: str
    certificates: int
    missing: tuple[str, ...]
    standing: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one device gets, and how."""

    code: ResourceCode
    receiver: str
    listed: AuthorisationList | None
    lists: tuple[bytes, ...]  # the same as a frame has it
    certificates: tuple[bytes, ...]
    route: Route


@dataclass(frozen=True, slots=True)
class TrustPlan:
    """Of one change. `digest`: SM3 over all that would be sent, in steps and in the order of the devices named, so that
    what is confirmed is what was shown."""

    digest: str
    rows: tuple[TrustRow, ...]
    parcels: Mapping[str, Parcel]


@dataclass(frozen=True, slots=True)
class Authority:
    """Whose certificates count where: `trust` as it is now, the pinned roots, our own number."""

    trust: Callable[[], TrustStore]
    roots: frozenset[CertificateNumber]
    own: CertificateNumber


class _Shelf:
    """The trust folder while one plan is made: each certificate is written out once."""

    def __init__(self, store: TrustStore, roots: frozenset[CertificateNumber]) -> None:
        self.store = store
        self._roots = roots
        self._chains: dict[CertificateNumber, tuple[tuple[CertificateNumber, bytes], ...]] = {}

    def with_issuers(
        self, numbers: Iterable[CertificateNumber]
    ) -> tuple[tuple[bytes, ...], tuple[CertificateNumber, ...]]:
        """Certificates of these numbers, issuers before those whom they certify, without the roots, which devices have
        pinned; and the numbers that are not on file."""
        found: dict[CertificateNumber, bytes] = {}
        missing = []
        for number in dict.fromkeys(numbers):
            chain = self._chains.get(number)
            if chain is None:
                chain = self._chains[number] = self._chain(number)
            if not chain and number not in self._roots:
                missing.append(number)
            for at, data in chain:
                found.setdefault(at, data)
        return tuple(found.values()), tuple(missing)

    def _chain(self, number: CertificateNumber) -> tuple[tuple[CertificateNumber, bytes], ...]:
        """A certificate behind its issuers; empty where it is not on file, or a root."""
        chain: dict[CertificateNumber, bytes] = {}
        at = number
        while at not in self._roots and at not in chain and (trusted := self.store.get(at)) is not None:
            chain[at] = trusted.certificate.encode()
            at = trusted.certificate.issuer
        return tuple(reversed(chain.items()))


class Distribution:
    """Plans who gets what."""

    def __init__(
        self, authority: Authority, inventory: Inventory, enquiries: Enquiries, book: ListBook, *, has_fm: bool
    ) -> None:
        self._authority = authority
        self._inventory = inventory
        self._enquiries = enquiries
        self._book = book
        self._has_fm = has_fm

    async def plan(self, codes: Sequence[ResourceCode], extra: Sequence[str] = ()) -> TrustPlan:
        """For devices by code; `extra`: numbers of certificates that all of them get. Thousands take seconds, in small
        steps. Raises OperationRefused for a number that is not on file."""
        store = self._authority.trust()
        shelf = _Shelf(store, self._authority.roots)
        for number in extra:
            if store.get(number_from_text(number)) is None:
                raise refused(Kind.NOT_FOUND, "unknown_certificate", "certificate", number, len(store))
        rows: list[TrustRow] = []
        parcels: dict[str, Parcel] = {}
        digest = sm3(b"")
        for at in range(0, len(codes), AT_ONCE):
            await asyncio.sleep(0)
            found = [
                self._look(device, extra, shelf) for device in map(self._device, codes[at : at + AT_ONCE]) if device
            ]
            rows += (row for row, _ in found)
            some = [parcel for _, parcel in found if parcel is not None]
            parcels |= {parcel.code: parcel for parcel in some}
            if some:
                digest = sm3(digest + b"".join(map(_bytes, some)))
        return TrustPlan(digest.hex(), tuple(rows), parcels)

    def _device(self, code: ResourceCode) -> Device | None:
        """An adapter or a terminal."""
        device = self._inventory.roster.by_code(code)
        return None if device is None or device.kind is DeviceKind.TRANSMITTER else device

    async def checked(self, codes: Sequence[ResourceCode], extra: Sequence[str], digest: str) -> TrustPlan:
        """The same, for sending: refused where it is not what was shown, or where a list must not be sent."""
        plan = await self.plan(codes, extra)
        for row in plan.rows:
            if row.standing in REFUSALS:
                raise self._refusal(row)
        if plan.digest != digest:
            raise refused(Kind.CONFLICT, "trust_changed", "trust", digest[:12], plan.digest[:12])
        return plan

    def _look(self, device: Device, extra: Sequence[str], shelf: _Shelf) -> tuple[TrustRow, Parcel | None]:
        lists = shelf.store.newest
        receiver = self._inventory.archive.of(device.code).certificate
        number = number_from_text(receiver) if receiver else b""
        listed = lists.get(number)
        route = self._route(device)
        numbers = (*map(number_from_text, extra), *(listed.certificates if listed else ()))
        certificates, missing = shelf.with_issuers(numbers)
        data = b"" if listed is None else listed.encode()
        if route is None:
            standing = "unreached"
        elif number in lists and listed is None:
            standing = "conflict"
        elif listed is not None:
            standing = self._standing(listed, data, route, extra)
        elif extra:
            standing = SEND
        else:
            standing = "no_list" if receiver else "no_receiver"
        sent = self._book.sent.get(receiver)
        row = TrustRow(
            device.code,
            device.name,
            receiver,
            listed.serial if listed else None,
            sent.serial if sent else None,
            sent.outcome.value if sent else "",
            route.path.value if route else "",
            (route.through or "") if route else "",
            len(certificates),
            tuple(map(number_text, missing)),
            standing,
        )
        if standing != SEND or route is None:
            return row, None
        return row, Parcel(device.code, receiver, listed, (data,) if data else (), certificates, route)

    def _standing(self, listed: AuthorisationList, data: bytes, route: Route, extra: Sequence[str]) -> str:
        if (fault := self._book.fault(listed, data)) is not None:
            return fault
        commander = self._authority.own
        if route.through is not None:  # adapters sign anew what they pass on
            text = self._inventory.archive.of(route.through).certificate
            commander = number_from_text(text) if text else b""
        if commander and commander not in listed.certificates:
            return "without_us"
        return "taken" if self._book.has_taken(listed, data) and not extra else SEND

    def _route(self, device: Device) -> Route | None:
        """As for other settings; and over FM, which takes anything and answers nothing, where there is no other way."""
        route = self._enquiries.route(device.code)
        if route is None and self._has_fm and Path.FM in device.paths:
            return Route(Path.FM)
        return route

    def _refusal(self, row: TrustRow) -> OperationRefused:
        code = REFUSALS[row.standing]
        limit = number_text(self._authority.own) if row.standing == "without_us" else row.sent
        serial = "" if row.serial is None else row.serial
        return refused(Kind.CONFLICT, code, row.code, f"{row.receiver}-{serial}", "" if limit is None else limit)


def _bytes(parcel: Parcel) -> bytes:
    """Who gets what."""
    return b"".join((parcel.code.encode(), *parcel.certificates, *parcel.lists))
