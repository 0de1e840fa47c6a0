"""Good inputs to begin with: vectors, worked examples, packets of other vendors where they are (EBCD_PEER_VECTORS).

Every hexadecimal text of every file under tests/vectors is taken, and sorted by what `ebcd decode` says it is: who adds
a vector adds a seed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from array import array
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from ebcd.decode import decode_bytes
from ebcd.decode.hexadecimal import from_hex
from ebcd.signing.exception_record import ExceptionRecord
from protocols.codes import AreaCode
from protocols.ebd import Edition, decode_signature, encode, pack
from protocols.ebd.codec import Ebd
from protocols.ebd.envelope import EbdType
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.fm.baseband import Modulator
from protocols.fm.bits import frame_to_air
from protocols.fm.frame import FRAME_BITS, SourceLevel, to_frames
from protocols.mqtt import packets
from protocols.signature import SignatureBlock
from protocols.uecp import frame as uecp
from tests.ebcd.decode.examples import EBD, EXAMPLES, SIGNATURE
from tests.protocols.cap import samples as warnings_of
from tests.protocols.ebd import samples

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "vectors"
PEERS = Path(os.environ.get("EBCD_PEER_VECTORS", ROOT.parent / "shared" / "vectors"))
HEX_DIGITS_MIN = 4
TERMINAL_HEAD_BYTES = 26
KEY_PEM = b"""-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqBHM9VAYItBG0wawIBAQQg
-----END PRIVATE KEY-----
"""  # cut off: no key, and one that nobody must keep
LONG_NUMBER = b"9" * 5_000  # longer than Python turns into an integer


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)


@cache
def captured() -> dict[str, tuple[bytes, ...]]:
    """Protocol -> bytes that are of it; "" holds the rest."""
    found: dict[str, dict[bytes, None]] = {}
    for folder in (VECTORS, PEERS):
        for file in sorted(folder.rglob("*.json")):
            for text in _texts(json.loads(file.read_text(encoding="utf-8"))):
                data = from_hex(text) if len(text) >= HEX_DIGITS_MIN else None
                if data is not None:
                    found.setdefault(decode_bytes(data).protocol or "", {})[data] = None
        for file in sorted(folder.rglob("*.xml")):
            data = file.read_bytes()
            found.setdefault(decode_bytes(data).protocol or "", {})[data] = None
    for data in EXAMPLES.values():
        found.setdefault(decode_bytes(data).protocol or "", {})[data] = None
    return {protocol: tuple(each) for protocol, each in found.items()}


def _of(protocol: str) -> tuple[bytes, ...]:
    return captured().get(protocol, ())


def adapter_frames() -> Iterable[bytes]:
    """Whole frames."""
    return _of("adapter")


def adapter_streams() -> Iterable[bytes]:
    """Frames behind each other, with noise between."""
    return (*_of("adapter"), b"\x49\x00".join(_of("adapter")[:6]))


def adapter_bodies() -> Iterable[bytes]:
    """Type and body."""
    for frame in _of("adapter"):
        yield frame[3:4] + frame[9 : 9 + int.from_bytes(frame[5:9], "big")]


def terminal_frames() -> Iterable[bytes]:
    """Whole frames of both headers."""
    return _of("terminal")


def terminal_streams() -> Iterable[bytes]:
    """Frames behind each other, with noise between."""
    return (*_of("terminal"), b"\xfe\xfd".join(_of("terminal")[:6]))


def terminal_data() -> Iterable[bytes]:
    """Business type, packet type and data."""
    for frame in _of("terminal"):
        if len(frame) < TERMINAL_HEAD_BYTES:
            continue
        head = 26 if frame[12] >= 0xF0 else 25
        at = head + 12 * int.from_bytes(frame[head - 2 : head], "big")
        yield frame[at : at + 1] + bytes((frame[8] - 1,)) + frame[at + 3 :]


def fm_packets() -> Iterable[bytes]:
    """Signed packets."""
    return _of("fm-packet")


def fm_contents() -> Iterable[bytes]:
    """Packet type and content."""
    for kind, content in json.loads((VECTORS / "fm" / "gdj085.json").read_text(encoding="utf-8"))["contents"].items():
        yield bytes((int(kind.split()[0]),)) + bytes.fromhex(content)


def fm_frames() -> Iterable[bytes]:
    """Eight bytes each."""
    return (frame for packet in _of("fm-packet")[:2] for frame in to_frames(packet, SourceLevel.COUNTY, 1))


def fm_heard() -> Iterable[bytes]:
    """All frames of a packet, whole; then each with a block lost."""
    for packet in _of("fm-packet")[:2]:
        frames = to_frames(packet, SourceLevel.COUNTY, 1)
        yield b"".join(b"\x00\x0f" + frame for frame in frames)
        yield b"".join(b"\x02\x2d" + frame for frame in (*frames, *frames))


def fm_bits() -> Iterable[bytes]:
    """What is on air."""
    for packet in _of("fm-packet")[:2]:
        air = b"".join(frame_to_air(frame) for frame in to_frames(packet, SourceLevel.COUNTY, 1))
        yield air
        yield air[5:] + b"\x55" + air[:60]


def fm_samples() -> Iterable[bytes]:
    """Some frames as 16-bit samples."""
    modulator = Modulator(171_000)
    for frame in tuple(fm_frames())[:1]:
        samples_ = modulator.feed(int.from_bytes(frame_to_air(frame), "big") >> 80, FRAME_BITS - 80)
        yield array("h", (round(8_000 * sample) for sample in samples_)).tobytes()[:8_000]


def fm_recordings() -> Iterable[bytes]:
    """The three forms that `ebcd fm receive` takes."""
    yield from fm_samples()
    for air in fm_bits():
        yield f"{int.from_bytes(air[:13], 'big'):0104b}".encode()
    yield b"\n".join(frame.hex(" ", 2).encode() for frame in fm_frames())
    head = b"\x10\x00\x00\x00\x01\x00\x01\x00\xf8\x9b\x02\x00\xf0\x37\x05\x00\x02\x00\x10\x00"
    yield b"RIFF\x24\x00\x00\x00WAVEfmt " + head + b"data"


def rds_groups() -> Iterable[bytes]:
    """Four words."""
    return _of("rds-group")


def rds_on_air() -> Iterable[bytes]:
    """Thirteen bytes."""
    return (data for data in (*_of("rds-group"), *_of("fm-frame")) if len(data) == 13)


def uecp_frames() -> Iterable[bytes]:
    """FE to FF."""
    return _of("uecp")


def uecp_streams() -> Iterable[bytes]:
    """Frames behind each other, with noise between."""
    return (*_of("uecp"), b"\xfd".join(_of("uecp")))


def uecp_messages() -> Iterable[bytes]:
    """Elements without the frame."""
    for frame in _of("uecp"):
        with contextlib.suppress(RemoteProtocolError):  # some are there to be refused
            yield uecp.decode(frame).message


def signature_blocks() -> Iterable[bytes]:
    """74 bytes."""
    return (packet[-74:] for packet in _of("fm-packet"))


def certificates() -> Iterable[bytes]:
    """143 bytes."""
    return _of("certificate")


def lists() -> Iterable[bytes]:
    """78 + 6n bytes."""
    return _of("authorisation-list")


def public_keys() -> Iterable[bytes]:
    """A point, a signature, a message."""
    return (each[15:] + b"message" for each in _of("certificate"))


def private_keys() -> Iterable[bytes]:
    """PEM."""
    return (KEY_PEM, KEY_PEM.replace(b"PRIVATE", b"ENCRYPTED PRIVATE"))


@cache
def documents() -> tuple[bytes, ...]:
    """Every type in both editions, and those of other vendors."""
    found = [EBD, *_of("ebd-xml"), EBD.replace(b"<EBDVersion>1<", b"<EBDVersion>" + LONG_NUMBER + b"<")]
    for kind in EbdType:
        for edition in Edition:
            for seed in range(2):
                ebd: Ebd = samples.document_of(kind, edition, seed)
                try:
                    found.append(encode(ebd, edition=edition))
                except LocalProtocolError:
                    continue
    return tuple(found)


def information_bodies() -> Iterable[bytes]:
    """The body that EBM packages may carry."""
    yield b"<EBI><EBMainInfo><EBIVersion>1</EBIVersion></EBMainInfo><EBContents><EBContent/></EBContents></EBI>"
    yield from (each for each in documents() if b"EBMStateRequest" in each)


def signature_files() -> Iterable[bytes]:
    """Both forms."""
    assert decode_signature(SIGNATURE)
    return (SIGNATURE, *_of("signature-xml"))


def archives() -> Iterable[bytes]:
    """Packages with and without what may be in them."""
    yield pack(EBD)
    yield pack(EBD, SIGNATURE, {"EBDR_siren.mp3": b"\xff\xfb" * 100})


def bodies() -> Iterable[bytes]:
    """Content type, zero byte, body."""
    for archive in archives():
        yield b"application/x-tar\0" + archive
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="EBDT_1.tar"\r\n\r\n'
        yield b"multipart/form-data; boundary=b\0" + head + archive + b"\r\n--b--\r\n"


def warnings() -> Iterable[bytes]:
    """CAP 1.2 and the Chinese profile."""
    found = (getattr(warnings_of, name) for name in dir(warnings_of) if name.isupper())
    return (each.encode() if isinstance(each, str) else each for each in found if isinstance(each, str | bytes))


def http_heads() -> Iterable[bytes]:
    """Requests of loudspeakers and platforms."""
    yield b"GET /media/" + b"a" * 64 + b".mp3 HTTP/1.1\r\nHost: x\r\nRange: bytes=0-99\r\nConnection: close\r\n\r\n"
    yield b"POST /x HTTP/1.1\nContent-Length: 5\n\nhello"
    yield b"bytes=" + LONG_NUMBER + b"-"
    yield b"bytes=0-" + LONG_NUMBER
    yield b"bytes=-5"


def topics() -> Iterable[bytes]:
    """Of our profile."""
    return (b"eb/v1/area/341523000000/cmd", b"eb/v1/63415231002000314010401/rsp", b"eb/v1/63415230000000314010400/cmd")


def mqtt_payloads() -> Iterable[bytes]:
    """States and frames."""
    return (b"online", b"offline", *(b"application/eb-frame\0" + frame for frame in _of("terminal")[:3]))


def mqtt_packets() -> Iterable[bytes]:
    """What a broker sends."""
    yield b"\x20\x03\x00\x00\x00" + b"\x90\x04\x00\x01\x00\x01" + packets.puback(3) + b"\xd0\x00\xe0\x00"
    yield packets.publish(7, "eb/v1/area/341523000000/cmd", b"payload", retain=False, content_type="x")


def rtp_datagrams() -> Iterable[bytes]:
    """The packets worked by hand."""
    told = json.loads((VECTORS / "rtp" / "packets.json").read_text("utf-8"))
    return [bytes.fromhex(told[name]["hex"]) for name in ("one_frame", "everything")]


def configurations() -> Iterable[bytes]:
    """Each table of the example beside the one without defaults, and links of wrong types."""
    text = (ROOT / "config" / "ebcd.toml").read_bytes()
    bare = re.sub(rb" *(?<![\"\w])# .*", b"", text)
    platform, *tables = re.split(rb"\n(?=\[)", bare[bare.index(b"[platform]") :])
    yield from (platform + b"\n" + table for table in tables)
    yield platform + b"\n[[store]]\nurl = 1\n[trust]\nroots = true\n"
    yield platform + b'\n[[links]]\ntype = "terminal_tcp"\nname = "ip"\nport = ' + LONG_NUMBER[:30] + b"\n"


def inventories() -> Iterable[bytes]:
    """The example."""
    text = (ROOT / "config" / "inventory.csv").read_bytes()
    return (text, text.replace(b"434112300000", b"434152300000"))


def api_bodies() -> Iterable[bytes]:
    """Drafts and queries."""
    draft = {"level": 1, "areas": ["341523000000"], "title": "t", "text": "暴雨", "duration_s": 60, "start": 1}
    yield json.dumps(draft).encode()
    yield json.dumps(draft | {"audio": {"name": "a.mp3", "content": "//sB"}, "category": "drill"}).encode()
    yield b'{"reason": "no"}'
    yield b'{"state": "", "rows_max": ' + LONG_NUMBER + b"}"


def everything() -> Iterable[bytes]:
    """One or two of each protocol, and several in a row."""
    for each in captured().values():
        yield from each[:2]
    yield b"".join(each[0] for each in captured().values())
    yield from archives()
    yield from bodies()


def arguments() -> Iterable[bytes]:
    """As people type them."""
    for data in everything():
        yield data[:200].hex(" ").encode()
    yield b"0x49 0x00 0x01"
    yield f"{int.from_bytes(next(iter(fm_bits()))[:13], 'big'):0104b}".encode()


def mirrors() -> Iterable[bytes]:
    """JSON mirrors of frames."""
    for row in json.loads((VECTORS / "mqtt" / "mirror.json").read_text(encoding="utf-8")):
        yield json.dumps(row).encode()
        yield from (json.dumps(inner).encode() for inner in row.values() if isinstance(inner, dict))


def mqtt_profiles() -> Iterable[bytes]:
    """Those of the program, and one with a number that Python does not read."""
    for file in sorted((ROOT / "protocols" / "mqtt" / "profiles").glob("*.toml")):
        yield file.read_bytes()
    yield b"form = " + LONG_NUMBER


def exception_files() -> Iterable[bytes]:
    """One as an administrator writes it (nobody's signature), and one with a number that Python does not read."""
    county = AreaCode("341523000000")
    record = ExceptionRecord(county, (county,), (), "old model", "Li", 1_760_000_000, 1_770_000_000)
    yield record.write(lambda _signed: SignatureBlock(1, bytes(6), bytes(64)))
    yield b"county = " + LONG_NUMBER + b'\nsignature = ""\n'


def vendor_messages() -> Iterable[bytes]:
    """Topic, zero byte, payload."""
    told = json.loads((VECTORS / "mqtt" / "vendors.json").read_text(encoding="utf-8"))
    texts = [text.encode() for text in _texts(told)]
    topics_ = [text for text in texts if b"/" in text] or [b"a/b"]
    return [topic + b"\0" + text for topic in topics_[:6] for text in texts[:40]]


def draft_frames() -> Iterable[bytes]:
    """Frames of the older draft."""
    rows = json.loads((VECTORS / "terminal" / "draft.json").read_text(encoding="utf-8"))
    for row in rows:
        parts = [text for text in _texts(row) if (from_hex(text) is not None)]
        yield bytes.fromhex("".join(parts).replace(" ", ""))


def village_writes() -> Iterable[bytes]:
    """UART bytes of the old encoders."""
    for text in _texts(json.loads((VECTORS / "fm" / "village.json").read_text(encoding="utf-8"))):
        if (data := from_hex(text)) is not None:
            yield data
