"""The definitions of recovery, each on a recording whose answer is known by construction."""

import numpy as np
import pytest
from msgspec.structs import replace

from bench.analysis.absences import Absence
from bench.analysis.recovery import Mark, recoveries
from bench.ledger import Fates
from tests.bench.analysis.steps import ns, steady, step, transactions

FAULT_MS = 2000
KILL = ("kill-worker", "worker-3", FAULT_MS)
PARTS = ("broker-1", "worker-1", "worker-3", "worker-30", "front-1")


def recover(rows, marks=(), faults=(KILL,), away=(), **changes):
    return recoveries(step(rows, faults=faults, **changes), marks, PARTS, away)


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
    assert found.unjudged == "no baseline"


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


def test_whoever_is_hit_later_is_what_is_noticed_too_and_notices_nothing_itself():
    rows = step(transactions(*steady()), faults=[KILL])
    (fault,) = rows.faults
    rolling = replace(fault, others=("worker-1",))
    marks = [
        note(2001, "worker-1"),
        note(2002, "front-1", subject="worker-30"),
        note(2003, "front-1", subject="worker-1"),
    ]
    (found,) = recoveries(rows._replace(episode=replace(rows.episode, faults=(rolling,))), marks, PARTS)
    assert found.detected_ms == 3


@pytest.mark.parametrize("kind", ["partition", "isolate", "reset", "delay"])
def test_a_part_that_was_cut_off_is_well_and_notices_that_its_peers_are_lost(kind):
    marks = [note(2001, "worker-1", subject="worker-30"), note(2004, "front-1", subject="worker-1")]
    (found,) = recover(transactions(*steady()), marks, faults=[(f"{kind}-front", "front-1", FAULT_MS, 3000)])
    assert (found.detected_ms, found.detected_by) == (4, "front-1")


@pytest.mark.parametrize("kind", ["pause", "wedge", "slow", "kill", "rolling-restart"])
def test_a_part_that_is_not_well_itself_notices_nothing(kind):
    marks = [note(2004, "front-1", subject="worker-1"), note(2005, "front-1", "failover", "t-17")]
    (found,) = recover(transactions(*steady()), marks, faults=[(f"{kind}-front", "front-1", FAULT_MS, 3000)])
    assert (found.detected_ms, found.detected_by) == (None, "")


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


# --- backlog, healing, and who comes back --------------------------------------------------------------------


def test_the_backlog_is_drained_when_the_last_of_it_has_ended():
    due, done = steady()
    # Away for 500 ms; then what waited comes back in the order in which it was due, twice as fast as it came.
    served = [
        max(to, 2500 + (at - 1990) / 2) if 1990 <= at < 3000 else to for at, to in zip(due, done, strict=True)
    ]
    (found,) = recover(transactions(due, served))
    assert found.drained_ms == pytest.approx(1000, abs=10)
    assert found.recovered_ms == pytest.approx(found.drained_ms + 100, abs=20)


def test_a_few_stuck_transactions_are_a_backlog_that_goodput_does_not_show():
    due, _ = steady(until_ms=8000)
    takes = np.random.default_rng(1).uniform(2, 18, len(due))
    done = [at + float(more) for at, more in zip(due, takes, strict=True)]
    for number in range(12):  # one of the forty in a window, and later one too many in as few
        done[due.index(2100 + 150 * number)] = 5000 + 150 * number
    (found,) = recover(transactions(due, done), duration_ms=8000)
    assert found.recovered_ms == 0
    assert 3000 < found.drained_ms < 4700


def test_nothing_waits_where_nothing_happened():
    (found,) = recover(transactions(*steady()))
    assert found.drained_ms == 0
    assert not found.left_again


def test_back_for_a_second_and_out_of_the_band_again_is_told():
    due, done = steady(until_ms=8000)
    late = [at + 300 if 0 <= at - FAULT_MS < 50 or 3000 <= at - FAULT_MS < 3200 else at for at in done]
    (found,) = recover(transactions(due, late), duration_ms=8000)
    assert found.recovered_ms < 600
    assert found.left_again


def test_after_a_healing_it_is_counted_anew():
    pause = ("pause-worker", "worker-3", FAULT_MS, 3000)
    (found,) = recover(outage(2000, 3100), faults=[pause])
    assert found.healed_ms == 1000
    assert found.recovered_ms == pytest.approx(1210, abs=1)
    assert found.after_healing_ms == pytest.approx(210, abs=1)


def test_who_was_back_before_the_healing_and_does_not_notice_it_has_nothing_to_recover_from():
    pause = ("pause-worker", "worker-3", FAULT_MS, 4000)
    (found,) = recover(outage(2000, 2300), faults=[pause])
    assert (found.healed_ms, found.after_healing_ms) == (2000, 0)


def test_nobody_heals_a_kill():
    (found,) = recover(transactions(*steady()))
    assert (found.healed_ms, found.after_healing_ms) == (None, None)


def test_the_part_hit_is_back_when_its_next_process_has_its_sockets_open():
    away = [
        Absence("worker-1", ns(2001), ns(2002), ns(2003)),
        Absence("worker-3", ns(1000), ns(1100), ns(1200)),
        Absence("worker-3", ns(2001), ns(2501), ns(2801)),
    ]
    (found,) = recover(transactions(*steady()), away=away)
    assert (found.returned_ms, found.cold_start_ms) == (801, 300)


def test_a_part_whose_restarts_crash_returns_with_the_one_that_does_not():
    crashing = [Absence("worker-3", ns(2001), ns(2501), 0), Absence("worker-3", ns(2520), ns(3020), 0)]
    away = [*crashing, Absence("worker-3", ns(3040), ns(3540), ns(3840))]
    (found,) = recover(transactions(*steady()), away=away)
    assert (found.returned_ms, found.cold_start_ms) == (1840, 300)
    (found,) = recover(transactions(*steady()), away=crashing)
    assert (found.returned_ms, found.cold_start_ms) == (None, None)


def test_attempts_are_those_of_the_transactions_touched_and_of_the_baseline():
    due, done = steady()
    again = [
        3 if FAULT_MS - 10 <= at < FAULT_MS + 10 else 1 for at in due
    ]  # also what is under way at the fault
    (found,) = recover(transactions(due, done, attempts=again))
    assert found.attempts_before == 1
    assert found.resent == 16
    assert found.attempts == pytest.approx(1 + 16 / found.touched)


# --- one fault after another -----------------------------------------------------------------------------------


def twice(second_ms, outages, until_ms=8000, first=KILL, **changes):
    due, done = steady(until_ms=until_ms)
    for begin, end in outages:
        done = [end + 10 if begin <= to and at < end else to for at, to in zip(due, done, strict=True)]
    faults = [first, ("kill-worker", "worker-1", second_ms)]
    return recover(transactions(due, done), faults=faults, duration_ms=until_ms, **changes)


def test_a_later_fault_is_held_against_what_was_quiet_before_it():
    first, second = twice(5000, [(2000, 2300), (5000, 5600)])
    assert (first.unjudged, second.unjudged) == ("", "")
    assert first.recovered_ms == pytest.approx(410, abs=1)
    assert second.recovered_ms == pytest.approx(710, abs=1)
    assert second.band[1] == 1  # without the burst in which the first outage was worked off


def test_a_fault_before_the_one_before_it_is_over_for_a_second_is_not_judged():
    first, second = twice(3200, [(2000, 2300)])
    assert (first.unjudged, first.recovered_ms) == ("", None)  # not for a second
    assert second.unjudged == "unsettled"
    assert (second.recovered_ms, second.drained_ms, second.goodput_lost, second.band) == (None,) * 4


def test_nor_one_before_the_part_that_was_hit_is_back():
    away = [Absence("worker-3", ns(2001), ns(3500), ns(4500))]
    _, second = twice(5000, [], away=away)
    assert second.unjudged == "unsettled"
    _, second = twice(5600, [], away=away)
    assert second.unjudged == ""
    crashed = [Absence("worker-3", ns(2001), ns(2100), 0), Absence("worker-3", ns(2110), ns(3500), ns(4500))]
    _, second = twice(5600, [], away=crashed)
    assert not second.unjudged
    never = [Absence("worker-3", ns(2001), 0, 0)]
    _, second = twice(5600, [], away=never)
    assert second.unjudged == "unsettled"


def test_nor_one_before_the_healing_of_the_one_before_it():
    pause = ("pause-worker", "worker-3", FAULT_MS, 4500)
    _, second = twice(5000, [], first=pause)
    assert second.unjudged == "unsettled"
    _, second = twice(5600, [], first=pause)
    assert second.unjudged == ""


def test_judging_goes_on_after_a_fault_that_was_not_judged():
    due, done = steady(until_ms=9000)
    kills = [("kill-worker", "worker-1", at) for at in (2000, 2500, 6000)]
    found = recover(transactions(due, done), faults=kills, duration_ms=9000)
    assert [each.unjudged for each in found] == ["too short", "unsettled", ""]


def test_less_than_a_second_after_a_fault_is_too_short_to_see_anything_come_back():
    (found,) = recover(transactions(*steady()), faults=[("kill-worker", "worker-3", 5500)])
    assert found.unjudged == "too short"
    assert found.recovered_ms is None


def test_what_is_under_way_at_the_next_fault_is_the_next_ones():
    due, done = steady(until_ms=8000)
    fates = ["completed"] * len(due)
    at = due.index(4000)
    done[at], fates[at] = 5500, "unknown"
    first, second = recover(
        transactions(due, done, fates),
        faults=[KILL, ("kill-worker", "worker-1", 5000)],
        duration_ms=8000,
    )
    assert (first.harmed, second.harmed) == (Fates(), Fates(unknown=1))
    assert first.last_failure_ms is None
