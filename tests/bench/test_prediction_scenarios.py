"""The scenarios that hold a prediction against a measurement ask for loads that can tell."""

import pytest

from bench.analysis.predictions import stable_below
from bench.dry_run import describe
from bench.faults.absent import Absent
from bench.faults.slow import Slow
from bench.registry import topology
from bench.runner import order_of
from bench.scenario_file import load


def policy(name, scenario):
    return topology(name).plan(scenario.deployment, scenario.settings, lambda name: f"inproc://{name}").policy


@pytest.mark.parametrize("name", ["slow-worker", "absent"])
def test_every_topology_plays_every_phase(name):
    scenario = load(name)
    order = order_of(scenario)
    assert order.skipped == ()
    assert len(order.turns) == len(scenario.phases) * len(scenario.topologies) * scenario.trials
    assert "duration:" in describe(scenario)


def test_they_take_less_than_six_and_less_than_two_minutes():
    assert order_of(load("slow-worker")).seconds < 6 * 60
    assert order_of(load("absent")).seconds < 2 * 60


def test_the_loads_lie_on_both_sides_of_every_limit():
    scenario = load("slow-worker")
    phase = scenario.phase("slow")
    (fault,) = phase.faults
    assert isinstance(fault, Slow)
    for name in scenario.topologies:
        limit = stable_below(policy(name, scenario), scenario.deployment.workers, fault.times)
        assert limit is not None
        assert min(phase.loads) < limit < max(phase.loads)
        assert all(abs(load / limit - 1) > 0.05 for load in phase.loads), "too near to tell"


def test_what_is_stuck_can_be_completed_once_its_worker_is_started():
    scenario = load("absent")
    for number, phase in enumerate(scenario.phases, start=1):
        assert all(isinstance(fault, Absent) for fault in phase.faults)
        assert len({fault.which for fault in phase.faults}) == number
        assert scenario.timeout_s > 2 * (phase.warmup_s + max(fault.end_s for fault in phase.faults))
