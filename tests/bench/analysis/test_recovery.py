"""The definitions of recovery, each on a recording whose answer is known by construction."""

import pytest
from msgspec.structs import replace

from bench.analysis.recovery import Mark, recoveries
from bench.ledger import Fates
from tests.bench.analysis.steps import ns, steady, step, transactions

FAULT_MS = 2000
KILL = ("kill-worker", "worker-3", FAULT_MS)
PARTS = ("broker-1", "worker-1", "worker-3", "worker-30", "front-1")


def recover(rows, marks=(), faults=(KILL,), **changes):
    return recoveries(step(rows, faults=faults, **changes), marks, PARTS)


def outage(begin_ms, end_ms, fate="completed", takes_ms=10):
    """All that is due while the system is away is done when it is back, or ends otherwise."""
    due, done = steady(takes_ms=takes_ms)
    away = [begin_ms <= at + takes_ms and at < end_ms for at in due]
    done = [end_ms + takes_ms if gone else at for gone, at in zip(away, done, strict=True)]
    return transactions(due, done, [fate if gone else "completed" for gone in away])


def note(ms, part, kind="peer-lost", subject="worker-3.8f21"):
    return Mark(ns(ms), part, kind, subject)


def test_a_fault_without_a_mark_on_goodput_is_recovered_at_once():
    (found,) = recover(transactions(*steady()))
    assert found.recovered_ms == 0
    assert found.goodput_lost == 0
    assert found.harmed == Fates()
    assert found.delayed == 0
    assert (found.first_failure_ms, found.last_failure_ms) == (None, None)
    assert found.first_success_ms == 10


def test_recovered_is_when_the_last_late_completion_has_left_the_window():
    (found,) = recover(outage(2000, 2500))
    # The backlog comes back at 2510; goodput is above the band until the window has passed it.
    assert found.recovered_ms == pytest.approx(610, abs=1)
    assert found.first_success_ms == 510


def test_goodput_lost_is_what_should_have_come_back_by_then():
    (found,) = recover(outage(2000, 2500))
    # 400/s, away from the fault until its backlog comes back at 510 ms.
    assert found.goodput_lost == pytest.approx(0.51 * 400, rel=0.02)


def test_a_glitch_of_less_than_half_a_window_is_none():
    due, done = steady()
    late = [at + 8 if FAULT_MS + 500 <= at < FAULT_MS + 510 else at for at in done]
    (found,) = recover(transactions(due, late))
    assert found.recovered_ms == 0


def test_back_for_less_than_a_second_is_not_back():
    due, done = steady()
    late = [at + 300 if 0 <= at - FAULT_MS < 50 or 800 <= at - FAULT_MS < 850 else at for at in done]
    (found,) = recover(transactions(due, late))
    assert found.recovered_ms > 1000


def test_who_is_not_back_before_the_recording_ends_has_not_recovered():
    (found,) = recover(outage(2000, 5500))
    assert found.recovered_ms is None
    assert found.goodput_lost == pytest.approx(3.51 * 400, rel=0.02)


def test_without_a_second_of_baseline_recovery_is_not_known():
    (found,) = recover(outage(500, 700), faults=[("kill-worker", "worker-3", 500)])
    assert (found.recovered_ms, found.goodput_lost, found.delayed, found.band) == (None, None, None, None)
    assert found.first_success_ms == 210


def test_harmed_are_those_under_way_or_due_after_it_without_an_answer():
    (found,) = recover(outage(2000, 2100, "unknown"))
    # Due every 2.5 ms: four of them under way, forty due while it was away.
    assert found.harmed == Fates(unknown=44)
    assert found.first_failure_ms == found.last_failure_ms == 110
    assert found.recovered_ms == pytest.approx(210, abs=3)


def test_who_ended_before_the_fault_was_not_harmed_by_it():
    due, done = steady()
    fates = ["rejected" if 0 <= at < 100 else "completed" for at in due]
    (found,) = recover(transactions(due, done, fates))
    assert found.harmed == Fates()


def test_the_services_own_no_is_no_harm():
    (found,) = recover(outage(2000, 2100, "failed"))
    assert found.harmed == Fates()


def test_each_failure_counts_with_its_fate():
    due, done = steady()
    fates = ["completed"] * len(due)
    at = due.index(2100)
    fates[at : at + 4] = ["rejected", "unknown", "refused", "broken"]
    (found,) = recover(transactions(due, done, fates))
    assert found.harmed == Fates(rejected=1, unknown=1, refused=1, broken=1)
    assert (found.first_failure_ms, found.last_failure_ms) == (110, 117.5)


def test_delayed_is_completed_later_than_anything_in_the_baseline():
    due, done = steady()
    slow = [at + 5 if 2200 <= at < 2210 else at for at in done]
    (found,) = recover(transactions(due, slow))
    assert found.delayed == 4


def test_first_success_is_of_one_that_met_the_system_as_the_fault_left_it():
    due, done = steady(takes_ms=50)
    later = [2400 if at >= FAULT_MS and to < 2400 else to for at, to in zip(due, done, strict=True)]
    (found,) = recover(transactions(due, later))
    assert found.first_success_ms == 400  # those under way at the fault were completed before


def test_detected_by_the_first_other_part_that_says_so():
    marks = [
        note(1990, "broker-1"),
        note(2001, "worker-3"),
        note(2003, "broker-1"),
        note(2004, "front-1", "failover", "t-17"),
    ]
    (found,) = recover(transactions(*steady()), marks)
    assert (found.detected_ms, found.detected_by) == (3, "broker-1")


def test_a_note_about_another_part_is_no_detection():
    marks = [note(2001, "front-1", subject="worker-30"), note(2002, "front-1", subject="worker-1")]
    (found,) = recover(transactions(*steady()), marks)
    assert found.detected_ms is None
    assert found.detected_by == ""


def test_a_failover_names_a_transaction_and_is_a_detection():
    (found,) = recover(transactions(*steady()), [note(2005, "front-1", "failover", "latency.1.0-88")])
    assert found.detected_ms == 5


def test_the_span_of_a_fault_ends_with_the_next():
    due, done = steady(until_ms=8000)
    fates = ["unknown" if 2500 <= at < 2510 or 5500 <= at < 5530 else "completed" for at in due]
    first, second = recover(
        transactions(due, done, fates),
        [note(5002, "broker-1", subject="worker-1")],
        faults=[KILL, ("kill-worker", "worker-1", 5000)],
        duration_ms=8000,
    )
    assert first.harmed == Fates(unknown=4)
    assert second.harmed == Fates(unknown=12)
    assert (first.detected_ms, second.detected_ms) == (None, 2)


def test_a_step_without_faults_has_none_to_recover_from():
    assert recover(transactions(*steady()), faults=()) == []


def burst(rows, healed_ms, part="load"):
    played = step(rows, faults=[("storm-load", part, FAULT_MS)])
    [fault] = played.episode.faults
    episode = replace(played.episode, faults=(replace(fault, healed_ns=ns(healed_ms)),))
    return recoveries(played._replace(episode=episode), (), PARTS)


def test_a_burst_is_not_over_while_its_queues_fill():
    rows = outage(3100, 4000)
    (found,) = burst(rows, 4000)
    assert found.recovered_ms == pytest.approx(4010 + 100 - FAULT_MS, abs=1)
    (of_a_part,) = burst(rows, 4000, part="worker-3")
    assert of_a_part.recovered_ms == 0


def test_a_burst_that_leaves_no_mark_on_goodput_is_recovered_at_once():
    (found,) = burst(transactions(*steady()), 4000)
    assert found.recovered_ms == 0
