"""A stall of a second, told by both loads from the records of the very same behaviour."""

import numpy as np
import pytest

from bench.analysis.omission import READINGS, omissions
from bench.faults.pause import Pause
from bench.phases import Open, Paced
from tests.bench.analysis.steps import step, transactions

PAUSE = Pause(role="front", which=1, at_s=2.0, for_s=1.0)
OPEN = Open(name="open", duration_s=6, loads=(0.5,), arrivals="constant", faults=(PAUSE,))
CLOSED = Paced(name="closed", users=8, duration_s=6, loads=(0.5,), faults=(PAUSE,))


def answered(sent_ms):
    """Everything takes 10 ms, and what meets the stall waits for its end."""
    return np.where((sent_ms > 1990) & (sent_ms < 3000), 3000.0, sent_ms) + 10


def opened(trial=1, lag_ms=0.0):
    due = np.arange(-1000, 6000, 2.5)
    rows = transactions(due.tolist(), answered(due + lag_ms).tolist())
    return step(rows._replace(sent_ns=rows.sent_ns + int(lag_ms * 1e6)), phase=OPEN, trial=trial)


def closed(phase=CLOSED, trial=1):
    """Eight users of a period of 20 ms, who lose their turns in the stall."""
    due = []
    for user in range(8):
        at = -1000 + user * 2.5
        while at < 6000:
            due.append(at)
            at = max(at + 20, float(answered(np.array(at))))
    return step(transactions(due, answered(np.array(due)).tolist()), phase=phase, trial=trial)


def test_the_load_that_waits_misses_most_of_the_stall():
    (found,) = omissions([opened(), closed()])
    scheduled, sent, waiting = found.readings
    assert [each.name for each in found.readings] == list(READINGS)
    assert scheduled.n == 2400
    assert waiting.n == pytest.approx(2400 - 8 * 50, abs=8)  # each user lost a second's turns
    # A second at 400/s was held up, of six: and of the other load one transaction a user.
    assert scheduled.above.median == pytest.approx(400 / 2400, abs=0.01)
    assert waiting.above.median == pytest.approx(8 / waiting.n)
    assert scheduled.p99_ms.median == pytest.approx(950, abs=10)
    assert waiting.p99_ms.median == 10
    assert sent.p99_ms == scheduled.p99_ms
    assert (found.key, found.load, found.users) == ("pause-front", "0.5", 8)


def test_what_the_generator_held_back_is_what_scheduled_and_sent_differ_by():
    (found,) = omissions([opened(lag_ms=4), closed()])
    scheduled, sent, _ = found.readings
    assert scheduled.p50_ms.median - sent.p50_ms.median == pytest.approx(4)


def test_figures_are_over_trials():
    (found,) = omissions([opened(), opened(trial=2), closed(), closed(trial=2)])
    assert all(each.p50_ms.n == 2 for each in found.readings)


def test_without_a_twin_there_is_nothing_to_show():
    other = Pause(role="worker", which=1, at_s=2.0, for_s=1.0)
    assert omissions([opened()]) == []
    assert omissions([closed()]) == []
    assert (
        omissions(
            [opened(), closed(Paced(name="closed", users=8, duration_s=6, loads=(0.5,), faults=(other,)))]
        )
        == []
    )


def test_a_paced_step_shows_neither_recovery_nor_capacity_nor_steady_latency():
    played = closed()
    assert (played.faults, played.closed, played.steady) == ([], False, False)
