"""The platform interface and warnings: packages, documents, signature files (GD/J 081-083, CAP 1.2)."""

from __future__ import annotations

from ebcd.gateway.post import PostFailed, read_receipt
from protocols import cap
from protocols.ebd import Edition, decode, decode_signature, encode, encode_signature, find_archive, tar, unpack
from protocols.ebd.envelope import read_envelope
from protocols.ebd.information import decode_information, encode_information
from protocols.errors import LocalProtocolError, RemoteProtocolError
from tests.fuzz.properties import comes_back, decodes

ebd_tar = decodes(lambda archive: list(tar.read(archive)))
ebd_package = decodes(unpack)
ebd_envelope = decodes(read_envelope)


ebd_2018 = comes_back(
    lambda xml: decode(xml, edition=Edition.Y2018), lambda ebd: encode(ebd, edition=Edition.Y2018), may_refuse=True
)
ebd_2016 = comes_back(
    lambda xml: decode(xml, edition=Edition.Y2016), lambda ebd: encode(ebd, edition=Edition.Y2016), may_refuse=True
)
ebd_information = comes_back(decode_information, encode_information, may_refuse=True)


def ebd_multipart(data: bytes) -> None:
    """A content type, a zero byte, a body: what is found lies in the body, however large the body."""
    content_type, _, body = data.partition(b"\0")
    try:
        archive = find_archive(content_type.decode("latin-1"), body)
    except RemoteProtocolError:
        return
    assert archive in body


def ebd_signature(data: bytes) -> None:
    """The two texts beside the block are written from the block and may differ afterwards; all else comes back."""
    try:
        found = decode_signature(data)
        again = decode_signature(encode_signature(found))
    except (RemoteProtocolError, LocalProtocolError):
        return
    assert (again.block, again.form) == (found.block, found.form)
    assert (again.related_ebd_id, again.related_info_ids) == (found.related_ebd_id, found.related_info_ids)


def ebd_receipt(data: bytes) -> None:
    """What a platform answers gives a receipt or PostFailed."""
    for body in (data, tar.write([tar.Entry("EBDB_1.xml", data)])):
        try:
            read_receipt("", body)
        except PostFailed as failure:
            reason = failure.reason
        else:
            continue
        assert reason == "receipt"


def cap_warning(data: bytes) -> None:
    """A warning comes back, and what it orders can be told or is refused by name."""
    comes_back(cap.decode, cap.encode, may_refuse=True)(data)
    try:
        cap.orders_of(cap.decode(data))
    except RemoteProtocolError:
        return
