import pytest

from bench.analysis.throughput import capacity, completed_per_s, ladder
from bench.phases import Closed
from tests.bench.analysis.steps import step, transactions

USERS_4 = Closed(name="capacity", concurrency=(4,), duration_s=1)
USERS_8 = Closed(name="capacity", concurrency=(8,), duration_s=1)


def closed(count, phase=USERS_4, trial=1):
    """``count`` transactions done within the measured second."""
    done = [1000 * (place + 0.5) / count for place in range(count)]
    return step(transactions([at - 1 for at in done], done), duration_ms=1000, phase=phase, trial=trial)


def test_what_is_done_within_the_measured_part_counts():
    rows = transactions([-5, -5, 990, 500], [-1, 5, 1001, 510])
    assert completed_per_s(step(rows, duration_ms=1000, phase=USERS_4)) == 2


def test_only_what_was_completed_counts():
    rows = transactions([1, 2], [5, 6], ["completed", "unknown"])
    assert completed_per_s(step(rows, duration_ms=1000, phase=USERS_4)) == 1


def test_a_stall_at_the_end_counts_as_time():
    rows = transactions([1, 2], [5, 6])
    assert completed_per_s(step(rows, duration_ms=10_000, phase=USERS_4)) == pytest.approx(0.2)


def test_the_ladder_has_a_rung_for_each_concurrency_over_trials():
    steps = [closed(100), closed(120, trial=2), closed(200, USERS_8), closed(180, USERS_8, trial=2)]
    assert [
        (rung.concurrency, rung.completed_per_s.median, rung.completed_per_s.n) for rung in ladder(steps)
    ] == [
        (4, 110, 2),
        (8, 190, 2),
    ]


def test_capacity_is_what_each_trial_did_with_as_many_users_as_are_best_for_all():
    steps = [closed(100), closed(90, USERS_8), closed(70, trial=2), closed(120, USERS_8, trial=2)]
    found = capacity(steps)
    assert found is not None
    assert (found.median, found.low, found.high, found.n) == (105, 90, 120, 2)


def test_without_a_closed_loop_there_is_no_capacity():
    assert capacity([step(transactions([1], [2]))]) is None
    assert ladder([step(transactions([1], [2]))]) == []
