"""One simulated adapter, without sockets: annex A in, answers, relays and reports out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocols import adapter as annex_a
from protocols import terminal as fefd
from protocols.adapter import AdapterFrame, RecordState, ResultCode
from protocols.codes import EbmId, ResourceCode
from simulators.adapter import Adapter, Outcome
from simulators.trust import FrameReader, Verdict
from tests.simulators.signing import ADAPTER_CERTIFICATE, NOW, key, signer, trust

CODE = ResourceCode("63499011002010314010201")
HORNS = ResourceCode("63499011002010314010400")
EBM = EbmId.build("23400000000000101010101", "20251009", 1)
URL = "http://127.0.0.1:8088/media/00.mp3"
START = annex_a.StartBroadcast(
    EBM,
    4,
    "11111",
    2,
    int(NOW),
    int(NOW) + 60,
    255,
    annex_a.Targets((HORNS,)),
    (annex_a.Language("zho", "暴雨", "县平台", (annex_a.Auxiliary.url(URL),)),),
)
STOP = annex_a.StopBroadcast(EBM, annex_a.Targets((HORNS,)))


@pytest.fixture
def adapter() -> Adapter:
    return Adapter(CODE, key(ADAPTER_CERTIFICATE), ADAPTER_CERTIFICATE, trust(), lambda: NOW)


def signed(message: annex_a.Message, at: float = NOW) -> AdapterFrame:
    return annex_a.decode(annex_a.encode(message, sign=signer(at)))


def tell(adapter: Adapter, message: annex_a.Message, at: float = NOW) -> Outcome:
    return adapter.receive(signed(message, at), at)


def test_a_start_is_answered_relayed_under_its_own_signature_and_reported(adapter: Adapter) -> None:
    outcome = tell(adapter, START)
    assert outcome.answer == annex_a.StartAnswer(CODE, EBM)
    heard = FrameReader(trust()).read(outcome.relays[0].data)
    assert heard.verdict is Verdict.GOOD
    assert heard.frame.signature is not None
    assert heard.frame.signature.certificate == ADAPTER_CERTIFICATE
    assert heard.frame.targets == (HORNS,)
    assert isinstance(heard.frame.message, fefd.Start)
    assert heard.frame.message.url == URL
    assert [type(report) for report in outcome.reports] == [annex_a.TaskBegan]


def test_a_repeated_start_is_relayed_again_and_begins_no_second_task(adapter: Adapter) -> None:
    tell(adapter, START)
    again = tell(adapter, START, NOW + 5)
    assert again.answer == annex_a.StartAnswer(CODE, EBM)
    assert len(again.relays) == 1
    assert again.reports == []


def test_a_stop_is_relayed_and_ends_the_task(adapter: Adapter) -> None:
    tell(adapter, START)
    outcome = tell(adapter, STOP, NOW + 1)
    assert outcome.answer == annex_a.StartAnswer(CODE, EBM)
    assert fefd.decode(outcome.relays[0].data).message == fefd.Stop(EBM)
    assert outcome.reports == [annex_a.TaskEnded(CODE, EBM)]


def test_the_end_of_the_window_is_reported_by_itself(adapter: Adapter) -> None:
    tell(adapter, START)
    assert adapter.next_at(NOW) == NOW + 60
    assert adapter.tick(NOW + 60) == [annex_a.TaskEnded(CODE, EBM)]


def test_i1_unsigned_forged_and_old_commands_are_refused_and_not_relayed(adapter: Adapter) -> None:
    unsigned = annex_a.decode(annex_a.encode(START))
    other = signed(replace(START, level=1))
    forged = replace(signed(START), signature=other.signature)
    old = signed(START, NOW - 301)
    for frame in (unsigned, forged, old):
        outcome = adapter.receive(frame, NOW)
        assert outcome.answer == annex_a.StartAnswer(CODE, EBM, 1, "signature")
        assert (outcome.relays, outcome.reports) == ([], [])
    volume = annex_a.decode(annex_a.encode(annex_a.SetVolume(50, annex_a.Targets((HORNS,)))))
    answer = adapter.receive(volume, NOW).answer
    assert isinstance(answer, annex_a.GeneralAnswer)
    assert answer.code == ResultCode.SIGNATURE
    assert adapter.refused == 4


def test_i3_i4_what_is_over_or_lower_is_refused_and_not_relayed(adapter: Adapter) -> None:
    late = tell(adapter, replace(START, end=int(NOW)))
    assert isinstance(late.answer, annex_a.StartAnswer)
    assert (late.answer.result, late.relays) == (1, [])
    tell(adapter, START)
    lower = tell(adapter, replace(START, ebm_id=EbmId.build(EBM.platform, EBM.date, 2), level=4))
    assert isinstance(lower.answer, annex_a.StartAnswer)
    assert (lower.answer.result, lower.relays) == (1, [])


def test_records_tell_what_plays_and_what_became_of_the_rest(adapter: Adapter) -> None:
    tell(adapter, START)
    query = annex_a.QueryRecords(CODE, None, 0, int(NOW) - 10, int(NOW) + 10)
    playing = tell(adapter, query).answer
    tell(adapter, STOP, NOW + 1)
    cancelled = tell(adapter, query, NOW + 1).answer
    for answer, state in ((playing, RecordState.PLAYING), (cancelled, RecordState.CANCELLED)):
        assert isinstance(answer, annex_a.Records)
        assert [(record.ebm_id, record.state, record.codes) for record in answer.records] == [(EBM, state, (HORNS,))]


@pytest.mark.parametrize(
    "change",
    [
        {"ebm_id": EbmId.build(EBM.platform, EBM.date, 9)},
        {"task": 1},
        {"from_time": int(NOW) + 100, "to_time": int(NOW) + 200},
    ],
)
def test_records_of_other_ids_kinds_and_times_are_left_out(adapter: Adapter, change: dict[str, object]) -> None:
    tell(adapter, START)
    query = replace(annex_a.QueryRecords(CODE, None, 0, int(NOW), int(NOW) + 10), **change)  # type: ignore[arg-type]
    assert tell(adapter, query).answer == annex_a.Records(CODE, ())


def test_a_query_of_terminals_is_relayed_so_that_their_answers_are_returned(adapter: Adapter) -> None:
    address = annex_a.IpReturn("127.0.0.1", 8889)
    outcome = tell(adapter, annex_a.QueryTerminals(address, annex_a.Targets((HORNS,)), (6,)))
    assert outcome.answer == annex_a.GeneralAnswer()
    assert outcome.relays[0].to == address


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        (annex_a.SetClock(int(NOW)), annex_a.GeneralAnswer()),
        (annex_a.SetVolume(50, annex_a.Targets((HORNS,))), annex_a.GeneralAnswer()),
        (annex_a.QueryFaults(CODE), annex_a.FaultDetails(CODE, 0)),
        (annex_a.QueryInputs(CODE, 2), annex_a.Inputs(CODE, (annex_a.InputChannel(2, "线路", 1, 1),))),
        (annex_a.QueryInputs(CODE, 0, 3), annex_a.Inputs(CODE, ())),
        (annex_a.QueryOutputs(CODE), annex_a.Outputs(CODE, (annex_a.OutputChannel(1, 4),))),
        (annex_a.SetAdapterReturn(annex_a.IpReturn("127.0.0.1", 8099), 60), annex_a.GeneralAnswer()),
    ],
)
def test_every_command_has_its_answer(adapter: Adapter, message: annex_a.Message, answer: annex_a.Message) -> None:
    assert tell(adapter, message).answer == answer


def test_its_heartbeat_tells_that_it_works_and_is_signed(adapter: Adapter) -> None:
    assert adapter.heartbeat(NOW) == annex_a.AdapterHeartbeat(CODE, annex_a.AdapterState.IDLE, int(NOW))
    tell(adapter, START)
    frame = annex_a.decode(adapter.encode(adapter.heartbeat(NOW)))
    assert frame.message == annex_a.AdapterHeartbeat(CODE, annex_a.AdapterState.WORKING, int(NOW))
    assert trust().judge(frame.signed, frame.signature) is Verdict.GOOD
