"""One sample of every message of every protocol for the benchmark of codecs: its value, its bytes, and the sizes of its
fields, from which the floor is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from protocols import adapter, ebd, signature, terminal
from protocols.codes import ResourceCode
from protocols.ebd.edition import Edition
from protocols.ebd.envelope import EbdType
from protocols.fm import frame as fm_frame
from protocols.fm import packet as fm_packet
from protocols.rds import groups
from protocols.uecp import frame as uecp_frame
from protocols.uecp.message import decode_message, encode_message
from tests.protocols.adapter import meanings as adapter_meanings
from tests.protocols.adapter.test_worked_examples import WORKED as ADAPTER_EXAMPLES
from tests.protocols.ebd.samples import document_of
from tests.protocols.fm.vectors import START_FRAMES, TARGET
from tests.protocols.fm.vectors import VECTORS as FM_VECTORS
from tests.protocols.fm.vectors import sign as fm_sign
from tests.protocols.rds.test_groups import VECTORS as RDS_VECTORS
from tests.protocols.terminal import meanings as terminal_meanings
from tests.protocols.terminal.test_worked_examples import WORKED as TERMINAL_EXAMPLES
from tests.protocols.uecp.vectors import FRAMES as UECP_FRAMES

VARIANTS = 256
"""How many devices speak in turn where a message is hot."""
SIGNATURE_SIZES = (2, 4, 6, 64)
ADAPTER_HEAD = (1, 2, 1, 1, 4)
D_HEAD = (2, 2, 4, 1, 1, 2, 12, 2, 12, 1, 2)
E_HEAD = (2, 2, 4, 1, 2, 12, 2, 12, 1, 2)
START = (18, 1, 1, 5, 1, 4, 4, 1, 1, 2, 21)


@dataclass(frozen=True)
class Case:
    """`sizes` of all fields without the check sum of `crc_bytes`; none: there is no floor."""

    name: str
    samples: tuple[bytes, ...]
    decode: Callable[[bytes], Any]
    encode: Callable[[Any], Any]
    sizes: tuple[int, ...] = ()
    crc_bytes: int = 0


def _worked_sizes(entry: dict[str, Any]) -> tuple[int, ...]:
    return tuple(len(digits) // 2 for _, digits in entry["working"] if digits)


def _another(code: ResourceCode, number: int) -> ResourceCode:
    """The same kind of device in another village."""
    return ResourceCode(f"{code[:10]}{number:03d}{code[13:]}")


def _hot_terminal(data: bytes) -> tuple[bytes, ...]:
    frame = terminal.decode(data)
    return tuple(
        terminal.encode(replace(frame, session=number, source=_another(frame.source, number)))
        for number in range(VARIANTS)
    )


def hot() -> Iterator[Case]:
    """The four messages that come and go by the thousand; whole frame to typed value and back."""
    examples: tuple[tuple[str, str, tuple[int, ...]], ...] = (
        ("0x10 heartbeat, header D", "d_heartbeat", (*D_HEAD, 1, 1, 1, 6)),
        ("0x10 heartbeat, header E", "e_heartbeat", (*E_HEAD, 1, 1, 1, 6)),
        ("0x14 task switch", "e_task_began", (*E_HEAD, 1, 1, 18, 4)),
        ("0x15 result", "e_task_result", (*E_HEAD, 18, 1, 2, 4, 4, 1, 4)),
        ("0x01 start, signed", "d_start", (*D_HEAD, *START, *SIGNATURE_SIZES)),
    )
    for name, key, sizes in examples:
        samples = _hot_terminal(TERMINAL_EXAMPLES[key])
        yield Case(f"HOT terminal {name}", samples, terminal.decode, terminal.encode, sizes, 4)
    began = (*ADAPTER_HEAD, 12, 18, 1, 1, 1, 5, 1, 1, 1, 1, 1, 1, 1, 12, 2, 74)
    adapters: tuple[tuple[str, str, tuple[int, ...]], ...] = (
        ("0x20 heartbeat, signed", "heartbeat", (*ADAPTER_HEAD, 1, 12, 1, 4, *SIGNATURE_SIZES)),
        ("0x17 start answer", "start_answer", (*ADAPTER_HEAD, 12, 18, 1, 4, 2, 19, 2, 74)),
        ("0x18 task began", "task_began", began),
        ("0x19 task ended", "task_ended", (*ADAPTER_HEAD, 12, 18, 2, 74)),
    )
    for name, key, sizes in adapters:
        samples = (ADAPTER_EXAMPLES[key],)
        yield Case(f"adapter {name}", samples, adapter.decode, adapter.encode_again, sizes, 4)


def records() -> Iterator[Case]:
    """The longest answer of an adapter."""
    name = "records"
    one = adapter.decode(adapter_meanings.FRAMES[name])
    assert isinstance(one.message, adapter.Records)
    many = adapter.Records(one.message.front, one.message.records[:1] * 1000)
    yield Case("adapter 0x15 with 1,000 records", (adapter.encode(many),), adapter.decode, adapter.encode_again)


def frames() -> Iterator[Case]:
    """Annex A, D and E: everything that tests/vectors has a working for."""
    for entry in adapter_meanings.WORKED:
        data = adapter_meanings.FRAMES[entry["name"]]
        name = f"adapter 0x{data[3]:02X} {entry['name']}"
        yield Case(name, (data,), adapter.decode, adapter.encode_again, _worked_sizes(entry), 4)
    for entry in terminal_meanings.WORKED:
        data = terminal_meanings.BYTES[entry["name"]]
        name = f"terminal 0x{terminal.decode(data).message.type:02X} {entry['name']}"
        yield Case(name, (data,), terminal.decode, terminal.encode, _worked_sizes(entry), 4)


def air() -> Iterator[Case]:
    """Packets and frames of GD/J 085, RDS groups."""
    for key, digits in FM_VECTORS["contents"].items():
        number = int(key.split()[0])
        content = fm_packet.decode_content(number, bytes.fromhex(digits))
        data = fm_packet.encode_packet((TARGET,), content, fm_sign)
        sizes = (2, 1, 12, len(digits) // 2, 4, 6, 64)
        yield Case(f"fm packet, type {key}", (data,), fm_packet.decode_packet, _packet, sizes)
    one, *_ = START_FRAMES
    yield Case("fm frame", (one,), fm_frame.Frame.decode, fm_frame.Frame.encode, (1, 1, 1, 5))
    for each in RDS_VECTORS:
        data = bytes.fromhex("".join(each["words"]))
        yield Case(f"rds group {each['name']}", (data,), _group, groups.encode, (2, 2, 2, 2))


def _packet(packet: fm_packet.Packet) -> bytes:
    return fm_packet.encode_command(packet.codes, packet.content) + packet.signature.encode()


def _group(data: bytes) -> groups.Group:
    return groups.decode([int.from_bytes(data[at : at + 2], "big") for at in range(0, 8, 2)])


def lines() -> Iterator[Case]:
    """UECP frames with their elements; stuffing and CRC included."""
    for name, digits in UECP_FRAMES.items():
        data = bytes.fromhex(digits)
        sizes = (1, 2, 1, 1, len(data) - 6, 1) if len(data) > 6 else ()
        yield Case(f"uecp {name}", (data,), _uecp_read, _uecp_write, sizes)


def _uecp_read(data: bytes) -> tuple[uecp_frame.Frame, Any]:
    frame = uecp_frame.decode(data)
    return frame, decode_message(frame.message)


def _uecp_write(value: tuple[uecp_frame.Frame, Any]) -> bytes:
    return uecp_frame.encode(replace(value[0], message=encode_message(*value[1])))


def trust() -> Iterator[Case]:
    """Signature block, certificate, authorisation list."""
    block = terminal.decode(TERMINAL_EXAMPLES["d_start"]).signature
    assert block is not None
    coder = signature.SignatureBlock
    yield Case("signature block", (block.encode(),), coder.decode, coder.encode, (4, 6, 64))
    certificate, list_ = signature.Certificate, signature.AuthorisationList
    sizes = (1, 6, 6, 1, 1, 64, 64)
    yield Case("certificate", (adapter_meanings.CERTIFICATE,), certificate.decode, certificate.encode, sizes)
    yield Case("authorisation list", (adapter_meanings.LIST,), list_.decode, list_.encode, (6, 1, 1, 6, 6, 64))


def documents() -> Iterator[Case]:
    """XML of the platform interface: no struct could be its floor."""
    for kind in EbdType:
        data = ebd.encode(document_of(kind, Edition.Y2018, 7), edition=Edition.Y2018)
        yield Case(f"ebd {kind}, {len(data)} bytes", (data,), ebd.decode, ebd.encode)


def cases() -> Iterator[Case]:
    """All of them, the hot ones first."""
    for group in (hot, records, frames, air, lines, trust, documents):
        yield from group()
