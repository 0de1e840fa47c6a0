"""Certificates and authorisation lists (GD/J 081-2018 clauses 6.1 and 6.5)."""

from __future__ import annotations

from ebcd.decode.keys import Keys, is_own_signature
from ebcd.decode.reading import Note, Reading
from ebcd.decode.recogniser import Claim, Recogniser, told
from ebcd.decode.signature_fields import (
    CERTIFICATE_CLAUSE,
    LIST_CLAUSE,
    certificate_fields,
    certificate_so_far,
    list_fields,
    list_so_far,
)
from protocols.errors import RemoteProtocolError
from protocols.signature import (
    CERTIFICATE_BYTES,
    VERSIONS,
    AuthorisationList,
    Certificate,
)
from protocols.sm2 import PublicKey

_LIST_BYTES_MIN = 78
_NUMBER_BYTES = 6
_SIGNED_BYTES = 70  # the signer's number and the signature
_KEY = slice(15, 79)


def claim_certificate(data: bytes) -> Claim:
    """The length; certain where version and month exist and the key is a point of the curve."""
    if len(data) != CERTIFICATE_BYTES:
        return Claim.NONE
    if data[0] not in VERSIONS or not 1 <= data[14] <= 12:
        return Claim.WEAK
    try:
        PublicKey(data[_KEY])
    except RemoteProtocolError:
        return Claim.WEAK
    return Claim.CERTAIN


def read_certificate(data: bytes, keys: Keys) -> Reading:
    """One certificate, judged by its issuer's where that was given, or by itself where it is its own issuer."""
    try:
        certificate = Certificate.decode(data)
    except RemoteProtocolError as error:
        return Reading(
            "certificate",
            "certificate",
            certificate_so_far(data),
            errors=(told(error),),
            clause=CERTIFICATE_CLAUSE,
            offset=error.offset,
        )
    errors: tuple[str, ...] = ()
    try:
        PublicKey(certificate.public_key)
    except RemoteProtocolError as error:
        errors = (told(error),)
    if certificate.issuer == certificate.number:
        signature = is_own_signature(certificate)
    else:
        signature = keys.judge_plain(certificate.signed_bytes(), certificate.issuer, certificate.signature)
    return Reading(
        "certificate",
        "certificate",
        certificate_fields(certificate),
        signature=signature,
        roundtrip=certificate.encode() == data,
        errors=errors,
        clause=CERTIFICATE_CLAUSE,
        notes=_notes(certificate, keys),
    )


def _notes(certificate: Certificate, keys: Keys) -> tuple[Note, ...]:
    notes = [Note("reserved_number")] if certificate.is_reserved else []
    if keys.now_s is not None and not certificate.valid_at(keys.now_s):
        notes.append(Note("certificate_expired"))
    return tuple(notes)


def claim_list(data: bytes) -> Claim:
    """The length follows from the count; likely where the numbers look like such. An empty list must have such."""
    if len(data) < _LIST_BYTES_MIN or len(data) != _LIST_BYTES_MIN + _NUMBER_BYTES * data[7]:
        return Claim.NONE
    signer = data[-_SIGNED_BYTES:][:_NUMBER_BYTES]
    if _is_number(data[:_NUMBER_BYTES]) and _is_number(signer) and (data[7] or not any(data[:2] + signer[:2])):
        return Claim.LIKELY
    return Claim.WEAK if data[7] else Claim.NONE


def _is_number(data: bytes) -> bool:
    """Whether six bytes look like the number of a certificate: digits, or small, not 0 (GD/J 081 clause 6.1)."""
    return any(data) and (data.hex().isdecimal() or not any(data[:2]))


def read_list(data: bytes, keys: Keys) -> Reading:
    """One list, judged by the certificate that it says signed it."""
    try:
        found = AuthorisationList.decode(data)
    except RemoteProtocolError as error:
        return Reading(
            "authorisation-list",
            "authorisation_list",
            list_so_far(data),
            errors=(told(error),),
            clause=LIST_CLAUSE,
            offset=error.offset,
        )
    return Reading(
        "authorisation-list",
        "authorisation_list",
        list_fields(found),
        signature=keys.judge_plain(found.signed_bytes(), found.signer, found.signature),
        roundtrip=found.encode() == data,
        clause=LIST_CLAUSE,
    )


CERTIFICATE = Recogniser("certificate", claim_certificate, read_certificate)
AUTHORISATION_LIST = Recogniser("authorisation-list", claim_list, read_list)
