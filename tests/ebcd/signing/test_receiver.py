"""The rules of a receiver (GD/J 081, signature.md 3 and 8), in the order they are applied."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from ebcd.signing import Policy, Refusal, SignatureVerifier, TimeMode, TrustStore
from ebcd.signing import receiver as limits
from protocols.signature import UNSIGNED, CertificateNumber, Scope, SignatureBlock, signed_bytes
from protocols.sm2 import sm3
from tests.ebcd.signing.authority import OTHER, PEER, ROOT, Authority

NOW = 1_760_000_000
EITHER = (Scope.COMMAND, Scope.CMD_TIME)


@dataclass
class Bench:
    """A verifier and the keys of those who sign to it."""

    authority: Authority
    verifier: SignatureVerifier
    registry: CollectorRegistry

    def block(
        self, message: bytes, time: int, number: CertificateNumber = PEER, scope: Scope = Scope.CMD_TIME
    ) -> SignatureBlock:
        plain = SignatureBlock(time, number, bytes(64))
        return SignatureBlock(time, number, self.authority.keys[number].sign(signed_bytes(message, plain, scope)))

    def judge(self, message: bytes, time: int, *, now: float = NOW, scope: Scope = Scope.CMD_TIME) -> Refusal | None:
        return self.verifier.verify(message, self.block(message, time, scope=scope), now, scopes=EITHER).refusal

    def count(self, outcome: str) -> float:
        return self.registry.get_sample_value("ebcd_signature_verdicts_total", {"outcome": outcome}) or 0.0


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("trust"))
    made.issue(PEER)
    made.issue(OTHER, year=2024)
    return made


@pytest.fixture
def bench(authority: Authority) -> Bench:
    registry = CollectorRegistry()
    verifier = SignatureVerifier(TrustStore.load(authority.folder, [ROOT]), Policy(), registry)
    return Bench(authority, verifier, registry)


def test_a_good_signature_counts_and_names_its_signer_and_reading(bench: Bench) -> None:
    verdict = bench.verifier.verify(b"x", bench.block(b"x", NOW), NOW, scopes=EITHER)
    assert verdict.ok
    assert verdict.signer is not None
    assert (verdict.signer.number, verdict.scope) == (PEER, Scope.CMD_TIME)
    assert bench.count("accepted") == 1


def test_a_zero_block_is_unsigned(bench: Bench) -> None:
    assert bench.verifier.verify(b"x", UNSIGNED, NOW).refusal is Refusal.UNSIGNED


def test_an_unknown_certificate_is_refused(bench: Bench) -> None:
    block = SignatureBlock(NOW, bytes.fromhex("00000000FFFF"), bytes(64))
    assert bench.verifier.verify(b"x", block, NOW).refusal is Refusal.UNKNOWN_CERTIFICATE
    assert bench.count("unknown_certificate") == 1


def test_a_certificate_that_may_not_sign_for_this_source_is_refused(bench: Bench) -> None:
    verdict = bench.verifier.verify(b"x", bench.block(b"x", NOW), NOW, allowed=[OTHER])
    assert verdict.refusal is Refusal.NOT_ALLOWED


def test_an_expired_certificate_is_refused(bench: Bench) -> None:
    verdict = bench.verifier.verify(b"x", bench.block(b"x", NOW, OTHER), NOW)
    assert verdict.refusal is Refusal.EXPIRED_CERTIFICATE


@pytest.mark.clause("GD/J 081 clause 5.4")
def test_a_signature_over_other_bytes_is_refused(bench: Bench) -> None:
    assert bench.verifier.verify(b"y", bench.block(b"x", NOW), NOW).refusal is Refusal.BAD_SIGNATURE


def test_a_signature_with_another_time_beside_it_is_refused(bench: Bench) -> None:
    block = bench.block(b"x", NOW)
    moved = SignatureBlock(NOW + 1, PEER, block.value)
    assert bench.verifier.verify(b"x", moved, NOW).refusal is Refusal.BAD_SIGNATURE


def test_a_reading_that_was_not_asked_for_does_not_count(bench: Bench) -> None:
    block = bench.block(b"x", NOW, scope=Scope.ALL_PRECEDING)
    assert bench.verifier.verify(b"x", block, NOW).refusal is Refusal.BAD_SIGNATURE
    both = (Scope.CMD_TIME, Scope.ALL_PRECEDING)
    assert bench.verifier.verify(b"x", block, NOW, scopes=both).scope is Scope.ALL_PRECEDING


@pytest.mark.parametrize(
    ("time", "refusal"),
    [
        (NOW - 300, None),
        (NOW - 301, Refusal.OLD_TIME),
        (NOW + 300, None),
        (NOW + 301, Refusal.FUTURE_TIME),
    ],
)
@pytest.mark.parametrize("scope", EITHER)
def test_a_time_counts_inside_the_window_only(bench: Bench, time: int, refusal: Refusal | None, scope: Scope) -> None:
    assert bench.judge(b"x", time, scope=scope) is refusal


def test_a_window_of_zero_takes_any_time(authority: Authority) -> None:
    verifier = SignatureVerifier(TrustStore.load(authority.folder, [ROOT]), Policy(time_window_s=0))
    bench = Bench(authority, verifier, CollectorRegistry())
    assert bench.judge(b"x", NOW - 100_000) is None


def test_a_time_more_than_a_minute_before_the_last_is_old(bench: Bench) -> None:
    assert bench.judge(b"a", NOW) is None
    assert bench.judge(b"b", NOW - 60) is None
    assert bench.judge(b"c", NOW - 61) is Refusal.OLD_TIME


def test_a_signer_whose_clock_ran_ahead_is_not_locked_out(bench: Bench) -> None:
    assert bench.judge(b"a", NOW + 250) is None
    assert bench.judge(b"b", NOW + 10, now=NOW + 10) is None


def test_the_same_signed_bytes_count_once(bench: Bench) -> None:
    assert bench.judge(b"x", NOW) is None
    assert bench.judge(b"x", NOW, now=NOW + 50) is Refusal.REPLAY
    assert bench.judge(b"x", NOW + 1) is None


def test_a_captured_file_does_not_count_again_under_a_new_time(bench: Bench) -> None:
    block = bench.block(b"<EBD/>", NOW, scope=Scope.COMMAND)
    assert bench.verifier.verify(b"<EBD/>", block, NOW, scopes=EITHER).ok
    later = SignatureBlock(NOW + 4000, PEER, block.value)
    assert bench.verifier.verify(b"<EBD/>", later, NOW + 4000, scopes=EITHER).refusal is Refusal.REPLAY


def test_a_time_that_was_not_signed_teaches_nothing(bench: Bench) -> None:
    assert bench.judge(b"command", 0x12A06) is None  # a box with a counter
    assert bench.judge(b"<EBD/>", NOW, scope=Scope.COMMAND) is None  # somebody wrote a clock time beside its file
    assert bench.judge(b"next", 0x12A07) is None


def test_a_counter_must_grow_but_for_the_slack_of_parallel_connections(bench: Bench) -> None:
    assert bench.judge(b"a", 1000) is None
    assert bench.judge(b"b", 985) is None
    assert bench.judge(b"c", 984) is Refusal.COUNTER
    assert bench.judge(b"d", 1001) is None


def test_one_counter_value_serves_one_message(bench: Bench) -> None:
    assert bench.judge(b"a", 1000) is None
    assert bench.judge(b"a", 1000) is Refusal.REPLAY
    assert bench.judge(b"b", 1000) is Refusal.COUNTER


def test_a_counter_signer_may_get_a_clock_but_never_go_back(bench: Bench) -> None:
    assert bench.judge(b"a", 1000) is None
    verdict = bench.verifier.verify(b"b", bench.block(b"b", NOW), NOW)
    assert verdict.ok
    assert verdict.mode_changed
    assert bench.judge(b"c", 2000) is Refusal.MODE
    assert not bench.verifier.verify(b"d", bench.block(b"d", NOW), NOW).mode_changed


def test_a_forgery_does_not_move_what_is_remembered(bench: Bench) -> None:
    assert bench.judge(b"a", 1000) is None
    before = bench.verifier.export()
    forged = SignatureBlock(5000, PEER, bench.block(b"b", 1001).value)
    assert bench.verifier.verify(b"b", forged, NOW).refusal is Refusal.BAD_SIGNATURE
    assert bench.verifier.export() == before


def test_i11_what_was_seen_is_still_known_after_a_restart(bench: Bench, authority: Authority) -> None:
    command, file = bench.block(b"x", NOW), bench.block(b"<EBD/>", NOW, scope=Scope.COMMAND)
    assert bench.verifier.verify(b"x", command, NOW).ok
    assert bench.verifier.verify(b"<EBD/>", file, NOW, scopes=EITHER).ok
    saved = json.loads(json.dumps(bench.verifier.export()))
    again = SignatureVerifier(TrustStore.load(authority.folder, [ROOT]))
    again.restore(saved)
    assert again.verify(b"x", command, NOW + 10).refusal is Refusal.REPLAY
    assert again.verify(b"<EBD/>", file, NOW + 10, scopes=EITHER).refusal is Refusal.REPLAY
    assert again.export() == saved


def test_memory_is_bounded_and_what_was_pushed_out_stays_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REPLAYS_MAX", 8)
    for number in range(12):
        assert bench.judge(b"%d" % number, NOW + number) is None
        assert bench.judge(b"<%d/>" % number, NOW, scope=Scope.COMMAND) is None
    assert bench.judge(b"0", NOW) is Refusal.OLD_TIME
    remembered = bench.verifier.export()["000000000101"]
    assert (len(remembered["seen"]), len(remembered["files"])) == (8, 8)
    assert bench.registry.get_sample_value("ebcd_signature_replay_evictions_total") == 8


@pytest.mark.requirement("R-SYS-07")
@pytest.mark.clause("GD/J 085 clause 5.3", "GD/J 081 clause 6.2.1")
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-400, 400), st.integers(0, 900)), max_size=25))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_i11_nothing_signed_with_its_time_is_accepted_twice(bench: Bench, steps: list[tuple[int, int, int]]) -> None:
    accepted: set[tuple[bytes, int]] = set()
    bench.verifier.restore({})
    now = NOW
    for message, offset, passed_s in steps:
        now += passed_s
        signed = (b"%d" % message, now + offset)
        if bench.judge(*signed, now=now) is None:
            assert signed not in accepted
            accepted.add(signed)


@given(st.binary(max_size=40), st.binary(min_size=74, max_size=74))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_block_over_any_bytes_gets_a_verdict(bench: Bench, command: bytes, block: bytes) -> None:
    for number in (block[4:10], PEER):
        whole = block[:4] + number + block[10:]
        assert (
            bench.verifier.verify(command, SignatureBlock.decode(whole), NOW, scopes=tuple(Scope)).refusal is not None
        )


def with_modes(authority: Authority, mode: TimeMode) -> Bench:
    verifier = SignatureVerifier(TrustStore.load(authority.folder, [ROOT]), Policy(time_modes={PEER: mode}))
    return Bench(authority, verifier, CollectorRegistry())


def test_a_signer_configured_to_have_a_clock_shows_no_counter(authority: Authority) -> None:
    bench = with_modes(authority, TimeMode.UTC)
    assert bench.judge(b"a", 0x12A06) is Refusal.OLD_TIME
    assert bench.judge(b"b", NOW) is None


def test_a_signer_configured_to_count_may_count_past_any_clock(authority: Authority) -> None:
    bench = with_modes(authority, TimeMode.COUNTER)
    assert bench.judge(b"a", NOW + 100_000) is None
    assert bench.judge(b"b", NOW + 100_001) is None
    assert bench.judge(b"c", NOW) is Refusal.COUNTER


def test_a_person_may_say_that_a_signer_counts_from_now_on(authority: Authority, bench: Bench) -> None:
    assert bench.judge(b"a", NOW) is None
    told = with_modes(authority, TimeMode.COUNTER)
    told.verifier.restore(bench.verifier.export())
    assert told.judge(b"b", 7) is None
    assert told.judge(b"c", 8) is None


def test_a_verdict_says_what_a_restart_must_know(bench: Bench) -> None:
    timed = bench.verifier.verify(b"x", bench.block(b"x", NOW), NOW + 5)
    assert (timed.last, timed.digest) == (NOW, sm3(b"x" + NOW.to_bytes(4, "big")))
    file = bench.verifier.verify(b"y", bench.block(b"y", NOW, scope=Scope.COMMAND), NOW, scopes=EITHER)
    assert (file.last, file.digest) == (None, sm3(b"y"))
