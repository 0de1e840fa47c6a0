"""Signature blocks, certificates and authorisation lists as named values, wherever a message carries them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ebcd.decode.reading import Note
from ebcd.decode.tree import Field, Group, Items, Value, value_of
from protocols.errors import RemoteProtocolError
from protocols.signature import AuthorisationList, Certificate, SignatureBlock, number_text

CERTIFICATE_CLAUSE = "GD/J 081 6.1"
LIST_CLAUSE = "GD/J 081 6.5"
CRC32_BYTES = 4
_LIST_COUNT_AT = 7
_MEANING = {"validity": "validity"}


def block_fields(block: SignatureBlock | None, time: str = "signature_time") -> tuple[Field, ...]:
    """The 74 bytes behind a command; `time` is what the standard of the carrier calls the first of them."""
    if block is None:
        return ()
    return (
        Field(time, block.time, "signature_time", "GD/J 081 6.2.1"),
        Field("certificate_number", number_text(block.certificate), "", "GD/J 081 6.1"),
        Field("signature", value_of(block.value), "", "GD/J 081 5.4"),
    )


def crc_field(data: bytes) -> Field:
    """The last four bytes of a frame."""
    return Field("crc", data[-CRC32_BYTES:].hex().upper(), "", "GD/J 089 annex G")


def unread_fields(data: bytes) -> tuple[Field, ...]:
    """The bytes from where a message breaks, if any."""
    return (Field("unread", value_of(data)),) if data else ()


def trailing_fields(trailing: bytes) -> tuple[Field, ...]:
    """What a peer wrote behind the last field that the text has, if anything."""
    return (Field("trailing", value_of(trailing)),) if trailing else ()


def trailing_notes(trailing: bytes) -> tuple[Note, ...]:
    """That it is there."""
    return (Note("trailing", (("count", str(len(trailing))),)),) if trailing else ()


def certificate_fields(certificate: Certificate) -> Group:
    """Table 1 of GD/J 081."""
    fields = (
        Field("version", f"{certificate.version:02X}"),
        Field("issuer_sn", number_text(certificate.issuer)),
        Field("certificate_sn", number_text(certificate.number)),
        Field("validity", f"{certificate.year:04d}-{certificate.month:02d}", "validity"),
        Field("public_key", value_of(certificate.public_key)),
        Field("signature", value_of(certificate.signature)),
    )
    return Group(tuple(replace(field, clause=CERTIFICATE_CLAUSE) for field in fields))


def list_fields(found: AuthorisationList) -> Group:
    """Table 6 of GD/J 081."""
    fields = (
        Field("receiver_sn", number_text(found.receiver)),
        Field("certs_auth_sn", found.serial),
        Field("certs_count", len(found.certificates)),
        Field("cert_sns", Items(tuple(number_text(each) for each in found.certificates))),
        Field("sig_sn", number_text(found.signer)),
        Field("signature", value_of(found.signature)),
    )
    return Group(tuple(replace(field, clause=LIST_CLAUSE) for field in fields))


def certificate_so_far(data: bytes) -> Group:
    """Table 1 of GD/J 081 of bytes that are no certificate: each field that is whole, then what is left."""
    parts = (("version", 1), ("issuer_sn", 6), ("certificate_sn", 6), ("validity", 2), ("public_key", 64))
    return _so_far(data, (*parts, ("signature", 64)), CERTIFICATE_CLAUSE)


def list_so_far(data: bytes) -> Group:
    """Table 6 of GD/J 081 of bytes that are no list, the same way; the count says how many numbers there should be."""
    count = data[_LIST_COUNT_AT] if len(data) > _LIST_COUNT_AT else 0
    parts = (("receiver_sn", 6), ("certs_auth_sn", 1), ("certs_count", 1), *((("cert_sns", 6),) * count))
    return _so_far(data, (*parts, ("sig_sn", 6), ("signature", 64)), LIST_CLAUSE)


def _so_far(data: bytes, parts: Iterable[tuple[str, int]], clause: str) -> Group:
    found: dict[str, list[bytes]] = {}
    at = 0
    for name, size in parts:
        if at + size > len(data):
            break
        found.setdefault(name, []).append(data[at : at + size])
        at += size
    fields = [Field(name, _shown(name, values), _MEANING.get(name, ""), clause) for name, values in found.items()]
    return Group((*fields, *unread_fields(data[at:])))


def _shown(name: str, values: list[bytes]) -> Value:
    if name == "cert_sns":
        return Items(tuple(number_text(each) for each in values))
    (value,) = values
    if name in ("certs_auth_sn", "certs_count"):
        return value[0]
    return f"{2000 + value[0]:04d}-{value[1]:02d}" if name == "validity" else value_of(value)


def certificates_of(lists: Iterable[bytes], certificates: Iterable[bytes]) -> Group:
    """What an update carries, taken apart; what is no list or certificate stays hexadecimal."""
    return Group(
        (
            Field("lists", Items(tuple(_list(each) for each in lists))),
            Field("certificates", Items(tuple(_certificate(each) for each in certificates))),
        )
    )


def _list(data: bytes) -> Value:
    try:
        return list_fields(AuthorisationList.decode(data))
    except RemoteProtocolError:
        return value_of(data)


def _certificate(data: bytes) -> Value:
    try:
        return certificate_fields(Certificate.decode(data))
    except RemoteProtocolError:
        return value_of(data)
