"""The signed protocol: what was done and seen, in both languages, under the SM2 signature of the platform that judged.

A file is `{"protocol": ..., "signature": {"certificate", "block"}}`; signed are the bytes of `protocol` as JSON with
sorted keys and without blanks, by GD/J 081's block over exactly these bytes.
"""

from __future__ import annotations

import base64
import binascii
import functools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ebcd.acceptance.acts import Act, name_of
from ebcd.acceptance.findings import Finding, Verdict
from ebcd.acceptance.play import Result
from ebcd.catalogue import Language, text
from ebcd.clock import beijing
from ebcd.signing import FileProfile, FileSigner, TrustStore
from protocols.errors import RemoteProtocolError
from protocols.signature import SignatureBlock, number_text, signed_bytes
from protocols.sm2 import PublicKey

FORMAT = "ebcd-acceptance/1"
FILE_BYTES_MAX = 4_000_000


@dataclass(frozen=True, slots=True)
class Protocol:
    """Who judged whom, in which role, with what result."""

    upper: bool
    judge: str
    judge_name: str
    peer: str
    peer_url: str
    version: str
    begun_at: float
    ended_at: float
    results: Sequence[Result]

    @property
    def counts(self) -> dict[str, int]:
        """Points by verdict."""
        return dict(Counter(str(each.finding.verdict) for each in self.results))

    @property
    def passed(self) -> bool:
        """Nothing failed, and something was seen."""
        counts = self.counts
        return not counts.get(Verdict.FAIL, 0) and bool(counts.get(Verdict.PASS, 0))

    def to_json(self) -> dict[str, Any]:
        """Plain values, times in Beijing time."""
        return {
            "format": FORMAT,
            "role": "upper" if self.upper else "lower",
            "judge": {"code": self.judge, "name": self.judge_name},
            "peer": {"code": self.peer, "url": self.peer_url},
            "version": self.version,
            "begun": _moment(self.begun_at),
            "ended": _moment(self.ended_at),
            "passed": self.passed,
            "counts": self.counts,
            "points": [_point(each) for each in self.results],
        }


def _point(result: Result) -> dict[str, Any]:
    finding = result.finding
    return {
        "point": result.point.number,
        "verdict": str(finding.verdict),
        "what": _both(functools.partial(text, result.point.key)),
        "done": [{**_both(functools.partial(act_words, act)), "able": able} for act, able in result.acts],
        "seen": _both(functools.partial(seen_words, finding)),
        "at": [_moment(at) for at in finding.times],
        "packages": list(finding.packages),
        "begun": _moment(result.begun_at),
        "ended": _moment(result.ended_at),
    }


def act_words(act: Act, language: str) -> str:
    """What was to be done, for people."""
    key, values = name_of(act)
    return text(f"accept_act.{key}", language, **values)


def seen_words(finding: Finding, language: str) -> str:
    """What was seen, for people."""
    return text(f"accept_seen.{finding.said}", language, **finding.values)


def _both(words: Callable[[str], str]) -> dict[str, str]:
    return {str(language): words(str(language)) for language in Language}


def _moment(at: float) -> str:
    return beijing(at).isoformat(timespec="milliseconds")


# ---- signature -----------------------------------------------------------------------------------------------------


def canonical(protocol: Any) -> bytes:
    """The bytes that are signed."""
    return orjson.dumps(protocol, option=orjson.OPT_SORT_KEYS)


def seal(protocol: dict[str, Any], signer: FileSigner) -> bytes:
    """The file: the protocol and its signature."""
    block = signer.sign_file(canonical(protocol), FileProfile.XML)
    signature = {
        "certificate": number_text(block.certificate),
        "block": base64.b64encode(block.encode()).decode(),
    }
    return orjson.dumps({"protocol": protocol, "signature": signature}, option=orjson.OPT_INDENT_2)


@dataclass(frozen=True, slots=True)
class Seal:
    """What a file's signature is worth. `reason`: key of the catalogue (`accept_seal.*`)."""

    good: bool
    reason: str
    certificate: str = ""
    signed_at: float = 0.0
    protocol: dict[str, Any] | None = None


def verify(file: bytes, trust: TrustStore) -> Seal:
    """Judge a protocol by the certificates that we trust, and no other; its age does not count."""
    if len(file) > FILE_BYTES_MAX:
        return Seal(False, "too_large")
    try:
        told = orjson.loads(file)
        protocol, signature = told["protocol"], told["signature"]
        block = SignatureBlock.decode(base64.b64decode(signature["block"], validate=True))
        if protocol["format"] != FORMAT:
            return Seal(False, "format")
    except (orjson.JSONDecodeError, KeyError, TypeError, binascii.Error, RemoteProtocolError):
        return Seal(False, "format")
    number = number_text(block.certificate)
    trusted = trust.get(block.certificate)
    if trusted is None:
        return Seal(False, "unknown_certificate", number)
    message = signed_bytes(canonical(protocol), block, FileProfile.XML.scope)
    if not PublicKey(trusted.certificate.public_key).verify(message, block.value):
        return Seal(False, "bad_signature", number, float(block.time), protocol)
    return Seal(True, "good", number, float(block.time), protocol)
