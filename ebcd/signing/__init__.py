"""Who signs and whom we believe: our own key, the certificates on file, and the rules for a peer's signature."""

from __future__ import annotations

from ebcd.signing.exceptions import ExceptionBook
from ebcd.signing.lists import FiledList, Standing
from ebcd.signing.receiver import Policy, Refusal, SignatureVerifier, TimeMode, Verdict
from ebcd.signing.signer import FileProfile, FileSigner, Signer
from ebcd.signing.trust import Trusted, TrustStore

__all__ = [
    "ExceptionBook",
    "FileProfile",
    "FileSigner",
    "FiledList",
    "Policy",
    "Refusal",
    "SignatureVerifier",
    "Signer",
    "Standing",
    "TimeMode",
    "TrustStore",
    "Trusted",
    "Verdict",
]
