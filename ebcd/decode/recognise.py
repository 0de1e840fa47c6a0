"""Which protocol some bytes are of, and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ebcd.decode import (
    adapter_frames,
    ebd_files,
    fm_packets,
    mqtt_payloads,
    rds_groups,
    terminal_frames,
    trust_files,
    uecp_frames,
    warning_files,
)
from ebcd.decode.carve import Found, carve
from ebcd.decode.keys import Keys
from ebcd.decode.reading import Inside, Reading
from ebcd.decode.recogniser import Claim, Recogniser

RECOGNISERS: tuple[Recogniser, ...] = (
    adapter_frames.RECOGNISER,
    terminal_frames.RECOGNISER,
    ebd_files.PACKAGE,
    ebd_files.SIGNATURE,
    ebd_files.DOCUMENT,
    trust_files.CERTIFICATE,
    fm_packets.PACKET,
    trust_files.AUTHORISATION_LIST,
    fm_packets.FRAME,
    uecp_frames.RECOGNISER,
    rds_groups.RECOGNISER,
    warning_files.RECOGNISER,
    mqtt_payloads.RECOGNISER,
)
"""Every protocol that `ebcd decode` knows; of two equally sure ones the first is taken. A packet comes before a list:
its length and its codes are more digits that must agree than a list's one count."""
_FRAMED = (adapter_frames.RECOGNISER, terminal_frames.RECOGNISER, uecp_frames.RECOGNISER)
_CONTAINERS = frozenset({ebd_files.PACKAGE.protocol})
"""What holds messages of other protocols keeps its own name where it breaks."""
_SHOWN_MAX = 8
_FOREIGN = {
    b"RIFF": "a recording: `ebcd fm receive` demodulates it",
    b"-----BEGIN": "a PEM file, no captured message",
    b"\xd4\xc3\xb2\xa1": "a capture of a network card with no message of ours in it",
    b"\x0a\x0d\x0d\x0a": "a capture of a network card with no message of ours in it",
    b"\x1f\x8b": "compressed by gzip, damaged or too much for us: unpack it first",
    b"BZh": "compressed by bzip2: unpack it first",
    b"\xfd7zXZ": "compressed by xz: unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: unpack it first",
    b"7z\xbc\xaf": "a 7-Zip archive: unpack it first",
    b"Rar!": "a RAR archive: unpack it first",
    b"PK\x03\x04": "a ZIP archive: unpack it first",
    b"ID3": "an MP3 file: sound, no message",
}
"""What is often handed over and is none of the protocols."""


class UnknownProtocol(ValueError):
    """`--as` names none of the recognisers."""


def protocols() -> tuple[str, ...]:
    """The names that `--as` takes."""
    return tuple(each.protocol for each in RECOGNISERS)


def best_claim(data: bytes) -> Claim:
    """How sure the surest recogniser is."""
    return max((each.claim(data) for each in RECOGNISERS), default=Claim.NONE)


def framed_claim(data: bytes) -> Claim:
    """The same of those protocols whose messages say where they begin and how long they are."""
    return max(each.claim(data) for each in _FRAMED)


def decode_bytes(data: bytes, keys: Keys | None = None, protocol: str | None = None) -> Reading:
    """What these bytes are. `protocol` names one of `protocols()` where the caller knows better.

    Any bytes give a Reading; raises UnknownProtocol for a name that is none of ours.
    """
    held = keys or Keys()
    if protocol is not None:
        chosen = next((each for each in RECOGNISERS if each.protocol == protocol), None)
        if chosen is None:
            raise UnknownProtocol(protocol)
        return _with_parts(replace(chosen.read(data, held), also=_others(data, held, chosen)), data, held, protocol)
    claims = [(claim, each) for each in RECOGNISERS if (claim := each.claim(data)) is not Claim.NONE]
    if not claims:
        size = len(data)
        known = next((said for mark, said in _FOREIGN.items() if data.startswith(mark)), "")
        begins = f"{known}; " if known else ""
        begins += f"{size} bytes that begin {data[:8].hex().upper()}" if data else "there is not one byte"
        return _with_parts(Reading(None, errors=(f"unrecognised: {begins}",)), data, held)
    sure, best = max(claims, key=lambda each: each[0])
    reading = best.read(data, held)
    if sure is Claim.WEAK and reading.errors:
        for _claim, other in claims:  # of several that only begin like it, one that reads to the end is better
            if other is not best and not (second := other.read(data, held)).errors:
                best, reading = other, second
                break
    return _with_parts(replace(reading, also=_others(data, held, best)), data, held)


def _with_parts(reading: Reading, data: bytes, keys: Keys, protocol: str | None = None) -> Reading:
    """Where bytes could not be read as one message: the whole messages among them, if there are."""
    is_container = reading.protocol in _CONTAINERS
    if not reading.errors or (is_container and reading.fields.fields):
        return reading
    found = [part for part in carve(data, protocol) if part.end - part.start < len(data)]
    if not found:
        return reading
    inside = tuple(Inside(each.start, each.end, _read_part(data, each, keys)) for each in found)
    first = inside[0]
    if len(inside) == 1 and first.reading.errors == reading.errors:
        return reading  # one document with a remark before it: the same is wrong with either
    rest = len(data) - sum(each.end - each.start for each in inside)
    places = ", ".join(f"{each.reading.protocol} at {each.start}-{each.end - 1}" for each in inside[:_SHOWN_MAX])
    more = " ..." if len(inside) > _SHOWN_MAX else ""
    error = f"several at byte {first.start}: {len(inside)} whole, {rest} of {len(data)} bytes outside: {places}{more}"
    offset = 0 if first.start else first.end
    outer = replace(reading, message=first.reading.message) if is_container else first.reading
    return replace(outer, roundtrip=False, errors=(error, *reading.errors), offset=offset, inside=inside)


def _read_part(data: bytes, part: Found, keys: Keys) -> Reading:
    chosen = next(each for each in RECOGNISERS if each.protocol == part.protocol)
    return chosen.read(data[part.start : part.end], keys)


def _others(data: bytes, keys: Keys, taken: Recogniser) -> tuple[str, ...]:
    """Other protocols whose reading of the same bytes is good too; beside a checksum that is right only likely ones."""
    rest: Sequence[Recogniser] = [each for each in RECOGNISERS if each is not taken]
    least = Claim.LIKELY if taken.claim(data) is Claim.CERTAIN else Claim.WEAK
    return tuple(each.protocol for each in rest if each.claim(data) >= least and not each.read(data, keys).errors)
