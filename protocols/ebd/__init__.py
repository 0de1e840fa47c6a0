"""Platform interface: EBD documents in signed TAR packages over HTTP (GD/J 081, 082, 083—2018 and the 2016 draft)."""

from protocols.ebd.codec import Detail, Ebd, decode, encode
from protocols.ebd.edition import Edition
from protocols.ebd.envelope import EbdType, Envelope, read_envelope
from protocols.ebd.multipart import build_request_body, find_archive
from protocols.ebd.package import InformationFile, Package, pack, package_name, unpack
from protocols.ebd.result import ResultCode, result_code
from protocols.ebd.short_codes import Naming
from protocols.ebd.signature_xml import SignatureFile, decode_signature, encode_signature

__all__ = [
    "Detail",
    "Ebd",
    "EbdType",
    "Edition",
    "Envelope",
    "InformationFile",
    "Naming",
    "Package",
    "ResultCode",
    "SignatureFile",
    "build_request_body",
    "decode",
    "decode_signature",
    "encode",
    "encode_signature",
    "find_archive",
    "pack",
    "package_name",
    "read_envelope",
    "result_code",
    "unpack",
]
