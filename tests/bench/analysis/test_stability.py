"""Stable or not, on recordings of queues whose limit is known: made with the luck of the draw, and without."""

import heapq

import numpy as np
import pytest
from msgspec.structs import replace

from bench.analysis.stability import UNSERVED_MAX, judge, slowed
from bench.faults.kill import Kill
from bench.faults.slow import Slow
from bench.run_record import Injected
from bench.scenario import Open
from bench.statistics import Estimate
from common.topology import Part, Plan
from tests.bench.analysis.steps import ns, steady, step, transactions

WORKERS = 8
TIMES = 5.0
OCCUPANCY_MS = 11.5
FAULT_MS = (200.0, 5700.0)
NOMINAL_PER_S = WORKERS / OCCUPANCY_MS * 1e3


def queue(policy, load, seed, timeout_ms=5000.0, poisson=False):
    """Eight exponential workers, of which one is slow during the fault, behind one queue or dealt to in turn."""
    generator = np.random.default_rng(seed)
    every_ms = 1e3 / (load * NOMINAL_PER_S)
    count = round(7000 / every_ms)
    gaps = generator.exponential(every_ms, count) if poisson else np.full(count, every_ms)
    due = (np.cumsum(gaps) - 1000).tolist()
    free = [(-1000.0, worker) for worker in range(WORKERS)]
    done = []
    for index, (at, occupancy) in enumerate(
        zip(due, generator.exponential(OCCUPANCY_MS, count), strict=True)
    ):
        place = index % WORKERS if policy == "in-turn" else 0
        free_at, worker = free[place]
        start = max(at, free_at)
        slow = worker == 0 and FAULT_MS[0] <= start < FAULT_MS[1]
        end = (start + occupancy * (TIMES if slow else 1)).item()
        if policy == "in-turn":
            free[place] = (end, worker)
        else:
            heapq.heapreplace(free, (end, worker))
        done.append(end)
    fates = ["completed" if end - at <= timeout_ms else "unknown" for at, end in zip(due, done, strict=True)]
    return transactions(due, [min(at + timeout_ms, end) for at, end in zip(due, done, strict=True)], fates)


def unserved(rows, begin_ms=FAULT_MS[0], end_ms=FAULT_MS[1]):
    return judge(rows, ns(begin_ms), ns(end_ms)).unserved


def over_seeds(policy, load, **changes):
    return np.array([unserved(queue(policy, load, seed, **changes)) for seed in range(20)])


@pytest.mark.parametrize(
    ("policy", "load"), [("in-turn", 0.1), ("in-turn", 0.15), ("when-free", 0.15), ("when-free", 0.8)]
)
def test_a_queue_below_its_limit_is_stable_however_it_fluctuates(policy, load):
    shares = over_seeds(policy, load)
    assert np.count_nonzero(shares < UNSERVED_MAX) >= 19
    assert np.median(shares) < UNSERVED_MAX / 2


@pytest.mark.parametrize(
    ("policy", "load"), [("in-turn", 0.3), ("in-turn", 0.8), ("when-free", 0.95), ("when-free", 1.1)]
)
def test_a_queue_above_its_limit_is_not(policy, load):
    assert np.count_nonzero(over_seeds(policy, load) >= UNSERVED_MAX) >= 19


def test_the_share_not_served_is_what_goes_beyond_the_limit():
    assert np.median(over_seeds("when-free", 1.1)) == pytest.approx(1 - 0.9 / 1.1, abs=0.02)
    assert np.median(over_seeds("in-turn", 0.3)) == pytest.approx((1 - 0.2 / 0.3) / WORKERS, abs=0.01)


def test_with_poisson_arrivals_the_median_still_tells():
    assert np.median(over_seeds("when-free", 0.8, poisson=True)) < UNSERVED_MAX
    assert np.median(over_seeds("in-turn", 0.3, poisson=True)) > UNSERVED_MAX


def test_a_time_out_does_not_make_a_growing_queue_look_short():
    patient, hasty = (over_seeds("in-turn", 0.5, timeout_ms=ms) for ms in (60_000.0, 500.0))
    assert np.count_nonzero(hasty >= UNSERVED_MAX) == 20
    assert np.median(hasty) == pytest.approx(np.median(patient), abs=0.05)


def test_what_the_service_says_no_to_is_served():
    due, done = steady()
    assert unserved(transactions(due, done, "failed")) == pytest.approx(0, abs=1e-3)


def test_what_is_rejected_is_not_served():
    due, done = steady()
    assert unserved(transactions(due, done, "rejected")) == pytest.approx(1, abs=0.01)


def test_a_high_but_steady_level_is_stable():
    assert unserved(transactions(*steady(takes_ms=900))) == pytest.approx(0, abs=1e-3)


def test_where_too_little_was_recorded_nothing_is_known():
    rows = transactions(*steady())
    assert unserved(rows, 200, 2700) is None
    assert unserved(rows, 10_000, 16_000) is None


# --- a phase over trials -------------------------------------------------------------------------------------

PLAN = Plan("direct", tuple(Part("worker", f"worker-{n}", ()) for n in range(1, 9)), "in-turn")


def phase(*faults):
    faults = faults or (Slow(role="worker", at_s=0.2, for_s=5.5, times=TIMES),)
    return Open(name="slow", duration_s=6, warmup_s=1, loads=(0.15, 0.3), faults=faults)


def played(policy, load, trial, *faults):
    whole = step(queue(policy, load, trial), phase=phase(*faults), trial=trial)
    name = f"{load:g}"
    fault = Injected("slow-worker", name, "worker-3", ns(200), ns(200), "seen", ns(5700))
    return whole._replace(
        played=replace(whole.played, name=name, load=load), episode=replace(whole.episode, faults=(fault,))
    )


def told(policy, loads, plan=PLAN, reference=700.0):
    steps = [played(policy, load, trial) for trial in (1, 2, 3) for load in loads]
    (found,) = slowed(steps, plan, reference)
    return found


def test_the_loads_bracket_the_limit():
    found = told("in-turn", (0.3, 0.15))
    assert (found.phase, found.times, found.workers, found.predicted) == ("slow", 5, 8, 0.2)
    assert [each.load for each in found.loads] == [0.15, 0.3]
    assert (found.largest_stable, found.smallest_unstable, found.as_predicted) == (0.15, 0.3, True)
    assert [each.unserved.n for each in found.loads] == [3, 3]
    assert found.loads[0].n == pytest.approx(3 * 0.15 * NOMINAL_PER_S * 5.5 * 0.75, rel=0.01)


def test_a_topology_that_behaves_otherwise_is_told():
    assert told("when-free", (0.15, 0.3)).as_predicted is False
    assert told("in-turn", (0.15, 0.3), replace(PLAN, policy="when-free")).as_predicted is None


def test_loads_on_one_side_of_the_limit_prove_nothing():
    found = told("in-turn", (0.1, 0.15))
    assert (found.as_predicted, found.largest_stable, found.smallest_unstable) == (None, 0.15, None)


def test_without_a_policy_it_is_measured_and_not_predicted():
    found = told("in-turn", (0.15, 0.3), replace(PLAN, policy=None))
    assert (found.predicted, found.as_predicted) == (None, None)
    assert (found.largest_stable, found.smallest_unstable) == (0.15, 0.3)


def test_without_a_nominal_load_or_with_another_fault_as_well_nothing_is_told():
    assert slowed([played("in-turn", 0.3, 1)], PLAN, None) == []
    kill = Kill(role="worker", at_s=1)
    assert slowed([played("in-turn", 0.3, 1, kill)], PLAN, 700) == []
    assert slowed([played("in-turn", 0.3, 1, *phase().faults, kill)], PLAN, 700) == []


def test_a_median_decides_and_none_is_not_known():
    found = told("in-turn", (0.15, 0.3)).loads[0]
    assert found._replace(unserved=Estimate(0.011, 0.0, 0.02, 3)).stable is False
    assert found._replace(unserved=Estimate(0.009, 0.0, 0.02, 3)).stable is True
    assert found._replace(unserved=None).stable is None
