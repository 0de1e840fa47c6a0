"""One simulated terminal, without sockets: what it believes, answers, starts and reports."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from protocols import terminal as fefd
from protocols.codes import EbmId, ResourceCode
from protocols.terminal import Answer, Frame, Header, Result
from simulators.fleet_log import FleetLog
from simulators.terminal import Terminal
from simulators.terminal_actions import Action, Fetch, Reply, Report
from simulators.terminal_tasks import Order
from simulators.trust import FrameReader
from tests.simulators.signing import ADAPTER_CERTIFICATE, NOW, signer, trust

PLATFORM = ResourceCode("43499010000000101010101")
SOURCE = ResourceCode("43499010000000314010201")
CODE = ResourceCode("63499011002010314010407")
COUNTY = ResourceCode("63499010000000314010400")
ELSEWHERE = ResourceCode("63499011012010314010400")
EBM = EbmId.build("23400000000000101010101", "20251009", 1)
OTHER = EbmId.build("23400000000000101010101", "20251009", 2)
URL = "http://127.0.0.1:8088/media/00.mp3"
START = fefd.Start(EBM, 4, 2, "11111", 255, int(NOW), int(NOW) + 60, (fefd.Auxiliary.url(URL),))


class Bench:
    """A terminal, its shared reader and a platform that signs."""

    def __init__(self) -> None:
        self.log = FleetLog()
        self.reader = FrameReader(trust())
        self.terminal = Terminal(CODE, "204800000007", PLATFORM, self.log)
        self.session = 0

    def frame(self, message: fefd.Message, target: ResourceCode = COUNTY) -> Frame:
        self.session += 1
        return fefd.request(Header.D, self.session, SOURCE, (target,), message, extensions=True)

    def tell(
        self,
        message: fefd.Message,
        *,
        target: ResourceCode = COUNTY,
        at: float = NOW,
        signed_at: float | None = None,
        certificate: bytes | None = None,
        path: str = "ip",
        shared: bool = False,
    ) -> list[Action]:
        options = {} if certificate is None else {"number": certificate}
        sign = signer(at if signed_at is None else signed_at, **options)
        return self.hear(fefd.encode(self.frame(message, target), sign=sign), at=at, path=path, shared=shared)

    def hear(self, data: bytes, *, at: float = NOW, path: str = "ip", shared: bool = False) -> list[Action]:
        return self.terminal.receive(self.reader.read(data), path, at, shared=shared)

    def sounding_start(self, message: fefd.Start = START, at: float = NOW) -> None:
        self.tell(message, at=at)
        self.terminal.audio_began(message.ebm_id, at)


def answer_of(actions: list[Action]) -> Answer:
    replies = [fefd.decode(action.data) for action in actions if isinstance(action, Reply)]
    assert len(replies) == 1
    message = replies[0].message
    assert isinstance(message, Answer)
    return message


def reports_of(actions: list[Action]) -> list[fefd.Message]:
    frames = [fefd.decode(action.data) for action in actions if isinstance(action, Report)]
    assert all(frame.header is Header.E and frame.targets == (PLATFORM,) for frame in frames)
    return [frame.message for frame in frames]


def test_a_signed_start_is_answered_with_0_and_its_audio_fetched() -> None:
    bench = Bench()
    actions = bench.tell(START)
    assert answer_of(actions) == Answer(1, Result.OK)
    assert actions[1:] == [Fetch(EBM, URL)]
    assert bench.log.starts == [], "nothing sounds before the first bytes are here"


def test_the_begin_is_reported_with_the_first_bytes_of_audio_and_counted_once() -> None:
    bench = Bench()
    bench.tell(START)
    actions = bench.terminal.audio_began(EBM, NOW + 1)
    assert reports_of(actions) == [fefd.TaskSwitch(1, fefd.Task.EMERGENCY, EBM, int(NOW) + 1)]
    assert bench.terminal.audio_began(EBM, NOW + 2) == []
    assert [(s.code, s.ebm_id, s.at, s.path) for s in bench.log.starts] == [(CODE, EBM, NOW + 1, "ip")]


def test_the_end_of_the_window_ends_it_with_a_successful_result() -> None:
    bench = Bench()
    bench.sounding_start()
    bench.terminal.audio_ended(EBM, NOW + 1, sm3_ok=True, duration_s=25.0)
    switch, result = reports_of(bench.terminal.tick(NOW + 60))
    assert switch == fefd.TaskSwitch(2, fefd.Task.EMERGENCY, EBM, int(NOW) + 60)
    assert isinstance(result, fefd.TaskResult)
    assert (result.result, result.times, result.start, result.end) == (1, 2, int(NOW), int(NOW) + 60)


@pytest.mark.requirement("R-X-34")
@pytest.mark.parametrize(
    ("change", "result"),
    [
        ({"certificate": bytes.fromhex("000000000999")}, Result.CERTIFICATE),
        ({"signed_at": NOW - 301}, Result.VERIFICATION),
        ({"signed_at": NOW + 301}, Result.VERIFICATION),
        ({"target": ELSEWHERE}, Result.UNKNOWN_RESOURCE_CODE),
    ],
)
def test_i1_i11_what_it_must_not_believe_starts_nothing(change: dict[str, object], result: Result) -> None:
    bench = Bench()
    actions = bench.tell(START, **change)  # type: ignore[arg-type]
    assert answer_of(actions).result == result
    assert len(actions) == 1


@pytest.mark.clause("GD/J 089 clause 4.1.5, table D.12")
def test_i1_an_unsigned_start_and_a_changed_one_are_refused() -> None:
    bench = Bench()
    assert answer_of(bench.hear(fefd.encode(bench.frame(START)))).text == "unsigned"
    good = bench.frame(START)
    signed = fefd.decode(fefd.encode(good, sign=signer()))
    forged = fefd.encode(replace(signed, message=replace(START, level=1)))
    assert answer_of(bench.hear(forged)) == Answer(1, Result.VERIFICATION, "bad signature")
    assert dict(bench.log.refusals) == {"unsigned": 1, "bad signature": 1}


def test_an_adapters_own_signature_is_believed_too() -> None:
    assert answer_of(Bench().tell(START, certificate=ADAPTER_CERTIFICATE)).result == Result.OK


def test_i11_an_older_signature_time_than_a_minute_before_the_last_is_refused() -> None:
    bench = Bench()
    bench.tell(fefd.Stop(OTHER), signed_at=NOW)
    assert answer_of(bench.tell(START, signed_at=NOW - 61)).text == "signature time"


def test_a_foreign_address_on_a_shared_topic_gets_no_answer() -> None:
    assert Bench().tell(START, target=ELSEWHERE, shared=True) == []


def test_a_repeated_request_gets_the_same_bytes_and_has_no_second_effect() -> None:
    bench = Bench()
    data = fefd.encode(bench.frame(START), sign=signer())
    first = bench.hear(data)
    assert bench.hear(data) == [first[0]]


def test_i7_told_over_two_paths_it_starts_once() -> None:
    bench = Bench()
    bench.sounding_start()
    again = bench.tell(START, path="cellular", at=NOW + 2)
    assert answer_of(again) == Answer(1, Result.OK, "sounding")
    assert len(again) == 1
    bench.terminal.hear_fm(Order(EBM, 4, 2, NOW + 3, inf, 255, "", "fm"), NOW + 3)
    assert len(bench.log.starts) == 1


def test_fm_brings_the_sound_where_the_fetch_has_not() -> None:
    bench = Bench()
    bench.tell(START)
    actions = bench.terminal.hear_fm(Order(EBM, 4, 2, NOW + 3, inf, 255, "", "fm"), NOW + 3)
    assert [type(message) for message in reports_of(actions)] == [fefd.TaskSwitch]
    assert bench.terminal.audio_failed(EBM, NOW + 9) == []
    assert bench.log.starts[0].path == "fm"


def test_what_fm_began_takes_its_window_from_the_path_that_tells_one() -> None:
    bench = Bench()
    bench.terminal.hear_fm(Order(EBM, 4, 2, NOW, inf, 255, "", "fm"), NOW)
    assert answer_of(bench.tell(START, at=NOW + 1)).text == "sounding"
    assert [type(m) for m in reports_of(bench.terminal.tick(NOW + 60))] == [fefd.TaskSwitch, fefd.TaskResult]


def test_what_only_fm_told_ends_with_its_stop_and_is_not_started_by_a_late_repeat() -> None:
    bench = Bench()
    bench.terminal.hear_fm(Order(EBM, 4, 2, NOW, inf, 255, "", "fm"), NOW)
    ends = reports_of(bench.terminal.stop_fm(EBM, NOW + 30))
    assert [type(message) for message in ends] == [fefd.TaskSwitch, fefd.TaskResult]
    assert bench.terminal.hear_fm(Order(EBM, 4, 2, NOW + 31, inf, 255, "", "fm"), NOW + 31) == []


def test_a_stop_over_fm_stops_what_ip_had_started() -> None:
    bench = Bench()
    bench.sounding_start()
    assert reports_of(bench.terminal.stop_fm(EBM, NOW + 5)) == [
        fefd.TaskSwitch(2, fefd.Task.EMERGENCY, EBM, int(NOW) + 5)
    ]
    assert not bench.terminal.working


def test_i12_a_stop_silences_at_once_and_its_start_stays_refused() -> None:
    bench = Bench()
    bench.sounding_start()
    actions = bench.tell(fefd.Stop(EBM), at=NOW + 1)
    assert answer_of(actions) == Answer(2, Result.OK)
    assert [type(message) for message in reports_of(actions)] == [fefd.TaskSwitch]
    assert answer_of(bench.tell(START, at=NOW + 2)).result == Result.BAD_CONTENT
    assert [end.how for end in bench.log.ends] == ["stopped"]


@pytest.mark.requirement("R-PRI-03")
def test_i4_a_better_alert_interrupts_and_the_first_resumes_without_a_second_start() -> None:
    bench = Bench()
    daily = replace(START, ebm_id=OTHER, class_=5, level=4)
    bench.sounding_start(daily)
    urgent = replace(START, level=1, end=int(NOW) + 10)
    interrupted = bench.tell(urgent, at=NOW + 1)
    assert reports_of(interrupted) == [fefd.TaskSwitch(2, fefd.Task.DAILY, OTHER, int(NOW) + 1)]
    bench.terminal.audio_began(EBM, NOW + 1)
    resumed = reports_of(bench.terminal.tick(NOW + 10))
    assert resumed[-1] == fefd.TaskSwitch(1, fefd.Task.DAILY, OTHER, int(NOW) + 10)
    assert [s.ebm_id for s in bench.log.starts] == [OTHER, EBM]
    assert bench.log.resumed == 1


def test_a_lower_rank_is_refused_with_73() -> None:
    bench = Bench()
    bench.sounding_start()
    assert answer_of(bench.tell(replace(START, ebm_id=OTHER, level=3))).result == Result.HIGHER_PRIORITY


def test_i3_a_window_that_is_over_is_refused_and_a_future_one_waits() -> None:
    bench = Bench()
    assert answer_of(bench.tell(replace(START, end=int(NOW)))).result == Result.TIMEOUT
    later = bench.tell(replace(START, ebm_id=OTHER, start=int(NOW) + 30))
    assert len(later) == 1
    assert bench.terminal.next_at(NOW) == NOW + 30
    assert bench.terminal.tick(NOW + 30) == [Fetch(OTHER, URL)]


def test_i9_audio_with_another_digest_is_ended_as_a_failure() -> None:
    bench = Bench()
    bench.sounding_start()
    switch, result = reports_of(bench.terminal.audio_ended(EBM, NOW + 1, sm3_ok=False, duration_s=0.0))
    assert isinstance(switch, fefd.TaskSwitch)
    assert isinstance(result, fefd.TaskResult)
    assert result.result == 0
    assert bench.log.starts[0].sm3_ok is False


def test_audio_that_never_comes_is_a_failure_without_a_begin() -> None:
    bench = Bench()
    bench.tell(START)
    (result,) = reports_of(bench.terminal.audio_failed(EBM, NOW + 9))
    assert isinstance(result, fefd.TaskResult)
    assert (result.result, result.text) == (0, "no audio")
    assert answer_of(bench.tell(START, at=NOW + 10)).result == Result.BAD_CONTENT


def test_the_first_heartbeat_says_switched_on_and_later_ones_do_not() -> None:
    bench = Bench()
    beats = [fefd.decode(bench.terminal.heartbeat(header)) for header in (Header.D, Header.E, Header.D)]
    assert [b.message for b in beats] == [
        fefd.Heartbeat(fefd.WorkState.IDLE, first, "204800000007") for first in (1, 2, 2)
    ]
    assert [b.header for b in beats] == [Header.D, Header.E, Header.D]
    assert [b.session for b in beats] == [1, 2, 3]


def test_a_heartbeat_and_a_query_tell_that_it_works() -> None:
    bench = Bench()
    bench.sounding_start()
    beat = fefd.decode(bench.terminal.heartbeat(Header.D)).message
    assert isinstance(beat, fefd.Heartbeat)
    assert beat.state == fefd.WorkState.WORKING
    (reply,) = bench.tell(fefd.StatusQuery((fefd.WORK_STATE, fefd.RESOURCE_CODE, 0x7F)), target=CODE)
    assert isinstance(reply, Reply)
    told = fefd.decode(reply.data).message
    expected = (fefd.Number(fefd.WORK_STATE, fefd.WorkState.WORKING), fefd.OwnCode(CODE))
    assert told == fefd.StatusAnswer(0, "", expected)


@pytest.mark.parametrize(
    ("setting", "result", "volume"),
    [
        (fefd.Number(fefd.SET_VOLUME, 35), Result.OK, 35),
        (fefd.Number(fefd.SET_VOLUME, 255), Result.OK, 60),
        (fefd.Number(fefd.SET_VOLUME, 101), Result.BAD_PARAMETER, 60),
        (fefd.Number(fefd.SET_CLOCK, int(NOW)), Result.OK, 60),
        (fefd.RawParameter(0x77, b"x"), Result.NOT_SUPPORTED, 60),
    ],
)
def test_parameters_are_set_or_refused_by_name(setting: fefd.Setting, result: Result, volume: int) -> None:
    bench = Bench()
    assert answer_of(bench.tell(fefd.ParameterSet((setting,)), target=CODE)).result == result
    assert bench.terminal.volume == volume


@pytest.mark.clause("GD/J 089 clause D.3.4, table D.12")
def test_every_other_request_is_answered_with_55() -> None:
    assert answer_of(Bench().tell(fefd.Opaque(0x40, b""), target=CODE)) == Answer(0x40, Result.NOT_SUPPORTED)


def test_answers_of_the_platform_are_not_answered() -> None:
    bench = Bench()
    beat = fefd.decode(bench.terminal.heartbeat(Header.D))
    assert bench.hear(fefd.encode(fefd.answer(beat, SOURCE, Answer(0x10, 0)))) == []


def test_each_distinct_signed_frame_is_verified_once_for_all_terminals() -> None:
    bench = Bench()
    others = [
        Terminal(ResourceCode(f"634990110020103140104{n:02d}"), f"{n:012d}", PLATFORM, bench.log) for n in range(9)
    ]
    data = fefd.encode(bench.frame(START), sign=signer())
    for terminal in others:
        assert answer_of(terminal.receive(bench.reader.read(data), "ip", NOW)).result == Result.OK
    assert bench.reader.verified == 1
    assert bench.reader.knows(data)
