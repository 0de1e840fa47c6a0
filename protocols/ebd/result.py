"""Which ResultCode a receipt must carry for each kind of fault (GD/J 083; platform.md 5.6)."""

from __future__ import annotations

from enum import IntEnum

from protocols.errors import ProtocolError, RemoteProtocolError


class ResultCode(IntEnum):
    """Code of EBDResponse and EBDNotify. After 2-5 the responder does nothing further with the package."""

    NOT_PROCESSED = 0
    SUCCESS = 1
    PARSE_FAILED = 2
    CONTENT_MISSING = 3
    SIGNATURE_FAILED = 4
    OTHER = 5


REASONS: dict[str, ResultCode] = {
    # the way to the document: HTTP body, archive, XML
    "multipart": ResultCode.PARSE_FAILED,
    "no-tar": ResultCode.PARSE_FAILED,
    "tar": ResultCode.PARSE_FAILED,
    "tar-name": ResultCode.PARSE_FAILED,
    "tar-link": ResultCode.PARSE_FAILED,
    "tar-limit": ResultCode.PARSE_FAILED,
    "tar-duplicate": ResultCode.PARSE_FAILED,
    "no-ebdb": ResultCode.PARSE_FAILED,
    "xml": ResultCode.PARSE_FAILED,
    "doctype": ResultCode.PARSE_FAILED,
    "xml-limit": ResultCode.PARSE_FAILED,
    "root": ResultCode.PARSE_FAILED,
    # the document's content
    "missing": ResultCode.CONTENT_MISSING,
    "format": ResultCode.CONTENT_MISSING,
    "repeated": ResultCode.CONTENT_MISSING,
    "edition": ResultCode.CONTENT_MISSING,
    # the signature
    "signature-missing": ResultCode.SIGNATURE_FAILED,
    "signature-file": ResultCode.SIGNATURE_FAILED,
    "signature": ResultCode.SIGNATURE_FAILED,
    # who, and whether we can
    "source": ResultCode.OTHER,
    "destination": ResultCode.OTHER,
    "type": ResultCode.OTHER,
    "number-reused": ResultCode.OTHER,
    "body-limit": ResultCode.OTHER,
    "body-slow": ResultCode.OTHER,
    "busy": ResultCode.OTHER,
    "store": ResultCode.OTHER,
}
"""Reason slug of a RemoteProtocolError -> code. The slugs are metric labels too."""


def result_code(error: ProtocolError) -> ResultCode:
    """The code a receipt must carry for this error; OTHER for a reason that the table does not name."""
    if isinstance(error, RemoteProtocolError):
        return REASONS.get(error.reason, ResultCode.OTHER)
    return ResultCode.OTHER
