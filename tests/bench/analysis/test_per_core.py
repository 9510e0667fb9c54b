import pytest
from msgspec.structs import replace

from bench.analysis.per_core import best, yields
from bench.analysis.recording import key_of
from bench.errors import BadInput
from bench.scenario_file import load
from tests.bench.analysis.steps import steady, step, transactions
from tests.bench.analysis.test_cpu import watched

ROLES = ("broker", "worker", "front")


def at(load, takes_ms, *, every_ms=2.5, answered=True, trial=1):
    due, done = steady(every_ms=every_ms, takes_ms=takes_ms)
    played = step(transactions(due, done, "completed" if answered else "unknown"), trial=trial)
    return played._replace(
        played=replace(played.played, name=f"{load:g}", load=load, rate_per_s=1000 / every_ms)
    )


def parts_of(steps, *parts):
    return {key_of(each.episode): list(parts) for each in steps}


def test_goodput_per_core_counts_all_parts_of_the_deployment_and_not_the_load():
    steps = [at(0.5, 10)]
    watch = parts_of(steps, watched("front", 0.2), watched("broker", 0.3), watched("load", 0.9))
    (found,) = yields(steps, watch, ROLES)
    assert found.per_s.median == pytest.approx(400)
    assert found.cores.median == pytest.approx(0.5)
    assert found.per_cpu_s.median == pytest.approx(800)


def test_the_best_is_the_largest_goodput_that_is_fast_enough():
    steps = [at(0.8, 90, every_ms=1.5), at(0.3, 10, every_ms=4), at(0.5, 40)]
    found = yields(steps, parts_of(steps, watched("front", 0.2)), ROLES)
    assert [each.key for each in found] == ["0.3", "0.5", "0.8"]
    assert best(found, 50).key == "0.5"
    assert best(found, 100).key == "0.8"
    assert best(found, 5) is None
    assert best(found, None) is None


def test_a_load_whose_p99_is_among_the_unanswered_is_not_fast():
    steps = [at(0.5, 10, answered=False)]
    found = yields(steps, parts_of(steps, watched("front", 0.2)), ROLES)
    assert not any(each.meets(1e9) for each in found)


def test_a_part_that_was_not_watched_all_along_leaves_its_trial_without_a_figure():
    steps = [at(0.5, 10), at(0.5, 10, trial=2)]
    watch = {
        key_of(steps[0].episode): [watched("front", 0.2), watched("broker", 0.3, end_ms=4000)],
        key_of(steps[1].episode): [watched("front", 0.2)],
    }
    (found,) = yields(steps, watch, ROLES)
    assert found.per_cpu_s.n == 1
    assert yields(steps[:1], watch, ROLES) == []


def test_without_a_target_ten_service_times_are_the_target():
    assert load("quick", []).p99_target_ms == 100
    assert load("quick", ["report.p99_target_ms=30"]).p99_target_ms == 30
    assert load("quick", ["service.mean_ms=0"]).p99_target_ms is None


def test_a_target_must_be_above_0():
    with pytest.raises(BadInput, match="p99_target_ms must be above 0 and at most 3600000 ms, got -1"):
        load("quick", ["report.p99_target_ms=-1"])
