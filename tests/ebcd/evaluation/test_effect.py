"""Who was reached, how soon, and how well it is known: from facts alone, the same before and after a restart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.link import Path
from ebcd import facts, snapshot
from ebcd.alert import Alert, AlertClass, Origin
from ebcd.evaluation import Timing, evidence_began, evidence_heard
from ebcd.evaluation.effect import Effect, effect_of, month_of, newest
from ebcd.evaluation.evidence import evidence_monitored
from ebcd.facts import Receipt
from ebcd.gauges import effect_metrics
from ebcd.lifecycle import AlertEvent, AlertState, DeliveryEvent
from ebcd.planner import Leg, Plan
from ebcd.state import CountyState, Remains
from protocols.codes import EbmId
from tests.ebcd.county import PROVINCE, VILLAGE_A1, VILLAGE_A2, terminal
from tests.ebcd.test_scheduler import alert

HORNS = tuple(terminal(VILLAGE_A1, n) for n in range(1, 6))
T0 = 1_760_000_000.0


class Story:
    """An alert's facts, folded as they come."""

    def __init__(self, **changes: object) -> None:
        self.state = CountyState()
        base = replace(alert(1), peer=PROVINCE, received_at=T0)
        window = replace(base.window, start=int(T0) - 100, end=int(T0) + 60)
        self.alert: Alert = replace(base, window=window, **changes)  # type: ignore[arg-type]
        self.add(facts.alert_accepted(self.alert, AlertState.WAITING, T0, PROVINCE))

    def add(self, fact: facts.Fact) -> None:
        self.state.apply(fact)

    def start(self, paths: tuple[Path, ...] = (Path.IP,)) -> Story:
        self.add(facts.alert_moved(self.alert.id, AlertEvent.START, T0 + 0.5))
        self.add(facts.plan_made(self.alert.id, Plan(tuple(Leg(code, paths) for code in HORNS), ()), T0))
        self.add(facts.orders_sent(self.alert.id, DeliveryEvent.SEND, paths[0], HORNS, T0 + 0.6))
        return self

    def hear(self, *news: tuple[int, DeliveryEvent, float, str]) -> None:
        items = [Receipt(HORNS[at], event, Path.IP, detail, T0 + after_s) for at, event, after_s, detail in news]
        self.add(facts.receipts(self.alert.id, items, T0))

    def end(self) -> Effect:
        self.add(facts.alert_moved(self.alert.id, AlertEvent.SUCCEEDED, T0 + 61))
        return self.effect()

    def effect(self) -> Effect:
        return effect_of(self.state.alerts[self.alert.id], self.state.evidence.alerts.get(self.alert.id))


@pytest.mark.requirement("R-PLT-16", "R-PERF-03", "R-SUP-06")
def test_coverage_timeliness_and_grades_are_what_the_facts_say() -> None:
    story = Story().start()
    story.hear(
        (0, DeliveryEvent.CONFIRM, 1.0, "answered"),
        (1, DeliveryEvent.CONFIRM, 2.0, "began"),
        (2, DeliveryEvent.CONFIRM, 12.0, "answered"),
        (3, DeliveryEvent.REFUSE, 3.0, "7"),
    )
    story.add(evidence_began(story.alert.id, [(HORNS[0], T0 + 4.0)], T0 + 5))
    story.hear((0, DeliveryEvent.PLAY, 58.0, "result"))
    effect = story.end()
    assert (effect.targeted, effect.confirmed, effect.coverage, effect.limit_s) == (5, 3, 0.6, 10.0)
    assert effect.answers == Timing(3, 1.0, 2.0, 11.8, 12.0, 2)
    assert (effect.sound.count, effect.sound.first, effect.sound.last) == (2, 2.0, 4.0)
    assert effect.in_time is True
    grades = effect.grades
    assert (grades.nothing, grades.answered, grades.spoke, grades.monitored) == (2, 1, 2, None)


def test_prometheus_is_told_the_evidence_of_the_alert_that_went_on_air_last() -> None:
    story = Story()
    alerts, evidence = story.state.alerts, story.state.evidence.alerts
    assert newest(alerts.values(), evidence) is None, "it only waits"
    assert list(effect_metrics(None)) == []
    story.start()
    story.hear((0, DeliveryEvent.CONFIRM, 1.5, "began"), (1, DeliveryEvent.CONFIRM, 2.0, "answered"))
    story.add(evidence_heard(story.alert.id, "349901101201", 1, False, "", T0 + 9, "chen"))
    for front, why in ((HORNS[0], "same"), (HORNS[1], "other"), (HORNS[2], "same")):
        story.add(evidence_monitored(story.alert.id, front, why == "same", why, {}, T0 + 20))
    older, daily = replace(alerts[story.alert.id]), replace(alerts[story.alert.id])
    older.started_at, daily.started_at = T0 - 99, T0 + 99
    daily.alert = replace(daily.alert, class_=AlertClass.DAILY)
    effect = newest([older, *alerts.values(), daily], evidence)
    found = {(s.name, *s.labels.values()): s.value for family in effect_metrics(effect) for s in family.samples}
    assert found == {
        ("ebcd_newest_alert_terminals", "nothing"): 3,
        ("ebcd_newest_alert_terminals", "answered"): 1,
        ("ebcd_newest_alert_terminals", "spoke"): 1,
        ("ebcd_newest_alert_monitors", "other"): 1,
        ("ebcd_newest_alert_monitors", "same"): 2,
        ("ebcd_newest_alert_places", "yes"): 0,
        ("ebcd_newest_alert_places", "no"): 1,
        ("ebcd_newest_alert_first_seconds", "answer"): 1.5,
        ("ebcd_newest_alert_first_seconds", "sound"): 1.5,
    }


def test_i8_nobody_who_was_silent_is_counted_and_silence_is_never_in_time() -> None:
    effect = Story().start().end()
    assert (effect.coverage, effect.in_time, effect.answered_in_time, effect.answers.count) == (0.0, None, None, 0)
    assert effect.grades.nothing == 5


@pytest.mark.parametrize(("first_s", "in_time"), [(9.9, True), (10.0, True), (10.1, False)])
def test_level_1_has_ten_seconds(first_s: float, in_time: bool) -> None:
    story = Story().start()
    story.hear((0, DeliveryEvent.CONFIRM, first_s, "answered"))
    assert (story.effect().answered_in_time, story.effect().in_time) == (in_time, None)
    story.add(evidence_began(story.alert.id, [(HORNS[0], T0 + first_s)], T0 + first_s))
    assert story.effect().in_time is in_time


@pytest.mark.parametrize("changes", [{"level": 2}, {"class_": AlertClass.DAILY}])
def test_everything_else_has_thirty(changes: dict[str, object]) -> None:
    assert Story(**changes).start().effect().limit_s == 30.0


def test_an_operators_alert_counts_from_its_last_approval_and_a_later_start_from_that() -> None:
    story = Story(origin=Origin.OPERATOR)
    story.add(facts.approval_given(story.alert.id, T0 + 20, "liu"))
    story.start()
    story.hear((0, DeliveryEvent.CONFIRM, 21.5, "answered"))
    assert story.effect().answers.first == 1.5
    later = Story()
    later.alert = replace(later.alert, window=replace(later.alert.window, start=int(T0) + 30))
    later.state.alerts[later.alert.id].alert = later.alert
    later.start()
    later.hear((0, DeliveryEvent.CONFIRM, 31.0, "answered"))
    assert later.effect().answers.first == 1.0


@pytest.mark.requirement("R-SUP-06")
def test_the_last_word_of_a_place_counts() -> None:
    story = Story().start()
    for place, heard in ((VILLAGE_A1, False), (VILLAGE_A2, False), (VILLAGE_A1, True)):
        story.add(evidence_heard(story.alert.id, place, 7, heard, "", T0 + 30, "chen"))
    assert (story.effect().grades.heard, story.effect().grades.not_heard) == (1, 1)


@pytest.mark.parametrize("over", [False, True])
def test_a_checkpoint_keeps_the_evidence_and_one_from_before_there_was_any_loads(over: bool) -> None:
    story = Story().start()
    story.hear((0, DeliveryEvent.CONFIRM, 1.0, "began"))
    story.add(evidence_heard(story.alert.id, VILLAGE_A1, 7, True, "clear", T0 + 30, "chen"))
    effect = story.end() if over else story.effect()
    dumped = snapshot.dump(story.state)
    again = snapshot.load(dumped)
    assert effect_of(again.alerts[story.alert.id], again.evidence.alerts[story.alert.id]) == effect
    assert snapshot.same(again, story.state)
    old = dumped.replace(b'"evidence":', b'"other":')
    assert snapshot.load(old).evidence.alerts == {}


def test_when_an_alert_is_over_its_moments_are_figures_and_the_memory_is_free() -> None:
    story = Story().start()
    story.hear(*((n, DeliveryEvent.CONFIRM, 1.0 + n, "began") for n in range(5)))
    before = story.effect()
    assert story.end().answers == before.answers
    evidence = story.state.evidence.alerts[story.alert.id]
    assert (evidence.answered_at, evidence.began_at) == ({}, {})


def test_evidence_goes_with_its_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "FINISHED_ALERTS_MAX", 0)
    story = Story().start()
    story.hear((0, DeliveryEvent.CONFIRM, 1.0, "began"))
    story.end()
    monkeypatch.setattr(snapshot, "FINISHED_ALERTS_MAX", -1)
    snapshot.forget_old(story.state, 1e12, lambda record: Remains())
    assert set(story.state.evidence.alerts) <= set(story.state.alerts)


@pytest.mark.requirement("R-PLT-16", "R-X-20")
def test_a_month_sums_its_alerts_and_the_samples_of_its_days() -> None:
    first, second = Story().start(), Story(class_=AlertClass.REAL_DRILL).start()
    first.hear((0, DeliveryEvent.CONFIRM, 1.0, "answered"), (1, DeliveryEvent.CONFIRM, 50.0, "answered"))
    first.end()
    records = [first.state.alerts[first.alert.id]]
    drill = second.state.alerts[second.alert.id]
    drill.alert = replace(drill.alert, id=EbmId(f"{PROVINCE}202510099999"))
    online = {"20251009": (90, 100), "20251010": (10, 100), "20251101": (1, 1)}
    month = month_of("2025-10", [*records, drill], first.state.evidence.alerts, online)
    assert [each.ebm_id for each in month.alerts] == [first.alert.id]
    assert (month.targeted, month.confirmed, month.coverage) == (5, 2, 0.4)
    assert (month.answered_in_time, month.answered, month.in_time, month.sounded) == (1, 1, 0, 0)
    assert (month.online_rate, month.online_by_day) == (0.5, {"2025-10-09": 0.9, "2025-10-10": 0.1})
    empty = month_of("2025-09", records, first.state.evidence.alerts, online)
    assert (empty.alerts, empty.coverage, empty.online_rate) == ((), None, None)
