"""Warning XML in both dialects: hand-made samples, round trips, damage."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields, is_dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from protocols.cap import (
    Area,
    Dialect,
    Geocode,
    Info,
    Kind,
    NamedValue,
    PublicWarning,
    Reference,
    Resource,
    Severity,
    Status,
    decode,
    encode,
)
from protocols.cap.codec import NAMESPACE
from protocols.cap.texts import read_time, write_time
from protocols.errors import LocalProtocolError, RemoteProtocolError
from tests.protocols.cap.samples import CAP, CAP_XML, GB, GB_XML, SAMPLES, SENT
from tests.protocols.streams import corrupted

texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), max_size=12)
words = st.text("abcXYZ0-", min_size=1, max_size=8)
times = st.integers(0, 4_000_000_000)
maybe_times = st.none() | times


def several(item: st.SearchStrategy[object]) -> st.SearchStrategy[tuple]:  # type: ignore[type-arg]
    return st.lists(item, max_size=2).map(tuple)


def says_something(value: object) -> bool:
    """Whether a record is more than empty elements: those are read as absent, as templates leave them standing."""
    if isinstance(value, str):
        return bool(value.strip())
    if isinstance(value, tuple):
        return any(map(says_something, value))
    if is_dataclass(value):
        return any(says_something(getattr(value, each.name)) for each in fields(value))
    return value is not None


named = st.builds(NamedValue, texts, texts).filter(says_something)
resources = st.builds(Resource, texts, texts, st.none() | st.integers(0, 10**12), texts, texts, texts).filter(
    says_something
)

INFO_TEXTS = (
    *("language", "event", "urgency", "certainty", "sender_name"),
    *("headline", "description", "instruction", "web"),
)


def infos(dialect: Dialect) -> st.SearchStrategy[Info]:
    cap = dialect is Dialect.CAP
    geocodes = st.builds(Geocode, texts, texts if cap else st.just("")).filter(says_something)
    areas = st.builds(Area, texts, several(texts), several(texts), several(geocodes), texts, texts)
    areas = areas.filter(says_something)
    common = dict.fromkeys(INFO_TEXTS, texts)
    own = {
        "audience": texts,
        "contact": texts,
        "categories": several(texts),
        "response_types": several(texts),
        "event_codes": several(named),
        "parameters": several(named),
    }
    return st.builds(
        Info,
        **common,
        **(own if cap else {}),
        severity=st.sampled_from(Severity),
        effective=maybe_times,
        onset=maybe_times,
        expires=maybe_times,
        resources=several(resources),
        areas=several(areas),
    )


def warnings_in(dialect: Dialect) -> st.SearchStrategy[PublicWarning]:
    own = ("source", "restriction", "addresses", "incidents") if dialect is Dialect.CAP else (
        "sender_code", "classification"
    )  # fmt: skip
    return st.builds(
        PublicWarning,
        words,
        words,
        times,
        st.sampled_from(Status),
        st.sampled_from(Kind),
        st.just(dialect),
        **dict.fromkeys((*own, "scope", "note"), texts),
        codes=several(texts),
        references=several(st.builds(Reference, words, words, times)) | several(st.builds(Reference, words)),
        infos=several(infos(dialect)),
    )


@pytest.mark.clause("CAP 1.2 clauses 3.2.1, 3.2.2, 3.2.3, 3.2.4")
@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_reads_as_it_was_meant_and_its_encoding_reads_the_same(name: str) -> None:
    xml, warning = SAMPLES[name]
    assert decode(xml) == warning
    assert decode(encode(warning)) == warning


@settings(max_examples=40)
@given(st.sampled_from(Dialect).flatmap(warnings_in))
def test_a_warning_comes_back_as_it_was(warning: PublicWarning) -> None:
    assert decode(encode(warning)) == warning


@given(st.sampled_from([GB_XML, CAP_XML]), st.data())
def test_a_damaged_sample_is_a_warning_or_a_refusal(xml: bytes, data: st.DataObject) -> None:
    with suppress(RemoteProtocolError):
        decode(corrupted(data, xml))


@given(st.binary(max_size=60))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode(data)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"<alert>", b'<!DOCTYPE a [<!ENTITY x "y">]><alert>', "doctype"),
        (b"</alert>", b"", "xml"),
        (b"<identifier>34112341600000_20251009170000_1</identifier>", b"<identifier/>", "missing"),
        (b"<sendTime>2025-10-09 17:00:00+08:00</sendTime>", b"<sendTime/>", "missing"),
        (b"<status>Actual</status>", b"", "missing"),
        (b"<status>Actual</status>", b"<status>Real</status>", "format"),
        (b"<severity>Red</severity>", b"<severity>Purple</severity>", "format"),
        (b"<expires>2025-10-09 23:00:00+08:00</expires>", b"<expires>2025-02-30 23:00:00</expires>", "format"),
        (b"<expires>2025-10-09 23:00:00+08:00</expires>", b"<expires>0001-01-01T00:00:00+99:00</expires>", "format"),
        (b"<references/>", b"<references>a,b,2025-10-09T16:00:00+08:00 rest</references>", "format"),
        (b"<msgType>Alert</msgType>", b"<msgType>Alert</msgType><msgType>Cancel</msgType>", "repeated"),
        (b"<alert>", b"<warning><alert>", "xml"),
    ],
)
def test_a_warning_that_cannot_be_is_refused(old: bytes, new: bytes, reason: str) -> None:
    assert old in GB_XML
    with pytest.raises(RemoteProtocolError) as error:
        decode(GB_XML.replace(old, new, 1))
    assert error.value.reason == reason


def test_another_document_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="is a <ebd>"):
        decode(b"<EBD/>")


@pytest.mark.parametrize(
    "text", ["2025-10-09T17:00:00+08:00", "2025-10-09 17:00:00", "2025-10-09T09:00:00Z", "2025-10-09 04:00:00-0500"]
)
def test_one_moment_is_written_in_many_ways(text: str) -> None:
    assert read_time(text) == SENT


def test_each_dialect_writes_times_and_severities_in_its_own_way() -> None:
    assert write_time(SENT, Dialect.CAP) == "2025-10-09T17:00:00+08:00"
    assert write_time(SENT, Dialect.GB) == "2025-10-09 17:00:00+08:00"
    assert b"<severity>Severe</severity>" in encode(CAP)
    assert b"<severity>Red</severity>" in encode(GB)
    with pytest.raises(LocalProtocolError, match="no time"):
        write_time(10**15, Dialect.CAP)


def test_chinese_colours_are_read() -> None:
    xml = GB_XML.replace(b"<severity>Red<", "<severity>橙色<".encode())
    assert decode(xml).infos[0].severity is Severity.ORANGE


@pytest.mark.parametrize("declared", ["GB2312", "gbk", "GB18030", "cp936"])
def test_a_declaration_of_an_old_chinese_charset_means_all_its_successors(declared: str) -> None:
    """Names such as 朱镕基 are not in GB 2312; Windows writes them under that name all the same."""
    text = GB_XML.decode().replace("utf-8", declared).replace("UTF-8", declared).replace("某县", "朱镕基㐂𠮷")
    warning = decode(text.encode("gb18030"))
    assert (warning.infos[0].areas[0].description, warning.infos[0].headline) == ("朱镕基㐂𠮷", "暴雨红色预警")


def test_two_bytes_of_gbk_that_would_be_a_letter_in_utf8_stay_chinese() -> None:
    """色 is C9 AB, in UTF-8 the letter U+026B; nothing else in this document is more than ASCII."""
    xml = '<?xml version="1.0" encoding="GBK"?><alert><identifier>1</identifier><sender>色</sender>'
    xml += "<sent>2025-10-09 17:00:00</sent><status>Actual</status><msgType>Alert</msgType></alert>"
    assert decode(xml.encode("gbk")).sender == "色"
    assert decode(xml.encode("utf-8")).sender == "色"  # E8 89 B2: under the old declaration, but UTF-8


def test_bare_identifiers_are_references_too() -> None:
    xml = GB_XML.replace(b"<references/>", b"<references>A_1 B_2,C_3</references>")
    assert [each.identifier for each in decode(xml).references] == ["A_1", "B_2", "C_3"]


def test_every_element_of_an_encoded_cap_warning_is_in_its_namespace_and_order() -> None:
    root = etree.fromstring(encode(CAP))
    assert {etree.QName(each).namespace for each in root.iter()} == {NAMESPACE}
    assert [etree.QName(each).localname for each in root][:6] == [
        "identifier", "sender", "sent", "status", "msgType", "scope"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        replace(CAP, sender_code="34112341600000"),
        replace(GB, incidents="x"),
        replace(GB, infos=(replace(GB.infos[0], contact="x"),)),
        replace(GB, infos=(Info(areas=(Area(geocodes=(Geocode("341123", "GB"),)),)),)),
        replace(CAP, identifier=""),
        replace(CAP, note="\x00"),
        replace(CAP, references=(Reference("A", "s", 0), Reference("B"))),
        replace(CAP, references=(Reference("A B", "s", 0),)),
    ],
)
def test_what_a_dialect_has_no_place_for_is_refused(wrong: PublicWarning) -> None:
    with pytest.raises(LocalProtocolError):
        encode(wrong)
