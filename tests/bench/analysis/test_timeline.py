import numpy as np
import pytest

from bench.analysis.timeline import overlay
from tests.bench.analysis.steps import steady, step, transactions

KILL = ("kill-worker", "worker-3", 2000.0)


def event(fates="completed", due_done=None, faults=(KILL,), **changes):
    due, done = due_done or steady()
    played = step(transactions(due, done, fates), faults=faults, **changes)
    return played, played.faults[0], played.fault_ends_ns[0]


def test_faults_are_laid_over_each_other_by_their_instant():
    due, _ = steady()
    early = event(["unknown" if 2000 <= at < 2100 else "completed" for at in due])
    late = event(
        ["unknown" if 3000 <= at < 3100 else "completed" for at in due],
        faults=[("kill-worker", "worker-1", 3000)],
    )
    found = overlay([early, late])
    assert found is not None
    assert found.n == 2
    assert found.failures["unknown"][found.failure_t_s == 0] == pytest.approx([40])
    assert found.failures["unknown"].sum() == pytest.approx(40)
    assert found.failures["rejected"].sum() == 0


def test_goodput_of_all_is_between_the_extremes_of_the_trials():
    due, _ = steady()
    found = overlay([event(["unknown" if 2000 <= at < 2500 else "completed" for at in due]), event()])
    assert found is not None
    at = np.flatnonzero(np.isclose(found.t_s, 0.3))[0]
    assert (found.goodput_low[at], found.goodput[at], found.goodput_high[at]) == pytest.approx((0, 0.5, 1))


def test_latency_belongs_to_the_instant_at_which_it_was_due():
    due, done = steady()
    found = overlay([event(due_done=(due, [at + 300 if 2000 <= at - 10 < 2200 else at for at in done]))])
    assert found is not None
    assert found.p50_ms[np.isclose(found.latency_t_s, 0.1)] == pytest.approx([310])
    assert found.p50_ms[np.isclose(found.latency_t_s, 0.3)] == pytest.approx([10])


def test_a_percentile_among_the_unanswered_is_a_gap():
    due, _ = steady()
    found = overlay([event(["unknown" if 2000 <= at < 2010 else "completed" for at in due])])
    assert found is not None
    here = np.isclose(found.latency_t_s, 0.1)
    assert np.isnan(found.p99_ms[here]).all()
    assert found.p50_ms[here] == pytest.approx([10])


def test_it_ends_where_the_shortest_span_does():
    short = event(duration_ms=4000, due_done=steady(4000))
    found = overlay([event(), short])
    assert found is not None
    assert found.t_s[-1] == pytest.approx(1.99)
    assert found.t_s[0] == pytest.approx(-0.9)


def test_of_no_faults_there_is_no_timeline():
    assert overlay([]) is None


def test_faults_due_at_one_instant_are_one_blow_and_none_ends_the_other_s_span():
    played = step(transactions(*steady()), faults=[KILL, ("kill-worker", "worker-5", 2000.0)])
    assert played.fault_ends_ns == [played.played.end_ns] * 2
    found = overlay([(played, *pair) for pair in zip(played.faults, played.fault_ends_ns, strict=True)])
    assert found is not None
    assert found.t_s.max() == pytest.approx(4, abs=0.02)


@pytest.mark.parametrize("next_at_ms", [-940.0, -895.0])
def test_a_fault_that_the_next_one_follows_at_once_has_no_timeline(next_at_ms):
    """Right at the begin of a step, so that nothing is recorded before it either."""
    faults = [("kill-worker", "worker-1", -990.0), ("kill-broker", "broker-1", next_at_ms)]
    assert overlay([event(faults=faults)]) is None
