"""The signature file EBDS_..., in the flat form of GD/J 081 and the 2016 form with SignatureCert (platform.md 7).

The file carries a 74-byte signature block as Base64; who signed and when is read from the block alone, the texts
beside it are unreliable in the field.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from lxml import etree

from protocols.ebd import document
from protocols.ebd.edition import RULES, Edition
from protocols.errors import LocalProtocolError, RemoteProtocolError

BLOCK_BYTES = 74  # time 4, certificate number 6, r and s 64
SIGNATURE_XML_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class SignatureFile:
    """One signature file (GD/J 081 clauses 6.3, 6.4). `block` is what `SignatureBlock.decode` takes."""

    block: bytes
    related_ebd_id: str | None = None
    related_info_ids: tuple[str, ...] = ()  # EBInfoID, in the signature of an information body
    certificate_text: str = ""  # CertSN as written; never trusted
    issuer_text: str = ""  # IssuerID of the 2016 form
    form: Edition = Edition.Y2018

    @property
    def time_or_counter(self) -> int:
        """UTC seconds, or the monotonic counter of a crypto box."""
        return int.from_bytes(self.block[:4], "big")

    @property
    def certificate(self) -> bytes:
        """The 6-byte number of the signer's certificate."""
        return self.block[4:10]


def decode_signature(xml: bytes) -> SignatureFile:
    """Read either form. Raises RemoteProtocolError("signature-file"), result 4."""
    try:
        root = document.parse(xml, xml_bytes_max=SIGNATURE_XML_BYTES_MAX)
    except RemoteProtocolError as error:
        raise RemoteProtocolError("signature-file", f"{error.reason}: {error.detail}") from None
    if document.local_name(root) != "signature":
        raise RemoteProtocolError("signature-file", f"the document is a <{document.local_name(root)[:40]}>")
    form = Edition.Y2016 if "signaturecert" in document.children(root) else Edition.Y2018
    values = _texts(root, "signaturevalue")
    if len(values) != 1:
        raise RemoteProtocolError("signature-file", f"{len(values)} SignatureValue, one is needed")
    try:
        block = base64.b64decode("".join(values[0].split()), validate=True)
    except (binascii.Error, ValueError):
        raise RemoteProtocolError("signature-file", "SignatureValue is no Base64") from None
    if len(block) != BLOCK_BYTES:
        raise RemoteProtocolError("signature-file", f"SignatureValue has {len(block)} bytes, {BLOCK_BYTES} are needed")
    ids = _texts(root, "relatedebd", "ebdid")
    return SignatureFile(
        block=block,
        related_ebd_id=ids[0] if ids else None,
        related_info_ids=tuple(_texts(root, "relatedebinfo", "ebinfoid")),
        certificate_text=next(iter(_texts(root, "certsn") or _texts(root, "signaturecert", "certsn")), ""),
        issuer_text=next(iter(_texts(root, "signaturecert", "issuerid")), ""),
        form=form,
    )


def encode_signature(signature: SignatureFile) -> bytes:
    """Write the form that `signature.form` names; the certificate texts are made from the block.

    Raises LocalProtocolError for a block that is not 74 bytes, or without exactly one kind of related id.
    """
    if len(signature.block) != BLOCK_BYTES:
        raise LocalProtocolError(f"a signature block has {BLOCK_BYTES} bytes, not {len(signature.block)}")
    if (signature.related_ebd_id is None) == (not signature.related_info_ids):
        raise LocalProtocolError("a signature names either the package or the information bodies it signs")
    number = signature.certificate.hex()
    root = etree.Element("Signature")
    document.child(root, "Version", "1")
    if signature.related_ebd_id is not None:
        document.child(document.child(root, "RelatedEBD"), "EBDID", signature.related_ebd_id)
    else:
        related = document.child(root, "RelatedEBInfo")
        for info_id in signature.related_info_ids:
            document.child(related, "EBInfoID", info_id)
    if RULES[signature.form].flat_signature:
        document.child(root, "CertSN", f"0000{number}")
        document.child(root, "SignatureAlgorithm", "SM2-SM3")
    else:
        certificate = document.child(root, "SignatureCert")
        document.child(certificate, "CertType", "01")
        document.child(certificate, "IssuerID", signature.issuer_text)
        document.child(certificate, "CertSN", number)
        document.child(root, "SignatureTime", signature.block[:4].hex())
        document.child(root, "DigestAlgorithm", "SM3")
        document.child(root, "SignatureAlgorithm", "SM2")
    document.child(root, "SignatureValue", base64.b64encode(signature.block).decode())
    return document.serialise(root)


def _texts(root: etree._Element, *path: str) -> list[str]:
    """The texts that are not empty at the end of a path of lower-case names."""
    nodes = [root]
    for name in path:
        nodes = [child for node in nodes for child in document.children(node).get(name, [])]
    return [text for node in nodes if (text := document.text_of(node))]
