"""Values of every EBD type, drawn from the element tables, and a few fixed ones.

Drawing each leaf by hypothesis would cost seconds a document; here hypothesis draws a seed, and a value of the whole
table comes from it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from lxml import etree

from protocols.ebd import codec_messages as cm
from protocols.ebd import codec_reports as cr
from protocols.ebd import values as v
from protocols.ebd.codec import RECORDS, Ebd
from protocols.ebd.edition import RULES, Edition
from protocols.ebd.envelope import ENVELOPE, EbdType, Envelope
from protocols.ebd.mapping import Element, Record
from protocols.ebd.messages import Auxiliary, Ebm, MsgBasicInfo, MsgContent
from protocols.ebd.reports import VendorParameter
from protocols.ebd.result import ResultCode

PROVINCE = "23400000000000101010101"
COUNTY = "43411230000000101010101"
EBM_ID = PROVINCE + "20261122" + "0001"
EBD_ID = "10" + PROVINCE + "0000000000000007"
START = 1_795_327_200  # 2026-11-22 06:00:00 UTC, 14:00:00 in Beijing

TEXTS = ("", "暴雨", "a<b>&\"c'", "]]>", "a\r\nb\tc", "𠮷", "é\u00a0x", "<!DOCTYPE", "0", "x" * 300)

Draw = Callable[[random.Random], Any]


def _digits(count: int) -> Draw:
    return lambda rng: f"{rng.randrange(10**count):0{count}d}"


def _listed(draw: Draw, most: int) -> Draw:
    return lambda rng: tuple(draw(rng) for _ in range(rng.randrange(most + 1)))


def _scalar(kind: Any, edition: Edition) -> Draw:
    rules = RULES[edition]
    table: dict[int, Draw] = {
        id(v.TEXT): lambda rng: rng.choice(TEXTS),
        id(v.INTEGER): lambda rng: rng.randrange(-(10**12), 10**12),
        id(v.NUMBER): lambda rng: rng.choice([0.0, 1e-7, rng.uniform(0, 1e9)]),
        id(v.RATE): lambda rng: rng.choice([0.0, 1.0, rng.random()]),
        id(v.TIME): lambda rng: rng.randrange(-2_000_000_000, 250_000_000_000),
        id(v.EVENT_TYPE): lambda rng: "".join(rng.choices("0123456789AB", k=5)),
        id(v.LIST): _listed(_digits(12), 3),
        id(v.COUNTS): _listed(lambda rng: rng.randrange(10**6), 4),
        id(v.RESOURCE_CODE): _digits(rules.resource_code_digits),
        id(v.EBM_ID): _digits(rules.ebm_id_digits),
        id(v.EBD_ID): _digits(rules.ebd_id_digits),
        id(cm.MESSAGE_TYPE): lambda rng: rng.choice(sorted(rules.message_types)),
        id(cm.SEVERITY): lambda rng: rng.choice(sorted(cm.SEVERITIES)),
        id(cm.BROADCAST_STATE): lambda rng: rng.randrange(6),
        id(cm.RESULT): lambda rng: rng.choice(list(ResultCode)),
        id(cr.VENDOR_PARAMETERS): lambda rng: (VendorParameter("Vol_1", rng.choice(TEXTS)), VendorParameter("x", "")),
    }
    return table.get(id(kind), _digits(40))


def of_element(element: Element, edition: Edition, rng: random.Random) -> Any:
    """A value that one line of a table can carry."""
    kind = element.kind
    if isinstance(kind, Record):
        if element.many:
            return tuple(_telling(kind, edition, rng) for _ in range(rng.randrange(3)))
        draw: Draw = lambda rng: _telling(kind, edition, rng)  # noqa: E731
    else:
        draw = _scalar(kind, edition)
    if not element.required and rng.random() < 0.3:
        return element.default
    value = draw(rng)
    return value or "x" if element.required and kind is v.TEXT else value


def _telling(record: Record[Any], edition: Edition, rng: random.Random) -> Any:
    """One that says something: a record of nothing but empty elements is read as absent."""
    while True:
        value = of_record(record, edition, rng)
        node = etree.Element("x")
        record.write(node, value, edition)
        if any(text.strip() for text in node.itertext()):
            return value


def of_record(record: Record[Any], edition: Edition, rng: random.Random) -> Any:
    """A value that a whole table can carry."""
    return record.make(**{e.attribute: of_element(e, edition, rng) for e in record.elements})


def message_of(edition: Edition, rng: random.Random) -> Ebm:
    """A message that is complete by the rules of GD/J 082."""
    basic: dict[str, Any] = {e.attribute: _scalar(e.kind, edition)(rng) or 1 for e in cm.BASIC_INFO.elements}
    basic |= {"sender_name": "x", "sender_code": rng.choice(TEXTS) or "y", "severity": rng.choice([0, 1, 10])}
    content: MsgContent = of_record(cm.CONTENT, edition, rng)
    whole = MsgContent("zho", "t", content.desc or "d", ("1",), content.program_num, content.auxiliaries)
    return Ebm(
        _digits(RULES[edition].ebm_id_digits)(rng),
        MsgBasicInfo(**basic),
        (whole,) * rng.randrange(1, 3),
        tuple(of_record(cm.DISPATCH, edition, rng) for _ in range(rng.randrange(3))),
        rng.choice([None, _digits(RULES[edition].ebm_id_digits)(rng)]),
        rng.choice([None, "info"]),
    )


def document_of(kind: EbdType, edition: Edition, seed: int) -> Ebd:
    """A document of one type with every element there or not."""
    rng = random.Random(seed)
    made: Envelope = of_record(ENVELOPE, edition, rng)
    head = Envelope(
        made.ebd_id, str(kind), made.source, made.time, made.source_url, made.destination, made.related_ebd_id
    )
    detail = message_of(edition, rng) if kind is EbdType.EBM else of_record(RECORDS[kind], edition, rng)
    return Ebd(head, detail)


def documents(kind: EbdType, edition: Edition = Edition.Y2018) -> st.SearchStrategy[Ebd]:
    """The same for hypothesis."""
    return st.integers(0, 2**32).map(lambda seed: document_of(kind, edition, seed))


def envelope(kind: EbdType, *, ebd_id: str = EBD_ID, related: str | None = None) -> Envelope:
    """From the province to the county."""
    return Envelope(ebd_id, str(kind), PROVINCE, START, destination=COUNTY, related_ebd_id=related)


def message(**changes: Any) -> Ebm:
    """A message for the whole county with one MP3, from 14:00 to 14:10 in Beijing."""
    values: dict[str, Any] = {
        "ebm_id": EBM_ID,
        "basic": MsgBasicInfo(1, "安徽省应急广播中心", "34000000000000", START, "11B03", 1, START, START + 600),
        "contents": (
            MsgContent(
                "zho", "暴雨红色预警", "请立即转移。", ("341123000000",), None, (Auxiliary(2, "EBDR_a.mp3", 3),)
            ),
        ),
    }
    return Ebm(**(values | changes))
