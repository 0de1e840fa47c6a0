"""Exceptions from SM2 verification: only what an administrator signed, only where and while it says so."""

from __future__ import annotations

import base64
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from ebcd.signing import ExceptionBook, FileSigner, TrustStore
from ebcd.signing.exception_record import DAYS_MAX, FIRST_LINE, ExceptionRecord, NoException, read
from ebcd.signing.exceptions import ExceptionState, judge
from protocols.codes import AreaCode, ResourceCode
from protocols.signature import CertificateNumber, number_from_text
from tests.ebcd.signing.authority import OTHER, PEER, ROOT, Authority, FixedClock

COUNTY = AreaCode("349901000000")
TOWN = AreaCode("349901101000")
HORN = ResourceCode("63499011012010314010401")
COLUMN = ResourceCode("53499011010000314010401")
ELSEWHERE = ResourceCode("63499011022010314010401")
ADMINISTRATOR = number_from_text("000000000301")
NOW = 1_760_000_000
DAY_S = 86_400
RECORD = ExceptionRecord(COUNTY, (TOWN,), (), "旧终端，年内更换", "王建国", NOW - DAY_S, NOW + 30 * DAY_S)


class Office:
    """An administrator, a folder of exceptions and the book that reads it."""

    def __init__(self, folder: Path) -> None:
        self.trust_folder, self.folder = folder / "trust", folder / "exceptions"
        self.trust_folder.mkdir()
        self.folder.mkdir()
        self.authority = Authority(self.trust_folder)
        self.authority.issue(ADMINISTRATOR)
        self.authority.issue(OTHER)
        self.registry = CollectorRegistry()
        self.book = ExceptionBook(self.folder, self.trust(), [ADMINISTRATOR], COUNTY, self.registry)

    def trust(self) -> TrustStore:
        return TrustStore.load(self.trust_folder, [ROOT])

    def signed(self, record: ExceptionRecord = RECORD, by: CertificateNumber = ADMINISTRATOR, at: float = NOW) -> bytes:
        return record.write(FileSigner(self.authority.keys[by], by, FixedClock(at)).sign)

    def put(self, data: bytes, name: str = "a.exception") -> Path:
        file = self.folder / name
        file.write_bytes(data)
        return file

    def excuses(self, code: ResourceCode = HORN, at: float = NOW) -> bool:
        self.book.refresh(at)
        return self.book.excused(code, at)

    def counted(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def problem_of(office: Office, data: bytes) -> str:
    judged = judge(office.put(data), office.trust(), [ADMINISTRATOR], COUNTY, NOW)
    assert judged.problem is None or (judged.problem.sentence("zh") and judged.problem.sentence("en"))
    return judged.problem.what if judged.problem else ""


def test_nobody_is_excused_where_nothing_is_signed(office: Office) -> None:
    assert not office.excuses()
    assert not ExceptionBook(office.folder / "gone", office.trust(), [], COUNTY, CollectorRegistry()).excused(HORN, NOW)


def test_an_area_excuses_everybody_in_it_and_nobody_outside(office: Office) -> None:
    office.put(office.signed())
    assert office.excuses(HORN)
    assert office.excuses(COLUMN)
    assert not office.excuses(ELSEWHERE)


def test_a_terminal_excuses_itself_only(office: Office) -> None:
    office.put(office.signed(replace(RECORD, areas=(), terminals=(HORN,))))
    assert office.excuses(HORN)
    assert not office.excuses(COLUMN)


@pytest.mark.parametrize(
    ("at", "holds"),
    [(NOW - DAY_S - 1, False), (NOW - DAY_S, True), (NOW + 30 * DAY_S - 1, True), (NOW + 30 * DAY_S, False)],
)
def test_it_holds_from_its_begin_and_no_longer_at_its_end(office: Office, at: float, holds: bool) -> None:
    office.put(office.signed(at=NOW - 2 * DAY_S))
    assert office.excuses(at=at) is holds


def test_what_others_signed_does_not_count(office: Office) -> None:
    assert problem_of(office, office.signed(by=OTHER)) == "exception_not_administrator"
    assert not office.excuses()


def test_an_administrator_without_a_certificate_on_file_does_not_count(office: Office) -> None:
    data = office.signed()
    (office.trust_folder / "000000000301.cer").unlink()
    assert problem_of(office, data) == "exception_certificate"


def test_an_expired_administrator_does_not_count_from_that_moment_on(office: Office) -> None:
    office.authority.issue(ADMINISTRATOR, year=2025)  # valid through December 2025; NOW is October 2025
    book = ExceptionBook(office.folder, office.trust(), [ADMINISTRATOR], COUNTY, CollectorRegistry())
    office.put(office.signed(replace(RECORD, until=NOW + 200 * DAY_S)))
    book.refresh(NOW)
    assert book.excused(HORN, NOW)
    assert not book.excused(HORN, NOW + 100 * DAY_S)
    late = judge(office.folder / "a.exception", office.trust(), [ADMINISTRATOR], COUNTY, NOW + 100 * DAY_S)
    assert late.problem is not None
    assert late.problem.what == "exception_certificate_expired"


def test_another_county_s_exception_means_nothing_here(office: Office) -> None:
    foreign = replace(RECORD, county=AreaCode("349902000000"), areas=(AreaCode("349902101000"),))
    assert problem_of(office, office.signed(foreign)) == "exception_county"


def test_a_signature_from_the_future_does_not_count(office: Office) -> None:
    assert problem_of(office, office.signed(at=NOW + 301)) == "exception_ahead"
    assert problem_of(office, office.signed(at=NOW + 299)) == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"349901101000", b"349901102000"),
        ("王建国".encode(), "王建军".encode()),
        (b"until = 2025-11", b"until = 2026-09"),
        (b"\nreason", b"\n\nreason"),
        (b"\n", b"\r\n"),
    ],
)
def test_a_changed_byte_ends_it(office: Office, old: bytes, new: bytes) -> None:
    data = office.signed()
    assert old in data
    assert problem_of(office, data.replace(old, new)) in ("exception_signature", "exception_form")
    assert not office.excuses()


def test_a_frame_s_signature_is_no_exception_s(office: Office) -> None:
    other = FileSigner(office.authority.keys[ADMINISTRATOR], ADMINISTRATOR, FixedClock(NOW)).sign(b"\x49\x00")
    data = office.signed()
    line = b'signature = "' + base64.b64encode(other.encode()) + b'"\n'
    assert problem_of(office, data[: data.rfind(b"signature")] + line) == "exception_signature"
    empty = b'signature = "' + base64.b64encode(bytes(74)) + b'"\n'
    assert problem_of(office, data[: data.rfind(b"signature")] + empty) == "exception_signature"


def test_a_removed_file_ends_it_and_a_new_one_holds_without_a_restart(office: Office) -> None:
    file = office.put(office.signed())
    assert office.excuses()
    file.unlink()
    assert not office.excuses()
    office.put(office.signed(), "b.exception")
    assert office.excuses()


def test_a_file_that_was_replaced_is_read_again(office: Office) -> None:
    file = office.put(office.signed())
    assert office.excuses()
    file.write_bytes(office.signed(by=OTHER))
    os.utime(file, ns=(1, 1))
    assert not office.excuses()


def test_files_and_answers_are_counted(office: Office) -> None:
    office.put(office.signed())
    office.put(b"junk", "b.exception")
    office.put(b"not looked at", "c.txt")
    office.excuses(HORN)
    office.excuses(ELSEWHERE)
    assert office.counted("ebcd_exceptions", state="in_force") == 1
    assert office.counted("ebcd_exceptions", state="refused") == 1
    assert office.counted("ebcd_exception_answers_total", outcome="excused") == 1
    assert office.counted("ebcd_exception_answers_total", outcome="refused") == 1
    office.book.refresh(NOW + 31 * DAY_S)
    assert office.counted("ebcd_exceptions", state="expired") == 1


def test_people_can_read_what_was_signed(office: Office) -> None:
    text = office.signed().decode()
    assert text.splitlines()[0] == FIRST_LINE
    assert 'reason = "旧终端，年内更换"' in text
    assert "until = 2025-11-08T16:53:20+08:00" in text


@pytest.mark.parametrize(
    "change",
    [
        {"reason": ""},
        {"reason": "x" * 301},
        {"reason": "two\nlines"},
        {"by": " "},
        {"areas": ()},
        {"areas": (AreaCode("349902101000"),)},
        {"areas": (AreaCode("000000000000"),)},
        {"areas": (), "terminals": (ResourceCode("63499021012010314010401"),)},
        {"until": NOW - DAY_S},
        {"until": NOW + DAYS_MAX * DAY_S},
    ],
)
def test_what_cannot_be_meant_cannot_be_written(change: dict[str, object]) -> None:
    with pytest.raises(NoException):
        replace(RECORD, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[1:],
        lambda data: data.replace(b"\nsignature", b"\nsignatur"),
        lambda data: data + b"until = 2099-01-01T00:00:00+08:00\n",
        lambda data: data.replace(b"county", b"countri"),
        lambda data: data.replace(b"+08:00\nuntil", b"\nuntil"),
        lambda data: data.replace(b"[", b"", 1),
        lambda data: data.replace(b'["', b'"', 1).replace(b'"]', b'"', 1),
        lambda data: data.replace(b'signature = "', b'signature = "!'),
        lambda data: data.replace("王".encode(), b"\xff"),
        lambda data: b"",
        lambda data: data * 3000,
        lambda data: data.replace(b"\nreason = ", b"\nreason = " + b"9" * 5_000 + b"\n# "),  # longer than an integer
    ],
)
def test_what_is_no_exception_is_refused_by_name(office: Office, spoil: object) -> None:
    assert callable(spoil)
    with pytest.raises(NoException):
        read(spoil(office.signed()))
    assert problem_of(office, spoil(office.signed())) == "exception_form"


@given(
    reason=st.text(st.characters(codec="utf-8"), min_size=1, max_size=300),
    by=st.text(st.characters(codec="utf-8"), min_size=1, max_size=100),
    length_s=st.integers(1, DAYS_MAX * DAY_S),
    begin=st.integers(0, 2**31),
)
def test_every_exception_reads_back_as_itself(reason: str, by: str, length_s: int, begin: int) -> None:
    from protocols.signature import SignatureBlock

    block = SignatureBlock(begin, PEER, bytes(range(64)))
    try:
        record = replace(RECORD, reason=reason, by=by, not_before=begin, until=begin + length_s)
    except NoException:
        return
    told = read(record.write(lambda _signed: block))
    assert replace(told, signature=None, signed=b"") == record
    assert told.signature == block


@given(st.binary(max_size=200).map(lambda tail: FIRST_LINE.encode() + b"\n" + tail))
def test_any_bytes_are_an_exception_or_refused(data: bytes) -> None:
    with pytest.raises(NoException):
        read(data)


def test_states_follow_the_clock(office: Office) -> None:
    judged = judge(office.put(office.signed(at=NOW - 2 * DAY_S)), office.trust(), [ADMINISTRATOR], COUNTY, NOW)
    assert judged.state(NOW - 2 * DAY_S) is ExceptionState.NOT_YET
    assert judged.state(NOW) is ExceptionState.IN_FORCE
    assert judged.state(NOW + 40 * DAY_S) is ExceptionState.EXPIRED
