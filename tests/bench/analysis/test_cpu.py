import numpy as np
import pytest

from bench.analysis.cpu import Cost, Part, cost, over_steps, parts, total
from bench.analysis.recording import key_of
from tests.bench.analysis.steps import ns, steady, step, transactions
from tests.bench.facts import EPISODE, Facts, S


def watched(role, cpu_s_per_s, begin_ms=-1000, end_ms=6000):
    t_ms = np.arange(begin_ms, end_ms + 1, 100.0)
    return Part(role, np.array([ns(at) for at in t_ms]), (t_ms - begin_ms) / 1e3 * cpu_s_per_s)


def test_a_transaction_costs_what_its_role_used_over_what_was_completed():
    played = step(transactions(*steady()), duration_ms=6000)  # 400/s
    found = cost(played, [watched("worker", 0.1), watched("worker", 0.3), watched("front", 0.2)])
    assert found.per_transaction() == pytest.approx({"worker": 1000, "front": 500})


def test_only_the_measured_part_counts():
    busy_in_warmup = watched("front", 0.2)
    busy_in_warmup.cpu_s[busy_in_warmup.t_ns >= ns(-500)] += 9.0
    played = step(transactions(*steady()), duration_ms=6000)
    assert cost(played, [busy_in_warmup]).per_transaction() == pytest.approx({"front": 500})


def test_a_part_that_was_not_watched_all_along_is_left_out():
    played = step(transactions(*steady()), duration_ms=6000)
    assert cost(played, [watched("front", 0.2, end_ms=5000)]).cpu_us == {}


def test_where_nothing_was_completed_nothing_costs():
    assert Cost({"front": 100.0}, 0).per_transaction() == {}


def test_costs_add_up():
    assert total([Cost({"front": 1.0}, 2), Cost({"front": 2.0, "broker": 5.0}, 3)]) == Cost(
        {"front": 3.0, "broker": 5.0}, 5
    )


def test_over_trials_each_role_and_all_together():
    steps = [step(transactions(*steady()), trial=trial) for trial in (1, 2)]
    found = over_steps(
        steps,
        {
            key_of(steps[0].episode): [watched("front", 0.2), watched("load", 0.9)],
            key_of(steps[1].episode): [watched("front", 0.4), watched("load", 0.9)],
        },
        ("front", "broker"),
    )
    assert list(found.by_role) == ["front"]
    assert (found.by_role["front"].low, found.by_role["front"].high) == pytest.approx((500, 1000))
    assert found.together == found.by_role["front"]


def test_samples_are_read_by_part():
    facts = Facts()
    facts.sample(2 * S, "front-1", "cpu_s", 0.2)
    facts.sample(1 * S, "front-1", "cpu_s", 0.1)
    facts.sample(1 * S, "front-1", "rss_bytes", 1e7)
    facts.sample(1 * S, "worker-1", "cpu_s", 0.5)
    found = parts(facts.database())[EPISODE]
    assert [(part.role, part.cpu_s.tolist()) for part in found] == [("front", [0.1, 0.2]), ("worker", [0.5])]
