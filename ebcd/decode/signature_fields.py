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
